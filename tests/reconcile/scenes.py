"""The scenes that histories are made of: each writes a few records of one situation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Protocol, TypeVar

from counterfoil.model.schema import TokenClass

from .reference_policy import CONSUMER_TENANT
from .rows import KINDS, OTHER_TENANT, TENANT, Row, access, assertion, at, exchange, sign_in

T = TypeVar("T")

PEOPLE = ("alice", "bob", "carol", "dave")
APPS = ("app-1", "app-2")
THEIRS = f"entra:{OTHER_TENANT}"
STEP = 5  # minutes: skew, backdate and lag are multiples of it, so bounds are hit
MOMENTS = [at(STEP * n) for n in range(-72, 145)]  # from 02:00 to 20:00 of one day: see EARLIER for others
FIRST, LAST = -3000, 2000  # minutes: around all of that
EARLIER = (timedelta(0), timedelta(0), timedelta(0), timedelta(days=1), timedelta(days=2))
SERVICE = "00000002-0000-0ff1-ce00-000000000000"
MICROSOFT = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"


class Dice(Protocol):
    """What decides: hypothesis, or numbers that are the same each time."""

    def of(self, values: Sequence[T]) -> T:
        """Return one of these values; the first is the simplest."""

    def upto(self, most: int) -> int:
        """Return a number from 0 to `most`."""


class Pen:
    """Writes records of one history. Every person has a client, a network and an agent of their own."""

    def __init__(self, dice: Dice) -> None:
        self._dice = dice
        self.rows: list[Row] = []
        self.ids: list[str] = []

    def pick(self, values: Sequence[T]) -> T:
        """Draw one of these values; the first is the simplest."""
        return self._dice.of(values)

    def variant(self, *rows: Row) -> Row:
        """Draw some columns; the first are the simplest."""
        return self._dice.of(rows)

    def chance(self, one_in: int) -> bool:
        """Draw True once in so many times."""
        return self._dice.upto(one_in - 1) == one_in - 1

    def moment(self) -> float:
        """Draw minutes on the grid, as `rows` counts them."""
        when = self.pick(MOMENTS) - self.pick(EARLIER)
        return (when - at(0)) / timedelta(minutes=1)

    def new_id(self) -> str:
        """Return an id that nothing has yet."""
        number = len(self.ids) + 1
        self.ids.append(f"{number:08x}-0000-4000-8000-000000000000")
        return self.ids[-1]

    def old_id(self) -> str:
        """Draw an id that something has, where there is one."""
        return self.pick(self.ids) if self.ids else self.new_id()

    def habits(self, subject: str) -> Row:
        """Return the person's own client, address and agent. The first two people share a network."""
        number = (*PEOPLE, *APPS).index(subject) if subject in (*PEOPLE, *APPS) else 9
        return {
            "client_id": ("outlook", "owa")[number % 2],
            "ip": f"198.51.{100 + number // 2}.{7 + number}" if number % 3 else f"2001:db8:{number}:{number}::7",
            "user_agent": ("edge", "firefox")[number % 2],
        }

    def stranger(self) -> Row:
        """Return a client, address and agent of an intruder, of which some may be anybody's."""
        return {
            "client_id": self.pick(["rogue", "outlook", "new-client", None]),
            "ip": self.pick(["203.0.113.9", "203.0.113.77", "192.0.2.5", "198.51.100.99", None]),
            "user_agent": self.pick(["curl", "edge", None]),
        }

    def add(self, row: Row) -> None:
        """Write one record."""
        self.rows.append(row)

    def everybody(self) -> None:
        """Write a sign-in of every kind, and of other own tenant now and then; mostly each log from end to end."""
        minute = self.moment()
        whole = (FIRST, LAST)
        for when in self.pick([whole, whole, whole, (minute,)]):
            for kind in KINDS:
                self.add(sign_in(when, self.new_id(), "zoe", kind=kind))
            for host in self.pick([("sts1",), ("sts1",), (), ("sts1", "sts2")]):
                self.add(assertion(when, "zoe", kind=host))
        if self.chance(4):
            home = {"issuer": THEIRS, "home_tenant": OTHER_TENANT, "resource_tenant": OTHER_TENANT}
            for kind in self.pick([KINDS, KINDS[:1]]):
                self.add(sign_in(minute, self.new_id(), "yves", kind=kind, **home))


Scene = Callable[[Pen], None]


