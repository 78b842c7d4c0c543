"""Rules 2 and 3: links and contradictions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from counterfoil.model.reason import Reason

from .cases import SMALL, Case, Table, innocent, last, of, reasons
from .reference import Settings
from .reference_policy import CONSUMER_TENANT
from .rows import OTHER_TENANT, TENANT, Row, access, at, exchange, foreign, sign_in

SERVICES = "72f988bf-86f1-41af-91ab-2d7cd011db47"
NAMED: Row = {"subject_name": "alice@example.com"}
APP: Row = {"kind": "service-principal", "token_class": "application", "client_id": "backup"}
SAID: Row = {"key_id": "k1"}



def lawful(count: int, **more: Any) -> list[Row]:
    """Return sign-ins and accesses whose issued-at lies 300 s before the sign-in."""
    return [
        row for n in range(count)
        for row in (sign_in(n, f"l{n}"), access(n + 1, f"l{n}", issued_at=at(n - 5), **more))
    ]


def off(seconds: float, **more: Any) -> list[Row]:
    """Return a sign-in, and an access whose issued-at lies so far from it."""
    return [sign_in(20, "a"), access(25, "a", issued_at=at(20) + timedelta(seconds=seconds), **more)]


LINKS: Table = {
    "an issued id is minted": Case("3.1", [sign_in(0, "a"), access(5, "a")], last(Reason.BY_ID)),
    "an exact copy is minted and the basis says so": Case(
        "3.1", [sign_in(0, "a"), access(5, "a"), foreign(9, "a")], last(Reason.BY_ID, acceptances=2)),
    "the same digest is minted by digest": Case(
        "3.1", [sign_in(0, "a", signing_input_digest="d1"), access(5, "a", signing_input_digest="d1")],
        last(Reason.BY_DIGEST)),
    "another digest under the same id is contradicted": Case(
        "3.1", [sign_in(0, "a", signing_input_digest="d1"), access(5, "a", signing_input_digest="d2")],
        last(Reason.DIGEST_DIFFERS)),
    "a digest on one side only disagrees with nothing": Case(
        "3.1", [sign_in(0, "a"), access(5, "a", signing_input_digest="d2")], last(Reason.BY_ID)),
    "an issuance stamped after the acceptance still clears": Case(
        "3.1", [access(5, "a"), sign_in(12, "a")], last(Reason.BY_ID)),
    "another key is contradicted": Case(
        "3.2", [sign_in(0, "a", key_id="k1"), access(5, "a", key_id="k2")], last(Reason.KEY_DIFFERS)),
    "another tenant is contradicted": Case(
        "3.2", [sign_in(0, "a"), access(5, "a", token_tenant=OTHER_TENANT)], last(Reason.TENANT_DIFFERS)),
    "the home tenant is never compared": Case(
        "3.2", [sign_in(0, "a", home_tenant=OTHER_TENANT), access(5, "a", token_tenant=TENANT)], last(Reason.BY_ID)),
    **{
        f"direct connect and partners may name another tenant: {crossing}": Case(
            "3.2", [sign_in(0, "a", cross_tenant=crossing), access(5, "a", token_tenant=OTHER_TENANT)],
            last(Reason.BY_ID))
        for crossing in ("b2bDirectConnect", "serviceProvider", "microsoftSupport", "passthrough")
    },
    "who may name another tenant and names this one is compared": Case(
        "3.9", [sign_in(0, "a", cross_tenant="serviceProvider"), access(5, "a", token_tenant=TENANT)],
        last(Reason.BY_ID, uncompared="key issued-at")),
    "a service tenant may differ": Case(
        "3.2", [sign_in(0, "a"), access(5, "a", token_tenant=SERVICES, token_class="service")],
        last(Reason.BY_ID)),
    "a service tenant may differ: the resources": Case(
        "3.2", [sign_in(0, "a", resource_tenant=SERVICES), access(5, "a", token_tenant=TENANT)], last(Reason.BY_ID)),
    "only the tuple that disagrees is contradicted": Case(
        "3.4", [sign_in(0, "a"), access(5, "a"), access(9, "a", "bob")],
        reasons(Reason.BY_ID, Reason.SUBJECT_DIFFERS)),
    "an interrupt before success under the same id is minted": Case(
        "2.2", [sign_in(0, "a", outcome="interrupted"), sign_in(1, "a"), access(5, "a")], last(Reason.BY_ID)),
    "an interrupt before success under another id is minted": Case(
        "2.2", [sign_in(0, "a", outcome="interrupted"), sign_in(1, "c"), access(5, "c")], last(Reason.BY_ID)),
}

FAILED: Table = {
    f"what a sign in that failed says of its id is not the tokens: {words}": Case(
        "3.2", [sign_in(-1, "a", **SAID | failed, outcome="failed"), sign_in(0, "a", **SAID), sign_in(1, "b", "bob"),
                access(5, "a", **used)], last(reason))
    for words, failed, used, reason in (
        ("whose it is", Row(subject_id="bob"), Row(subject_id="bob"), Reason.SUBJECT_DIFFERS),
        ("its tenant", Row(resource_tenant=OTHER_TENANT), Row(token_tenant=OTHER_TENANT), Reason.TENANT_DIFFERS),
        ("that it crosses", Row(cross_tenant="serviceProvider"), Row(token_tenant=OTHER_TENANT),
         Reason.TENANT_DIFFERS),
        ("that it is a guests", Row(home_tenant=OTHER_TENANT), Row(subject_id="carl"), Reason.SUBJECT_DIFFERS),
        ("that it is an applications", APP, Row(subject_id="carl", token_class=None), Reason.SUBJECT_DIFFERS),
        ("its key", Row(key_id="k2"), Row(key_id="k2"), Reason.KEY_DIFFERS),
        ("its bytes", Row(signing_input_digest="d2"), Row(signing_input_digest="d2"), Reason.BY_ID),
    )
}

SUBJECTS: Table = {
    "another subject is contradicted": Case(
        "3.2", [sign_in(0, "a"), sign_in(1, "c", "bob"), access(5, "a", "bob")], last(Reason.SUBJECT_DIFFERS)),
    "who is at home here is no guest, in whatever way she came": Case(
        "3.2", [sign_in(0, "a", "bob", cross_tenant="b2bCollaboration"), access(5, "a")], last(Reason.SUBJECT_DIFFERS)),
    "a guests subject is not compared": Case(
        "3.2", [sign_in(0, "a", "gus-at-home", home_tenant=OTHER_TENANT), access(5, "a", "gus-here")],
        last(Reason.BY_ID)),
    **{
        f"a delegated tokens subject is compared: {token_class}": Case(
            "3.2", [sign_in(0, "a", "bob"), access(5, "a", "alice", token_class=token_class)],
            last(Reason.SUBJECT_DIFFERS))
        for token_class in ("user", "delegated", None)
    },
    **{
        f"an act as tokens subject is not compared: {token_class}": Case(
            "3.2", [sign_in(0, "a", "app", kind="service-principal", token_class="application"),
                    access(5, "a", "alice", token_class=token_class)], last(Reason.BY_ID))
        for token_class in ("act_as", "application", "managed_identity", "service")
    },
    **{
        f"a persons sign in issues no applications token: {token_class}": Case(
            "3.2", [sign_in(0, "a", "bob"), access(5, "a", "alice", token_class=token_class)],
            last(Reason.CLASS_DIFFERS))
        for token_class in ("act_as", "application", "managed_identity")
    },
    "of a sign in of an application and one of a person under one id both are the persons": Case(
        "3.2", [sign_in(0, "a", "app", **APP), sign_in(1, "a", "bob"), access(5, "a")], last(Reason.SUBJECT_DIFFERS)),
    **{
        f"another application is not shown where {words}": Case(
            "3.2", [sign_in(0, "p"), issued, access(5, "a", token_class="application", **used)], last(Reason.BY_ID))
        for words, issued, used in (
            ("the tokens client is unknown", sign_in(0, "a", "app", **APP), Row(client_id=None)),
            ("its principal is a mere name", sign_in(0, "a", "app", **APP), Row(subject_id=None, subject_name="x")),
            ("the sign ins principal is a mere name",
             sign_in(0, "a", None, **APP, subject_name="backup"), Row(client_id="mailer")),
            ("an exchange is of another client", exchange(1, "a", ["p"], "app"), Row(client_id="mailer")),
        )
    },
    "a name that nothing proves contradicts nobody": Case(
        "3.2", [sign_in(0, "a"), access(5, "a", None, subject_name="postmaster")], last(Reason.BY_ID)),
    "a delegate known by name is not contradicted": Case(
        "3.2", [sign_in(0, "a", "dora"), sign_in(1, "c"), access(5, "a", None, **NAMED, logon_type="delegate")],
        last(Reason.BY_ID)),
    **{
        f"a name of another person is a doubt where it may be the mailboxes: {more}": Case(
            "3.2", [sign_in(0, "a", "dora"), sign_in(1, "c"), access(5, "a", None, **NAMED | more)],
            last(Reason.NAME_DIFFERS, probable="name-differs"))
        for more in ({"logon_type": None}, {"token_class": None}, {"token_class": "delegated"})
    },
    "an owner known by name is contradicted by another subject": Case(
        "3.2", [sign_in(0, "a", "bob"), sign_in(1, "c"), access(5, "a", None, **NAMED)],
        last(Reason.SUBJECT_DIFFERS)),
    "a name of somebody who never signs in contradicts nothing": Case(
        "3.2", [sign_in(0, None, "shared", leg="context", source="entra-audit", kind="directory"), sign_in(0, "a"),
                access(5, "a", None, subject_name="shared@example.com")], last(Reason.BY_ID)),
}

LAW: Table = {
    **{
        f"no law speaks of {words}": Case(
            "3.2", [sign_in(0, "a") | more, access(5, "a", issued_at=at(0))], last(Reason.BY_ID, law_broken=False),
            compared="event_time" not in more)  # the double knows no record without a time
        for words, more in {
            "a sign in of which no time is known": Row(event_time=None),
            "a sign in of which only the arrival is known": Row(ingested_at=at(0)),
            "sign ins of another log": Row(source="m365-ual"),
        }.items()
    },
    "a law speaks of a sign in that arrived later": Case(
        "3.2", [sign_in(0, "a", ingested_at=at(9)), access(5, "a", issued_at=at(0))],
        last(Reason.BY_ID, law_broken=True)),
    "an exchange obeys no law of sign ins": Case(
        "3.2", [sign_in(0, "a"), exchange(10, "a", []), access(15, "a", issued_at=at(5))],
        last(Reason.BY_ID, law_broken=True)),
    "issued at off the law is contradicted where the law held": Case(
        "3.2", [*lawful(9), *off(0)], last(Reason.ISSUED_AT_DIFFERS), policy=SMALL),
    "issued at off an unproven law is a suspicion: too few pairs": Case(
        "3.2", [*lawful(8), *off(0)], last(Reason.BY_ID, law_broken=True), policy=SMALL),
    "issued at off an unproven law is a suspicion: others break it too": Case(
        "3.2", [*lawful(9), sign_in(19, "b"), access(24, "b", issued_at=at(19), ip="203.0.113.9"), *off(0)],
        last(Reason.BY_ID, law_broken=True), policy=SMALL),
    "copies from one network do not excuse each other": Case(
        "3.2", [*lawful(9), sign_in(19, "b"), access(24, "b", issued_at=at(19)), *off(0)],
        last(Reason.ISSUED_AT_DIFFERS), policy=SMALL),
    "a persons own use that breaks it shows that there is no law": Case(
        "3.2", [*lawful(9), *(sign_in(-1440 * n, f"h{n}") for n in range(1, 4)), *off(0)],
        last(Reason.BY_ID, law_broken=True), policy=SMALL),
    "too few pairs make no law even where nearly all obey": Case(
        "3.2", [*lawful(120), *off(0)], of("a", Reason.BY_ID, law_broken=True)),
    "who breaks the law is contradicted by what comes before": Case(
        "3.2", [*lawful(9), sign_in(20, "a"), access(25, "a", "bob", issued_at=at(20))],
        last(Reason.SUBJECT_DIFFERS), policy=SMALL),
    "the law comes before the realm": Case(
        "3.2", [*lawful(9), sign_in(20, "a", resource_tenant=None),
                access(25, "a", issued_at=at(20), token_tenant=CONSUMER_TENANT)],
        last(Reason.ISSUED_AT_DIFFERS), policy=SMALL),
    "two seconds off the law obey it": Case(
        "3.2", [*lawful(9), *off(-302)], last(Reason.BY_ID, law_broken=False), policy=SMALL),
    "three seconds off the law break it": Case(
        "3.2", [*lawful(9), *off(-303)], last(Reason.ISSUED_AT_DIFFERS), policy=SMALL),
    "half a second breaks no law": Case(
        "3.2", [*lawful(9), sign_in(0, "l") | {"event_time": at(0) + timedelta(milliseconds=600)},
                access(20, "l", issued_at=at(0) - timedelta(seconds=302))],
        last(Reason.BY_ID, law_broken=False), policy=SMALL),
}

REALM: Table = {
    "a consumer token at an organisations mailbox is contradicted": Case(
        "3.3", [access(5, "a", token_tenant=CONSUMER_TENANT)], last(Reason.CONSUMER_REALM), Settings()),
    **{
        f"a consumer token elsewhere is not contradicted: {more}": Case(
            "3.3", [access(5, "a", token_tenant=CONSUMER_TENANT, **more)],
            [innocent, last(Reason.NOT_DECLARED)], Settings())
        for more in ({"resource_tenant": CONSUMER_TENANT}, {"resource_tenant": None}, {"object_kind": "file"})
    },
}

CASES: Table = {**LINKS, **FAILED, **SUBJECTS, **LAW, **REALM}
