"""Measures recall and false accusations on an issuer's own logs and its services' receipts, in bulk.

    python -m bench estate            100,000 mints and acceptances, 1 to 10,000 forged
    python -m bench estate --quick    a tenth of each

Ledger and log of custody are real ones (their checkpoints kept elsewhere, their exports); receipts are in their own
form. Five attackers take turns: a thief of the key, an insider who has custody sign, one who copies ids of genuine
tokens, one who writes counterfoils into the ledger, and one who renews forged tokens. Each row hunts in the logs and
holds every verdict, and the diagnosis of each convicted token, against what was planted.
"""

from __future__ import annotations

# ruff: noqa: S106, S311  # a class of tokens is no password; chance that is seeded is for no secret
import argparse
import random
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from counterfoil import app
from counterfoil.config import HuntSettings
from counterfoil.custody import audit
from counterfoil.mint.ledger import FileLedger
from counterfoil.model.counterfoil import CUSTODY_SCHEMA, LEDGER_SCHEMA, Counterfoil, Grant
from counterfoil.model.diagnosis import Diagnosis
from counterfoil.model.receipt import ACCEPTED, Receipt, Signature
from counterfoil.model.verdict import ACCUSING
from counterfoil.tlog import exported
from counterfoil.tlog.filelog import open_log
from counterfoil.tlog.stored import InFolder
from counterfoil.tokens.pseudonym import SubjectKey

START = datetime(2026, 6, 1, tzinfo=UTC)
BEGIN = START - timedelta(days=2)  # longer ago than any token can have been issued of which nothing but its id is known
STEP = timedelta(milliseconds=500)
LIFE = timedelta(hours=1)
SUBJECTS = SubjectKey("bench", bytes(range(32)))
ISSUER, KID, AUDIENCE = "https://login.example", "k1", "api://mail"
PEOPLE = 500
WRITERS = 64  # one durable write carries what all of them wait for
FORGED = 10_000
LEDGER, CUSTODY, RECEIPTS = "ledger.jsonl", "custody.jsonl", "receipts.jsonl"
COLUMNS = (
    "mints", "receipts", "forged in receipts", "convicted", "cause told", "innocents accused", "minted", "uncovered",
    "recall",
)


class Kind(StrEnum):
    """How a token came to be."""

    GENUINE = "genuine"
    STOLEN = "made with a copy of the key"
    THROUGH = "signed through custody, past the mint"
    CLONED = "the id of a genuine token on other bytes, made with a copy of the key"
    ALTERED = "made with a copy of the key, its counterfoil written into the ledger"
    PARENT = "made with a copy of the key, and renewed"
    RENEWED = "renewed with a forged one"


# What a hunt must say where both logs are attested.
CAUSE = {
    Kind.STOLEN: Diagnosis.KEY_OUT, Kind.THROUGH: Diagnosis.THROUGH_CUSTODY, Kind.CLONED: Diagnosis.KEY_OUT,
    Kind.ALTERED: Diagnosis.LEDGER_ALTERED, Kind.PARENT: Diagnosis.KEY_OUT, Kind.RENEWED: Diagnosis.LAUNDERED,
}
IN_LEDGER = (Kind.GENUINE, Kind.ALTERED, Kind.RENEWED)
IN_CUSTODY = (Kind.GENUINE, Kind.THROUGH, Kind.RENEWED)


@dataclass(frozen=True)
class Token:
    """What logs and receipts tell of a token. `used`: when it was accepted; `parent`: the id it was renewed with."""

    jti: str
    issued: datetime
    used: datetime
    subject: str
    kind: Kind = Kind.GENUINE
    parent: str = ""

    @property
    def digest(self) -> str:
        """Stands for the digest of its signing input: another one for each token."""
        return sha256(f"{self.jti}/{self.kind}".encode()).hexdigest()


@dataclass(frozen=True)
class Bulk:
    """Exports of both logs, their keys, the checkpoints that another keeps, and all tokens."""

    folder: Path
    keys: tuple[str, ...]
    genuine: tuple[Token, ...]
    forged: tuple[Token, ...]

    @property
    def kept(self) -> tuple[Path, ...]:
        """Return the files of the checkpoints."""
        return self.folder / "kept-ledger", self.folder / "kept-custody"


def people() -> tuple[str, ...]:
    """Return pseudonyms."""
    return tuple(SUBJECTS.pseudonym(ISSUER, f"user-{place}") for place in range(PEOPLE))


def genuine(mints: int) -> tuple[Token, ...]:
    """Return so many tokens, issued one after the other and used within their life."""
    chance, known = random.Random(558), people()
    return tuple(
        Token(f"m-{place}", START + place * STEP, START + place * STEP + timedelta(seconds=chance.uniform(1, 3_000)),
              chance.choice(known))
        for place in range(mints)
    )


