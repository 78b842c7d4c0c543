"""`rules`: what is looked for beside verdicts; and how `explain` tells one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from counterfoil.cli import options, params, terminal
from counterfoil.cli.paragraphs import paragraph, points
from counterfoil.report import registry

if TYPE_CHECKING:
    from counterfoil.detect.rule import Described

# Of a table for people, so that a row is a line; the other forms have all columns.
_SHORT = ("rule", "about", "severity", "title")
COLUMNS = ("rule", "about", "severity", "confidence", "audience", "weight", "attack", "title")


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(rules)


def rules(format: params.OutputFormat = "text", output: params.Output = None) -> None:
    """List the rules of suspicion: of tokens that cannot be judged, of genuine ones, at key stores, of changes.

    They rank, and never change a verdict. `counterfoil explain RULE` tells each.
    """
    form = options.one_of(format, registry.formats(), "--format: unknown", "formats")
    from counterfoil.detect.registry import all_rules, change_rules, key_rules, use_rules

    told: list[tuple[Described, str, str]] = [(rule, "token", f"{rule.weight:g}") for rule in all_rules()]
    told += [(rule, "genuine token", "") for rule in use_rules()]
    told += [(rule, "key store", "") for rule in key_rules()]
    told += [(rule, "change", "") for rule in change_rules()]
    rows = [
        (rule.id, about, rule.severity, rule.confidence, rule.audience, weight, " ".join(rule.attack), rule.title)
        for rule, about, weight in told
    ]
    columns = _SHORT if form == "text" else COLUMNS
    shown = [tuple(row[COLUMNS.index(name)] for name in columns) for row in rows]
    terminal.write(registry.table(form, columns, shown, terminal.screen(output)), output)


def sort_of(rule: Described) -> str:
    """Return what sort of code a rule's id is."""
    from counterfoil.detect.rule import ChangeRule, KeyRule, UseRule

    sorts = {KeyRule: " at a key store", ChangeRule: " of changes", UseRule: " of genuine tokens"}
    return f"rule of suspicion{sorts.get(type(rule), '')}"


def text(rule: Described) -> str:
    """Return all that a rule says of itself."""
    from counterfoil.detect.rule import Rule

    claim = f"{rule.severity}, with {rule.confidence} confidence; for the {rule.audience}"
    if isinstance(rule, Rule):
        claim += f"; it adds {rule.weight:g} to a token's suspicion"
    lines = [f"{rule.id}  ({sort_of(rule)})", *paragraph("means", rule.title), *paragraph("why", rule.why)]
    rest = (
        ("innocent", rule.innocent), ("needs", rule.needs), ("blind to", rule.blind), ("claims", claim),
        ("ATT&CK", ", ".join(rule.attack)),
    )
    lines += [line for label, told in rest for line in paragraph(label, told)]
    return "\n".join([*lines, *points("from", rule.references), *points("do", (rule.next_step,))]) + "\n"
