"""The texts of reasons and diagnoses."""

from __future__ import annotations

import pytest

from counterfoil.model.advice import EXPLAINED, claim_of
from counterfoil.model.diagnosis import Diagnosis
from counterfoil.model.reason import SETS, Probable, Reason, reasons_of
from counterfoil.model.verdict import ACCUSING, Verdict
from counterfoil.model.word import Word

MAX_BRIEF = 62


def test_every_reason_has_a_short_text_that_fits_its_column() -> None:
    """A reason without a short text, or with a long one, would break the report's table."""
    assert all(0 < len(reason.brief) <= MAX_BRIEF for reason in Reason)


def test_every_diagnosis_has_a_short_text_that_fits_its_column() -> None:
    """The same for diagnoses."""
    assert all(0 < len(diagnosis.brief) <= MAX_BRIEF for diagnosis in Diagnosis)


@pytest.mark.parametrize("diagnosis", Diagnosis)
def test_every_diagnosis_says_what_to_do_first(diagnosis: Diagnosis) -> None:
    """`explain CODE` tells meaning, why and a first act of each."""
    told = EXPLAINED[diagnosis]
    assert "diagnosis" in told.sort
    assert told.meaning
    assert told.why
    assert told.act


def test_every_reason_belongs_to_one_verdict() -> None:
    """What `explain VERDICT` lists is all that a token of it can have."""
    listed = [reason for verdict in Verdict for reason in reasons_of(verdict)]
    assert sorted(listed) == sorted(Reason)


def test_a_word_lacks_none_of_its_facts() -> None:
    """Who adds a reason and forgets what it means is told so at once."""
    with pytest.raises(ValueError, match="shorter"):

        class Half(Word):
            """Words of which one is not finished."""

            meaning: str
            why: str

            DONE = "done", "it is done", "it was begun", "Rest."
            BEGUN = "begun", "it is begun"


def test_a_finding_claims_what_its_rule_says() -> None:
    """An accused token's finding claims its verdict, a set is forged in part, and Probable alone is probably forged."""
    said = {reason: str(claim_of(reason).verdict) for reason in Reason if reason.verdict in ACCUSING}
    assert said == {reason: str(reason.verdict) for reason in said}
    assert {claim_of(reason).verdict for reason in SETS} == {"forged"}
    assert {claim_of(rule).verdict for rule in Probable} == {"probably-forged"}
