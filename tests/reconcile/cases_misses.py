"""Rules 5.4 to 5.8: lost records, refutation, silence and clusters."""

from __future__ import annotations

from typing import Any

from counterfoil.model.schema import TokenClass
from counterfoil.model.verdict import Reason

from .cases import Case, Table, coverage, each, innocent, last, last_innocent
from .reference import Settings
from .rows import KINDS, Row, access, at, exchange, foreign, sign_in

ONLINE = "00000002-0000-0ff1-ce00-000000000000"  # a service whose calls never have a sign-in record
NEW: Row = {"client_id": "new"}


def trail(subject: str, minute: int = 0, **more: Any) -> list[Row]:
    """Return a sign-in and an access that links to it."""
    return [sign_in(minute, f"ok-{subject}", subject), access(minute + 1, f"ok-{subject}", subject, **more)]


BOTH = [*trail("alice"), *trail("bob")]
LOST = [*BOTH, access(5, "lost-a"), access(5, "lost-b", "bob")]
STRANGER = foreign(9, "x")
SILENT_BOTH = [row for who in ("alice", "bob") for row in trail(who, client_id=ONLINE)]

ORDINARY: Table = {
    "a lost record accuses nobody": Case(
        "5.4", [*trail("alice"), access(5, "lost")], [last(Reason.ORDINARY_MISS), last_innocent]),
    "client network and agent may be proven one by one": Case(
        "5.4", [*trail("alice", ip="192.0.2.1"), sign_in(2, "c"),
                access(3, "c", ip="203.0.113.77", client_id="phone", user_agent="ios"),
                access(9, "lost", ip="203.0.113.5")], last(ordinary=True)),
    **{
        f"a miss that differs in one of them is not ordinary: {more}": Case(
            "5.4", [*trail("alice"), access(5, "x", **more)], last(Reason.ID_NOT_ISSUED))
        for more in ({"client_id": "rogue"}, {"ip": "203.0.113.9"}, {"user_agent": "curl"}, {"ip": None})
    },
    "a neighbour in the same network is the same network": Case(
        "5.4", [*trail("alice"), access(5, "lost", ip="198.51.100.200")], last(ordinary=True)),
    "a neighbour in the same network is the same network: of IPv6": Case(
        "5.4", [*trail("alice", ip="2001:db8:1:2::1"), access(5, "lost", ip="2001:db8:1:ffff::9")],
        last(ordinary=True)),
    "two spellings of a network are one": Case(
        "5.4", [*trail("alice", ip="2001:db8:0:5::1"), access(5, "lost", ip="2001:db8::9")],
        last(Reason.ORDINARY_MISS)),
    "an exchange is as ordinary as its token is elsewhere": Case(
        "5.4", [*trail("alice"), access(5, "p", issued_at=at(4)),
                exchange(6, "c", ["p"], client_id="svc", ip="192.0.2.1", user_agent="svc")], innocent),
    "an exchange is not ordinary whose token is seen nowhere": Case(
        "5.4", [*trail("alice"), exchange(6, "c", ["p"], client_id="svc", ip="192.0.2.1", user_agent="svc")],
        last(Reason.ID_NOT_ISSUED)),
    "a route miss shows whatever agent the client has": Case(
        "5.4", [*trail("alice"), access(5, "r", client_id="new", user_agent="new-app/1.0")], last(route=True)),
    "a route miss comes from the users own network": Case(
        "5.4", [*trail("alice"), access(5, "r", client_id="new", ip="203.0.113.9")], last(route=False)),
    "an ordinary miss without id accuses nobody": Case(
        "4.2 g", [*trail("alice"), access(9000, None)], last(Reason.ORDINARY_MISS)),
}  # fmt: skip

