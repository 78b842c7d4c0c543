"""The engine, on small cases in which it once differed from the reference."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from counterfoil.model.coverage import Declaration
from counterfoil.model.verdict import Reason

from .engine_run import Answer, Judge, differences
from .reference import Policy, Settings
from .rows import (
    CLEARED,
    KINDS,
    OTHER_TENANT,
    Row,
    access,
    assertion,
    at,
    background,
    complete,
    farm_log,
    federated_sign_in,
    foreign,
    numbered,
    sign_in,
)


def agreed(judge: Judge, rows: Sequence[Row], settings: Settings | None = None, policy: Policy | None = None) -> Answer:
    """Judge rows on top of the background with both; they agree."""
    every, settings, policy = numbered([*background(), *rows]), settings or complete(), policy or Policy()
    answer = judge(every, settings, policy)
    assert differences(answer, every, settings, policy) == []
    return answer


def reason(answer: Answer, token_id: str | None) -> str:
    """Return the reason for the one token with this id."""
    (token,) = [t for t in answer.tokens if t["token_id"] == token_id and t["derived"] == ""]
    return str(token["reason"])


def test_the_versions_of_a_sign_in_present_one_assertion(engine_judge: Judge) -> None:
    """1.3 a: one assertion was issued and presented; two successful versions of the sign-in are no second one."""
    rows = [*farm_log(), federated_sign_in(5, "a"), federated_sign_in(6, "a")]
    answer = agreed(engine_judge, rows)
    assert [t["derived"] for t in answer.tokens] == ["assertion"]


def test_a_stratum_that_links_in_the_window_is_not_silent(engine_judge: Judge) -> None:
    """5.6: what was used before the log begins cannot link; that makes nothing silent."""
    before = [access(-14401 - 1440 * (n % 3), f"s{n}", f"p{n}") for n in range(1, 6)]
    rows = [*before, sign_in(0, "s8", "p8"), access(1, "s8", "p8"), access(5, "x", "p9")]
    assert reason(agreed(engine_judge, rows), "x") == Reason.ID_NOT_ISSUED


def test_one_guest_without_home_tenant_makes_no_own_issuer(engine_judge: Judge) -> None:
    """5.2: tenants are in the log; one record that lacks its own does not make its issuer's log complete here."""
    theirs = f"entra:{OTHER_TENANT}"
    guests = [
        sign_in(minute, f"{kind}{minute}", "gus", issuer=theirs, kind=kind, home_tenant=None)
        for kind in ("interactive", "non-interactive")
        for minute in (-14400, 14400)
    ]
    answer = agreed(engine_judge, [*guests, foreign(5, "x", "gus", issuer=theirs)])
    assert reason(answer, "x") == Reason.NOT_DECLARED


def test_two_spellings_of_a_network_are_one(engine_judge: Judge) -> None:
    """5.4: the /48 of an IPv6 address, however many zeros are written."""
    rows = [sign_in(0, "a"), access(1, "a", ip="2001:db8:0:5::1"), access(5, "lost", ip="2001:db8::9")]
    assert reason(agreed(engine_judge, rows), "lost") == Reason.ORDINARY_MISS


def test_a_declaration_that_is_one_hole_covers_nothing_and_is_still_one(engine_judge: Judge) -> None:
    """4.1 c, d: it was declared, so the reason must not ask for a declaration."""
    answer = agreed(engine_judge, [foreign(5, "x")], policy=Policy(gap_records=0))
    assert reason(answer, "x") == Reason.OUTSIDE_COVERAGE


def test_a_farm_of_which_one_host_is_declared_is_declared(engine_judge: Judge) -> None:
    """4.3 b, c: something of it is declared; its other host is what the coverage lacks."""
    rows = [*farm_log(), *farm_log("sts2"), federated_sign_in(5, "a")]
    (token,) = agreed(engine_judge, rows).tokens
    assert token["reason"] == Reason.OUTSIDE_COVERAGE


def test_an_interval_without_any_record_is_refused(engine_judge: Judge) -> None:
    """5.2: records before and after it do not show that it was recorded."""
    interval = (at(-9000), at(-6000))  # no record from -14400 to -1500
    kinds = ("interactive", "non-interactive")
    settings = complete(declarations=tuple(Declaration("entra-signin", kind, *interval) for kind in kinds))
    answer = agreed(engine_judge, [foreign(-7000, "x")], settings)
    assert reason(answer, "x") == Reason.NOT_DECLARED


