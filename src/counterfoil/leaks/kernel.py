"""Which kernel works here."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from counterfoil.leaks._native import NativeKernel

if TYPE_CHECKING:
    from counterfoil.leaks._portable import PortableKernel

SLOW = "no compiled kernel: this will take some hundred times longer"
SLOW_HINT = "install gcc, then install counterfoil again"


@cache
def best() -> NativeKernel | PortableKernel:
    """Return the compiled kernel, or the portable one where it was not built or does not load."""
    try:
        return NativeKernel()
    except (OSError, AttributeError):
        from counterfoil.leaks._portable import PortableKernel  # NumPy, which nothing else here needs

        return PortableKernel()
