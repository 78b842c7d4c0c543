"""Base64 and base64url, in one line or many, also as programs, JSON, XML and addresses break and escape it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from counterfoil.leaks.hits import Mark, Place, Run
from counterfoil.leaks.layers.kernel import Kernel
from counterfoil.leaks.layers.layer import Layer, Pieces


def layers(kernel: Kernel, data: bytes, end: int, *, continued: bool) -> Iterator[Layer]:
    """Yield what the runs that start in data[:end] hold; where it is not certain how, in every way."""
    text, places = kernel.undo_base64(data, end, continued=continued)
    if not places:
        return
    yield Layer("base64-{}", text, tuple(places))
    others = Pieces()
    for run, marks in _runs(places):
        if marks & Mark.UNEVEN:
            others.extend(*kernel.redo_base64(data, run, alone=True))
        for skip in (1, 2, 3) if marks & Mark.GLUED else ():
            others.extend(*kernel.redo_base64(data, run, skip=skip))
    yield from others.layer("base64-{}")


def _runs(places: Sequence[Place]) -> Iterator[tuple[Run, int]]:
    begin = places[0]
    last = begin
    for place in places:
        if place.marks & Mark.RUN and place is not begin:
            yield Run(begin.start, last.end), begin.marks
            begin = place
        last = place
    yield Run(begin.start, last.end), begin.marks
