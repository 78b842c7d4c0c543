"""The servers of a tenant's federated domains, where a history has their log."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from counterfoil.lab.history.cast import Person
from counterfoil.lab.history.losses import LossRule
from counterfoil.lab.history.settings import Tenant


class Servers(Protocol):
    """Servers at work. `counts`: distinct records of their log per leg."""

    counts: Counter[str]

    def issue(self, rng: random.Random, t: int, person: Person, ip: str, agent: str) -> bool:
        """Issue an assertion to `person` at `t`; return whether the records of it are lost."""

    def flush(self, number: int, /) -> None:
        """Write everything of slice `number` (slices since 1970)."""

    def close(self) -> tuple[int, list[Path]]:
        """Finish all files; return how many lines they hold, and their paths."""


# Sets the servers up that write their log below a folder.
Federation = Callable[[Tenant, LossRule, Path], Servers]
