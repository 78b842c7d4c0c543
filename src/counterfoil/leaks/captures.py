"""What TCP carried in a network capture: pcap and pcapng (draft-ietf-opsawg-pcap, -pcapng), each direction joined.

Packets are scanned as they lie in the file as well; here is what they tear apart. Memory is bounded: streams that were
quiet for longest are given away first, and what follows of them is a stream of its own.
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field

from counterfoil.leaks.chunks import Readable

BETWEEN = b"\n\0\n"  # so that two streams never read as one
# Streams and bytes that are held while a capture is read.
MOST_STREAMS, MOST_HELD_BYTES = 4_096, 32 << 20
# A stream is given away in pieces of this size; the next one begins with the end of the last, so that no key is cut.
_PIECE_BYTES, _TAIL_BYTES = 1 << 20, 32 << 10
# Segments that may wait for one before them; then that one is lost.
_MOST_WAITING = 64
_MOST_PACKET_BYTES, _MOST_BLOCK_BYTES = 1 << 20, 16 << 20
_PCAP = {b"\xd4\xc3\xb2\xa1": "<", b"\x4d\x3c\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">", b"\xa1\xb2\x3c\x4d": ">"}
_PCAPNG = b"\x0a\x0d\x0d\x0a"
_SECTION, _INTERFACE, _SIMPLE, _ENHANCED = 0x0A0D0D0A, 1, 3, 6
_ETHERNET, _VLANS = 1, (b"\x81\x00", b"\x88\xa8")
# Bytes before the IP header, by type of link: loopback, raw IP, Linux "any" in both versions.
_LINKS = {0: 4, 108: 4, 12: 0, 14: 0, 101: 0, 228: 0, 229: 0, 113: 16, 276: 20}
_TCP, _SYN = 6, 2
_IPV6_OPTIONS = (0, 43, 60)
_WRAP, _HALF = 1 << 32, 1 << 31


def is_capture(head: bytes) -> bool:
    """Tell whether a file that begins so is a network capture."""
    return head[:4] in _PCAP or head[:4] == _PCAPNG


def joined(stream: Readable) -> Iterator[bytes]:
    """Yield what TCP carried, in pieces; raises OSError where the capture is damaged, after what came before."""
    streams, trouble = _Streams(), None
    try:
        for link, packet in _packets(_Exact(stream)):
            segment = _segment(link, packet)
            if segment is not None:
                yield from streams.take(segment)
    except OSError as error:
        trouble = error
    yield from streams.rest()
    if trouble is not None:
        raise trouble


@dataclass(frozen=True, repr=False)
class _Segment:
    """A TCP segment: which way of which connection, and what it carries from `number` on."""

    way: bytes
    number: int
    flags: int
    data: bytes


@dataclass(repr=False)
class _Stream:
    """One direction of a connection: what is in order, and what waits for what is missing."""

    following: int
    ready: bytearray = field(default_factory=bytearray)
    waiting: dict[int, bytes] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return len(self.ready) + sum(map(len, self.waiting.values()))

    def take(self, number: int, data: bytes) -> None:
        """Take a segment, and then those that waited for it."""
        if self._ahead(number) > 0:
            self.waiting.setdefault(number, data)
            if len(self.waiting) > _MOST_WAITING:
                self._skip()
        else:
            self._append(number, data)
        self._settle()

    def _append(self, number: int, data: bytes) -> None:
        new = data[-self._ahead(number) :]  # without what came before
        self.ready += new
        self.following = (self.following + len(new)) % _WRAP

    def _settle(self) -> None:
        while self.waiting:
            nearest = min(self.waiting, key=self._ahead)
            if self._ahead(nearest) > 0:
                return
            self._append(nearest, self.waiting.pop(nearest))

    def _skip(self) -> None:
        """Give up what is missing."""
        self.ready += BETWEEN
        self.following = min(self.waiting, key=self._ahead)

    def _ahead(self, number: int) -> int:
        """Return how far ahead a number is, negative for what was there before."""
        return (number - self.following + _HALF) % _WRAP - _HALF

    def rest(self) -> bytes:
        """Return all that is held."""
        while self.waiting:
            self._skip()
            self._settle()
        return bytes(self.ready) + BETWEEN


class _Streams:
    """The streams of a capture, those used last at the end."""

    def __init__(self) -> None:
        self._held: OrderedDict[bytes, _Stream] = OrderedDict()
        self._bytes = 0

    def take(self, segment: _Segment) -> Iterator[bytes]:
        """Take a segment, and yield what is complete or has to make room."""
        if segment.flags & _SYN:
            yield from self._give(segment.way)
        first = (segment.number + bool(segment.flags & _SYN)) % _WRAP
        stream = self._held.get(segment.way)
        if stream is None:
            if not segment.data and not segment.flags & _SYN:
                return
            stream = self._held[segment.way] = _Stream(first)
        self._held.move_to_end(segment.way)
        before = stream.size
        if segment.data:
            stream.take(first, segment.data)
        if len(stream.ready) > _PIECE_BYTES:
            yield bytes(stream.ready) + BETWEEN
            del stream.ready[:-_TAIL_BYTES]
        self._bytes += stream.size - before
        while self._held and (self._bytes > MOST_HELD_BYTES or len(self._held) > MOST_STREAMS):
            yield from self._give(next(iter(self._held)))

    def _give(self, way: bytes) -> Iterator[bytes]:
        stream = self._held.pop(way, None)
        if stream is not None:
            self._bytes -= stream.size
            yield stream.rest()

    def rest(self) -> Iterator[bytes]:
        """Yield what is left."""
        while self._held:
            yield from self._give(next(iter(self._held)))


class _Exact:
    """Reads as many bytes as are asked for."""

    def __init__(self, stream: Readable) -> None:
        self._stream, self.at = stream, 0

    def read(self, size: int, *, end: bool = False) -> bytes:
        """Return so many bytes, none at the end where that may be; raises OSError for fewer."""
        data = b""
        while len(data) < size and (part := self._stream.read(size - len(data))):
            data += part
        if len(data) < size and (data or not end):
            raise OSError(f"the capture is cut off at byte {self.at + len(data):,}: what follows was not joined")
        self.at += len(data)
        return data


def _packets(stream: _Exact) -> Iterator[tuple[int, bytes]]:
    """Yield (type of link, packet)."""
    magic = stream.read(4)
    if magic == _PCAPNG:
        yield from _pcapng(stream)
        return
    order = _PCAP[magic]
    (link,) = struct.unpack_from(f"{order}I", stream.read(20), 16)
    while head := stream.read(16, end=True):
        (size,) = struct.unpack_from(f"{order}I", head, 8)
        if size > _MOST_PACKET_BYTES:
            raise OSError(f"the capture is damaged at byte {stream.at:,}: what follows was not joined")
        yield link & 0xFFFF, stream.read(size)


def _pcapng(stream: _Exact) -> Iterator[tuple[int, bytes]]:
    order, links = "<", list[int]()
    head = _PCAPNG + stream.read(4)
    while head:
        (kind,) = struct.unpack(f"{order}I", head[:4])
        begun = b""
        if kind == _SECTION:
            begun = stream.read(4)
            order, links = "<" if begun == b"\x4d\x3c\x2b\x1a" else ">", []
        (size,) = struct.unpack(f"{order}I", head[4:])
        if not 12 + len(begun) <= size <= _MOST_BLOCK_BYTES or size % 4:
            raise OSError(f"the capture is damaged at byte {stream.at:,}: what follows was not joined")
        body = (begun + stream.read(size - 8 - len(begun)))[:-4]
        if kind == _INTERFACE and len(body) >= 8:
            links.append(int(struct.unpack_from(f"{order}H", body)[0]))
        elif kind == _ENHANCED and len(body) >= 20:
            interface, _, _, length = struct.unpack_from(f"{order}4I", body)
            if interface < len(links):
                yield links[interface], body[20 : 20 + length]
        elif kind == _SIMPLE and links and len(body) >= 4:
            yield links[0], body[4 : 4 + struct.unpack_from(f"{order}I", body)[0]]
        head = stream.read(8, end=True)


def _segment(link: int, packet: bytes) -> _Segment | None:
    """Return the TCP segment of a packet; None for all else, and for fragments of IP."""
    start = _LINKS.get(link, -1)
    if link == _ETHERNET:
        start = 14
        while packet[start - 2 : start] in _VLANS:
            start += 4
    if start < 0:
        return None
    version = packet[start] >> 4 if len(packet) > start else 0
    found = _ipv4(packet[start:]) if version == 4 else _ipv6(packet[start:]) if version == 6 else None
    if found is None:
        return None
    ways, tcp = found
    if len(tcp) < 20:
        return None
    begin = (tcp[12] >> 4) * 4
    if begin < 20:
        return None
    return _Segment(ways + tcp[:4], int.from_bytes(tcp[4:8]), tcp[13], tcp[begin:])


def _ipv4(packet: bytes) -> tuple[bytes, bytes] | None:
    if len(packet) < 20 or packet[9] != _TCP or int.from_bytes(packet[6:8]) & 0x3FFF:
        return None
    # the length is 0 where the network card was to fill it in; behind it may be padding
    size = int.from_bytes(packet[2:4]) or len(packet)
    return packet[12:20], packet[(packet[0] & 15) * 4 : size]


def _ipv6(packet: bytes) -> tuple[bytes, bytes] | None:
    if len(packet) < 40:
        return None
    kind, at = packet[6], 40
    size = 40 + int.from_bytes(packet[4:6]) if packet[4:6] != b"\0\0" else len(packet)
    while kind in _IPV6_OPTIONS and at + 8 <= len(packet):
        kind, at = packet[at], at + 8 + 8 * packet[at + 1]
    return (packet[8:40], packet[at:size]) if kind == _TCP else None
