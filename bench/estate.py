"""Measures recall and false accusations on an issuer's own ledger and its services' receipts, in bulk.

    python -m bench estate            100,000 mints and acceptances, 1 to 10,000 forged
    python -m bench estate --quick    a tenth of each

The ledger is a real one (its log, its checkpoint kept elsewhere, its export); receipts are in their own form. Each row
hunts in them and holds every verdict against what was planted.
"""

from __future__ import annotations

# ruff: noqa: S106, S311  # a class of tokens is no password; chance that is seeded is for no secret
import argparse
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import msgspec

from counterfoil import app
from counterfoil.config import HuntSettings
from counterfoil.mint.ledger import FileLedger
from counterfoil.model.counterfoil import LEDGER_SCHEMA, Counterfoil, Grant
from counterfoil.model.receipt import ACCEPTED, Receipt, Signature
from counterfoil.tlog import exported
from counterfoil.tlog.stored import InFolder
from counterfoil.tokens.pseudonym import SubjectKey

START = datetime(2026, 6, 1, tzinfo=UTC)
STEP = timedelta(milliseconds=500)
LIFE = timedelta(hours=1)
SUBJECTS = SubjectKey("bench", bytes(range(32)))
ISSUER, KID, AUDIENCE = "https://login.example", "k1", "api://mail"
PEOPLE = 500
WRITERS = 64  # one durable write carries what all of them wait for
COLUMNS = ("mints", "receipts", "forged in receipts", "convicted", "innocents accused", "minted", "uncovered", "recall")


@dataclass(frozen=True)
class Token:
    """What a ledger and receipts tell of a token. `used`: when it was accepted."""

    jti: str
    issued: datetime
    used: datetime
    subject: str
    forged: bool

    @property
    def digest(self) -> str:
        """Stands for the digest of its signing input: another one for each token."""
        return sha256(self.jti.encode()).hexdigest()


@dataclass(frozen=True)
class Bulk:
    """A ledger's export and key, the checkpoint that another keeps, and its tokens."""

    folder: Path
    key: str
    tokens: tuple[Token, ...]


def people() -> tuple[str, ...]:
    """Return pseudonyms."""
    return tuple(SUBJECTS.pseudonym(ISSUER, f"user-{place}") for place in range(PEOPLE))


def built(folder: Path, mints: int) -> Bulk:
    """Mint so many counterfoils into a real ledger, and export it."""
    chance, known = random.Random(558), people()
    tokens = tuple(
        Token(f"m-{place}", START + place * STEP, START + place * STEP + timedelta(seconds=chance.uniform(1, 3_000)),
              chance.choice(known), forged=False)
        for place in range(mints)
    )  # fmt: skip
    with FileLedger.open(folder / "ledger", "ledger.example/bench") as ledger:
        with ThreadPoolExecutor(WRITERS) as pool:
            list(pool.map(ledger.record, map(_counterfoil, tokens), chunksize=1))
        (folder / "kept").write_text(ledger.checkpoint().checkpoint.render())
        key = ledger.key.render()
    with (folder / "ledger.jsonl").open("wb") as file:
        exported.write(InFolder(folder / "ledger"), LEDGER_SCHEMA, file.write, START + mints * STEP)
    return Bulk(folder, key, tokens)


def forged(bulk: Bulk, count: int) -> list[Token]:
    """Return so many forged tokens of people there are, in the ledger's time."""
    chance, known = random.Random(count), people()
    whole = (len(bulk.tokens) * STEP).total_seconds()
    made = []
    for place in range(count):
        issued = START + timedelta(seconds=chance.uniform(60, whole - 60))
        used = issued + timedelta(seconds=chance.uniform(1, 3_000))
        made.append(Token(f"f-{place}", issued.replace(microsecond=0), used, chance.choice(known), forged=True))
    return made


def _counterfoil(token: Token) -> Counterfoil:
    return Counterfoil(
        time=token.issued, jti=token.jti, digest=token.digest, kid=KID, alg="ES256", typ="at+jwt", iss=ISSUER,
        aud=(AUDIENCE,), subject=token.subject, token_class="access", client="mail-client",
        iat=token.issued.replace(microsecond=0), exp=token.issued.replace(microsecond=0) + LIFE, grant=Grant.CODE,
    )  # fmt: skip


