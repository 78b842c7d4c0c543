"""The texts of reasons and diagnoses."""

from __future__ import annotations

import pytest

from counterfoil.model.advice import explanation
from counterfoil.model.verdict import Diagnosis, Reason, Verdict, reasons_of

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
