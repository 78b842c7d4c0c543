"""The short texts of reasons, as tables show them."""

from __future__ import annotations

from counterfoil.model.advice import IN_BRIEF, MAX_BRIEF
from counterfoil.model.verdict import Reason


def test_every_reason_has_a_short_text_that_fits_its_column() -> None:
    """A reason without a short text, or with a long one, would break the report's table."""
    assert set(IN_BRIEF) == set(Reason)
    assert max(map(len, IN_BRIEF.values())) <= MAX_BRIEF
