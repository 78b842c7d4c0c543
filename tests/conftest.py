"""What holds for every test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from counterfoil.custody import hardening


@pytest.fixture(autouse=True, scope="session")
def _not_hardened() -> Iterator[None]:
    """Keep this process soft: `counterfoil keys`, run within it, would lock its memory and forbid core dumps for good.

    Both hurt other tests: a browser's engine dies where memory that it gives back is locked. Hardening itself is tested
    in processes of its own (tests/custody/test_signer.py, tests/leaks/test_signer.py).
    """
    patch = pytest.MonkeyPatch()
    patch.setattr(hardening, "harden", lambda: hardening.Hardening(True, True, True))
    yield
    patch.undo()
