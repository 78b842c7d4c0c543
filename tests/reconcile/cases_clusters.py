"""Rules 5.7 and 5.11: misses that cluster, and tokens of agents."""

from __future__ import annotations

from typing import Any

from counterfoil.model.reason import Reason

from .cases import Case, Table, each, innocent, last, last_innocent
from .cases_misses import AGENT_SIDE, BOT, EXCHANGES, home, trail
from .reference import Settings
from .rows import KINDS, Row, access, at, complete, foreign, sign_in

SINCE = Settings(since=at(0))


def population(count: int) -> list[Row]:
    """Return people whose tokens all link."""
    return [row for number in range(count) for row in trail(f"u{number}", number)]


def spray(count: int, **more: Any) -> list[Row]:
    """Return foreign misses of so many people."""
    return [foreign(100 + n, f"x{n}", f"u{n}", **more) for n in range(count)]


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
    "what may have been issued after the log ends is not raised": Case(
        "5.7", [*population(60), *spray(6)], innocent, Settings(), around=[]),
    "explained misses are raised": Case(
        "5.7", [*population(60), sign_in(50, "t", "boss", client_id="tool"), access(51, "t", "boss", client_id="tool"),
                *(access(100 + n, f"x{n}", f"u{n}", client_id="tool", user_agent="curl") for n in range(6))],
        each(Reason.NOT_DECLARED, where=lambda t: t["user_agent"] == "curl", count=6, probable=RAISED), Settings()),
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
    "a window that is asked for changes no verdict": Case(
        "5.7", [*population(12), *spray(6)],
        each(Reason.ID_NOT_ISSUED, where=lambda t: t["client_id"] == "rogue", count=6), complete(since=at(50))),
    "the rate of misses is that of the whole evidence": Case(
        "5.7", [*(access(-3000 + n, f"m{n}", f"m{n}", client_id=f"c{n}", ip=f"203.0.{n}.9", user_agent="odd")
                  for n in range(60)), *population(60), *spray(6)],
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

CASES: Table = {**AGENTS, **CLUSTERS}
