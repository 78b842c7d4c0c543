"""Rules 1.3 a, 4.3 and 4.5: assertions of farms that were named, and of identity providers that nobody named.

A second domain accuses nobody; one for people of another provider, or of a sudden from elsewhere, does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from counterfoil.model.coverage import Declaration
from counterfoil.model.reason import Probable, Reason
from counterfoil.reconcile.unnamed import ASSERTIONS, NO_LOG, UNTOLD

from .cases import Case, Table, Told, Wanted, coverage, each, none
from .reference import Settings
from .reference_policy import FEDERATION
from .rows import (
    FARM,
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
    sign_in,
)

HOME, AWAY = "198.51.100.7", "203.0.113.9"
SECOND = "second.example"
UNKNOWN = str(Probable.UNKNOWN_IDENTITY_PROVIDER)


def of_domain(minutes: float, domain: str = SECOND, person: str = "alice", **more: Any) -> Row:
    """Return a sign-in with an assertion under this domain."""
    return federated_sign_in(minutes, f"{person}{minutes}", person, subject_name=f"{person}@{domain}", **more)


DAY = 1440.0
BEFORE = sign_in(-3000, "before")  # she signs in from home, days earlier
TOLD: Mapping[str, tuple[Sequence[Row], Sequence[tuple[str, str | None]]]] = {
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
    "a day to the second after relied time begins": ([BEFORE, of_domain(-14400 + 1440, ip=AWAY)], [(SECOND, UNKNOWN)]),
    "after relied time ends": ([BEFORE, of_domain(14400 + 1 / 60, ip=AWAY)], [(SECOND, None)]),
    "at the very end of relied time": ([BEFORE, of_domain(14400, ip=AWAY)], [(SECOND, UNKNOWN)]),
    "what she exchanged there before is no sign-in": (
        [BEFORE, sign_in(-2000, "q"), exchange(-1999, "e", ["q"], ip=AWAY), of_domain(0, ip=AWAY)],
        [(SECOND, UNKNOWN)]),
    "she tried in vain to sign in there before": (
        [BEFORE, sign_in(-2000, "f", outcome="failed", ip=AWAY), of_domain(0, ip=AWAY)], [(SECOND, UNKNOWN)]),
    "somebody of whom only a name is known signed in there before": (
        [BEFORE, *(sign_in(minute, f"z{minute}", None, subject_name=f"zed@{SECOND}", ip=AWAY, incoming_token=token)
                   for minute, token in ((-2000, "none"), (0, "saml11")))], [(SECOND, None)]),
    "somebody of whom only a name is known signs in so day by day": (
        [BEFORE, of_domain(0, ip=AWAY), *(
            sign_in(minute, f"z{minute}", None, subject_name=f"zed@{SECOND}", ip=AWAY, incoming_token="saml11")
            for minute in (1, DAY + 1))], [(SECOND, UNKNOWN)] * 3),
    "renewals that nobody sees are no other way to sign in": (
        [BEFORE, *(of_domain(DAY * n, ip=AWAY) for n in range(2)),
         *(sign_in(-DAY * n - 100, f"r{n}", kind="non-interactive") for n in range(5))], [(SECOND, None)] * 2),
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
}


def issued(minutes: float, name: str | None = "alice@example.com", host: str = "sts1", **more: Any) -> Row:
    """Return an assertion that the farm issued for whom it names."""
    return assertion(minutes, None, subject_name=name, kind=host, **more)


def shown(minutes: float, person: str = "alice", **more: Any) -> Row:
    """Return a sign-in with an assertion of the farm, each from an address of its own unless told otherwise."""
    row = of_domain(minutes, "example.com", person, **more)
    return row if "ip" in more else row | {"ip": f"198.51.100.{int(minutes) % 250}"}


NO_ID, COUNT, NEVER, MISSED = (str(reason) for reason in (
    Reason.NO_ID, Reason.COUNT_ONLY, Reason.ASSERTION_NOT_ISSUED, Reason.ANCESTOR_IN_SET
))
TWICE = str(Probable.POSTED_TWICE)
AGAIN = {"ip": HOME}  # the same address and agent
# What comes of her assertions, in the order of time: reason, and rule of the finding.
SERVED: Mapping[str, tuple[Sequence[Row], Sequence[tuple[str, str | None]], int]] = {
    "each has an issuance": ([issued(0), issued(9), shown(1), shown(10)], [(NO_ID, None)] * 2, 0),
    "one of two was issued": ([issued(0), shown(1), shown(10)], [(COUNT, COUNT)] * 2, 1),
    "one of three was issued": ([issued(0), shown(1), shown(10), shown(20)], [(COUNT, COUNT)] * 3, 2),
    "one that was issued in the last second in which it may serve the first, and in the first for the other": (
        [issued(5), shown(0), shown(75)], [(COUNT, COUNT)] * 2, 1),
    "a sign-in that may be one assertion posted twice": (
        [issued(0), shown(1, **AGAIN), shown(2, **AGAIN)], [(NO_ID, TWICE)] * 2, 0),
    "a minute and a second apart": (
        [issued(0), shown(1, **AGAIN), shown(2 + 1 / 60, **AGAIN)], [(COUNT, COUNT)] * 2, 1),
    "from another address": ([issued(0), shown(1), shown(2)], [(COUNT, COUNT)] * 2, 1),
    "by another agent": (
        [issued(0), shown(1, **AGAIN), shown(2, **AGAIN, user_agent="curl")], [(COUNT, COUNT)] * 2, 1),
    "without an address": (
        [issued(0), shown(1, ip=None), shown(2, ip=None)], [(COUNT, COUNT)] * 2, 1),
    "without an agent": (
        [issued(0), *(shown(n, **AGAIN, user_agent=None) for n in (1, 2))], [(COUNT, COUNT)] * 2, 1),
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
    **{
        f"what was issued {words}": (
            [issued(-300), issued(0, **more), shown(1)], [(said, said if said == NEVER else None)], 0)
        for words, more, said in (
            ("for another service", {"resource": "urn:other"}, NEVER),
            ("for this one", {"resource": FEDERATION}, NO_ID),
            ("in an exchange", {"leg": "secondary_issuance"}, NEVER), ("in vain", {"outcome": "failed"}, NEVER))
    },
    "one of too many, and the same posted again when no issuance could serve it any more": (
        [issued(-69.5), shown(-10), shown(0, **AGAIN), shown(1, **AGAIN)],
        [*[(COUNT, COUNT)] * 2, (NEVER, NEVER)], 1),
    "another's full name, where hers is in another farm's log": (
        [issued(-300, issuer="adfs:sts.other.example"), issued(0, "x1@example.com"), shown(1)], [(NO_ID, None)], 0),
    "another's full name, where a colleague's is in that server's log": (
        [issued(-300, "bob@example.com"), issued(0, "x1@example.com"), shown(1)], [(NO_ID, None)], 0),
    "hers among others'": (
        [issued(0), issued(1, "x1@example.com"), shown(2), shown(10)], [(COUNT, COUNT)] * 2, 1),
}


def assertions(wanted: Sequence[tuple[str, str | None]]) -> Wanted:
    """Want these assertions in the order of time: each one's issuer, and why it is probably forged."""

    def wrong(told: Told) -> list[str]:
        got = [
            (t["issuer"].removeprefix("federated:"), t["group_rule"] if t["group_rule"] == UNKNOWN else None)
            for t in told.tokens if t["derived"] == "assertion"
        ]
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

