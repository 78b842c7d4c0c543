"""The compiled kernel, through ctypes: the calls of `_portable`, some hundred times faster.

ctypes lets go of the interpreter lock during a call, so threads scan chunks in parallel.
"""

from __future__ import annotations

import ctypes
import mmap
import struct
import threading
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from counterfoil.leaks.curves import MOST_KEYS, STRETCH, CurveSearch, Point
from counterfoil.leaks.hits import LEAST_LINE, Anchor, Hit, Order, Part, Place, Run
from counterfoil.leaks.moduli import ModulusGroup

LIBRARY = Path(__file__).with_name("_kernel.so")
VERSION = 4
# Room for hits of one call; a call that fills it is taken up again where it stopped.
ROOM = 4096

_U64 = ctypes.c_uint64
_MASK52 = (1 << 52) - 1
_PLACE = struct.Struct("<QQQII")  # as _Place


class _Exponent(ctypes.Structure):
    _fields_ = tuple(
        (name, _U64) for name in ("high", "low", "smooth", "tolerance", "least", "high52", "low52", "tolerance52")
    )


class _Group(ctypes.Structure):
    _fields_ = (
        ("width", _U64),
        ("keys", _U64),
        ("moduli", _U64),
        ("top", _U64),
        ("numbers", ctypes.c_char_p),
        ("tops", ctypes.POINTER(ctypes.c_double)),
        ("exponents", ctypes.POINTER(_Exponent)),
        ("digits", ctypes.c_char_p),
        ("zeros", _U64),
    )


class _Hit(ctypes.Structure):
    _fields_ = (("offset", _U64), ("key", ctypes.c_uint32), ("order", ctypes.c_uint16), ("part", ctypes.c_uint16))


class _Curve(ctypes.Structure):
    _fields_ = (
        *((name, _U64) for name in ("words", "width", "keys", "step")),
        ("prime", ctypes.c_char_p),
        ("prime_inverse", _U64),
        *((name, ctypes.c_char_p) for name in ("one", "start", "bases", "targets")),
        ("table", ctypes.c_void_p),
        ("zeros", _U64),
        ("order", _U64),
    )


class _Literal(ctypes.Structure):
    _fields_ = (("bytes", ctypes.c_char_p), ("length", _U64))


class _Found(ctypes.Structure):
    _fields_ = (("offset", _U64), ("literal", _U64))


class _Run(ctypes.Structure):
    _fields_ = (("start", _U64), ("end", _U64))


class _Place(ctypes.Structure):
    _fields_ = (
        ("start", _U64), ("end", _U64), ("at", _U64), ("size", ctypes.c_uint32), ("flags", ctypes.c_uint32),
    )


