"""What `keys` prints: text for people, JSON documents with their schema for programs."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from counterfoil.report import registry
from counterfoil.report.clean import clean
from counterfoil.report.screen import Screen

if TYPE_CHECKING:
    from counterfoil.custody.audit import Record
    from counterfoil.custody.auditor import Audit, Entry
    from counterfoil.custody.keys import Attestation, KeyVersion
    from counterfoil.errors import LogTamperedError

MAX_TEXT = 1_000
DONE = "done"
# Rows stay rows, also where the terminal is narrower: a kid is copied from here.
WIDTH = 200
Table = tuple[Sequence[str], Sequence[Sequence[object]]]
Listed = Sequence[tuple["Entry", "Record | None"]]


def document(name: str, **members: Any) -> str:
    """Return a JSON document of the schema `counterfoil.NAME/1`."""
    return json.dumps({"schema": f"counterfoil.{name}/1", **members}, indent=2, default=str) + "\n"


def versions(found: Sequence[KeyVersion], form: str, ended: str = "") -> str:
    """Return key versions; `ended` says what became of them, where that is newer than their state."""
    rows = [
        {
            "name": key.name, "version": key.version, "state": ended or str(key.state), "algorithm": str(key.algorithm),
            "kid": key.kid, "created": f"{key.created:%Y-%m-%dT%H:%M:%SZ}",
            "origin": "attached" if key.attached else "created", "exportable": key.exportable,
        }
        for key in found
    ]
    if form == "json":
        with_keys = [{**row, "jwk": key.jwk()} for row, key in zip(rows, found, strict=True)]
        return document("keys", keys=with_keys)
    columns = ("name", "version", "state", "algorithm", "kid", "created", "origin", "exportable")
    cells = [[_word(row[name]) for name in columns] for row in rows]
    return registry.table("text", columns, cells, Screen(width=WIDTH))


def attested(told: Attestation | None, checkpoint: str, unreachable: Sequence[str], form: str) -> str:
    """Return what a back-end states, and the signed head of the log."""
    if form == "json":
        key = None if told is None else {"statement": dict(told.statement), "signed": dict(told.signed)}
        return document("key-attestation", key=key, checkpoint=checkpoint, unreachable=list(unreachable))
    if told is None:
        return checkpoint
    rows = {**told.statement, **{f"signed {name}": value for name, value in told.signed.items()}}
    lines = [f"{name:<24}{clean(str(value), MAX_TEXT)}\n" for name, value in rows.items()]
    return "".join([*lines, "\n", checkpoint])


def tampered(error: LogTamperedError, form: str) -> str:
    """Return that a log is not what was signed."""
    if form == "json":
        return document("keys-audit", verified=False, attested=False, problems=[str(error)])
    hint = f"\n  {error.hint}" if error.hint else ""
    return f"NOT VERIFIED  {clean(str(error), MAX_TEXT)}{hint}\n"


def audit(
    told: Audit, listed: Listed | None, proofs: Mapping[int, Sequence[bytes]], form: str, screen: Screen
) -> str:
    """Return what an audit found; `listed` are single operations, if they were asked for."""
    return _json(told, listed, proofs) if form == "json" else _text(told, listed, proofs, screen)


def _json(told: Audit, listed: Listed | None, proofs: Mapping[int, Sequence[bytes]]) -> str:
    members: dict[str, Any] = {
        "verified": True, "attested": told.attested, "origin": told.origin, "size": told.size,
        "checkpoint": told.checkpoint, "unfinished_write_bytes": told.unfinished_write,
        "problems": list(told.problems),
        "witnesses": [{"name": kept.witness, "size": kept.size, "problem": kept.problem} for kept in told.witnesses],
        "device": [
            {"until": window.until, "signatures": window.signatures, "proven": window.proven, "why": window.why}
            for window in told.windows
        ],
        "unattested_signatures": told.unattested,
        "uses": [
            {
                "principal": use.principal, "host": use.host, "operation": use.operation, "key": use.key,
                "kid": use.kid, "purpose": use.purpose, "result": use.result, "count": use.count,
                "first": _time(use.first), "last": _time(use.last),
            }
            for use in told.uses
        ],
        "unfinished": [entry.index for entry in told.unfinished],
    }
    if listed is not None:
        members["records"] = [_record(entry, end, proofs.get(entry.index)) for entry, end in listed]
    return document("keys-audit", **members)


def _record(entry: Entry, end: Record | None, proof: Sequence[bytes] | None) -> dict[str, Any]:
    begin = entry.record
    found: dict[str, Any] = {
        "index": entry.index, "time": _time(begin.time), "operation": begin.op,
        "result": "unfinished" if end is None else end.result, "principal": begin.principal, "process": begin.process,
        "host": begin.host, "purpose": begin.purpose, "key": begin.key, "kid": begin.kid, "algorithm": begin.algorithm,
        "digest": begin.digest, "detail": (end.detail if end else "") or begin.detail,
        "evidence": end.evidence if end else {},
    }
    if proof is not None:
        found["inclusion_proof"] = [base64.b64encode(step).decode() for step in proof]
    return found


def _text(told: Audit, listed: Listed | None, proofs: Mapping[int, Sequence[bytes]], screen: Screen) -> str:
    parts = [f"log {clean(told.origin, MAX_TEXT)}: {told.size:,} records, verified\n", *_vouched(told)]
    columns, rows = _sums(told) if listed is None else _operations(listed)
    parts += ["\n", registry.table("text", columns, rows, replace(screen, width=max(screen.width, WIDTH)))]
    parts += [f"record {index}: inclusion proven, {len(proof)} hashes\n" for index, proof in proofs.items()]
    if told.unfinished:
        named = ", ".join(f"{entry.index} ({entry.record.op})" for entry in told.unfinished[:10])
        parts.append(f"\n{len(told.unfinished)} operations never ended; count them as done: {named}\n")
    parts += ["\nPROBLEMS\n", *(f"  {clean(line, MAX_TEXT)}\n" for line in told.problems)] if told.problems else []
    return "".join(parts)


def _sums(told: Audit) -> Table:
    """Return who did what, how often."""
    rows = [
        (use.principal, use.operation, use.key, use.purpose, use.result, use.count, _short(use.first), _short(use.last))
        for use in told.uses
    ]
    return ("who", "did", "key", "for", "result", "times", "first", "last"), rows


def _operations(listed: Listed) -> Table:
    """Return single operations."""
    rows = [
        (
            entry.index, _short(entry.record.time), entry.record.principal, _program(entry.record.process),
            entry.record.op, entry.record.key, entry.record.purpose, "unfinished" if end is None else end.result,
            "" if end is None or end.result == DONE else end.detail,
        )
        for entry, end in listed
    ]
    return ("record", "time", "who", "process", "did", "key", "for", "result", "why"), rows


def _vouched(told: Audit) -> list[str]:
    """Return who vouches for the log, and what a device proves."""
    lines = [f"witness {clean(kept.witness, 200)}: {kept.size:,} records\n" for kept in told.witnesses if kept.size]
    if told.attested:
        lines.append("attested: it extends what another party keeps\n")
    else:
        lines.append("not attested: no other party vouches that this is the newest\n")
    if told.windows:
        proven = [window for window in told.windows if window.proven]
        count = sum(window.signatures for window in proven)
        agree = f"{len(proven)} of {len(told.windows)} readings agree"
        lines.append(f"device: {count:,} signatures proven complete, {agree}\n")
    if told.unattested:
        lines.append(f"device: {told.unattested:,} signatures are not attested yet; counterfoil keys attest does it\n")
    return lines


def _program(process: str) -> str:
    """Return the process id, and the program without its folder."""
    pid, _, path = process.partition(" ")
    return f"{pid} {path.rpartition('/')[2]}"


def _word(value: object) -> object:
    return ("yes" if value else "no") if isinstance(value, bool) else value


def _short(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M:%S}"


def _time(when: datetime) -> str:
    return f"{when:%Y-%m-%dT%H:%M:%S.%fZ}"
