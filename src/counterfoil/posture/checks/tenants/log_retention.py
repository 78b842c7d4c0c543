"""For how long logs are kept."""

from __future__ import annotations

from counterfoil.posture.baseline import Baseline
from counterfoil.posture.check import Answer, Check, Verdict, cannot_tell
from counterfoil.posture.records import span_days
from counterfoil.posture.said import said, worst
from counterfoil.posture.tenant import Tenant

_ID = "tenant-log-retention"


def _judge(tenant: Tenant, baseline: Baseline) -> Answer:
    least = baseline.number("retention-days")
    expected = f"logs of {least:.0f} days at least"
    results = tenant.about(_ID)
    reach = {part.source: 0.0 for part in (tenant.records.parts if tenant.records else ())}
    for source in reach:
        reach[source] = span_days(tenant.records.of(source) if tenant.records else ())
    told = tuple(f"{source}: records over {length:.0f} days" for source, length in sorted(reach.items()))
    if reach and all(length >= least for length in reach.values()):
        return Answer(Verdict.PASS, f"{min(reach.values()):.0f} days by record, in every log", expected, where=told)
    if results:
        verdict = worst(results)
        return Answer(Verdict.PARTIAL if verdict is Verdict.PASS else verdict, "by other scanners only", expected,
                      where=(*said(results), *told))
    # a case may hold less than is kept: that proves nothing
    return cannot_tell("no scan tells, and the records at hand reach less far" if told else "no scan, no record",
                       expected)


CHECK = Check(
    id=_ID,
    question="Are logs kept for half a year or longer?",
    why="In 2023 the intruder had been there for six weeks, and nobody could look further back; what access to the key "
    "there had been in 2021 was no longer recorded anywhere.",
    sources=("OMB M-26-14 (May 2026, in place of M-21-31)", "CSRB 2024, recommendations 5 and 10", "SP 800-53 AU-11"),
    reads=Tenant,
    needs="a scan, or --case with everything that is kept",
    gain=6,
    fix=("Export all logs to storage of your own that cannot be changed, for twelve months.",
         "In Purview, look at the priorities of retention policies: the lower number wins, and a policy of 7 days with "
         "priority 1 beats a year with priority 2.",
         "Logs of key use: for the key's life and two years."),
    breaks="Nothing; storage.",
    judge=_judge,
)
