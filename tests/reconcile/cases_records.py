"""Rule 1: records, names, and the acceptances that other records imply."""

from __future__ import annotations

from counterfoil.model.reason import Reason

from .cases import Case, Table, each, innocent, last, none, of
from .rows import OTHER_TENANT, access, assertion, complete, exchange, federated_sign_in, sign_in

NAMED = access(5, None, None, subject_name="alice@example.com")
POOR = access(5, None) | {"record_id": "same", "fidelity": 1, "ip": "192.0.2.1"}
RICH = access(5, "a") | {"record_id": "same", "fidelity": 2}
CLAIMED = access(4, "x", "mallory", subject_name="alice@example.com")
TWO_OWNERS = [sign_in(0, "a"), sign_in(1, "c", "bob", subject_name="alice@example.com")]

CASES: Table = {
    "wrappers of one record are one acceptance and fill each other": Case(
        "1.1", [sign_in(0, "a"), RICH, POOR], last(Reason.BY_ID, acceptances=1, ip="192.0.2.1")),
    "a name with one id in evidence is that subject": Case(
        "1.2", [sign_in(0, "a"), NAMED], last(subject="alice")),
    "a name with two ids proves nothing": Case(
        "1.2", [*TWO_OWNERS, NAMED], last(subject="name:alice@example.com")),
    "the users identities overrule the evidence": Case(
        "1.2", [*TWO_OWNERS, NAMED], last(subject="bob"), complete(identities=(("bob", "alice@example.com"),))),
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
