"""The fourteen hostile tokens of `python -m bench hostile`: all refused here, each by the rule that it breaks."""

from __future__ import annotations

import pytest

from counterfoil.errors import VerifyError
from counterfoil.tokens.verifier import Verifier

from .hostile import HOSTILE, contestants, genuine, policy
from .making import NOW


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_token_is_refused_by_its_rule(case: str) -> None:
    """What a service would have believed of another library."""
    made, rule = HOSTILE[case]
    with pytest.raises(VerifyError) as caught:
        Verifier(policy()).verify(made(NOW), at=NOW)
    assert caught.value.rule == rule


def test_there_are_fourteen() -> None:
    """None got lost."""
    assert len(HOSTILE) == 14


def test_every_contestant_accepts_what_is_genuine() -> None:
    """So that a refusal in the table says something: the libraries are set up as they should be."""
    import time

    now = int(time.time())
    for contestant in contestants(lambda: now):
        assert contestant.verify(genuine(now))["sub"] == "alice", contestant.name
