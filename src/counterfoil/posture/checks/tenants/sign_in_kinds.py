"""Whether every kind of sign-in is exported."""

from __future__ import annotations

from counterfoil.posture.baseline import Baseline
from counterfoil.posture.check import Answer, Check, Origin, Verdict, cannot_tell
from counterfoil.posture.tenant import Tenant

_LOG = "entra-signin"
_KINDS = ("interactive", "non-interactive", "service-principal", "managed-identity")


def _judge(tenant: Tenant, baseline: Baseline) -> Answer:
    del baseline
    expected = f"sign-ins of all kinds: {', '.join(_KINDS)}"
    parts = tenant.records.of(_LOG) if tenant.records else ()
    if tenant.records is None:
        return cannot_tell("no case was named", expected)
    there = {part.kind: part.records for part in parts if part.kind in _KINDS}
    missing = [kind for kind in _KINDS if kind not in there]
    seen = ", ".join(f"{kind} {count:,}" for kind, count in there.items()) or "no sign-ins"
    if not missing:
        return Answer(Verdict.PASS, seen, expected)
    # what diagnostic settings export is chosen kind by kind, and the first one only is on in most guides
    verdict = Verdict.PARTIAL if there else Verdict.FAIL
    return Answer(verdict, f"{seen}; no {', no '.join(missing)}", expected, Origin.DEFAULT)


CHECK = Check(
    id="tenant-sign-in-kinds",
    question="Are all four kinds of sign-ins exported?",
    why="A token is shown to be forged by the sign-in that is not there. Most tokens are issued in non-interactive "
    "sign-ins and to services; who exports the interactive ones only cannot judge the others.",
    sources=("OMB M-26-14 in place of M-21-31", "SCuBA MS.AAD.4.1", "SP 800-53 AU-2, AU-12"),
    reads=Tenant,
    needs="--case with what is exported today",
    gain=9,
    fix=("Entra ID, Diagnostic settings: tick SignInLogs, NonInteractiveUserSignInLogs, ServicePrincipalSignInLogs and "
         "ManagedIdentitySignInLogs.",
         "Send them where nobody of the tenant can delete them.",
         "Hunt again, and say what is complete: --complete entra-signin/interactive and so on."),
    breaks="Nothing; non-interactive sign-ins are ten times as many as the others and cost storage.",
    judge=_judge,
)
