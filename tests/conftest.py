"""What every test leaves behind as it found it."""

from __future__ import annotations

import ctypes
import resource
import sys
from collections.abc import Iterator
from contextlib import suppress

import pytest

_PR_GET_DUMPABLE, _PR_SET_DUMPABLE = 3, 4
_CORE = resource.getrlimit(resource.RLIMIT_CORE)  # before anything ran


@pytest.fixture(autouse=True)
def _soft_again() -> Iterator[None]:
    """Undo the hardening of this process: `counterfoil keys`, run within it, locks its memory and forbids core dumps.

    A browser's engine, for one, dies where memory that it gives back is locked. Fixtures may have run it, too.
    """
    _soften()
    yield
    _soften()


def _soften() -> None:
    if sys.platform.startswith("linux"):
        libc = ctypes.CDLL(None)
        if libc.prctl(_PR_GET_DUMPABLE, 0, 0, 0, 0) == 0:
            libc.munlockall()
            libc.prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0)
    if resource.getrlimit(resource.RLIMIT_CORE) != _CORE:
        with suppress(ValueError, OSError):  # only the superuser may raise a hard limit
            resource.setrlimit(resource.RLIMIT_CORE, _CORE)
