"""A text that was decoded from another, and where each of its bytes came from."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from counterfoil.leaks.hits import BETWEEN, FIRST, Place
from counterfoil.unpack.kinds import HEAD_BYTES, Kind, kind_of

# To within so many bytes it is known where something in a layer stood.
LOOSE = 2 << 10
# Keys are wrapped four times over in a release of Helm: Base64, Base64, gzip, Base64 of PEM.
MOST_DEPTH = 6
_OPEN = (Kind.PLAIN, Kind.GZIP)
_MAGIC = b"P7RMB\xfd\x28"


@dataclass(frozen=True, repr=False)
class Layer:
    """What was decoded from a text. `places` are in order of `at`; `form` names what holds a form: `base64-{}`.

    `cut`: it goes on behind what was there to decode.
    """

    form: str
    data: bytes
    places: tuple[Place, ...]
    cut: bool = False

    @property
    def packed(self) -> bool:
        """Whether something in it is an archive, or compressed in a way that is not undone here."""
        heads = (place.at for place in self.places if place.marks & FIRST and self.data[place.at] in _MAGIC)
        return any(kind_of(self.data[at : at + HEAD_BYTES]) not in _OPEN for at in heads)

    def source(self, start: int, end: int) -> tuple[int, int]:
        """Return where [start, end) of the layer stood in the text, to within `LOOSE` bytes."""
        first, last = self._place(start), self._place(max(start, end - 1))
        return _within(first, start), max(_within(last, end), _within(first, start) + 1)

    def is_one(self, start: int, end: int) -> bool:
        """Tell whether [start, end) of the layer was coded as one."""
        first, last = (bisect_right(self.places, at, key=lambda place: place.at) for at in (start, max(start, end - 1)))
        return not any(place.marks & FIRST for place in self.places[first:last])

    def units(self) -> Iterator[tuple[int, int]]:
        """Yield (at, size) of each thing that was coded by itself."""
        at = size = 0
        for place in self.places:
            if place.marks & FIRST:
                if size:
                    yield at, size
                at, size = place.at, 0
            size = place.at + place.size - at
        if size:
            yield at, size

    def _place(self, offset: int) -> Place:
        return self.places[max(0, bisect_right(self.places, offset, key=lambda place: place.at) - 1)]


def _within(place: Place, offset: int) -> int:
    inside = min(max(offset - place.at, 0), place.size)
    return place.start + (place.end - place.start) * inside // (place.size or 1)


class Pieces:
    """Pieces of a layer as they are found."""

    def __init__(self) -> None:
        """Begin with none."""
        self._data = bytearray()
        self._places: list[Place] = []

    def add(self, data: bytes, start: int, end: int) -> None:
        """Add what was decoded from [start, end) of the text."""
        self._places.append(Place(start, end, len(self._data), len(data), FIRST))
        self._data += data
        self._data += BETWEEN

    def extend(self, data: bytes, places: list[Place]) -> None:
        """Add a decoded text with places of its own."""
        base = len(self._data)
        self._places += [place._replace(at=place.at + base) for place in places]
        self._data += data

    def layer(self, form: str) -> Iterator[Layer]:
        """Yield the layer of the pieces, if there are any."""
        if self._places:
            yield Layer(form, bytes(self._data), tuple(self._places))
