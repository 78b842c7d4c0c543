"""Text in the encodings of Windows is read as if it were UTF-8."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from counterfoil.read.encoding import Encoding
from counterfoil.read.records import Counter, InputText, stream
from counterfoil.read.sniff import Container, sniff
from counterfoil.unpack.walk import plain

from .writing import put

RECORDS = [{"name": "Zoë", "x": "日本 😀"}, {"name": "a", "x": ""}]
LINES = "".join(json.dumps(record, ensure_ascii=False) + "\r\n" for record in RECORDS)
FORMS = {
    Container.LINES: LINES,
    Container.DOCUMENT: json.dumps(RECORDS, ensure_ascii=False, indent=1),
    Container.CSV: 'name,x\r\n"Zoë","日本 😀"\r\n"a",""\r\n',
}
MARKS = {"utf-8": b"\xef\xbb\xbf", "utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}


def _read(path: Path, container: Container) -> list[tuple[str | None, str | None]]:
    head = sniff(plain(path))
    assert head.container is container
    text = InputText(1, plain(path), head.container, encoding=head.encoding)
    rows = [row for batch in stream([text], Counter(), lambda _: None) for row in batch.to_pylist()]
    return [(row["text"], row["refused"]) for row in rows]


@pytest.mark.parametrize("container", FORMS)
@pytest.mark.parametrize("encoding", MARKS)
@pytest.mark.parametrize("marked", [True, False])
def test_every_encoding_gives_the_same_records(
    tmp_path: Path, container: Container, encoding: str, marked: bool
) -> None:
    """UTF-8 and UTF-16 of both byte orders, with and without a byte order mark, in every container."""
    data = (MARKS[encoding] if marked else b"") + FORMS[container].encode(encoding)
    found = _read(put(tmp_path / "x", data), container)
    assert [json.loads(text or "") for text, _ in found] == RECORDS


def test_a_table_in_the_code_page_of_windows(tmp_path: Path) -> None:
    """A table none of whose special characters is UTF-8 is Windows-1252, as Excel saves it."""
    data = "name;x\r\nZoë;“q” €\r\n".encode("windows-1252")
    assert sniff(plain(put(tmp_path / "x", data))).encoding is Encoding.WINDOWS_1252
    ((text, _),) = _read(tmp_path / "x", Container.CSV)
    assert json.loads(text or "") == {"name": "Zoë", "x": "“q” €"}


def test_a_table_with_some_utf_8_is_utf_8(tmp_path: Path) -> None:
    """One character in UTF-8 is enough: other bytes are damage, and their rows are refused."""
    found = _read(put(tmp_path / "x", "name,x\nZoë,1\n".encode() + b"\xff,2\n"), Container.CSV)
    assert found == [('{"name":"Zoë","x":"1"}', None), (None, "not UTF-8")]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_damaged_utf_16_costs_the_record(tmp_path: Path, encoding: str) -> None:
    """Half a surrogate pair refuses its line; half a character at the end of the file refuses the last one."""
    lines = ['{"a":"1"}', '{"a":"\ud800"}', '{"a":"2"}', '{"a"']
    data = "\n".join(lines).encode(encoding, "surrogatepass") + b"\x00"
    found = _read(put(tmp_path / "x", data), Container.LINES)
    assert [(text or "").strip() for text, _ in found] == ['{"a":"1"}', "", '{"a":"2"}', ""]
    assert [why for _, why in found] == [None, "not UTF-8", None, "not UTF-8"]


def test_a_byte_that_the_code_page_lacks_costs_the_row(tmp_path: Path) -> None:
    """Windows-1252 has no character for five bytes: a row with one is refused, not changed."""
    found = _read(put(tmp_path / "x", b"a,b\n\xe9,1\n\x81,2\n"), Container.CSV)
    assert found == [('{"a":"\xe9","b":"1"}', None), (None, "not UTF-8")]
