"""The reference, rules 1 to 3 and 4.1: records, links, contradictions, and ids that were not issued."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from counterfoil.model.schema import TokenClass
from counterfoil.model.verdict import Reason, Verdict

from .reference import Policy, Settings
from .reference_policy import CONSUMER_TENANT
from .rows import (
    OTHER_TENANT,
    TENANT,
    access,
    answer,
    assertion,
    complete,
    exchange,
    federated_sign_in,
    foreign,
    innocent,
    is_,
    judged,
    sign_in,
)

# --- rule 1: records ---------------------------------------------------------------------------------------------


def test_wrappers_of_one_record_are_one_acceptance_and_fill_each_other() -> None:
    """1.1: the better wrapper wins, and the id that only the other one kept still links."""
    poor = access(5, None) | {"record_id": "same", "fidelity": 1, "ip": "192.0.2.1"}
    rich = access(5, "a") | {"record_id": "same", "fidelity": 2}
    token = answer([sign_in(0, "a"), rich, poor])
    assert is_(token, Verdict.MINTED, Reason.BY_ID)
    assert token.acceptances == 1


def test_a_name_with_one_id_in_evidence_is_that_subject() -> None:
    """1.2: names become ids when the evidence proves it, and then they link by subject."""
    token = answer([sign_in(0, "a"), access(5, None, None, subject_name="alice@example.com")])
    assert token.subject == "alice"


def test_a_name_with_two_ids_proves_nothing() -> None:
    """1.2: a re-used name identifies nobody."""
    rows = [sign_in(0, "a"), sign_in(1, "c", "bob", subject_name="alice@example.com")]
    token = answer([*rows, access(5, None, None, subject_name="alice@example.com")])
    assert token.subject == "name:alice@example.com"


def test_the_users_identities_overrule_the_evidence() -> None:
    """1.2: `--identities` says who a name is."""
    rows = [sign_in(0, "a"), sign_in(1, "c", "bob", subject_name="alice@example.com")]
    settings = complete(identities=(("bob", "alice@example.com"),))
    assert answer([*rows, access(5, None, None, subject_name="alice@example.com")], settings).subject == "bob"


def test_what_an_acceptance_claims_proves_no_name() -> None:
    """1.2: a forger who claims another's name must not make the name his, nor spoil its proof."""
    claimed = access(4, "x", "mallory", subject_name="alice@example.com")
    token = answer([sign_in(0, "a"), claimed, access(5, None, None, subject_name="alice@example.com")])
    assert token.subject == "alice"
    token = answer([claimed, access(5, None, None, subject_name="alice@example.com")])
    assert token.subject == "name:alice@example.com"


@pytest.mark.parametrize("leg", ["issuance", "secondary_issuance", "context"])
def test_an_issuers_own_record_proves_a_name(leg: str) -> None:
    """1.2: whatever the issuer or a directory wrote."""
    row = sign_in(0, "a", leg=leg)
    assert answer([row, access(5, None, None, subject_name="alice@example.com")]).subject == "alice"


def test_a_guests_record_proves_no_name() -> None:
    """1.2: in a guest's record, the id may belong to another tenant than the name."""
    guest = sign_in(0, "a", "guest-id", subject_name="gus@example.org", home_tenant=OTHER_TENANT)
    assert answer([guest, access(5, None, None, subject_name="gus@example.org")]).subject == "name:gus@example.org"


def test_a_refused_request_gets_no_verdict() -> None:
    """1.4: what was not let in was not accepted; what was let in and denied was."""
    rows = [access(5, "a", outcome="refused"), access(6, "c", outcome="denied")]
    assert [t.token_id for t in judged(rows)] == ["c"]


def test_the_versions_of_a_federated_sign_in_present_one_assertion() -> None:
    """1.3 a: several successful records of one sign-in id make one derived acceptance."""
    rows = [federated_sign_in(5, "a"), federated_sign_in(6, "a"), assertion(4)]
    assert [t.derived for t in judged(rows)] == ["assertion"]


@pytest.mark.parametrize(
    ("name", "issuer"),
    [
        ("alice@example.com", "adfs:sts.example.org"),
        ("alice@odd@example.com", "adfs:sts.example.org"),
        ("alice@example.org", "federated:example.org"),
        ("dom\\alice", None),
        (None, None),
    ],
)
def test_an_assertion_is_of_the_issuer_of_the_names_domain(name: str | None, issuer: str | None) -> None:
    """1.3 a: what follows the last @; a name without one tells nothing."""
    assert answer([federated_sign_in(5, "a", subject_name=name)]).issuer == issuer


