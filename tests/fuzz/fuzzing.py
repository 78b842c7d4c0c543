"""Runs one target for a while."""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from .targets import targets

ROUND = 100  # examples between looks at the clock


def names() -> tuple[str, ...]:
    """Return the names of all targets."""
    with ExitStack() as stack:
        return tuple(targets(Path(tempfile.gettempdir()), stack))


def fuzz(name: str, seconds: float, start: int = 0) -> int:
    """Run the target for so long, at least once, and return the number of inputs; raises what comes out of it."""
    count = 0
    with tempfile.TemporaryDirectory(prefix="counterfoil-fuzz-") as work, ExitStack() as stack:
        target = targets(Path(work), stack)[name]()
        end = time.monotonic() + seconds
        number = start
        while True:

            @seed(number)
            @settings(
                max_examples=ROUND,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
                phases=[Phase.generate, Phase.shrink],
            )
            @given(value=target.inputs)
            def once(value: Any) -> None:
                nonlocal count
                if count and time.monotonic() > end:
                    return
                target.check(value)
                count += 1

            once()
            number += 1
            if time.monotonic() > end:
                return count
