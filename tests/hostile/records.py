"""Hostile records and texts: cut, too long, too deep, not what they should be."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from .case import Case, line, record

MIB = 1 << 20


def _file(name: str, *parts: bytes) -> Callable[[Path], None]:
    def make(logs: Path) -> None:
        (logs / name).write_bytes(b"".join(parts))

    return make


def _long(name: str, before: bytes, size: int, after: bytes) -> Callable[[Path], None]:
    """Return what writes a file with a run of `x` in it, piece by piece."""

    def make(logs: Path) -> None:
        with (logs / name).open("wb") as file:
            file.write(before)
            for _ in range(size // MIB):
                file.write(b"x" * MIB)
            file.write(after)

    return make


def _array(*numbers: int) -> bytes:
    return json.dumps([record(number) for number in numbers], indent=2).encode()


def _nested(depth: int, opening: str = "[", closing: str = "]") -> bytes:
    return json.dumps(record(2, Deep="@")).replace('"@"', opening * depth + closing * depth).encode() + b"\n"


def _times(*texts: str) -> bytes:
    return b"".join(line(number, CreationTime=text) for number, text in enumerate(texts, start=2))


_ONE = line(1)
_TWICE = json.dumps(record(2)).replace('"UserId": "a@example.com"', '"UserId": "a@example.com", "UserId": "b@x"')
_HEADER = "CreationDate,UserIds,Operations,AuditData\n"
_ROW = f'2025-09-01T08:00:00,a@example.com,MailItemsAccessed,"{json.dumps(record(5)).replace(chr(34), chr(34) * 2)}"\n'

CASES = (
    Case("a record that is cut in the middle", _file("x.jsonl", _ONE, line(2)[:90]), "read 2, rejected 1: not JSON"),
    Case("an array that is cut in the middle", _file("x.json", _array(1, 2, 3)[:-150]),
         "read 3, rejected 1: broken off at byte 643.*; cut off"),
    Case("an array with a broken element in the middle", _file("x.json", _array(1, 2, 3).replace(b"50", b"5 0", 1)),
         "read 3, rejected 1: not JSON"),
    Case("a page that is cut in the middle", _file("x.json", b'{"value":', _array(1, 2), b',"x'),
         "read 3, rejected 1: broken off.*; cut off"),
    Case("a line of 200 MB", _long("x.jsonl", _ONE + b'{"Id":"', 200 * MIB, b'"}\n' + line(2)),
         "read 3, rejected 1: record longer than 16 MiB", heavy=True),
    Case("an element of 200 MB", _long("x.json", b"[" + _ONE + b',{"Id":"', 200 * MIB, b'"},' + line(2) + b"]"),
         "read 3, rejected 1: record longer than 16 MiB", heavy=True),
    Case("a cell of 200 MB", _long("x.csv", (_HEADER + _ROW).encode() + b"1,", 200 * MIB, b",3,4\n"),
         "read 2, rejected 1: broken CSV from here on: .*; cut off", heavy=True),
    Case("a quoted cell of 200 MB in lines", _long("x.csv", (_HEADER + _ROW).encode() + b'1,"' + b"y\n" * MIB,
         200 * MIB, b'",3,4\n'), "read 2, rejected 1: broken CSV from here on: .*; cut off", heavy=True),
    Case("1,001 columns", _file("x.csv", ",".join(f"c{n}" for n in range(1001)).encode(), b"\n1,2\n"),
         "unread: a table of 1,001 columns: at most 1,000 are read"),
    Case("1,000 columns", _file("x.csv", (_HEADER.strip() + "".join(f",c{n}" for n in range(996)) + "\n").encode(),
         _ROW.encode()), "read 1$"),
    Case("a row with more cells than columns", _file("x.csv", _HEADER.encode(), _ROW.encode(), b"1,2,3,4,5\n"),
         "read 2, rejected 1: 5 cells under 4 columns"),
    Case("a table that ends in quotes", _file("x.csv", _HEADER.encode(), _ROW.encode(), b'1,2,3,"{""Id'),
         "read 2, rejected 1: the file ends in the middle of this row; cut off"),
    Case("a cell that would add members to its row", _file("x.csv", _HEADER.encode(), _ROW.encode(),
         b'2025-09-01T08:00:00,a,b,"{},""UserIds"":""forged"""\n'),
         "read 2, rejected 1: not JSON in the column AuditData"),
    Case("bytes that are no UTF-8", _file("x.jsonl", _ONE, line(2).replace(b"a@", b"\xff@"), line(3)),
         "read 3, rejected 1: not UTF-8"),
    Case("half a surrogate pair as an escape", _file("x.jsonl", _ONE, line(2).replace(b"a@", b"\\ud800@")),
         "read 2, rejected 1: not JSON"),
    Case("half a surrogate pair in UTF-16", _file("x.jsonl", (_ONE + line(2).replace(b"a@", b"HALF")).decode().replace(
         "HALF", "\ud800").encode("utf-16-le", "surrogatepass")), "read 2, rejected 1: not UTF-8"),
    Case("zero characters in names and values", _file("x.jsonl", _ONE, line(2, UserId="a\0b", **{"\0": 1})), "read 2"),
    Case("brackets 10,000 deep", _file("x.jsonl", _ONE, _nested(10_000)), "read 2$"),
    Case("objects 10,000 deep", _file("x.jsonl", _ONE, _nested(10_000, '{"a":', "}").replace(b":}", b":1}")),
         "read 2$"),
    Case("brackets 5,000,000 deep", _file("x.jsonl", _ONE, _nested(5_000_000)),
         "read 2, rejected 1: record of more than 500,000 values"),
    Case("8,000,000 numbers in a record", _file("x.jsonl", _ONE, json.dumps(record(2, X=1)).encode().replace(
         b"1}", b"[" + b"1," * 7_900_000 + b"1]}") + b"\n"), "read 2, rejected 1: record of more than 500,000 values"),
    Case("an array of brackets that never close", _file("x.json", b"[" + _ONE + b"," + b"[" * 5_000_000),
         "read 2, rejected 1: broken off"),
    Case("a file of brackets", _file("x.json", b"[" * 5_000_000), "unread: neither JSON lines nor JSON documents"),
    Case("empty arrays without end", _file("x.json", _ONE.strip(), b"[]" * 500_000, line(2)),
         "read 2, rejected 1: broken off at byte .* over 10,000 arrays"),
    Case("a key that repeats", _file("x.jsonl", _ONE, _TWICE.encode()), "read 2$"),
    Case("NaN, infinity and huge numbers", _file("x.jsonl", _ONE, line(2).replace(b": 50", b": NaN"),
         line(3).replace(b": 50", b": 1e999999"), line(4).replace(b": 50", b": " + b"9" * 5000),
         line(5).replace(b": 50", b": -Infinity")), "read 5"),
    Case("dates in the year 1 and in the year 9999", _file("x.jsonl", _ONE, _times(
        "0001-01-01T00:00:00", "9999-12-31T23:59:59", "10000-01-01T00:00:00", "-290308-01-01T00:00:00",
        "2025-02-30T00:00:00", "2025-09-01T25:61:61", "infinity", "9" * 30, "")), "read 10, rejected 9: .*dat"),
    Case("ids of a megabyte", _file("x.jsonl", _ONE, line(2, Id="i" * MIB), line(3, AppAccessContext={
        "UniqueTokenId": "t" * MIB, "AADSessionId": "s" * MIB})), "read 3$"),
    Case("names and users of a megabyte", _file("x.jsonl", _ONE, line(2, UserId="u" * MIB, ClientInfoString="c" * MIB)),
         "read 2"),
    Case("values of other types than expected", _file("x.jsonl", _ONE, *(
        line(number, **{name: value}) for number, (name, value) in enumerate((
            ("Id", {"a": 1}), ("Operation", ["x"]), ("CreationTime", 5), ("UserId", None), ("RecordType", "fifty"),
            ("AppAccessContext", "none"), ("AppAccessContext", [1]), ("Folders", {"FolderItems": 3}),
            ("OperationProperties", "x"), ("OrganizationId", True)), start=2))), "read 11"),
    Case("100,000 lines of garbage", _file("x.jsonl", _ONE, line(2), *[b"x\n"] * 1, _ONE * 2, b"garbage\n" * 100_000),
         "read 100005, rejected 100001: not JSON"),
    Case("an empty file", _file("x.json"), "unread: empty file"),
    Case("a binary file", _file("x.json", b"\x7fELF" + bytes(5000)), "unread: binary file"),
    Case("prose", _file("x.txt", b"Dear colleague,\n[see below] {thanks}\n" * 50),
         "unread: CSV with columns of no known export"),
    Case("escape codes and markup in values", _file("x.jsonl", _ONE, line(2, UserId="\x1b[2J<script>alert(1)<")),
         "read 2$"),
)
