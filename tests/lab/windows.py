"""Windows events, and how they are written: here as Log Analytics' table SecurityEvent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape

from counterfoil.lab.history.clock import SECOND, ticks
from counterfoil.lab.history.files import Output, Stream, quoted

AUDITING = "AD FS Auditing"
SECURITY_AUDITING = "Microsoft-Windows-Security-Auditing"
SYSMON = "Microsoft-Windows-Sysmon"
NAMESPACE = "http://schemas.microsoft.com/win/2004/08/events/event"
_FIRST_NUMBER = 1_204_311  # a log that has been rolling for a while


@dataclass(frozen=True, slots=True)
class WindowsEvent:
    """An event at `t` (microseconds since 1970): its strings, or its data by name.

    `user_data`: the element of UserData that holds the named data instead of EventData. `origin`: the agent's id of
    it. `columns`: what Log Analytics' table adds of its own.
    """

    t: int
    number: int
    host: str
    provider: str = AUDITING
    channel: str = "Security"
    task: int = 3
    strings: tuple[str, ...] = ()
    named: Mapping[str, str] = field(default_factory=dict)
    user_data: str = ""
    origin: str = ""
    columns: Mapping[str, object] = field(default_factory=dict)


# An event, with its number in its host's log, as text.
Render = Callable[[WindowsEvent, int], str]


@dataclass(frozen=True)
class Form:
    """How a file of events, NAME.EXTENSION, is put together. `counted`: its numbers count its events, from 0."""

    name: str
    render: Render
    extension: str
    opening: str = ""
    between: str = ""
    closing: str = ""
    counted: bool = False


def event_data(event: WindowsEvent) -> str:
    """Return the event's data as XML, as Log Analytics keeps them."""
    body = "".join(f"<Data>{escape(text)}</Data>" for text in event.strings)
    body += "".join(f'<Data Name="{name}">{escape(value)}</Data>' for name, value in event.named.items())
    return f'<EventData xmlns="{NAMESPACE}">{body}</EventData>'


def _security_event(event: WindowsEvent, _: int) -> str:
    """Return the event as a row of Log Analytics' table SecurityEvent, which has no record number."""
    data = ""
    if event.strings and event.strings[-1].startswith("<?xml"):
        data = f',"EventData":{quoted(event_data(event))}'
    elif event.strings:
        data = f',"EventData_dynamic":{quoted(quoted(list(event.strings)))}'
    data += "".join(f',"{name}":{quoted(value)}' for name, value in {**event.named, **event.columns}.items())
    return (
        f'{{"SourceSystem":"OpsManager","TimeGenerated":"{ticks(event.t)}","Computer":"{event.host}"{data},'
        f'"EventID":{event.number},"Type":"SecurityEvent","EventSourceName":"{event.provider}",'
        f'"Channel":"{event.channel}","Task":{event.task},"Level":"8","Activity":"{event.number}",'
        f'"EventOriginId":"{event.origin}","TimeCollected":"{ticks(event.t + 30 * SECOND)}"}}\n'
    )


SECURITY_EVENT = Form("SecurityEvent", _security_event, "jsonl")


class Numbers:
    """Counts the records of each host's log, or those of the file."""

    def __init__(self, *, counted: bool) -> None:
        self._first = 0 if counted else _FIRST_NUMBER
        self._counted, self._given = counted, Counter[tuple[str, str]]()

    def of(self, event: WindowsEvent) -> int:
        """Return the number of the next record, this event's."""
        log = ("", "") if self._counted else (event.host, event.channel)
        self._given[log] += 1
        return self._first + self._given[log] - 1


def stream(form: Form, folder: Path) -> Stream[tuple[int, WindowsEvent]]:
    """Return what writes events below `folder` in one form."""
    numbers = Numbers(counted=form.counted)

    def render(rows: list[tuple[int, WindowsEvent]]) -> list[str]:
        return [form.render(event, numbers.of(event)) for _, event in rows]

    return Stream([Output(
        folder, form.name, form.extension, render, opening=form.opening, between=form.between, closing=form.closing
    )])
