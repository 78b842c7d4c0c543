"""The lines of a pivot: what each record says, the verdict of its token, and what of its trail is not in evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from duckdb import DuckDBPyConnection

from counterfoil.case.given import give
from counterfoil.case.results import rows
from counterfoil.model.pivot import Line
from counterfoil.model.schema import Leg
from counterfoil.model.verdict import Verdict

# What is read of a record: name -> expression over the evidence.
SHOWN: Mapping[str, str] = {
    "time": "event_time", "leg": "leg", "source": "source", "operation": "operation", "outcome": "outcome",
    "user": "coalesce(subject_name, subject_id)", "ip": "ip", "client": "client_id", "user_agent": "user_agent",
    "session": "session_id", "token_id": "token_id", "signed": "signing_input_digest", "key": "key_id",
    "device": "device_id", "object_kind": "object_kind", "object": "object_id", "raw_file": "raw_file",
    "position": "raw_position", "record_id": "record_id",
}
_OF_TOKENS = (Leg.ACCEPTANCE, Leg.ISSUANCE, Leg.SECONDARY_ISSUANCE)
_WANTED = {"token_id": "token id", "user": "user", "ip": "address", "session": "session"}


def lines(con: DuckDBPyConnection, told: Sequence[Mapping[str, Any]]) -> tuple[Line, ...]:
    """Return the lines in order of time. `told`: SHOWN of each record, with `joined`, and its hashes of the index.

    Reads the temporary tables `shown` and `traits` of the pivot.
    """
    legs = {row["token"]: frozenset(row["legs"]) for row in rows(con, _LEGS)}
    signed = {row["digest"] for row in rows(con, _SIGNED)}
    keys = bool(rows(con, f"SELECT 1 FROM legs WHERE leg = '{Leg.KEY_USE}' AND records > 0"))  # noqa: S608  # a constant
    verdicts = _verdicts(con, told)
    paths = {row["sha256"]: row["path"] for row in rows(con, "SELECT sha256, path FROM inputs WHERE source <> ''")}
    made = []
    for row in told:
        own = dict(row) | {
            "token": row["token_id"], "digest": row["signed"],
            "verdict": verdicts.get(row["token_id"] or _record(row), "") if row["leg"] == Leg.ACCEPTANCE else "",
            "lacks": tuple(_lacks(row, legs.get(row["token"], frozenset()), signed if keys else None)),
            "file": paths.get(row["raw_file"], row["raw_file"]),
        }
        made.append(Line(**{field.name: own[field.name] for field in fields(Line)}))
    return tuple(sorted(made, key=lambda line: (line.time or datetime.min, line.file, line.position)))  # noqa: DTZ901


_LEGS = """SELECT token, list(DISTINCT leg) AS legs FROM traits
WHERE token IN (SELECT token FROM shown WHERE token IS NOT NULL) GROUP BY 1"""
_SIGNED = f"""SELECT DISTINCT digest FROM traits WHERE leg = '{Leg.KEY_USE}'
AND digest IN (SELECT digest FROM shown WHERE digest IS NOT NULL)"""  # noqa: S608  # a constant


def _lacks(row: Mapping[str, Any], legs: frozenset[str], signed: set[int] | None) -> Iterator[str]:
    """Yield what is missing of the record's trail; `signed`: digests that a key store signed, None without its log."""
    leg = row["leg"]
    if leg not in _OF_TOKENS or row["outcome"] not in ("success", "denied"):
        return
    if leg == Leg.ACCEPTANCE and row["token_id"] and Leg.ISSUANCE not in legs:
        yield "primary issuance" if Leg.SECONDARY_ISSUANCE in legs else "issuance"
    if leg != Leg.ACCEPTANCE and row["token_id"] and Leg.ACCEPTANCE not in legs:
        yield "acceptance"
    if signed is not None and row["digest"] not in signed:
        yield "key use"
    yield from (words for name, words in _WANTED.items() if row[name] is None)


def _record(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["source"], row["record_id"]


def _verdicts(con: DuckDBPyConnection, told: Sequence[Mapping[str, Any]]) -> dict[object, str]:
    """Return verdicts by token id, or by source and record where there is none: several of one id are all told."""
    used = [row for row in told if row["leg"] == Leg.ACCEPTANCE]
    tokens = sorted({row["token_id"] for row in used if row["token_id"]})
    records = sorted({row["record_id"] for row in used if not row["token_id"]})
    give(con, "told_tokens", {"token_id": "string"}, [(token,) for token in tokens])
    give(con, "told_records", {"record_id": "string"}, [(record,) for record in records])
    judged = rows(con, """SELECT token_id, source, record_id, verdict FROM judged
        WHERE token_id IN (SELECT token_id FROM told_tokens)
        OR token_id IS NULL AND derived = '' AND record_id IN (SELECT record_id FROM told_records)""")
    found: dict[object, set[str]] = {}
    for row in judged:
        found.setdefault(row["token_id"] or _record(row), set()).add(row["verdict"])
    rest = [token for token in tokens if token not in found]
    if rest:  # what is minted and nothing else lies on the piles alone
        give(con, "told_tokens", {"token_id": "string"}, [(token,) for token in rest])
        plain = """SELECT DISTINCT token_id FROM settled_tokens
            WHERE plain AND token_id IN (SELECT token_id FROM told_tokens)"""
        found |= {row["token_id"]: {str(Verdict.MINTED)} for row in rows(con, plain)}
    return {key: ", ".join(sorted(verdicts)) for key, verdicts in found.items()}
