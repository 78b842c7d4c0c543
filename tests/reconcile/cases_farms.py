"""Farms of federation servers: every server must be in evidence, and its event log whole (rules 5.2 and 5.3)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from counterfoil.model.coverage import Declaration
from counterfoil.model.reason import Reason
from counterfoil.reconcile.declared import ABSENT_NODE, NODE_MISSING
from counterfoil.sources.registry import logs

from .cases import Case, Table, Told, Wanted, coverage, last
from .reference import Settings
from .rows import CLEARED, ISSUER, Row, assertion, at, complete, farm_log, federated_sign_in

SILENT_NODE = logs().hosts["adfs"].silent

NODE = "adfs02.sts.example.org"
PRESENTED = [*farm_log(), federated_sign_in(5, "a")]
SECOND = [*PRESENTED, assertion(0, None, kind="sts2", leg="context", operation="403")]


def also(host: str) -> Settings:
    """Return settings that declare this server too."""
    return complete(declarations=(*complete().declarations, Declaration("adfs", host, at(-14400), at(14400))))


def declared(*hosts: str, start: datetime | None = None, end: datetime | None = None) -> Settings:
    """Return settings that declare these servers, and the sign-ins."""
    named = tuple(Declaration("adfs", host, start, end) for host in hosts)
    return complete(declarations=(*complete().declarations[:4], *named))


SERVERS: dict[str, Case] = {
    "a declared server that is alone in its farm is all of it": Case(
        "5.3", PRESENTED,
        [last(Reason.ASSERTION_NOT_ISSUED), coverage("entra-signin", "interactive", issuer=[ISSUER])]),
    "a declared server without evidence belongs to the farm of its domain": Case(
        "5.3", PRESENTED,
        [last(Reason.OUTSIDE_COVERAGE), coverage("adfs", NODE, status=["refused"], reason=[ABSENT_NODE])],
        also(NODE)),
    "a declared server of another domain belongs to another farm": Case(
        "5.3", PRESENTED,
        [last(Reason.ASSERTION_NOT_ISSUED),
         coverage("adfs", "adfs02.other.example", issuer=[""], reason=["no record of this kind is in evidence"])],
        also("adfs02.other.example")),
    "a server that evidence knows must be declared": Case(
        "5.3", SECOND,
        [last(Reason.OUTSIDE_COVERAGE), coverage("adfs", "sts2", status=["seen"], reason=[SILENT_NODE])]),
    "a server that evidence knows must have issued something": Case(
        "5.3", SECOND, coverage("adfs", "sts2", status=["refused"], reason=[SILENT_NODE]), also("sts2")),
    "a server that nobody declared says what it costs": Case(
        "5.3", [*farm_log(), *farm_log("sts2"), federated_sign_in(5, "a")],
        [coverage("adfs", "sts2", status=["seen"], reason=[NODE_MISSING]),
         coverage("adfs", "sts1", reason=[
             "declared complete; audit 1200 alone (Basic); no record numbers, so that gaps cannot be seen;"
             " of no use while sts2 is not relied on"
         ])]),
}

SERVERS |= {
    f"servers that nobody declared are named, three of them: {len(others)}": Case(
        "5.3", [row for host in ("sts1", *others) for row in farm_log(host)],
        coverage("adfs", "sts1", reason=[
            "declared complete; audit 1200 alone (Basic); no record numbers, so that gaps cannot be seen;"
            f" of no use while {words} is not relied on"
        ]))
    for others, words in (
        (("sts2", "sts3", "sts4"), "sts2, sts3, sts4"),
        (("sts2", "sts3", "sts4", "sts5"), "sts2, sts3, sts4 and 1 more"))
}

LOST = {
    "cleared": ("1102", "event_log", "the event log was cleared (1102)"),
    "dropped": ("1101", "event_log", "audit events were dropped (1101)"),
    "full": ("1104", "event_log", "the Security log was full (1104)"),
    "off": ("4719", "auditing_off", "auditing of AD FS was switched off (4719)"),
}
BEGINS = f"the log begins {at(0):%Y-%m-%d %H:%M}Z with record"
WHEN = f"{at(7):%Y-%m-%d %H:%M:%S}Z"


def numbered_log(numbers: Sequence[int], operation: str = "1200") -> list[Row]:
    """Return a server's records with these numbers, ten minutes apart."""
    return [assertion(10 * n, "zoe", sequence=number, operation=operation) for n, number in enumerate(numbers)]


