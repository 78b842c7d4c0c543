"""Finds the rules: every module of this folder that holds a `RULE`."""

from __future__ import annotations

from functools import cache

from counterfoil import detect, plugins
from counterfoil.detect.rule import Rule


@cache
def all_rules() -> tuple[Rule, ...]:
    """Return every rule, heaviest first."""
    return tuple(sorted(plugins.members(detect, "RULE"), key=lambda rule: (-rule.weight, rule.id)))
