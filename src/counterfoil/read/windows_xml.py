"""Windows events as XML, one JSON object an event: what wevtutil, Event Viewer, ToXml and evtx_dump write.

The events of a file stand one after the other, with or without a root, an XML declaration each, or a line `Record N`
before each. So a file is no XML document: it is cut where an event begins, and each piece is parsed on its own. What
cannot be parsed costs that event alone.

Parsed by expat without a DTD: a document type declaration, too much depth and too many elements refuse the event.
Schema of the events: learn.microsoft.com/windows/win32/wes/eventschema-schema
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import IO
from xml.parsers import expat

MAX_DEPTH = 32  # the schema needs 5, UserData a few more
MAX_ELEMENTS = 5_000  # an event has below 100
MAX_REST_CHARS = 4_096  # of data without a column of its own
SAMPLE = 64 << 10  # the first event begins within so many characters

# The namespace tells an event from an element Event inside of one (UserData of AD FS/Admin).
_BEGIN = re.compile(r"<Event\s[^<>]{0,256}?xmlns=[\"']http://schemas\.microsoft\.com/win/2004/08/events/event[\"']")
_LONGEST_BEGIN = 512
# What may stand between two events.
_BETWEEN = re.compile(r"\s+|<\?xml[^>]{0,200}\?>|<!--.{0,2000}?-->|</?Events[^<>]{0,200}>|Record \d+|\x00", re.DOTALL)
NO_EVENT = "text that is no event"

Found = tuple[str | None, str | None]  # JSON text, or why the event is refused


def looks_like(text: str) -> bool:
    """Tell whether the first characters of a file hold the beginning of an event."""
    return _BEGIN.search(text, 0, SAMPLE) is not None


def text_of(handle: IO[bytes], chunk: int) -> Iterator[tuple[str, int]]:
    """Yield UTF-8 text in pieces, with the bytes that each took; bytes that are no text become surrogates."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    while data := handle.read(chunk):
        yield decoder.decode(data), len(data)
    yield decoder.decode(b"", final=True), 0


def events(texts: Iterable[str], longest: int) -> Iterator[Found]:
    """Yield the events of a file in order; one of more than `longest` characters is refused, and not held."""
    rest, before, lost = "", NO_EVENT, False  # `before`: what is wrong with the text if it is lost
    open_ = False
    for text in texts:
        rest += text
        places = [found.start() for found in _BEGIN.finditer(rest, 1 if open_ and not lost else 0)]
        if places:
            yield from [(None, before)] if lost else _piece(rest[: places[0]], open_, longest)
            for begin, end in pairwise(places):
                yield from _piece(rest[begin:end], True, longest)
            rest, open_, lost, before = rest[places[-1] :], True, False, _too_long(longest)
        if lost or len(rest) > longest:
            rest, lost = rest[-_LONGEST_BEGIN:], True
    yield from [(None, before)] if lost else _piece(rest, open_, longest)


def _too_long(longest: int) -> str:
    return f"event longer than {longest >> 20} MiB"


def _piece(piece: str, is_event: bool, longest: int) -> Iterator[Found]:
    """Yield what a piece of the file holds: an event, if one begins it, and what stands behind it."""
    if not is_event:
        yield from _between(piece)
    elif len(piece) > longest:
        yield None, _too_long(longest)
    else:
        event, behind, why = _parsed(piece)
        yield event, why
        yield from _between(behind)


def _between(text: str) -> Iterator[Found]:
    """Yield a refusal for text between events that does not belong there."""
    if _BETWEEN.sub("", text):
        yield None, NO_EVENT


class _RefusedError(Exception):
    """The event is no event of Windows, or made to harm."""


def _parsed(piece: str) -> tuple[str | None, str, str | None]:
    """Return the event as JSON text, what stands behind it, and why it is refused."""
    builder = _Builder()
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = lambda name: builder.end(name, parser.CurrentByteIndex)
    parser.CharacterDataHandler = builder.text
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        data = piece.encode()
        parser.Parse(data, True)
    except UnicodeEncodeError:
        return None, "", "not UTF-8"
    except _RefusedError as error:
        return None, "", str(error)
    except expat.ExpatError as error:
        if builder.ended is None:  # else the event is whole, and the error is what stands behind it
            line = f", line {error.lineno} of it" if error.lineno > 1 else ""
            return None, "", f"broken XML: {expat.ErrorString(error.code)}{line}"
    at = builder.ended or 0
    # expat points at the end tag, and behind an element without one
    end = data.index(b">", at) + 1 if data.startswith(b"</", at) else at
    return builder.json(), data[end:].decode(), None


def _refuse_doctype(*_: object) -> None:
    raise _RefusedError("a document type declaration, which no event has")


_SYSTEM = frozenset({"EventID", "EventRecordID", "Task", "Channel", "Computer"})
_ATTRIBUTES = {"Provider": ("Name", "Provider"), "TimeCreated": ("SystemTime", "TimeCreated")}


@dataclass
class _Builder:
    """Takes an event's elements as expat meets them."""

    fields: dict[str, str] = field(default_factory=dict)
    named: dict[str, str] = field(default_factory=dict)
    strings: list[str] = field(default_factory=list)
    ended: int | None = None  # where the event's end tag begins, in bytes
    _path: list[str] = field(default_factory=list)
    _said: list[str] = field(default_factory=list)
    _name: str = ""  # of the Data element that is open
    _leaf: bool = False  # no element has closed within the open one
    _elements: int = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        self._elements += 1
        if self._elements > MAX_ELEMENTS or len(self._path) >= MAX_DEPTH:
            raise _RefusedError(f"more than {MAX_ELEMENTS:,} elements, or deeper than {MAX_DEPTH}")
        self._path.append(name)
        self._said, self._leaf = [], True
        if self._path[1:-1] == ["System"] and name in _ATTRIBUTES:
            attribute, known_as = _ATTRIBUTES[name]
            if attribute in attributes:
                self.fields.setdefault(known_as, attributes[attribute])
        self._name = attributes.get("Name", "") if name == "Data" else name

    def text(self, said: str) -> None:
        self._said.append(said)

    def end(self, _: str, position: int) -> None:
        path = self._path
        if self._leaf:
            self._take(path[1:-1], path[-1], "".join(self._said))
        self._leaf = False
        path.pop()
        if not path:
            self.ended = position

    def _take(self, below: list[str], name: str, said: str) -> None:
        """Take the text of an element without children. The first of its name counts."""
        section = below[0] if below else ""
        if below == ["System"] and name in _SYSTEM:
            self.fields.setdefault(name, said)
        elif below == ["RenderingInfo"] and name == "Message":
            self.fields.setdefault("Message", said)
        elif section in ("EventData", "UserData") and name != "Binary":
            if self._name and self._name != "Data":
                self.named.setdefault(self._name, said)
            else:
                self.strings.append(said)

    def json(self) -> str:
        return as_json(self.fields, self.named, self.strings)


def as_json(fields: dict[str, str], named: dict[str, str], strings: list[str]) -> str:
    """Return the object that the source `windows-event-export` maps."""
    event: dict[str, object] = dict(fields)
    if named:
        event["Named"] = named
        event["Rest"] = "\n".join(f"{name}: {said}" for name, said in named.items())[:MAX_REST_CHARS]
    if strings:
        event["Strings"] = strings
    return json.dumps({"WindowsEvent": event}, ensure_ascii=False)