def begins(words: str) -> Wanted:
    """Want an accepted log of whose reason the middle part is this."""

    def wrong(told: Told) -> list[str]:
        found = [row.reason.split("; ")[1] for row in told.coverage if row.source == "adfs"]
        return [] if found == [words] else [f"it says {found}"]

    return wrong


def accepted(rows: Sequence[Row], words: str) -> Case:
    """Return a server with these records, and what the coverage says of them."""
    return Case("5.2", rows, coverage("adfs", status=["accepted"], reason=[f"declared complete; {words}"]),
                declared("sts1"))


LOGS: Table = {
    **{
        f"a log that says of itself that it is not whole is refused: {name}": Case(
            "5.2", [*farm_log(), assertion(7, None, **CLEARED | {"operation": operation, "object_kind": kind})],
            coverage("adfs", status=["refused"], reason=[f"{words} at {WHEN}"]), declared("sts1"))
        for name, (operation, kind, words) in LOST.items()
    },
    "a log that says of itself that it is not whole is refused: not another providers event of that number": Case(
        "5.2", [*farm_log(), assertion(7, None, **CLEARED | {"object_kind": None})],
        coverage("adfs", status=["accepted"]), declared("sts1")),
    "a record of the event log that tells of no loss refuses nothing": Case(
        "5.2", [*farm_log(), assertion(7, None, **CLEARED | {"operation": "104"})],
        coverage("adfs", status=["accepted"]), declared("sts1")),
    "an accepted log says how it was audited and exported: one number": accepted(
        [assertion(0, "zoe", sequence=5), assertion(290, "zoe")],
        "audit 1200 alone (Basic); no record numbers, so that gaps cannot be seen"),
    "a log of one number does not say with which it begins": Case(
        "5.2", [assertion(0, "zoe", sequence=5), assertion(290, "zoe")],
        begins(f"the log begins {at(0):%Y-%m-%d %H:%M}Z: what came before was overwritten or left out"),
        declared("sts1", start=at(-14400), end=at(280))),
    **{
        f"an accepted log says how it was audited and exported: {other} says something else": accepted(
            [*numbered_log(range(500, 530), own), assertion(295, None, leg="context", operation=other, sequence=530)],
            f"{words}; record numbers 500 to 530")
        for own, other, words in (
            ("299", "1200", "audit 299 alone, which names no user"), ("1200", "299", "audit 1200 alone (Basic)"))
    },
    "an accepted log says how it was audited and exported": accepted(
        numbered_log(range(500, 530)), "audit 1200 alone (Basic); record numbers 500 to 529"),
    "an accepted log says how it was audited and exported: filtered": accepted(
        numbered_log(range(500, 560, 2)),
        "audit 1200 alone (Basic); record numbers jump throughout, as in a filtered export, so that gaps cannot be"
        " seen"),
    "an accepted log says how it was audited and exported: without numbers": accepted(
        [assertion(0, "zoe"), assertion(290, "zoe", operation="299")],
        "audits 1200 and 299 (Verbose); no record numbers, so that gaps cannot be seen"),
    "an accepted log says how it was audited and exported: old": accepted(
        numbered_log(range(500, 530), "299"), "audit 299 alone, which names no user; record numbers 500 to 529"),
    "a log with gaps is refused and says which": Case(
        "5.2", numbered_log([*range(1_000, 1_030), *range(1_136, 1_160), *range(1_161, 1_180)]),
        coverage("adfs", status=["refused"], reason=[
            f"records 1,030 to 1,135 are missing (106), between {at(290):%Y-%m-%d %H:%M:%S}Z and"
            f" {at(300):%Y-%m-%d %H:%M:%S}Z; and 1 more such breaks"
        ]), declared("sts1")),
    "a log of which one record is missing says which": Case(
        "5.2", numbered_log([*range(1_000, 1_030), *range(1_031, 1_050)]),
        coverage("adfs", status=["refused"], reason=[
            f"record 1,030 is missing, between {at(290):%Y-%m-%d %H:%M:%S}Z and {at(300):%Y-%m-%d %H:%M:%S}Z"
        ]), declared("sts1")),
    "a log that rolled over says where it begins": Case(
        "5.2", numbered_log(range(77_000, 77_030)),
        begins(f"{BEGINS} 77,000: what came before was overwritten or left out"),
        declared("sts1", start=at(-14400), end=at(280))),
    "a log that begins with its first record says so": Case(
        "5.2", numbered_log(range(1, 31)), begins(f"{BEGINS} 1"),
        declared("sts1", start=at(-14400), end=at(280))),
}

CASES: Table = {**SERVERS, **LOGS}
