"""Writes small Windows event logs (.evtx): one chunk, records of BinXML without templates.

Layout: libevtx documentation, "Windows XML Event Log (EVTX) format" (github.com/libyal/libevtx).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from xml.etree import ElementTree

_CHUNK, _HEADER, _FIRST_RECORD = 65_536, 4_096, 512
_FILETIME_1970 = 116_444_736_000_000_000


def evtx(events: Sequence[str]) -> bytes:
    """Return a log of these events, each an XML text; all must fit into one chunk."""
    body = b""
    last = _FIRST_RECORD
    for number, event in enumerate(events, start=1):
        last = _FIRST_RECORD + len(body)
        body += _record(number, event, last)
    free = _FIRST_RECORD + len(body)
    assert free <= _CHUNK
    head = struct.pack("<8sQQQQIIII", b"ElfChnk\0", 1, len(events), 1, len(events), 128, last, free, zlib.crc32(body))
    head = head.ljust(120, b"\0")
    tables = bytes(_FIRST_RECORD - 128)
    chunk = head + struct.pack("<II", 0, zlib.crc32(head + tables)) + tables + body
    return _file_header(len(events)) + chunk.ljust(_CHUNK, b"\0")


def _file_header(records: int) -> bytes:
    head = struct.pack("<8sQQQIHHHH", b"ElfFile\0", 0, 0, records + 1, 128, 1, 3, _HEADER, 1).ljust(120, b"\0")
    return (head + struct.pack("<II", 0, zlib.crc32(head))).ljust(_HEADER, b"\0")


def _record(number: int, event: str, place: int) -> bytes:
    at = place + 24 + 4
    xml = b"\x0f\x01\x01\x00" + _element(ElementTree.fromstring(event), at) + b"\x00"  # noqa: S314  # our own text
    size = 24 + len(xml) + 4
    return struct.pack("<IIQQ", 0x2A2A, size, number, _FILETIME_1970) + xml + struct.pack("<I", size)


def _element(element: ElementTree.Element, at: int) -> bytes:
    """Return the element as BinXML; `at` is where it begins, counted from the chunk's beginning."""
    namespace, _, name = element.tag.rpartition("}")
    attributes = dict(element.attrib)
    if name == "Event":
        attributes = {"xmlns": namespace.lstrip("{")} | attributes
    fixed = 1 + 4
    inner = _name(name, at + fixed)
    if attributes:
        listed = b""
        for n, (key, value) in enumerate(attributes.items()):
            listed += b"\x46" if n < len(attributes) - 1 else b"\x06"
            listed += _name(key, at + fixed + len(inner) + 4 + len(listed)) + _value(value)
        inner += struct.pack("<I", len(listed)) + listed
    if element.text or len(element):
        inner += b"\x02" + (_value(element.text) if element.text else b"")
        for child in element:
            inner += _element(child, at + fixed + len(inner))
        inner += b"\x04"
    else:
        inner += b"\x03"
    return struct.pack("<BI", 0x41 if attributes else 0x01, len(inner)) + inner


def _name(name: str, at: int) -> bytes:
    """Return a name that stands where it is used: its offset, then no next name, no hash, and the text."""
    return struct.pack("<IIHH", at + 4, 0, 0, len(name)) + name.encode("utf-16-le") + b"\0\0"


def _value(text: str) -> bytes:
    return b"\x05\x01" + struct.pack("<H", len(text)) + text.encode("utf-16-le")