REFUTED: Table = {
    "ordinary misses of two people refute the declaration": Case(
        "5.5", [*LOST, STRANGER], last(Reason.DECLARATION_REFUTED, probable="extraordinary-miss")),
    "ordinary misses of two people refute the declaration and accuse nobody": Case(
        "5.5", LOST, [innocent, each(Reason.DECLARATION_REFUTED, where=lambda t: t["first_seen"] == at(5), count=2),
                      coverage("entra-signin", status=["refuted"] * 4)]),
    "ordinary misses of one person refute nothing": Case(
        "5.5", [*trail("alice"), access(5, "lost-1"), access(6, "lost-2"), STRANGER], last(Reason.ID_NOT_ISSUED)),
    "ordinary misses in silent strata refute nothing": Case(
        "5.5", [*SILENT_BOTH,
                *(access(5, f"lost-{who}", who, client_id=ONLINE, token_class=TokenClass.SERVICE)
                  for who in ("alice", "bob")), STRANGER], last(Reason.ID_NOT_ISSUED)),
    "ordinary misses outside the coverage refute nothing": Case(
        "5.5", [*BOTH, access(-14460, "lost-a"), access(-14460, "lost-b", "bob"), STRANGER],
        last(Reason.ID_NOT_ISSUED)),
    "route misses of two people refute the declaration for that client": Case(
        "5.5", [*BOTH, access(5, "r-a", **NEW), access(6, "r-b", "bob", **NEW)],
        [innocent, each(Reason.DECLARATION_REFUTED, where=lambda t: t["route"], count=2)]),
    "route misses of two people refute the declaration for no other client": Case(
        "5.5", [*BOTH, access(5, "r-a", **NEW), access(6, "r-b", "bob", **NEW), STRANGER],
        last(Reason.ID_NOT_ISSUED)),
    **{
        f"a route miss without id refutes in covered windows only: {token_id}": Case(
            "5.5", [*BOTH, access(5, "r-a", **NEW), access(-14340, token_id, "bob", **NEW), foreign(9, "x", **NEW)],
            last(refuted=refuted))
        for token_id, refuted in (("r-b", True), (None, False))
    },
    "a refuted miss without id is probably forged unless ordinary": Case(
        "4.2 f, 5.8", [*LOST, foreign(9000, None)], last(Reason.DECLARATION_REFUTED, probable="extraordinary-miss")),
    "a refuted miss without id is probably forged unless ordinary: it is": Case(
        "4.2 f, 5.8", [*LOST, access(9000, None)], [last(Reason.DECLARATION_REFUTED), last_innocent]),
    "a silent route is a route": Case(
        "5.5", [*BOTH, *(access(5, f"s-{who}", who, client_id=ONLINE, token_class="service", logon_type=None)
                         for who in ("alice", "bob")), foreign(9, "x", client_id=ONLINE)],
        last(Reason.DECLARATION_REFUTED)),
}  # fmt: skip


def service(minute: int, number: int, **more: Any) -> Row:
    """Return a call that leaves no sign-in record."""
    return access(minute, f"s{number}", f"p{number}", client_id="svc", resource="graph", ip=None) | more


def before(days: int = 3, people: int = 5) -> list[Row]:
    """Return such calls before the window, on so many days, by so many people."""
    return [service(-14401 - 1440 * (n % days), n) for n in range(1, people + 1)]


SINCE = Settings(since=at(0))
SINCE_0 = [service(-1440 * (n % 3) - 1, n) for n in range(1, 6)]

SILENCE: Table = {
    "a call of a service known to be silent accuses nobody": Case(
        "5.6", [service(5, 0, token_class=TokenClass.SERVICE, client_id=ONLINE)], last(Reason.SILENT_STRATUM)),
    "a call of a service known to be silent is no users": Case(
        "5.6", [service(5, 0, client_id=ONLINE)], last(Reason.ID_NOT_ISSUED)),
    "a stratum that never linked before the window is silent": Case(
        "5.6", [*before(), service(5, 9)], last(Reason.SILENT_STRATUM)),
    "a stratum that never linked before the window is silent: without id": Case(
        "5.6", [*before(), service(9000, 9, token_id=None)], last(Reason.SILENT_STRATUM)),
    **{
        f"a stratum first seen in the window is new and not silent: {days} days, {people} people": Case(
            "5.6", [*before(days, people), service(5, 9)], last(Reason.ID_NOT_ISSUED))
        for days, people in ((2, 5), (3, 4))
    },
    "a stratum that links is not silent": Case(
        "5.6", [*before(), sign_in(0, "s8", "p8"), service(1, 8), service(5, 9)], last(Reason.ID_NOT_ISSUED)),
    "a stratum that links in the window is not silent": Case(
        "5.6", [*(access(-14401 - 1440 * (n % 3), f"s{n}", f"p{n}") for n in range(1, 6)),
                sign_in(0, "s8", "p8"), access(1, "s8", "p8"), access(5, "x", "p9")], last(Reason.ID_NOT_ISSUED)),
    "since moves the start of the window": Case("5.6", [*SINCE_0, service(5, 9)], last(silent=True), SINCE),
    "without since and declarations nothing is silent": Case(
        "5.6", [*SINCE_0, service(5, 9)], last(silent=False), Settings()),
}  # fmt: skip


