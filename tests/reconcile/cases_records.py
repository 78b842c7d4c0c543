"""Rule 1: records, names, and the acceptances that other records imply."""

from __future__ import annotations

from collections.abc import Mapping

from counterfoil.model.reason import Reason

from .cases import Case, Table, each, innocent, last, none, of
from .own_rows import minted, received
from .reference import Settings
from .rows import OTHER_TENANT, Row, access, assertion, at, complete, exchange, federated_sign_in, sign_in

NAMED = access(5, None, None, subject_name="alice@example.com")
POOR = access(5, None) | {"record_id": "same", "fidelity": 1, "ip": "192.0.2.1"}
RICH = access(5, "a") | {"record_id": "same", "fidelity": 2}
CLAIMED = access(4, "x", "mallory", subject_name="alice@example.com")
TWO_OWNERS = [sign_in(0, "a"), sign_in(1, "c", "bob", subject_name="alice@example.com")]

SAME: Row = {"record_id": "same"}
NAMELESS: Row = {"subject_id": None, "subject_name": "alice@example.com"}
# What else two copies of one record may differ in, and how many records they are.
COPIES: Mapping[str, tuple[Row, Row, int]] = {
    "in nothing": ({}, {}, 1), "by a second": ({}, {"event_time": at(5 + 1 / 60)}, 1),
    "by two seconds": ({}, {"event_time": at(5 + 2 / 60)}, 2),
    "by two seconds, of which one is that of arrival": (
        {}, {"event_time": at(5 + 2 / 60), "ingested_at": at(5 + 2 / 60)}, 1),
    "in their operation": ({}, {"operation": "Send"}, 2), "in their user": ({}, {"subject_id": "bob"}, 2),
    "in the name of one user": ({}, {"subject_name": "al@example.com"}, 1),
    "in two names of one user": ({"subject_name": "al@example.com"}, {"subject_name": "alice@example.com"}, 1),
    "in their user's name alone": (NAMELESS, {**NAMELESS, "subject_name": "bob@example.com"}, 2),
    "in a name where one has no id": (NAMELESS, {"subject_name": "bob@example.com"}, 2),
    "in whether they name the user by id or name": (NAMELESS, {}, 1),
}

CASES: Table = {
    **{
        f"copies of one id that differ {words} are so many records: {count}": Case(
            "1.1", [sign_in(0, "a"), sign_in(1, "b", "bob"), access(5, "a") | SAME | one,
                    access(5, "b") | SAME | other],
            each(count=count), compared=False)
        for words, (one, other, count) in COPIES.items()
    },
    "records of a log whose ids are made of their parts are versions, whatever they differ in": Case(
        "1.1", [minted(0, "a") | SAME, minted(3, "b", "bob", operation="other") | SAME, received(5, "a"),
                received(6, "b", "bob", age=3)],
        each(Reason.BY_DIGEST, where=lambda t: t["verdict"] == "minted", count=1), Settings()),
    "ids of two logs are not one": Case(
        "1.1", [sign_in(0, "a") | SAME, access(5, "a") | SAME], last(Reason.BY_ID)),
    "wrappers of one record are one acceptance and fill each other": Case(
        "1.1", [sign_in(0, "a"), RICH, POOR], last(Reason.BY_ID, acceptances=1, ip="192.0.2.1")),
    "a name with one id in evidence is that subject": Case(
        "1.2", [sign_in(0, "a"), NAMED], last(subject="alice")),
    "a name with two ids proves nothing": Case(
        "1.2", [*TWO_OWNERS, NAMED], last(subject="name:alice@example.com")),
    "the users identities overrule the evidence": Case(
        "1.2", [*TWO_OWNERS, NAMED], last(subject="bob"), complete(identities=(("bob", "alice@example.com"),))),
    "the users identities overrule what the evidence proves": Case(
        "1.2", [sign_in(0, "a"), NAMED], last(subject="bob"), complete(identities=(("bob", "alice@example.com"),))),
    "what an acceptance claims proves no name: it spoils no proof": Case(
        "1.2", [sign_in(0, "a"), CLAIMED, NAMED], last(subject="alice")),
    "what an acceptance claims proves no name: it makes none": Case(
        "1.2", [CLAIMED, NAMED], last(subject="name:alice@example.com")),
    **{
        f"an issuers own record proves a name: {row['leg']}": Case("1.2", [row, NAMED], last(subject="alice"))
        for row in (
            sign_in(0, "a"), exchange(0, "a", [], subject_name="alice@example.com"),
            sign_in(0, None, leg="context", source="entra-audit", kind="directory"),
        )
    },
    "a guests record proves no name": Case(
        "1.2", [sign_in(0, "a", "guest-id", subject_name="gus@example.org", home_tenant=OTHER_TENANT),
                access(5, None, None, subject_name="gus@example.org")], last(subject="name:gus@example.org")),
    "a refused request gets no verdict": Case(
        "1.4", [access(5, "a", outcome="refused"), access(6, "c", outcome="denied")], each(count=1, token_id="c")),
    "the versions of a federated sign in present one assertion": Case(
        "1.3 a", [federated_sign_in(5, "a"), federated_sign_in(6, "a"), assertion(4)],
        each(count=1, derived="assertion", acceptances=1)),
    **{
        f"an assertion is of the issuer of the names domain: {name}": Case(
            "1.3 a", [federated_sign_in(5, "a", subject_name=name)], last(issuer=issuer))
        for name, issuer in (
            ("alice@example.com", "adfs:sts.example.org"),
            ("alice@odd@example.com", "adfs:sts.example.org"),
            ("alice@example.org", "federated:example.org"),
            ("dom\\alice", None),
            (None, None),
        )
    },
    "a parent is its users only if it is the only one": Case(
        "1.3 c", [exchange(5, "c", ["p"])], last(subject="alice")),
    "of several parents each may be anothers": Case(
        "1.3 c", [exchange(5, "c", ["p", "q"])], each(count=2, subject=None)),
    "of several parents each may be anothers, and nobody is accused": Case(
        "1.3 c", [sign_in(0, "p"), sign_in(1, "q", "bob"), exchange(5, "c", ["p", "q"])],
        [innocent, of("p", Reason.BY_ID, "exchange"), of("q", Reason.BY_ID, "exchange")]),
    **{
        f"refresh and single sign on present no assertion: {incoming}": Case(
            "1.3", [sign_in(5, "a", incoming_token=incoming)], none)
        for incoming in ("refreshtoken", "primaryrefreshtoken", "none")
    },
}
