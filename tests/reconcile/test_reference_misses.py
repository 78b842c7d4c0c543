"""The reference, rules 5.4 to 7: lost records, refutation, silence, clusters and lineage."""

from __future__ import annotations

from typing import Any

import pytest

from counterfoil.model.schema import TokenClass
from counterfoil.model.verdict import Reason, Verdict

from .reference import Policy, Settings, judge
from .rows import (
    Row,
    access,
    answer,
    assertion,
    at,
    background,
    complete,
    exchange,
    farm_log,
    federated_sign_in,
    foreign,
    innocent,
    is_,
    judged,
    numbered,
    sign_in,
)

ONLINE = "00000002-0000-0ff1-ce00-000000000000"  # a service whose calls never have a sign-in record

# --- rules 5.4 and 5.5: ordinary misses and refutation -----------------------------------------------------------


def trail(subject: str, minute: int = 0, **more: Any) -> list[Row]:
    """Return a sign-in and an access that links to it."""
    return [sign_in(minute, f"ok-{subject}", subject), access(minute + 1, f"ok-{subject}", subject, **more)]


def test_a_lost_record_accuses_nobody() -> None:
    """5.4: one record lost, and the access looks like the user's own."""
    token = answer([*trail("alice"), access(5, "lost")])
    assert is_(token, Verdict.UNCOVERED, Reason.ORDINARY_MISS)
    assert innocent(token)


def test_client_network_and_agent_may_be_proven_one_by_one() -> None:
    """5.4: not necessarily together: the user has a telephone too."""
    phone = {"client_id": "phone", "user_agent": "ios"}
    rows = [*trail("alice", ip="192.0.2.1"), sign_in(2, "c"), access(3, "c", ip="203.0.113.77", **phone)]
    assert answer([*rows, access(9, "lost", ip="203.0.113.5")]).ordinary


@pytest.mark.parametrize("more", [{"client_id": "rogue"}, {"ip": "203.0.113.9"}, {"user_agent": "curl"}, {"ip": None}])
def test_a_miss_that_differs_in_one_of_them_is_not_ordinary(more: Row) -> None:
    """5.4: all three must be the user's own."""
    assert is_(answer([*trail("alice"), access(5, "x", **more)]), Verdict.FORGED, Reason.ID_NOT_ISSUED)


def test_a_neighbour_in_the_same_network_is_the_same_network() -> None:
    """5.4: the /24 of an IPv4 address, the /48 of an IPv6 address."""
    assert answer([*trail("alice"), access(5, "lost", ip="198.51.100.200")]).ordinary
    rows = trail("alice", ip="2001:db8:1:2::1")
    assert answer([*rows, access(5, "lost", ip="2001:db8:1:ffff::9")]).ordinary


def test_ordinary_misses_of_two_people_refute_the_declaration() -> None:
    """5.5: after that, no miss of this issuer convicts; extraordinary ones are probably forged (5.8)."""
    rows = [*trail("alice"), *trail("bob"), access(5, "lost-a"), access(5, "lost-b", "bob")]
    token = answer([*rows, foreign(9, "x")])
    assert is_(token, Verdict.UNCOVERED, Reason.DECLARATION_REFUTED)
    assert token.probably_forged == {"5.8"}
    lost = [t for t in judged(rows) if t.reason is Reason.DECLARATION_REFUTED]
    assert len(lost) == 2
    assert all(innocent(t) for t in lost)
    coverage = judge(numbered([*background(), *rows]), complete()).coverage
    assert {line.status for line in coverage if line.source == "entra-signin"} == {"refuted"}


def test_ordinary_misses_of_one_person_refute_nothing() -> None:
    """5.5: an intruder on one victim's machine must not be able to switch judgement off."""
    rows = [*trail("alice"), access(5, "lost-1"), access(6, "lost-2"), foreign(9, "x")]
    assert is_(answer(rows), Verdict.FORGED, Reason.ID_NOT_ISSUED)