def population(count: int) -> list[Row]:
    """Return people whose tokens all link."""
    return [row for number in range(count) for row in trail(f"u{number}", number)]


def spray(count: int, **more: Any) -> list[Row]:
    """Return foreign misses of so many people."""
    return [foreign(100 + n, f"x{n}", f"u{n}", **more) for n in range(count)]


BACKUP = [
    access(100 + n, f"b{n}", f"u{n}", client_id="backup", token_class="application", ip="203.0.113.80",
           logon_type=None) for n in range(9)
]  # fmt: skip


def kinds(*names: str) -> list[Row]:
    """Return a sign-in of each of these kinds."""
    return [sign_in(70 + n, f"kind{n}", "u0", kind=kind) for n, kind in enumerate(names)]


RAISED = "misses-far-beyond-rate"
CLUSTERS: Table = {
    "a spray of foreign misses is raised without any declaration": Case(
        "5.7", [*population(60), *spray(6)],
        each(Reason.NOT_DECLARED, where=lambda t: t["client_id"] == "rogue", count=6, probable=RAISED), Settings()),
    "misses gathered on one person are raised": Case(
        "5.7", [*population(60),
                *(access(100 + n, f"x{n}", "u0", ip=f"203.0.{n}.9", client_id=f"c{n}", user_agent="curl")
                  for n in range(6))],
        each(where=lambda t: t["user_agent"] == "curl", count=6, probable=RAISED), Settings()),
    "two misses are no cluster": Case("5.7", [*population(200), *spray(2)], innocent, Settings()),
    "misses at the issuers own rate are not raised": Case(
        "5.7", [*population(40), *(access(100 + n, f"lost{n}", f"u{n}") for n in range(10)),
                foreign(200, "x0", "u0"), foreign(300, "c", "u9"), sign_in(299, "c", "u9")], innocent, Settings()),
    "ordinary misses are not raised by client or network": Case(
        "5.7", [*population(60), *(access(100 + n, f"lost{n}", f"u{n}") for n in range(8))], innocent, Settings()),
    "an issuer without any linked token raises nothing": Case("5.7", spray(50), innocent, Settings()),
    "unknown clients and networks are no cluster": Case(
        "5.7", [*population(60), *(foreign(100 + n, f"x{n}", f"v{n}", client_id=None, ip=None) for n in range(6))],
        innocent, Settings()),
    "ids that no sign in log holds are not raised": Case(
        "4.1 b, 5.7", [*population(60), *spray(6, token_id_kind="jti")],
        [innocent, each(Reason.KEY_NOT_SOUND, where=lambda t: t["client_id"] == "rogue", count=6)]),
    "an application whose sign ins were not exported is not raised": Case(
        "5.7", [*population(60), *kinds("interactive", "non-interactive"), *BACKUP],
        each(where=lambda t: t["client_id"] == "backup", count=9, group_rule=None), Settings(), around=[]),
    "an application is raised where all kinds of sign in are there": Case(
        "5.7", [*population(60), *kinds(*KINDS), *BACKUP],
        each(where=lambda t: t["client_id"] == "backup", count=9, probable=RAISED), Settings(), around=[]),
    "the rate of misses is that of the whole evidence": Case(
        "5.7", [*(access(-3000 + n, f"m{n}", f"m{n}", client_id=f"c{n}", ip=f"203.0.{n}.9", user_agent="odd")
                  for n in range(60)), *population(60), *spray(6)],
        each(where=lambda t: t["client_id"] == "rogue", count=6, group_rule=None), SINCE),
}  # fmt: skip

CASES: Table = {**ORDINARY, **REFUTED, **SILENCE, **CLUSTERS}
