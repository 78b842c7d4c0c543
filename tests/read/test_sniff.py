"""The head of a file tells its container, by content and never by name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from counterfoil.errors import InputError
from counterfoil.read.encoding import BOM
from counterfoil.read.sniff import HEAD_BYTES, SAMPLE_RECORDS, Container, sniff
from counterfoil.unpack.walk import plain

from .writing import put

ONE = b'{"a":1}'
TABLE = {
    "JSON lines": (b'{"a":1}\n{"a":2}\n', Container.LINES),
    "JSON lines with CRLF": (b'{"a":1}\r\n{"a":2}\r\n', Container.LINES),
    "JSON lines after blank lines": (b'\n\r\n{"a":1}\n', Container.LINES),
    "one line": (ONE, Container.LINES),
    "a broken line in the middle": (b'{"a":1}\n{"a":\n{"a":2}\n', Container.LINES),
    "a first line that lacks its beginning": (b'x":1}\n{"a":1}\n{"a":2}\n', Container.LINES),
    "a first line that lacks its end": (b'{"x":\n{"a":1}\n{"a":2}\n', Container.LINES),
    "an array": (b'[{"a":1}]', Container.DOCUMENT),
    "an indented array": (b'[\n  {"a":1},\n  {"a":2}\n]\n', Container.DOCUMENT),
    "an indented object": (b'{\n  "a": 1,\n  "b": {}\n}\n', Container.DOCUMENT),
    "a Graph page on one line": (b'{"value":[{"a":1},{"a":2}]}', Container.DOCUMENT),
    "a Graph page, a record a line": (b'{"value":[\n{"a":1},\n{"a":2}\n]}', Container.DOCUMENT),
    "a batch of Event Hubs": (b'{"records":[{"a":1}]}', Container.DOCUMENT),
    "a table": (b"a,b\n1,2\n", Container.CSV),
    "a table of one row, no last newline": (b'"a","b"', Container.CSV),
    "a table as PowerShell writes it": (b'#TYPE X\r\n"a","b"\r\n"1","2"\r\n', Container.CSV),
    "a table with JSON in its cells": (b'a,b\n1,"{""x"":1}"\n', Container.CSV),
    "nothing": (b"", Container.EMPTY),
    "blanks": (b"  \r\n\n", Container.EMPTY),
    "prose": (b"Dear colleague\nplease find the logs\n", Container.UNKNOWN),
    "an image": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", Container.UNKNOWN),
    "a damaged document": (b'{"a":\n[', Container.UNKNOWN),
    "indented objects one after another": (b'{\n "a": 1\n}\n{\n "a": 2\n}\n', Container.DOCUMENT),
    "objects on one line": (b'{"a":1}{"a":2}', Container.DOCUMENT),
    "objects with commas between": (b'{"a":1},\n{"a":2},\n', Container.DOCUMENT),
    "a page a line": (b'{"records":[{"a":1}]}\n{"records":[{"a":2}]}\n', Container.DOCUMENT),
    "an array with a broken element": (b'[{"a":tru},{"a":1}]', Container.DOCUMENT),
    "an array that is cut off": (b'[{"a":1},{"a', Container.DOCUMENT),
    "a page that is cut off": (b'{"value":[{"a":1},{"a', Container.DOCUMENT),
    "a table with semicolons": (b"a;b\n1;2\n", Container.CSV),
    "a table with tabs": (b"a\tb\n1\t2\n", Container.CSV),
    "a table of Excel": (b"sep=;\r\na;b\r\n1;2\r\n", Container.CSV),
    "a table of too many columns": (",".join(map(str, range(1001))).encode() + b"\n", Container.UNKNOWN),
}


@pytest.mark.parametrize(("data", "container"), TABLE.values(), ids=TABLE.keys())
@pytest.mark.parametrize("form", ["plain", "bom", "gzip"])
def test_the_container_is_told_by_content(tmp_path: Path, data: bytes, container: Container, form: str) -> None:
    """Each form is recognised plain, with a byte order mark, and compressed; what is unknown says why."""
    head = sniff(plain(put(tmp_path / "file.dat", data, bom=form == "bom", packed=form == "gzip")))
    assert head.container is container
    assert bool(head.why) == (container in (Container.UNKNOWN, Container.EMPTY))


def test_the_sample_is_bounded(tmp_path: Path) -> None:
    """Only the first records are decoded, from any container."""
    records = [{"n": n} for n in range(SAMPLE_RECORDS * 3)]
    for data in (json.dumps(records), "\n".join(map(json.dumps, records)), json.dumps({"value": records})):
        assert list(sniff(plain(put(tmp_path / "x", data.encode()))).records) == records[:SAMPLE_RECORDS]


@pytest.mark.parametrize("begin", [b"[", b'{"value":[', b'{"@odata.context":"x",\n "value":\n[', b""])
def test_a_file_larger_than_the_head_is_sampled(tmp_path: Path, begin: bytes) -> None:
    """A large array, page or file of lines is told from its head, whose last record is cut off."""
    record = json.dumps({"text": "x" * 300_000}).encode()
    count = HEAD_BYTES // len(record) + 2
    data = begin + (b"," if begin else b"\n").join([record] * count) + (b"]" if begin else b"\n")
    head = sniff(plain(put(tmp_path / "x", data)))
    assert head.container is (Container.DOCUMENT if begin else Container.LINES)
    assert len(head.records) == count - 2
    assert all(found == json.loads(record) for found in head.records)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, '{"a":1}\n' + "[" * 100_000])
def test_deep_nesting_is_no_harm(tmp_path: Path, text: str) -> None:
    """A file made to exhaust the parser's stack is unknown, or its broken lines are left to the reader."""
    assert sniff(plain(put(tmp_path / "x", text.encode()))).container in (Container.UNKNOWN, Container.LINES)


def test_what_cannot_be_opened_is_an_input_error(tmp_path: Path) -> None:
    """A file that is gone, or a damaged archive, raises InputError with its path."""
    with pytest.raises(InputError, match="gone"):
        sniff(plain(tmp_path / "gone"))
    path = tmp_path / "damaged.gz"
    path.write_bytes(b"\x1f\x8b\x08\x00not gzip at all")
    with pytest.raises(InputError, match=r"damaged\.gz"):
        sniff(plain(path))


def test_a_mark_alone_is_empty(tmp_path: Path) -> None:
    """A byte order mark and nothing else is an empty file."""
    assert sniff(plain(put(tmp_path / "x", BOM))).container is Container.EMPTY