def test_ordinary_misses_in_silent_strata_refute_nothing() -> None:
    """5.5: what never leaves a sign-in record misses none."""
    lost = [access(5, f"lost-{who}", who, client_id=ONLINE, token_class=TokenClass.SERVICE) for who in ("alice", "bob")]
    rows = [row for who in ("alice", "bob") for row in trail(who, client_id=ONLINE)]
    token = answer([*rows, *lost, foreign(9, "x")])
    assert is_(token, Verdict.FORGED, Reason.ID_NOT_ISSUED)


def test_ordinary_misses_outside_the_coverage_refute_nothing() -> None:
    """5.5: what was never covered cannot refute."""
    early = -14400 - 60
    rows = [*trail("alice"), *trail("bob"), access(early, "lost-a"), access(early, "lost-b", "bob")]
    assert is_(answer([*rows, foreign(9, "x")]), Verdict.FORGED, Reason.ID_NOT_ISSUED)


def test_route_misses_of_two_people_refute_the_declaration_for_that_client() -> None:
    """5.5: a client that never leaves a sign-in record, used by people from their own machines."""
    rows = [*trail("alice"), *trail("bob"), access(5, "r-a", client_id="new"), access(6, "r-b", "bob", client_id="new")]
    routes = [t for t in judged(rows) if t.route]
    assert [t.reason for t in routes] == [Reason.DECLARATION_REFUTED] * 2
    assert all(innocent(t) for t in routes)
    assert is_(answer([*rows, foreign(9, "x")]), Verdict.FORGED, Reason.ID_NOT_ISSUED)


def test_a_route_miss_shows_whatever_agent_the_client_has() -> None:
    """5.4: the agent goes with the client."""
    rows = [*trail("alice"), access(5, "r", client_id="new", user_agent="new-app/1.0")]
    assert answer(rows).route
    assert not answer([*trail("alice"), access(5, "r", client_id="new", ip="203.0.113.9")]).route


@pytest.mark.parametrize(("token_id", "refuted"), [("r-b", True), (None, False)])
def test_a_route_miss_without_id_refutes_in_covered_windows_only(token_id: str | None, refuted: bool) -> None:
    """5.5: an id that is in no log is missing from any time; a user without sign-in may have had one before."""
    early = -14400 + 60
    rows = [*trail("alice"), *trail("bob"), access(5, "r-a", client_id="new")]
    rows.append(access(early, token_id, "bob", client_id="new"))
    assert answer([*rows, foreign(9, "x", client_id="new")]).refuted is refuted


def test_an_exchange_is_as_ordinary_as_its_token_is_elsewhere() -> None:
    """5.4: who exchanged a token logged its own address and client."""
    service = {"client_id": "svc", "ip": "192.0.2.1", "user_agent": "svc"}
    rows = [*trail("alice"), access(5, "p", issued_at=at(4)), exchange(6, "c", ["p"], **service)]
    assert all(innocent(t) for t in judged(rows))
    assert is_(answer([*trail("alice"), exchange(6, "c", ["p"], **service)]), Verdict.FORGED, Reason.ID_NOT_ISSUED)


def test_a_refuted_miss_without_id_is_probably_forged_unless_ordinary() -> None:
    """4.2 f, 5.8: the finding remains, the verdict does not convict."""
    lost = [*trail("alice"), *trail("bob"), access(5, "lost-a"), access(5, "lost-b", "bob")]
    token = answer([*lost, foreign(9000, None)])
    assert is_(token, Verdict.UNCOVERED, Reason.DECLARATION_REFUTED)
    assert token.probably_forged == {"5.8"}
    assert innocent(answer([*lost, access(9000, None)]))


def test_an_ordinary_miss_without_id_accuses_nobody() -> None:
    """4.2 g: one person's sign-in record lost."""
    assert is_(answer([*trail("alice"), access(9000, None)]), Verdict.UNCOVERED, Reason.ORDINARY_MISS)


# --- rule 5.6: silence -------------------------------------------------------------------------------------------


