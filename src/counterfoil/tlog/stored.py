"""Logs at rest, wherever they are kept: whoever reads one verifies it as a whole, and needs no secret and no lock."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from counterfoil.errors import MissingExtraError
from counterfoil.tlog import note, replay
from counterfoil.tlog.folder import Folder
from counterfoil.tlog.replay import Visit
from counterfoil.tlog.verified import Verified

if TYPE_CHECKING:
    from counterfoil.tlog.sqllog import InDatabase

# How the address of a database begins.
SCHEMES = ("postgresql://", "postgres://")


class Stored(Protocol):
    """A log at rest."""

    def key(self) -> note.VerifierKey:
        """Return its public key, as it says itself; LogError if there is no log."""

    def verified(self, visit: Visit | None = None, key: note.VerifierKey | None = None) -> Verified:
        """Read and verify all of it; LogTamperedError says what does not fit.

        `visit` is called with each entry in order, `key` pins what its own must be.
        """


@dataclass(frozen=True)
class InFolder:
    """A log in a folder, or in a copy of one."""

    path: Path

    def key(self) -> note.VerifierKey:
        """Return its public key."""
        return replay.verifier_key(Folder(self.path))

    def verified(self, visit: Visit | None = None, key: note.VerifierKey | None = None) -> Verified:
        """Read and verify all of it; see `Stored.verified`."""
        folder = Folder(self.path)
        found = replay.replay(folder, visit, key)
        return Verified(found.key, found.head, found.tree.view(replay.tile_reader(folder)))


def stored_at(place: str) -> InFolder | InDatabase:
    """Return the log in a folder, or at the address of a PostgreSQL database (without a password).

    Raises UsageError for an address that is none, MissingExtraError without the extra `postgres`.
    """
    if not place.startswith(SCHEMES):
        return InFolder(Path(place))
    try:
        from counterfoil.tlog.sqllog import Database, InDatabase
    except ImportError as error:
        raise missing_extra() from error
    return InDatabase(Database(place))


def missing_extra() -> MissingExtraError:
    """Return what is raised where the packages for databases are missing."""
    return MissingExtraError("a log in a database needs the extra postgres", hint="pip install 'counterfoil[postgres]'")
