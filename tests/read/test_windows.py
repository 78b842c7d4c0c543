"""Readers of Windows events: XML, wevtutil's text and .evtx, as they come and made to harm."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.read import windows, windows_evtx, windows_text, windows_xml
from counterfoil.read.sniff import Container, sniff
from counterfoil.unpack.walk import plain

from .evtx_writer import evtx

LONGEST = 1 << 20
NS = "http://schemas.microsoft.com/win/2004/08/events/event"


def event(number: int = 1200, inside: str = "", system: str = "") -> str:
    """Return an event as wevtutil writes it."""
    return (
        f"<Event xmlns='{NS}'><System><Provider Name='AD FS Auditing'/><EventID>{number}</EventID>"
        f"<TimeCreated SystemTime='2026-03-02T08:15:29.1234567Z'/>{system}<Computer>sts1</Computer></System>"
        f"{inside}</Event>"
    )


def found(text: str, chunk: int = 1 << 16) -> list[tuple[Any, str | None]]:
    """Return what the reader of XML makes of a file: event ids, and why one is refused."""
    return _ids(windows.XML, text.encode("utf-8", "surrogateescape"), chunk)


def _ids(form: str, data: bytes, chunk: int = 1 << 16) -> list[tuple[Any, str | None]]:
    read = windows.events(form, io.BytesIO(data), lambda _: None, chunk, LONGEST)
    return [(json.loads(text)["WindowsEvent"].get("EventID") if text else None, why) for text, why in read]


GOOD = ("1", None)
TWO = event(1) + event(1)
NESTED = "<UserData><Event xmlns='http://schemas.microsoft.com/other'><Data>x</Data></Event></UserData>"
XML_CASES: dict[str, tuple[str, list[tuple[Any, str | None]]]] = {
    "events one after the other": (event(1) + "\r\n" + event(1), [GOOD, GOOD]),
    "a root, and a declaration": (f"<?xml version='1.0'?>\n<Events>{TWO}</Events>\n", [GOOD, GOOD]),
    "lines of evtx_dump between": (f"Record 1\n<?xml version='1.0'?>\n{event(1)}\nRecord 2\n{event(1)}", [GOOD, GOOD]),
    "an element Event within an event": (event(1, NESTED) + event(1), [GOOD, GOOD]),
    "an event that is cut in the middle": (event(1)[:150] + event(1), [
        (None, "broken XML: unclosed token"), GOOD]),
    "a last event that is cut": (event(1) + event(1)[:150], [GOOD, (None, "broken XML: unclosed token")]),
    "a broken tag inside": (event(1, "<EventData><Data>x</EventData>") + event(1), [
        (None, "broken XML: mismatched tag"), GOOD]),
    "text between two events": (event(1) + "\nhello\n" + event(1), [GOOD, (None, windows_xml.NO_EVENT), GOOD]),
    "a damaged beginning": (event(1) + event(1).replace("<Event ", "<Evnt ") + event(1), [
        GOOD, (None, windows_xml.NO_EVENT), GOOD]),
    "a document type declaration": (f"<!DOCTYPE x [<!ENTITY a 'b'>]>{event(1)}", [
        (None, windows_xml.NO_EVENT), GOOD]),
    "an entity that nobody declared": (event(1, "<EventData><Data>&a;</Data></EventData>") + event(1), [
        (None, "broken XML: undefined entity"), GOOD]),
    "ten thousand elements deep": (event(1, "<a>" * 10_000 + "</a>" * 10_000) + event(1), [
        (None, "more than 5,000 elements, or deeper than 32"), GOOD]),
    "ten thousand elements wide": (event(1, "<EventData>" + "<Data/>" * 10_000 + "</EventData>") + event(1), [
        (None, "more than 5,000 elements, or deeper than 32"), GOOD]),
    "an event over the limit": (event(1, "<EventData><Data>" + "x" * 1_100_000 + "</Data></EventData>") + event(1), [
        (None, "event longer than 1 MiB"), GOOD]),
    "bytes that are not UTF-8": (event(1, "<EventData><Data>\udcff</Data></EventData>") + event(1), [
        (None, "not UTF-8"), GOOD]),
    "nothing in the event": (f"<Event xmlns='{NS}'/>" + event(1), [(None, None), GOOD]),
}


@pytest.mark.parametrize("case", XML_CASES, ids=lambda case: case.replace(" ", "-"))
@pytest.mark.parametrize("chunk", [1 << 16, 4_001])
def test_xml(case: str, chunk: int) -> None:
    """Each case costs the event that it is about and no other, however the file is cut into reads."""
    text, expected = XML_CASES[case]
    assert found(text, chunk) == expected


def test_named_data_and_strings() -> None:
    """Data with a name and without, elements of UserData, and the first of two of one name are kept apart."""
    inside = (
        "<EventData><Data Name='A'>1</Data><Data>s &lt;1&gt;</Data><Data Name='A'>2</Data><Binary>00</Binary>"
        "</EventData><UserData><X><B>3</B></X></UserData>"
    )
    ((text, why),) = windows_xml.events([event(7, inside)], LONGEST)
    assert why is None and text is not None
    kept = json.loads(text)["WindowsEvent"]
    assert (kept["Named"], kept["Strings"]) == ({"A": "1", "B": "3"}, ["s <1>"])
    assert kept["Rest"] == "A: 1\nB: 3"


def wevtutil(*numbers: int, date: str = "2026-03-02T08:15:29.1230000Z", said: str = "x") -> str:
    """Return events as wevtutil prints them, with these numbers."""
    return "".join(
        f"Event[{number}]:\r\n  Log Name: Security\r\n  Source: AD FS Auditing\r\n  Date: {date}\r\n  Event ID: 1\r\n"
        f"  Computer: sts1\r\n  Description: \r\n{said}\r\n\r\n"
        for number in numbers
    )


TEXT_CASES: dict[str, tuple[str, list[tuple[Any, str | None]]]] = {
    "events one after the other": (wevtutil(0, 1), [GOOD, GOOD]),
    "local time": (wevtutil(0, date="2026-03-02T08:15:29.123"), [(None, windows_text.ZONELESS)]),
    "an event made up in a description": (wevtutil(0, said=wevtutil(7)) + wevtutil(1), [
        GOOD, (None, "Event[7]: where Event[1] is due: one export a file"), GOOD]),
    "two exports in one file": (wevtutil(0, 1) + wevtutil(0), [
        GOOD, GOOD, (None, "Event[0]: where Event[2] is due: one export a file")]),
    "a description that mentions an event": (wevtutil(0, said="Event[5]:\nnothing"), [GOOD]),
    "an event over the limit": (wevtutil(0, said="x" * 1_100_000) + wevtutil(1), [
        (None, "event longer than 1 MiB"), GOOD]),
    "no labels at all": ("Event[0]:\r\n" + wevtutil(1), [(None, windows_xml.NO_EVENT), GOOD]),
}


@pytest.mark.parametrize("case", TEXT_CASES, ids=lambda case: case.replace(" ", "-"))
@pytest.mark.parametrize("chunk", [1 << 16, 4_001])
def test_wevtutil_text(case: str, chunk: int) -> None:
    """What strangers wrote into a description makes no event, and what is refused is told."""
    text, expected = TEXT_CASES[case]
    assert _ids(windows.TEXT, text.encode(), chunk) == expected


SNIFFED: dict[str, tuple[bytes, Container, str]] = {
    "HTML": (b"<html><body>x</body></html>", Container.UNKNOWN, windows.NO_EVENTS),
    "XML of another kind": (b"<?xml version='1.0'?><a><b/></a>", Container.UNKNOWN, windows.NO_EVENTS),
    "Event Viewer's CSV": (
        b"\xef\xbb\xbfKeywords,Date and Time,Source,Event ID,Task Category\r\nAudit,3/2/2026 8:15:29 AM,x,1,y\n",
        Container.UNKNOWN, windows.POOR),
    "Event Viewer's text": (
        "Level\tDate and Time\tSource\tEvent ID\tTask Category\n".encode("utf-16"), Container.UNKNOWN, windows.POOR),
    "wevtutil in German": (b"Event[0]:\n  Protokollname: Security\n", Container.UNKNOWN, windows_text.FOREIGN),
    "events that are all refused": (event(1)[:150].encode(), Container.EVENT_XML, ""),
    "an event's XML in a JSON value": (json.dumps({"a": event(1)}).encode(), Container.LINES, ""),
    "a file that only begins like .evtx": (b"ElfFile\x00" + b"\x00" * 50, Container.UNKNOWN, "no Windows event log"),
    "an .evtx file": (evtx([event(1)]), Container.EVTX, ""),
}


@pytest.mark.parametrize("case", SNIFFED, ids=lambda case: case.replace(" ", "-"))
def test_recognised_by_content(case: str, tmp_path: Path) -> None:
    """A file of events is known by what is in it; one that holds too little says what to export instead."""
    data, container, why = SNIFFED[case]
    path = tmp_path / "file"
    path.write_bytes(data)
    head = sniff(plain(path))
    assert (head.container, head.why[: len(why)]) == (container, why)
    assert bool(head.why) == (container is Container.UNKNOWN)


def test_evtx_without_the_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without the extra, a binary log says how to read it."""
    monkeypatch.setattr(windows_evtx, "available", lambda: False)
    path = tmp_path / "Security.evtx"
    path.write_bytes(evtx([event(1)]))
    assert sniff(plain(path)).why == windows_evtx.WITHOUT_LIBRARY


