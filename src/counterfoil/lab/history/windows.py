"""One Windows event, apart from the form in which it is exported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

AUDITING = "AD FS Auditing"
SECURITY_AUDITING = "Microsoft-Windows-Security-Auditing"
EVENTLOG = "Microsoft-Windows-Eventlog"
SYSMON = "Microsoft-Windows-Sysmon"


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
