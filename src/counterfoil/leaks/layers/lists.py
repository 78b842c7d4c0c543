"""Bytes written out: hex with or without signs between, hex dumps, arrays of programs, and numbers in decimal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress

from counterfoil.leaks.hits import BETWEEN, FIRST, Place
from counterfoil.leaks.layers.kernel import Kernel, members
from counterfoil.leaks.layers.layer import Layer, Pieces

_CLASS = members(b"0123456789abcdefABCDEFxXnrt \t\r\n,:;\\\"`-%")
_DIGITS = b"0123456789abcdefABCDEF"
# A line of a hex dump with 16 bytes has so many signs, and digits; a key has more bytes.
_LEAST, _LEAST_DIGITS, _LEAST_BYTES = 40, 32, 24
_BETWEEN = rb"(?:[ \t\r\n,:;\"-]|\\+[nrt]?)"
_HEX = re.compile(
    rb"(?<![0-9a-fA-F])(?:[0-9a-fA-F]{2})++(?![0-9a-fA-F])"
    rb"(?:%b{1,80}+(?:[0-9a-fA-F]{2})++(?![0-9a-fA-F]))*+" % _BETWEEN
)
# A line of them may be a seed or a scalar by itself, and what stands around it hex by chance.
_LINE = re.compile(rb"(?<![0-9a-fA-F])(?:[0-9a-fA-F]{2}){%d,}+(?![0-9a-fA-F])" % _LEAST_BYTES)
_ODD = re.compile(rb"(?<![0-9a-fA-F])[0-9a-fA-F]{49,}(?![0-9a-fA-F])")
_NOT_HEX = bytes(byte for byte in range(256) if byte not in _DIGITS)
_MARKED = re.compile(rb"(?:0[xX]|\\+x|%(?:25){0,3})([0-9a-fA-F]{1,2})(?![0-9a-fA-F])")
_DECIMALS = re.compile(
    rb"(?<![0-9a-zA-Z])-?[0-9]{1,3}(?:(?:[ \t\r\n,]|-(?= )){1,80}+-?[0-9]{1,3}(?![0-9a-fA-F])){23,}+"
)
# A byte behind its index: an array of JavaScript's as JSON, or a table.
_INDEXED = re.compile(rb"([0-9]{1,7})\"?[ \t\r\n]{0,80}+:[ \t\r\n]{0,80}+([0-9]{1,3})(?![0-9a-zA-Z])")
_DECIMAL = re.compile(rb"-?[0-9]+")
# One number in decimal: of 256 bits at least, and of an RSA key of 8192 bits at most.
_NUMBER = re.compile(rb"(?<![0-9a-zA-Z])[0-9]{77,2500}(?![0-9a-mo-zA-Z])")
# A line of xxd, hexdump, od, tcpdump or WinDbg: an address, then bytes in groups; behind them the text may stand.
_DUMP = re.compile(
    rb"(?:^|(?<=\n))[ \t]{0,16}(?:0x)?([0-9a-fA-F`]{4,17}):?[ \t]{1,4}"
    rb"((?:[0-9a-fA-F]{2}){1,8}+(?:[ \t-]{1,2}(?:[0-9a-fA-F]{2}){1,8}+)*+)"
)
_MOST_LINE = 64
# hexdump and od print words of 16 bits in the machine's order, behind addresses of seven digits.
_WORDS_ADDRESS, _WORD = 7, re.compile(rb"[0-9a-fA-F]{4}(?:[ \t]+[0-9a-fA-F]{4})*+")


def layers(kernel: Kernel, data: bytes, end: int) -> Iterator[Layer]:
    """Yield the bytes that the lists and dumps say which start in data[:end]."""
    found = {"hex-{}": Pieces(), "list-{}": Pieces(), "dump-{}": Pieces()}
    dump = _Dump(found["dump-{}"])
    for run in kernel.runs(data, end, _CLASS, _LEAST):
        text = data[run.start : run.end]
        if len(text) - len(text.translate(None, _DIGITS)) < _LEAST_DIGITS:
            continue
        for held, start, stop in _hex(text):
            found["hex-{}"].add(held, run.start + start, run.start + stop)
        for held, start, stop in _listed(text):
            found["list-{}"].add(held, run.start + start, run.start + stop)
        dump.take(text, run.start)
    dump.close()
    for form, pieces in found.items():
        yield from pieces.layer(form)


def _hex(text: bytes) -> Iterator[tuple[bytes, int, int]]:
    for match in _HEX.finditer(text):
        digits = match[0].translate(None, _NOT_HEX)
        if len(digits) >= 2 * _LEAST_BYTES:
            yield bytes.fromhex(digits.decode()), match.start(), match.end()
        for line in _LINE.finditer(text, *match.span()) if len(digits) < len(match[0]) else ():
            yield bytes.fromhex(line[0].decode()), *line.span()
    for match in _ODD.finditer(text):
        if len(match[0]) % 2:  # a number without its leading zero
            yield bytes.fromhex(f"0{match[0].decode()}"), match.start(), match.end()


def _listed(text: bytes) -> Iterator[tuple[bytes, int, int]]:
    if b"x" in text or b"X" in text or b"%" in text:
        values = bytes(int(digits, 16) for digits in _MARKED.findall(text))
        if len(values) >= _LEAST_BYTES:
            yield values, 0, len(text)
    for match in _DECIMALS.finditer(text):
        numbers = [int(number) for number in _DECIMAL.findall(match[0])]
        with suppress(ValueError):
            yield bytes(number % 256 if -129 < number < 256 else number for number in numbers), *match.span()
    yield from _indexed(text) if b":" in text and b"," in text else ()
    for match in _NUMBER.finditer(text):
        number = int(match[0])
        yield number.to_bytes((number.bit_length() + 7) // 8), *match.span()


def _indexed(text: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield the bytes that stand behind indices which count up."""
    values, start, stop, following = bytearray(), 0, 0, -1
    for match in _INDEXED.finditer(text):
        index, value = int(match[1]), int(match[2])
        if index != following or value > 255:
            if len(values) >= _LEAST_BYTES:
                yield bytes(values), start, stop
            values, start = bytearray(), match.start()
        if value < 256:
            values.append(value)
        stop, following = match.end(), index + 1
    if len(values) >= _LEAST_BYTES:
        yield bytes(values), start, stop


