"""Mutants of reconciliation that change nothing, each with the reason why."""

from __future__ import annotations

EQUIVALENT: dict[str, str] = {}
