"""Unpacks 7z archives into a folder, with the extra `7z`: their members are compressed as one and cannot be sought."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from counterfoil.errors import InputError, MissingExtraError
from counterfoil.unpack.bounds import MAX_DIRECTORY_BYTES
from counterfoil.unpack.place import Disk, Entry
from counterfoil.unpack.streams import BROKEN, disk, unreadable
from counterfoil.unpack.zips import ENCRYPTED

# Methods that decode as much as they are asked for and no more. What is not named here could be a bomb.
METHODS = frozenset({
    "LZMA", "LZMA2", "COPY", "DEFLATE", "BZip2", "DELTA", "BCJ", "ARM", "ARMT", "IA64", "PPC", "SPARC",
})

_HEADER_SIZE_AT, _HEADER_SIZE_BYTES = 20, 8
# What the library lets out on damaged headers, found by fuzzing.
_FOREIGN = (struct.error, AssertionError, TypeError, LookupError, AttributeError)


def entries(
    place: Disk, new: Callable[[], tuple[IO[bytes], Path]], told: Callable[[str, int], None]
) -> Iterator[Entry]:
    """Yield the entries of the archive, which are unpacked at once into files that `new` makes.

    `told` hears of each by name and size so far, and may raise. Raises InputError when the archive is damaged,
    encrypted or of a method that is not read, OSError when the files cannot be written.
    """
    try:
        import py7zr
        from py7zr import exceptions
    except ImportError as error:
        raise MissingExtraError(
            f"cannot read {place.name}: 7z archives need an extra", hint="pip install 'counterfoil[7z]'"
        ) from error
    unpacked: list[_Unpacked] = []

    class Factory(py7zr.WriterFactory):  # the library asks for its own class
        """Makes the files."""

        def create(self, filename: str) -> Any:
            unpacked.append(_Unpacked(filename, *_made(new), told))
            return unpacked[-1]

    try:
        with place.path.open("rb") as file:
            _check_header(place, file)
            with py7zr.SevenZipFile(file) as archive:
                if archive.needs_password():
                    raise InputError(f"cannot read {place.name}: {ENCRYPTED}")
                _check_methods(place, archive.archiveinfo().method_names)
                archive.extract(factory=Factory())
    except exceptions.PasswordRequired as error:
        raise InputError(f"cannot read {place.name}: {ENCRYPTED}") from error
    except _UnwritableError as error:
        raise error.why from error
    except (*BROKEN, exceptions.ArchiveError, exceptions.AbsolutePathError, *_FOREIGN) as error:
        raise unreadable(place.name, error) from error
    finally:
        for one in unpacked:
            one.file.close()
    for one in unpacked:
        yield Entry(one.name, _opener(one.path, place.name))


def _made(new: Callable[[], tuple[IO[bytes], Path]]) -> tuple[IO[bytes], Path]:
    try:
        return new()
    except OSError as error:
        raise _UnwritableError(error) from error


class _UnwritableError(Exception):
    """Carries what went wrong with our own files through the library."""

    def __init__(self, why: OSError) -> None:
        super().__init__(str(why))
        self.why = why


@dataclass
class _Unpacked:
    """One member being written; the library asks for more of a file than it uses."""

    name: str
    file: IO[bytes]
    path: Path
    told: Callable[[str, int], None]
    written: int = 0

    def write(self, data: bytes) -> int:
        """Write, and tell."""
        self.written += len(data)
        self.told(self.name, self.written)
        try:
            return self.file.write(data)
        except OSError as error:
            raise _UnwritableError(error) from error

    def size(self) -> int:
        """Return the bytes written so far."""
        return self.written

    def seek(self, offset: int, whence: int = 0) -> int:
        """Stay: nobody reads here."""
        del offset, whence
        return 0

    def flush(self) -> None:
        """Wait for `close`."""

    def close(self) -> None:
        """Close the file: the member is whole."""
        try:
            self.file.close()
        except OSError as error:
            raise _UnwritableError(error) from error


def _check_header(place: Disk, file: IO[bytes]) -> None:
    size = file.read(_HEADER_SIZE_AT + _HEADER_SIZE_BYTES)[_HEADER_SIZE_AT:]
    if int.from_bytes(size, "little") > MAX_DIRECTORY_BYTES:
        raise InputError(f"cannot read {place.name}: its directory takes over {MAX_DIRECTORY_BYTES >> 20} MiB")
    file.seek(0)


def _check_methods(place: Disk, names: list[str]) -> None:
    other = sorted({name.rstrip("*") for name in names} - METHODS)
    if other:
        raise InputError(f"cannot read {place.name}: compressed with a method that is not read ({', '.join(other)})")


def _opener(path: Path, name: str) -> Callable[[], IO[bytes]]:
    def opened() -> IO[bytes]:
        return disk(path, name, None)

    return opened
