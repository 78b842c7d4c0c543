"""The reference, rules 4.2 and 4.3: records without id, and assertions."""

from __future__ import annotations

from typing import Any

import pytest

from counterfoil.model.verdict import Reason, Verdict

from .reference import Settings
from .rows import (
    access,
    answer,
    assertion,
    complete,
    farm_log,
    federated_sign_in,
    foreign,
    innocent,
    is_,
    judged,
    sign_in,
)

# --- rule 4.2: no id ---------------------------------------------------------------------------------------------


def test_a_user_without_any_sign_in_is_forged() -> None:
    """4.2 h: no id, but the record shows the user's own token, and the user did not sign in."""
    rows = [sign_in(-6000, "a"), foreign(5, None)]
    assert is_(answer(rows), Verdict.FORGED, Reason.SUBJECT_NOT_SIGNED_IN)


def test_a_record_without_id_whose_user_signed_in_is_unlinkable() -> None:
    """4.2 d: any sign-in of the user in the token's life may be the one."""
    assert is_(answer([sign_in(-900, "a"), access(5, None)]), Verdict.UNLINKABLE, Reason.NO_ID)


def test_a_sign_in_of_somebody_unidentified_is_everybodys_candidate() -> None:
    """4.2: a name that nothing proves may be this user's."""
    rows = [sign_in(-6000, "a"), sign_in(0, "c", None, subject_name="who@example.com"), access(5, None)]
    assert is_(answer(rows), Verdict.UNLINKABLE, Reason.NO_ID)


def test_a_record_without_a_subject_accuses_nobody() -> None:
    """4.2: who is unknown may be anybody who signed in."""
    assert is_(answer([sign_in(0, "a"), access(5, None, None)]), Verdict.UNLINKABLE, Reason.NO_ID)


@pytest.mark.parametrize(
    "more",
    [
        {"logon_type": "delegate"},
        {"logon_type": "admin"},
        {"logon_type": None},
        {"logon_type": None, "object_kind": None},
        {"token_class": "act_as"},
        {"token_class": "delegated"},
        {"token_class": None, "subject_id": None, "subject_name": "alice@example.com"},
        {"signing_input_digest": "d1", "logon_type": "delegate"},
    ],
)
def test_a_key_that_is_not_sound_convicts_nobody(more: dict[str, Any]) -> None:
    """4.2 e: delegates, act-as records and mere names do not show the acting user's own token."""
    token = answer([sign_in(-6000, "a"), foreign(5, None, **more)])
    assert is_(token, Verdict.UNCOVERED, Reason.KEY_NOT_SOUND)
    assert token.probably_forged == {"4.2e"}


@pytest.mark.parametrize("token_class", ["application", "service", "managed_identity"])
def test_app_only_access_without_id_accuses_nobody(token_class: str) -> None:
    """4.2 d, e: whoever acts without a user may have signed in without a user."""
    token = answer([sign_in(-6000, "a"), foreign(5, None, token_class=token_class)])
    assert is_(token, Verdict.UNCOVERED, Reason.KEY_NOT_SOUND)
    assert innocent(token)


def test_a_delegates_ordinary_use_without_id_accuses_nobody() -> None:
    """4.2 e: from the user's own client, network and agent, it is a lost record at most."""
    rows = [sign_in(-6000, "a"), access(-5999, "a")]
    assert innocent(answer([*rows, access(5, None, logon_type="delegate")]))
    assert innocent(answer([*rows, access(5, None, logon_type="delegate", client_id="new")]))


def test_a_digest_alone_is_not_sound() -> None:
    """4.2: a token with a digest and no id is judged like one without either."""
    token = answer([sign_in(-6000, "a"), foreign(5, None, signing_input_digest="d1")])
    assert is_(token, Verdict.FORGED, Reason.SUBJECT_NOT_SIGNED_IN)
    assert is_(answer([sign_in(0, "a"), foreign(5, None, signing_input_digest="d1")]), Verdict.UNLINKABLE, Reason.NO_ID)


def test_a_subject_that_never_signs_in_is_no_user() -> None:
    """4.2 c: a shared mailbox or a service is nobody who could have a sign-in."""
    token = answer([sign_in(0, "a"), foreign(5, None, "shared-mailbox")])
    assert is_(token, Verdict.UNCOVERED, Reason.KEY_NOT_SOUND)
    assert innocent(token)


def test_a_delegate_with_a_sign_in_is_unlinkable() -> None:
    """4.2 d: the acting user's sign-ins are looked at, never the mailbox owner's."""
    rows = [sign_in(0, "c", "dora"), access(5, None, "dora", logon_type="delegate")]
    assert is_(answer(rows), Verdict.UNLINKABLE, Reason.NO_ID)


@pytest.mark.parametrize("missing", ["interactive", "non-interactive"])
def test_without_id_both_kinds_of_a_users_sign_ins_must_be_declared(missing: str) -> None:
    """4.2 b: a refresh leaves a non-interactive record only."""
    declared = {"interactive", "non-interactive"} - {missing}
    rows = [sign_in(-6000, "a"), foreign(5, None)]
    assert is_(answer(rows, complete(*declared)), Verdict.UNCOVERED, Reason.NOT_DECLARED)


def test_a_record_without_id_before_the_log_is_uncovered() -> None:
    """4.2 b: the whole look-back must be covered."""
    assert is_(answer([foreign(-14000, None)]), Verdict.UNCOVERED, Reason.OUTSIDE_COVERAGE)


def test_a_record_without_id_of_an_unknown_issuer_is_uncovered() -> None:
    """4.2 a: no log, no absence."""
    assert is_(answer([foreign(5, None, issuer=None)]), Verdict.UNCOVERED, Reason.NO_ISSUER_LOG)


