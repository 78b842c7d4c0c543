"""The journal of a response: what was done when and by whom, in CASE/respond/journal.jsonl. Entries are only added."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from counterfoil.case.folder import PRIVATE, CaseFolder
from counterfoil.errors import CaseError
from counterfoil.model.hunt import Done

SCHEMA = "counterfoil.respond-journal/1"
# What one journal may take; a response of months takes kilobytes.
MAX_JOURNAL_BYTES = 16 * 1024 * 1024
MAX_TEXT = 2_000


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """One act, or one thing that was measured. `time`: when it happened, UTC; `step`: of the runbook.

    `told`: what belongs to it, such as a party and its answer to a probe. Never a token, never a secret.
    """

    schema: str = SCHEMA
    time: datetime
    step: str
    who: str = ""
    note: str = ""
    told: dict[str, str] = {}


def read(folder: CaseFolder) -> tuple[Entry, ...]:
    """Return the entries in the order in which they were written; raises CaseError for a journal that is none."""
    path = _path(folder)
    if not path.exists():
        return ()
    with path.open("rb") as file:
        raw = file.read(MAX_JOURNAL_BYTES + 1)
    if len(raw) > MAX_JOURNAL_BYTES:
        raise CaseError(f"{path}: longer than {MAX_JOURNAL_BYTES} bytes", hint="this is no journal of a response")
    decoder = msgspec.json.Decoder(Entry)
    found = []
    for number, line in enumerate(raw.split(b"\n"), 1):
        if not line:
            continue
        try:
            found.append(decoder.decode(line))
        except (msgspec.MsgspecError, RecursionError) as error:
            raise CaseError(f"{path}: line {number} is no entry: {error}", hint="move the file away") from error
    return tuple(found)


def add(folder: CaseFolder, entries: Iterable[Entry]) -> None:
    """Write entries behind the others; durable when this returns. Raises CaseError."""
    path = _path(folder)
    lines = b"".join(msgspec.json.encode(_short(entry)) + b"\n" for entry in entries)
    try:
        path.parent.mkdir(mode=PRIVATE, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.write(handle, lines)
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise CaseError(f"cannot write {path}: {error.strerror}") from error


def done(folder: CaseFolder) -> tuple[Done, ...]:
    """Return what a report tells: every entry but single probes. Raises CaseError for a journal that is none."""
    return tuple(
        Done(entry.time.astimezone(UTC).replace(tzinfo=None), entry.step, entry.who, entry.note)
        for entry in read(folder) if "party" not in entry.told
    )


def last(entries: Iterable[Entry], step: str) -> Entry | None:
    """Return the last entry of a step."""
    return next((entry for entry in reversed(tuple(entries)) if entry.step == step), None)


def _short(entry: Entry) -> Entry:
    told = {name: value[:MAX_TEXT] for name, value in entry.told.items()}
    return msgspec.structs.replace(entry, note=entry.note[:MAX_TEXT], who=entry.who[:MAX_TEXT], told=told)


def _path(folder: CaseFolder) -> Path:
    return folder.respond / "journal.jsonl"
