"""Network captures: a key that TCP splits over packets is found, whatever happens to the packets; memory is bounded."""

from __future__ import annotations

import io
import os
import random
import struct
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.leaks import captures
from counterfoil.leaks.finding import LeaksReport
from counterfoil.leaks.scan import ScanSettings, scan

from .planting import known_of, pem_of, rsa_keys
from .silent import SILENT

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MSS = 400
SYN, ACK = 2, 16
Packet = bytes


def _tcp(data: bytes, number: int, port: int = 40_000, flags: int = ACK) -> bytes:
    return struct.pack(">HHIIBBHHH", port, 80, number % (1 << 32), 0, 5 << 4, flags, 1000, 0, 0) + data


def ipv4(data: bytes, number: int, port: int = 40_000, flags: int = ACK) -> Packet:
    """Return an Ethernet frame, padded as short ones are."""
    tcp = _tcp(data, number, port, flags)
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0, b"\x0a\0\0\1", b"\x0a\0\0\2")
    return (bytes(12) + b"\x08\0" + ip + tcp).ljust(60, b"\xaa")


def ipv6(data: bytes, number: int, port: int = 40_000, flags: int = ACK) -> Packet:
    """Return a frame with a VLAN tag and IPv6 with an option header."""
    tcp = b"\x06\0" + bytes(6) + _tcp(data, number, port, flags)
    ip = struct.pack(">IHBB", 6 << 28, len(tcp), 0, 64) + bytes(15) + b"\1" + bytes(15) + b"\2"
    return bytes(12) + b"\x81\x00\x00\x05\x86\xdd" + ip + tcp


