"""Runs of Base64 without compiled code: what native/runs.c does, sign by sign and in the same words."""

from __future__ import annotations

import re
from collections.abc import Iterator

from counterfoil.leaks.hits import (
    BETWEEN,
    FIRST,
    GLUED,
    LEAST_LINE,
    LEAST_RUN,
    MOST_GAP,
    PLACE_EVERY,
    RUN,
    UNEVEN,
    Place,
    Run,
)

_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_PAD, _GAP, _ESCAPE, _END = 64, 65, 66, 67
_GAPS, _ESCAPES, _BLANKS = b" \t\r\n\"'`,;.|>#*()[]", b"\\%&<+-_", b" \n\r\t\"'"
_TABLE = {**dict.fromkeys(_GAPS, _GAP), **{sign: value for value, sign in enumerate(_LETTERS)}, 61: _PAD}
_TABLE |= dict.fromkeys(_ESCAPES, _ESCAPE)
_CLASS = frozenset(_LETTERS + b"-_")
_LONG = re.compile(rb"[A-Za-z0-9+/_-]{%d,}" % LEAST_RUN)
_APART = frozenset(b"\0 \t\r\n\"'`=:,;>()[]{}|#&<*\\%-_/")
_ENTITY = re.compile(rb"&#(?:[xX]([0-9a-fA-F]{1,5})|([0-9]{1,5}));")
_BREAK = re.compile(rb"<[bB][rR][^>]{0,3}>")
_CODE = re.compile(rb"%(?:25(?=[0-9a-fA-F]{2})){0,3}([0-9a-fA-F]{2})|\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})")


def undo(data: bytes, end: int, *, continued: bool) -> tuple[bytes, list[Place]]:
    """Return what the runs that start in data[:end] hold, one behind the other, and where each stands."""
    out, places, least, at = bytearray(), list[Place](), 0, 0
    while (match := _LONG.search(data, at)) and match.start() < end:
        begin = _begin(data, least, match.start())
        text, found, stop = _decoded(data, begin, len(data), 0, False, len(out))
        at = least = max(stop, match.end())
        if found:
            glued = (begin < MOST_GAP and continued) or (begin and data[begin - 1] not in _APART)
            found[0] = found[0]._replace(marks=found[0].marks | RUN | (GLUED if glued else 0))
            out += text
            places += found
    return bytes(out), places


def redo(data: bytes, run: Run, *, skip: int, alone: bool) -> tuple[bytes, list[Place]]:
    """Return what one run holds without its first `skip` signs, or if each line stands `alone`."""
    text, places, _ = _decoded(data[: run.end], run.start, run.end, skip, alone, 0)
    return bytes(text), places


def _signs(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield (place, sign, place behind it)."""
    while at < end:
        sign, after = _TABLE.get(data[at], _END), at + 1
        if sign == _ESCAPE:
            sign, after = _escape(data, at)
        yield at, sign, after
        at = after


def _escape(data: bytes, at: int) -> tuple[int, int]:
    sign = data[at : at + 1]
    if sign in b"+-_":
        alone = (at == 0 or data[at - 1] in _BLANKS) and (data[at + 1 : at + 2] or b" ") in _BLANKS
        return (_GAP if alone else 63 if sign == b"_" else 62), at + 1
    if sign == b"&":
        if match := _ENTITY.match(data, at):
            return _coded(int(match[1], 16) if match[1] else int(match[2])), match.end()
        return _GAP, at + (6 if data.startswith(b"&quot;", at) else 1)
    if sign == b"<":
        match = _BREAK.match(data, at)
        return (_GAP, match.end()) if match else (_END, at + 1)
    if match := _CODE.match(data, at):
        return _coded(int(match[1] or match[2] or match[3], 16)), match.end()
    if sign == b"%":
        return _END, at + 1
    return _GAP, at + (2 if data[at + 1 : at + 2] in (b"n", b"r", b"t") else 1)


def _coded(code: int) -> int:
    sign = _TABLE.get(code, _END)
    return {43: 62, 45: 62, 95: 63}.get(code, _END if sign == _ESCAPE else sign)


def _begin(data: bytes, least: int, start: int) -> int:
    """Return where a run begins whose first long stretch is at `start`: escapes may stand in it, and before it."""
    while (back := _back(data, least, start)) != start:
        while back > least and data[back - 1] in _CLASS:
            back -= 1
        start = back
    if start > least and data[start - 1] in b"\\%" and _escape(data, start - 1)[0] != _END:
        return start - 1
    same = start
    while same < len(data) and data[same] == data[start]:
        same += 1
    return same if same - start >= 3 and data[start] in _ESCAPES else start


def _back(data: bytes, least: int, start: int) -> int:
    if start > least and data[start - 1 : start + 1] == b"\\/":
        return start - 1
    for size in range(2, 10):
        at = start - size
        if at >= least and data[at] in b"\\%&":
            sign, after = _escape(data, at)
            if sign < 64 and after == start:
                return at
    return start


def _decoded(
    data: bytes, start: int, end: int, skip: int, alone: bool, base: int
) -> tuple[bytearray, list[Place], int]:
    """Return what the run at `start` holds, its places (from `base` on), and where it ends."""
    run, stop = _Decoder(base, alone), start
    for at, sign, stop in _signs(data, start, end):
        if sign < 64 and skip:
            skip -= 1
        elif sign < 64:
            run.value(sign, at, stop)
        elif not run.gap(sign):
            break
    run.close()
    return run.out, run.places, stop


class _Decoder:
    """One run, sign by sign."""

    def __init__(self, base: int, alone: bool) -> None:
        self.out, self.places = bytearray(), list[Place]()
        self._base, self._alone = base, alone
        self._opened = self._odd = False
        self._first = True
        self._line = self._gap = self._bits = self._held = self._until = 0

    def value(self, sign: int, at: int, after: int) -> None:
        """Take six bits."""
        if not self._line and self._odd:
            self.places[0], self._odd = self.places[0]._replace(marks=self.places[0].marks | UNEVEN), False
        size = self._base + len(self.out)
        if self._opened and not self._held and size - self.places[-1].at >= PLACE_EVERY:
            self._end(at)
            self.places.append(Place(at, at, size, 0))
        elif not self._opened:
            self.places.append(Place(at, at, size, 0, FIRST))
            self._opened = True
        self._bits, self._held = (self._bits << 6 | sign) & 0xFFFF, self._held + 6
        if self._held >= 8:
            self._held -= 8
            self.out.append(self._bits >> self._held & 0xFF)
        self._line, self._gap, self._until = self._line + 1, 0, after

    def gap(self, sign: int) -> bool:
        """Take what is between; return whether the run goes on."""
        if sign == _END or (self._line and not self._first and self._line < LEAST_LINE):
            return False
        if self._line:
            self._odd, self._first, self._line = self._line % 4 != 0 and sign != _PAD, False, 0
        if self._opened and (sign == _PAD or self._alone):
            self.close()
            self._held = self._bits = 0
        self._odd = self._odd and sign != _PAD
        self._gap += 1
        return self._gap <= MOST_GAP

    def close(self) -> None:
        """End what is coded by itself."""
        if self._opened:
            self._end(self._until)
            self.out += BETWEEN
            self._opened = False

    def _end(self, to: int) -> None:
        place = self.places[-1]
        self.places[-1] = place._replace(end=to, size=self._base + len(self.out) - place.at)
