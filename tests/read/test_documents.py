"""Records come out of JSON documents in every layout, and what is broken costs as little as can be told apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from counterfoil.read.documents import LISTS, Notes, records
from counterfoil.read.sniff import Container
from counterfoil.read.texts import Limits

from .writing import MIB, put, streamed

ONE, TWO = {"a": 1}, {"b": [{"c": "]}[{\\\""}], "d": None}
A, B = json.dumps(ONE), json.dumps(TWO)
PRETTY = json.dumps(ONE, indent=2) + "\n" + json.dumps(TWO, indent=4)

LAYOUTS = {
    "an array": f"[{A},{B}]",
    "an indented array": json.dumps([ONE, TWO], indent=2),
    "an array with commas to spare": f"[,{A},,{B},]",
    "an array that misses a comma": f"[{A} {B}]",
    "a page": f'{{"@odata.context":"x","value":[{A},{B}]}}',
    "an indented page": json.dumps({"value": [ONE, TWO]}, indent=2),
    "a batch": f'{{"records": [{A},{B}]}}',
    "batches one after another": f'{{"records":[{A}]}}\n{{"records":[{B}]}}\n',
    "an array of batches": f'[{{"records":[{A}]}},{{"Records":[{B}]}}]',
    "an answer of advanced hunting": f'{{"schema":[{{"name":"a","type":"Int64"}}],"results":[{A},{B}]}}',
    "a batch of nothing between": f'{{"records":[{A}]}}{{"records":[]}}{{"records":[{B}]}}',
    "objects one after another": A + B,
    "objects with commas": f"{A},{B}",
    "indented objects": PRETTY,
    "indented objects with commas": PRETTY.replace("}\n{", "},\n{"),
    "arrays one after another": f"[{A}]\n[]\n[{B}]",
    "an array, then an object": f"[{A}]{B}",
}


@pytest.mark.parametrize("text", LAYOUTS.values(), ids=LAYOUTS.keys())
@pytest.mark.parametrize("chunk", [1, 7, 8 * MIB])
def test_every_layout_gives_its_records(tmp_path: Path, text: str, chunk: int) -> None:
    """The same two records, wherever the chunks end."""
    found = streamed(put(tmp_path / "x.json", text.encode(), bom=True), Container.DOCUMENT, chunk=chunk)
    assert [json.loads(text or "") for text in found.texts] == [ONE, TWO]
    assert (found.refusals, found.cut) == ([None, None], "")


# What is broken: the text, the texts that are read (broken ones are for the parser to reject), and how it was cut off.
OFF = "broken off at byte {}: the file ends before its brackets close"
BROKEN: dict[str, tuple[str, list[str], str]] = {
    "an element that is no JSON": (f'[{A},{{"a":tru}},{B}]', [A, '{"a":tru}', B], ""),
    "brackets that do not match": (f'[{A},{{"a":1],{B}]', [A, '{"a":1]', B], ""),
    "values that are no records": (f'[1,{A},"x,y", null,{B},true]', ["1", A, '"x,y"', "null", B, "true"], ""),
    "nothing but values": ('[1,"a]b",{}]', ["1", '"a]b"', "{}"], ""),
    "an array that ends in an element": (f"[{A},{B},{{", [A, B], OFF.format(len(A) + len(B) + 4)),
    "an array that ends between": (f"[{A},{B},", [A, B], OFF.format(len(A) + len(B) + 4)),
    "an array that ends in a string": (f'[{A},{{"x":"]}}', [A], OFF.format(len(A) + 3)),
    "an element whose bracket is missing": (f'[{A},{{"a":{{"b":1,{A}}}', [A], OFF.format(len(A) + 3)),
    "one that takes the bracket of the array": (f'[{A},{{"a":{A},{B}]', [A, f'{{"a":{A},{B}]'], OFF.format(63)),
    "a page that is cut off": (f'{{"value":[{A},{B},{{"a"', [A, B], OFF.format(len(A) + len(B) + 13)),
    "a page with a broken element": (f'{{"value":[{A},{{"a":tru}},{B}]}}', [A, '{"a":tru}', B], ""),
    "objects, the last cut off": (f'{A}\n{{"a":\n', [A], OFF.format(len(A) + 2)),
}


@pytest.mark.parametrize(("text", "expected", "cut"), BROKEN.values(), ids=BROKEN.keys())
@pytest.mark.parametrize("chunk", [1, 7, 8 * MIB])
def test_broken_documents_give_what_is_whole(
    tmp_path: Path, text: str, expected: list[str], cut: str, chunk: int
) -> None:
    """Whole elements are read, and the rest is one reject that says from which byte on; the file counts as cut off."""
    found = streamed(put(tmp_path / "x.json", text.encode()), Container.DOCUMENT, chunk=chunk)
    assert [text.strip() for text in found.texts if text] == expected
    assert found.cut == cut
    assert [why for why in found.refusals if why] == ([f"{cut}; the rest is not read"] if cut else [])


GARBAGE = {
    "between objects": f"{A} what is this? {B}",
    "between arrays": f"[{A}]]]{{}}{B}".replace("{}", ""),
    "after an array": f"[{A},{B}] the end",
    "a bracket too many": f"[{A}}},{B}]",
}


@pytest.mark.parametrize("text", GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage_is_one_reject(tmp_path: Path, text: str) -> None:
    """What is no JSON between and after documents is refused, not passed over; the records around it are read."""
    found = streamed(put(tmp_path / "x.json", text.encode()), Container.DOCUMENT)
    assert [text for text in found.texts if text] == [A, B]
    assert [why for why in found.refusals if why] == ["not JSON"]


@pytest.mark.parametrize("form", ["array", "page", "objects"])
@pytest.mark.parametrize("chunk", [1000, 8 * MIB])
def test_a_record_over_the_limit_is_refused_alone(tmp_path: Path, form: str, chunk: int) -> None:
    """A record over the limit is skipped without being held; its neighbours are read."""
    big = json.dumps({"a": "x{" * MIB})
    text = {"array": f"[{A},{big},{B}]", "page": f'{{"value":[{A},{big},{B}]}}', "objects": A + big + B}[form]
    found = streamed(put(tmp_path / "x.json", text.encode()), Container.DOCUMENT, chunk=chunk, record=MIB)
    assert found.texts == [A, None, B]
    assert (found.refusals, found.cut) == ([None, "record longer than 1 MiB", None], "")


@pytest.mark.parametrize("place", ["before", "after", "both", "nowhere"])
@pytest.mark.parametrize("record", [100, MIB])
def test_a_page_longer_than_a_record_is_streamed(tmp_path: Path, place: str, record: int) -> None:
    """A document of any length is read record by record, its link to the next page seen on either side of them."""
    link = '"@odata.nextLink":"https://example.com/?$skiptoken=1"'
    before = link + "," if place in ("before", "both") else '"x":[1],'
    after = "," + link if place in ("after", "both") else ""
    page = f'{{{before}"value":[{",".join([A, B] * 50)}]{after}}}'
    found = streamed(put(tmp_path / "x.json", (page + A).encode()), Container.DOCUMENT, chunk=10, record=record)
    assert found.texts == [A, B] * 50 + [A]
    assert found.linked == (place != "nowhere")


def test_values_without_an_end_are_given_up(tmp_path: Path) -> None:
    """A run of values that are no records, longer than a record, ends the document with one reject."""
    text = f'[{A},"{"x" * 3000}'
    found = streamed(put(tmp_path / "x.json", text.encode()), Container.DOCUMENT, chunk=100, record=1000)
    assert found.texts == [A, None]
    assert "a value that is no record" in found.cut


_RECORD = st.dictionaries(
    st.text(max_size=4),
    st.recursive(
        st.none() | st.integers() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=5,
    ),
    max_size=4,
).filter(lambda record: not any(isinstance(record.get(name), list) for name in LISTS))
_DOCUMENT = st.one_of(
    _RECORD.map(lambda record: ([record], record)),
    st.lists(_RECORD, max_size=4).map(lambda found: (found, found)),
    st.lists(_RECORD, max_size=4).map(lambda found: (found, {"x": [1, {"value": 2}], "value": found, "y": {}})),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    documents=st.lists(_DOCUMENT, max_size=4), indent=st.sampled_from([None, 1]),
    between=st.sampled_from(["", "\n", ","]), chunk=st.integers(1, 40), record=st.sampled_from([200, 1 << 20]),
)
def test_whatever_documents_hold_is_found(
    documents: list[tuple[list[Any], Any]], indent: int | None, between: str, chunk: int, record: int
) -> None:
    """Documents of any content, layout and length give their records in order, whatever the chunks."""
    text = between.join(json.dumps(document, indent=indent) for _, document in documents).encode()
    chunks = iter([text[at : at + chunk] for at in range(0, len(text), chunk)])
    found = records(lambda: next(chunks, b""), Notes(), Limits(chunk, max(record, *map(len, [text]))))
    texts = [text for batch, _ in found for text in batch.to_pylist()]
    assert [json.loads(text) for text in texts] == [record for inside, _ in documents for record in inside]


@settings(max_examples=300, deadline=None)
@example(text="[1,[", chunk=1)
@example(text='[1,,",', chunk=2)
@example(text='[\\"a,,', chunk=2)
@example(text='["\\",}', chunk=1)
@given(text=st.text(alphabet='{}[]",: \\1ax\n', max_size=60), chunk=st.integers(1, 60))
def test_whatever_text_is_read_to_its_end(text: str, chunk: int) -> None:
    """Any text at all ends in records and rejects, the same for every chunk size."""
    data = text.encode()

    def read_with(size: int) -> list[tuple[str | None, str | None]]:
        chunks = iter([data[at : at + size] for at in range(0, len(data), size)])
        found = records(lambda: next(chunks, b""), Notes(), Limits(size, 1000))
        return [pair for texts, whys in found for pair in zip(texts.to_pylist(), whys.to_pylist(), strict=True)]

    assert read_with(chunk) == read_with(len(data) + 1)
