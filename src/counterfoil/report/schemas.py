"""JSON Schemas of the documents that machines read, made from the values that they are made of.

    python -m counterfoil.report.schemas docs/schemas      write them

They are of draft 2020-12. Members may be added within one version of a document; none changes its meaning.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from counterfoil.model.cover import Cover
from counterfoil.model.coverage import CoverageRow, Needed
from counterfoil.model.finding import Finding
from counterfoil.model.hunt import Done, InputFile, RejectCount, SilentCalls
from counterfoil.model.intrusion import Intrusion
from counterfoil.model.story import Story
from counterfoil.report import _document
from counterfoil.report.exports import json as intrusions_json

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TYPES = (Cover, CoverageRow, Needed, Finding, Done, InputFile, RejectCount, SilentCalls, Intrusion, Story)
_INT, _TEXT, _LIST = {"type": "integer"}, {"type": "string"}, {"type": "array"}
_WHEN = {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]}
_COUNTS = {"type": "object", "additionalProperties": _INT}


def schemas() -> dict[str, dict[str, Any]]:
    """Return the schemas by the names of their files, such as `counterfoil.finding-1.json`."""
    _, parts = msgspec.json.schema_components(_TYPES, ref_template="#/$defs/{name}")
    known = {name: _as_written(part) for name, part in parts.items()}
    documents = {
        _document.FINDING: dict(known["Finding"]["properties"]),
        intrusions_json.SCHEMA: {
            "version": _TEXT, "case": _TEXT, "suspected": _INT, "single": _INT, "intrusions": _list("Story"),
        },
        _document.HUNT: _hunt(),
        _document.ROWS: {"columns": {"type": "array", "items": _TEXT}, "rows": {"type": "array", "items": _LIST}},
    }
    return {f"{name.replace('/', '-')}.json": _whole(name, members, known) for name, members in documents.items()}


def _hunt() -> dict[str, Any]:
    return {
        "version": _TEXT, "case": _TEXT, "cover": {"anyOf": [_ref("Cover"), {"type": "null"}]}, "since": _WHEN,
        "until": _WHEN, "first_event": _WHEN, "last_event": _WHEN, "totals": _COUNTS, "legs": _COUNTS,
        "inputs": _list("InputFile"), "rejects": _list("RejectCount"), "coverage": _list("CoverageRow"),
        "response": _list("Done"),
        "verdicts": {"type": "object", "additionalProperties": {
            "type": "object", "required": ["tokens", "acceptances", "reasons"],
            "properties": {"tokens": _INT, "acceptances": _INT,
                           "reasons": {"type": "object", "additionalProperties": _COUNTS}},
        }},
        "clearance": {
            "type": "object", "required": ["max_open_share", "open_tokens", "withheld", "needed", "silent"],
            "properties": {"max_open_share": {"type": "number"}, "open_tokens": _INT, "counted_tokens": _INT,
                           "no_record_tokens": _INT, "before_log_tokens": _INT, "stranger_tokens": _INT,
                           "withheld": _LIST, "needed": _list("Needed"), "silent": _list("SilentCalls"),
                           "refused_logs": {"type": "array", "items": _TEXT}},
        },
        "findings": _list("Finding"), "intrusions": _list("Intrusion"),
    }


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/$defs/{name}"}


def _list(name: str) -> dict[str, Any]:
    return {"type": "array", "items": _ref(name)}


def _whole(name: str, members: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a document of that name; of the parts it has those that it needs."""
    needed: dict[str, Any] = {}
    waiting: list[Any] = [members]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            part = str(value.get("$ref", "")).removeprefix("#/$defs/")
            if part and part not in needed:
                needed[part] = known[part]
                waiting.append(known[part])
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return {
        "$schema": DIALECT, "title": name, "type": "object", "required": ["schema", *members],
        "properties": {"schema": {"const": name}, **members}, "$defs": dict(sorted(needed.items())),
    }


def _as_written(value: Any) -> Any:
    """Return a part as documents are written: every member is there, and durations are seconds."""
    if isinstance(value, list):
        return [_as_written(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("format") == "duration":
        return {"type": "number"}
    told = {name: _as_written(item) for name, item in value.items() if name != "default"}
    if isinstance(told.get("properties"), dict) and told.get("type") == "object":
        told["required"] = list(told["properties"])
    return told


def write(into: Path) -> None:
    """Write the schemas into a folder."""
    into.mkdir(parents=True, exist_ok=True)
    for name, schema in schemas().items():
        (into / name).write_text(msgspec.json.format(msgspec.json.encode(schema), indent=1).decode() + "\n")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
