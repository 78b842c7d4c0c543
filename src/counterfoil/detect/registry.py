"""Finds the rules: every module of this folder that holds a `RULE`, and of `keys` that holds a `KEY_RULE`."""

from __future__ import annotations

from functools import cache

from counterfoil import detect, plugins
from counterfoil.detect.rule import KeyRule, Rule


@cache
def all_rules() -> tuple[Rule, ...]:
    """Return every rule, heaviest first."""
    return tuple(sorted(plugins.members(detect, "RULE"), key=lambda rule: (-rule.weight, rule.id)))


@cache
def key_rules() -> tuple[KeyRule, ...]:
    """Return every rule over key stores, in the order of their ids."""
    return tuple(sorted(plugins.members(detect, "KEY_RULE"), key=lambda rule: rule.id))
