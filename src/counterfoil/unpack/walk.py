"""One file on disk into its members: archives are opened, and archives in them, down to what is none."""

from __future__ import annotations

import io
import os
import stat as modes
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from counterfoil.errors import InputError, MissingExtraError
from counterfoil.unpack import ars, sevenzip, tars
from counterfoil.unpack.between import Between
from counterfoil.unpack.bounds import MAX_DEPTH, Bounds, Budget
from counterfoil.unpack.kinds import ARCHIVES, COMPRESSED, HEAD_BYTES, UNREAD, Kind, kind_of
from counterfoil.unpack.names import hidden, on_disk, shown
from counterfoil.unpack.place import Disk, Entry
from counterfoil.unpack.streams import BROKEN, Checked, Stamp, buffered, decompressed, disk, unreadable
from counterfoil.unpack.zips import Zips, stands_behind

_COPY_BYTES = 4 << 20
TOO_DEEP = "packed too many times over: unpack the outer ones first"


@dataclass(frozen=True)
class Member:
    """One file to read, on disk or in an archive: `name` is its path, then its names inside archives.

    `trouble` says why it cannot be read; `again` that it may be readable another time (an extra to be installed).
    `modified` and `link`: as `Entry` has them; None and False outside of archives. `between`: it is no file, but
    what lies between those of an archive.
    """

    name: str
    nested: bool
    trouble: str = ""
    again: bool = False
    _stored: Callable[[], IO[bytes]] | None = None
    _budget: Budget | None = None
    _levels: int = 0  # of compression that may be undone
    modified: float | None = None
    link: bool = False
    between: bool = False

    def stored(self) -> IO[bytes]:
        """Open the file as it stands outside of archives, still compressed if it is: what its hash is of.

        Raises InputError, as reading it does.
        """
        if self._stored is None:
            raise InputError(self.trouble)
        return self._stored()

    def open(self) -> IO[bytes]:
        """Open what the file holds, decompressed; raises InputError, as reading it does."""
        stream = self.stored()
        layer = 0
        while (kind := kind_of(_peeked(stream))) in COMPRESSED and self._budget is not None:
            layer += 1
            if layer > self._levels:
                stream.close()
                raise InputError(f"cannot read {self.name}: {TOO_DEEP}")
            stream = decompressed(kind, stream, self.name, self._budget, layer)
        return stream


def plain(path: Path) -> Member:
    """Return the file on disk as it is, no archive: only compression is undone."""
    name = on_disk(path)
    try:
        size = path.stat().st_size
    except (OSError, ValueError):
        size = 0  # opening it will say why
    return Member(name, False, "", False, lambda: disk(path, name, None), Budget(Bounds(), size), MAX_DEPTH)


class Unpacker:
    """Opens files; holds what that takes (spooled archives in the folder `spool`, open zips) until it is left."""

    def __init__(self, spool: Path, bounds: Bounds | None = None, *, thorough: bool = False) -> None:
        """Spool into the folder, which must exist; its files are private to the user.

        `thorough`: nothing is passed over: members whose names begin with a dot, and the like, are members, too; so is
        what lies between the members of an archive, and a zip that stands behind something else. Office documents are
        the zips that they are.
        """
        self._spool = spool
        self._bounds = bounds or Bounds()
        self._thorough = thorough
        self._zips = Zips(office=thorough)

    def __enter__(self) -> Unpacker:
        """Begin."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close the archives and remove what was spooled: members cannot be opened any more."""
        self._zips.close()
        for path in self._spool.iterdir():
            path.unlink()

    def members(self, path: Path, stamp: Stamp | None = None, *, name: str = "") -> Iterator[Member]:
        """Yield what the file holds: itself if it is no archive; `stamp` is what it was when it was looked at.

        `name`: by which it is shown, if not by its path.

        An archive that is damaged, encrypted or beyond the bounds gives the members before that, and one with the
        reason. Raises OSError when the folder for spooling cannot be written.
        """
        name = name or on_disk(path)
        try:
            found = path.stat()
            if not modes.S_ISREG(found.st_mode):
                raise InputError(f"cannot read {name}: no regular file")
        except BROKEN as error:
            yield _trouble(name, unreadable(name, error), nested=False)
            return
        same = stamp or Stamp.of(found)
        yield from _File(self, same.size).inside(_Place(name, lambda: disk(path, name, same), 0, path, same))

    def spooled(self) -> tuple[IO[bytes], Path]:
        """Return a new file of the folder, open for writing."""
        handle, name = tempfile.mkstemp(dir=self._spool)  # of mode 0600
        return os.fdopen(handle, "wb"), Path(name)

    @property
    def bounds(self) -> Bounds:
        """The limits."""
        return self._bounds

    @property
    def thorough(self) -> bool:
        """Whether nothing is passed over."""
        return self._thorough

    @property
    def zips(self) -> Zips:
        """The open zip archives."""
        return self._zips


@dataclass(frozen=True)
class _Place:
    """Something that may be an archive; `path` is where it lies on disk as it is, if it does."""

    name: str
    stored: Callable[[], IO[bytes]]
    depth: int
    path: Path | None = None
    stamp: Stamp | None = None
    modified: float | None = None