def test_a_parent_is_its_users_only_if_it_is_the_only_one() -> None:
    """1.3 c: of several tokens that were exchanged together, one may be a service's."""
    assert answer([exchange(5, "c", ["p"])]).subject == "alice"
    assert {t.subject for t in judged([exchange(5, "c", ["p", "q"])])} == {None}
    rows = [sign_in(0, "p"), sign_in(1, "q", "bob"), exchange(5, "c", ["p", "q"])]
    assert all(innocent(t) for t in judged(rows))


@pytest.mark.parametrize("incoming", ["refreshtoken", "primaryrefreshtoken", "none"])
def test_refresh_and_single_sign_on_present_no_assertion(incoming: str) -> None:
    """1.3: a session that goes on presents nothing upstream, so nothing can be missing there."""
    assert judged([sign_in(5, "a", incoming_token=incoming)]) == []


# --- rules 2 and 3: links and contradictions ---------------------------------------------------------------------


def test_an_issued_id_is_minted() -> None:
    """3.1: presence of the id clears."""
    assert is_(answer([sign_in(0, "a"), access(5, "a")]), Verdict.MINTED, Reason.BY_ID)


def test_an_exact_copy_is_minted_and_the_basis_says_so() -> None:
    """3.1: who copies an id and every claim passes by id; the basis tells that no digest was compared."""
    token = answer([sign_in(0, "a"), access(5, "a"), foreign(9, "a")])
    assert is_(token, Verdict.MINTED, Reason.BY_ID)
    assert token.acceptances == 2


def test_the_same_digest_is_minted_by_digest() -> None:
    """3.1: the digest outranks the id."""
    rows = [sign_in(0, "a", signing_input_digest="d1"), access(5, "a", signing_input_digest="d1")]
    assert is_(answer(rows), Verdict.MINTED, Reason.BY_DIGEST)


def test_another_digest_under_the_same_id_is_contradicted() -> None:
    """3.1: same id, other bytes."""
    rows = [sign_in(0, "a", signing_input_digest="d1"), access(5, "a", signing_input_digest="d2")]
    assert is_(answer(rows), Verdict.CONTRADICTED, Reason.DIGEST_DIFFERS)


def test_a_digest_on_one_side_only_disagrees_with_nothing() -> None:
    """3.1: unknown never disagrees."""
    rows = [sign_in(0, "a"), access(5, "a", signing_input_digest="d2")]
    assert is_(answer(rows), Verdict.MINTED, Reason.BY_ID)


def test_another_key_is_contradicted() -> None:
    """3.2: the issuer signed this id with another key."""
    rows = [sign_in(0, "a", key_id="k1"), access(5, "a", key_id="k2")]
    assert is_(answer(rows), Verdict.CONTRADICTED, Reason.KEY_DIFFERS)


def test_another_tenant_is_contradicted() -> None:
    """3.2: the token names a tenant that the issuance was not for."""
    rows = [sign_in(0, "a"), access(5, "a", token_tenant=OTHER_TENANT)]
    assert is_(answer(rows), Verdict.CONTRADICTED, Reason.TENANT_DIFFERS)


def test_the_home_tenant_is_never_compared() -> None:
    """3.2: a guest's token names the resource's tenant, not his home."""
    rows = [sign_in(0, "a", home_tenant=OTHER_TENANT), access(5, "a", token_tenant=TENANT)]
    assert innocent(answer(rows))


@pytest.mark.parametrize("crossing", ["b2bDirectConnect", "serviceProvider", "microsoftSupport", "passthrough"])
def test_direct_connect_and_partners_may_name_another_tenant(crossing: str) -> None:
    """3.2: exceptions are data."""
    rows = [sign_in(0, "a", cross_tenant=crossing), access(5, "a", token_tenant=OTHER_TENANT)]
    assert innocent(answer(rows))


def test_a_service_tenant_may_differ() -> None:
    """3.2: services of the provider live in tenants of their own."""
    services = "72f988bf-86f1-41af-91ab-2d7cd011db47"
    assert innocent(answer([sign_in(0, "a"), access(5, "a", token_tenant=services, token_class="service")]))  # noqa: S106
    assert innocent(answer([sign_in(0, "a", resource_tenant=services), access(5, "a", token_tenant=TENANT)]))


