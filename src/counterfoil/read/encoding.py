"""How a file writes text, told by its head; what is not UTF-8 becomes UTF-8 while it is read."""

from __future__ import annotations

import codecs
import io
from enum import StrEnum
from typing import IO, Any, cast

BOM = b"\xef\xbb\xbf"
HEAD_BYTES = 1_024  # so much tells UTF-16 without a mark

_CHUNK = 1 << 20
_NEVER_UTF8 = b"\xff"  # for what cannot be decoded: the reader refuses the record that holds it


class Encoding(StrEnum):
    """The encodings that are read."""

    UTF_8 = "utf-8"
    UTF_16_LE = "utf-16-le"
    UTF_16_BE = "utf-16-be"
    WINDOWS_1252 = "windows-1252"


def encoding_of(head: bytes) -> Encoding:
    """Return the encoding: by the mark, or by the zero bytes of ASCII characters in UTF-16 (RFC 4627 section 3)."""
    if head.startswith(codecs.BOM_UTF16_LE) and not head.startswith(codecs.BOM_UTF32_LE):
        return Encoding.UTF_16_LE
    if head.startswith(codecs.BOM_UTF16_BE):
        return Encoding.UTF_16_BE
    even, odd = head[:HEAD_BYTES:2], head[1:HEAD_BYTES:2]
    if len(odd) >= 2:
        if even[:2].count(0) == 0 and odd[:2].count(0) == 2 and odd.count(0) * 2 > len(odd):
            return Encoding.UTF_16_LE
        if even[:2].count(0) == 2 and odd[:2].count(0) == 0 and even.count(0) * 2 > len(even):
            return Encoding.UTF_16_BE
    return Encoding.UTF_8


def is_windows_1252(head: bytes) -> bool:
    """Tell whether text has bytes above ASCII and none of them is UTF-8: Excel and Windows write so in the West.

    Where one character is UTF-8, the others are damage.
    """
    above = head.decode("utf-8", "replace").translate(_ASCII_TO_NOTHING)
    return bool(above) and not above.strip("\ufffd")


_ASCII_TO_NOTHING = dict.fromkeys(range(128))


def utf8(handle: IO[bytes], encoding: Encoding) -> IO[bytes]:
    """Return the text of the handle as UTF-8, without a mark; what cannot be decoded is no UTF-8 either."""
    if encoding is Encoding.UTF_8:
        if cast(io.BufferedReader, handle).peek(len(BOM)).startswith(BOM):
            handle.read(len(BOM))
        return handle
    return io.BufferedReader(_Transcoded(handle, encoding), _CHUNK)


class _Transcoded(io.RawIOBase):
    """A stream of text in another encoding, as UTF-8."""

    def __init__(self, handle: IO[bytes], encoding: Encoding) -> None:
        self._handle = handle
        self._decoder = codecs.getincrementaldecoder(str(encoding))(_MARKED)
        self._ready = b""
        self._first = True
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready and not self._ended:
            data = self._handle.read(_CHUNK)
            self._ended = not data
            text = self._decoder.decode(data, final=self._ended)
            if self._first and text:
                text, self._first = text.removeprefix("\ufeff"), False
            self._ready = text.encode("utf-8", _MARKED)
        taken, self._ready = self._ready[: len(buffer)], self._ready[len(buffer) :]
        buffer[: len(taken)] = taken
        return len(taken)


_MARKED = "counterfoil.marked"


def _marked(error: UnicodeError) -> tuple[str | bytes, int]:
    """Stand a lone surrogate for what cannot be decoded, and for that a byte that is never UTF-8."""
    if isinstance(error, UnicodeEncodeError):
        return _NEVER_UTF8, error.end
    if isinstance(error, UnicodeDecodeError):
        return "\udcff", error.end
    raise error


codecs.register_error(_MARKED, _marked)