class _File:
    """The walk through one file on disk, and what it has cost so far."""

    def __init__(self, unpacker: Unpacker, size: int) -> None:
        self._unpacker = unpacker
        self._bounds = unpacker.bounds
        self._budget = Budget(self._bounds, size)
        self._members = 0

    def inside(self, place: _Place) -> Iterator[Member]:
        """Yield the members of the place."""
        nested = place.depth > 0
        try:
            kind, layers = self._look(place)
            if kind in UNREAD:
                if self._unpacker.thorough:
                    yield self._as_it_is(place)
                raise InputError(f"cannot read {place.name}: a {kind} archive: unpack it first")
            if kind not in ARCHIVES:
                yield self._as_it_is(place)
                if not self._unpacker.thorough or place.path is None or not stands_behind(place.path):
                    return
                kind = Kind.ZIP
            depth = place.depth + layers + 1
            if depth > self._bounds.depth:
                raise InputError(f"cannot read {place.name}: {TOO_DEEP}")
            archive = self._on_disk(place, layers)
            spans: list[tuple[int, int]] = []
            for name, entry in self._named(archive, self._entries(kind, archive)):
                if self._budget.spent:
                    return  # the member with which it was spent says so
                spans.append(entry.span)
                yield from self._entry(name, entry, depth)
            if self._unpacker.thorough and kind is not Kind.SEVEN_ZIP:
                yield self._between(archive, spans)
        except InputError as error:
            yield _trouble(place.name, error, nested=nested)

    def _as_it_is(self, place: _Place) -> Member:
        depth = self._bounds.depth - place.depth
        return Member(place.name, place.depth > 0, "", False, place.stored, self._budget, depth, place.modified)

    def _entry(self, name: str, entry: Entry, depth: int) -> Iterator[Member]:
        self._members += 1
        if self._members > self._bounds.members:
            raise InputError(f"its file holds more than {self._bounds.members:,} members: {name} and what follows")
        if entry.trouble:
            yield Member(name, True, f"cannot read {name}: {entry.trouble}", link=entry.link)
            return

        def stored() -> IO[bytes]:
            return buffered(Checked(name, entry.open(), lambda at: self._budget.take(name, 0, at)))

        yield from self.inside(_Place(name, stored, depth, modified=entry.modified))

    def _between(self, archive: Disk, spans: list[tuple[int, int]]) -> Member:
        name = f"{archive.name}/(between)"

        def stored() -> IO[bytes]:
            try:
                return buffered(Checked(name, Between(archive, spans)))
            except OSError as error:
                raise unreadable(name, error) from error

        return Member(name, True, "", False, stored, self._budget, 0, between=True)

    def _look(self, place: _Place) -> tuple[Kind, int]:
        """Return the kind of what the place holds below its compressions, and their number."""
        member = Member(place.name, True, "", False, place.stored, self._budget, self._bounds.depth - place.depth)
        with member.stored() as stream:
            kind = kind_of(_peeked(stream))
        if kind not in COMPRESSED:
            return kind, 0
        with member.open() as stream:
            return kind_of(_peeked(stream)), 1

    def _on_disk(self, place: _Place, layers: int) -> Disk:
        """Return the archive as a file that can be sought in, spooled if it is none."""
        if place.path is not None and place.stamp is not None and not layers:
            return Disk(place.path, place.name, place.stamp)
        member = Member(place.name, True, "", False, place.stored, self._budget, self._bounds.depth - place.depth)
        target, path = self._unpacker.spooled()
        with target, member.open() as stream:
            while chunk := stream.read(_COPY_BYTES):
                target.write(chunk)
            target.flush()
            return Disk(path, place.name, Stamp.of(os.fstat(target.fileno())))

    def _entries(self, kind: Kind, archive: Disk) -> Iterator[Entry]:
        if kind is Kind.ZIP:
            return self._unpacker.zips.entries(archive)
        if kind is Kind.TAR:
            return tars.entries(archive)
        if kind is Kind.AR:
            return ars.entries(archive)
        return sevenzip.entries(
            archive, self._unpacker.spooled, lambda name, at: self._budget.take(f"{archive.name}/{name}", 0, at)
        )

    def _named(self, archive: Disk, entries: Iterator[Entry]) -> Iterator[tuple[str, Entry]]:
        """Yield the entries that count by the names under which they are shown, which differ."""
        seen: dict[str, int] = {}
        for entry in entries:
            if not self._unpacker.thorough and hidden(entry.name):
                continue
            name = shown(archive.name, entry.name)
            seen[name] = seen.get(name, 0) + 1
            yield (name if seen[name] == 1 else f"{name}#{seen[name]}"), entry


def _trouble(name: str, error: InputError, *, nested: bool) -> Member:
    hint = f": {error.hint}" if error.hint else ""
    return Member(name, nested, f"{error}{hint}", isinstance(error, MissingExtraError))


def _peeked(stream: IO[bytes]) -> bytes:
    """Return the first bytes without taking them."""
    return cast(io.BufferedReader, stream).peek(HEAD_BYTES)[:HEAD_BYTES]
