"""Rules 5.7, 5.11 and 4.6: misses that cluster, tokens of agents, and what is no second sign."""

from __future__ import annotations

from typing import Any

from counterfoil.model.reason import Reason

from .cases import TINY, Case, Table, each, innocent, last, last_innocent, of
from .cases_coverage import THEIRS
from .cases_misses import AGENT_SIDE, BOT, EXCHANGES, ONLINE, home, trail
from .reference import Settings
from .rows import KINDS, Row, access, at, complete, exchange, foreign, sign_in

SINCE = Settings(since=at(0))


def population(count: int) -> list[Row]:
    """Return people whose tokens all link."""
    return [row for number in range(count) for row in trail(f"u{number}", number)]


def spray(count: int, **more: Any) -> list[Row]:
    """Return foreign misses of so many people."""
    return [foreign(100 + n, f"x{n}", f"u{n}", **more) for n in range(count)]


def astray(count: int, **more: Any) -> list[Row]:
    """Return misses of so many people, each from a client and a network of its own."""
    return [access(-3000 + n, f"m{n}", f"m{n}", client_id=f"c{n}", ip=f"203.0.{n}.9", user_agent="odd", **more)
            for n in range(count)]


BACKUP = [
    access(100 + n, f"b{n}", f"u{n}", client_id="backup", token_class="application", ip="203.0.113.80",
           logon_type=None) for n in range(9)
]