class NativeKernel:
    """The kernel in C. `level` 0 forces the portable instructions, None takes the best of this processor."""

    name = "compiled"

    def __init__(self, library: Path = LIBRARY, level: int | None = None) -> None:
        """Load the library; raises OSError where it is missing, of another machine or of another version."""
        self._library = ctypes.CDLL(str(library))
        if self._library.kernel_version() != VERSION:
            raise OSError(f"{library} is of another version")
        self._library.rsa_scan.restype = ctypes.c_size_t
        self._library.find_literals.restype = ctypes.c_size_t
        self._library.curve_scan.restype = ctypes.c_size_t
        self._library.find_runs.restype = ctypes.c_size_t
        self._library.undo_base64.restype = ctypes.c_size_t
        self._library.redo_base64.restype = ctypes.c_size_t
        self._library.curve_room.restype = ctypes.c_uint64
        self._lock = threading.Lock()
        self._curves: dict[int, _CurveTables] = {}
        best = int(self._library.best_level())
        self.level = best if level is None else min(level, best)
        self._wide = int(level != 0)  # vector instructions for marks need less than level 1

    def rsa(self, data: bytes, begin: int, end: int, group: ModulusGroup, orders: Order, exponents: Order) -> list[Hit]:
        """Return candidates for parts of the keys of a group in windows that start at data[begin:end]."""
        native, _keep = _native_group(group, self.level)
        position, room = _U64(begin), (_Hit * ROOM)()
        reach = min(end + 2 * group.width - 1, len(data))
        found: list[Hit] = []
        while position.value + group.width <= reach:
            count = self._library.rsa_scan(
                data, _U64(reach), ctypes.byref(native), int(orders), int(exponents), self.level,
                ctypes.byref(position), room, ctypes.c_size_t(ROOM),
            )
            found += [Hit(h.offset, h.key, Order(h.order), Part(h.part)) for h in room[:count] if h.offset < end]
        return found

    def anchors(self, data: bytes, begin: int, end: int, literals: Sequence[bytes]) -> list[Anchor]:
        """Return where literals (of at least four bytes) start in data[begin:end], in order of offset."""
        table = _literals(tuple(literals))
        position, room = _U64(begin), (_Found * ROOM)()
        found: list[Anchor] = []
        while position.value < end:
            count = self._library.find_literals(
                data, _U64(len(data)), _U64(end), table, ctypes.c_size_t(len(literals)), self._wide,
                ctypes.byref(position), room, ctypes.c_size_t(ROOM),
            )
            found += [Anchor(f.offset, f.literal) for f in room[:count]]
        return found

    def runs(self, data: bytes, end: int, members: bytes, least: int, *, first: int = 0, unit: int = 1) -> list[Run]:
        """Return the runs of at least `least` units that start in data[first:end].

        A unit is a byte of the class, behind it a zero where `unit` is 2. `members` has a 1 for each byte of the class.
        """
        position, room = _U64(first), (_Run * ROOM)()
        found: list[Run] = []
        while True:
            count = self._library.find_runs(
                data, _U64(len(data)), _U64(end), members, _U64(unit), _U64(least), ctypes.byref(position), room,
                ctypes.c_size_t(ROOM),
            )
            found += [Run(run.start, run.end) for run in room[:count]]
            if count < ROOM:
                return found

    def undo_base64(self, data: bytes, end: int, *, continued: bool) -> tuple[bytes, list[Place]]:
        """Return what the runs of Base64 that start in data[:end] hold, one behind the other, and where each stands.

        `continued`: something came before the data.
        """
        room = _Room(len(data))
        count = self._library.undo_base64(
            data, _U64(len(data)), _U64(end), int(continued), room.out, ctypes.byref(room.size), room.places
        )
        return room.taken(count)

    def redo_base64(self, data: bytes, run: Run, *, skip: int = 0, alone: bool = False) -> tuple[bytes, list[Place]]:
        """Return what one run holds without its first `skip` signs, or if each line stands `alone`."""
        room = _Room(run.end - run.start)
        count = self._library.redo_base64(
            data, _U64(run.start), _U64(run.end), skip, int(alone), room.out, ctypes.byref(room.size), room.places
        )
        return room.taken(count)

    def scalars(self, data: bytes, begin: int, end: int, search: CurveSearch) -> list[Hit]:
        """Return candidates for private scalars in windows that start at data[begin:end].

        `begin` counts as a multiple of the search's step. `key` of a hit is the index of its point.
        """
        tables = self._tables(search)
        reach = STRETCH + search.curve.width
        part = data[begin : end + reach] + bytes(max(0, end + 2 * reach - len(data)))
        room = ctypes.create_string_buffer(self._library.curve_room())
        found: list[Hit] = []
        for first, native in tables.calls:
            position, hits = _U64(0), (_Hit * ROOM)()
            while position.value < end - begin:
                count = self._library.curve_scan(
                    part, _U64(len(part)), ctypes.byref(native), ctypes.byref(position), hits,
                    ctypes.c_size_t(ROOM), room,
                )
                found += [
                    Hit(begin + h.offset, first + h.key, Order(h.order), Part(h.part))
                    for h in hits[:count]
                    if begin + h.offset < end
                ]
        return found

    def _tables(self, search: CurveSearch) -> _CurveTables:
        with self._lock:
            if id(search) not in self._curves:
                self._curves[id(search)] = _CurveTables(search, self._library)
            return self._curves[id(search)]