def _use(pen: Pen, minute: float, token_id: str | None, subject: str, **more: Any) -> None:
    """Write one to three acceptances of a token, some at the bounds of its life."""
    for _ in range(pen.pick([1, 1, 2, 3])):
        age = pen.pick([STEP, 0, -STEP, -2 * STEP, 30, 60, 240, 25])
        more_here = {"outcome": "denied"} if pen.chance(8) else {}
        pen.add(access(minute + age, token_id, subject, **pen.habits(subject) | more | more_here))


def genuine(pen: Pen) -> None:
    """Write a sign-in and what its token was used for, with or without issued-at, key and digest."""
    subject, minute, token_id = pen.pick(PEOPLE), pen.moment(), pen.new_id()
    claims: Row = {}
    if pen.chance(2):
        claims["issued_at"] = at(minute) - timedelta(seconds=pen.pick([300, 302, 303, 298, 0]))
    both = pen.variant({}, {}, {"key_id": "k1"}, {"signing_input_digest": f"d-{token_id}"})
    tenant = pen.variant({}, {"token_tenant": TENANT})
    pen.add(sign_in(minute, token_id, subject, kind=pen.pick(KINDS[:2]), **pen.habits(subject) | both))
    _use(pen, minute, token_id, subject, **claims | both | tenant)


def lawful(pen: Pen) -> None:
    """Several tokens in one stratum that obey the issued-at law, and one that may not."""
    for off in [300, 300, 301, pen.pick([300, 290, 303])]:
        minute, token_id = pen.moment(), pen.new_id()
        pen.add(sign_in(minute, token_id, "alice", **pen.habits("alice")))
        issued_at = at(minute) - timedelta(seconds=off)
        pen.add(access(minute + STEP, token_id, "alice", **pen.habits("alice") | {"issued_at": issued_at}))


def lost(pen: Pen) -> None:
    """Write an access like the person's own whose sign-in is not in evidence, perhaps by a client of its own."""
    subject, minute = pen.pick(PEOPLE), pen.moment()
    own = pen.new_id()
    pen.add(sign_in(minute, own, subject, **pen.habits(subject)))
    pen.add(access(minute + STEP, own, subject, **pen.habits(subject)))
    more = pen.variant({}, {}, {"client_id": "new-client"}, {"client_id": None})
    pen.add(access(pen.moment(), pen.pick([pen.new_id(), None]), subject, **pen.habits(subject) | more))


def losses(pen: Pen) -> None:
    """Write ordinary or route misses of several people, and a stranger's with or without id."""
    minute = pen.moment()
    more = pen.variant({}, {}, {"client_id": "new-client"})
    for subject in pen.pick([PEOPLE[:2], PEOPLE[:3], PEOPLE[:1]]):
        own = pen.new_id()
        pen.add(sign_in(minute, own, subject, **pen.habits(subject)))
        pen.add(access(minute, own, subject, **pen.habits(subject)))
        pen.add(access(minute + STEP, pen.new_id(), subject, **pen.habits(subject) | more))
    stranger = pen.stranger() | pen.variant({}, more)
    pen.add(access(minute + pen.pick([STEP, 300]), pen.pick([pen.new_id(), None]), "alice", **stranger))


def sprayed(pen: Pen) -> None:
    """Forged tokens against several people from one place."""
    minute, stranger = pen.moment(), pen.stranger()
    for number in range(pen.pick([1, 2, 4])):
        more = pen.variant({}, {"issued_at": at(minute + pen.pick([0, -10, -65, -5000, STEP, 2 * STEP]))})
        pen.add(access(minute, pen.new_id(), PEOPLE[number], **stranger | more))


def gathered(pen: Pen) -> None:
    """Forged tokens against one person, some from the person's own network."""
    subject, minute = pen.pick(PEOPLE), pen.moment()
    for number in range(pen.pick([1, 3, 4])):
        where = pen.variant(pen.stranger(), pen.habits(subject) | {"user_agent": "curl"})
        pen.add(access(minute + number * STEP, pen.new_id(), subject, **where))


def copied(pen: Pen) -> None:
    """Write a token that carries another's id: an exact copy, or with one claim of its own."""
    token_id, minute = pen.old_id(), pen.moment()
    claim = pen.variant(
        {},
        {"subject_id": "bob"},
        {"subject_id": None, "subject_name": "bob@example.com"},
        {"subject_id": "bob", "token_class": TokenClass.ACT_AS},
        {"subject_id": "bob", "token_class": TokenClass.DELEGATED},
        {"token_tenant": OTHER_TENANT},
        {"token_tenant": MICROSOFT},
        {"issued_at": at(minute)},
        {"issuer": THEIRS},
    )
    pen.add(access(minute, token_id, "alice", **pen.stranger() | claim))


