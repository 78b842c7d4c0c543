"""All marks, also as UTF-16LE writes them, and the way from a place where one stands to what is found there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from counterfoil.leaks.forms import der, dkm, encoded, jwk, pem, stores, windows
from counterfoil.leaks.forms.found import AHEAD, BACK, Found, Mark


@cache
def marks() -> tuple[Mark, ...]:
    """Return all marks."""
    return tuple(mark for module in (pem, der, encoded, jwk, windows, stores, dkm) for mark in module.MARKS)


@cache
def literals() -> tuple[bytes, ...]:
    """Return what a kernel looks for: the marks, then those of text in UTF-16LE."""
    return tuple(mark.literal for mark in marks()) + tuple(_wide(mark.literal) for mark in _text_marks())


def read(data: bytes, literal: int, at: int) -> Iterator[Found]:
    """Yield what stands where a literal, by its index, was found."""
    if literal < len(marks()):
        yield from marks()[literal].reader(data, at)
        return
    start = at - min(at, 2 * BACK) // 2 * 2
    narrow = data[start : at + 2 * AHEAD : 2]
    for found in _text_marks()[literal - len(marks())].reader(narrow, (at - start) // 2):
        yield replace(found, form=f"{found.form}-utf16", start=start + 2 * found.start, end=start + 2 * found.end)


@cache
def _text_marks() -> tuple[Mark, ...]:
    return tuple(mark for mark in marks() if mark.text)


def _wide(literal: bytes) -> bytes:
    return literal.decode("ascii").encode("utf-16-le")
