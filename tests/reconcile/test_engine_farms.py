"""Farms of federation servers: every server must be in evidence, and its event log whole (rules 5.2 and 5.3)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from counterfoil.model.coverage import Declaration
from counterfoil.model.verdict import Reason
from counterfoil.reconcile.declared import ABSENT_NODE, NODE_MISSING, SILENT_NODE

from .engine_run import Answer, Judge
from .reference import Settings
from .rows import CLEARED, Row, assertion, at, complete, farm_log, federated_sign_in
from .test_engine_cases import agreed

NODE = "adfs02.sts.example.org"


def judged(answer: Answer) -> str:
    """Return the reason for the one assertion that was presented."""
    (token,) = [t for t in answer.tokens if t["derived"] == "assertion"]
    return str(token["reason"])


def farm_rows(answer: Answer) -> dict[str, tuple[str, str]]:
    """Return status and reason by server."""
    return {row.kind: (row.status, row.reason) for row in answer.coverage if row.source == "adfs"}


def test_a_declared_server_without_evidence_belongs_to_the_farm_of_its_domain(engine_judge: Judge) -> None:
    """5.3: who declares a second server says that it may have issued the assertion; nothing of it is here."""
    rows = [*farm_log(), federated_sign_in(5, "a")]
    named = (*complete().declarations, Declaration("adfs", NODE, at(-14400), at(14400)))
    assert judged(agreed(engine_judge, rows)) == Reason.ASSERTION_NOT_ISSUED
    answer = agreed(engine_judge, rows, complete(declarations=named))
    assert judged(answer) == Reason.OUTSIDE_COVERAGE
    assert farm_rows(answer)[NODE] == ("refused", ABSENT_NODE)
    elsewhere = complete(declarations=(*complete().declarations, Declaration("adfs", "adfs02.other.example")))
    assert judged(agreed(engine_judge, rows, elsewhere)) == Reason.ASSERTION_NOT_ISSUED


def test_a_server_that_evidence_knows_must_be_declared(engine_judge: Judge) -> None:
    """5.3: a request that a server answered shows that it belongs to the farm, even if its issuances are not here."""
    rows = [*farm_log(), assertion(0, None, kind="sts2", leg="context", operation="403"), federated_sign_in(5, "a")]
    answer = agreed(engine_judge, rows)
    assert judged(answer) == Reason.OUTSIDE_COVERAGE
    assert farm_rows(answer)["sts2"] == ("seen", SILENT_NODE)
    both = complete(declarations=(*complete().declarations, Declaration("adfs", "sts2", at(-14400), at(14400))))
    assert farm_rows(agreed(engine_judge, rows, both))["sts2"] == ("refused", SILENT_NODE)


LOST = {
    "cleared": ("1102", "event_log", "the event log was cleared (1102)"),
    "dropped": ("1101", "event_log", "audit events were dropped (1101)"),
    "full": ("1104", "event_log", "the Security log was full (1104)"),
    "off": ("4719", "auditing_off", "auditing of AD FS was switched off (4719)"),
    "other": ("1102", None, ""),  # another provider's event of that number
}


def declared(*hosts: str, start: datetime | None = None, end: datetime | None = None) -> Settings:
    """Return settings that declare these servers alone."""
    named = tuple(Declaration("adfs", host, start, end) for host in hosts)
    return complete(declarations=named, exported_at=at(43200))


def test_a_log_that_says_of_itself_that_it_is_not_whole_is_refused(engine_judge: Judge) -> None:
    """5.2: whatever the Security log says was lost, absence in it proves nothing; the reason says what and when."""
    rows: list[Row] = []
    for host, (operation, kind, _) in LOST.items():
        rows += farm_log(host)
        rows.append(assertion(7, None, **CLEARED | {"operation": operation, "object_kind": kind, "kind": host}))
    found = farm_rows(agreed(engine_judge, rows, declared(*LOST)))
    assert found.pop("other")[0] == "accepted"
    assert found == {
        host: ("refused", f"{words} at {at(7):%Y-%m-%d %H:%M:%S}Z") for host, (*_, words) in LOST.items() if words
    }


def numbered_log(host: str, numbers: Sequence[int], operation: str = "1200") -> list[Row]:
    """Return a server's records with these numbers, ten minutes apart."""
    return [
        assertion(10 * n, "zoe", sequence=number, operation=operation, kind=host) for n, number in enumerate(numbers)
    ]


NOTES = {
    "whole": (numbered_log("whole", range(500, 530)), "audit 1200 alone (Basic); record numbers 500 to 529"),
    "filtered": (
        numbered_log("filtered", range(500, 560, 2)),
        "audit 1200 alone (Basic); record numbers jump throughout, as in a filtered export, so that gaps cannot be"
        " seen"),
    "unnumbered": (
        [assertion(0, kind="unnumbered"), assertion(290, operation="299", kind="unnumbered")],
        "audits 1200 and 299 (Verbose); no record numbers, so that gaps cannot be seen"),
    "old": (
        numbered_log("old", range(500, 530), "299"), "audit 299 alone, which names no user; record numbers 500 to 529"),
}  # fmt: skip


def test_an_accepted_log_says_how_it_was_audited_and_exported(engine_judge: Judge) -> None:
    """5.2: what cannot be seen in a log that is relied on is said beside it; gaps, with their numbers and times."""
    rows = [row for log, _ in NOTES.values() for row in log]
    rows += numbered_log("gaps", [*range(1_000, 1_030), *range(1_136, 1_160), *range(1_161, 1_180)])
    found = farm_rows(agreed(engine_judge, rows, declared(*NOTES, "gaps")))
    times = f"between {at(290):%Y-%m-%d %H:%M:%S}Z and {at(300):%Y-%m-%d %H:%M:%S}Z"
    assert found.pop("gaps") == (
        "refused", f"records 1,030 to 1,135 are missing (106), {times}; and 1 more such breaks"
    )  # fmt: skip
    missing = "; of no use while gaps is not relied on"
    assert found == {
        host: ("accepted", f"declared complete; {words}{missing}") for host, (_, words) in NOTES.items()
    }


def test_a_log_that_rolled_over_says_where_it_begins(engine_judge: Judge) -> None:
    """5.2: declared from before its first record, the log counts from there, and the analyst learns why."""
    rows = [*numbered_log("rolled", range(77_000, 77_030)), *numbered_log("first", range(1, 31))]
    found = farm_rows(agreed(engine_judge, rows, declared("rolled", "first", start=at(-14400), end=at(280))))
    begins = f"declared complete; the log begins {at(0):%Y-%m-%d %H:%M}Z with record"
    assert found["rolled"][1].startswith(f"{begins} 77,000: what came before was overwritten or left out;")
    assert found["first"][1].startswith(f"{begins} 1;")


def test_a_server_that_nobody_declared_says_what_it_costs(engine_judge: Judge) -> None:
    """5.3: the other server's log is complete, and still nothing can be judged: the row says why."""
    answer = agreed(engine_judge, [*farm_log(), *farm_log("sts2"), federated_sign_in(5, "a")])
    assert farm_rows(answer)["sts2"] == ("seen", NODE_MISSING)
    assert farm_rows(answer)["sts1"][1].endswith("; of no use while sts2 is not relied on")
