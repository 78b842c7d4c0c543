"""Rule 4.8: logs of which nobody has published how complete they are, and rule 4.1 where two logs tell of the same."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from counterfoil.model.coverage import Declaration
from counterfoil.model.reason import Reason

from .cases import Case, Table, coverage, each, innocent, last, of
from .cases_links import lawful, off
from .cases_misses import AGENT_SIDE, BOT, EXCHANGES, ONLINE
from .cases_unread import broken
from .reference import Policy, Settings
from .rows import ISSUER, KINDS, TENANT, Row, access, at, background, complete, farm_log, foreign, sign_in

DAY = 1440
FEW = Policy(proving_links=4)
ENOUGH = FEW.proving_links
TABLE: Row = {"source": "defender-signin", "home_tenant": None, "incoming_token": None}
GRAPH: Row = {"source": "defender-graph", "kind": "graph", "object_kind": "api", "operation": "GET", "logon_type": None}
# Declared with the others, which are not in evidence then.
BOTH = tuple(Declaration(log, kind, at(-14400), at(14400)) for log in ("defender-signin", "entra-signin")
             for kind in KINDS)
DECLARED = complete(declarations=BOTH)
MIXED = complete(declarations=BOTH, exported_at=at(43201))  # a run of its own: home tenants are known in it
UNDECLARED = complete(declarations=())
CUT = complete(declarations=BOTH, truncated=frozenset({"defender-signin"}))
AROUND = [row | TABLE for row in background()]
OTHERS: Row = {"kind": "non-interactive"}
DIVIDED = [row | (TABLE if row["kind"] == OTHERS["kind"] else {}) for row in background()]
LATER = [sign_in(minute, f"{kind}{minute}", "zoe", kind=kind) for kind in KINDS for minute in (9000, 14400)]
PEOPLE = ("alice", "bob", "carl", "dora", "eve")
STRANGER = [foreign(DAY, "x"), foreign(DAY + 9, "y", "bob")]


def linking(number: int = ENOUGH, issued: Row = TABLE, **accepted: Any) -> list[Row]:
    """Return people at home, each of whom signs in for days and then uses a token that links."""
    rows = [sign_in(-DAY * day, f"h{day}-{who}", who) | issued for who in PEOPLE for day in range(1, 4)]
    for place in range(number):
        who = PEOPLE[place % len(PEOPLE)]
        rows += [sign_in(place, f"ok{place}", who) | issued, access(place + 1, f"ok{place}", who, **accepted)]
    return rows


def told(rows: Iterable[Row], *wanted: Any, settings: Settings = DECLARED, around: list[Row] = AROUND,
         rule: str = "4.8", **more: Any) -> Case:
    """Return a case of such tables."""
    return Case(rule, list(rows), wanted, settings, FEW, around, **more)


PROBABLY = last(Reason.UNPROVEN_LOG, probable="unproven-log")
CASES: Table = {
    "with a declaration and enough that link, what the table lacks is forged": told(
        [*linking(), *STRANGER], last(Reason.ID_NOT_ISSUED)),
    "with a declaration and one link too few, it is probably forged": told(
        [*linking(ENOUGH - 1), *STRANGER], PROBABLY),
    **{
        f"where {words}, what an unproven table lacks {told_so}": told(
            [*linking(ENOUGH - 1), *STRANGER, sign_in(DAY, "t", "zoe", raw_file="table", raw_position=0) | TABLE,
             broken(1, "table", source=TABLE["source"], item_count=records)],
            each(reason, where=lambda t: t["token_id"] in ("x", "y"), count=2), rule="5.10")
        for words, told_so, records, reason in (
            ("two records could not be read", "may be among them", 2, Reason.MAY_BE_UNREAD),
            ("one could not be read", "stays what it was", 1, Reason.UNPROVEN_LOG))
    },
    "with a declaration and one own use missing, it is probably forged": told(
        [*linking(), access(DAY + 5, "lost"), *STRANGER], PROBABLY, of("lost", Reason.ORDINARY_MISS)),
    "an own use that comes before the table begins is not missing from it": told(
        [*linking(), access(-14390, "early"), *STRANGER], last(Reason.ID_NOT_ISSUED),
        of("early", Reason.OUTSIDE_COVERAGE)),
    "links of applications show nothing of people's sign-ins": told(
        [*linking(ENOUGH - 1), sign_in(0, "app", "app", kind="service-principal", token_class="application") | TABLE,
         access(5, "app", "app", token_class="application"), *STRANGER], PROBABLY),
    "links to another log show nothing of the table": told(
        [*linking(1), *linking(ENOUGH, issued={"source": "m365-ual", "kind": "sign-in"})[len(PEOPLE) * 3:], *STRANGER],
        PROBABLY),
    "one lost record of a new device looks the same, enough links or not": told(
        [*linking(), access(DAY, "x", client_id="outlook", ip="203.0.113.9")],
        last(Reason.LONE_MISS, group_rule="lone-miss")),
    **{
        f"what is not missing shows nothing against the table: {words}": told(
            [*linking(), *rows, *STRANGER], of("y", Reason.ID_NOT_ISSUED))
        for words, rows in {
            "an own use whose sign-in was interrupted": [
                sign_in(DAY + 4, "own", outcome="interrupted") | TABLE, access(DAY + 5, "own")],
            "an own use without an id, of some sign-in or other": [access(9, None)],
            "what a delegate did at home, without an id": [access(DAY + 4000, None, logon_type="delegate")],
            "an own use of a new client": [access(DAY + 5, "own", client_id="new")],
            "an own use of a client that was there from the first day": [
                access(-14390, "first", "zoe", client_id="new", ip="192.0.2.200"),
                access(DAY + 5, "own", client_id="new")],
            "a service's call": [
                *(sign_in(-DAY * day, f"s{day}", ip=EXCHANGES, client_id=ONLINE) | TABLE for day in range(1, 4)),
                access(DAY + 5, "own", ip=EXCHANGES, client_id=ONLINE)],
            "an agent's call": [
                AGENT_SIDE | TABLE, sign_in(2, "h", "bob", **BOT) | TABLE | {"kind": BOT["kind"]},
                access(3, "h", "bob", client_id="bot"), access(DAY + 5, "own", client_id="bot")],
        }.items()
    },
    "links to the table of sign-ins show nothing of that of requests": told(
        [*linking(), *(row | GRAPH for row in STRANGER)], PROBABLY),
    **{
        f"undeclared, nothing is said of {words}": told([*linking(), *rows], innocent, settings=UNDECLARED)
        for words, rows in {
            "an own use of a new client": [access(DAY, "x", client_id="new")],
            "a new client at home, under another agent": [
                sign_in(20, "t", "carl", client_id="tool") | TABLE, access(21, "t", "carl", client_id="tool"),
                access(DAY, "x", client_id="tool", user_agent="curl")],
            "what bears no id": [foreign(DAY + 4000, None, object_kind="file")],
            "what a service's own network says it called for somebody": [
                *(sign_in(-DAY * day, f"s{day}", "zoe", ip=EXCHANGES, client_id=ONLINE) | TABLE for day in (1, 2)),
                access(DAY, "x", "nobody", ip=EXCHANGES, client_id=ONLINE, user_agent="strange")],
        }.items()
    },
    "without an id, the table convicts by the same rule": told(
        [*linking(ENOUGH - 1), foreign(DAY + 4000, None, object_kind="file"), *STRANGER],
        of(None, Reason.UNPROVEN_LOG, probable="unproven-log")),
    "undeclared, enough that link make it probably forged": told(
        [*linking(), *STRANGER], last(Reason.NOT_DECLARED, probable="unproven-log"), settings=UNDECLARED),
    "undeclared and too few that link, nothing is said": told(
        [*linking(ENOUGH - 1), *STRANGER], innocent, settings=UNDECLARED),
    "undeclared and an own use missing, nothing is said": told(
        [*linking(), access(DAY + 5, "lost"), *STRANGER], innocent, settings=UNDECLARED),
    "undeclared, nothing is said of another tenant's tokens": told(
        [row | {"issuer": "entra:partner", **({"resource_tenant": "partner"} if row["leg"] == "issuance" else {})}
         for row in [*linking(), *STRANGER]], innocent, settings=UNDECLARED,
        around=[*AROUND, *(row | {"issuer": "entra:partner", "resource_tenant": "partner"} for row in AROUND)]),
    **{
        f"undeclared, {words}": told(
            [*linking(), foreign(minute, "x")], of("x", Reason.NOT_DECLARED, probable=probable), settings=UNDECLARED)
        for words, minute, probable in (
            ("what may have been issued when the table begins is probably forged", -14400 + 1690, "unproven-log"),
            ("what may have been issued a second before is not", -14400 + 1690 - 1 / 60, None),
            ("what must have been issued until the lag of its end is probably forged", 14400 - 73 * 60 - 10,
             "unproven-log"),
            ("what may have been issued a second later is not", 14400 - 73 * 60 - 10 + 1 / 60, None))
    },
    "undeclared, another log tells nothing of a time that the table lacks": told(
        [*linking(), *STRANGER], innocent, settings=UNDECLARED,
        around=[*(row for row in AROUND if row["event_time"] < at(0)),
                *(row | {"home_tenant": None} for row in background())]),
    "undeclared, what came within the lag of the last record is not missing yet": told(
        [*linking(), foreign(14400 - 73 * 60 - 9, "x")], innocent, settings=UNDECLARED),
    "a table that was cut off convicts nobody and says nothing": told(
        [*linking(), *STRANGER], innocent, coverage("defender-signin", "interactive", status=["refused"]),
        settings=CUT),
    "ids of such a table of requests need links of their own": told(
        [*linking(ENOUGH, issued={}), foreign(DAY, "x", **GRAPH), foreign(DAY + 9, "y", "bob", **GRAPH)], PROBABLY,
        settings=complete(), around=background()),
    "with links of its own, the table of requests convicts": told(
        [*linking(ENOUGH, issued={}, **GRAPH), foreign(DAY, "x", **GRAPH), foreign(DAY + 9, "y", "bob", **GRAPH)],
        last(Reason.ID_NOT_ISSUED), settings=complete(), around=background()),
    "as many links as the real constants ask for prove a table, and a law": Case(
        "3.2, 4.8", [*lawful(200, **GRAPH), *off(0, **GRAPH), *(row | GRAPH for row in STRANGER)],
        [of("a", Reason.ISSUED_AT_DIFFERS), last(Reason.ID_NOT_ISSUED)]),
    "where another log is declared complete, the table need not show anything": told(
        [*linking(1, issued={}), *STRANGER], last(Reason.ID_NOT_ISSUED), rule="4.1",
        around=[*background(), *AROUND], settings=MIXED),
    "where another log is declared complete, and begins later, the table must show it": told(
        [*linking(1), *STRANGER], PROBABLY, rule="4.1", around=[*AROUND, *LATER], settings=MIXED),
    "of two logs of sign-ins, each will do for the kinds that it holds": told(
        [*linking(issued=TABLE | OTHERS), *STRANGER], last(Reason.ID_NOT_ISSUED), rule="4.1", around=DIVIDED,
        settings=MIXED),
    **{
        f"where one kind is in such a table alone, its links count and no other log's{words}": told(
            [*linking(issued={}), *(sign_in(n, f"ok{n}", PEOPLE[n % 5]) | TABLE | OTHERS | more
                                    for n in range(ENOUGH * bool(more))), *STRANGER],
            PROBABLY, around=DIVIDED, settings=MIXED)
        for words, more in (("", {}), (", nor what failed there", {"outcome": "interrupted"}),
                            (", nor ids of another kind", {"token_id_kind": "jti"}))
    },
    "the presence of an id in either clears": told(
        [*linking(1, issued={}), sign_in(5, "x") | TABLE, foreign(7, "x")], last(Reason.BY_ID), rule="4.1",
        around=[*background(), *AROUND], settings=MIXED),
    "a guest of whom only that is told is not compared": told(
        [*linking(), sign_in(5, "x", "guest", cross_tenant="b2bCollaboration") | TABLE, access(7, "x", "bob")],
        last(Reason.BY_ID), rule="3.2"),
    "who is told to be none is compared": told(
        [*linking(), sign_in(5, "x", "carl", cross_tenant="none") | TABLE, access(7, "x", "bob")],
        last(Reason.SUBJECT_DIFFERS), rule="3.2"),
    "of a log without home tenants, those are its own whose services accepted something": told(
        [*linking(), sign_in(0, "away", resource_tenant="partner", issuer="entra:partner") | TABLE, *STRANGER,
         sign_in(1, "untold", "zoe") | TABLE | {"home_tenant": TENANT, "resource_tenant": None}],
        coverage("defender-signin", "interactive", issuer=[ISSUER, "entra:partner"], status=["accepted", "seen"]),
        last(Reason.ID_NOT_ISSUED), rule="5.2"),
    "of a log without home tenants, where nothing says whose services accepted, all issuers are own ones": told(
        [row | ({"resource_tenant": None} if row["leg"] == "acceptance" else {}) for row in [*linking(), *STRANGER]],
        last(Reason.ID_NOT_ISSUED), rule="5.2", alone=True),
    "of a log without home tenants, and of a farm": told(
        [*linking(), *farm_log()], coverage("adfs", status=["accepted"]), rule="5.2",
        settings=complete(declarations=(*BOTH, Declaration("adfs", "sts1", at(-14400), at(14400))))),
}
