"""All marks, and the way from a place where one stands to what is found there."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from counterfoil.leaks.forms import der, dkm, jwk, members, passwords, pem, putty, stores, windows
from counterfoil.leaks.forms.found import Found, Mark

_FORMS = (pem, der, jwk, members, putty, passwords, windows, stores, dkm)


@cache
def marks() -> tuple[Mark, ...]:
    """Return all marks."""
    return tuple(mark for module in _FORMS for mark in module.MARKS)


@cache
def literals() -> tuple[bytes, ...]:
    """Return what a kernel looks for."""
    return tuple(mark.literal for mark in marks())


def read(data: bytes, literal: int, at: int) -> Iterator[Found]:
    """Yield what stands where a literal, by its index, was found."""
    yield from marks()[literal].reader(data, at)
