"""Files of Windows events: which of three forms one has, and its events as JSON texts.

Each form has a reader of its own: XML (windows_xml), the text that wevtutil prints (windows_text), and the binary log
itself (windows_evtx).
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import IO, Any

from counterfoil.read import windows_evtx, windows_text, windows_xml
from counterfoil.read.windows_xml import Found

XML, TEXT, EVTX, UNKNOWN = "windows-event-xml", "windows-event-text", "windows-evtx", "unknown"
_MARKUP = ("<?xml", "<Event", "<!DOCTYPE", "<html")
NO_EVENTS = "XML or HTML without Windows events"
# What Event Viewer saves as CSV or text: neither the computer nor the time zone is in it.
_EVENT_VIEWER = re.compile(r"\w+[,\t]Date and Time[,\t]Source[,\t]Event ID[,\t]Task Category")
POOR = "Event Viewer's CSV or text names neither computer nor time zone: save the log as XML or .evtx"


@dataclass(frozen=True)
class Sniffed:
    """A file of Windows events by its head: its form, the first records, and why it cannot be read (form unknown)."""

    container: str
    records: tuple[Any, ...] = ()
    why: str = ""


def sniffed(head: bytes, samples: int) -> Sniffed | None:
    """Return what the head of a file, as UTF-8, shows; None if it is no file of Windows events."""
    if head.startswith(windows_evtx.MAGIC):
        if not windows_evtx.available():
            return Sniffed(UNKNOWN, why=windows_evtx.WITHOUT_LIBRARY)
        return _sampled(EVTX, head, samples)
    text = head[: 4 * windows_xml.SAMPLE].decode("utf-8", "replace").lstrip()
    if windows_xml.looks_like(text):
        # JSON and CSV may hold an event's XML in a value: there it does not begin the file
        return _sampled(XML, head, samples) if text.startswith(("<", "Record ")) else None
    if windows_text.looks_like(text):
        if windows_text.foreign(text):
            return Sniffed(UNKNOWN, why=windows_text.FOREIGN)
        return _sampled(TEXT, head, samples)
    if _EVENT_VIEWER.match(text):
        return Sniffed(UNKNOWN, why=POOR)
    return Sniffed(UNKNOWN, why=NO_EVENTS) if text.startswith(_MARKUP) else None


def _sampled(form: str, head: bytes, samples: int) -> Sniffed:
    try:
        found = events(form, io.BytesIO(head), lambda _: None, len(head), len(head))
        texts = [text for text, _ in islice(found, samples) if text is not None]
    except OSError as error:
        return Sniffed(UNKNOWN, why=str(error))
    # where the first ones are all refused, the file is still of this form: each refusal will be counted
    return Sniffed(form, tuple(_parsed(texts)) or (_NOTHING[form],))


def _parsed(texts: Iterable[str]) -> Iterator[Any]:
    """Yield what the texts hold: of a damaged .evtx, its library writes some that are no JSON."""
    for text in texts:
        with suppress(ValueError, RecursionError):
            yield json.loads(text)


# What an event without any content is: enough to be recognised.
_NOTHING: dict[str, Any] = {
    XML: {"WindowsEvent": {}}, TEXT: {"WindowsEvent": {}},
    EVTX: {"Event": {"System": {"EventID": None, "Computer": None}}},
}


def events(
    form: str, handle: IO[bytes], advance: Callable[[int], None], chunk: int, longest: int
) -> Iterator[Found]:
    """Yield the events of the file: JSON text, or why one is refused. `advance` is told the bytes read."""
    if form == EVTX:
        yield from windows_evtx.events(_Told(handle, advance))  # type: ignore[arg-type]  # what the library calls of it
        return
    reader = windows_xml if form == XML else windows_text
    yield from reader.events(_texts(handle, advance, chunk), longest)


def _texts(handle: IO[bytes], advance: Callable[[int], None], chunk: int) -> Iterator[str]:
    for text, size in windows_xml.text_of(handle, chunk):
        advance(size)
        yield text


class _Told:
    """A file that tells how many bytes were read from it."""

    def __init__(self, file: IO[bytes], advance: Callable[[int], None]) -> None:
        self._file, self._advance = file, advance

    def seekable(self) -> bool:
        return self._file.seekable()

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._advance(len(data))
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()
