"""The reference, rules 5.2 and 5.3: declarations and holes."""

from __future__ import annotations

import pytest

from counterfoil.model.coverage import Declaration
from counterfoil.model.verdict import Reason, Verdict

from .reference import CoverageLine, Known, Policy, Settings, judge
from .rows import (
    CLEARED,
    ISSUER,
    OTHER_TENANT,
    Row,
    answer,
    assertion,
    at,
    background,
    complete,
    foreign,
    is_,
    numbered,
    sign_in,
)


def lines(rows: list[Row], settings: Settings, policy: Policy | None = None) -> list[CoverageLine]:
    """Return the coverage of the interactive sign-ins."""
    return [line for line in judge(numbered(rows), settings, policy).coverage if line.kind == "interactive"]


def statuses(rows: list[Row], settings: Settings, policy: Policy | None = None) -> list[str]:
    """Return what became of the declarations of the interactive sign-ins."""
    return [line.status for line in lines(rows, settings, policy)]


INTERACTIVE = Declaration("entra-signin", "interactive", at(-14400), at(14400))
WHOLE = [sign_in(-14400, "first"), sign_in(14400, "last")]
HOST = Declaration("adfs", "sts1", at(-14400), at(14400))

# --- rule 5.2: declarations --------------------------------------------------------------------------------------


def test_a_declared_kind_is_accepted_up_to_its_end() -> None:
    """5.2: with an export taken later than the lag, the declared end stands."""
    settings = Settings((INTERACTIVE,), exported_at=at(14400 + 73 * 60))
    assert lines(WHOLE, settings)[0].end == at(14400)


def test_the_end_is_cut_back_by_the_lag() -> None:
    """5.2: the last days of an export may still be on their way into the log."""
    late = lines(WHOLE, Settings((INTERACTIVE,)))
    assert late[0].end == at(14400 - 73 * 60)
    early = lines(WHOLE, Settings((INTERACTIVE,), exported_at=at(73 * 60)))
    assert early[0].end == at(0)


def test_a_declaration_never_speaks_of_time_without_any_record() -> None:
    """5.2: what was declared around the log is cut to it; after its last record, silence is believed for a day."""
    line = lines([sign_in(0, "a"), sign_in(60, "c")], Settings((INTERACTIVE,), exported_at=at(43200)))[0]
    assert (line.start, line.end) == (at(0), at(60 + 24 * 60))


def test_each_issuers_log_is_cut_by_its_own_records() -> None:
    """5.2: two tenants in one export; one of them was added in the middle."""
    theirs = {"issuer": f"entra:{OTHER_TENANT}", "home_tenant": OTHER_TENANT, "resource_tenant": OTHER_TENANT}
    rows = [*WHOLE, sign_in(5000, "x", "yves", **theirs), sign_in(6000, "y", "yves", **theirs)]
    found = {line.issuer: (line.start, line.end) for line in lines(rows, complete())}
    assert found == {ISSUER: (at(-14400), at(14400)), theirs["issuer"]: (at(5000), at(6000 + 24 * 60))}


def test_a_declaration_without_bounds_speaks_of_what_is_there() -> None:
    """5.2: from the first event to the last one, less the lag."""
    line = lines([sign_in(0, "a"), sign_in(9000, "c")], Settings((Declaration("entra-signin", "interactive"),)))[0]
    assert (line.start, line.end) == (at(0), at(9000 - 73 * 60))


def test_a_kind_nobody_declared_is_seen() -> None:
    """5.2: the table shows what could be declared."""
    assert statuses([sign_in(0, "a"), sign_in(5, "c")], Settings()) == ["seen"]


REFUSED = {
    "no records": ([sign_in(20000, "a")], Settings((INTERACTIVE,), exported_at=at(43200))),
    "truncated": ([sign_in(0, "a")], Settings((INTERACTIVE,), at(43200), truncated=frozenset({"entra-signin"}))),
    "empty": ([sign_in(0, "a")], Settings((INTERACTIVE,), exported_at=at(-14400))),
}


@pytest.mark.parametrize("why", REFUSED)
def test_a_declaration_that_the_export_contradicts_is_refused(why: str) -> None:
    """5.2: no records, a cut export, nothing left after the cut."""
    rows, settings = REFUSED[why]
    assert statuses(rows, settings) == ["refused"]


def host_statuses(sequences: list[int], declaration: Declaration = HOST) -> list[str]:
    """Return what becomes of a host's declaration; its records have these numbers, an hour apart."""
    rows = [assertion(60 * hour, sequence=number) for hour, number in enumerate(sequences)]
    judgement = judge(numbered(rows), Settings((declaration,), at(43200)))
    return [line.status for line in judgement.coverage]


STEADY = list(range(1, 20))  # 18 steps by one


def test_a_host_whose_record_numbers_jump_is_refused() -> None:
    """5.2: records were left out of the export, or out of the log."""
    assert host_statuses(STEADY) == ["accepted"]
    assert host_statuses([*STEADY, 25]) == ["refused"]


def test_a_host_whose_log_was_cleared_is_refused() -> None:
    """5.2: event 1102 of its Security log."""
    cleared = assertion(1, None, **CLEARED)
    rows = [assertion(0), assertion(9)]
    for more, status in (([], "accepted"), ([cleared], "refused"), ([cleared | {"kind": "sts2"}], "accepted")):
        judgement = judge(numbered([*rows, *more]), Settings((HOST,), at(43200)))
        assert [line.status for line in judgement.coverage] == [status]