def _receipt(token: Token, place: int) -> Receipt:
    issued = token.issued.replace(microsecond=0)
    return Receipt(
        time=token.used, rp="mail", outcome=ACCEPTED, signature=Signature.VERIFIED, kid=KID, alg="ES256", typ="at+jwt",
        iss=ISSUER, aud=(AUDIENCE,), subject=token.subject, token_class="access", client="mail-client", jti=token.jti,
        iat=issued, exp=issued + LIFE, digest=token.digest, emitter="bench", seq=place + 1,
    )  # fmt: skip


Change = Callable[[list[Receipt]], list[Receipt]]


def _shuffled(receipts: list[Receipt]) -> list[Receipt]:
    return random.Random(1).sample(receipts, len(receipts))


def _doubled(receipts: list[Receipt]) -> list[Receipt]:
    return [*receipts, *receipts]


def _halved(receipts: list[Receipt]) -> list[Receipt]:
    chance = random.Random(2)
    return [msgspec.structs.replace(each, sample=0.5) for each in receipts if chance.random() < 0.5]


def _cut(lines: list[bytes]) -> list[bytes]:
    return lines[: len(lines) // 3] + lines[len(lines) // 2 :]


def rows(mints: int) -> Iterator[tuple[str, int, Change, bool, bool]]:
    """Yield sentence, forged, what becomes of receipts, whether the ledger is whole, whether a checkpoint is kept."""
    for count in (1, 10, 100, 1_000, 10_000):
        if count <= mints // 10:
            yield f"complete, {count:,} forged", count, list, True, True
    yield "receipts out of order", 100, _shuffled, True, True
    yield "every receipt twice", 100, _doubled, True, True
    yield "half of the receipts sampled away", 100, _halved, True, True
    yield "a sixth of the ledger's export is missing", 100, list, False, True
    yield "nobody keeps a checkpoint of the ledger", 100, list, True, False


def measure(
    bulk: Bulk, folder: Path, count: int, change: Change, *, whole: bool, kept: bool
) -> tuple[object, ...]:
    """Return the values of COLUMNS for one row."""
    planted = forged(bulk, count)
    uses = sorted([*bulk.tokens, *planted], key=lambda token: token.used)
    receipts = change([_receipt(token, place) for place, token in enumerate(uses)])
    (folder / "receipts.jsonl").write_bytes(b"".join(msgspec.json.encode(each) + b"\n" for each in receipts))
    lines = (bulk.folder / "ledger.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "ledger.jsonl").write_bytes(b"".join(lines if whole else _cut(lines)))
    told = HuntSettings(
        folder / "case", log_keys=(bulk.key,), checkpoints=(bulk.folder / "kept",) if kept else ()
    )  # fmt: skip
    app.hunt([str(folder / "receipts.jsonl"), str(folder / "ledger.jsonl")], told, app.Silent())
    found = app.sql(told.case, "SELECT token_id, verdict FROM tokens").rows
    accused = {str(name) for name, verdict in found if verdict in ("forged", "contradicted", "tainted")}
    seen = {receipt.jti for receipt in receipts}
    if {str(name) for name, _ in found} != seen:
        raise SystemExit("tokens and receipts do not match up")
    in_evidence = {token.jti for token in planted} & seen
    caught = accused & in_evidence
    minted, uncovered = (sum(verdict == word for _, verdict in found) for word in ("minted", "uncovered"))
    return (
        f"{len(bulk.tokens):,}", f"{len(receipts):,}", f"{len(in_evidence):,}", f"{len(caught):,}",
        len(accused - in_evidence), f"{minted:,}", f"{uncovered:,}", f"{len(caught) / len(in_evidence):.0%}",
    )  # fmt: skip


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
        for sentence, count, change, whole, kept in rows(mints):
            with tempfile.TemporaryDirectory() as folder:
                values = measure(bulk, Path(folder), count, change, whole=whole, kept=kept)
            print(f"| {sentence} | {' | '.join(map(str, values))} |", flush=True)
    print(f"\n{time.perf_counter() - began:.0f} s")