@lru_cache(maxsize=8)
def _literals(texts: tuple[bytes, ...]) -> ctypes.Array[_Literal]:
    return (_Literal * len(texts))(*[_Literal(text, len(text)) for text in texts])


class _Room:
    """Memory for what Base64 holds; pages of it that are not written cost nothing."""

    def __init__(self, size: int) -> None:
        """Make room for a text of `size` bytes."""
        most = size // LEAST_LINE + 8
        self.size = _U64(0)
        if size < mmap.PAGESIZE:
            self.out, self.places = (ctypes.c_char * (size + 64))(), (_Place * most)()
        else:
            self.out = (ctypes.c_char * (size + 64)).from_buffer(mmap.mmap(-1, size + 64))
            self.places = (_Place * most).from_buffer(mmap.mmap(-1, ctypes.sizeof(_Place) * most))

    def taken(self, count: int) -> tuple[bytes, list[Place]]:
        """Return what was written."""
        written = ctypes.string_at(self.places, count * _PLACE.size)
        places = list(map(Place._make, _PLACE.iter_unpack(written)))
        return ctypes.string_at(self.out, self.size.value), places


class _CurveTables:
    """The tables of a search, in the kernel's form: one call for each sixteen points."""

    def __init__(self, search: CurveSearch, library: ctypes.CDLL) -> None:
        """Compute them; takes some tenths of a second."""
        curve = search.curve
        words = (curve.p.bit_length() + 63) // 64
        places = STRETCH + curve.width

        def number(value: int) -> bytes:
            return ((value << (64 * words)) % curve.p).to_bytes(8 * words, "little")

        def point(at: Point | None) -> bytes:
            return bytes(16 * words) if at is None else number(at[0]) + number(at[1])

        self.search = search  # what `id` stands for must live
        self._table = ctypes.create_string_buffer(places * 256 * 16 * words)
        bases = b"".join(point(base) for base in search.bases)
        doubles = b"".join(point(curve.add(base, base)) for base in search.bases)
        self.calls: list[tuple[int, _Curve]] = []
        for first in range(0, len(search.points), MOST_KEYS):
            points = search.points[first : first + MOST_KEYS]
            targets = b"".join(point(target) for key in points for target in search.targets(key))
            native = _Curve(
                words, curve.width, len(points), search.step, curve.p.to_bytes(8 * words, "little"),
                -pow(curve.p, -1, 1 << 64) % (1 << 64), number(1), point(search.start), bases + doubles, targets,
                ctypes.addressof(self._table), curve.most_zeros, int(search.order),
            )
            self.calls.append((first, native))
        if self.calls and library.curve_prepare(ctypes.byref(self.calls[0][1])):
            raise ValueError(f"{curve.name} is of a size that the kernel does not know")


def _native_group(group: ModulusGroup, level: int) -> tuple[_Group, tuple[object, ...]]:
    """Return the structure of a group, and what must live as long as it."""
    numbers = b"".join(key.n.to_bytes(2 * group.width, "little") for key in group.keys)
    count = len(group.keys)
    tops = (ctypes.c_double * count)(*[float(key.n >> (16 * group.width - 128)) for key in group.keys])
    exponents = (_Exponent * count)(
        *[
            _Exponent(x.high, x.low, x.smooth, x.tolerance, x.least, x.high52, x.low52, x.tolerance52)
            for x in group.exponents
        ]
    )
    # A third sieving modulus pays where a division costs much: docs/adr (the kernel of leaks) has the measurements.
    moduli = 2 if level else 3
    digits = b"".join(
        (key.n >> 52 * digit & _MASK52).to_bytes(8, "little")
        for key in group.keys
        for digit in range((8 * group.width + 51) // 52)
    )
    native = _Group(group.width, count, moduli, group.least_top, numbers, tops, exponents, digits, group.most_zeros)
    return native, (numbers, tops, exponents, digits)
