"""Writes docs/reference/rules.md from the rules."""

from __future__ import annotations

from collections.abc import Iterator

from counterfoil.detect.registry import all_rules, change_rules, key_rules, use_rules
from counterfoil.detect.rule import Described, Rule

PATH = "docs/reference/rules.md"

_HEAD = """\
# Rules of suspicion

Written by `python -m tests.docs.refresh` from the rules in `src/counterfoil/detect/`; a test compares the two.

A rule finds what is odd. It ranks, and never changes a verdict: [reconciliation](reconciliation.md) alone convicts.
`counterfoil rules` lists them, and `counterfoil explain` tells each as it stands here. What the watch of key stores
makes of its rules, and what it was measured to find: [watch the key store](../watch.md).
"""
_OF_TOKENS = """
## Of tokens that cannot be judged

Each adds its weight to the suspicion of a token. Findings are shown from 2.5 on: one strong sign, or two weaker ones.
"""
_OF_GENUINE = """
## Of genuine tokens

A token with an issuance that agrees is minted, also in a thief's hands. These tell of its uses: findings of their own,
suspicions, which leave the verdict as it is.
"""
_AT_KEY_STORES = """
## At key stores

Each tells of an account, a program and a key, beside what is usual there. A clue is a finding of its own, a suspicion.
"""
_OF_CHANGES = """
## Of changes in the directory

Each tells of an account and what it changed: findings of their own, suspicions.
"""


def rendered() -> str:
    """Return the page."""
    parts = [_HEAD, _OF_TOKENS, *_entries(all_rules()), _OF_GENUINE, *_entries(use_rules()), _AT_KEY_STORES,
             *_entries(key_rules()), _OF_CHANGES, *_entries(change_rules())]
    return "".join(parts)


def _entries(rules: tuple[Described, ...]) -> Iterator[str]:
    for rule in sorted(rules, key=lambda one: one.id):
        weight = f"weight {rule.weight:g}, " if isinstance(rule, Rule) else ""
        yield (
            f"\n### {rule.id}\n\n{rule.title[0].upper()}{rule.title[1:]}: {weight}{rule.severity}, with"
            f" {rule.confidence} confidence; for the {rule.audience}. ATT&CK {', '.join(rule.attack)}.\n\n"
            f"{rule.why}\n\n"
            f"- **The same, and innocent:** {rule.innocent}\n"
            f"- **Needs** {rule.needs}.\n"
            f"- **Does not see** {rule.blind}.\n"
            f"- **Do:** {rule.next_step}\n"
            f"- From: {'; '.join(rule.references)}.\n"
        )
