"""All cases of time."""

from __future__ import annotations

from . import time_leaks

SLOPES = (*time_leaks.SLOPES,)