def kinds(*names: str) -> list[Row]:
    """Return a sign-in of each of these kinds."""
    return [sign_in(700 + n, f"kind{n}", "u0", kind=kind) for n, kind in enumerate(names)]


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
    "two misses are no cluster": Case("5.7", [*population(60), *spray(2)], innocent, Settings()),
    "three misses are one, at odds of a million": Case(
        "5.7", [*(row for n in range(220) for row in (sign_in(n, f"s{n}"), access(n + 1, f"s{n}"))), *spray(3)],
        each(where=lambda t: t["client_id"] == "rogue", count=3, probable=RAISED), Settings()),
    "fewer misses than a cluster needs are none, however odd they are": Case(
        "5.7", [*population(20), foreign(100, "x0", "u0")], innocent, Settings(), TINY),
    "as many as a cluster needs are one": Case(
        "5.7", [*population(20), *spray(2)],
        each(where=lambda t: t["client_id"] == "rogue", count=2, probable=RAISED), Settings(), TINY),
    "misses at the rate of their kind are not raised": Case(
        "5.7", [*population(60), *(row for n in range(40) for row in (
                    sign_in(n, f"s{n}", f"w{n}"), access(n + 1, f"s{n}", f"w{n}", kind="sharepoint"))),
                *astray(40, kind="sharepoint"), *spray(6, kind="sharepoint")],
        each(where=lambda t: t["client_id"] == "rogue", count=6, group_rule=None), Settings()),
    **{
        f"misses are held against {words} that come to {count}": Case(
            "5.7", [*population(60), *(row for n in range(25) for row in (
                        sign_in(n, f"s{n}", f"w{n}"), access(n + 1, f"s{n}", f"w{n}", kind="sharepoint"))),
                    *astray(count - 25, kind="sharepoint"), *spray(16, kind="sharepoint")],
            each(where=lambda t: t["client_id"] == "rogue", count=16, group_rule=rule), Settings())
        for words, count, rule in (
            ("others of their kind", 50, None), ("all others where those of their kind", 49, RAISED))
    },
    "a cluster of two kinds is held against the rest of the one that comes first": Case(
        "5.7", [*population(50), *astray(40), foreign(99, "x", "v"), *spray(19, kind="sharepoint")],
        each(where=lambda t: t["client_id"] == "rogue", count=20, group_rule=None), Settings()),
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
    "what an exchange gave is no miss": Case(
        "5.7", [*population(60), *spray(2), *(row for n in range(6) for row in (
            exchange(90, f"e{n}", [], f"u{n}"), foreign(100 + n, f"e{n}", f"u{n}")))],
        each(where=lambda t: t["token_id"] in ("x0", "x1"), count=2, group_rule=None), Settings()),
    "what bears no id is not counted": Case(
        "5.7", [*population(60), *spray(6), *(foreign(200 + n, None, f"v{n}", object_kind="file") for n in range(60))],
        each(where=lambda t: (t["token_id"] or "").startswith("x"), count=6, probable=RAISED), Settings()),
    "silent calls are not counted": Case(
        "5.7", [*population(60), *(foreign(100 + n, f"x{n}", f"u{n}", client_id=ONLINE, ip=f"203.0.{n}.9")
                                   for n in range(6)),
                *(access(200 + n, f"q{n}", f"u{n}", client_id=ONLINE, ip="40.96.1.1") for n in range(60))],
        each(where=lambda t: t["token_id"].startswith("x"), count=6, probable=RAISED), Settings()),
    "ordinary misses from one network are not raised": Case(
        "5.7", [*population(60), *(row for n in range(8) for row in home(f"v{n}")),
                sign_in(50, "ok", "v0", client_id="phone"), access(51, "ok", "v0", client_id="phone"),
                *(access(100 + n, f"x{n}", f"v{n}", client_id="phone") for n in range(8))],
        each(where=lambda t: t["token_id"].startswith("x"), count=8, ordinary=True, group_rule=None), Settings()),
    "an application whose sign ins were not exported is not raised": Case(
        "5.7", [*population(60), *kinds("interactive", "non-interactive"), *BACKUP],
        each(where=lambda t: t["client_id"] == "backup", count=9, group_rule=None), Settings(), around=[]),
    "an application of whose client something links at another tenant is not raised": Case(
        "5.7", [*population(60), *kinds("interactive", "non-interactive"), *BACKUP,
                sign_in(90, "bk", "gus", client_id="backup", **THEIRS),
                access(91, "bk", "gus", client_id="backup", issuer=THEIRS["issuer"])],
        each(where=lambda t: t["token_class"] == "application", count=9, group_rule=None), Settings(), around=[]),
    "an application of whose client something links is raised": Case(
        "5.7", [*population(60), *kinds("interactive", "non-interactive"), *BACKUP,
                sign_in(90, "bk", "u0", client_id="backup"), access(91, "bk", "u0", client_id="backup")],
        each(where=lambda t: t["token_class"] == "application", count=9, probable=RAISED), Settings(), around=[]),
    "records of another log are no kinds of sign in": Case(
        "5.7", [*population(60), *kinds("interactive", "non-interactive"), *BACKUP,
                *(row | {"source": "elsewhere"} for row in kinds("service-principal", "managed-identity"))],
        each(where=lambda t: t["client_id"] == "backup", count=9, group_rule=None), Settings(), around=[]),
    "an application is raised where all kinds of sign in are there": Case(
        "5.7", [*population(60), *kinds(*KINDS), *BACKUP],
        each(where=lambda t: t["client_id"] == "backup", count=9, probable=RAISED), Settings(), around=[]),
    **{
        f"ids that a sign in without success made are misses: {outcome}": Case(
            "5.7", [*population(60), *(sign_in(90 + n, f"x{n}", "mallory", outcome=outcome) for n in range(6)),
                    *spray(6)],
            each(where=lambda t: t["client_id"] == "rogue", count=6, verdict="unlinkable", probable=RAISED), Settings())
        for outcome in ("interrupted", "failed")
    },
    "two ids that a sign in without success made are no cluster": Case(
        "5.7", [*population(60), *(sign_in(90 + n, f"x{n}", "mallory", outcome="failed") for n in range(2)), *spray(2)],
        innocent, Settings()),
    **{
        f"what {words} raised": Case(
            "5.7", [*population(60), *(foreign(100, f"x{n}", f"u{n}") for n in range(6)),
                    sign_in(50, "other", "u0", kind="non-interactive"), sign_in(last, "last", "u0")],
            each(where=lambda t: t["client_id"] == "rogue", count=6, probable=probable), Settings(), around=[])
        for words, last, probable in (
            ("must have been issued when the log ends is", 110, RAISED),
            ("may have been issued after the log ends is not", 110 - 1 / 60, None))
    },
    "explained misses are raised": Case(
        "5.7", [*population(60), sign_in(50, "t", "boss", client_id="tool"), access(51, "t", "boss", client_id="tool"),
                *(access(100 + n, f"x{n}", f"u{n}", client_id="tool", user_agent="curl") for n in range(6))],
        each(Reason.NOT_DECLARED, where=lambda t: t["user_agent"] == "curl", count=6, probable=RAISED), Settings()),
    "an own miss among them is not": Case(
        "5.7", [*population(60), *home("boss", client_id="tool"), sign_in(50, "t", "boss", client_id="tool"),
                access(51, "t", "boss", client_id="tool"), access(99, "own", "boss", client_id="tool"),
                *(access(100 + n, f"x{n}", f"u{n}", client_id="tool", user_agent="curl") for n in range(6))],
        [each(where=lambda t: t["user_agent"] == "curl", count=6, probable=RAISED),
         of("own", ordinary=True, group_rule=None)], Settings()),
    "misses from one network that name no client are raised": Case(
        "5.7", [*population(12), *(foreign(100 + n, f"x{n}", f"u{n}", client_id=None) for n in range(9))],
        each(Reason.NOT_DECLARED, where=lambda t: t["client_id"] is None, count=9, probable=RAISED), Settings()),
    "misses from many networks that name no client are not": Case(
        "5.7", [*population(12), *(foreign(100 + n, f"x{n}", f"u{n}", client_id=None, ip=f"203.0.{n}.9")
                                   for n in range(9))],
        each(Reason.NOT_DECLARED, where=lambda t: t["client_id"] is None, count=9, group_rule=None), Settings()),
    "own misses by a client that is new are raised": Case(
        "5.7", [*population(12), *(access(100 + n, f"x{n}", f"u{n}", client_id="vpn") for n in range(9))],
        each(Reason.ORDINARY_MISS, where=lambda t: t["client_id"] == "vpn", count=9, probable=RAISED)),
    "own misses by a client that was there from the first day are not": Case(
        "5.7", [*population(12), access(-14000, "first", "zoe", client_id="vpn", ip="192.0.2.200"),
                *(access(100 + n, f"x{n}", f"u{n}", client_id="vpn") for n in range(6))],
        each(Reason.DECLARATION_REFUTED, where=lambda t: t["client_id"] == "vpn" and t["route"], count=6,
             group_rule=None)),
    "own misses of one person by such a client are not": Case(
        "5.7", [*population(60), access(-14000, "first", "zoe", client_id="vpn", ip="192.0.2.200"),
                *(access(100 + n, f"x{n}", "u0", client_id="vpn") for n in range(9))],
        each(where=lambda t: t["client_id"] == "vpn" and t["subject"] == "u0", count=9, group_rule=None), Settings()),
    "a window that is asked for changes no verdict": Case(
        "5.7", [*population(12), *spray(6), sign_in(49, "first", "u0"), access(50, "first", "u0")],
        [each(Reason.ID_NOT_ISSUED, where=lambda t: t["client_id"] == "rogue", count=3), of("first", Reason.BY_ID)],
        complete(since=at(50), until=at(103))),
    "the rate of misses is that of the whole evidence": Case(
        "5.7", [*astray(60), *population(60), *spray(6)],
        each(where=lambda t: t["client_id"] == "rogue", count=6, group_rule=None), SINCE),
}