def signed(pen: Pen) -> None:
    """Write a token whose key and bytes both sides know, and a copy of its id with other ones, or none."""
    minute, token_id = pen.moment(), pen.new_id()
    claims = {"key_id": "k1", "signing_input_digest": f"d-{token_id}"}
    pen.add(sign_in(minute, token_id, **claims))
    pen.add(access(minute, token_id, **claims))
    other = pen.variant(
        {"signing_input_digest": "d-other"},
        {"signing_input_digest": None, "key_id": "k2"},
        {"signing_input_digest": None},
        {"signing_input_digest": f"d-{pen.old_id()}"},
        {"key_id": "k2"},
        {"token_id": None, "token_id_kind": None},
    )
    pen.add(access(minute + STEP, token_id) | claims | pen.stranger() | other)


def exchanged(pen: Pen) -> None:
    """Write a chain of exchanges, with a root or without, perhaps in a circle, and the use of its end."""
    subject, minute = pen.pick(PEOPLE), pen.moment()
    where = pen.variant(pen.habits(subject), pen.stranger())
    parent = pen.pick([None, pen.old_id(), pen.new_id()])
    if parent is not None and pen.chance(2):
        pen.add(sign_in(minute - STEP, parent, subject, **pen.habits(subject)))
    first = parent
    for depth in range(pen.pick([1, 2, 3])):
        child = pen.new_id()
        parents = [p for p in (parent, pen.old_id() if pen.chance(6) else None) if p is not None]
        outcome = {"outcome": "failed"} if pen.chance(8) else {}
        pen.add(exchange(minute + depth * STEP, child, parents, subject, **where | outcome))
        parent = child
    if first is not None and pen.chance(4):
        pen.add(exchange(minute, first, [parent] if parent else [], subject, **where))
    if not pen.chance(3):
        _use(pen, minute, parent, subject, **where)


def rooting(pen: Pen) -> None:
    """Write exchanges with sign-ins behind them, and some without, used by whoever."""
    minute = pen.moment()
    for subject in PEOPLE[:2]:
        parent = pen.new_id()
        pen.add(sign_in(minute, parent, subject, **pen.habits(subject)))
        pen.add(exchange(minute + STEP, pen.new_id(), [parent], subject, **pen.habits(subject)))
    for subject in pen.pick([PEOPLE[:1], PEOPLE[:1], PEOPLE[:3]]):
        child = pen.new_id()
        where = pen.variant(pen.stranger(), pen.habits(subject))
        pen.add(exchange(minute, child, [], subject, **where))
        if not pen.chance(4):
            pen.add(access(minute + STEP, child, subject, **where))


def fresh(pen: Pen) -> None:
    """Write several fresh federated sign-ins of one person, with fewer assertions issued, or as many."""
    subject, minute = pen.pick(PEOPLE), pen.moment()
    count = pen.pick([2, 3])
    for number in range(count):
        gap = pen.pick([0, STEP, 20, 70])
        incoming = {"incoming_token": "saml20"}
        pen.add(sign_in(minute + number * gap, pen.new_id(), subject, **incoming | pen.habits(subject)))
    for _ in range(pen.pick([count - 1, count])):
        pen.add(assertion(minute + pen.pick([0, -STEP, 20]), subject))


def federated(pen: Pen) -> None:
    """Sign-ins with assertions, and the assertions that the farm issued: as many, fewer or none."""
    subject, minute = pen.pick(PEOPLE), pen.moment()
    for number in range(pen.pick([1, 2, 3])):
        incoming = pen.pick(["saml11", "saml20", None, "refreshtoken", "primaryrefreshtoken", "none"])
        more = {"incoming_token": incoming} | pen.variant({}, {}, {"subject_name": None}, {"subject_name": "x\\alice"})
        token_id = pen.new_id()
        pen.add(sign_in(minute + number * STEP, token_id, subject, **pen.habits(subject) | more))
        if pen.chance(3):
            pen.add(sign_in(minute + number * STEP + STEP, token_id, subject, **more))
        if pen.chance(2):
            _use(pen, minute + number * STEP, token_id, subject)
    for _ in range(pen.pick([0, 1, 2, 3])):
        when = minute + pen.pick([0, -STEP, STEP, -20, -65, -70, 10])
        who = pen.variant({}, {}, {"subject_id": None, "subject_name": "dom\\somebody"}, {"subject_id": "bob"})
        more = pen.variant({}, {}, {"kind": "sts2"}, {"resource": "urn:other"}, {"outcome": "failed"})
        pen.add(assertion(when, subject, **who | more))


