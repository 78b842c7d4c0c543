"""A log as JSON Lines: each entry's bytes as they are, and the signed checkpoint last. For other machines to verify.

Lines are such as {"schema": "counterfoil.ledger-entry/1", "log": ORIGIN, "index": 0, "entry": {...}}, and at the end
{"schema": "counterfoil.log-checkpoint/1", "log": ORIGIN, "time": "...", "size": 1, "note": "..."}. Members stand in
this order, once, without spaces: a line has one spelling, so that every reader of it reads what was verified.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from counterfoil.errors import InputError, LogGapError, LogTamperedError
from counterfoil.model.counterfoil import CHECKPOINT_SCHEMA
from counterfoil.model.unique import duplicate_in
from counterfoil.tlog import note
from counterfoil.tlog.checkpoint import parse
from counterfoil.tlog.merkle import Frontier, leaf_hash
from counterfoil.tlog.stored import Stored

# A line holds one entry (tlog.tiles bounds those at 64 KiB) or a note.
MAX_LINE_BYTES = 256 * 1024


@dataclass(frozen=True)
class Exported:
    """A log whose entries hash to its own signed checkpoint. `roots`: of its first n entries, for each n asked for."""

    origin: str
    schema: str
    size: int
    root: bytes
    head: note.Note
    roots: Mapping[int, bytes]


class _Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    schema: str
    log: str
    index: int = -1
    entry: msgspec.Raw = msgspec.Raw(b"")
    size: int = -1
    note: str = ""
    time: str = ""


_decode = msgspec.json.Decoder(_Line).decode
_encode = msgspec.json.encode


def write(
    log: Stored, schema: str, out: Callable[[bytes], object], at: datetime, key: note.VerifierKey | None = None
) -> int:
    """Write a log, verified on the way; needs no secret and no lock. Returns how many entries there are.

    `at`: the present, which the last line tells as the time of the export (unsigned: a claim of who exports). `key`
    pins the log's own. Raises LogTamperedError; what was written by then has no checkpoint, so it proves nothing.
    """
    origin = _encode((key or log.key()).name)
    start = b'{"schema":%b,"log":%b,"index":' % (_encode(schema), origin)

    def visit(index: int, entry: bytes) -> None:
        out(b'%b%d,"entry":%b}\n' % (start, index, entry))

    found = log.verified(visit, key)
    time = f"{at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='seconds')}Z"
    out(_last(found.key.name, time, found.size, found.head.render()) + b"\n")
    return found.size


def verified(lines: Iterable[bytes], key: note.VerifierKey, sizes: Sequence[int] = ()) -> Exported:
    """Verify an exported log, in bounded memory, under its public key.

    Raises LogTamperedError (its message says what does not hold: gap, changed entry, missing or wrong checkpoint) and
    InputError for a line that is none of an exported log.
    """
    tree, wanted, schema = Frontier(), set(sizes), ""
    roots: dict[int, bytes] = {0: tree.root()} if 0 in wanted else {}
    head: _Line | None = None
    otherwise = 0  # the first line that is written otherwise than exports are
    what = f"exported log {key.name}"
    for number, raw in enumerate(lines, 1):
        if not raw.strip():
            continue
        line = _line(raw, number, what)
        if line.log != key.name:
            raise LogTamperedError(f"{what}: line {number} is of the log {line.log[:80]!r}")
        if head is not None:
            raise LogTamperedError(f"{what}: line {number} stands behind the checkpoint")
        otherwise = otherwise or number * (_spelled(line) != raw.removesuffix(b"\n").removesuffix(b"\r"))
        if line.schema == CHECKPOINT_SCHEMA:
            head = line
            continue
        schema = schema or line.schema
        if line.schema != schema:
            raise LogTamperedError(f"{what}: line {number} is of {line.schema[:80]!r}, those before of {schema!r}")
        if line.index != tree.size:
            raise LogGapError(
                f"{what}: entry {tree.size} is expected on line {number}, which holds {line.index}",
                hint="entries are missing, or in another order",
            )
        otherwise = otherwise or number * _ambiguous(bytes(line.entry))
        tree.append(leaf_hash(bytes(line.entry)))
        if tree.size in wanted:
            roots[tree.size] = tree.root()
    if head is None:
        raise LogGapError(f"{what}: it has no checkpoint", hint="the export was cut off: export again")
    signed = _head(head, key, tree, what)
    _spelled_alike(otherwise, what)
    return Exported(key.name, schema, tree.size, tree.root(), signed, roots)


def _ambiguous(entry: bytes) -> bool:
    """Tell whether two readers may read two things in an entry."""
    try:
        return duplicate_in(entry) is not None
    except ValueError:
        return True


def _spelled(line: _Line) -> bytes:
    """Return the line as `write` spells it."""
    if line.schema == CHECKPOINT_SCHEMA:
        return _last(line.log, line.time, line.size, line.note)
    names = _encode(line.schema), _encode(line.log)
    return b'{"schema":%b,"log":%b,"index":%d,"entry":%b}' % (*names, line.index, bytes(line.entry))


def _last(log: str, time: str, size: int, text: str) -> bytes:
    told = {"schema": CHECKPOINT_SCHEMA, "log": log, "time": time, "size": size, "note": text}
    return _encode({name: value for name, value in told.items() if value != ""})


def _spelled_alike(otherwise: int, what: str) -> None:
    """Refuse other spellings: of a member that is there twice, another reader may take the one not verified."""
    if otherwise:
        raise LogTamperedError(f"{what}: line {otherwise} is not written as exports are", hint="export again")


def _head(line: _Line, key: note.VerifierKey, tree: Frontier, what: str) -> note.Note:
    """Return the checkpoint's note, checked against what the entries hash to."""
    try:
        head = note.parse(line.note.encode())
        told = parse(head.text)
    except InputError as error:
        raise LogTamperedError(f"{what}: its checkpoint is none: {error}") from error
    key.check(head)
    if (told.origin, told.size) != (key.name, tree.size) or line.size != tree.size:
        raise LogGapError(
            f"{what}: its checkpoint is of {told.size} entries of {told.origin[:80]}, the export holds {tree.size}",
            hint="entries are missing at the end, or were added",
        )
    if told.root != tree.root():
        raise LogTamperedError(
            f"{what}: its {tree.size} entries are not those that the log signed", hint="an entry was changed"
        )
    return head


def _line(raw: bytes, number: int, what: str) -> _Line:
    if len(raw) > MAX_LINE_BYTES:
        raise InputError(f"{what}: line {number} is longer than {MAX_LINE_BYTES} bytes")
    try:
        return _decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{what}: line {number} is none of an exported log: {error}") from error
