"""Parsers of untrusted bytes let nothing out but our own errors."""

from __future__ import annotations

import pytest

from .fuzzing import fuzz, names

# One input each of the many sources: their mapping is compiled anew for every one.
QUICK = [name for name in names() if not name.startswith("source-")]


@pytest.mark.parametrize("name", QUICK)
def test_parsers_survive_a_moment_of_fuzzing(name: str) -> None:
    """A second of each, always from the same seed."""
    assert fuzz(name, 0.5) > 0


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", names())
def test_parsers_survive_five_minutes_of_fuzzing(name: str) -> None:
    """Five minutes of each parser and of each source's mapping by the engine."""
    assert fuzz(name, 300) > 0