def test_ids_that_no_sign_in_log_holds_are_not_raised(engine_judge: Judge) -> None:
    """4.1 b, 5.7: a client whose tokens carry another kind of id misses none; that is no cluster of misses."""
    people = [row for n in range(60) for row in (sign_in(n, f"ok{n}", f"u{n}"), access(n + 1, f"ok{n}", f"u{n}"))]
    odd = [foreign(100 + n, f"x{n}", f"u{n}", token_id_kind="jti") for n in range(6)]  # noqa: S106  # no secret
    answer = agreed(engine_judge, [*people, *odd])
    assert {t["group_rule"] for t in answer.tokens if t["reason"] == Reason.KEY_NOT_SOUND} == {None}


@pytest.mark.parametrize("kinds", [("interactive", "non-interactive"), KINDS], ids=["of people", "all"])
def test_an_application_whose_sign_ins_were_not_exported_is_not_raised(
    engine_judge: Judge, kinds: tuple[str, ...]
) -> None:  # fmt: skip
    """5.7: a client that never links, of a kind of which no log is here; where all are here, it is raised."""
    people = [row for n in range(60) for row in (sign_in(n, f"ok{n}", f"u{n}"), access(n + 1, f"ok{n}", f"u{n}"))]
    others = [sign_in(70 + n, f"kind{n}", "u0", kind=kind) for n, kind in enumerate(kinds)]
    backup = {"client_id": "backup", "token_class": "application", "ip": "203.0.113.80", "logon_type": None}
    nightly = [access(100 + n, f"b{n}", f"u{n}", **backup) for n in range(9)]
    every = numbered([*people, *others, *nightly])
    answer = engine_judge(every, Settings(), Policy())
    assert differences(answer, every, Settings(), Policy()) == []
    found = {t["group_rule"] for t in answer.tokens if t["client_id"] == "backup"}
    assert found == ({"misses-far-beyond-rate"} if kinds is KINDS else {None})


def test_half_a_second_breaks_no_law(engine_judge: Judge) -> None:
    """3.2: times are compared in whole seconds, rounded down; what is two of them off obeys the law."""
    rows = []
    for number in range(9):
        stamp = at(number) + timedelta(milliseconds=600)
        rows.append(sign_in(0, f"l{number}") | {"event_time": stamp})
        rows.append(access(number + 1, f"l{number}", issued_at=at(number) - timedelta(seconds=300 + 2 * (number == 5))))
    answer = agreed(engine_judge, rows, policy=Policy(law_pairs=8, law_share=0.8))
    assert reason(answer, "l5") == Reason.BY_ID


def test_a_name_of_somebody_who_never_signs_in_contradicts_nothing(engine_judge: Judge) -> None:
    """3.2, 4.2 c: a directory record proves the name; whether it is a user who acts here, nothing shows."""
    known = sign_in(0, None, "shared", leg="context", source="entra-audit", kind="directory")
    rows = [known, sign_in(0, "a"), access(5, "a", None, subject_name="shared@example.com")]
    assert reason(agreed(engine_judge, rows), "a") == Reason.BY_ID


def test_a_silent_route_is_a_route(engine_judge: Judge) -> None:
    """5.5: a client that never left a sign-in record misses none elsewhere either."""
    own = [row for who in ("alice", "bob") for row in (sign_in(0, who, who), access(1, who, who))]
    known = {"client_id": "00000002-0000-0ff1-ce00-000000000000"}
    service = known | {"token_class": "service", "logon_type": None}
    calls = [access(5, f"s-{who}", who, **service) for who in ("alice", "bob")]
    answer = agreed(engine_judge, [*own, *calls, foreign(9, "x", **known)])
    assert reason(answer, "x") == Reason.DECLARATION_REFUTED


def test_the_rate_of_misses_is_that_of_the_whole_evidence(engine_judge: Judge) -> None:
    """5.7: `--since` says what is told of; what was lost before it is lost as well."""
    lost = [
        access(-3000 + n, f"m{n}", f"m{n}", client_id=f"c{n}", ip=f"203.0.{n}.9", user_agent="odd") for n in range(60)
    ]
    people = [row for n in range(60) for row in (sign_in(n, f"ok{n}", f"u{n}"), access(n + 1, f"ok{n}", f"u{n}"))]
    few = [foreign(100 + n, f"x{n}", f"u{n}") for n in range(6)]
    answer = agreed(engine_judge, [*lost, *people, *few], Settings(since=at(0)))
    assert {t["group_rule"] for t in answer.tokens} == {None}


def test_a_log_that_was_cleared_in_the_second_of_its_first_record_is_refused(engine_judge: Judge) -> None:
    """5.2: times are compared in whole seconds, rounded down."""
    begin = assertion(0, "zoe") | {"event_time": at(0) + timedelta(milliseconds=600)}
    cleared = assertion(0, None, **CLEARED)
    answer = agreed(engine_judge, [begin, cleared, assertion(600, "zoe"), federated_sign_in(300, "a")])
    assert [row.status for row in answer.coverage if row.source == "adfs"] == ["refused"]
