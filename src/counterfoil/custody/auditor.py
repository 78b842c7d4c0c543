"""Verifies a custody log and tells who did what. Reads only: no key store, no lock, no secret is needed."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from counterfoil.custody import audit, inventory, tpmaudit
from counterfoil.custody.audit import Operation, Record, Result
from counterfoil.custody.laststate import LastState
from counterfoil.errors import CounterfoilError, InputError, LogTamperedError
from counterfoil.tlog import note, replay
from counterfoil.tlog.checkpoint import parse
from counterfoil.tlog.folder import Folder
from counterfoil.tlog.merkle import inclusion_proof, leaf_hash, verify_inclusion
from counterfoil.tlog.tree import View
from counterfoil.tlog.witness import Witness

# Unfinished operations and problems that a report lists one by one.
MAX_LISTED = 100
# How often the inventory is looked at, if it changes meanwhile.
MAX_TRIES = 5
MAX_DIGITS = 12


@dataclass(frozen=True)
class Use:
    """What one principal did with one key for one purpose, with one outcome."""

    principal: str
    host: str
    operation: Operation
    key: str
    kid: str
    purpose: str
    result: str
    count: int
    first: datetime
    last: datetime


@dataclass(frozen=True)
class Window:
    """The signatures between two signed readings of a device's audit digest, and whether the device has them too."""

    until: int  # the record of the later reading
    signatures: int
    proven: bool
    why: str = ""


@dataclass(frozen=True)
class Kept:
    """What a witness keeps: the size it vouches for, or why it does not."""

    witness: str
    size: int
    problem: str = ""


@dataclass(frozen=True)
class Entry:
    """One record of the log, an end joined to its beginning's facts."""

    index: int
    record: Record


@dataclass(frozen=True)
class Audit:
    """What a verified log says. `problems` are findings; without any, and with a witness, the log is attested."""

    origin: str
    size: int
    checkpoint: str
    unfinished_write: int
    uses: tuple[Use, ...]
    unfinished: tuple[Entry, ...]
    windows: tuple[Window, ...]
    unattested: int  # signatures of a device since its last signed reading, or without any
    witnesses: tuple[Kept, ...]
    problems: tuple[str, ...]

    @property
    def attested(self) -> bool:
        """Whether another party's checkpoint vouches for this log, and nothing is wrong."""
        return not self.problems and any(kept.size > 0 for kept in self.witnesses)


