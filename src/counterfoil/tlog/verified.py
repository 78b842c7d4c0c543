"""What reading and verifying a whole log gives."""

from __future__ import annotations

from dataclasses import dataclass

from counterfoil.tlog import note
from counterfoil.tlog.checkpoint import parse
from counterfoil.tlog.tree import View


@dataclass(frozen=True)
class Verified:
    """A log that was read and verified: its key, its signed head, and the tree that it is the head of."""

    key: note.VerifierKey
    head: note.Note
    view: View

    @property
    def size(self) -> int:
        """How many entries it has."""
        return parse(self.head.text).size
