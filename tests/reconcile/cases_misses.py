"""Rules 5.4 to 5.8: lost records, refutation, silence and clusters."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from counterfoil.model.coverage import Declaration
from counterfoil.model.reason import Reason

from .cases import Case, Table, Told, Wanted, coverage, each, innocent, last, last_innocent, of
from .reference import Settings
from .reference_policy import CONSUMER_TENANT
from .rows import (
    KINDS,
    OTHER_TENANT,
    Row,
    access,
    assertion,
    at,
    background,
    exchange,
    farm_log,
    federated_sign_in,
    foreign,
    sign_in,
)

INTUNE = "0000000a-0000-0000-c000-000000000000"
ONLINE = "00000002-0000-0ff1-ce00-000000000000"  # a service whose calls never have a sign-in record
NEW: Row = {"client_id": "new"}
# the application was there when relied time began
FIRST_DAY = [access(-14000, "r0", "zoe", client_id="new", ip="192.0.2.200")]


DAY = 1440


def home(subject: str, days: int = 3, **more: Any) -> list[Row]:
    """Return sign-ins on so many days: from where somebody is at home."""
    return [sign_in(-DAY * day, f"h{day}-{subject}", subject, **more) for day in range(1, days + 1)]


def trail(subject: str, minute: int = 0, **more: Any) -> list[Row]:
    """Return somebody who is at home somewhere, and an access that links to a sign-in."""
    placed = {"ip": more["ip"]} if "ip" in more else {}
    return [*home(subject, **placed), sign_in(minute, f"ok-{subject}", subject, **placed),
            access(minute + 1, f"ok-{subject}", subject, **more)]


BOTH = [*trail("alice"), *trail("bob")]
LOST = [*BOTH, access(5, "lost-a"), access(5, "lost-b", "bob")]
STRANGER = foreign(9, "x")
SILENT_BOTH = [row for who in ("alice", "bob") for row in trail(who, ip="40.96.1.1", client_id=ONLINE)]

BATCH: Row = {"client_id": "batch", "user_agent": None, "subject_name": None}

HABITS: Table = {
    "a lost record accuses nobody": Case(
        "5.4", [*trail("alice"), access(5, "lost")], [last(Reason.ORDINARY_MISS), last_innocent]),
    "nothing else of hers need be in evidence": Case("5.4", [*home("alice"), access(5, "lost")], last(ordinary=True)),
    "a client that is hers suffices at home whatever the agent": Case(
        "5.4", [*home("alice"), access(5, "lost", user_agent="curl/8.1")], last(Reason.ORDINARY_MISS)),
    "an agent that is hers suffices at home in whatever version": Case(
        "5.4", [*home("alice", user_agent="Edge/133.0 (Windows NT 10.0)"), *home("bob", client_id="rogue"),
                access(5, "lost", client_id="rogue", user_agent="Edge/134.0.1 (Windows NT 11.0)")],
        last(Reason.ORDINARY_MISS)),
    "a client that only her linked use at home shows is hers": Case(
        "5.4", [*home("alice"), *home("bob", client_id="phone"), sign_in(2, "c"),
                access(3, "c", client_id="phone", user_agent="ios"), access(9, "lost", client_id="phone")],
        last(Reason.ORDINARY_MISS)),
    **{
        f"a use whose {words} is a strangers is no habit": Case(
            "5.4", [*home("alice"), *more, foreign(5, "x"), foreign(6, "y", "bob")], last(Reason.ID_NOT_ISSUED))
        for words, more in {
            "token was copied and used from there before": [
                sign_in(-10, "s"), foreign(-9, "s"), sign_in(-8, "t", "bob"), foreign(-7, "t", "bob")],
            "password was stolen and used from there once": [
                sign_in(-10, "s", ip="203.0.113.9"), sign_in(-9, "t", "bob", ip="203.0.113.9")],
            "sign ins from there failed on three days": [
                row | {"outcome": outcome, "record_id": f"{outcome}{n}"}
                for outcome in ("failed", "interrupted")
                for n, row in enumerate(home("bob", ip="203.0.113.9", client_id="rogue", user_agent="curl"))],
        }.items()
    },
    **{
        f"a managed identity that is used from nowhere, as it signs in, is its own: {words}": Case(
            "5.4", [*home("mi", days, kind="managed-identity", token_class="managed_identity", ip=None, **BATCH),
                    foreign(6, "y", "bob"), access(7, "x", "mi", token_class="managed_identity", ip=ip, **BATCH)],
            last(reason))
        for words, days, ip, reason in (
            ("on three days", 3, None, Reason.ORDINARY_MISS), ("not on two", 2, None, Reason.EXPLAINED_MISS),
            ("not from somewhere", 3, "203.0.113.9", Reason.ID_NOT_ISSUED),
        )
    },
    "a person who is used from nowhere is not her own": Case(
        "5.4", [*home("alice", ip=None), foreign(6, "y", "bob"), access(7, "x", ip=None)], last(Reason.LONE_MISS)),
    "a network of two days is no habit": Case(
        "5.4", [*home("alice", 2, ip="203.0.113.9"), access(5, "x", ip="203.0.113.9", client_id="phone")],
        last(ordinary=False, explained=False)),
    "a network of two days is one of a device that is known for a week": Case(
        "5.4", [sign_in(-DAY * 9, "d1", device_id="laptop"), sign_in(-DAY, "d2", device_id="laptop"),
                access(5, "lost")], last(Reason.ORDINARY_MISS)),
    "a device that somebody else has had for a week makes none of her networks a habit": Case(
        "5.4", [*(sign_in(-DAY * day, f"d{day}", "bob", device_id="laptop") for day in (9, 2)),
                access(4, "his", "bob"), sign_in(-DAY, "d1", device_id="laptop"), access(5, "lost")],
        [of("his", Reason.ORDINARY_MISS), of("lost", Reason.EXPLAINED_MISS)]),
    **{
        f"a device that is known for {words} makes {how}": Case(
            "5.4", [sign_in(-DAY * 8, "d1", **first), sign_in(-DAY, "d2", device_id="laptop"), access(5, "lost")],
            last(reason))
        for words, how, first, reason in (
            ("seven days to the second", "a habit", {"device_id": "laptop"}, Reason.ORDINARY_MISS),
            ("seven days but for a second", "none",
             {"device_id": "laptop", "event_time": at(-DAY * 8 + 1 / 60)}, Reason.EXPLAINED_MISS),
            ("seven days, at first from nowhere", "none", {"device_id": "laptop", "ip": None}, Reason.EXPLAINED_MISS),
            ("a day, beside another", "none", {"device_id": "desktop"}, Reason.EXPLAINED_MISS),
            ("a day, and longer to somebody else", "none", {"device_id": "laptop", "subject_id": "bob"},
             Reason.EXPLAINED_MISS))
    },
    **{
        f"nobody asks whose own it is where {words}": Case(
            "5.4", [*home("alice"), sign_in(0, "a", "dora"), access(5, id_) | used],
            last(reason, at_home=False, ordinary=False, linked=False, diagnosis=diagnosis))
        for words, id_, used, reason, diagnosis in (
            ("its id was issued to another person", "a",
             {"subject_id": None, "subject_name": "alice@example.com", "logon_type": None}, Reason.NAME_DIFFERS, None),
            ("it cannot be", "x", {"token_tenant": CONSUMER_TENANT}, Reason.CONSUMER_REALM, "key-not-entitled"))
    },
    "a program that was used from somebody else's network is not made hers": Case(
        "5.4", [*home("alice"), *home("bob", ip="203.0.113.9"), sign_in(-20, "k"),
                access(-19, "k", client_id="tool", ip="203.0.113.9"),
                access(5, "x", client_id="tool", user_agent="curl")], last(Reason.EXPLAINED_MISS)),
    "a new program at home is explained": Case(
        "5.4", [*home("alice"), *home("bob", client_id="tool"), access(5, "x", client_id="tool", user_agent="curl")],
        [last(Reason.EXPLAINED_MISS, explained=True), last_innocent]),
    "her programs on the move are explained where she was once": Case(
        "5.4", [*home("alice"), sign_in(-30, "m", ip="203.0.113.9"), access(5, "x", ip="203.0.113.9")],
        [last(Reason.EXPLAINED_MISS), last_innocent]),
    **{
        f"her programs under her {word} are explained anywhere": Case(
            "5.4", [*home("alice", **claim), access(5, "x", ip="203.0.113.9", **claim)],
            [last(Reason.EXPLAINED_MISS), last_innocent])
        for word, claim in {"session": Row(session_id="s1"), "device": Row(device_id="d1")}.items()
    },
    "anothers session explains nothing": Case(
        "5.4", [*home("alice"), *home("bob", session_id="s2"), access(4, "y", "bob", ip="192.0.2.9"),
                access(5, "x", ip="203.0.113.9", session_id="s2")], last(Reason.LONE_MISS)),
    "a session of nobody's explains nothing": Case(
        "5.4", [*home("alice", session_id="s1"), access(5, "x", ip="203.0.113.9", session_id="s2")],
        last(Reason.LONE_MISS)),
    "a session alone explains nothing": Case(
        "5.4", [*home("alice", session_id="s1"), foreign(5, "x", session_id="s1")], last(Reason.ID_NOT_ISSUED)),
    "explained misses refute nothing": Case(
        "5.4, 5.5", [*home("alice"), *home("bob"), *home("carl", client_id="tool"),
                     *(access(5, f"x-{who}", who, client_id="tool", user_agent="curl") for who in ("alice", "bob"))],
        each(Reason.EXPLAINED_MISS, where=lambda t: t["token_id"].startswith("x-"), count=2)),
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
    "an exchange is not ordinary whose token is ordinary with another person": Case(
        "5.4", [*home("alice"), *home("bob"), access(5, "p", "bob"),
                exchange(6, "c", ["p"], client_id="svc", ip="192.0.2.1", user_agent="svc")],
        of("p", None, "exchange", ordinary=False)),
    "an exchange at home by a new program is the persons own where its token is": Case(
        "5.4", [*home("alice"), access(5, "p", issued_at=at(4)),
                exchange(6, "c", ["p"], client_id="svc", user_agent="svc")],
        of("p", None, "exchange", ordinary=True, explained=False)),
    "an exchange is explained where its token is": Case(
        "5.4", [*home("alice"), access(5, "p", issued_at=at(4), client_id="tool", user_agent="curl"),
                exchange(6, "c", ["p"], client_id="svc", ip="192.0.2.1", user_agent="svc")],
        of("p", None, "exchange", explained=True)),
    **{
        f"a use elsewhere is not the persons own because the same id was used at home: {words}": Case(
            "5.4", [*home("alice"), access(5, "x", issued_at=at(1), **more), foreign(6, "x", issued_at=at(2))],
            last(ordinary=False, explained=False))
        for words, more in {"by her own program": Row(),
                            "by a new one": Row(client_id="tool", user_agent="wget")}.items()
    },
    **{
        f"a client is new from a day after relied time begins: {minute}": Case(
            "5.4", [*trail("alice"), *home("alice", 10), access(minute, "r", client_id="new")], of("r", route=route))
        for minute, route in ((-12961, True), (-12960, False))
    },
    "no client is new where nothing is relied on": Case(
        "5.4", [*trail("alice"), access(5, "r", client_id="new")], last(route=True), Settings()),
    "a use without a client is of no new client": Case(
        "5.4", [*trail("alice"), access(5, "r", client_id=None)], last(route=True)),
    "an exchange is not ordinary whose token is seen nowhere": Case(
        "5.4", [*trail("alice"), exchange(6, "c", ["p"], client_id="svc", ip="192.0.2.1", user_agent="svc")],
        last(Reason.ID_NOT_ISSUED)),
    "a route miss shows whatever agent the client has": Case(
        "5.4", [*trail("alice"), *FIRST_DAY, access(5, "r", client_id="new", user_agent="new-app/1.0")],
        last(route=True)),
    "a client of which nothing links and that comes a day later is new and no route": Case(
        "5.4", [*trail("alice"), access(5, "r", client_id="new", user_agent="new-app/1.0")], last(route=False)),
    "a route miss comes from the users own network": Case(
        "5.4", [*trail("alice"), access(-14000, "r0", client_id="new", ip="203.0.113.9"),
                access(5, "r", client_id="new", ip="203.0.113.9")], last(route=False)),
    "an ordinary miss without id accuses nobody": Case(
        "4.2 g", [*trail("alice"), access(9000, None)], last(Reason.ORDINARY_MISS)),
}

def refuted_since(words: str) -> Wanted:
    """Want that the refuted parts of the sign-ins are so for these words."""

    def wrong(told: Told) -> list[str]:
        said = {row.reason for row in told.coverage if row.status == "refuted"}
        return [] if said == {words} else [f"refuted since {said}"]

    return wrong


def scattered(count: int, people: int = 99, networks: int = 99, clients: int = 99, start: int = 100) -> list[Row]:
    """Return foreign misses of so many people, networks and clients, which all sign in elsewhere."""
    signed = [sign_in(-60, f"w{n}", f"w{n}", client_id=f"c{n}") for n in range(count)]
    people_too = [sign_in(-50, f"v{n}", f"u{n}", ip="192.0.2.3", client_id="other") for n in range(count)]
    return [*signed, *people_too, *(
        access(start + n, f"x{n}", f"u{n % people}", client_id=f"c{n % clients}", ip=f"203.0.{n % networks}.9",
               user_agent="curl", issued_at=at(-9000)) for n in range(count)
    )]


BOT: Row = {"client_id": "bot", "token_class": "agent", "kind": "non-interactive"}
AGENT_SIDE = sign_in(-1440, "g", **BOT)  # an agent that acts for Alice
FARM_BOTH = [*farm_log(), *(row for who in ("alice", "bob") for day in range(1, 4) for row in (
    assertion(-DAY * day, who), federated_sign_in(1 - DAY * day, f"f{day}-{who}", who)))]
WRITTEN: Row = {"token_id": None, "token_id_kind": None, "operation": "MeetingDetail"}
# another tenant, whose sign-ins are relied on too
ANOTHER = [sign_in(minute, f"{kind}{minute}", "gus", kind=kind, issuer=f"entra:{OTHER_TENANT}",
                   home_tenant=OTHER_TENANT, resource_tenant=OTHER_TENANT)
           for kind in ("interactive", "non-interactive") for minute in (-14400, -1500, 14400)]
ELSEWHERE: Row = {"issuer": f"entra:{OTHER_TENANT}"}
REFUTED: Table = {
    "ordinary misses of two people refute the declaration": Case(
        "5.5", [*LOST, STRANGER], last(Reason.DECLARATION_REFUTED, probable="extraordinary-miss")),
    "ordinary misses of two people refute the declaration and accuse nobody": Case(
        "5.5", LOST, [innocent, each(Reason.DECLARATION_REFUTED, where=lambda t: t["first_seen"] == at(5), count=2),
                      coverage("entra-signin", status=["refuted", "refuted", "accepted", "accepted"]),
                      refuted_since("2 ordinary uses by 2 people are missing from it")]),
    **{
        f"what refutes nothing: {words}": Case("5.5", [*BOTH, *rows, STRANGER], of("x", Reason.ID_NOT_ISSUED))
        for words, rows in {
            "uses without id that some sign in explains": [access(5, None), access(5, None, "bob")],
            "ids of a kind that no log holds": [
                access(5, f"n-{who}", who, token_id_kind="jti") for who in ("alice", "bob")],
            "sign ins that failed": [row for who in ("alice", "bob") for row in (
                sign_in(4, f"f-{who}", who, outcome="failed"), access(5, f"f-{who}", who))],
            "exchanges": [row for who in ("alice", "bob") for row in (
                exchange(5, f"e-{who}", [], who), access(6, f"e-{who}", who))],
        }.items()
    },
    "own uses without id of two people refute the declaration": Case(
        "5.5", [*BOTH, access(9000, None), access(9000, None, "bob"), STRANGER], of("x", Reason.DECLARATION_REFUTED)),
    **{
        f"what refutes no farms log: {words}": Case("5.5", [*FARM_BOTH, *rows], coverage("adfs", status=["accepted"]))
        for words, rows in {
            "assertions that it served": [],
            "sign ins of which nobody knows whether one was shown": [
                federated_sign_in(5, f"u-{who}", who, incoming_token=None) for who in ("alice", "bob")],
        }.items()
    },
    **{
        f"own assertions of two people refute the farms log{words}": Case(
            "5.5", [*FARM_BOTH, *agent, *(federated_sign_in(5, f"u-{who}", who, client_id=client)
                                          for who in ("alice", "bob"))],
            [last(Reason.DECLARATION_REFUTED), coverage("adfs", status=["refuted"])])
        for words, agent, client in (("", [], "outlook"), (", whatever an agent is", [AGENT_SIDE], "bot"))
    },
    "ordinary misses of one person refute nothing": Case(
        "5.5", [*trail("alice"), access(5, "lost-1"), access(6, "lost-2"), STRANGER], last(Reason.ID_NOT_ISSUED)),
    "ordinary misses in silent strata refute nothing": Case(
        "5.5", [*SILENT_BOTH,
                *(access(5, f"lost-{who}", who, client_id=ONLINE, ip="40.96.1.1") for who in ("alice", "bob")),
                STRANGER], last(Reason.ID_NOT_ISSUED)),
    "ordinary misses outside the coverage refute nothing": Case(
        "5.5", [*BOTH, access(-14460, "lost-a"), access(-14460, "lost-b", "bob"), STRANGER],
        last(Reason.ID_NOT_ISSUED)),
    "route misses of two people refute the declaration for that client": Case(
        "5.5", [*BOTH, *FIRST_DAY, access(5, "r-a", **NEW), access(6, "r-b", "bob", **NEW)],
        each(Reason.DECLARATION_REFUTED, where=lambda t: t["route"], count=2, group_rule=None)),
    "route misses of two people refute the declaration for no other client": Case(
        "5.5", [*BOTH, *FIRST_DAY, access(5, "r-a", **NEW), access(6, "r-b", "bob", **NEW), STRANGER],
        last(Reason.ID_NOT_ISSUED)),
    **{
        f"a route miss without id refutes in covered windows only: {token_id}": Case(
            "5.5", [*BOTH, *FIRST_DAY, access(5, "r-a", **NEW), access(-14340, token_id, "bob", **NEW),
                    foreign(9, "x", **NEW)],
            last(refuted=refuted))
        for token_id, refuted in (("r-b", True), (None, False))
    },
    **{
        f"what is no route miss refutes nothing for its client: {words}": Case(
            "5.5", [*BOTH, *FIRST_DAY, *(access(5, token_id and f"{token_id}-{who}", who, **NEW | more)
                                         for who in ("alice", "bob")), foreign(9, "x", **NEW)],
            of("x", refuted=False))
        for words, token_id, more in (
            ("uses without id that some sign in explains", None, Row()),
            ("ids of a kind that no log holds", "r", Row(token_id_kind="jti")),
        )
    },
    "route misses without id refute their client": Case(
        "5.5", [*BOTH, *FIRST_DAY, *(access(9000, None, who, **NEW) for who in ("alice", "bob")),
                foreign(9, "x", **NEW)], of("x", refuted=True)),
    "route misses of an agent refute nothing": Case(
        "5.5, 5.11", [*BOTH, AGENT_SIDE, access(-14000, "r0", "zoe", client_id="bot", ip="192.0.2.200"),
                      *(access(5, f"r-{who}", who, client_id="bot") for who in ("alice", "bob")),
                      foreign(9, "x", client_id="bot")], of("x", refuted=False)),
    "a client is refuted for one issuer alone": Case(
        "5.5", [*BOTH, *(access(5, f"r-{who}", who, **NEW | ELSEWHERE) for who in ("alice", "bob")),
                foreign(9, "x", **NEW)], of("x", refuted=False)),
    "a client is refuted even where its issuer has no log": Case(
        "5.5", [*BOTH, *(row | ELSEWHERE for row in (
            access(5, "r-a", **NEW), access(6, "r-b", "bob", **NEW), foreign(9, "x", **NEW)))],
        last(Reason.NO_ISSUER_LOG, refuted=True)),
    "a refuted miss without id is probably forged unless ordinary": Case(
        "4.2 f, 5.8", [*LOST, foreign(9000, None)], last(Reason.DECLARATION_REFUTED, probable="extraordinary-miss")),
    "a refuted miss without id is probably forged unless ordinary: it is": Case(
        "4.2 f, 5.8", [*LOST, access(9000, None)], [last(Reason.DECLARATION_REFUTED), last_innocent]),
    "a refutation concerns the kinds that the misses could have come from": Case(
        "5.5", [*LOST, foreign(9, "x", "app", client_id="svc", token_class="application")],
        [last(Reason.ID_NOT_ISSUED), coverage("entra-signin", status=["refuted", "refuted", "accepted", "accepted"])]),
    "a token that may be of any kind needs the refuted ones too": Case(
        "5.5", [*LOST, foreign(9, "x", "nobody-known", token_class=None)], last(Reason.DECLARATION_REFUTED)),
    "a part of which most is missing is refuted as a whole": Case(
        "5.5", [*trail("alice"), *scattered(12)],
        [each(Reason.DECLARATION_REFUTED, where=lambda t: t["token_id"].startswith("x"), count=12,
              probable="extraordinary-miss"),
         refuted_since("more tokens are missing from it (12, of 12 people) than are in it (1):"
                       " it is a part of the log")]),
    "most persons' tokens are missing, and many of one application": Case(
        "5.5", [*scattered(12), *(foreign(300 + n, f"a{n}", "app", client_id="svc", token_class="application")
                                  for n in range(12))],
        coverage("entra-signin", status=["refuted", "refuted", "accepted", "accepted"])),
    "what is contradicted does not link": Case(
        "5.5", [*(row for n in range(12) for row in (sign_in(n, f"ok{n}", f"u{n}"), access(
            n + 1, f"ok{n}", f"u{n}", token_tenant=OTHER_TENANT if n == 0 else None))), *scattered(12)],
        last(Reason.DECLARATION_REFUTED)),
    "eight people and networks are many, and a client may hold a quarter": Case(
        "5.5", [*scattered(10, people=8, networks=8), *(
            foreign(400 + n, f"y{n}", f"u{n}", ip=f"203.0.{n}.9", client_id="c0") for n in range(2))],
        last(Reason.DECLARATION_REFUTED)),
    "own misses say more than that most is missing": Case(
        "5.5", [*LOST, *scattered(12)], refuted_since("2 ordinary uses by 2 people are missing from it")),
    "many assertions are missing from a farm, each for itself": Case(
        "5.5", [*farm_log(), *(federated_sign_in(100 + n, f"x{n}", f"u{n}", client_id=f"c{n}", ip=f"203.0.{n}.9")
                               for n in range(12))],
        each(Reason.ASSERTION_NOT_ISSUED, where=lambda t: t["derived"] == "assertion", count=12)),
    **{
        f"what is missing refutes no whole part: {words}": Case(
            "5.5", [*trail("alice"), *rows], last(Reason.ID_NOT_ISSUED))
        for words, rows in {
            "seven people": scattered(12, people=7), "seven networks": scattered(12, networks=7),
            "seven clients": scattered(12, clients=7),
            "seven networks and nowhere": [*scattered(12, networks=7), foreign(400, "y", "v", ip=None)],
            "what services write": [
                *(row | (WRITTEN if row["leg"] == "acceptance" else {}) for row in scattered(12, start=9000)),
                foreign(9999, "y", "v")],
            "a client that holds more than a quarter": [*scattered(12), *(
                foreign(400 + n, f"y{n}", f"v{n}", ip=f"203.9.{n}.9") for n in range(5))],
        }.items()
    },
    "as many as link refute no whole part": Case(
        "5.5", [*(row for n in range(12) for row in (sign_in(n, f"ok{n}", f"u{n}"), access(n + 1, f"ok{n}", f"u{n}"))),
                *(row | {"token_class": "application", "client_id": "svc"} for row in (
                    sign_in(0, "app", "app", kind="service-principal"), access(1, "app", "app"))),
                *scattered(12)], last(Reason.ID_NOT_ISSUED)),
}


def service(minute: int, number: int, **more: Any) -> Row:
    """Return a call that leaves no sign-in record."""
    return access(minute, f"s{number}", f"p{number}", client_id="svc", resource="graph", ip=None) | more


def calls(days: int = 3, people: int = 5, **more: Any) -> list[Row]:
    """Return such calls on so many days, by so many people."""
    return [service(-DAY * (n % days), n, **more) for n in range(1, people + 1)]


EXCHANGES = "40.96.12.7"  # an address of Exchange Online
SILENCE: Table = {
    **{
        f"a call of a service known to be silent accuses nobody: {words}": Case(
            "5.6", [service(5, 0, client_id=ONLINE) | more], last(Reason.SILENT_STRATUM, group_rule=None))
        for words, more in {
            "from nowhere": Row(), "from its own network": Row(ip=EXCHANGES), "for itself": Row(token_class="service"),
            "before anything is declared": Row(event_time=at(-20000)),
        }.items()
    },
    "a client id alone silences nothing": Case(
        "5.6", [foreign(5, "x", client_id=ONLINE), foreign(6, "y", "bob", client_id=ONLINE)],
        last(Reason.ID_NOT_ISSUED, of_service=True)),
    "a stratum that never links within relied time is silent": Case(
        "5.6", [*calls(), service(5, 9)], last(Reason.SILENT_STRATUM)),
    "a stratum that never links within relied time is silent: without id": Case(
        "5.6", [*calls(), service(9000, 9, token_id=None)], last(Reason.SILENT_STRATUM)),
    "a stratum that never links is silent from the services own networks": Case(
        "5.6", [*calls(ip=EXCHANGES), service(5, 9, ip=EXCHANGES)], last(Reason.SILENT_STRATUM)),
    "a stratum that never links is not silent from anywhere else": Case(
        "5.6", [*calls(), service(5, 9, ip="203.0.113.9"), service(6, 10, ip="203.0.113.9")],
        last(Reason.ID_NOT_ISSUED, of_service=True)),
    "calls from anywhere else make no stratum silent": Case(
        "5.6", [*calls(ip="203.0.113.9"), service(5, 9)], last(silent=False)),
    "calls of an issuer without a log are not silent": Case(
        "5.6", [*calls(issuer=f"entra:{OTHER_TENANT}"), service(5, 9, issuer=f"entra:{OTHER_TENANT}")],
        last(Reason.NO_ISSUER_LOG, silent=False)),
    "who was there before the log began silences nothing": Case(
        "5.6", [*(row | {"event_time": row["event_time"] - timedelta(days=11)} for row in calls()), service(5, 9)],
        last(silent=False)),
    **{
        f"a stratum seen too seldom is not silent: {days} days, {people} people": Case(
            "5.6", [*calls(days, people), service(5, 9)], last(silent=False))
        for days, people in ((2, 4), (3, 3))
    },
    "a stratum that links is not silent": Case(
        "5.6", [*calls(), sign_in(0, "s8", "p8"), service(1, 8), service(5, 9)], last(silent=False)),
    **{
        f"a record that a service writes in a persons name uses no token: {words}": Case(
            "5.6", [sign_in(-9000, "a"), access(5, None, **more)], last(Reason.SILENT_STRATUM, group_rule=None))
        for words, more in {
            "a meeting, at whatever address": Row(operation="MeetingDetail", ip="203.0.113.9"),
            "a mailbox assistant": Row(operation="Create", ip=None, user_agent="Client=TBA"),
        }.items()
    },
    "the same operation with an address is a persons": Case(
        "5.6", [sign_in(-9000, "a"), foreign(5, None, operation="Create")], last(Reason.SUBJECT_NOT_SIGNED_IN)),
    "an operation of services and people without an address has a token where it has an id": Case(
        "5.6", [foreign(4, "y", "bob"), foreign(5, "x", operation="Create", ip=None)], last(silent=False)),
    "the same operation with an id has a token": Case(
        "5.6", [foreign(4, "y", "bob"), foreign(5, "x", operation="MeetingDetail")], last(Reason.ID_NOT_ISSUED)),
    **{
        f"an app only token of the providers own application is of a log that nobody has: {words}": Case(
            "4.1", [access(5, "x", "sp", client_id=INTUNE, ip=ip, subject_name=None, token_class=token_class)],
            last(reason, silent=silent))
        for words, ip, token_class, reason, silent in (
            ("from its own network", EXCHANGES, "application", Reason.SILENT_STRATUM, True),
            ("its class is not shown", EXCHANGES, None, Reason.SILENT_STRATUM, True),
            ("from elsewhere", "203.0.113.9", "application", Reason.NOT_DECLARED, False),
        )
    },
    **{
        f"a client of Microsoft's does not make an application of {words}": Case(
            "4.1", [sign_in(0, "a"), access(9000, "x", who, client_id=INTUNE, ip=EXCHANGES, subject_name=name,
                                            token_class=None)], last(silent=False))
        for words, who, name in (("who signs in", "alice", None), ("who is named", "sp", "sp@example.com"))
    },
}

SIGNS: Table = {
    "one foreign miss convicts nobody": Case(
        "4.6", [*home("alice"), *home("bob", client_id="phone"), access(5, "x", client_id="phone", ip="203.0.113.9")],
        last(Reason.LONE_MISS, probable="lone-miss")),
    **{
        f"a services client is told from elsewhere alone: {words}": Case(
            "5.6", [foreign(5, "x", client_id=client, ip=ip)], last(of_service=told))
        for words, client, ip, told in (
            ("it is", ONLINE, "203.0.113.9", True), ("its own network", ONLINE, EXCHANGES, False),
            ("another client", "rogue", "203.0.113.9", False))
    },
    "calls without id make no stratum silent": Case(
        "5.6", [*(row | {"token_id": None, "token_id_kind": None} for row in calls()), service(0, 99)],
        last(silent=False)),
    "a client that nobody knows is no sign from a services own network": Case(
        "4.6", [*home("alice"), foreign(5, "x", ip=EXCHANGES)], last(Reason.LONE_MISS, probable="lone-miss")),
    **{
        f"one foreign miss convicts with a second sign: {words}": Case(
            "4.6", [*home("alice"), *home("bob", client_id="phone"), *more,
                    access(5, "x", client_id="phone", ip="203.0.113.9") | own], last(Reason.ID_NOT_ISSUED))
        for words, own, more in (
            ("a client of which nobody signs in", {"client_id": "rogue"}, []),
            ("another from the same network", {}, [
                access(4, "y", "bob", client_id="outlook", user_agent="x", ip="203.0.113.200")]),
            ("another of the same session", {"session_id": "s9"}, [
                access(4, "y", "bob", client_id="outlook", user_agent="x", ip="192.0.2.99", session_id="s9")]),
            ("an issued-at outside its life", {"issued_at": at(-9000)}, []),
            ("anothers object id", {"subject_name": "bob@example.com"}, []),
            ("an exchange was made with it", {}, [
                exchange(4, "c", ["x"], ip="192.0.2.1", client_id="phone", user_agent="svc")]),
        )
    },
    **{
        f"what one lost record explains is no second sign: {words}": Case(
            "4.6", [*home("alice"), *home("bob", client_id="phone"), *more,
                    access(5, "x", client_id="phone", ip="203.0.113.9", subject_name="alice@example.com")],
            last(Reason.LONE_MISS))
        for words, more in {
            "two uses of one id": [access(4, "x", client_id="phone", ip="203.0.113.9", issued_at=at(0))],
            "another miss from there that is her own": [
                *home("carl", ip="203.0.113.9"), access(4, "y", "carl", ip="203.0.113.9")],
            "a linked token from there": [
                sign_in(3, "y", "bob"), access(4, "y", "bob", client_id="phone", ip="203.0.113.9")],
        }.items()
    },
    "several records without id of one person are one": Case(
        "4.6", [sign_in(-9000, "a"), sign_in(-60, "b", "bob", client_id="phone"),
                *(access(n, None, client_id="phone", ip="203.0.113.9") for n in range(4))],
        each(Reason.LONE_MISS, where=lambda t: t["token_id"] is None, count=4)),
    **{
        f"a client that {words} is a second sign": Case(
            "4.6", [*home("alice"), *home("carl"), *more, access(5, "x", client_id="tool", ip="203.0.113.9")],
            last(Reason.ID_NOT_ISSUED))
        for words, more in {
            "only one person uses at home": [access(4, "y", "carl", client_id="tool")],
            "only a sign in that failed names": [sign_in(-9, "z", "bob", client_id="tool", outcome="failed")],
            "only another issuer knows": [
                sign_in(-9, "z", "bob", client_id="tool", source="m365-ual", **ELSEWHERE),
                *(access(4, f"y-{who}", who, client_id="tool", **ELSEWHERE) for who in ("alice", "carl"))],
        }.items()
    },
    "what another issuer misses is no second sign": Case(
        "4.6", [*home("alice"), *home("bob", client_id="phone"), *ANOTHER, *(
            access(4 + n, f"y{n}", "gus", client_id="phone", ip="203.0.113.9", **ELSEWHERE) for n in range(2)),
            access(6, "x", client_id="phone", ip="203.0.113.9")],
        [last(Reason.LONE_MISS), of("y0", Reason.ID_NOT_ISSUED)]),
    "a client that two people use at home is a roll out and no sign": Case(
        "4.6", [*home("alice"), *home("bob"), *home("carl"), *(
            access(2, f"n-{who}", who, client_id="rolled-out", user_agent="app") for who in ("alice", "bob")),
            access(5, "x", "carl", client_id="rolled-out", user_agent="app", ip="203.0.113.9")],
        last(Reason.LONE_MISS)),
    "misses from the services own networks are no sign of each other": Case(
        "4.6", [*home("alice"), *home("bob", client_id="phone"),
                *(access(n, f"x{n}", who, client_id="phone", user_agent="app", ip=EXCHANGES)
                  for n, who in enumerate(("alice", "carl")))], last(Reason.LONE_MISS)),
    "without id a lone miss convicts nobody": Case(
        "4.2 h, 4.6", [sign_in(-9000, "a"), sign_in(-60, "b", "bob", client_id="phone"),
                       access(5, None, client_id="phone", ip="203.0.113.9")],
        last(Reason.LONE_MISS, probable="lone-miss")),
}

# the same in the days of 2023 in which an intruder's addresses were published
AGO = at(0) - datetime.fromisoformat("2023-05-16T08:00:00")
IN_2023 = Settings(
    tuple(Declaration("entra-signin", kind, at(-14400) - AGO, at(14400) - AGO) for kind in KINDS), exported_at=at(0))
PUBLISHED = "37.143.130.146"  # from the 12th to the 19th of May


def ago(rows: Iterable[Row]) -> list[Row]:
    """Return the rows as of those days."""
    return [row | {"event_time": row["event_time"] - AGO} for row in rows]


ADDRESSES: Table = {
    f"a published address is a second sign within its dates: {words}": Case(
        "4.6", ago([*home("alice"), *home("bob", client_id="phone"), access(minute, "x", client_id="phone", ip=ip)]),
        last(reason), IN_2023, around=ago(background()))
    for words, minute, ip, reason in (
        ("in its first second", -6240, PUBLISHED, Reason.ID_NOT_ISSUED),
        ("on its last day", 5279, PUBLISHED, Reason.ID_NOT_ISSUED),
        ("not before", -6241, PUBLISHED, Reason.LONE_MISS),
        ("not after", 5280, PUBLISHED, Reason.LONE_MISS),
        ("no other address", 0, "37.143.130.147", Reason.LONE_MISS),
    )
}

SITES: Row = {"kind": "sharepoint", "object_kind": "file", "logon_type": None, "token_class": None, "client_id": None}
SESSIONS: Table = {
    "a session of sharepoint lives five days after its last use": Case(
        "4.1", [sign_in(-6600, "a"), *(access(minute, None, **SITES) for minute in (-6500, -DAY, DAY))],
        last(Reason.NO_ID)),
    "a session of sharepoint ends with a pause of more than five days": Case(
        "4.1", [sign_in(-DAY * 9, "a"), access(-DAY * 8, None, **SITES),
                foreign(0, None, **SITES | {"ip": "192.0.2.9"})], last(Reason.LONE_MISS)),
    "another agent is another session": Case(
        "4.1", [sign_in(-DAY * 9, "a"), *(access(-DAY * day, None, **SITES) for day in (8, 4)),
                access(0, None, **SITES, user_agent="curl", ip="203.0.113.9")], last(Reason.LONE_MISS)),
    **{
        f"no use of another log keeps a session of sharepoint alive: {more}": Case(
            "4.1", [sign_in(-DAY * 9, "a"), access(-DAY * 8, None, **SITES), access(-DAY * 4, None, **SITES | more),
                    access(0, None, **SITES, ip="203.0.113.9")], last(Reason.LONE_MISS))
        for more in (Row(kind="exchange"), Row(source="elsewhere"), Row(client_id="another"))
    },
    "a pause of five days ends no session": Case(
        "4.1", [sign_in(-7300, "a"), access(-7200, None, **SITES), access(0, None, **SITES)],
        last(Reason.OUTSIDE_COVERAGE)),
    "what else is used at the second of a use of sharepoint belongs to no such session": Case(
        "4.1", [sign_in(-DAY * 9, "a"), *(access(-DAY * day, None, **SITES) for day in (8, 4, 0)),
                *(access(0, None, **SITES | {"ip": "203.0.113.9"} | more)
                  for more in (Row(kind="exchange"), Row(source="elsewhere"), Row(client_id="another"),
                               Row(user_agent="curl")))]),
    "a token with an id belongs to no session": Case(
        "4.1", [*(access(-DAY * day, f"s{day}", **SITES) for day in (8, 4)), foreign(0, "x", **SITES | {"ip": None})],
        of("x", outside_life=False)),
    "mail has no such session": Case(
        "4.1", [sign_in(-DAY * 9, "a"), *(access(-DAY * day, None) for day in (8, 4)),
                access(0, None, ip="203.0.113.9")], last(Reason.LONE_MISS)),
}

CASES: Table = {**HABITS, **REFUTED, **SILENCE, **SIGNS, **ADDRESSES, **SESSIONS}
