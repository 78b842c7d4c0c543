"""Whether records really hold the ids by which they are linked."""

from __future__ import annotations

from counterfoil.posture.baseline import Baseline
from counterfoil.posture.check import Answer, Check, Verdict, cannot_tell
from counterfoil.posture.tenant import Tenant

# A share of fewer records says nothing.
_LEAST = 20


def _judge(tenant: Tenant, baseline: Baseline) -> Answer:
    share = baseline.number("linkable-share")
    expected = f"a token id in {share:.0%} of the acceptances of each log"
    parts = [part for part in (tenant.records.parts if tenant.records else ()) if part.leg == "acceptance"]
    counts: dict[str, tuple[int, int]] = {}
    for part in parts:
        linked, whole = counts.get(part.source, (0, 0))
        counts[part.source] = linked + part.linked, whole + part.records
    if sum(whole for _, whole in counts.values()) < _LEAST:
        return cannot_tell(f"fewer than {_LEAST} acceptances in evidence", expected)
    told = tuple(f"{name}: {linked:,} of {whole:,}" for name, (linked, whole) in sorted(counts.items()))
    low = [name for name, (linked, whole) in counts.items() if linked < share * whole]
    if not low:
        return Answer(Verdict.PASS, f"all of {len(counts)} logs", expected, where=told)
    verdict = Verdict.FAIL if len(low) == len(counts) else Verdict.PARTIAL
    return Answer(verdict, f"too few in {', '.join(sorted(low))}", expected, where=told)


CHECK = Check(
    id="tenant-linkable-ids",
    question="Do records of use really hold the id of the token?",
    why="Without the id a use cannot be held against its issuance. Wrappers and older clients drop it; that it is "
    "documented does not mean that your export has it.",
    sources=("Microsoft Entra, linkable token identifiers (2025-07-21)", "CSRB 2024, recommendations 12 and 13",
             "NIST IR 8587, 5.2.1.1"),
    reads=Tenant,
    needs="--case with a sample of every log of use",
    gain=7,
    fix=("Export by the Management Activity API, or Search-UnifiedAuditLog with whole AuditData: the portal's CSV and "
         "some connectors cut it.",
         "counterfoil explain m365-ual says which wrapper keeps what.",
         "For your own services, leave receipts: docs/receipts.md."),
    breaks="Nothing.",
    judge=_judge,
)
