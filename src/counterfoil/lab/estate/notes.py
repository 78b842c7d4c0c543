"""The truth of a run: what was presented, by whom, and what became of it. Written apart from the logs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from counterfoil.jose import base64url
from counterfoil.lab.history.compare import TruthRow
from counterfoil.model.diagnosis import Diagnosis
from counterfoil.model.verdict import Verdict
from counterfoil.tokens.pseudonym import SubjectKey

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Kind:
    """What a presented token is. `expect`: the verdicts that full logs allow; `diagnosis`: the one that they show."""

    label: str
    expect: tuple[Verdict, ...]
    diagnosis: Diagnosis | None = None
    note: str = ""


GENUINE = Kind("genuine", (Verdict.MINTED,), note="Minted for who presented it.")


@dataclass
class Presented:
    """One token, and how often it was let in or refused."""

    token: str = field(repr=False)
    kind: Kind
    accepted: int = 0
    refused: int = 0
    first: datetime = _NEVER
    last: datetime = _NEVER

    @property
    def digest(self) -> str:
        """SHA-256 of its signing input."""
        return sha256(self.token.rpartition(".")[0].encode()).hexdigest()

    @property
    def claims(self) -> dict[str, Any]:
        """What it says."""
        return claims_of(self.token)


@dataclass
class Notes:
    """What was presented, in order."""

    presented: dict[str, Presented] = field(default_factory=dict)

    def add(self, token: str, kind: Kind, at: datetime, *, let_in: bool) -> None:
        """Note one presentation. What an intruder did with a genuine token is noted as his."""
        held = self.presented.setdefault(token, Presented(token, kind, first=at))
        if kind != GENUINE:
            held.kind = kind
        held.last = at
        if let_in:
            held.accepted += 1
        else:
            held.refused += 1


def claims_of(token: str) -> dict[str, Any]:
    """Return the claims of a JWT of our own making."""
    part = token.split(".")[1]
    claims: dict[str, Any] = msgspec.json.decode(base64url.decode(part.encode()))
    return claims


def truth(notes: Notes, seen: frozenset[str], parents: frozenset[str], subjects: SubjectKey) -> list[TruthRow]:
    """Return a row per token of which evidence tells that it was let in.

    `seen`: digests in kept receipts; `parents`: ids of what the ledger tells was exchanged.
    """
    rows = []
    for held in notes.presented.values():
        claims = held.claims
        if held.digest in seen or claims["jti"] in parents:
            rows.append(_row(held, claims, subjects))
    return _merged(rows)


def _row(held: Presented, claims: dict[str, Any], subjects: SubjectKey) -> TruthRow:
    innocent = held.kind == GENUINE
    return TruthRow(
        token_id=claims["jti"], source="counterfoil-receipts", record_id=None,
        subject_id=subjects.pseudonym(claims["iss"], claims["sub"]), subject_name=claims["sub"],
        issued_at=_text(datetime.fromtimestamp(claims["iat"], UTC)), first_seen=_text(held.first),
        last_seen=_text(held.last), acceptances=held.accepted, label=held.kind.label,
        intrusion=None if innocent else "attack", expect=tuple(map(str, held.kind.expect)), lost=False,
        note=held.kind.note, digest=held.digest,
        diagnosis=None if held.kind.diagnosis is None else str(held.kind.diagnosis),
    )


def _merged(rows: Iterable[TruthRow]) -> list[TruthRow]:
    """Return one row for each signing input: copies of it that are signed anew are the same to every log."""
    found: dict[str | None, TruthRow] = {}
    for row in rows:
        known = found.get(row.digest)
        if known is not None:
            row = msgspec.structs.replace(row, acceptances=known.acceptances + row.acceptances)
        found[row.digest] = row
    return list(found.values())


def write(path: Path, rows: Iterable[TruthRow]) -> None:
    """Write the truth file, as `lab compare` reads it."""
    path.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))


def _text(when: datetime) -> str:
    return f"{when:%Y-%m-%dT%H:%M:%SZ}"
