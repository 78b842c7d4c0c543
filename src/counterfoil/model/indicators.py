"""Indicators: what was seen of somebody's doings, each within the time for which it was seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from counterfoil.model.storm_0558 import ADDRESSES, AGENTS, FIRST, KEY_IDS, LAST

ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
FOREVER = datetime(2100, 1, 1, tzinfo=UTC)


class IndicatorKind(StrEnum):
    """What is compared with the evidence, and with which column."""

    IP = "ip"
    NETWORK = "network"
    AGENT = "user-agent"  # whole, as it was logged
    KEY = "key"  # a kid, or a certificate's thumbprint; within its time by the token's issued-at
    CLIENT = "client"  # an application's id
    SESSION = "session"
    DEVICE = "device"
    TOKEN = "token"  # noqa: S105  # a kind
    ID = "id"  # of an application, session, device or token


@dataclass(frozen=True)
class Indicator:
    """A value, valid from `first` to before `last` (UTC). `origin`: who says so; `name`: what of, if that is told."""

    kind: IndicatorKind
    value: str
    first: datetime = ALWAYS
    last: datetime = FOREVER
    name: str = ""
    origin: str = ""


@dataclass(frozen=True)
class NotLookedFor:
    """An indicator of a file that is not looked for, and why."""

    what: str
    why: str


ORIGIN_2023 = "Microsoft, Analysis of Storm-0558 techniques for unauthorized email access, 2023-07-14"
# Words that a person should read beside a sighting of the key of 2023.
TRAP_2023 = (
    "the key id of 2023 also stands in a sample token of Microsoft's documentation, issued in 2018 and copied into many"
    " test suites: a token issued before May 2023 is no sighting"
)


def of_2023() -> Iterator[Indicator]:
    """Yield what was published of the intrusion of 2023, each within its dates."""
    day = timedelta(days=1)
    for address in ADDRESSES:
        yield Indicator(IndicatorKind.IP, address.ip, address.first, address.last + day, "Storm-0558", ORIGIN_2023)
    for agent in sorted(AGENTS):
        yield Indicator(IndicatorKind.AGENT, agent, FIRST, LAST + day, "Storm-0558", ORIGIN_2023)
    for key in sorted(KEY_IDS):
        # the key went on signing for whoever has it: it has no end
        yield Indicator(IndicatorKind.KEY, key, FIRST, FOREVER, "Storm-0558", ORIGIN_2023)
