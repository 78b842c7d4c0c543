"""Runs the rules over changes in the directory, and puts what they find into words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from counterfoil.detect.registry import change_rules
from counterfoil.detect.rule import ChangeRule
from counterfoil.expressions import ir
from counterfoil.investigate.findings import finding_id, reference
from counterfoil.model.finding import Finding
from counterfoil.model.schema import Leg
from counterfoil.model.verdict import FindingVerdict
from counterfoil.reconcile.engine import Engine
from counterfoil.report.words import some

# Findings of one rule in one case: more accounts than this make such changes every day.
MAX_CHANGES = 100
# What a clue adds to the order of suspicions, by its severity.
SCORES = {"critical": 8.0, "high": 5.0, "medium": 2.5, "low": 1.0}


def of_changes(
    tables: Engine, records: ir.Table, paths: Mapping[str, str], since: datetime | None, until: datetime | None
) -> list[Finding]:
    """Return a finding for every account that made such changes, in the window that was asked for."""
    changes = records.filter(records.leg != Leg.ISSUANCE, records.object_kind == "directory")  # no sign-in changes any
    if not tables.rows(changes.limit(1)):
        return []
    found: list[Finding] = []
    for rule in change_rules():
        clues = rule.find(changes)
        order = [clues.first_seen, clues.source, clues.part, clues.principal, clues.what]
        found += [_finding(rule, row, paths) for row in tables.rows(clues.order_by(order).limit(MAX_CHANGES))]
    return [
        one for one in found
        if (since is None or (one.last_seen or since) >= since) and (until is None or (one.first_seen or until) < until)
    ]


def _finding(rule: ChangeRule, row: Mapping[str, Any], paths: Mapping[str, str]) -> Finding:
    who = row["principal"] or "somebody without a name"
    first, last = (datetime.fromtimestamp(row[name], UTC).replace(tzinfo=None) for name in ("first_seen", "last_seen"))
    detail = f"{row['what']} ({some(int(row['records']), 'record')}); usual: {row['usual']}"
    return Finding(
        id=finding_id(rule.id, row["source"], row["principal"], row["what"], f"{first:%Y%m%d%H%M%S}"), rule=rule.id,
        verdict=FindingVerdict.SUSPICION, severity=rule.severity, confidence=rule.confidence,
        title=f"{rule.title}: {who}", detail=detail,
        first_seen=first, last_seen=last, subjects=(row["principal"],) if row["principal"] else (),
        evidence=(reference(row["place"], paths),), attack=rule.attack, next_step=rule.next_step,
        score=SCORES[rule.severity],
    )