def interrupted(pen: Pen) -> None:
    """Interrupts and failures, before a success under the same id, another id, or none; and a use of the id."""
    subject, minute, token_id = pen.pick(PEOPLE), pen.moment(), pen.new_id()
    for _ in range(pen.pick([1, 2])):
        outcome = pen.pick(["interrupted", "failed"])
        pen.add(sign_in(minute, token_id, subject, outcome=outcome, **pen.habits(subject)))
    after = pen.pick([None, token_id, pen.new_id()])
    if after is not None:
        pen.add(sign_in(minute + STEP, after, subject, **pen.habits(subject)))
    _use(pen, minute, pen.pick([token_id, after or token_id]), subject)


def without_id(pen: Pen) -> None:
    """Write records without id: owners, delegates, shared mailboxes, act-as, app-only, names and nobody."""
    minute = pen.moment()
    who = pen.variant(
        {"subject_id": "alice"},
        {"subject_id": "bob"},
        {"subject_id": None, "subject_name": "alice@example.com"},
        {"subject_id": None, "subject_name": "nobody@example.com"},
        {"subject_id": "shared-mailbox"},
        {"subject_id": None},
    )
    how = pen.variant(
        {},
        {"logon_type": "delegate"},
        {"logon_type": None, "object_kind": "file"},
        {"token_class": None},
        {"token_class": TokenClass.ACT_AS},
        {"token_class": TokenClass.APPLICATION},
        {"signing_input_digest": "d-lonely"},
    )
    where = pen.variant(pen.habits("alice"), pen.stranger())
    pen.add(access(minute, None, **who | how | where))
    if pen.chance(2):
        when = minute + pen.pick([0, -30, -35, -40, -60, -70, 10, 15])
        more = pen.variant({}, {"source": "m365-ual"}, {"subject_id": None, "subject_name": "who@example.com"})
        pen.add(sign_in(when, pen.new_id(), **{"subject_id": "alice"} | more))


def delegated(pen: Pen) -> None:
    """Write records without id of somebody whose sign-ins are long ago, by owner, delegate or service."""
    for when in (FIRST, LAST):
        for kind in KINDS[:2]:
            pen.add(sign_in(when, pen.new_id(), "alice", kind=kind))
    how = pen.variant({"logon_type": "delegate"}, {"token_class": TokenClass.ACT_AS}, {"token_class": None}, {})
    where = pen.variant(pen.stranger(), pen.habits("alice"))
    pen.add(access(pen.pick([0, 300, 705]), None, "alice", **where | how))


def app_only(pen: Pen) -> None:
    """Write the use of an application or managed identity that acts as itself, with a sign-in or without."""
    subject, minute, token_id = pen.pick(APPS), pen.moment(), pen.new_id()
    kind, token_class = pen.pick(
        [("service-principal", TokenClass.APPLICATION), ("managed-identity", TokenClass.MANAGED_IDENTITY)]
    )
    more = {"token_class": pen.pick([token_class, token_class, None]), "logon_type": None, "object_kind": "api"}
    if not pen.chance(3):
        signed = {"kind": kind, "token_class": token_class, "subject_name": None}
        pen.add(sign_in(minute, token_id, subject, **signed, **pen.habits(subject)))
    _use(pen, minute, token_id, subject, **more)


def guest(pen: Pen) -> None:
    """Write a guest's records: other tenants and object ids, names that prove nothing, direct connect and the like."""
    minute, token_id = pen.moment(), pen.new_id()
    crossing = pen.pick(["b2bCollaboration", "b2bDirectConnect", "serviceProvider", "none"])
    home = {"home_tenant": OTHER_TENANT, "cross_tenant": crossing, "subject_name": "alice@example.com"}
    issuer = pen.variant({}, {"issuer": THEIRS})
    pen.add(sign_in(minute, token_id, pen.pick(["gus-home", "bob"]), **home | issuer))
    claim = pen.variant({}, {"token_tenant": TENANT}, {"token_tenant": OTHER_TENANT})
    pen.add(access(minute + STEP, token_id, pen.pick(["gus-here", "alice"]), **claim | issuer))