class _Dump:
    """Lines of a hex dump, joined while their addresses go on; what stands beside the bytes breaks them into runs."""

    def __init__(self, pieces: Pieces) -> None:
        self._pieces = pieces
        self._data = bytearray()
        self._places: list[Place] = []
        self._line: tuple[bytes, bytes, int, int] | None = None

    def take(self, text: bytes, base: int) -> None:
        """Take the lines of a run that starts at `base`."""
        for match in _DUMP.finditer(text):
            digits = match[2].translate(None, _NOT_HEX)
            if len(digits) > 2 * _MOST_LINE:
                continue
            held = bytes.fromhex(digits.decode())
            if len(match[1]) == _WORDS_ADDRESS and _WORD.fullmatch(match[2]):
                held = b"".join(held[at : at + 2][::-1] for at in range(0, len(held), 2))
            address = match[1].replace(b"`", b"") or b"0"
            self._settle(address)
            self._line = address, held, base + match.start(), base + match.end()

    def _settle(self, following: bytes) -> None:
        """Add the line before, of which its own address and the following one tell how many bytes it has."""
        if self._line is None:
            return
        address, held, start, stop = self._line
        steps = [int(following, base) - int(address, base) for base in (16, 8) if _is(address + following, base)]
        size = next((step for step in steps if 0 < step <= len(held)), 0)
        held = held[:size] if size else held
        marks = 0 if self._places else FIRST
        self._places.append(Place(start, stop, len(self._data), len(held), marks))
        self._data += held
        if not size:
            self._give()

    def _give(self) -> None:
        if len(self._data) >= _LEAST_BYTES:
            self._pieces.extend(bytes(self._data) + BETWEEN, self._places)
        self._data, self._places = bytearray(), []

    def close(self) -> None:
        """Add what is left."""
        if self._line is not None:
            self._settle(b"0")
            self._give()


def _is(digits: bytes, base: int) -> bool:
    return base == 16 or not digits.strip(b"01234567")
