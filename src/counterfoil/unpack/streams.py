"""Byte streams: files that must not change meanwhile, slices of them, and decompression; their errors are ours."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from counterfoil.errors import InputError
from counterfoil.unpack.bounds import MAX_DECODER_BYTES, Budget
from counterfoil.unpack.kinds import Kind

BUFFER_BYTES = 1 << 20
_XZ_READ = 1 << 16

# What the libraries raise on damaged or hostile bytes; NotImplementedError and RuntimeError are zipfile's.
BROKEN = (
    OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError,
    OverflowError, MemoryError,
)


@dataclass(frozen=True)
class Stamp:
    """What tells that a file on disk is still the same."""

    device: int
    inode: int
    size: int
    changed: int  # nanoseconds

    @classmethod
    def of(cls, found: os.stat_result) -> Stamp:
        """Return the stamp that a status gives."""
        return cls(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


class Checked(io.RawIOBase):
    """Reads `inner` and lets nothing out but bytes and InputError; `told` hears of the position after each read.

    `ended` is called once, at the end of the stream: it may raise InputError, too.
    """

    def __init__(
        self,
        name: str,
        inner: Any,
        told: Callable[[int], None] | None = None,
        ended: Callable[[], None] | None = None,
    ) -> None:
        """Take over `inner`, which has readinto and close."""
        self._name, self._inner, self._told, self._ended = name, inner, told, ended
        self._at = 0

    def readable(self) -> bool:
        """Say yes."""
        return True

    def seekable(self) -> bool:
        """Tell whether this is a file on disk as it is: some readers (event logs) go back and forth."""
        return isinstance(self._inner, io.FileIO)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place in a file on disk."""
        return int(self._inner.seek(offset, whence))

    def readinto(self, buffer: Any) -> int:
        """Read into the buffer."""
        try:
            count = int(self._inner.readinto(buffer) or 0)
        except BROKEN as error:
            raise unreadable(self._name, error) from error
        self._at += count
        if count and self._told is not None:
            self._told(self._at)
        if not count and len(buffer) and self._ended is not None:
            self._ended()
        return count

    def close(self) -> None:
        """Close the inner stream as well."""
        if not self.closed:
            super().close()
            self._inner.close()


def unreadable(name: str, error: Exception) -> InputError:
    """Return the error in one line that names the file."""
    if isinstance(error, InputError):
        return error
    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    if isinstance(error, MemoryError):
        why = "it asks for too much memory"
    line = " ".join(why.split())[:200] or type(error).__name__
    return InputError(f"cannot read {name}: {line}")


def buffered(raw: io.RawIOBase) -> IO[bytes]:
    """Return the stream with a buffer."""
    return io.BufferedReader(raw, BUFFER_BYTES)


def disk(path: Path, name: str, stamp: Stamp | None, offset: int = 0, size: int | None = None) -> IO[bytes]:
    """Open a file on disk, or a part of it; raises InputError, also when it is not what it was when stamped."""
    try:
        handle = path.open("rb", buffering=0)
    except (OSError, ValueError) as error:
        raise unreadable(name, error) from error

    def same() -> None:
        if stamp is not None and Stamp.of(os.fstat(handle.fileno())) != stamp:
            raise InputError(f"cannot read {name}: it changed while it was read", hint="copy it, and read the copy")

    try:
        same()
        handle.seek(offset)
    except InputError:
        handle.close()
        raise
    inner: Any = handle if size is None else _Part(handle, size, name)
    return buffered(Checked(name, inner, ended=same))


class _Part:
    """The next `size` bytes of a file."""

    def __init__(self, handle: Any, size: int, name: str) -> None:
        self._handle, self._left, self._name = handle, size, name
        self.close = handle.close

    def readinto(self, buffer: Any) -> int:
        if self._left <= 0:
            return 0
        count = int(self._handle.readinto(memoryview(buffer)[: self._left]))
        if not count:
            raise InputError(f"cannot read {self._name}: the archive ends early")
        self._left -= count
        return count


def decompressed(kind: Kind, inner: IO[bytes], name: str, budget: Budget, layer: int) -> IO[bytes]:
    """Return what the compressed stream holds; reading it raises InputError when it is damaged or too much."""
    decoder = _DECODERS[kind](inner)

    class Both:
        """Closes what is read from as well."""

        readinto = decoder.readinto

        def close(self) -> None:
            decoder.close()
            inner.close()

    return buffered(Checked(name, Both(), lambda at: budget.take(name, layer, at)))


class _Xz(io.RawIOBase):
    """What a file of xz or LZMA streams holds; unlike the library's own file, it bounds the decoder's memory."""

    def __init__(self, inner: IO[bytes], form: int = lzma.FORMAT_XZ) -> None:
        self._inner, self._form = inner, form
        self._decoder = self._fresh()
        self._begun = False

    def _fresh(self) -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(self._form, memlimit=MAX_DECODER_BYTES)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while True:
            data = b""
            if self._decoder.eof:
                data = self._between(self._decoder.unused_data)
                if not data:
                    return 0
                self._decoder = self._fresh()
            elif self._decoder.needs_input:
                data = self._inner.read(_XZ_READ)
                if not data:
                    raise EOFError("Compressed file ended before the end-of-stream marker was reached")
            out = self._decoder.decompress(data, len(buffer))
            if out:
                buffer[: len(out)] = out
                return len(out)

    def _between(self, data: bytes) -> bytes:
        """Return what follows a stream and its padding."""
        data = data.lstrip(b"\0")
        while not data:
            more = self._inner.read(_XZ_READ)
            if not more:
                return b""
            data = more.lstrip(b"\0")
        return data


class _Arrow:
    """What zstd frames hold, by the engine room's own decoder."""

    def __init__(self, inner: IO[bytes]) -> None:
        import pyarrow as pa  # 0.2 s, for zstd alone

        self._broken = pa.ArrowException
        self._stream = pa.CompressedInputStream(pa.PythonFile(inner, mode="r"), "zstd")

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._stream.read(len(buffer))
        except self._broken as error:
            raise OSError(str(error)) from error
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._stream.close()


_DECODERS: dict[Kind, Callable[[IO[bytes]], Any]] = {
    Kind.GZIP: lambda inner: gzip.GzipFile(fileobj=inner, mode="rb"),
    Kind.BZIP2: lambda inner: bz2.BZ2File(inner),
    Kind.XZ: _Xz,
    Kind.LZMA: lambda inner: _Xz(inner, lzma.FORMAT_ALONE),
    Kind.ZSTD: _Arrow,
}
