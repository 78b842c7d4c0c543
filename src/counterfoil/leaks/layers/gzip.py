"""Gzip (RFC 1952) inside of a text that was decoded, as Helm keeps its releases."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import replace

from counterfoil.leaks.layers.kernel import Kernel
from counterfoil.leaks.layers.layer import Layer, Pieces

# Of one stream. The most that a Secret of Kubernetes holds is 1 MiB, compressed.
MOST_BYTES = 16 << 20
# Of all streams in one text: where one begins inside another, they give far more than they take.
MOST_OF_ALL = 64 << 20
_MAGIC = b"\x1f\x8b\x08"
_HEADER, _MOST_NAME, _NAMED = 10, 256, 8
_HEADS = (_MAGIC + b"\0", _MAGIC + bytes([_NAMED]))  # of the members that a head may announce, a name alone is read
# What is no gzip is found out within so many bytes.
_FIRST, _STEP = 512, 64 << 10


def layers(kernel: Kernel, data: bytes, end: int) -> Iterator[Layer]:
    """Yield what each stream holds that starts in data[:end], as far as it is there."""
    pieces, given, cut, done = Pieces(), 0, False, 0
    for at in (anchor.offset for anchor in kernel.anchors(data, 0, end, _HEADS)):
        if at < done:
            continue
        text, used, whole = _inflated(memoryview(data)[at : at + MOST_BYTES])
        if text:
            pieces.add(text, at, at + used)
            given, cut = given + len(text), cut or not whole
        if given > MOST_OF_ALL:
            cut = True
            break
        done = at + used
    # as one layer: a text may hold very many
    yield from (replace(layer, cut=cut) for layer in pieces.layer("gzip-{}"))


def _inflated(data: memoryview) -> tuple[bytes, int, bool]:
    """Return what a stream holds, its length, and whether it is all that there is: damage ends it, too."""
    begin = _HEADER
    if len(data) < _HEADER:
        return b"", len(_MAGIC), False
    if data[3]:
        name = bytes(data[_HEADER : _HEADER + _MOST_NAME]).find(b"\0")
        if name < 0:
            return b"", len(_MAGIC), False
        begin += name + 1
    decoder = zlib.decompressobj(-zlib.MAX_WBITS)
    out, at, step = bytearray(), begin, _FIRST
    try:
        while not decoder.eof and len(out) < MOST_BYTES and (at < len(data) or decoder.unconsumed_tail):
            given = decoder.unconsumed_tail or bytes(data[at : at + step])
            if not decoder.unconsumed_tail:
                at += len(given)
            out += decoder.decompress(given, _STEP)
            if not out:
                break
            step = _STEP
    except zlib.error:  # damaged from somewhere on, or none: what came before it is looked at
        return bytes(out), len(_MAGIC), True
    used = at - len(decoder.unused_data) if decoder.eof else len(_MAGIC)
    return bytes(out), used, decoder.eof
