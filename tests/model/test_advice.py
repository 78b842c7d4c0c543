"""The texts of reasons and diagnoses."""

from __future__ import annotations

import pytest

from counterfoil.model.advice import DIAGNOSIS_IN_BRIEF, IN_BRIEF, MAX_BRIEF, explanation, reasons_of
from counterfoil.model.verdict import Diagnosis, Reason, Verdict


def test_every_reason_has_a_short_text_that_fits_its_column() -> None:
    """A reason without a short text, or with a long one, would break the report's table."""
    assert set(IN_BRIEF) == set(Reason)
    assert max(map(len, IN_BRIEF.values())) <= MAX_BRIEF


def test_every_diagnosis_has_a_short_text_that_fits_its_column() -> None:
    """The same for diagnoses."""
    assert set(DIAGNOSIS_IN_BRIEF) == set(Diagnosis)
    assert max(map(len, DIAGNOSIS_IN_BRIEF.values())) <= MAX_BRIEF


@pytest.mark.parametrize("diagnosis", Diagnosis)
def test_every_diagnosis_says_what_to_do_first(diagnosis: Diagnosis) -> None:
    """`explain CODE` tells meaning, why and a first act of each."""
    told = explanation(diagnosis)
    assert told is not None
    assert "diagnosis" in told.sort
    assert told.meaning
    assert told.why
    assert told.act


def test_every_reason_belongs_to_one_verdict() -> None:
    """What `explain VERDICT` lists is all that a token of it can have."""
    listed = [reason for verdict in Verdict for reason in reasons_of(verdict)]
    assert sorted(listed) == sorted(Reason)
