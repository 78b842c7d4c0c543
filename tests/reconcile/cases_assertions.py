"""Rules 1.3 a, 4.3 and 4.5: assertions of farms that were named, and of identity providers that nobody named.

A second domain accuses nobody; one for people of another provider, or of a sudden from elsewhere, does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from counterfoil.model.verdict import Probable
from counterfoil.reconcile.unnamed import ASSERTIONS, NO_LOG, UNTOLD

from .cases import Case, Table, Told, Wanted, coverage
from .rows import FARM, OTHER_TENANT, Row, farm_log, federated_sign_in, sign_in

AWAY = "203.0.113.9"
SECOND = "second.example"
UNKNOWN = str(Probable.UNKNOWN_IDENTITY_PROVIDER)


def of_domain(minutes: float, domain: str = SECOND, person: str = "alice", **more: Any) -> Row:
    """Return a sign-in with an assertion under this domain."""
    return federated_sign_in(minutes, f"{person}{minutes}", person, subject_name=f"{person}@{domain}", **more)


BEFORE = sign_in(-3000, "before")  # she signs in from home, days earlier
TOLD: Mapping[str, tuple[Sequence[Row], Sequence[tuple[str, str | None]]]] = {
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


def assertions(wanted: Sequence[tuple[str, str | None]]) -> Wanted:
    """Want these assertions in the order of time: each one's issuer, and why it is probably forged."""

    def wrong(told: Told) -> list[str]:
        got = [
            (t["issuer"].removeprefix("federated:"), t["group_rule"] if t["group_rule"] == UNKNOWN else None)
            for t in told.tokens if t["derived"] == "assertion"
        ]  # fmt: skip
        return [] if got == list(wanted) else [f"assertions are {got}, not {wanted}"]

    return wrong


def said(kind: str, issuer: str, reason: str) -> Wanted:
    """Want one row of this domain in the coverage."""
    return coverage(ASSERTIONS, kind, issuer=[issuer], reason=[reason])


ROWS: Mapping[str, Wanted] = {
    "the tenant's second domain, there from the first day": said(SECOND, f"federated:{SECOND}", NO_LOG),
    "a name that ends like a named domain": said("myexample.com", "federated:myexample.com", NO_LOG),
    "whether the named one's was presented is not known": said("example.com", FARM, UNTOLD),
}

CASES: Table = {
    f"an identity provider that nobody named accuses only out of nowhere: {sentence}": Case(
        "1.3 a, 4.5", rows, [assertions(wanted), *([ROWS[sentence]] if sentence in ROWS else [])])
    for sentence, (rows, wanted) in TOLD.items()
}  # fmt: skip
