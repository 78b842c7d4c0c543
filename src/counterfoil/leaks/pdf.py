"""Streams of PDF that are compressed by Flate (ISO 32000-1, 7.4.4): attachments, fonts, and the text of pages."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator
from typing import IO

from counterfoil.leaks.inner import BETWEEN, CUT, MOST_VALUE_BYTES

MAGIC = b"%PDF-"
# What readers of PDF allow before the magic.
MAGIC_WITHIN = 1024
# What the streams of one file may give, and cost: for each of its bytes, and for any.
_MOST_RATIO, _FREE_BYTES = 200, 256 << 20
_STEP = 64 << 10
_BEGIN = re.compile(rb"(?<!end)stream(?:\r\n|\n|\r)")
_OTHER = re.compile(rb"/(?:Encrypt|LZWDecode|LZW|ASCII85Decode|A85|ASCIIHexDecode|AHx|Crypt)(?![A-Za-z0-9])")


def inflated(open_file: Callable[[], IO[bytes]]) -> Iterator[bytes]:
    """Yield what the streams hold; raises OSError if some of it cannot be told."""
    with open_file() as stream:
        data = stream.read(MOST_VALUE_BYTES + 1)
    if len(data) > MOST_VALUE_BYTES:
        raise OSError(f"a PDF of over {MOST_VALUE_BYTES >> 20} MiB: its streams were not inflated")
    left, at = _FREE_BYTES + _MOST_RATIO * len(data), 0
    while match := _BEGIN.search(data, at):
        at = match.end()
        decoder = zlib.decompressobj()
        try:
            while not decoder.eof and left > 0 and (given := decoder.unconsumed_tail or data[at : at + _STEP]):
                at += 0 if decoder.unconsumed_tail else len(given)
                text = decoder.decompress(given, _STEP)
                left -= len(text) + len(given)
                yield text
        except zlib.error:  # an image, or encoded in another way
            at = match.end()
        at = max(at - len(decoder.unused_data), match.end())
        yield BETWEEN
        if left <= 0:
            raise OSError(CUT)
    if other := _OTHER.search(data):
        raise OSError(f"a PDF with streams that are not decoded ({other[0].decode()})")
