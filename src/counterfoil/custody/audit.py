"""What a record of the custody log says. One record when an operation begins, one when it has ended.

The first is durable before a key is touched, the second before a signature is released: a log that cannot be written
stops signing, and a process that dies leaves at most a beginning without an end, never a use without a record.
"""

from __future__ import annotations

import getpass
import os
import socket
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import msgspec

from counterfoil.errors import LogTamperedError, UsageError
from counterfoil.model.unique import duplicate_in

# Texts that callers give.
MAX_TEXT = 256


class Operation(StrEnum):
    """What was done."""

    OPEN = "open"  # custody was opened: configuration, and the state that was found
    CREATE = "create"
    ATTACH = "attach"
    LIST = "list"
    SIGN = "sign"
    PREPARE = "prepare"  # the next version is made, and signs after the rotation
    ROTATE = "rotate"
    RETIRE = "retire"  # a previous version leaves the published key set
    BLOCK = "block"  # a version that is known or feared to be out; the detail says why
    SETTLE = "settle"  # custody was opened after a crash: what had begun is finished, what is unpublished published
    DISABLE = "disable"
    DESTROY = "destroy"
    EXPORT = "export"  # always refused
    ATTEST = "attest"


class Result(StrEnum):
    """How it ended."""

    BEGUN = "begun"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """One entry of the log; unset texts are empty. An end says which beginning it ends, and does not repeat it."""

    v: int
    time: datetime  # UTC
    op: Operation
    result: Result
    of: int = -1
    principal: str = ""  # who asked: user:NAME of the caller's process
    process: str = ""  # pid, and the program if it could be read
    host: str = ""
    purpose: str = ""  # the caller's own word
    key: str = ""
    kid: str = ""  # of a retirement or a block: the version that it is about, from the beginning on
    algorithm: str = ""
    digest: str = ""  # SHA-256 of the signing input, hex
    detail: str = ""
    inventory: str = ""  # SHA-256 of the inventory after this operation, hex
    evidence: dict[str, str] = {}


VERSION = 1
# Evidence of a refusal: how many asks it stands for.
ASKS = "asks"
_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Record)


def encode(record: Record) -> bytes:
    """Return the record as JSON."""
    return _ENCODER.encode(record)


def decode(raw: bytes, index: int) -> Record:
    """Return the record of an entry; LogTamperedError if it is none (the log's hashes are right: its writer is not)."""
    try:
        record = _DECODER.decode(raw)
        twice = duplicate_in(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise LogTamperedError(f"entry {index} is no record of custody: {error}") from error
    if twice is not None:
        raise LogTamperedError(f"entry {index} has {twice[:80]!r} twice", hint="two readers would read two uses")
    if record.v != VERSION:
        raise LogTamperedError(f"entry {index}: expected version {VERSION}, got {record.v}")
    return record


class Caller(msgspec.Struct, frozen=True):
    """Who asks: as far as this machine knows, and not as the caller says."""

    principal: str
    process: str
    host: str

    @classmethod
    def own(cls) -> Caller:
        """Return this process."""
        return cls.of(os.getpid(), _user())

    @classmethod
    def of(cls, pid: int, user: str) -> Caller:
        """Return another process of this machine."""
        process, program = Path(f"/proc/{pid}"), "?"
        try:
            program = process.joinpath("comm").read_text().strip()
            program = str(process.joinpath("exe").readlink())  # of other users' processes only root sees it
        except (OSError, UnicodeDecodeError):
            pass
        return cls(f"user:{user}"[:MAX_TEXT], f"{pid} {program}"[:MAX_TEXT], socket.gethostname()[:MAX_TEXT])


def checked_purpose(purpose: str) -> str:
    """Refuse a purpose that is long or has control characters."""
    if len(purpose) > MAX_TEXT or any(sign < " " for sign in purpose):
        raise UsageError(f"a purpose is one line of at most {MAX_TEXT} characters")
    return purpose


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return str(os.getuid())
