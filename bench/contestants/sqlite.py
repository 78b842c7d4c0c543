"""Python and SQLite, as the tools around pySigma's SQLite backend work: decode each record, insert, query."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from bench.contestants.fields import NULL_ID

NAME = "Python and SQLite"
PACKAGE = "msgspec"
HOW = "msgspec decodes only the fields needed (faster than the tools' own flattening), `executemany`, one query"
ANSWERS = True


class _Context(msgspec.Struct, rename="pascal"):
    unique_token_id: str | None = None


class _Audit(msgspec.Struct, rename="pascal"):
    app_access_context: _Context | None = None


class _Status(msgspec.Struct, rename="camel"):
    error_code: int | str | None = None


class _Properties(msgspec.Struct, rename="camel"):
    unique_token_identifier: str | None = None
    sign_in_activity_id: str | None = None
    status: _Status | None = None


class _Monitor(msgspec.Struct):
    properties: _Properties


def _accepted(logs: Path) -> Iterator[tuple[str]]:
    audit = msgspec.json.Decoder(_Audit)
    for path in sorted(logs.glob("m365/*.jsonl")):
        with path.open("rb") as file:
            for line in file:
                context = audit.decode(line).app_access_context
                if context is not None and context.unique_token_id:
                    yield (context.unique_token_id.rstrip("="),)
    monitor = msgspec.json.Decoder(_Monitor)
    for path in sorted(logs.glob("entra/MicrosoftGraphActivityLogs.jsonl")):
        with path.open("rb") as file:
            for line in file:
                found = monitor.decode(line).properties.sign_in_activity_id
                if found:
                    yield (found.rstrip("="),)


def _issued(logs: Path) -> Iterator[tuple[str]]:
    monitor = msgspec.json.Decoder(_Monitor)
    for path in sorted(logs.glob("entra/*SignInLogs.jsonl")):
        with path.open("rb") as file:
            for line in file:
                found = monitor.decode(line).properties
                good = found.status is None or str(found.status.error_code or "0") == "0"
                if found.unique_token_identifier and good:
                    yield (found.unique_token_identifier.rstrip("="),)


def main(logs: Path, out: Path) -> None:
    """Load both sides and ask for the ids of one that the other lacks."""
    con = sqlite3.connect(":memory:")
    for name, rows in (("accepted", _accepted(logs)), ("issued", _issued(logs))):
        con.execute(f"CREATE TABLE {name} (id TEXT)")
        con.executemany(f"INSERT INTO {name} VALUES (?)", rows)  # noqa: S608  # our own names
    con.execute("CREATE INDEX issued_id ON issued (id)")
    found = con.execute(
        "SELECT DISTINCT id FROM accepted WHERE id <> ? AND id NOT IN (SELECT id FROM issued)", (NULL_ID,)
    )
    out.write_text("".join(f"{row[0]}\n" for row in found), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