def forged(others: Sequence[Token], count: int) -> tuple[Token, ...]:
    """Return so many forged tokens of people there are, in the ledger's time: of each kind in turn."""
    chance, known = random.Random(count), people()
    whole = (len(others) * STEP).total_seconds()
    copied = iter(chance.sample(others, count // len(CAUSE) + 1))

    def made(place: int, kind: Kind) -> Token:
        if kind is Kind.CLONED:
            return replace(next(copied), kind=kind)
        # custody tells of a key's uses from when on it was made: the thief claims later times
        issued = (START + timedelta(seconds=chance.uniform(60, whole - 60))).replace(microsecond=0)
        used = issued + timedelta(seconds=chance.uniform(1, 3_000))
        return Token(f"f-{place}", issued, used, chance.choice(known), kind)

    tokens = [made(place, kind) for place, kind in zip(range(count), _turns(), strict=False)]
    for place, token in enumerate(tokens):
        if token.kind is Kind.RENEWED:  # right after the one that it was renewed with was first used
            parent = tokens[place - 1]
            at = parent.used + timedelta(seconds=5)
            tokens[place] = replace(token, issued=at, used=at + timedelta(seconds=30), subject=parent.subject,
                                    parent=parent.jti)
    return tuple(tokens)


def _turns() -> Iterator[Kind]:
    while True:
        yield from CAUSE


def built(folder: Path, mints: int) -> Bulk:
    """Write all that was minted, and what attackers left, into real logs, and export them."""
    others = genuine(mints)
    bad = forged(others, min(FORGED, mints // 10))
    entries = sorted([*others, *bad], key=lambda token: token.issued)
    end = max(token.used for token in entries) + LIFE
    first, last = (Token(name, at, at, people()[0]) for name, at in (("first", BEGIN), ("last", end)))
    with FileLedger.open(folder / "ledger", "ledger.example/bench") as ledger:
        ledger.record(_counterfoil(first))
        _at_once(ledger.record, (_counterfoil(token) for token in entries if token.kind in IN_LEDGER))
        ledger.record(_counterfoil(last))
        (folder / "kept-ledger").write_text(ledger.checkpoint().checkpoint.render())
        keys = [ledger.key.render()]
    log = open_log(folder / "custody", "custody.example/bench")
    log.append(audit.encode(_record(audit.Operation.CREATE, BEGIN)))

    def sign(token: Token) -> None:
        begun = log.append(audit.encode(_record(audit.Operation.SIGN, token.issued, token.digest)))
        log.append(audit.encode(_record(audit.Operation.SIGN, token.issued, of=begun)))

    sign(first)
    _at_once(sign, (token for token in entries if token.kind in IN_CUSTODY))
    sign(last)
    (folder / "kept-custody").write_text(log.publish().render())
    keys.append(log.key.render())
    log.close()
    for name, path, schema in ((LEDGER, "ledger", LEDGER_SCHEMA), (CUSTODY, "custody", CUSTODY_SCHEMA)):
        with (folder / name).open("wb") as file:
            exported.write(InFolder(folder / path), schema, file.write, end)
    return Bulk(folder, tuple(keys), others, bad)


def _at_once(do: Callable[[Any], object], what: Iterable[Any]) -> None:
    with ThreadPoolExecutor(WRITERS) as pool:
        for _ in pool.map(do, what):
            pass


def _record(op: audit.Operation, at: datetime, digest: str = "", of: int = -1) -> audit.Record:
    if of >= 0:  # the end of an operation repeats nothing of its beginning
        return audit.Record(v=audit.VERSION, time=at, op=op, result=audit.Result.DONE, of=of)
    begun = audit.Result.BEGUN if op is audit.Operation.SIGN else audit.Result.DONE
    return audit.Record(
        v=audit.VERSION, time=at, op=op, result=begun, principal="user:idp", key="idp", kid=KID, algorithm="ES256",
        digest=digest,
    )


def _counterfoil(token: Token) -> Counterfoil:
    renewed = token.kind is Kind.RENEWED
    return Counterfoil(
        time=token.issued, jti=token.jti, digest=token.digest, kid=KID, alg="ES256", typ="at+jwt", iss=ISSUER,
        aud=(AUDIENCE,), subject=token.subject, token_class="access", client="mail-client",
        iat=token.issued.replace(microsecond=0), exp=token.issued.replace(microsecond=0) + LIFE,
        grant=Grant.REFRESH if renewed else Grant.CODE, parents=(token.parent,) if renewed else (),
    )


def _receipt(token: Token, place: int) -> Receipt:
    issued = token.issued.replace(microsecond=0)
    return Receipt(
        time=token.used, rp="mail", outcome=ACCEPTED, signature=Signature.VERIFIED, kid=KID, alg="ES256", typ="at+jwt",
        iss=ISSUER, aud=(AUDIENCE,), subject=token.subject, token_class="access", client="mail-client", jti=token.jti,
        iat=issued, exp=issued + LIFE, digest=token.digest, emitter="bench", seq=place + 1,
    )


Change = Callable[[list[Receipt]], list[Receipt]]


def _shuffled(receipts: list[Receipt]) -> list[Receipt]:
    return random.Random(1).sample(receipts, len(receipts))


def _doubled(receipts: list[Receipt]) -> list[Receipt]:
    return [*receipts, *receipts]


def _halved(receipts: list[Receipt]) -> list[Receipt]:
    chance = random.Random(2)
    return [msgspec.structs.replace(each, sample=0.5) for each in receipts if chance.random() < 0.5]


@dataclass(frozen=True)
class Row:
    """One line of the table.

    `change`: what becomes of the receipts; `late`: they come in two hunts, and the logs in a third; `logs`: which are
    there; `cut`: of the ledger's export a sixth is missing; `kept`: for which logs another party keeps a checkpoint.
    """

    sentence: str
    count: int = 100
    change: Change = list
    late: bool = False
    logs: tuple[str, ...] = (LEDGER, CUSTODY)
    cut: bool = False
    kept: tuple[int, ...] = (0, 1)


ROWS = (
    *(Row(f"complete, {count:,} forged", count) for count in (1, 10, 100, 1_000, 10_000)),
    Row("receipts out of order", change=_shuffled),
    Row("every receipt twice", change=_doubled),
    Row("half of the receipts come a hunt later, the logs last", late=True),
    Row("half of the receipts sampled away", change=_halved),
    Row("no log of custody", logs=(LEDGER,)),
    Row("a sixth of the ledger's export is missing", cut=True),
    Row("the same without a log of custody", cut=True, logs=(LEDGER,)),
    Row("nobody keeps a checkpoint of the ledger", kept=(1,)),
    Row("nobody keeps a checkpoint of any log", kept=()),
)


def measure(bulk: Bulk, folder: Path, row: Row) -> tuple[object, ...]:
    """Return the values of COLUMNS for one row."""
    planted = bulk.forged[: row.count]
    uses = sorted([*bulk.genuine, *planted], key=lambda token: token.used)
    receipts = row.change([_receipt(token, place) for place, token in enumerate(uses)])
    told = HuntSettings(folder / "case", log_keys=bulk.keys, checkpoints=tuple(bulk.kept[place] for place in row.kept))
    for delivery in _deliveries(bulk, folder, row, receipts):
        app.hunt(list(map(str, delivery)), told, app.Silent())
    found = {
        str(digest): (str(verdict), diagnosis)
        for digest, verdict, diagnosis in app.sql(
            told.case, "SELECT signing_input_digest, verdict, diagnosis FROM tokens WHERE derived = ''"
        ).rows
    }
    seen = {receipt.digest for receipt in receipts}
    if found.keys() != seen:
        raise SystemExit("tokens and receipts do not match up")
    guilty = {token.digest: token for token in planted if token.digest in seen}
    accused = {digest for digest, (verdict, _) in found.items() if verdict in set(map(str, ACCUSING))}
    caught = accused & guilty.keys()
    caused = sum(found[digest][1] == CAUSE[guilty[digest].kind] for digest in caught)
    minted, uncovered = (sum(verdict == word for verdict, _ in found.values()) for word in ("minted", "uncovered"))
    return (
        f"{len(bulk.genuine):,}", f"{len(receipts):,}", f"{len(guilty):,}", f"{len(caught):,}", f"{caused:,}",
        len(accused - guilty.keys()), f"{minted:,}", f"{uncovered:,}", f"{len(caught) / len(guilty):.0%}",
    )


def _deliveries(bulk: Bulk, folder: Path, row: Row, receipts: Sequence[Receipt]) -> list[list[Path]]:
    """Write the files of a row; return them as they come, hunt by hunt."""
    middle = len(receipts) // 2
    parts = [receipts[:middle], receipts[middle:]] if row.late else [receipts]
    files = [folder / f"{place}-{RECEIPTS}" for place in range(len(parts))]
    for path, part in zip(files, parts, strict=True):
        path.write_bytes(b"".join(msgspec.json.encode(each) + b"\n" for each in part))
    logs = [folder / name for name in row.logs]
    for path in logs:
        lines = (bulk.folder / path.name).read_bytes().splitlines(keepends=True)
        cut = row.cut and path.name == LEDGER
        path.write_bytes(b"".join([*lines[: len(lines) // 3], *lines[len(lines) // 2 :]] if cut else lines))
    return [[files[0]], [files[1]], logs] if row.late else [[*files, *logs]]


def main(arguments: Sequence[str]) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the records")
    mints = 10_000 if parser.parse_args(arguments).quick else 100_000
    began = time.perf_counter()
    print(f"| evidence | {' | '.join(COLUMNS)} |")
    print(f"|---|{'---:|' * len(COLUMNS)}")
    with tempfile.TemporaryDirectory() as top:
        bulk = built(Path(top), mints)
        for row in ROWS:
            if row.count <= len(bulk.forged):
                with tempfile.TemporaryDirectory() as folder:
                    values = measure(bulk, Path(folder), row)
                print(f"| {row.sentence} | {' | '.join(map(str, values))} |", flush=True)
    print(f"\n{time.perf_counter() - began:.0f} s")
