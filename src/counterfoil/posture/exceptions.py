"""Exceptions: what somebody answers for, with a reason and an end date. After it, the check counts again."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from counterfoil.errors import UsageError
from counterfoil.posture.documents import content
from counterfoil.posture.imports.registry import all_imports
from counterfoil.posture.registry import all_checks

MAX_FILE_BYTES = 1 << 20
MAX_EXCEPTIONS = 10_000
_FIELDS = ("check", "owner", "reason", "until")
_HINT = "[[exception]] with check, owner, reason, until (a date) and, if it is one subject's, subject"


@dataclass(frozen=True)
class Exempt:
    """An exception. `subject`: whose, empty for all. `until`: the last day on which it holds."""

    check: str
    subject: str
    owner: str
    reason: str
    until: date

    def covers(self, check: str, subject: str) -> bool:
        """Tell whether it is about this check of this subject."""
        return self.check == check and self.subject in ("", subject)


def read(path: Path) -> tuple[Exempt, ...]:
    """Return the exceptions of a TOML file. Raises InputError, and UsageError that names the entry and its mistake."""
    try:
        told = tomllib.loads(content(path, MAX_FILE_BYTES).decode())
    except ValueError as error:
        raise UsageError(f"{path}: no TOML: {error}", hint=_HINT) from error
    entries = told.get("exception")
    if not isinstance(entries, list) or set(told) != {"exception"} or len(entries) > MAX_EXCEPTIONS:
        raise UsageError(f"{path}: expected exceptions", hint=_HINT)
    known = frozenset(check.id for check in all_checks())
    return tuple(_entry(entry, f"{path}, exception {place}", known) for place, entry in enumerate(entries, 1))


def _entry(entry: Any, where: str, known: frozenset[str]) -> Exempt:
    if not isinstance(entry, dict) or set(entry) - {*_FIELDS, "subject"}:
        raise UsageError(f"{where}: unknown fields", hint=_HINT)
    for name in _FIELDS:
        if not entry.get(name):
            raise UsageError(f"{where}: no {name}", hint=_HINT)
    if type(entry["until"]) is not date:
        raise UsageError(f"{where}: until is no date", hint="such as until = 2027-03-31, without quotes")
    check, subject, owner, reason = (entry.get(name, "") for name in ("check", "subject", "owner", "reason"))
    if not all(isinstance(text, str) for text in (check, subject, owner, reason)):
        raise UsageError(f"{where}: check, subject, owner and reason are texts", hint=_HINT)
    if check not in known and not check.startswith(tuple(f"{one.tool} " for one in all_imports())):
        told = f"{where}: no check {check[:80]!r}"
        raise UsageError(told, hint="counterfoil posture --list names them")
    return Exempt(check, subject, owner, reason, entry["until"])
