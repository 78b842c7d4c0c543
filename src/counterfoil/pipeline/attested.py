"""Holds exported logs to checkpoints that other parties keep: only such a log is attested, so that absence convicts.

An export is believed whole or not at all (`tlog.exported`). What comes of it is kept in the case, so that judging again
gives the same answer when the exports are elsewhere.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import IO

import msgspec
from duckdb import DuckDBPyConnection

from counterfoil.case.evidence import evidence_sql
from counterfoil.case.folder import CaseFolder
from counterfoil.case.manifest import Input, Manifest
from counterfoil.errors import CounterfoilError, InputError, LogGapError, LogTamperedError, UsageError
from counterfoil.model.counterfoil import CUSTODY_LOG, LEDGER_LOG
from counterfoil.model.coverage import ATTESTED, AttestedLog
from counterfoil.model.diagnosis import Diagnosis
from counterfoil.tlog import note
from counterfoil.tlog.checkpoint import Checkpoint, opened, parse
from counterfoil.tlog.exported import MAX_LINE_BYTES, Exported, verified
from counterfoil.unpack.walk import Member, Unpacker

LOGS = (LEDGER_LOG, CUSTODY_LOG)
REFUSED = "refused"
FILE = "attested.json"
# Logs whose keys are given, and checkpoints.
MAX_GIVEN = 1_000


@dataclass(frozen=True)
class Trust:
    """What the user trusts: the public keys of logs by name, and checkpoints of them that other parties keep."""

    keys: Mapping[str, note.VerifierKey]
    kept: tuple[Checkpoint, ...] = ()

    def digest(self, files: Sequence[str]) -> str:
        """Return a hash of this and of the files that are held to it."""
        told = [sorted(key.render() for key in self.keys.values()), [one.text() for one in self.kept], sorted(files)]
        return hashlib.sha256(msgspec.json.encode(told)).hexdigest()


def trust(keys: Sequence[str], checkpoints: Sequence[bytes]) -> Trust:
    """Return what these keys (as text) and signed checkpoints say; raises UsageError, InputError, LogTamperedError."""
    if max(len(keys), len(checkpoints)) > MAX_GIVEN:
        raise UsageError(f"more than {MAX_GIVEN:,} keys or checkpoints")
    named = {key.name: key for key in map(note.VerifierKey.parse, keys)}
    kept: list[Checkpoint] = []
    for raw in checkpoints:
        origin = parse(note.parse(raw).text).origin
        if origin not in named:
            raise UsageError(f"checkpoint of {origin[:80]}: its log's key is not given", hint="--log-key FILE")
        kept.append(opened(raw, named[origin])[0])
    return Trust(named, tuple(kept))


class _Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    digest: str
    rows: tuple[AttestedLog, ...]
    # log in lower case -> how many records each file that verified must give, by the SHA-256 of the file
    files: dict[str, dict[str, int]]


def attested(
    con: DuckDBPyConnection, folder: CaseFolder, manifest: Manifest, given: Trust
) -> tuple[AttestedLog, ...]:
    """Return what came of each exported log in the case whose key is given.

    Nothing is told of a log that verifies, but of which no checkpoint is given: it may be declared. A log is attested
    only if what is in evidence of it is what was verified, no record less and none of another file.
    """
    inputs = [one for one in manifest.inputs if one.log in LOGS and one.source]
    if not inputs or not given.keys:
        return ()
    digest, path = given.digest([one.sha256 for one in inputs]), folder.root / FILE
    try:
        kept = msgspec.json.decode(path.read_bytes(), type=_Kept)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        kept = None
    if kept is None or kept.digest != digest:
        files: dict[str, dict[str, int]] = {}
        rows = tuple(_checked(inputs, manifest, given, files))
        kept = _Kept(digest, rows, files)
        path.write_bytes(msgspec.json.encode(kept))
        path.chmod(0o600)
    if not any(row.status == ATTESTED for row in kept.rows):
        return kept.rows
    held = _in_evidence(con, folder, manifest)
    return tuple(_as_in_evidence(row, kept.files.get(row.origin, {}), held, manifest) for row in kept.rows)


def _in_evidence(
    con: DuckDBPyConnection, folder: CaseFolder, manifest: Manifest
) -> dict[tuple[str, str], dict[str, int]]:
    """Return how many records of each log (source, name) each file gives, by the SHA-256 of the file."""
    counted = con.execute(
        f"""SELECT source, kind, raw_file, count(*) FROM ({evidence_sql(folder, manifest)})
        WHERE source IN {LOGS} GROUP BY ALL"""  # noqa: S608  # constants
    ).fetchall()
    held: dict[tuple[str, str], dict[str, int]] = {}
    for source, kind, file, count in counted:
        held.setdefault((source, kind), {})[file] = count
    return held


def _as_in_evidence(
    row: AttestedLog, files: Mapping[str, int], held: Mapping[tuple[str, str], Mapping[str, int]], manifest: Manifest
) -> AttestedLog:
    """Refuse an attested log of which evidence holds other records than those that were verified."""
    if row.status != ATTESTED:
        return row
    given = held.get((row.log, row.origin), {})
    names = {one.sha256: one.path for one in manifest.inputs if one.source}
    told = ""
    if others := sorted(names.get(file, file) for file in given.keys() - files.keys()):
        told = f"records of it are in {others[0]} too, which does not verify"
    for file, size in files.items():
        if given.get(file, 0) != size:
            told = f"{given.get(file, 0):,} of the {size:,} records of {names.get(file, file)} are in evidence"
    return replace(row, status=REFUSED, reason=told) if told else row


def _checked(
    inputs: Sequence[Input], manifest: Manifest, given: Trust, files: dict[str, dict[str, int]]
) -> Iterator[AttestedLog]:
    """Yield what came of each log; the files that verified are added to `files`."""
    exports: dict[str, list[Exported]] = {}
    logs: dict[str, str] = {}
    refused: dict[str, AttestedLog] = {}
    for one in inputs:
        try:
            with _lines(one, manifest) as lines:
                first = next(lines, b"")
                origin = _origin(first, one)
                key = given.keys.get(origin)
                if key is None:
                    continue
                logs[origin] = one.log
                sizes = [kept.size for kept in given.kept if kept.origin == origin]
                sizes += [export.size for export in exports.get(origin, ())]
                found = _verified(one.log, chain([first], lines), key, sizes)
        except CounterfoilError as error:
            yield AttestedLog(one.log, one.path, REFUSED, str(error))
            continue
        if isinstance(found, AttestedLog):
            refused.setdefault(origin, found)
            continue
        exports.setdefault(origin, []).append(found)
        files.setdefault(origin.lower(), {})[one.sha256] = found.size + 1  # with its checkpoint
    for origin, log in logs.items():
        told = refused.get(origin) or _held(log, origin, exports.get(origin, []), given.kept)
        if told is not None:
            yield told


def _verified(
    log: str, lines: Iterator[bytes], key: note.VerifierKey, sizes: Sequence[int]
) -> Exported | AttestedLog:
    """Return what an export holds, or the log as refused, with what does not hold."""
    try:
        return verified(lines, key, sizes)
    except CounterfoilError as error:
        diagnosis = str(Diagnosis.LEDGER_GAP) if isinstance(error, LogGapError) else ""
        return AttestedLog(log, key.name.lower(), REFUSED, str(error), diagnosis)


def _held(log: str, origin: str, exports: Sequence[Exported], kept: Sequence[Checkpoint]) -> AttestedLog | None:
    """Hold the longest export to the others and to the checkpoints."""
    longest = max(exports, key=lambda export: export.size)
    for other in exports:
        if longest.roots.get(other.size, other.root) != other.root:
            return AttestedLog(log, origin.lower(), REFUSED, f"two exports of {origin} are different histories of it",
                               str(Diagnosis.LEDGER_REWRITTEN), entries=longest.size)
    own = [checkpoint for checkpoint in kept if checkpoint.origin == origin]
    for checkpoint in own:
        told, diagnosis = "", Diagnosis.LEDGER_GAP
        if checkpoint.size > longest.size:
            told = f"it ends at {longest.size:,} entries; a checkpoint that is kept is of {checkpoint.size:,}"
        elif longest.roots.get(checkpoint.size) != checkpoint.root:
            told = f"its first {checkpoint.size:,} entries are not those of the checkpoint that is kept"
            diagnosis = Diagnosis.LEDGER_REWRITTEN
        if told:
            return AttestedLog(log, origin.lower(), REFUSED, told, str(diagnosis), entries=longest.size)
    if not own:
        return None
    most = max(checkpoint.size for checkpoint in own)
    told = f"{longest.size:,} entries without a gap; attested: it extends another party's checkpoint of {most:,}"
    return AttestedLog(log, origin.lower(), ATTESTED, told, entries=longest.size)


def _origin(line: bytes, one: Input) -> str:
    """Return the log that the first line of an export names; raises InputError."""
    try:
        return msgspec.json.decode(line, type=_Named).log
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InputError(f"{one.path}: no exported log") from error


class _Named(msgspec.Struct):
    log: str


@contextmanager
def _lines(one: Input, manifest: Manifest) -> Iterator[Iterator[bytes]]:
    """Yield the lines of an input, which must still be what was read; raises InputError."""
    archives = {archive.sha256: archive.path for archive in manifest.archives}
    path = Path(archives.get(one.archive, one.path))
    with tempfile.TemporaryDirectory(prefix="counterfoil-") as spool, Unpacker(Path(spool)) as unpacker:
        member = next((found for found in unpacker.members(path) if found.name == one.path), None)
        if member is None or member.trouble:
            raise InputError(f"{one.path}: it is not there any more", hint="hunt with the export again")
        _same(member, one)
        with member.open() as stream:
            yield _bounded(stream)


def _same(member: Member, one: Input) -> None:
    digest = hashlib.sha256()
    with member.stored() as stream:
        while data := stream.read(1 << 20):
            digest.update(data)
    if digest.hexdigest() != one.sha256:
        raise LogTamperedError(f"{one.path}: it is not what was read", hint="hunt with the export again")


def _bounded(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield lines of at most MAX_LINE_BYTES; a longer one comes cut, which no log's is."""
    while line := stream.readline(MAX_LINE_BYTES + 1):
        yield line
