"""Rules 1.3 a, 4.3 and 4.5: assertions of farms that were named, and of identity providers that nobody named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest

from counterfoil.model.coverage import Declaration
from counterfoil.model.verdict import Probable, Reason
from counterfoil.reconcile.unnamed import ASSERTIONS, NO_LOG, UNTOLD

from .engine_run import Answer, Judge, differences
from .reference import Policy
from .rows import (
    FARM,
    KINDS,
    OTHER_TENANT,
    Row,
    access,
    assertion,
    at,
    background,
    complete,
    exchange,
    farm_log,
    federated_sign_in,
    numbered,
    sign_in,
)

HOME, AWAY = "198.51.100.7", "203.0.113.9"
SECOND = "second.example"
UNKNOWN = str(Probable.UNKNOWN_IDENTITY_PROVIDER)
NAMES = ("token_id", "subject_id", "record_id", "issuer", "home_tenant", "resource_tenant")


def of_domain(minutes: float, domain: str = SECOND, person: str = "alice", **more: Any) -> Row:
    """Return a sign-in with an assertion under this domain."""
    return federated_sign_in(minutes, f"{person}{minutes}", person, subject_name=f"{person}@{domain}", **more)


DAY = 1440.0
BEFORE = sign_in(-3000, "before")  # she signs in from home, days earlier
CASES: Mapping[str, tuple[Sequence[Row], Sequence[tuple[str, str | None]]]] = {
    # each assertion in the order of time: its issuer, and why it is probably forged
    "the tenant's second domain, there from the first day": (
        [of_domain(-14399), of_domain(0, ip=AWAY)], [(SECOND, None)] * 2),
    "a second domain that comes up from its people's own network": ([BEFORE, of_domain(0)], [(SECOND, None)]),
    "a domain out of nowhere, from a strange network": ([BEFORE, of_domain(0, ip=AWAY)], [(SECOND, UNKNOWN)]),
    "out of nowhere, and then at home": (
        [BEFORE, of_domain(0, ip=AWAY), of_domain(5)], [(SECOND, UNKNOWN), (SECOND, None)]),
    "a domain by which its people sign in day by day": (
        [BEFORE, *(of_domain(DAY * n, ip=AWAY) for n in range(2))], [(SECOND, None)] * 2),
    "half of its people sign in so": (
        [BEFORE, of_domain(0, ip=AWAY), of_domain(5, person="bob", ip=AWAY)], [(SECOND, None)] * 2),
    "a third of its people sign in so": (
        [BEFORE, of_domain(0, ip=AWAY), of_domain(5, person="bob", ip=AWAY), of_domain(6, person="eve", ip=AWAY),
         sign_in(-900, "eve", "eve")], [(SECOND, UNKNOWN)] * 3),
    "a traveller, after the domain came up at home": (
        [BEFORE, of_domain(0), of_domain(5, ip=AWAY)], [(SECOND, None)] * 2),
    "her network is that of another of its people": (
        [sign_in(-3000, "bob", "bob", ip=AWAY), BEFORE, of_domain(0, ip=AWAY), of_domain(5, person="bob")],
        [(SECOND, None)] * 2),
    "what its own sign-ins make known is not its people's own": (
        [BEFORE, of_domain(0, ip=AWAY), of_domain(5, ip=AWAY)], [(SECOND, UNKNOWN)] * 2),
    "without an address nothing is strange": ([BEFORE, of_domain(0, ip=None)], [(SECOND, None)]),
    "within the first day of relied time": ([BEFORE, of_domain(-14400 + 1439, ip=AWAY)], [(SECOND, None)]),
    "for people of a named identity provider": (
        [*farm_log(), of_domain(-5, "example.com"), of_domain(0)], [(FARM, None), (SECOND, UNKNOWN)]),
    "for a colleague of people of a named one": (
        [*farm_log(), BEFORE, of_domain(-5, "example.com", "bob"), of_domain(0)], [(FARM, None), (SECOND, None)]),
    "whether the named one's was presented is not known": (
        [*farm_log(), of_domain(-14399), of_domain(-5, "example.com", incoming_token=None), of_domain(0)],
        [(SECOND, None), (FARM, None), (SECOND, None)]),
    "below a named domain": ([*farm_log(), of_domain(0, "eu.example.com")], [(FARM, None)]),
    "a name that ends like a named domain": ([BEFORE, of_domain(0, "myexample.com")], [("myexample.com", None)]),
    "a guest's own identity provider is left out": ([of_domain(0, home_tenant=OTHER_TENANT, ip=AWAY)], []),
    "so is one whose access is a guest's": ([of_domain(0, cross_tenant="b2bCollaboration", ip=AWAY)], []),
    "no access across tenants": ([BEFORE, of_domain(0, cross_tenant="None")], [(SECOND, None)]),
    "a guest under a named domain": (
        [*farm_log(), of_domain(0, "example.com", home_tenant=OTHER_TENANT)], [(FARM, None)]),
}  # fmt: skip


def issued(minutes: float, name: str | None = "alice@example.com", host: str = "sts1", **more: Any) -> Row:
    """Return an assertion that the farm issued for whom it names."""
    return assertion(minutes, None, subject_name=name, kind=host, **more)


def shown(minutes: float, person: str = "alice", **more: Any) -> Row:
    """Return a sign-in with an assertion of the farm, each from an address of its own unless told otherwise."""
    row = of_domain(minutes, "example.com", person, **more)
    return row if "ip" in more else row | {"ip": f"198.51.100.{int(minutes) % 250}"}


NO_ID, COUNT, NEVER, MISSED = (str(reason) for reason in (
    Reason.NO_ID, Reason.COUNT_ONLY, Reason.ASSERTION_NOT_ISSUED, Reason.ANCESTOR_IN_SET
))  # fmt: skip
TWICE = str(Probable.POSTED_TWICE)
AGAIN = {"ip": HOME}  # the same address and agent
# What comes of her assertions, in the order of time: reason, and rule of the finding.
SERVED: Mapping[str, tuple[Sequence[Row], Sequence[tuple[str, str | None]], int]] = {
    "each has an issuance": ([issued(0), issued(9), shown(1), shown(10)], [(NO_ID, None)] * 2, 0),
    "one of two was issued": ([issued(0), shown(1), shown(10)], [(COUNT, COUNT)] * 2, 1),
    "a sign-in that may be one assertion posted twice": (
        [issued(0), shown(1, **AGAIN), shown(2, **AGAIN)], [(NO_ID, TWICE)] * 2, 0),
    "a minute and a second apart": (
        [issued(0), shown(1, **AGAIN), shown(2 + 1 / 60, **AGAIN)], [(COUNT, COUNT)] * 2, 1),
    "from another address": ([issued(0), shown(1), shown(2)], [(COUNT, COUNT)] * 2, 1),
    "by another agent": (
        [issued(0), shown(1, **AGAIN), shown(2, **AGAIN, user_agent="curl")], [(COUNT, COUNT)] * 2, 1),
    "without an address": (
        [issued(0), shown(1, ip=None), shown(2, ip=None)], [(COUNT, COUNT)] * 2, 1),
    "posted three times, each within a minute": (
        [issued(0), *(shown(n, **AGAIN) for n in (1, 2, 3))], [(NO_ID, TWICE)] * 3, 0),
    "one posted twice, and one forged": (
        [issued(0), shown(1, **AGAIN), shown(2, **AGAIN), shown(10)], [(COUNT, COUNT)] * 3, 1),
    "posted twice, and never issued": (
        [issued(-200), shown(1, **AGAIN), shown(2, **AGAIN)], [(NEVER, NEVER)] * 2, 0),
    "posted twice, and issued twice": (
        [issued(0), issued(1), shown(1, **AGAIN), shown(2, **AGAIN)], [(NO_ID, None)] * 2, 0),
    "a name that nobody knows serves everybody": ([issued(0, "corp\\x1"), shown(1)], [(NO_ID, None)], 0),
    "another's full name serves nobody else": (
        [issued(-300), issued(0, "x1@example.com"), shown(1)], [(NEVER, NEVER)], 0),
    "another's full name, where her own is not in that server's log": (
        [issued(0, "x1@example.com"), shown(1)], [(NO_ID, None)], 0),
    "another's full name on another server than writes hers": (
        [issued(-300), issued(0, "x1@example.com", "sts2"), shown(1)], [(NO_ID, None)], 0),
    "a full name of another domain": ([issued(-300), issued(0, "x1@else.example"), shown(1)], [(NO_ID, None)], 0),
    "hers among others'": (
        [issued(0), issued(1, "x1@example.com"), shown(2), shown(10)], [(COUNT, COUNT)] * 2, 1),
}  # fmt: skip


def apart(rows: Sequence[Row], word: str) -> list[Row]:
    """Return the rows with the word behind every name but those of domains and farms, which settings name."""
    found = []
    for place, row in enumerate(rows):
        named = {name: row[name] + word for name in NAMES if row.get(name) and not str(row[name]).startswith("adfs")}
        if row.get("subject_name"):
            name, at_domain, domain = row["subject_name"].partition("@")
            named["subject_name"] = f"{name}{word}{at_domain}{domain}"
        found.append(row | named | {"record_id": f"r{place}{word}"})
    return found


@pytest.fixture(scope="module")
def judged(engine_judge: Judge) -> Answer:
    """Return what the engine says of all cases in one run, each in a tenant of its own; the double says the same."""
    rows = [
        row for place, (own, _) in enumerate(CASES.values())
        for row in apart([*numbered(background()), *numbered(own)], f".c{place}.")
    ]  # fmt: skip
    answer = engine_judge(rows, complete(), Policy())
    assert differences(answer, rows, complete(), Policy()) == []
    return answer


@pytest.mark.parametrize("case", CASES)
def test_an_identity_provider_that_nobody_named_accuses_only_out_of_nowhere(case: str, judged: Answer) -> None:
    """A second domain accuses nobody; one for people of another provider, or of a sudden from elsewhere, does."""
    word = f".c{list(CASES).index(case)}."
    own = [t for t in judged.tokens if t["derived"] == "assertion" and t["subject"].endswith(word)]
    found = [
        (t["issuer"].removeprefix("federated:"), t["group_rule"] if t["group_rule"] == UNKNOWN else None)
        for t in sorted(own, key=lambda t: t["first_seen"])
    ]
    assert found == list(CASES[case][1])


def test_coverage_says_of_which_domains_there_is_no_log(judged: Answer) -> None:
    """Each domain has a row: no log of its identity provider, or sign-ins that do not tell what was presented."""
    rows = {(row.issuer, row.kind): row.reason for row in judged.coverage if row.source == ASSERTIONS}
    assert rows == {
        (f"federated:{SECOND}", SECOND): NO_LOG,
        ("federated:myexample.com", "myexample.com"): NO_LOG,
        (FARM, "example.com"): UNTOLD,
    }


WHOLE = complete(declarations=tuple(
    Declaration(source, kind, at(-14400), at(14400))
    for source, kind in (*(("entra-signin", kind) for kind in KINDS), ("adfs", "sts1"), ("adfs", "sts2"))
))  # fmt: skip
AROUND = [*farm_log(), assertion(600, "zoe"), *farm_log("sts2")]


@pytest.fixture(scope="module")
def served(engine_judge: Judge) -> Answer:
    """Return what the engine says of all cases, each in a week of its own; the double says the same."""
    rows = [*numbered(background()), *numbered(AROUND)]
    for place, (own, *_) in enumerate(SERVED.values()):
        moved = [row | {"event_time": row["event_time"] - timedelta(hours=12 * place)} for row in own]
        rows += apart(numbered([sign_in(-9000, "b", "bob"), *moved]), f".s{place}.")
    rows = [row | {"record_id": f"r{place}"} for place, row in enumerate(rows)]
    answer = engine_judge(rows, WHOLE, Policy())
    assert differences(answer, rows, WHOLE, Policy()) == []
    return answer


@pytest.mark.parametrize("case", SERVED)
def test_assertions_are_held_against_what_the_farm_issued(case: str, served: Answer) -> None:
    """More presented than issued are a set of which some are forged, but not where one may be posted twice."""
    word = f".s{list(SERVED).index(case)}."
    _, wanted, least = SERVED[case]
    own = [t for t in served.tokens if t["derived"] == "assertion" and t["subject"].endswith(word)]
    own.sort(key=lambda t: t["first_seen"])
    assert [(t["reason"], t["group_rule"]) for t in own] == list(wanted)
    assert sum(t["at_least"] for t in own) == least


def test_what_was_issued_for_a_set_is_listed_with_it(engine_judge: Judge) -> None:
    """Which of them an intruder's were cannot be told: none is minted, none tainted; what is accused stays so."""
    forged = access(21, "kid", "bob", ip=AWAY)
    rows = [
        *farm_log(), assertion(0), federated_sign_in(1, "one"), federated_sign_in(30, "two", ip=AWAY),
        access(20, "one"), access(40, "two", ip=AWAY), forged,
        exchange(41, "kid", ["two"]), exchange(42, "grandchild", ["kid"]), access(43, "grandchild"), access(44, "kid"),
        sign_in(2, "other", "bob"), access(20, "other", "bob"),
    ]  # fmt: skip
    rows = [*numbered(background()), *numbered(rows)]
    rows = [row | {"record_id": f"r{place}"} for place, row in enumerate(rows)]
    answer = engine_judge(rows, complete(), Policy())
    assert differences(answer, rows, complete(), Policy()) == []
    told = {(t["token_id"], t["subject"]): t for t in answer.tokens if t["derived"] != "assertion"}
    listed = {key for key, t in told.items() if t["reason"] == MISSED}
    assert listed == {("one", "alice"), ("two", "alice"), ("kid", "alice"), ("grandchild", "alice")}
    assert {(told[key]["verdict"], told[key]["group_rule"], told[key]["group_issuer"]) for key in listed} == {
        ("uncovered", COUNT, FARM)
    }
    assert told["kid", "bob"]["verdict"] == "contradicted"
    assert told["other", "bob"]["verdict"] == "minted"


def test_coverage_says_what_a_farm_does_not_tell(engine_judge: Judge) -> None:
    """Issuances that name nobody who is known, and a farm that nobody named for a domain, are said with the remedy."""
    rows = [*farm_log(), issued(0, "corp\\sam"), issued(5, "corp\\eve"), federated_sign_in(6, "a")]
    every = [row | {"record_id": f"r{place}"} for place, row in enumerate(numbered([*background(), *rows]))]
    unknown = "2 of 5 issuances name nobody who is known: say who they are (--identities)"
    farm = "nobody said whose assertions it issues (--federated)"
    answer = engine_judge(every, complete(), Policy())
    assert [row.reason for row in answer.coverage if row.source == "adfs"] == [
        f"declared complete; {unknown}; audit 1200 alone (Basic); no record numbers, so that gaps cannot be seen"
    ]
    undeclared = complete(declarations=(), federated={})
    answer = engine_judge(every, undeclared, Policy())
    told = [row.reason for row in answer.coverage if row.source == "adfs"]
    assert told == [f"not declared complete; {unknown}; {farm}"]