def test_another_subject_is_contradicted() -> None:
    """3.2: a copied id under another person's name."""
    rows = [sign_in(0, "a"), sign_in(1, "c", "bob"), access(5, "a", "bob")]
    assert is_(answer(rows), Verdict.CONTRADICTED, Reason.SUBJECT_DIFFERS)


def test_only_the_tuple_that_disagrees_is_contradicted() -> None:
    """3.4: the owner of a copied id stays minted."""
    tokens = judged([sign_in(0, "a"), access(5, "a"), access(9, "a", "bob")])
    assert [t.verdict for t in tokens] == [Verdict.MINTED, Verdict.CONTRADICTED]


def test_a_guests_subject_is_not_compared() -> None:
    """3.2: a guest has one object id at home and another here."""
    rows = [sign_in(0, "a", "gus-at-home", home_tenant=OTHER_TENANT), access(5, "a", "gus-here")]
    assert innocent(answer(rows))


@pytest.mark.parametrize("token_class", ["user", "delegated", None])
def test_a_delegated_tokens_subject_is_compared(token_class: str | None) -> None:
    """3.2: a user's token that an application uses names its user, as the sign-in does."""
    rows = [sign_in(0, "a", "bob"), access(5, "a", "alice", token_class=token_class)]
    assert is_(answer(rows), Verdict.CONTRADICTED, Reason.SUBJECT_DIFFERS)


@pytest.mark.parametrize("token_class", ["act_as", "application", "managed_identity"])
def test_an_act_as_tokens_subject_is_not_compared(token_class: str) -> None:
    """3.2: a service that acts for a user, or for itself, has other ids in other logs."""
    app = sign_in(0, "a", "app", kind="service-principal", token_class="application")  # noqa: S106  # a class
    assert innocent(answer([app, access(5, "a", "alice", token_class=token_class)]))
    assert innocent(answer([sign_in(0, "a", "bob"), access(5, "a", "alice", token_class="service")]))  # noqa: S106


def test_a_name_that_nothing_proves_contradicts_nobody() -> None:
    """3.2: only identified subjects are compared."""
    rows = [sign_in(0, "a"), access(5, "a", None, subject_name="postmaster")]
    assert innocent(answer(rows))


def test_a_delegate_known_by_name_is_not_contradicted() -> None:
    """3.2: the name in a delegate's record may be the mailbox's, not the token's."""
    rows = [sign_in(0, "a", "dora"), sign_in(1, "c")]
    named = access(5, "a", None, subject_name="alice@example.com", logon_type="delegate")
    assert innocent(answer([*rows, named]))


def test_an_owner_known_by_name_is_contradicted_by_another_subject() -> None:
    """3.2: where the record shows the acting user's own token, a proven name counts like an id."""
    rows = [sign_in(0, "a", "bob"), sign_in(1, "c"), access(5, "a", None, subject_name="alice@example.com")]
    assert is_(answer(rows), Verdict.CONTRADICTED, Reason.SUBJECT_DIFFERS)


def lawful(count: int) -> list[dict[str, Any]]:
    """Return sign-ins and accesses whose issued-at lies 300 s before the sign-in."""
    rows = []
    for number in range(count):
        rows += [
            sign_in(number, f"l{number}"),
            access(number + 1, f"l{number}", issued_at=sign_in(number - 5, "")["event_time"]),
        ]
    return rows


def test_issued_at_off_the_law_is_contradicted_where_the_law_held() -> None:
    """3.2: the forger who copies an id must also copy its issued-at."""
    rows = [*lawful(9), sign_in(20, "a"), access(25, "a", issued_at=sign_in(20, "")["event_time"])]
    policy = Policy(law_pairs=9, law_share=0.9)
    assert is_(answer(rows, policy=policy), Verdict.CONTRADICTED, Reason.ISSUED_AT_DIFFERS)


@pytest.mark.parametrize("policy", [Policy(law_pairs=10, law_share=0.9), Policy(law_pairs=9, law_share=0.95)])
def test_issued_at_off_an_unproven_law_is_a_suspicion(policy: Policy) -> None:
    """3.2: too few pairs, or a law that others break too, contradicts nobody."""
    rows = [*lawful(9), sign_in(20, "a"), access(25, "a", issued_at=sign_in(20, "")["event_time"])]
    token = answer(rows, policy=policy)
    assert is_(token, Verdict.MINTED, Reason.BY_ID)
    assert token.issued_at_law


