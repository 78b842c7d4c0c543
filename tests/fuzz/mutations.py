"""Inputs near real ones: bytes that are cut, repeated and overwritten, and JSON with values that nobody expects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

# Pieces that mean something to one of the parsers.
_TOKENS = (
    b"{", b"}", b"[", b"]", b'"', b"\\", b",", b":", b"\n", b"\r\n", b";", b"\t", b"null", b"NaN", b"1e999", b"\x00",
    b"\xff", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b'{"value":[', b'"records":[', b"#TYPE x\n", b"sep=;\n",
    b"\\ud800", b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07", b"\x1f\x8b\x08",
    b"\xfd7zXZ\x00", b"ustar\x00", b"7z\xbc\xaf\x27\x1c", b"\x28\xb5\x2f\xfd", b"BZh9", b"\xff\xff\xff\xff",
    b"\x00\x00\x00\x80", b"<Event", b"</Event>", b"]]>", b"<!DOCTYPE x [<!ENTITY a 'b'>]>", b"&a;", b"ElfFile\x00",
    b"ElfChnk\x00", b"**\x00\x00", b"Event[0]:\n",
)

_ODD_VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 10**30, 1.5, "", " ", "x", "\x00", "\ufffd", "null", "[]", "{}", '{"a":', "0001-01-01T00:00:00",
    "9999-12-31T23:59:59.9999999Z", "10000-01-01", "2025-02-30T00:00:00Z", "5/6/2025 7:08:09 AM", "-1", "1e999",
    "99999999999999999999", "00000000-0000-0000-0000-000000000000", "A" * 22, "A" * 21 + "=", "::1", "fe80::%eth0",
    "[::1]:443", "1.2.3.4:99999", "999.1.1.1", [], {}, [None], [[]], {"a": {"a": {"a": 1}}}, ["x"] * 50, "ü😀" * 100,
    "x" * 70_000,
)


def _edit(data: bytes, edit: tuple[str, int, int, bytes]) -> bytes:
    kind, at, size, token = edit
    at = at % (len(data) + 1)
    end = min(len(data), at + size)
    match kind:
        case "cut":
            return data[:at]
        case "drop":
            return data[:at] + data[end:]
        case "repeat":
            return data[:end] + data[at:end] + data[end:]
        case "put":
            return data[:at] + token + data[at:]
        case "over":
            return data[:at] + token + data[at + len(token) :]
        case _:
            return data[:at] + bytes(byte ^ (size & 0xFF) for byte in data[at : at + 1]) + data[at + 1 :]


_EDITS = st.tuples(
    st.sampled_from(("cut", "drop", "repeat", "put", "over", "flip")),
    st.integers(0, 1 << 20),
    st.integers(0, 300),
    st.sampled_from(_TOKENS) | st.binary(max_size=4),
)


def changed(corpus: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """Return texts of the corpus after some edits, and now and then any bytes at all."""
    near = st.tuples(st.sampled_from(list(corpus)), st.lists(_EDITS, max_size=6)).map(_apply)
    two = st.tuples(near, near, st.integers(0, 1 << 16)).map(lambda t: t[0][: t[2] % (len(t[0]) + 1)] + t[1])
    return st.one_of(near, near, two, st.binary(max_size=200))


def _apply(pair: tuple[bytes, Sequence[tuple[str, int, int, bytes]]]) -> bytes:
    data, edits = pair
    for edit in edits:
        data = _edit(data, edit)
    return data


def odd(records: Sequence[Any]) -> st.SearchStrategy[Any]:
    """Return records of the corpus in which some values are other ones."""
    place = st.lists(st.integers(0, 40), min_size=1, max_size=4)
    edits = st.lists(st.tuples(place, st.sampled_from(_ODD_VALUES)), max_size=5)
    return st.tuples(st.sampled_from(list(records)), edits).map(_with_odd_values)


def _with_odd_values(pair: tuple[Any, Sequence[tuple[Sequence[int], Any]]]) -> Any:
    record, edits = pair
    for steps, value in edits:
        record = _replaced(record, list(steps), value)
    return record


def _replaced(node: Any, steps: list[int], value: Any) -> Any:
    """Return the node with what lies at the end of the steps replaced; a step is a number of a member or element."""
    if not steps or not node or not isinstance(node, dict | list):
        return value
    if isinstance(node, list):
        at = steps[0] % len(node)
        return [*node[:at], _replaced(node[at], steps[1:], value), *node[at + 1 :]]
    name = list(node)[steps[0] % len(node)]
    return node | {name: _replaced(node[name], steps[1:], value)}
