"""Whether calls to Microsoft Graph are recorded."""

from __future__ import annotations

from counterfoil.posture.baseline import Baseline
from counterfoil.posture.check import Answer, Check, Origin, Verdict, cannot_tell
from counterfoil.posture.history import day
from counterfoil.posture.tenant import Tenant
from counterfoil.report.words import some

_LOGS = ("graph-activity", "defender-graph-activity")


def _judge(tenant: Tenant, baseline: Baseline) -> Answer:
    del baseline
    expected = "records of calls to Microsoft Graph"
    if tenant.records is None:
        return cannot_tell("no case was named", expected)
    parts = tenant.records.of(*_LOGS)
    if parts:
        count, last = sum(part.records for part in parts), max(part.last for part in parts)
        return Answer(Verdict.PASS, f"{some(count, 'record')}, the last of {day(last)}", expected, Origin.DELIBERATE)
    if not tenant.records.of("entra-signin", "m365-ual"):
        return cannot_tell("the case holds nothing of a Microsoft tenant", expected)
    return Answer(Verdict.FAIL, "none in the case", expected, Origin.DEFAULT)


CHECK = Check(
    id="tenant-graph-activity",
    question="Are calls to Microsoft Graph recorded?",
    why="Mail, files and the directory are read through Graph as well; its activity log is off unless somebody turns "
    "it on, and it names the token of each call.",
    sources=("Microsoft Graph activity logs", "CISA Microsoft Expanded Cloud Logs Implementation Playbook (2025)"),
    reads=Tenant,
    needs="--case with what is exported today",
    gain=6,
    fix=("Entra ID, Diagnostic settings: tick MicrosoftGraphActivityLogs (needs P1).",
         "Defender XDR keeps GraphApiAuditEvents for 30 days without that: export them."),
    breaks="Nothing; Graph's log is large: filter by nothing before you have seen a month.",
    judge=_judge,
)