def service(pen: Pen) -> None:
    """Write calls of a provider's own service: never a sign-in, or tokens of the provider's tenant."""
    minute = pen.moment()
    token_class = pen.pick([TokenClass.SERVICE, None, TokenClass.USER])
    more = {"client_id": SERVICE, "token_class": token_class, "token_tenant": pen.pick([None, MICROSOFT])}
    for subject in pen.pick([("svc",), ("alice", "bob")]):
        pen.add(access(minute, pen.pick([pen.new_id(), pen.old_id()]), subject, **more | {"ip": None}))


def habitually_silent(pen: Pen) -> None:
    """Write a stratum of several people over days that never links, and one more of it later."""
    for subject, days in (("alice", 1), ("bob", 2), ("carol", 0)):
        row = access(pen.moment() - 1440 * days, pen.new_id(), subject, client_id="sync", resource="graph")
        pen.add(row | {"user_agent": "sync", "ip": pen.pick([None, "203.0.113.200"])})


def consumer(pen: Pen) -> None:
    """Write the use of a consumer-realm token, at an organisation's mailbox or elsewhere."""
    where = pen.variant({}, {"object_kind": "file"}, {"resource_tenant": CONSUMER_TENANT}, {"resource_tenant": None})
    issuer = pen.variant({}, {"issuer": f"entra:{CONSUMER_TENANT}"})
    minute, token_id = pen.moment(), pen.pick([pen.new_id(), None])
    pen.add(access(minute, token_id, pen.pick(PEOPLE), token_tenant=CONSUMER_TENANT, **where | issuer))


def elsewhere(pen: Pen) -> None:
    """Tokens of another issuer, whose log is here or not."""
    minute, token_id = pen.moment(), pen.new_id()
    own = {"issuer": THEIRS, "home_tenant": OTHER_TENANT, "resource_tenant": OTHER_TENANT}
    if pen.chance(2):
        pen.add(sign_in(minute, pen.pick([token_id, pen.new_id()]), "yves", **own))
    issuer = pen.pick([THEIRS, THEIRS, "entra:unknown", None])
    pen.add(access(minute + STEP, token_id, "yves", **pen.stranger() | {"issuer": issuer}))


def busy(pen: Pen) -> None:
    """Sign-ins of others at a steady pace, with a silence in it."""
    minute, kind = pen.moment(), pen.pick(KINDS)
    for step in [0, 10, 20, 30, 30 + pen.pick([10, 60, 240, 245])]:
        pen.add(sign_in(minute + step, pen.new_id(), "zoe", kind=kind))


def counting(pen: Pen) -> None:
    """Write a host's numbered records, perhaps one missing, of which only some are issuances; perhaps a cleared log."""
    minute, missing = pen.moment(), pen.pick([99, 5, 99, 10, 1])
    other = {"source": "windows-security", "leg": "context", "operation": "4624"}
    for number in range(12):
        more = {"sequence": 100 + number + (number >= missing) + (missing == 1 and number > 6)}
        pen.add(assertion(minute + number * STEP, "zoe", **more | pen.variant({}, {}, other)))
    if pen.chance(4):
        told = {"operation": pen.pick(["1101", "1102", "1104", "1100"]), "object_kind": "event_log"}
        told |= pen.variant({}, {}, {"object_kind": None}, {"operation": "4719", "object_kind": "auditing_off"})
        pen.add(assertion(minute, None, **other | told | {"kind": pen.pick(["sts1", "sts2"])}))
    if pen.chance(4):  # a server that issued nothing, but is one of the farm's
        pen.add(assertion(minute, None, leg="context", operation="403", kind=pen.pick(["sts1", "sts2", "sts3"])))


def odd(pen: Pen) -> None:
    """Ids of another kind, names with two owners, refused requests, key use."""
    minute = pen.moment()
    jti = {"token_id_kind": "jti"}
    pen.add(
        pen.pick(
            [
                access(minute, pen.new_id()) | pen.stranger() | jti,
                sign_in(minute, pen.new_id(), "carol", subject_name="alice@example.com"),
                access(minute, pen.new_id(), outcome="refused"),
                access(minute, pen.old_id()) | jti,
                sign_in(minute, pen.old_id()) | {"leg": "key_use"},
            ]
        )
    )


SCENES: tuple[Scene, ...] = (
    genuine,
    lawful,
    lost,
    losses,
    sprayed,
    gathered,
    copied,
    signed,
    exchanged,
    rooting,
    federated,
    fresh,
    interrupted,
    without_id,
    delegated,
    app_only,
    guest,
    service,
    habitually_silent,
    consumer,
    elsewhere,
    busy,
    counting,
    odd,
)