def test_a_damaged_record_of_evtx() -> None:
    """A record that cannot be taken to pieces is refused with a reason; it stops nothing else."""
    data = bytearray(evtx([event(1)] * 3))
    second = data.index(b"**\x00\x00", data.index(b"**\x00\x00") + 4)
    data[second + 28 : second + 60] = b"\xff" * 32
    read = list(windows_evtx.events(io.BytesIO(bytes(data))))
    assert [why is None for _, why in read] == [True, False, True]
    assert (read[1][1] or "").startswith("broken record")


def test_a_damaged_name_in_evtx_is_no_json(tmp_path: Path) -> None:
    """The library writes names as they are, a quotation mark too: the file is known by the records that are whole."""
    name = "Computer".encode("utf-16-le")
    data = evtx([event(1)] * 2).replace(name, name.replace(b"C", b'"'), 1)
    texts = [text for text, _ in windows_evtx.events(io.BytesIO(data)) if text is not None]
    assert [_is_json(text) for text in texts] == [False, True]
    path = tmp_path / "Security.evtx"
    path.write_bytes(data)
    assert sniff(plain(path)).container is Container.EVTX


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def test_an_evtx_file_that_is_cut_off_says_so() -> None:
    """The library reads whole chunks and is silent about the rest: the rest costs a reject."""
    data = evtx([event(1)])
    read = list(windows_evtx.events(io.BytesIO(data[:20_000])))
    assert read == [(None, "the file is cut off: its last 15,904 bytes are no whole chunk")]
    assert [why for _, why in windows_evtx.events(io.BytesIO(data))] == [None]


