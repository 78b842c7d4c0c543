"""Base64 and base64url, in one line or many, also as programs, JSON, XML and addresses break and escape it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from counterfoil.leaks.hits import GLUED, RUN, UNEVEN, Place, Run
from counterfoil.leaks.layers.kernel import Kernel
from counterfoil.leaks.layers.layer import Layer, Pieces

# What a path is glued to: DER, and PEM in Base64, behind a sign that may be of it.
# Shorter runs are read in one way only.
_LEAST = 43
_INSIDE, _NEAR = re.compile(rb"[/_-](?:M[A-P]|LS0)"), 160


def layers(kernel: Kernel, data: bytes, end: int, *, continued: bool) -> Iterator[Layer]:
    """Yield what the runs that start in data[:end] hold; where it is not certain how, in every way."""
    text, places = kernel.undo_base64(data, end, continued=continued)
    if not places:
        return
    yield Layer("base64-{}", text, tuple(places))
    others = Pieces()
    for run, marks in _runs(places):
        if run.end - run.start < _LEAST:
            continue
        if marks & UNEVEN:
            others.extend(*kernel.redo_base64(data, run, alone=True))
        glued = marks & GLUED or _INSIDE.search(data, run.start, min(run.start + _NEAR, run.end))
        for skip in (1, 2, 3) if glued else ():
            others.extend(*kernel.redo_base64(data, run, skip=skip))
    yield from others.layer("base64-{}")


def _runs(places: Sequence[Place]) -> Iterator[tuple[Run, int]]:
    begin = places[0]
    last = begin
    for place in places:
        if place.marks & RUN and place is not begin:
            yield Run(begin.start, last.end), begin.marks
            begin = place
        last = place
    yield Run(begin.start, last.end), begin.marks
