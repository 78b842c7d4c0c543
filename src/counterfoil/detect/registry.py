"""Finds the rules: every module of this folder that holds a `RULE`, `KEY_RULE`, `CHANGE_RULE` or `USE_RULE`."""

from __future__ import annotations

from functools import cache

from counterfoil import detect, plugins
from counterfoil.detect.rule import ChangeRule, Described, KeyRule, Rule, UseRule


@cache
def all_rules() -> tuple[Rule, ...]:
    """Return every rule, heaviest first."""
    return tuple(sorted(plugins.members(detect, "RULE"), key=lambda rule: (-rule.weight, rule.id)))


@cache
def key_rules() -> tuple[KeyRule, ...]:
    """Return every rule over key stores, in the order of their ids."""
    return tuple(sorted(plugins.members(detect, "KEY_RULE"), key=lambda rule: rule.id))


@cache
def change_rules() -> tuple[ChangeRule, ...]:
    """Return every rule over changes in the directory, in the order of their ids."""
    return tuple(sorted(plugins.members(detect, "CHANGE_RULE"), key=lambda rule: rule.id))


@cache
def use_rules() -> tuple[UseRule, ...]:
    """Return every rule over genuine tokens, in the order of their ids."""
    return tuple(sorted(plugins.members(detect, "USE_RULE"), key=lambda rule: rule.id))


def every_rule() -> tuple[Described, ...]:
    """Return all rules of suspicion: of tokens that cannot be judged, of genuine ones, at key stores, of changes."""
    return (*all_rules(), *use_rules(), *key_rules(), *change_rules())
