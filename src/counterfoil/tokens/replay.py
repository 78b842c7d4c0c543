"""What remembers that a proof or an assertion was used: each is good once. Implementations are in `relying.replays`."""

from __future__ import annotations

from hashlib import sha256
from typing import Protocol


class Replays(Protocol):
    """A memory of names, which whoever verifies shares: the same process, or all processes of a service."""

    def first(self, name: str, until: float, now: float) -> bool:
        """Keep a name until then, and tell whether it was not kept yet; of two who ask at once one is the first.

        Times are Unix seconds. Raises CounterfoilError if the memory cannot be asked: then nothing is let in.
        """


def name_of(*parts: str) -> str:
    """Return a short name for what was used; no part can run into the next."""
    return sha256("\0".join(f"{len(part)}:{part}" for part in parts).encode("utf-8", "replace")).hexdigest()