@dataclass
class _Reading:
    """What is gathered while the log is replayed."""

    begun: dict[int, Record] = field(default_factory=dict)
    uses: dict[tuple[str, str, Operation, str, str, str, str], tuple[int, datetime, datetime]] = field(
        default_factory=dict
    )
    evidence: list[tuple[int, Record, Record]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def visit(self, index: int, raw: bytes) -> None:
        """Take in one record."""
        record = audit.decode(raw, index)
        if record.result is Result.BEGUN:
            self.begun[index] = record
            return
        begin = self.begun.pop(record.of, None)
        if begin is None or begin.op is not record.op:
            self.problems.append(f"record {index} ends record {record.of}, which is no such beginning")
            return
        asks = record.evidence.get(audit.ASKS, "")
        self._count(begin, record.result, record.time, int(asks) if asks.isdecimal() and len(asks) < MAX_DIGITS else 1)
        if "tpm_order" in record.evidence:
            self.evidence.append((index, begin, record))

    def unfinished(self) -> Iterator[Entry]:
        """Yield operations that never ended, counted as used: the process may have died in or after the use."""
        for index, begin in self.begun.items():
            self._count(begin, Result.BEGUN, begin.time)
            yield Entry(index, begin)

    def _count(self, begin: Record, result: Result, time: datetime, times: int = 1) -> None:
        told = "unfinished" if result is Result.BEGUN else str(result)
        group = (begin.principal, begin.host, begin.op, begin.key, begin.kid, begin.purpose, told)
        count, first, last = self.uses.get(group, (0, begin.time, time))
        self.uses[group] = count + times, min(first, begin.time), max(last, time)


def audited(
    path: Path, key: note.VerifierKey | None = None, witnesses: Sequence[Witness] = (), store: Path | None = None
) -> Audit:
    """Verify the log in `path` as a whole: every byte, every published tile, every device's digest, every witness.

    `key` pins the log's public key; `store` is the custody folder, whose inventory is held to the log. Raises
    LogTamperedError at the first byte that does not fit, LogError if there is no log; what a sound log says that should
    not be is in `problems`.
    """
    folder, found = Folder(path), _Reading()
    published = replay.published(folder)
    state = replay.replay(folder, found.visit, key)
    replay.check_published(folder, published, state)
    unfinished = tuple(found.unfinished())
    evidence = _in_order(found.evidence)
    windows = tuple(_windows(evidence))
    kept = tuple(_kept(witness, state.head, state.tree.view(replay.tile_reader(folder))) for witness in witnesses)
    problems = found.problems[:MAX_LISTED]
    problems += [f"device: {window.why} (up to record {window.until})" for window in windows if not window.proven]
    problems += [entry.problem for entry in kept if entry.problem]
    problems += [told] if store is not None and (told := _inventory_problem(store, path)) else []
    uses = (Use(*group, *counted) for group, counted in found.uses.items())
    return Audit(
        state.key.name, state.tree.size, state.head.render(), len(state.torn),
        tuple(sorted(uses, key=lambda use: (use.principal, use.operation, use.key, use.first))),
        unfinished, windows, _unattested(evidence), kept, tuple(problems[:MAX_LISTED]),
    )


def _inventory_problem(store: Path, log: Path) -> str:
    """Return what is wrong with the inventory of keys in a custody folder, held to its log; nothing if they agree.

    A signer may be at work meanwhile: what counts is an inventory that was the same before and after the log was read.
    """
    folder = Folder(store)
    for _ in range(MAX_TRIES):
        digest, last = inventory.digest_in(folder), LastState()
        replay.replay(Folder(log), last.visit)
        if inventory.digest_in(folder) != digest:
            continue
        try:
            last.judge(digest)
        except LogTamperedError as error:
            return f"{error}: {error.hint}"
        return ""
    return "the inventory of keys could not be held to the log: it kept changing"


def entries(path: Path, digest: str = "") -> Iterator[tuple[Entry, Record | None]]:
    """Yield each beginning with its end (None if it never ended), in order; only those of a digest, if one is given."""
    order: dict[int, Record] = {}
    ends: dict[int, Record] = {}

    def visit(index: int, raw: bytes) -> None:
        record = audit.decode(raw, index)
        if record.result is not Result.BEGUN:
            if record.of in order:
                ends[record.of] = record
        elif not digest or record.digest == digest:
            order[index] = record

    replay.replay(Folder(path), visit)
    for index, record in order.items():
        yield Entry(index, record), ends.get(index)


def check_inclusion(path: Path, index: int) -> tuple[bytes, ...]:
    """Return the proof that entry `index` is in the log's signed head, after verifying it against that head's root."""
    folder = Folder(path)
    wanted: list[bytes] = []
    state = replay.replay(folder, lambda place, raw: wanted.append(raw) if place == index else None)
    if not wanted:
        raise InputError(f"the log has no entry {index}", hint=f"it has {state.tree.size}, counted from 0")
    head = parse(state.head.text)
    proof = inclusion_proof(index, head.size, state.tree.view(replay.tile_reader(folder)).subtree)
    verify_inclusion(leaf_hash(wanted[0]), index, head.size, proof, head.root)
    return proof


def _kept(witness: Witness, head: note.Note, view: View) -> Kept:
    try:
        return Kept(witness.name, witness.check(head, view))
    except LogTamperedError as error:
        return Kept(witness.name, 0, str(error))
    except CounterfoilError as error:
        return Kept(witness.name, 0, f"cannot tell: {error}")


def _windows(evidence: list[tuple[int, Record, Record]]) -> Iterator[Window]:
    """Hold our records to each signed reading of the device, in the order in which the device did things."""
    before: tpmaudit.Reading | None = None
    digest, signatures, flaw = tpmaudit.ZERO, 0, ""
    for index, begin, end in evidence:
        if begin.op is Operation.SIGN:
            try:
                command = tpmaudit.sign_hash(bytes.fromhex(end.evidence["tpm_name"]), bytes.fromhex(begin.digest))
                digest = tpmaudit.extended(digest, command, bytes.fromhex(end.evidence["tpm_response"]))
            except (KeyError, ValueError):
                flaw = f"record {index} holds no evidence of the device"
            signatures += 1
            continue
        try:
            now = _reading(end)
        except CounterfoilError as error:
            yield Window(index, signatures, proven=False, why=str(error))
            continue
        if before is not None:  # the first reading begins the count
            why = flaw or _compared(before, now, digest if signatures else b"")
            yield Window(index, signatures, proven=not why, why=why)
        before, digest, signatures, flaw = now, tpmaudit.ZERO, 0, ""


def _unattested(evidence: list[tuple[int, Record, Record]]) -> int:
    """Return how many signatures no reading follows."""
    last = max((place for place, (_, begin, _) in enumerate(evidence) if begin.op is not Operation.SIGN), default=-1)
    return len(evidence) - 1 - last


def _in_order(evidence: list[tuple[int, Record, Record]]) -> list[tuple[int, Record, Record]]:
    """Sort by connection (in the log's order) and by the device's order within it."""
    epochs: dict[str, int] = {}
    placed = []
    for index, begin, end in evidence:
        epoch, _, count = end.evidence["tpm_order"].partition(":")
        placed.append((epochs.setdefault(epoch, len(epochs)), int(count) if count.isdigit() else 0, index, begin, end))
    return [(index, begin, end) for _, _, index, begin, end in sorted(placed, key=lambda found: found[:3])]


def _reading(end: Record) -> tpmaudit.Reading:
    try:
        parts = [base64.b64decode(end.evidence[name], validate=True) for name in ("attested", "signature", "key")]
    except (KeyError, binascii.Error, ValueError) as error:
        raise InputError("the reading holds no attestation") from error
    return tpmaudit.reading(*parts)


def _compared(before: tpmaudit.Reading, now: tpmaudit.Reading, digest: bytes) -> str:
    """Return what is wrong between two readings; nothing if our records explain the later one."""
    if now.key != before.key:
        return "another attestation key signed: another TPM, or its seed was changed"
    if now.commands != tpmaudit.AUDITED:
        return "TPM2_Sign is not audited, or other commands are"
    if now.resets != before.resets:
        return "the TPM was reset: signatures before that are recorded, not attested" if digest else ""
    if now.digest != digest:
        return "the TPM executed other signatures than the log holds"
    if not now.follows(before):
        return "somebody else read and reset the digest in between: signatures may be missing"
    return ""
