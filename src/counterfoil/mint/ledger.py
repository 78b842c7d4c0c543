"""The ledger: every counterfoil in a log that cannot be altered unnoticed. Durable before `record` returns.

An issuer that keeps its own minting code calls `record` before it hands out a token:

    with FileLedger.open(Path("ledger"), "ledger.example.com/idp") as ledger:
        ledger.record(counterfoil)
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import msgspec

from counterfoil.errors import LogTamperedError, UsageError
from counterfoil.model.counterfoil import VERSION, Counterfoil
from counterfoil.model.unique import duplicate_in
from counterfoil.tlog import note
from counterfoil.tlog.filelog import Cosign, open_log
from counterfoil.tlog.submit import Submitted, submit
from counterfoil.tlog.tree import View
from counterfoil.tlog.witness import Witness

# What one counterfoil may take as JSON: an issuer's claims are short.
MAX_COUNTERFOIL_BYTES = 16 * 1024
MAX_TEXT, MAX_LIST = 1_024, 64
_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Counterfoil)
_HEX = frozenset("0123456789abcdef")


class Log(Protocol):
    """What keeps the entries of a ledger: `tlog.filelog` in a folder, `tlog.sqllog` in a database."""

    @property
    def origin(self) -> str:
        """The name of the log."""

    @property
    def key(self) -> note.VerifierKey:
        """Its public key."""

    def append(self, entry: bytes) -> int:
        """Make an entry durable and return its index, or raise LogError."""

    def view(self) -> View:
        """Return the tree as it is."""

    def publish(self, cosign: Cosign | None = None) -> note.Note:
        """Return the signed checkpoint, with the cosignatures that `cosign` gets."""

    def close(self) -> None:
        """Let go of it."""


class Ledger:
    """A ledger over a log. Threads may share it."""

    def __init__(self, log: Log, witnesses: tuple[Witness, ...] = ()) -> None:
        """Use `FileLedger.open` or `SqlLedger.open`, unless the log is opened elsewhere."""
        self._log, self._witnesses = log, witnesses

    @property
    def origin(self) -> str:
        """The name of its log."""
        return self._log.origin

    @property
    def key(self) -> note.VerifierKey:
        """The public key of its log: give it to whoever verifies."""
        return self._log.key

    def record(self, counterfoil: Counterfoil) -> int:
        """Keep a counterfoil and return its number from 0.

        It is durable, or LogError is raised: then no token may be handed out for it. UsageError: it cannot be kept.
        """
        return self._log.append(encode(counterfoil))

    def size(self) -> int:
        """Return how many counterfoils there are."""
        return self._log.view().size

    def checkpoint(self) -> Submitted:
        """Publish the ledger's head to its witnesses; LogTamperedError if one keeps another history of it."""
        return submit(self._log, self._witnesses)

    def close(self) -> None:
        """Let go of the folder, or of the database."""
        self._log.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class FileLedger(Ledger):
    """A ledger in a folder, which one process at a time holds."""

    @classmethod
    def open(cls, path: Path, origin: str = "", witnesses: tuple[Witness, ...] = ()) -> Self:
        """Open the ledger in a folder and verify it as a whole; a new one is made if `origin` names it.

        Raises LogTamperedError if it is not what was recorded last, LogError if it is absent, busy or unreadable.
        """
        return cls(open_log(path, origin, visit=checked), witnesses)


def encode(counterfoil: Counterfoil) -> bytes:
    """Return the entry of a counterfoil: JSON. Raises UsageError for one that could not be read again."""
    if len(counterfoil.digest) != 64 or not _HEX.issuperset(counterfoil.digest):
        raise UsageError("counterfoil: its digest is no SHA-256 in lower-case hex")
    if not (counterfoil.iss and counterfoil.kid):
        raise UsageError("counterfoil: iss and kid are needed")
    if counterfoil.iat.tzinfo is None or counterfoil.exp.tzinfo is None or counterfoil.time.tzinfo is None:
        raise UsageError("counterfoil: a time without offset", hint="give datetimes in UTC")
    texts = (counterfoil.jti, counterfoil.iss, counterfoil.kid, *counterfoil.aud, *counterfoil.parents)
    lists = max(len(counterfoil.aud), len(counterfoil.parents))
    entry = _ENCODER.encode(counterfoil)
    if max(map(len, texts)) > MAX_TEXT or lists > MAX_LIST or len(entry) > MAX_COUNTERFOIL_BYTES:
        raise UsageError(
            "counterfoil: too long",
            hint=f"ids of {MAX_TEXT} characters, lists of {MAX_LIST}, {MAX_COUNTERFOIL_BYTES} bytes in all at most",
        )
    return entry


def decode(raw: bytes, index: int) -> Counterfoil:
    """Return the counterfoil of an entry; LogTamperedError if it is none (the hashes are right: its writer is not)."""
    try:
        found = _DECODER.decode(raw)
        twice = duplicate_in(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise LogTamperedError(f"entry {index} is no counterfoil: {error}") from error
    if twice is not None:
        raise LogTamperedError(f"entry {index} has {twice[:80]!r} twice", hint="two readers would read two tokens")
    if found.v != VERSION:
        raise LogTamperedError(f"entry {index}: expected version {VERSION}, got {found.v}")
    return found


def checked(index: int, raw: bytes) -> None:
    """Take in one entry at a start: whatever is no counterfoil shows at once, not when somebody asks for it."""
    decode(raw, index)
