"""The list of persons that the user gives: ids and names that mean the same one."""

from __future__ import annotations

import csv
from pathlib import Path

from counterfoil.errors import UsageError

MAX_IDENTITIES = 5_000_000


def _pair(row: dict[str, str | None], line: int, path: Path) -> tuple[str, str]:
    """Return id and name of a row, both in lower case; raises UsageError for a row that has not both columns."""
    if row["id"] is None or row["name"] is None:
        raise UsageError(f"line {line:,} of {path} has no second column", hint="each line must read: id,name")
    return row["id"].strip().lower(), row["name"].strip().lower()


def read_identities(path: Path | None) -> tuple[tuple[str, str], ...]:
    """Return (id, name) pairs of a CSV with the header `id,name`, both in lower case; raises UsageError."""
    if path is None:
        return ()
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            if not {"id", "name"} <= set(rows.fieldnames or ()):
                raise UsageError(f"{path} has no columns id and name", hint="the first line must read: id,name")
            pairs = [_pair(row, rows.line_num, path) for row, _ in zip(rows, range(MAX_IDENTITIES), strict=False)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"cannot read {path}: {error}") from error
    return tuple(pair for pair in pairs if all(pair))
