"""Reports as documents of plain values, for the formats that machines read. Keys and their order are a promise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from counterfoil.model.clearance import MAX_OPEN_SHARE, counted, withheld
from counterfoil.model.finding import Finding
from counterfoil.model.hunt import NO_COVER, HuntReport
from counterfoil.model.verdict import Verdict
from counterfoil.report.clean import escape_json

HUNT = "counterfoil.hunt/1"
FINDING = "counterfoil.finding/1"
ROWS = "counterfoil.rows/1"

# Values of a query may nest; deeper ones become text.
MAX_DEPTH = 32
_INT64 = range(-(2**63), 2**63)

Document = dict[str, Any]


def encode(document: Document | list[object], *, indent: int) -> str:
    """Return the value as JSON text (indent 0: one line); times are ISO 8601 with Z."""
    text = msgspec.json.encode(plain(document))
    return escape_json((msgspec.json.format(text, indent=indent) if indent else text).decode("utf-8"))


def hunt(report: HuntReport) -> Document:
    """Return the whole report."""
    return {
        "schema": HUNT,
        "version": report.version,
        "case": report.case,
        "cover": _fields(report.cover) if report.cover != NO_COVER else None,
        "since": report.since,
        "until": report.until,
        "first_event": report.first_event,
        "last_event": report.last_event,
        "totals": _totals(report),
        "legs": dict(report.legs),
        "inputs": [_fields(entry) for entry in report.inputs],
        "rejects": [_fields(entry) for entry in report.rejects],
        "coverage": [_fields(row) for row in report.coverage],
        "response": [_fields(entry) for entry in report.response],
        "verdicts": {verdict.value: _verdict(report, verdict) for verdict in Verdict},
        "clearance": _clearance(report),
        "findings": [finding(entry) for entry in report.findings],
        "intrusions": [_fields(entry) for entry in report.intrusions],
    }


def finding(entry: Finding) -> Document:
    """Return one finding."""
    return _fields(entry) | {"uses": [_fields(use) for use in entry.uses]}


def plain(value: object, depth: int = 0) -> Any:
    """Return the value as JSON can hold it. Times without zone are UTC, as everywhere in a case."""
    if depth > MAX_DEPTH:
        return _text(str(value))
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, str):
        return _text(str(value))
    if isinstance(value, int):
        return value if value in _INT64 else str(value)
    if isinstance(value, Mapping):
        return {_text(str(key)): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, bytes | bytearray):
        return [plain(item, depth + 1) for item in value]
    return _scalar(value)


def _scalar(value: object) -> Any:
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bytes | bytearray):
        return value.hex()
    if isinstance(value, Decimal):
        near = float(value)
        return near if Decimal(repr(near)) == value else str(value)
    if isinstance(value, UUID):
        return str(value)
    return _text(str(value))


def iso(when: datetime) -> str:
    """Return the time as ISO 8601 with Z."""
    moved = when if when.tzinfo is None else when.astimezone(UTC).replace(tzinfo=None)
    return moved.isoformat() + "Z"


def _text(text: str) -> str:
    """Return text that UTF-8 can hold: halves of surrogate pairs become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _fields(value: Any) -> Document:
    """Return the fields of a frozen value in the order in which they are declared."""
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


def _totals(report: HuntReport) -> Document:
    read = [entry for entry in report.inputs if not entry.unread]
    return {
        "files": len(report.inputs),
        "files_unread": len(report.inputs) - len(read),
        "read": sum(entry.read for entry in report.inputs),
        "kept": sum(entry.kept for entry in report.inputs),
        "duplicates": sum(entry.duplicates for entry in report.inputs),
        "rejected": sum(entry.rejected for entry in report.inputs),
        "tokens": report.total,
        "acceptances": sum(row.acceptances for row in report.verdicts),
        "judged_tokens": report.judged,
    }


def _verdict(report: HuntReport, verdict: Verdict) -> Document:
    rows = [row for row in report.verdicts if row.verdict is verdict]
    return {
        "tokens": report.tokens(verdict),
        "acceptances": report.acceptances(verdict),
        "reasons": {
            reason: {
                "tokens": sum(row.tokens for row in rows if row.reason == reason),
                "acceptances": sum(row.acceptances for row in rows if row.reason == reason),
            }
            for reason in dict.fromkeys(row.reason for row in rows)
        },
    }


def _clearance(report: HuntReport) -> Document:
    """Return what a report without findings is worth: what was left open, and why it is no all-clear."""
    left, counted_tokens = counted(report)
    return {
        "max_open_share": MAX_OPEN_SHARE,
        "open_tokens": left,
        "counted_tokens": counted_tokens,
        "no_record_tokens": report.no_record,
        "before_log_tokens": report.before_log,
        "stranger_tokens": report.strangers,
        "withheld": [_fields(each) for each in withheld(report)],
        "needed": [_fields(each) for each in report.needed],
        "refused_logs": list(report.refused_logs),
        "silent": [_fields(each) for each in report.silent],
    }