WHOLE = complete(declarations=(*complete().declarations, Declaration("adfs", "sts2", at(-14400), at(14400))))
AROUND = [
    *background(), *farm_log(), assertion(600, "zoe"), *farm_log("sts2"), sign_in(-9000, "b", "bob"),
]


def served(wanted: Sequence[tuple[str, str | None]], least: int) -> Wanted:
    """Want these reasons and findings' rules of assertions, in the order of time; so many at least are forged."""

    def wrong(told: Told) -> list[str]:
        own = [t for t in told.tokens if t["derived"] == "assertion"]
        got = [(t["reason"], t["group_rule"]) for t in own], sum(t["at_least"] for t in own)
        return [] if got == (list(wanted), least) else [f"assertions are {got}, not {(wanted, least)}"]

    return wrong


def listed(*keys: tuple[str, str]) -> Wanted:
    """Want that these tokens (id, subject) alone are listed in the finding about the set."""

    def wrong(told: Told) -> list[str]:
        own = {(t["token_id"], t["subject"]): t for t in told.tokens if t["reason"] == MISSED}
        said = {(t["verdict"], t["group_rule"], t["group_issuer"]) for t in own.values()}
        right = (set(own), said) == (set(keys), {("uncovered", COUNT, FARM)})
        return [] if right else [f"{set(own)}: {said}"]

    return wrong


