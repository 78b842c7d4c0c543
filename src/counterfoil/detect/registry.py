"""Finds the rules: every module of this folder that holds a `RULE`."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from counterfoil import detect
from counterfoil.detect.rule import Rule


@cache
def all_rules() -> tuple[Rule, ...]:
    """Return every rule, heaviest first."""
    found: list[Rule] = []
    for module in pkgutil.iter_modules(detect.__path__):
        rule = getattr(importlib.import_module(f"{detect.__name__}.{module.name}"), "RULE", None)
        if isinstance(rule, Rule):
            found.append(rule)
    return tuple(sorted(found, key=lambda rule: (-rule.weight, rule.id)))
