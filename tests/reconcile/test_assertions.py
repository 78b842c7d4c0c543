"""Rules 1.3 a, 4.3 and 4.5: assertions of farms that were named, and of identity providers that nobody named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from counterfoil.model.verdict import Probable
from counterfoil.reconcile.unnamed import ASSERTIONS, NO_LOG, UNTOLD

from .engine_run import Answer, Judge, differences
from .reference import Policy
from .rows import FARM, OTHER_TENANT, Row, background, complete, farm_log, federated_sign_in, numbered, sign_in

AWAY = "203.0.113.9"
SECOND = "second.example"
UNKNOWN = str(Probable.UNKNOWN_IDENTITY_PROVIDER)
NAMES = ("token_id", "subject_id", "record_id", "issuer", "home_tenant", "resource_tenant")


def of_domain(minutes: float, domain: str = SECOND, person: str = "alice", **more: Any) -> Row:
    """Return a sign-in with an assertion under this domain."""
    return federated_sign_in(minutes, f"{person}{minutes}", person, subject_name=f"{person}@{domain}", **more)


BEFORE = sign_in(-3000, "before")  # she signs in from home, days earlier
CASES: Mapping[str, tuple[Sequence[Row], Sequence[tuple[str, str | None]]]] = {
    # each assertion in the order of time: its issuer, and why it is probably forged
    "the tenant's second domain, there from the first day": (
        [of_domain(-14399), of_domain(0, ip=AWAY)], [(SECOND, None)] * 2),
    "a second domain that comes up from its people's own network": ([BEFORE, of_domain(0)], [(SECOND, None)]),
    "a domain out of nowhere, from a strange network": ([BEFORE, of_domain(0, ip=AWAY)], [(SECOND, UNKNOWN)]),
    "out of nowhere, and then at home": (
        [BEFORE, of_domain(0, ip=AWAY), of_domain(5)], [(SECOND, UNKNOWN), (SECOND, None)]),
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


def apart(rows: Sequence[Row], word: str) -> list[Row]:
    """Return the rows with the word behind every name but those of domains and farms, which settings name."""
    found = []
    for place, row in enumerate(rows):
        named = {name: row[name] + word for name in NAMES if row.get(name) and not str(row[name]).startswith("adfs")}
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
