"""The stream of records: the same texts at the same positions whatever the container, and nothing lost on the way."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.errors import InputError
from counterfoil.read.records import BATCH_ROWS
from counterfoil.read.sniff import Container

from .writing import MIB, lines, put, streamed, table

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=6,
)
_OBJECTS = st.lists(st.dictionaries(st.sampled_from("abcXYZ_é"), _VALUES, min_size=1, max_size=4), max_size=12)

Writer = Callable[[list[Any]], bytes]
CONTAINERS: dict[str, tuple[Container, Writer]] = {
    "lines": (Container.LINES, lines),
    "lines with CRLF": (Container.LINES, lambda r: lines(r, end="\r\n")),
    "lines without a last newline": (Container.LINES, lambda r: lines(r, last=False)),
    "an array": (Container.DOCUMENT, lambda r: json.dumps(r).encode()),
    "an array, indented": (Container.DOCUMENT, lambda r: json.dumps(r, indent=2, ensure_ascii=False).encode()),
    "a Graph page": (Container.DOCUMENT, lambda r: json.dumps({"@odata.context": "x", "value": r}).encode()),
    "an Event Hubs batch": (Container.DOCUMENT, lambda r: json.dumps({"records": r}).encode()),
}


@settings(max_examples=40, deadline=None)
@given(records=_OBJECTS, chunk=st.integers(1, 40), bom=st.booleans(), packed=st.booleans(), data=st.data())
def test_every_container_yields_the_same_records(
    tmp_path_factory: pytest.TempPathFactory,
    records: list[Any], chunk: int, bom: bool, packed: bool, data: st.DataObject,
) -> None:
    """A list of objects comes back whole, at positions 1 to n, from any container and with any chunk borders."""
    name = data.draw(st.sampled_from(sorted(CONTAINERS)))
    container, write = CONTAINERS[name]
    path = put(tmp_path_factory.mktemp("stream") / "file", write(records), bom=bom, packed=packed)
    found = streamed(path, container, chunk=chunk)
    assert found.refusals == [None] * len(records)
    assert [json.loads(text or "") for text in found.texts] == records


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(st.fixed_dictionaries({"a": _TEXT, "b c": _TEXT, "J": _VALUES.map(lambda v: {"v": v})}), max_size=8),
    end=st.sampled_from(["\n", "\r\n"]), bom=st.booleans(), last=st.booleans(),
)
def test_a_table_yields_objects_of_its_columns(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]], end: str, bom: bool, last: bool
) -> None:
    """A CSV row is an object of its columns; a cell that holds JSON is embedded, whatever it contains."""
    path = put(tmp_path_factory.mktemp("table") / "x.csv", table(rows, ["a", "b c", "J"], end=end, last=last), bom=bom)
    found = streamed(path, Container.CSV, json_columns=frozenset({"J"}))
    assert [json.loads(text or "") for text in found.texts] == rows


def test_a_single_object_is_one_record(tmp_path: Path) -> None:
    """A document that is one object, however it is indented, is one record."""
    path = put(tmp_path / "one.json", json.dumps({"a": {"value": [1]}}, indent=4).encode())
    found = streamed(path, Container.DOCUMENT)
    assert [json.loads(text or "") for text in found.texts] == [{"a": {"value": [1]}}]


def test_blank_lines_keep_their_positions(tmp_path: Path) -> None:
    """Blank lines are no records, but a position is the number of the line, as an editor shows it."""
    path = put(tmp_path / "x.jsonl", b'\n{"a":1}\n\n   \n{"a":2}\n\n')
    found = streamed(path, Container.LINES)
    assert [(place, text.strip()) for place, text in enumerate(found.texts, 1) if text and text.strip()] == [
        (2, '{"a":1}'), (5, '{"a":2}')
    ]


def test_blank_lines_of_a_table_are_no_records(tmp_path: Path) -> None:
    """A blank line in a CSV, or after it, is no record."""
    found = streamed(put(tmp_path / "x.csv", b"a,b\r\n1,2\r\n\r\n3,4\r\n\r\n"), Container.CSV)
    assert [json.loads(text) for text in found.texts if text] == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]


@pytest.mark.parametrize("chunk", [1, 7, 64, 8 * MIB])
def test_a_line_that_is_not_utf8_is_refused_alone(tmp_path: Path, chunk: int) -> None:
    """One line of broken bytes is refused at its position; its neighbours are read."""
    path = put(tmp_path / "x.jsonl", b'{"a":"\xc3\xa9"}\n{"a":"\xff\xfe"}\n{"a":"\xed\xa0\x80"}\n{"a":"z"}\n')
    found = streamed(path, Container.LINES, chunk=chunk)
    assert found.refusals == [None, "not UTF-8", "not UTF-8", None]
    assert [text and text.strip() for text in found.texts] == ['{"a":"é"}', None, None, '{"a":"z"}']


def test_a_row_and_an_element_that_are_not_utf8_are_refused_alone(tmp_path: Path) -> None:
    """The same holds for a row of a CSV and an element of an array."""
    rows = streamed(put(tmp_path / "x.csv", b"a,b\n1,\xff\n2,\xc3\xa9\n"), Container.CSV)
    assert (rows.refusals, rows.texts[1]) == (["not UTF-8", None], '{"a":"2","b":"é"}')
    elements = streamed(put(tmp_path / "x.json", b'[{"a":"\xff"},{"a":"b"}]'), Container.DOCUMENT)
    assert elements.refusals == ["not UTF-8", None]


@pytest.mark.parametrize("chunk", [1000, 1 << 19, 8 * MIB])
@pytest.mark.parametrize("place", ["first", "middle", "last", "last without newline"])
def test_a_line_over_the_limit_is_refused_alone(tmp_path: Path, chunk: int, place: str) -> None:
    """A line over the limit is refused at its position, wherever the chunks end; its neighbours are read."""
    big, small = b'{"a":"' + b"x" * MIB + b'"}\n', b'{"a":1}\n'
    order = {"first": [big, small, small], "middle": [small, big, small]}.get(place, [small, small, big])
    data = b"".join(order)
    path = put(tmp_path / "x.jsonl", data.rstrip(b"\n") if place.endswith("newline") else data)
    found = streamed(path, Container.LINES, chunk=chunk, record=MIB)
    assert found.refusals == ["record longer than 1 MiB" if line is big else None for line in order]


@pytest.mark.parametrize("over", [0, 1])
@pytest.mark.parametrize("chunk", [100, 8 * MIB])
def test_the_limit_is_the_same_wherever_chunks_end(tmp_path: Path, over: int, chunk: int) -> None:
    """A line of exactly the limit is read, one byte more is refused: chunk borders change nothing."""
    line = b'"' + b"x" * (MIB - 3 + over) + b'"\n'
    found = streamed(put(tmp_path / "x", line * 2), Container.LINES, chunk=chunk * 1000, record=MIB)
    assert [why is not None for why in found.refusals] == [bool(over)] * 2


def test_elements_and_rows_over_the_limit_are_refused(tmp_path: Path) -> None:
    """The limit holds in arrays and in tables."""
    big = "x" * MIB
    array = put(tmp_path / "x.json", json.dumps([{"a": big}, {"a": 1}]).encode())
    assert streamed(array, Container.DOCUMENT, record=MIB).refusals == ["record longer than 1 MiB", None]
    half = big[: MIB // 2 + 10]
    rows = streamed(put(tmp_path / "x.csv", f"a,b\n{half},{half}\n1,2\n".encode()), Container.CSV, record=MIB)
    assert rows.refusals == ["record longer than 1 MiB", None]


def test_a_table_that_breaks_says_from_where(tmp_path: Path) -> None:
    """A cell over the limit ends the table with a reject that says so; the rows before it are read."""
    data = b'a,b\n1,2\n3,"' + b"x" * (MIB + 10) + b'"\n5,6\n'
    found = streamed(put(tmp_path / "x.csv", data), Container.CSV, record=MIB)
    assert found.texts[0] == '{"a":"1","b":"2"}'
    assert "broken CSV from here on" in (found.refusals[-1] or "")


def test_what_powershell_puts_first_is_no_row(tmp_path: Path) -> None:
    """The #TYPE line of Export-Csv is neither header nor row."""
    found = streamed(put(tmp_path / "x.csv", b'#TYPE System.Object\r\n"a","b"\r\n"1","2"\r\n', bom=True), Container.CSV)
    assert found.texts == ['{"a":"1","b":"2"}']