def pcap(packets: Sequence[Packet], order: str = "<", link: int = 1) -> bytes:
    """Return a classic capture."""
    head = struct.pack(f"{order}IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, link)
    return head + b"".join(struct.pack(f"{order}4I", 0, 0, len(one), len(one)) + one for one in packets)


def pcapng(packets: Sequence[Packet], order: str = "<") -> bytes:
    """Return a capture of the next generation: section, interface, enhanced packets."""

    def block(kind: int, body: bytes) -> bytes:
        body = body.ljust(-(-len(body) // 4) * 4, b"\0")
        size = struct.pack(f"{order}I", 12 + len(body))
        return struct.pack(f"{order}I", kind) + size + body + size

    found = block(0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1))
    found += block(1, struct.pack(f"{order}HHI", 1, 0, 65_535))
    for one in packets:
        found += block(6, struct.pack(f"{order}5I", 0, 0, 0, len(one), len(one)) + one)
    return found


def split(data: bytes, first: int, frame: Callable[..., Packet] = ipv4, port: int = 40_000) -> list[Packet]:
    """Return a connection that carries the data: SYN, then segments."""
    found = [frame(b"", first, port, SYN)]
    return found + [frame(data[at : at + MSS], first + 1 + at, port) for at in range(0, len(data), MSS)]


BODY = b"HTTP/1.1 200 OK\r\n\r\n" + pem_of(rsa_keys()[0]) + b"bye"
PLAIN = split(BODY, 1_000)


def _shuffled(packets: list[Packet]) -> list[Packet]:
    rest = packets[1:]
    random.Random(3).shuffle(rest)  # noqa: S311  # an order, nothing secret
    return [packets[0], *rest]


CAPTURES: dict[str, bytes] = {
    "in order": pcap(PLAIN),
    "big-endian": pcap(PLAIN, ">"),
    "pcapng": pcapng(PLAIN),
    "pcapng, big-endian": pcapng(PLAIN, ">"),
    "IPv6 behind a VLAN tag": pcap(split(BODY, 1_000, ipv6)),
    "raw IP": pcap([packet[14:] for packet in PLAIN], link=101),
    "out of order": pcap(_shuffled(PLAIN)),
    "every segment twice": pcap([packet for packet in PLAIN for _ in range(2)]),
    "segments that overlap": pcap(
        [PLAIN[0], *(ipv4(BODY[at : at + MSS], 1_001 + at) for at in range(0, len(BODY), 150))]
    ),
    "numbers that wrap around": pcap(split(BODY, (1 << 32) - 700)),
    "without its beginning": pcap(PLAIN[1:]),
    "between packets of others": pcap(
        [one for pair in zip(PLAIN, split(os.urandom(len(BODY)), 5, port=9), strict=True) for one in pair]
    ),
    "cut off in the last packet": pcap([*PLAIN, PLAIN[1]])[:-7],
}


def _scan(folder: Path, data: bytes) -> LeaksReport:
    (folder / "net.pcap").write_bytes(data)
    return scan([str(folder / "net.pcap")], known_of(rsa_keys()[0]), ScanSettings(NOW), SILENT)


@pytest.mark.parametrize("case", CAPTURES)
def test_a_key_that_tcp_splits_is_found(tmp_path: Path, case: str) -> None:
    """A PEM over several packets: no packet shows it whole, the stream does, once, under the capture's name."""
    report = _scan(tmp_path, CAPTURES[case])
    assert [(leak.path, leak.form, leak.proven) for leak in report.findings if leak.form.startswith("pem-pkcs8")] == [
        (f"{tmp_path}/net.pcap/(streams)", "pem-pkcs8-rsa", True)
    ]
    assert bool(report.unread) == ("cut off" in case)


def test_two_streams_never_read_as_one(tmp_path: Path) -> None:
    """Parts of a PEM in two connections are no PEM."""
    half = len(BODY) // 4
    report = _scan(tmp_path, pcap([*split(BODY[:half], 5, port=1), *split(BODY[half:], 5, port=2)]))
    assert not [leak for leak in report.findings if leak.form.startswith("pem") and leak.proven]


def test_a_lost_packet_costs_what_it_carried_only(tmp_path: Path) -> None:
    """A packet is missing before the key: what follows is found all the same."""
    packets = split(os.urandom(4 * MSS) + BODY, 1_000)
    findings = _scan(tmp_path, pcap([*packets[:2], *packets[3:]])).findings
    assert [leak.form for leak in findings if leak.path.endswith("(streams)")] == ["pem-pkcs8-rsa"]


def test_a_capture_of_many_streams_is_read_in_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """More streams and bytes than are held: everything comes out in pieces, none longer than what is held."""
    monkeypatch.setattr(captures, "MOST_STREAMS", 8)
    monkeypatch.setattr(captures, "MOST_HELD_BYTES", 4_000)
    packets = [ipv4(f"<{port}>".encode() * 40, 1, port) for port in range(1_000, 1_200)]
    pieces = list(captures.joined(io.BytesIO(pcap(packets))))
    whole = b"".join(pieces)
    assert all(f"<{port}>".encode() * 40 in whole for port in range(1_000, 1_200))
    assert max(map(len, pieces)) < 4_000


def test_a_long_stream_is_given_in_pieces_that_overlap() -> None:
    """Three megabytes in one stream: a key at any border between pieces is whole in one of them."""
    data = os.urandom(3 << 20)
    packets = [ipv4(data[at : at + 1_400], at) for at in range(0, len(data), 1_400)]
    pieces = list(captures.joined(io.BytesIO(pcap(packets))))
    assert len(pieces) > 2
    for at in range(0, len(data) - 4_000, 4_000):
        assert any(data[at : at + 4_000] in piece for piece in pieces)


@settings(max_examples=120, deadline=None)
@given(st.sampled_from(sorted(CAPTURES)), st.lists(st.tuples(st.integers(0, 6_000), st.integers(0, 255)), max_size=8))
def test_damaged_captures_give_streams_or_an_oserror(case: str, changes: list[tuple[int, int]]) -> None:
    """Any bytes changed: pieces, or the error that names the place; nothing else."""
    data = bytearray(CAPTURES[case])
    for at, value in changes:
        data[4 + at % (len(data) - 4)] = value
    try:
        for _ in captures.joined(io.BytesIO(bytes(data))):
            pass
    except OSError as error:
        assert "capture is" in str(error)
