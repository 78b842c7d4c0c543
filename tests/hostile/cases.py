"""All hostile cases."""

from __future__ import annotations

from . import archives, records, surroundings

CASES = (*records.CASES, *archives.CASES, *surroundings.CASES)