# --- rule 4.3: assertions ----------------------------------------------------------------------------------------


def test_an_assertion_that_the_farm_did_not_issue_is_forged() -> None:
    """4.3 d: a sign-in presented one, and the farm's complete log has none for this user."""
    tokens = judged([*farm_log(), assertion(0, "bob"), federated_sign_in(5, "a"), access(6, "a")])
    assert is_(tokens[1], Verdict.FORGED, Reason.ASSERTION_NOT_ISSUED)
    assert is_(tokens[0], Verdict.TAINTED, Reason.FORGED_ANCESTOR)


def test_an_assertion_with_an_issuance_that_fits_is_unlinkable() -> None:
    """4.3 f: nothing links the two but user and time, and that clears nobody and convicts nobody."""
    assert is_(answer([*farm_log(), assertion(0), federated_sign_in(5, "a")]), Verdict.UNLINKABLE, Reason.NO_ID)


def test_an_assertion_of_somebody_unidentified_counts_for_everybody() -> None:
    """4.3: the farm's name for a user may not be proven."""
    rows = [*farm_log(), assertion(0, None, subject_name="dom\\alice"), federated_sign_in(5, "a")]
    assert is_(answer(rows), Verdict.UNLINKABLE, Reason.NO_ID)


def test_a_sign_in_that_does_not_say_what_was_presented_is_unlinkable() -> None:
    """4.3: older logs lack the field."""
    token = answer([assertion(0, "bob"), sign_in(5, "a", incoming_token=None)])
    assert is_(token, Verdict.UNLINKABLE, Reason.PRESENTATION_UNKNOWN)


def test_an_assertion_of_a_farm_without_logs_is_uncovered() -> None:
    """4.3 a: no log of the farm at all."""
    assert is_(answer([federated_sign_in(5, "a")]), Verdict.UNCOVERED, Reason.NO_ISSUER_LOG)


def test_an_assertion_of_an_undeclared_farm_is_uncovered() -> None:
    """4.3 b: nobody answers for the farm's log."""
    rows = [*farm_log(), assertion(0, "bob"), federated_sign_in(5, "a")]
    settings = Settings(federated=complete().federated)
    assert is_(answer(rows, settings), Verdict.UNCOVERED, Reason.NOT_DECLARED)


def test_every_host_of_the_farm_must_be_declared() -> None:
    """4.3 c: the assertion may have come from the other host."""
    rows = [*farm_log(), assertion(0, "bob"), assertion(1, "bob", kind="sts2"), federated_sign_in(5, "a")]
    assert is_(answer(rows), Verdict.UNCOVERED, Reason.OUTSIDE_COVERAGE)


def test_more_assertions_accepted_than_issued_are_named_as_a_set() -> None:
    """4.3 e: two fresh sign-ins, one issuance: one of them is forged, and nobody can say which."""
    rows = [*farm_log(), assertion(0), federated_sign_in(5, "a"), federated_sign_in(6, "c")]
    assert {t.reason for t in judged(rows)} == {Reason.COUNT_ONLY}


def test_as_many_assertions_issued_as_accepted_accuse_nobody() -> None:
    """4.3 e: late, early and shared windows count for the user."""
    rows = [*farm_log(), assertion(0), assertion(7), federated_sign_in(5, "a"), federated_sign_in(6, "c")]
    assert all(innocent(t) for t in judged(rows))


def test_a_forged_assertion_does_not_cast_doubt_on_its_neighbours() -> None:
    """4.3 e: what is already known to be forged takes no issuance away from the others."""
    rows = [*farm_log(), assertion(100), federated_sign_in(5, "a", ip="203.0.113.9"), federated_sign_in(101, "c")]
    reasons = sorted(t.reason for t in judged(rows))
    assert reasons == [Reason.ASSERTION_NOT_ISSUED, Reason.NO_ID]


def test_a_run_ends_where_no_assertion_could_serve_both_sides() -> None:
    """4.3 e: what is missing in the morning casts no doubt on the evening."""
    morning = [assertion(0), federated_sign_in(5, "a"), federated_sign_in(6, "c")]
    evening = [assertion(600), federated_sign_in(605, "d")]
    reasons = [t.reason for t in sorted(judged([*farm_log(), *morning, *evening]), key=lambda t: t.first_seen)]
    assert reasons == [Reason.COUNT_ONLY, Reason.COUNT_ONLY, Reason.NO_ID]


def served(subject: str, minute: int) -> list[dict[str, Any]]:
    """Return a federated sign-in and the assertion that it presented."""
    return [assertion(minute, subject), federated_sign_in(minute + 1, f"f-{subject}", subject)]


def test_a_lost_assertion_record_accuses_nobody() -> None:
    """4.3 d, 5.4: the sign-in comes from the user's own client, network and agent."""
    token = answer([*farm_log(), *served("alice", -600), federated_sign_in(5, "a")])
    assert is_(token, Verdict.UNCOVERED, Reason.ORDINARY_MISS)
    stranger = federated_sign_in(5, "a", ip="203.0.113.9")
    assert is_(answer([*farm_log(), *served("alice", -600), stranger]), Verdict.FORGED, Reason.ASSERTION_NOT_ISSUED)


def test_lost_assertion_records_of_two_people_refute_the_farms_declaration() -> None:
    """4.3 d, 5.5: then a stranger's assertion is probably forged, and nobody is convicted."""
    rows = [*farm_log(), *served("alice", -600), *served("bob", -600)]
    rows += [federated_sign_in(5, "a"), federated_sign_in(6, "c", "bob")]
    token = answer([*rows, federated_sign_in(300, "d", ip="203.0.113.9")])
    assert is_(token, Verdict.UNCOVERED, Reason.DECLARATION_REFUTED)
    assert token.probably_forged == {"5.8"}