IN_SET = [
    *farm_log(), assertion(0), federated_sign_in(1, "one"), federated_sign_in(30, "two", ip=AWAY),
    access(20, "one"), access(40, "two", ip=AWAY), access(21, "kid", "bob", ip=AWAY),
    exchange(41, "kid", ["two"]), exchange(42, "grandchild", ["kid"]), access(43, "grandchild"), access(44, "kid"),
    sign_in(2, "other", "bob"), access(20, "other", "bob"),
]

NAMELESS = [
    *farm_log(), issued(0, "corp\\sam"), issued(5, "corp\\eve", resource=FEDERATION), federated_sign_in(6, "a"),
    issued(7, "corp\\r", leg="secondary_issuance"), issued(8, "corp\\f", outcome="failed"),
    issued(9, "corp\\n", issuer=None), issued(10, "corp\\o", resource="urn:other"),
]
UNKNOWN_NAMES = "2 of 5 issuances name nobody who is known: say who they are (--identities)"

CASES: Table = {
    "coverage says what a farm does not tell": Case(
        "5.2", NAMELESS, coverage("adfs", reason=[
            f"declared complete; {UNKNOWN_NAMES}; audit 1200 alone (Basic); no record numbers, so that gaps cannot be"
            " seen"
        ])),
    "coverage says what a farm does not tell: and that nobody named it": Case(
        "5.2", NAMELESS, coverage("adfs", reason=[
            f"not declared complete; {UNKNOWN_NAMES}; nobody said whose assertions it issues (--federated)"
        ]), Settings()),
    **{
        f"an identity provider that nobody named accuses only out of nowhere: {sentence}": Case(
            "1.3 a, 4.5", rows, [assertions(wanted), *([ROWS[sentence]] if sentence in ROWS else [])])
        for sentence, (rows, wanted) in TOLD.items()
    },
    **{
        f"assertions are held against what the farm issued: {sentence}": Case(
            "4.3", rows, served(wanted, least), WHOLE, around=AROUND)
        for sentence, (rows, wanted, least) in SERVED.items()
    },
    "another's full name counts, where hers is written without a domain": Case(
        "4.3", [issued(-300, "corp\\alice"), issued(0, "x1@example.com"), shown(1)], served([(NO_ID, None)], 0),
        replace(WHOLE, identities=(("alice", "corp\\alice"),)), around=AROUND),
    "where nothing is relied on no domain comes out of nowhere": Case(
        "4.5", [BEFORE, of_domain(0, ip=AWAY)], assertions([(SECOND, None)]), Settings()),
    **{
        f"of two named domains above a user's own the nearer one says whose assertion it was: {near}": Case(
            "1.3 a", [*farm_log(), of_domain(0, f"a.{near}")],
            each(where=lambda t: t["derived"] == "assertion", count=1, issuer="adfs:sts.near.example"),
            complete(federated={"example.com": FARM, near: "adfs:sts.near.example"}))
        for near in ("eu.example.com", "west.example.com")
    },
    "an assertion for somebody whom nothing identifies may be any that was issued": Case(
        "4.3", [*farm_log(), sign_in(5, "a", None, subject_name="nobody@example.com", incoming_token="saml11")],
        [each(Reason.NO_ID, where=lambda t: t["derived"] == "assertion", count=1),
         coverage("entra-signin", "interactive", reason=["declared complete"])]),
    "what people are given of whom only a name is known is not counted": Case(
        "4.3 e", [row for day in (3, 2, 1, 0) for row in (
            issued(-DAY * day, "nobody@example.com"), *(
                sign_in(minute - DAY * day, f"n{day}{minute}", None, subject_name="nobody@example.com",
                        incoming_token="saml11", ip=ip)
                for minute, ip in (((1, HOME),) if day else ((1, HOME), (10, AWAY)))))],
        served([(NO_ID, None)] * 5, 0), WHOLE, around=AROUND),
    "what is no sign-in presents no assertion": Case(
        "1.3 a", [*farm_log(), shown(5) | {"leg": "context"}], none),
    "what was issued for a set is listed with it": Case(
        "4.3, 6.4", IN_SET, [
            listed(("one", "alice"), ("two", "alice"), ("kid", "alice"), ("grandchild", "alice")),
            each(Reason.BY_ID, where=lambda t: t["token_id"] == "other"),
            each(verdict="contradicted", count=1, where=lambda t: (t["token_id"], t["subject"]) == ("kid", "bob")),
        ]),
}
