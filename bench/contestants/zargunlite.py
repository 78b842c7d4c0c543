"""zargunlite: Sigma rules over JSON logs by way of SQLite (the way of Zircolite), with a rule that is the query."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from zargunlite.core import ZargunCore
from zargunlite.model import ZircoliteFieldMappingConfig
from zargunlite.preprocess import flatten_json, mapping_field

from bench.contestants.fields import NULL_ID

NAME = "zargunlite"
PACKAGE = "zargunlite"
HOW = "its own flattening of every field into one SQLite table, then the anti-join as SQL; Sigma has no join"
ANSWERS = True

_FIELDS = [
    ("UniqueTokenId", str), ("signInActivityId", str), ("uniqueTokenIdentifier", str), ("errorCode", int),
]
_WANTED = frozenset(name for name, _ in _FIELDS)


def _flat(logs: Path) -> Iterator[dict[str, Any]]:
    config = ZircoliteFieldMappingConfig(exclusions=[], useless=[None, ""], mappings={}, alias={}, split={})
    for path in sorted(logs.glob("*/*.jsonl")):
        with path.open("rb") as file:
            for line in file:
                flat = flatten_json(msgspec.json.decode(line))
                if isinstance(flat, dict):
                    row = mapping_field(flat, field_mapping_config=config)
                    yield {name: value for name, value in row.items() if name in _WANTED}


def main(logs: Path, out: Path) -> None:
    """Load, then query."""
    with ZargunCore() as core:
        core.load_data(_flat(logs), fields=_FIELDS)
        core.create_index("uniqueTokenIdentifier")
        rows = core.execute_sqlite_query(f"""
            SELECT DISTINCT a.id AS id FROM (
              SELECT rtrim(UniqueTokenId, '=') AS id FROM logs WHERE UniqueTokenId IS NOT NULL
              UNION SELECT rtrim(signInActivityId, '=') FROM logs WHERE signInActivityId IS NOT NULL) a
            WHERE a.id <> '{NULL_ID}' AND a.id NOT IN (
              SELECT rtrim(uniqueTokenIdentifier, '=') FROM logs
              WHERE uniqueTokenIdentifier IS NOT NULL AND coalesce(errorCode, 0) = 0)""")  # noqa: S608
    out.write_text("".join(f"{row['id']}\n" for row in rows), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