def service(minute: int, number: int, **more: Any) -> Row:
    """Return a call that leaves no sign-in record."""
    return access(minute, f"s{number}", f"p{number}", client_id="svc", resource="graph", ip=None) | more


def test_a_call_of_a_service_known_to_be_silent_accuses_nobody() -> None:
    """5.6: first-party service calls never have a sign-in record."""
    token = answer([service(5, 0, token_class=TokenClass.SERVICE, client_id=ONLINE)])
    assert is_(token, Verdict.UNCOVERED, Reason.SILENT_STRATUM)
    assert is_(answer([service(5, 0, client_id=ONLINE)]), Verdict.FORGED, Reason.ID_NOT_ISSUED)


def test_a_stratum_that_never_linked_before_the_window_is_silent() -> None:
    """5.6: seen on three days, by five people, before the window."""
    before = [service(-14401 - 1440 * (n % 3), n) for n in range(1, 6)]
    assert is_(answer([*before, service(5, 9)]), Verdict.UNCOVERED, Reason.SILENT_STRATUM)
    silent = answer([*before, service(9000, 9, token_id=None)])
    assert is_(silent, Verdict.UNCOVERED, Reason.SILENT_STRATUM)


@pytest.mark.parametrize("less", [{"days": 2, "people": 5}, {"days": 3, "people": 4}])
def test_a_stratum_first_seen_in_the_window_is_new_and_not_silent(less: dict[str, int]) -> None:
    """5.6: too few days or people make no habit."""
    before = [service(-14401 - 1440 * (n % less["days"]), n) for n in range(1, less["people"] + 1)]
    assert is_(answer([*before, service(5, 9)]), Verdict.FORGED, Reason.ID_NOT_ISSUED)


def test_a_stratum_that_links_is_not_silent() -> None:
    """5.6: one linked token shows that its kind leaves records."""
    before = [service(-14401 - 1440 * (n % 3), n) for n in range(1, 6)]
    rows = [*before, sign_in(0, "s8", "p8"), service(1, 8), service(5, 9)]
    assert is_(answer(rows), Verdict.FORGED, Reason.ID_NOT_ISSUED)


def test_since_moves_the_start_of_the_window() -> None:
    """5.6: `--since` says where the window starts, without any declaration."""
    before = [service(-1440 * (n % 3) - 1, n) for n in range(1, 6)]
    assert answer([*before, service(5, 9)], Settings(since=at(0))).silent
    assert not answer([*before, service(5, 9)], Settings()).silent


# --- rule 5.7: clusters ------------------------------------------------------------------------------------------


def population(count: int) -> list[Row]:
    """Return people whose tokens all link."""
    return [row for number in range(count) for row in trail(f"u{number}", number)]


def test_a_spray_of_foreign_misses_is_raised_without_any_declaration() -> None:
    """5.7: one client and network, many victims; the verdict stays uncovered."""
    rows = [*population(60), *(foreign(100 + n, f"x{n}", f"u{n}") for n in range(6))]
    spray = [t for t in judged(rows, Settings()) if "5.7" in t.probably_forged]
    assert len(spray) == 6
    assert {t.reason for t in spray} == {Reason.NOT_DECLARED}


def test_misses_gathered_on_one_person_are_raised() -> None:
    """5.7: one victim, a new network for every token, each with another client."""
    gathered = [
        access(100 + n, f"x{n}", "u0", ip=f"203.0.{n}.9", client_id=f"c{n}", user_agent="curl") for n in range(6)
    ]
    raised = [t for t in judged([*population(60), *gathered], Settings()) if "5.7" in t.probably_forged]
    assert len(raised) == 6


def test_two_misses_are_no_cluster() -> None:
    """5.7: at least three."""
    rows = [*population(200), *(foreign(100 + n, f"x{n}", f"u{n}") for n in range(2))]
    assert not any(t.probably_forged for t in judged(rows, Settings()))


