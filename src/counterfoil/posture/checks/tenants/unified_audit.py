"""Whether Microsoft 365 keeps the unified audit log."""

from __future__ import annotations

from counterfoil.posture.baseline import Baseline
from counterfoil.posture.check import Answer, Check, Origin, Verdict, cannot_tell
from counterfoil.posture.history import day
from counterfoil.posture.said import contradicted, said, worst
from counterfoil.posture.tenant import Tenant
from counterfoil.report.words import some

_ID = "tenant-unified-audit"
_LOG = "m365-ual"


def _judge(tenant: Tenant, baseline: Baseline) -> Answer:
    del baseline
    expected = "the unified audit log takes records"
    results, records = tenant.about(_ID), tenant.records
    changes = [
        change for change in (records.changes if records else ())
        if change.operation.lower() == "set-adminauditlogconfig"
    ]
    parts = records.of(_LOG) if records else ()
    if changes and changes[-1].off:
        proof = changes[-1].proof
        seen = f"turned off on {day(proof.time)}{contradicted(results, Verdict.PASS)}"
        return Answer(Verdict.FAIL, seen, expected, Origin.DELIBERATE, (proof.record, *said(results)))
    if parts:
        last = max(part.last for part in parts)
        count = sum(part.records for part in parts)
        seen = f"{some(count, 'record')}, the last of {day(last)}{contradicted(results, Verdict.FAIL)}"
        return Answer(Verdict.PASS, seen, expected, where=tuple(said(results)))
    if not results:
        return cannot_tell("no scan, and no record", expected)
    verdict = worst(results)
    # Get-AdminAuditLogConfig answers False when the last session was of Security & Compliance
    return Answer(Verdict.PARTIAL if verdict is Verdict.PASS else verdict, "by other scanners only: no record shows it",
                  expected, where=tuple(said(results)))


CHECK = Check(
    id=_ID,
    question="Does the unified audit log take records?",
    why="Without it nobody sees what was read. Its switch is often read from the wrong session and then shows False "
    "where it is on, and a switch that is on says nothing of yesterday; a record does.",
    sources=("SCuBA MS.DEFENDER.6.1 and MS.EXO.17.1", "AA23-193A", "maester365/maester#1045, #1802"),
    reads=Tenant,
    needs="--case with records of Microsoft 365, or a scan",
    gain=10,
    fix=(
        "Connect-ExchangeOnline, in a session of its own, and Get-AdminAuditLogConfig.",
        "Set-AdminAuditLogConfig -UnifiedAuditLogIngestionEnabled $true",
        "If a record shows that it was turned off: ask who did; counterfoil hunt what came before and after.",
    ),
    breaks="Nothing.",
    judge=_judge,
)