def test_two_seconds_off_the_law_obey_it() -> None:
    """3.2: the tolerance belongs to the law."""
    off = timedelta(seconds=302)
    rows = [*lawful(9), sign_in(20, "a"), access(25, "a", issued_at=sign_in(20, "")["event_time"] - off)]
    assert not answer(rows, policy=Policy(law_pairs=9)).issued_at_law


def test_a_consumer_token_at_an_organisations_mailbox_is_contradicted() -> None:
    """3.3: linked or not, declared or not."""
    token = answer([access(5, "a", token_tenant=CONSUMER_TENANT)], Settings())
    assert is_(token, Verdict.CONTRADICTED, Reason.CONSUMER_REALM)


@pytest.mark.parametrize(
    "more", [{"resource_tenant": CONSUMER_TENANT}, {"resource_tenant": None}, {"object_kind": "file"}]
)
def test_a_consumer_token_elsewhere_is_not_contradicted(more: dict[str, Any]) -> None:
    """3.3: a consumer's own mailbox, an unknown one, and shared files are places where it may be."""
    assert innocent(answer([access(5, "a", token_tenant=CONSUMER_TENANT, **more)], Settings()))


# --- rule 4.1: an id that was not issued -------------------------------------------------------------------------


def test_an_id_that_must_be_there_and_is_not_is_forged() -> None:
    """4.1 h: complete logs, and no sign-in has this id."""
    assert is_(answer([sign_in(0, "a"), foreign(5, "x")]), Verdict.FORGED, Reason.ID_NOT_ISSUED)


def test_an_id_of_an_interrupted_sign_in_is_unlinkable() -> None:
    """4.1 a: the interrupt is in evidence, its success may be recorded under it."""
    token = answer([sign_in(0, "a", outcome="interrupted"), foreign(5, "a")])
    assert is_(token, Verdict.UNLINKABLE, Reason.INTERRUPT_ONLY)


def test_an_interrupt_before_success_under_the_same_id_is_minted() -> None:
    """2.2: if any version succeeded, it is an issuance."""
    rows = [sign_in(0, "a", outcome="interrupted"), sign_in(1, "a"), access(5, "a")]
    assert is_(answer(rows), Verdict.MINTED, Reason.BY_ID)


def test_an_interrupt_before_success_under_another_id_is_minted() -> None:
    """2.2: the token carries the id of the sign-in that succeeded."""
    rows = [sign_in(0, "a", outcome="interrupted"), sign_in(1, "c"), access(5, "c")]
    assert is_(answer(rows), Verdict.MINTED, Reason.BY_ID)


def test_an_id_of_a_failed_sign_in_is_a_suspicion() -> None:
    """4.1 a: no token comes from a failure, but failures are recorded oddly."""
    token = answer([sign_in(0, "a", outcome="failed"), foreign(5, "a")])
    assert is_(token, Verdict.UNLINKABLE, Reason.FAILURE_ONLY)
    assert token.id_failed_only


def test_without_any_log_of_the_issuer_nothing_is_missing() -> None:
    """4.1 b: another issuer's log is no log of this one."""
    token = answer([foreign(5, "x", issuer=f"entra:{OTHER_TENANT}")])
    assert is_(token, Verdict.UNCOVERED, Reason.NO_ISSUER_LOG)


def test_without_a_declaration_nothing_is_forged() -> None:
    """4.1 c: logs lose records; somebody must answer for completeness."""
    assert is_(answer([foreign(5, "x")], Settings()), Verdict.UNCOVERED, Reason.NOT_DECLARED)


def test_every_kind_that_could_have_issued_it_must_be_declared() -> None:
    """4.1 c: a user's token may come from a non-interactive sign-in."""
    assert is_(answer([foreign(5, "x")], complete("interactive")), Verdict.UNCOVERED, Reason.NOT_DECLARED)