def test_misses_at_the_issuers_own_rate_are_not_raised() -> None:
    """5.7: logs lose records, and those of a client are lost like the others'."""
    rows = [*population(40), *(access(100 + n, f"lost{n}", f"u{n}") for n in range(10))]
    rows += [*(foreign(200 + n, f"x{n}", f"u{n}") for n in range(1)), foreign(300, "c", "u9"), sign_in(299, "c", "u9")]
    assert not any(t.probably_forged for t in judged(rows, Settings()))


def test_ordinary_misses_are_not_raised_by_client_or_network() -> None:
    """5.7: a site whose records are lost does not accuse the site."""
    rows = [*population(60), *(access(100 + n, f"lost{n}", f"u{n}") for n in range(8))]
    assert not any(t.probably_forged for t in judged(rows, Settings()))


def test_an_issuer_without_any_linked_token_raises_nothing() -> None:
    """5.7: where nothing links, ids are recorded in a form we cannot read."""
    rows = [foreign(100 + n, f"x{n}", f"u{n}") for n in range(50)]
    assert not any(t.probably_forged for t in judged(rows, Settings()))


def test_unknown_clients_and_networks_are_no_cluster() -> None:
    """5.7: what is unknown agrees with nothing."""
    nowhere = {"client_id": None, "ip": None}
    rows = [*population(60), *(foreign(100 + n, f"x{n}", f"v{n}", **nowhere) for n in range(6))]
    assert not any(t.probably_forged for t in judged(rows, Settings()))


# --- rule 6: lineage ---------------------------------------------------------------------------------------------

SMALL = Policy(rooted_pairs=2)


def rooting(count: int = 2) -> list[Row]:
    """Return exchanges with sign-ins behind them."""
    return [
        row
        for n in range(count)
        for row in (sign_in(n, f"p{n}", f"u{n}"), exchange(n + 1, f"q{n}", [f"p{n}"], f"u{n}"))
    ]


def test_a_token_from_an_exchange_with_a_root_is_minted() -> None:
    """6.2: at any depth."""
    rows = [sign_in(0, "a"), exchange(1, "c", ["a"]), exchange(2, "d", ["c"]), access(3, "d")]
    assert is_(answer(rows), Verdict.MINTED, Reason.BY_ID)


def test_an_unrooted_token_is_tainted_where_exchanges_normally_root() -> None:
    """6.3: a token service that was asked with nothing behind it."""
    rows = [*rooting(), exchange(9, "x", []), foreign(10, "x")]
    assert is_(answer(rows, policy=SMALL), Verdict.TAINTED, Reason.UNROOTED)


def test_an_unrooted_token_is_uncovered_where_exchanges_often_do_not_root() -> None:
    """6.3: in real data 7 of 34 such ids match no sign-in."""
    stray = [exchange(5, f"stray{n}", [], f"u{n}") for n in range(2)]
    token = answer([*rooting(), *stray, exchange(9, "x", []), foreign(10, "x")], policy=SMALL)
    assert is_(token, Verdict.UNCOVERED, Reason.UNROOTED_UNCOVERED)
    assert token.probably_forged == {"6.3"}


def test_an_unrooted_token_is_uncovered_where_sign_ins_are_not_covered() -> None:
    """6.3: the sign-in may be where the log is not."""
    token = answer([*rooting(), exchange(9, "x", []), foreign(10, "x")], Settings(), SMALL)
    assert is_(token, Verdict.UNCOVERED, Reason.UNROOTED_UNCOVERED)


def test_an_ordinary_unrooted_token_accuses_nobody() -> None:
    """6.3: from the user's own client, network and agent, the sign-in record was lost."""
    rows = [*rooting(), *trail("alice", 4), exchange(9, "x", []), access(10, "x")]
    token = answer(rows, policy=SMALL)
    assert is_(token, Verdict.UNCOVERED, Reason.UNROOTED_UNCOVERED)
    assert innocent(token)


