"""Ground truth: one row per accepted token, or per record where the record carries no token id. Kept apart from logs.

A row is written as one line of JSON with the keys token_id, source, record_id, subject_id, subject_name, issued_at,
first_seen, last_seen, acceptances, label, intrusion, expect, lost, note and token_tenant (null: the tenant's own).
Times are ISO 8601 in UTC. `lost` says that the evidence of the row's issuance is missing from the written logs.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import Literal

from counterfoil.lab.history.clock import seconds
from counterfoil.lab.history.files import quoted

Source = Literal["m365-ual", "graph-activity", "entra-audit", "entra-signin"]
Label = Literal["genuine", "forged", "laundered", "copied", "descends-from-forged", "service"]
_BATCH = 512

# What may be said of each, if all logs are complete and declared complete.
MINTED = ("minted",)
FORGED = ("forged",)
TAINTED = ("tainted",)
NO_ID = ("unlinkable", "uncovered")
FORGED_NO_ID = ("forged", "unlinkable", "uncovered")
ASSERTION = ("unlinkable", "minted")

_named = lru_cache(maxsize=65_536)(quoted)  # names, notes and expectations recur
_LOST = "The record of its issuance is lost."
_NOTES = {
    "genuine": "Issued by a sign-in that the logs hold.",
    "service": "A service call inside Microsoft's cloud; no customer log holds its issuance.",
}


class Truth:
    """Writes the rows as they become known, in batches; `write_genuine` False leaves out what was not planted."""

    def __init__(self, path: Path, *, write_genuine: bool) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("wb")
        self._write_genuine = write_genuine
        self._waiting: list[str] = []
        self.rows: Counter[str] = Counter()  # rows per label
        self.acceptances: Counter[str] = Counter()  # acceptance records per label

    def add(
        self,
        *,
        token_id: str | None,
        source: Source,
        record_id: str | None = None,
        subject_id: str,
        subject_name: str,
        issued_at: str | None,
        first: int,
        last: int,
        acceptances: int = 1,
        label: Label = "genuine",
        expect: tuple[str, ...] = MINTED,
        intrusion: str | None = None,
        lost: bool = False,
        note: str = "",
        token_tenant: str | None = None,
    ) -> None:
        """Add one row; `first` and `last` in microseconds, `issued_at` as the records write it (no zone)."""
        self.rows[label] += 1
        self.acceptances[label] += acceptances
        if intrusion is None and not self._write_genuine:
            return
        note = note or _NOTES[label]
        if lost:
            note = _LOST if intrusion is None else f"{note} The logs of its issuance are incomplete."
        self._waiting.append(
            f'{{"token_id":{_text(token_id)},"source":"{source}","record_id":{_text(record_id)},'
            f'"subject_id":"{subject_id}","subject_name":{_named(subject_name)},'
            f'"issued_at":{_moment(issued_at)},"first_seen":"{seconds(first)}Z","last_seen":"{seconds(last)}Z",'
            f'"acceptances":{acceptances},"label":"{label}","intrusion":{_text(intrusion)},'
            f'"expect":{_named(expect)},"lost":{"true" if lost else "false"},"note":{_named(note)},'
            f'"token_tenant":{_text(token_tenant)}}}\n'
        )
        if len(self._waiting) >= _BATCH:
            self._flush()

    def _flush(self) -> None:
        self._file.write("".join(self._waiting).encode())
        self._waiting.clear()

    def close(self) -> None:
        """Write what waits and close the file."""
        self._flush()
        self._file.close()


def _text(value: str | None) -> str:
    return "null" if value is None else f'"{value}"'


def _moment(value: str | None) -> str:
    return "null" if value is None else f'"{value}Z"'