ITSELF = sign_in(-1440, "g", "bot-sp", subject_name=None, **BOT | {"kind": "service-principal"},
                 extra='{"agentSubjectType":"agenticAppInstance"}')
AGENTS: Table = {
    "a token that an agent uses for a person is unknown": Case(
        "5.11", [AGENT_SIDE, foreign(5, "x", client_id="bot"), foreign(6, "y", "bob", client_id="bot")],
        [last(Reason.AGENT_IDENTITY, probable=None), last_innocent]),
    "a token of an agent itself is unknown": Case(
        "5.11", [ITSELF, foreign(4, "y", "bob"), foreign(5, "x", "bot-sp", token_class="application")],
        last(Reason.AGENT_IDENTITY)),
    "what an agent does without an id is unknown": Case(
        "5.11", [ITSELF, foreign(9000, None, "bot-sp")], last(Reason.AGENT_IDENTITY)),
    "a person for whom an agent acts is no agent": Case(
        "5.11", [AGENT_SIDE, foreign(4, "y", "bob"), foreign(5, "x")], last(Reason.ID_NOT_ISSUED)),
    "an agents token that was issued is minted": Case("5.11", [AGENT_SIDE, access(5, "g")], last(Reason.BY_ID)),
    "a failed sign in makes no agent": Case(
        "5.11", [AGENT_SIDE | {"outcome": "failed"}, foreign(4, "y", "bob"), foreign(5, "x", client_id="bot")],
        last(Reason.ID_NOT_ISSUED)),
    "what calls itself an agents token makes no agent": Case(
        "5.11", [ITSELF, access(3, "g", client_id="bot", token_class="agent",
                                extra='{"agentSubjectType":"agenticAppInstance"}'),
                 foreign(4, "y", "bob"), foreign(5, "x")], last(Reason.ID_NOT_ISSUED)),
    "misses of agents refute nothing": Case(
        "5.11", [AGENT_SIDE, *home("alice"), *home("bob"), sign_in(2, "h", "bob", **BOT),
                 access(3, "h", "bob", client_id="bot"),
                 *(access(5, f"l-{who}", who, client_id="bot") for who in ("alice", "bob")),
                 foreign(8, "y", "bob"), foreign(9, "x")], last(Reason.ID_NOT_ISSUED)),
    **{
        f"misses under an agents client {words}": Case(
            "5.11", [*population(12), AGENT_SIDE | {"ip": "192.0.2.77"},
                     *spray(9, client_id="bot", ip=ip)],
            each(Reason.AGENT_IDENTITY, where=lambda t: t["client_id"] == "bot", count=9, probable=probable))
        for words, ip, probable in (
            ("from elsewhere are raised", "203.0.113.9", RAISED), ("from its own place are not", "192.0.2.78", None),
            ("from a services own network are not", EXCHANGES, None),
        )
    },
}

SIGNS: Table = {
    **{
        f"{words} is no second sign": Case(
            "4.6", [*home("alice"), *home("bob"), AGENT_SIDE, access(4, "y", "bob") | other,
                    access(5, "x", ip="203.0.113.9", session_id="s9")], of("x", Reason.LONE_MISS))
        for words, other in (
            ("a service's call of that session", {"client_id": ONLINE, "ip": "40.96.1.1", "session_id": "s9"}),
            ("an agent's token from that network", {"client_id": "bot", "ip": "203.0.113.9"}))
    },
    "what may have been issued after all is no second sign": Case(
        "4.6", [*home("alice"), *home("bob"), sign_in(0, "s", "bob"),
                access(1, None, "bob", ip="203.0.113.9", user_agent="x"), access(5, "x", ip="203.0.113.9")],
        of("x", Reason.LONE_MISS)),
}

CASES: Table = {**AGENTS, **CLUSTERS, **SIGNS}