def test_batches_are_bounded_and_progress_adds_up(tmp_path: Path) -> None:
    """More records than a batch holds come in order, and progress is told the bytes of the file."""
    records = [{"n": number} for number in range(BATCH_ROWS * 2 + 5)]
    data = lines(records)
    found = streamed(put(tmp_path / "x.jsonl", data), Container.LINES, chunk=10_000)
    assert [json.loads(text or "")["n"] for text in found.texts] == list(range(len(records)))
    assert len(data) - 3 <= sum(found.told) <= len(data)


@pytest.mark.parametrize("container", [Container.LINES, Container.DOCUMENT, Container.CSV])
def test_a_damaged_archive_is_an_error_of_its_own(tmp_path: Path, container: Container) -> None:
    """A gzip file that ends early, or whose checksum is wrong, raises InputError: half of it is not passed for all."""
    good = gzip.compress(json.dumps([{"a": n} for n in range(1000)]).encode())
    for number, bad in enumerate((good[:-200], good[:-8] + b"\0" * 8)):
        path = tmp_path / f"{number}.gz"
        path.write_bytes(bad)
        with pytest.raises(InputError, match="cannot read"):
            streamed(path, container)


PAIR = ("ResultIndex", "ResultCount")
SHOWN = {
    "a whole set": ([(1, 2), (2, 2)], ""),
    "rows in any order": ([(3, 3), (1, 3), (2, 3)], ""),
    "a set that stops early": ([(1, 9), (2, 9)], "rows 1..2 of 9 (ResultIndex/ResultCount)"),
    "two whole sets": ([(1, 2), (2, 2), (1, 1)], ""),
    "a whole set, then one that stops early": ([(1, 1), (1, 5_000)], "rows 1..1 of 5,000 (ResultIndex/ResultCount)"),
    "a set that failed": ([(-1, 0), (-1, 0)], "row -1 (ResultIndex/ResultCount)"),
    "no numbers at all": ([("", ""), ("x", "y")], ""),
    "no records": ([], ""),
}


