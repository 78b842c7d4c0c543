"""Publishes a log's head and shows it to its witnesses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from counterfoil.errors import LogError, LogTamperedError
from counterfoil.tlog import note
from counterfoil.tlog.checkpoint import parse
from counterfoil.tlog.filelog import Cosign
from counterfoil.tlog.tree import View
from counterfoil.tlog.witness import Witness


class Publishing(Protocol):
    """A log whose writer publishes its head."""

    def publish(self, cosign: Cosign | None = None) -> note.Note:
        """Return the signed checkpoint, with the cosignatures that `cosign` gets; what it raises is raised."""


@dataclass(frozen=True)
class Submitted:
    """A published checkpoint, and the witnesses that could not be reached."""

    checkpoint: note.Note
    unreachable: tuple[str, ...]

    @property
    def size(self) -> int:
        """How many entries the checkpoint covers."""
        return parse(self.checkpoint.text).size


def submit(log: Publishing, witnesses: Sequence[Witness]) -> Submitted:
    """Publish the log's head with the cosignatures of its witnesses.

    Raises LogTamperedError if a witness keeps another history of this log.
    """
    unreachable: list[str] = []

    def cosign(head: note.Note, view: View) -> tuple[note.Signature, ...]:
        found: list[note.Signature] = []
        for witness in witnesses:
            try:
                found += witness.submit(head, view)
            except LogTamperedError:
                raise
            except LogError as error:
                unreachable.append(str(error))
        return tuple(found)

    return Submitted(log.publish(cosign), tuple(unreachable))