def test_roots_are_counted_where_sign_ins_are_relied_on() -> None:
    """6.3: exchanges from before the log have no root in it, and those that have one prove nothing there."""
    early = [exchange(-14500 + n, f"stray{n}", [], f"u{n}") for n in range(9)]
    rows = [exchange(9, "x", []), foreign(10, "x")]
    assert is_(answer([*rooting(), *early, *rows], policy=SMALL), Verdict.TAINTED, Reason.UNROOTED)
    rooted = [exchange(-14500 + n, f"q{n}", [f"p{n}"], f"u{n}") for n in range(2)]
    given = [sign_in(1, f"p{n}", f"u{n}") for n in range(2)]
    assert is_(answer([*given, *rooted, *rows], policy=SMALL), Verdict.UNCOVERED, Reason.UNROOTED_UNCOVERED)


def test_every_stratum_that_issued_the_id_must_normally_root() -> None:
    """6.3: the other service may be one that has no sign-ins behind it."""
    rows = [*rooting(), exchange(9, "x", []), exchange(9, "x", [], operation="other"), foreign(10, "x")]
    assert is_(answer(rows, policy=SMALL), Verdict.UNCOVERED, Reason.UNROOTED_UNCOVERED)


def test_what_an_intruder_uses_does_not_make_his_exchanges_look_normal() -> None:
    """6.3: ids used from elsewhere do not count among the stratum's unrooted ones."""
    many = [row for n in range(9) for row in (exchange(9, f"x{n}", []), foreign(10 + n, f"x{n}"))]
    assert is_(answer([*rooting(), *many], policy=SMALL), Verdict.TAINTED, Reason.UNROOTED)


def test_a_cycle_of_exchanges_has_no_root_and_ends() -> None:
    """6.4: cycles change nothing."""
    rows = [exchange(1, "c", ["d"]), exchange(2, "d", ["c"]), foreign(3, "d")]
    assert is_(answer(rows, policy=SMALL), Verdict.UNCOVERED, Reason.UNROOTED_UNCOVERED)


def test_what_a_forged_token_obtained_is_tainted_at_any_depth() -> None:
    """6.4: a forged parent, its child, and the child's child."""
    rows = [foreign(5, "x"), exchange(6, "c", ["x"], ip="203.0.113.9"), exchange(7, "d", ["c"]), access(8, "d")]
    assert is_(answer(rows), Verdict.TAINTED, Reason.FORGED_ANCESTOR)


def test_an_exchanged_id_that_was_never_issued_is_forged_and_taints() -> None:
    """6.4: the parent is known by the exchange alone, and that is an acceptance of it."""
    tokens = judged([exchange(9, "c", ["x"], client_id="rogue"), foreign(10, "c")])
    assert [t.reason for t in tokens] == [Reason.FORGED_ANCESTOR, Reason.ID_NOT_ISSUED]


def test_a_contradicted_parent_taints_too() -> None:
    """6.4: a copied id was exchanged under another name."""
    rows = [sign_in(0, "a"), sign_in(0, "z", "bob"), exchange(6, "c", ["a"], "bob"), access(8, "c", "bob")]
    assert is_(answer(rows), Verdict.TAINTED, Reason.FORGED_ANCESTOR)


def test_a_primary_issuance_is_tainted_likewise() -> None:
    """6.4: a sign-in for a forged assertion is a genuine record of a bad token."""
    rows = [*farm_log(), assertion(0, "bob"), federated_sign_in(5, "a"), access(9, "a")]
    assert is_(answer(rows), Verdict.TAINTED, Reason.FORGED_ANCESTOR)


def test_a_contradicted_token_stays_contradicted_when_tainted() -> None:
    """7: contradicted is tried first."""
    rows = [assertion(0, "bob"), federated_sign_in(5, "a"), access(9, "a", "bob")]
    assert is_(answer(rows), Verdict.CONTRADICTED, Reason.SUBJECT_DIFFERS)


def test_the_owner_of_a_copied_parent_is_not_tainted() -> None:
    """6.4: taint flows from the tuple that was exchanged, not from its id."""
    rows = [sign_in(0, "a"), sign_in(0, "z", "bob"), exchange(6, "c", ["a"], "bob"), access(8, "a")]
    assert is_(answer(rows), Verdict.MINTED, Reason.BY_ID)