@pytest.mark.parametrize(("rows", "expected"), SHOWN.values(), ids=SHOWN.keys())
@pytest.mark.parametrize("container", [Container.CSV, Container.LINES, Container.DOCUMENT])
def test_a_result_set_that_was_cut_off_shows(
    tmp_path: Path, container: Container, rows: list[tuple[Any, Any]], expected: str
) -> None:
    """Row numbers below the size of their result set show that rows are missing, as text or as number."""
    records = [{"ResultIndex": index, "ResultCount": count, "A": {"b": [1]}} for index, count in rows]
    texts = [record | {name: str(record[name]) for name in PAIR} for record in records]
    data = {
        Container.CSV: table(texts, [*PAIR, "A"]),
        Container.LINES: lines(records),
        Container.DOCUMENT: json.dumps(texts).encode(),
    }
    path = put(tmp_path / "file", data[container])
    found = streamed(path, container, json_columns=frozenset({"A"}), shortfall=PAIR)
    assert (found.count, found.cut) == (len(rows), expected)
    assert streamed(path, container).cut == ""


def test_a_page_with_a_next_link_is_not_the_last(tmp_path: Path) -> None:
    """A Graph document that still links to a page that follows says so."""
    page = {"@odata.context": "x", "value": [{"a": 1}]}
    whole = put(tmp_path / "a.json", json.dumps(page | {"@odata.nextLink": None}).encode())
    cut = put(
        tmp_path / "b.json", json.dumps({"@odata.nextLink": "https://example.com/?$skiptoken=1", **page}).encode()
    )
    assert not streamed(whole, Container.DOCUMENT).linked
    assert streamed(cut, Container.DOCUMENT).linked


