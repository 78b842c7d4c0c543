"""Checkpoints (c2sp.org/tlog-checkpoint): origin, tree size and root hash, as the text of a signed note. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from counterfoil.errors import InputError
from counterfoil.tlog import note
from counterfoil.tlog.merkle import HASH_BYTES

MAX_SIZE = 2**63 - 1
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True)
class Checkpoint:
    """The head of a tree. Extension lines are refused: no monitor could audit them."""

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        """Refuse what could not be written or read back."""
        if not self.origin or any(sign < " " for sign in self.origin):
            raise InputError(f"checkpoint: expected an origin of one line, got {self.origin[:80]!r}")
        if not 0 <= self.size <= MAX_SIZE or len(self.root) != HASH_BYTES:
            raise InputError(f"checkpoint of {self.origin}: bad size or root")

    def text(self) -> str:
        """Return the three lines that are signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    def signed_by(self, key: note.SignerKey) -> note.Note:
        """Return the note that this key signs."""
        return note.signed(self.text(), [key.sign(self.text())])


def parse(text: str) -> Checkpoint:
    """Read the text of a checkpoint's note; InputError if it is none."""
    lines = text.split("\n")
    if len(lines) != 4 or lines[3]:
        raise InputError(f"checkpoint: expected 3 lines, got {len(lines) - 1}")
    origin, size, encoded, _ = lines
    if not _SIZE.fullmatch(size):
        raise InputError(f"checkpoint of {origin[:80]}: expected a tree size, got {size[:40]!r}")
    try:
        root = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputError(f"checkpoint of {origin[:80]}: the root is not base64") from error
    found = Checkpoint(origin, int(size), root)
    if found.text() != text:
        raise InputError(f"checkpoint of {origin[:80]}: not the one spelling of size and root")
    return found


def opened(raw: bytes, key: note.VerifierKey) -> tuple[Checkpoint, note.Note]:
    """Read a signed checkpoint and check the log's signature and origin; LogTamperedError if it is not signed."""
    found = note.parse(raw)
    key.check(found)
    checkpoint = parse(found.text)
    if checkpoint.origin != key.name:
        raise InputError(f"checkpoint: expected the origin {key.name}, got {checkpoint.origin[:80]}")
    return checkpoint, found