@pytest.mark.parametrize("more", [{"token_class": "service"}, {}, {"subject_id": None}])
def test_a_token_of_unknown_class_needs_every_kind(more: dict[str, Any]) -> None:
    """4.1: class unknown, and nobody who is known to be a user by id: all four kinds needed."""
    rows = [foreign(5, "x", "nobody", subject_name="alice@example.com", **{"token_class": None} | more)]
    rows = [sign_in(-9000, "a"), *rows]
    assert is_(answer(rows, complete(*("interactive", "non-interactive"))), Verdict.UNCOVERED, Reason.NOT_DECLARED)
    assert is_(answer(rows), Verdict.FORGED, Reason.ID_NOT_ISSUED)


def test_a_token_of_unknown_class_of_a_known_user_needs_the_users_kinds() -> None:
    """4.1: who signs in as a person has a person's tokens."""
    rows = [sign_in(-9000, "a"), foreign(5, "x", token_class=None)]
    settings = complete("interactive", "non-interactive")
    assert is_(answer(rows, settings), Verdict.FORGED, Reason.ID_NOT_ISSUED)
    assert is_(answer(rows, complete("interactive")), Verdict.UNCOVERED, Reason.NOT_DECLARED)


def test_app_only_access_needs_the_service_principals_log() -> None:
    """4.1: users' sign-ins tell nothing of an application's token."""
    rows = [foreign(5, "x", "some-app", token_class=TokenClass.APPLICATION)]
    assert innocent(answer(rows, complete("interactive", "non-interactive")))
    assert is_(answer(rows, complete("service-principal")), Verdict.FORGED, Reason.ID_NOT_ISSUED)


def test_a_managed_identity_needs_the_managed_identities_log() -> None:
    """4.1: and no other."""
    rows = [foreign(5, "x", "some-vm", token_class=TokenClass.MANAGED_IDENTITY)]
    assert innocent(answer(rows, complete("service-principal")))
    assert is_(answer(rows, complete("managed-identity")), Verdict.FORGED, Reason.ID_NOT_ISSUED)


def test_a_token_that_may_be_older_than_the_log_is_uncovered() -> None:
    """4.1 d: without issued-at it may be 28 h old."""
    token = answer([foreign(-14400 + 28 * 60 + 9, "x")])
    assert is_(token, Verdict.UNCOVERED, Reason.OUTSIDE_COVERAGE)
    assert is_(answer([foreign(-14400 + 28 * 60 + 10, "x")]), Verdict.FORGED, Reason.ID_NOT_ISSUED)


def test_later_use_narrows_the_window_unless_it_exceeds_the_life() -> None:
    """4.1: a token still in use after 20 h was issued 8 h before at the most; after 30 h, its life is not known."""
    minute = -14400 + 8 * 60 + 10
    assert is_(answer([access(minute, "x")]), Verdict.UNCOVERED, Reason.OUTSIDE_COVERAGE)
    twice = [access(minute, "x"), access(minute + 20 * 60, "x")]
    assert is_(answer(twice), Verdict.FORGED, Reason.ID_NOT_ISSUED)
    longer = [access(minute, "x"), access(minute + 30 * 60, "x")]
    assert is_(answer(longer), Verdict.UNCOVERED, Reason.OUTSIDE_COVERAGE)


def test_issued_at_narrows_the_window() -> None:
    """4.1: a token that says when it was issued needs coverage from then on."""
    minute = -14400 + 20
    token = answer([foreign(minute, "x", issued_at=sign_in(minute - 10, "")["event_time"])])
    assert is_(token, Verdict.FORGED, Reason.ID_NOT_ISSUED)


def test_an_issued_at_outside_its_life_is_a_finding_and_no_excuse() -> None:
    """4.1: the forger chooses issued-at; one of last year does not move the window to last year."""
    token = answer([foreign(5, "x", issued_at=sign_in(-500_000, "")["event_time"])])
    assert is_(token, Verdict.FORGED, Reason.ID_NOT_ISSUED)
    assert token.issued_at_outside_life


def test_an_issuance_stamped_after_the_acceptance_still_clears() -> None:
    """3.1: records come late and out of order; presence clears whenever it is stamped."""
    assert is_(answer([access(5, "a"), sign_in(12, "a")]), Verdict.MINTED, Reason.BY_ID)


def test_an_id_of_a_kind_that_no_sign_in_log_holds_convicts_nobody() -> None:
    """4.1: only Entra's ids are known to be in the issuer's log."""
    token = answer([foreign(5, "x") | {"token_id_kind": "jti"}])
    assert is_(token, Verdict.UNCOVERED, Reason.KEY_NOT_SOUND)
    assert innocent(token)