TABLES: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "semicolons": ("a;b\r\n1;\"x;y\"\r\n", [{"a": "1", "b": "x;y"}]),
    "tabs": ("a\tb\n1\t2,3\n", [{"a": "1", "b": "2,3"}]),
    "a separator that the first line names": ("sep=|\r\na|b\r\n1|2\r\n", [{"a": "1", "b": "2"}]),
    "commas in quotes in the header": ('"a,a";"b,b";c\n1;2;3\n', [{"a,a": "1", "b,b": "2", "c": "3"}]),
    "doubled quotes": ('a,b\n"say ""hi""",2\n', [{"a": 'say "hi"', "b": "2"}]),
    "line ends in cells": ('a,b\n"1\r\n2\n3",2\n', [{"a": "1\r\n2\n3", "b": "2"}]),
    "blank columns": (",a, ,\n0,1,2,3\n", [{"column 1": "0", "a": "1", "column 3": "2", "column 4": "3"}]),
    "columns that repeat": ("a,b,a\n1,2,3\n", [{"a": "1", "b": "2", "a (2)": "3"}]),
    "rows that lack their last cells": ("a,b,c\n1\n1,2,3\n", [{"a": "1"}, {"a": "1", "b": "2", "c": "3"}]),
    "empty cells beyond the header": ("a,b\n1,2,,\n", [{"a": "1", "b": "2"}]),
}


@pytest.mark.parametrize(("text", "expected"), TABLES.values(), ids=TABLES.keys())
def test_tables_as_other_programs_write_them(tmp_path: Path, text: str, expected: list[dict[str, Any]]) -> None:
    """Separators, quotes, and columns without a name of their own."""
    found = streamed(put(tmp_path / "x.csv", text.encode()), Container.CSV)
    assert [json.loads(text or "") for text in found.texts] == expected


def test_json_in_cells_may_be_indented_but_not_more_than_one_value(tmp_path: Path) -> None:
    """A cell is embedded as the JSON value that it is; one that would add members of its own to the row is refused."""
    cells = ['{\n  "x": [1,\r\n 2]\n}', '{"x":1},"Id":"forged"', '{"x":', "", "null"]
    rows = streamed(
        put(tmp_path / "x.csv", table([{"Id": "1", "Data": cell} for cell in cells], ["Id", "Data"])),
        Container.CSV,
        json_columns=frozenset({"Data"}),
    )
    assert [json.loads(text)["Data"] for text in rows.texts if text] == [{"x": [1, 2]}, "", None]
    assert [why for why in rows.refusals if why] == ["not JSON in the column Data"] * 2


def test_a_row_with_cells_beyond_the_header_is_refused(tmp_path: Path) -> None:
    """Something in it was taken for a separator: no cell of it is believed."""
    found = streamed(put(tmp_path / "x.csv", b"a,b\n1,2\n1,2,3\n4,5\n"), Container.CSV)
    assert found.refusals == [None, "3 cells under 2 columns", None]
    assert found.cut == ""


TORN = {
    "in a cell": ("a,b\n1,2\n3", "the file ends in the middle of a row"),
    "in quotes": ('a,b\n1,2\n3,"4\n', "the file ends in the middle of a row"),
    "after the last cell": ("a,b\n1,2\n3,4", ""),
    "after a short row": ("a,b\n1,2\n3\n", ""),
}


@pytest.mark.parametrize(("text", "cut"), TORN.values(), ids=TORN.keys())
def test_a_table_that_ends_in_a_row_is_cut_off(tmp_path: Path, text: str, cut: str) -> None:
    """The last row is refused if it is not whole, and the file counts as cut off."""
    found = streamed(put(tmp_path / "x.csv", text.encode()), Container.CSV)
    assert found.cut == cut
    assert (found.refusals[-1] is not None) == bool(cut)
    assert found.texts[0] == '{"a":"1","b":"2"}'