_BASE: dict[str, bytes] = {
    windows.XML: (event(1) * 2).encode(), windows.TEXT: wevtutil(0, 1).encode(), windows.EVTX: evtx([event(1)] * 2)
}


@given(
    st.sampled_from(sorted(_BASE)),
    st.lists(st.tuples(st.integers(0, 5_500), st.binary(max_size=6)), max_size=6),
    st.integers(1, 300),
)
def test_nothing_else_is_raised(form: str, changes: list[tuple[int, bytes]], chunk: int) -> None:
    """Whatever a file holds, its reader yields texts that are JSON, or refusals, or says that it cannot be read."""
    data = bytearray(_BASE[form])
    for place, new in changes:
        place %= len(data)
        data[place : place + len(new)] = new
    try:
        read = list(windows.events(form, io.BytesIO(bytes(data)), lambda _: None, chunk, 4_000))
    except OSError:
        assert form == windows.EVTX
        return
    assert all((text is None) != (why is None) for text, why in read)
    assert all(isinstance(json.loads(text), dict) for text, _ in read if text)


@given(st.text(max_size=400), st.sampled_from([windows_xml.events, windows_text.events]))
def test_any_text(text: str, events: Callable[..., Any]) -> None:
    """Any text gives refusals or nothing, never an exception."""
    assert all(found is None for found, _ in events([text], 200))