def test_a_jump_before_or_after_the_interval_refuses_nothing() -> None:
    """5.2: a gap is the time between the two records around it."""
    gap = [*STEADY, 25, 26, 27]  # from the hour 18 to the hour 19
    assert host_statuses(gap, Declaration("adfs", "sts1", at(0), at(60 * 18 - 1))) == ["accepted"]
    assert host_statuses(gap, Declaration("adfs", "sts1", at(0), at(60 * 18))) == ["refused"]
    assert host_statuses(gap, Declaration("adfs", "sts1", at(60 * 19 + 1), at(14400))) == ["accepted"]


def test_the_numbers_of_a_filtered_export_prove_nothing() -> None:
    """5.2: who exports the sign-in events of a Security log only has numbers with gaps everywhere."""
    assert host_statuses([*range(1, 10), 20, *range(30, 40)]) == ["accepted"]


def test_numbers_in_the_cloud_prove_nothing() -> None:
    """5.2: only a host counts its records."""
    rows = [sign_in(minute, f"n{minute}", sequence=minute + (minute > 14)) for minute in range(16)]
    assert statuses(rows, Settings((INTERACTIVE,), at(43200))) == ["accepted"]


def test_a_summarised_source_is_refused() -> None:
    """5.2: sums have no ids."""
    judgement = judge(
        numbered([sign_in(0, "a")]),
        Settings((INTERACTIVE,), at(43200)),
        known=Known(summarised=frozenset({"entra-signin"})),
    )
    assert [line.status for line in judgement.coverage] == ["refused"]


def test_a_refused_declaration_convicts_nobody() -> None:
    """5.2: as if it were not declared."""
    token = answer([foreign(5, "x")], complete(truncated=frozenset({"entra-signin"})))
    assert is_(token, Verdict.UNCOVERED, Reason.NOT_DECLARED)


def test_a_guests_home_tenant_is_no_own_issuer() -> None:
    """5.2: the log of one tenant says nothing of tokens that another tenant issued."""
    theirs = f"entra:{OTHER_TENANT}"
    guest = sign_in(0, "g", "gus", issuer=theirs, home_tenant=OTHER_TENANT)
    token = answer([guest, foreign(5, "x", "gus", issuer=theirs)])
    assert is_(token, Verdict.UNCOVERED, Reason.NOT_DECLARED)


def test_a_declaration_speaks_for_every_own_issuer_that_is_in_the_log() -> None:
    """5.2: two own tenants in one export are both covered, where both have records of the kind."""
    theirs = f"entra:{OTHER_TENANT}"
    home = {"issuer": theirs, "home_tenant": OTHER_TENANT, "resource_tenant": OTHER_TENANT}
    rows = [
        sign_in(minute, f"{kind}{minute}", "gus", **home | {"kind": kind})
        for kind in ("interactive", "non-interactive")
        for minute in (-14400, 14400)
    ]
    assert is_(answer([*rows, foreign(5, "x", "gus", issuer=theirs)]), Verdict.FORGED, Reason.ID_NOT_ISSUED)
    assert is_(answer([*rows[:2], foreign(5, "x", "gus", issuer=theirs)]), Verdict.UNCOVERED, Reason.NOT_DECLARED)


# --- rule 5.3: holes ---------------------------------------------------------------------------------------------


WEEKDAYS = [7 * week + day for week in range(4) for day in range(5)]  # from a Monday on


def busy(*days: int) -> list[Row]:
    """Return a sign-in every four hours of these days."""
    return [sign_in(1440 * day + 240 * hour, f"d{day}.{hour}", "zoe") for day in days for hour in range(6)]


def test_a_day_without_records_in_a_busy_log_is_a_hole() -> None:
    """5.3: tokens that may have been issued in it are uncovered."""
    policy = Policy(gap_records=5)
    assert "hole" in statuses(busy(-3, -2, -1, 1, 2), complete(), Policy(gap_records=4))
    weeks = [day - 14 for day in WEEKDAYS]
    rows = [*busy(*(day for day in weeks if day != -5)), foreign(1440 * -4 + 60, "x")]
    assert is_(answer(rows, policy=policy), Verdict.UNCOVERED, Reason.OUTSIDE_COVERAGE)
    rows = [*busy(*weeks), foreign(1440 * -4 + 60, "x")]
    assert is_(answer(rows, policy=policy), Verdict.FORGED, Reason.ID_NOT_ISSUED)


def test_silence_in_a_quiet_log_is_no_hole() -> None:
    """5.3: a tenant of three people is silent at the weekend."""
    assert statuses(busy(-3, -2, -1, 1, 2), complete(), Policy(gap_records=20)) == ["accepted"]


def test_silence_on_weekends_is_no_hole_where_weekends_are_silent() -> None:
    """5.3: what this log usually holds on such a weekday is what counts."""
    assert statuses(busy(*WEEKDAYS), complete(), Policy(gap_records=5)) == ["accepted"]


def test_a_silent_wednesday_is_a_hole_where_wednesdays_are_busy() -> None:
    """5.3: and so is a night that runs into it; a hole ends with the records around it."""
    days = [day for day in WEEKDAYS if day != 9]
    settings = complete(declarations=(Declaration("entra-signin", "interactive"),))
    found = lines(busy(*days), settings, Policy(gap_records=5))
    assert [(line.start, line.end) for line in found if line.status == "hole"] == [
        (at(1440 * 8 + 240 * 5), at(1440 * 10))
    ]


def test_a_day_that_is_silent_as_often_as_not_is_no_hole() -> None:
    """5.3: the median of the other Wednesdays, not the busiest."""
    days = [day for day in WEEKDAYS if day not in (2, 9)]
    assert statuses(busy(*days, 28, 29, 30), complete(), Policy(gap_records=9)) == ["accepted"]


def test_the_issuer_of_the_rows_is_own() -> None:
    """5.2: the fixture's own tenant is what the declarations speak for."""
    assert {line.issuer for line in lines(background(), complete())} == {ISSUER}
