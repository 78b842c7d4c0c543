"""Keeps a process that holds keys from leaking them: no core dumps, no debugger, memory that is not swapped out."""

from __future__ import annotations

import ctypes
import resource
import sys
from dataclasses import dataclass

_PR_SET_DUMPABLE, _PR_GET_DUMPABLE = 4, 3
# with MCL_ONFAULT: else every thread would hold its whole stack in memory
_MCL_CURRENT, _MCL_FUTURE, _MCL_ONFAULT = 1, 2, 4


@dataclass(frozen=True)
class Hardening:
    """What holds for this process now."""

    no_core_dumps: bool
    not_dumpable: bool  # neither ptrace nor /proc/PID/mem for other processes of the same user
    memory_locked: bool

    def told(self) -> str:
        """Return it in a few words."""
        words = {
            "no core dumps": self.no_core_dumps, "no ptrace": self.not_dumpable, "memory locked": self.memory_locked,
        }
        return ", ".join(name if holds else f"NOT: {name}" for name, holds in words.items())


def harden() -> Hardening:
    """Harden this process as far as the platform allows. Root can undo all of it; other processes of the user cannot.

    Memory is locked only as far as RLIMIT_MEMLOCK allows (systemd: LimitMEMLOCK=infinity).
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    no_core = resource.getrlimit(resource.RLIMIT_CORE) == (0, 0)
    if not sys.platform.startswith("linux"):
        return Hardening(no_core, not_dumpable=False, memory_locked=False)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    not_dumpable = libc.prctl(_PR_GET_DUMPABLE, 0, 0, 0, 0) == 0
    locked = libc.mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT) == 0
    return Hardening(no_core, not_dumpable, locked)
