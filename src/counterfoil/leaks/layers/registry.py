"""All layers of a text."""

from __future__ import annotations

from collections.abc import Iterator

from counterfoil.leaks.layers import base64, gzip, lists, utf16
from counterfoil.leaks.layers.kernel import Kernel
from counterfoil.leaks.layers.layer import Layer


def layers(kernel: Kernel, data: bytes, end: int, *, continued: bool) -> Iterator[Layer]:
    """Yield what is written inside of a text and starts in data[:end].

    `continued`: something came before the data.
    """
    yield from utf16.layers(kernel, data, end)
    yield from base64.layers(kernel, data, end, continued=continued)
    yield from lists.layers(kernel, data, end)
    yield from gzip.layers(kernel, data, end)
