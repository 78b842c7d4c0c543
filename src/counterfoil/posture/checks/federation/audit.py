"""Whether AD FS records what it issues."""

from __future__ import annotations

from counterfoil.posture.baseline import Baseline
from counterfoil.posture.check import Answer, Check, Origin, Verdict, cannot_tell
from counterfoil.posture.federation_server import FederationServer
from counterfoil.posture.history import day

_EXPECTED = "AuditLevel Verbose, and SuccessAudits and FailureAudits in LogLevel"
_WANTED = frozenset({"SuccessAudits", "FailureAudits"})


def _judge(server: FederationServer, baseline: Baseline) -> Answer:
    del baseline
    if server.off:
        lines = tuple(f"{one.key or server.name}: {day(one.proof.time)}, {one.proof.record}" for one in server.off)
        against = f", against AuditLevel {server.audit} of today" if server.audit not in ("", "None") else ""
        seen = f"turned off or cleared by record{against}"
        return Answer(Verdict.FAIL, seen, _EXPECTED, Origin.DELIBERATE, lines)
    if not server.audit or server.log is None:
        return cannot_tell("the export does not say both AuditLevel and LogLevel", _EXPECTED)
    missing = sorted(_WANTED - server.log)
    told = (f"AuditLevel {server.audit}", f"LogLevel {', '.join(sorted(server.log)) or 'nothing'}")
    if server.audit == "None" or missing:
        seen = f"AuditLevel {server.audit}" + (f", without {' and '.join(missing)}" if missing else "")
        # LogLevel comes without audits: an administrator adds them
        return Answer(Verdict.FAIL, seen, _EXPECTED, Origin.DEFAULT if missing else Origin.DELIBERATE, told)
    if server.audit != "Verbose":
        seen = f"AuditLevel {server.audit}: claims that were issued are not recorded"
        return Answer(Verdict.PARTIAL, seen, _EXPECTED, Origin.DEFAULT, told)
    return Answer(Verdict.PASS, "Verbose, successes and failures", _EXPECTED, Origin.DELIBERATE, told)


CHECK = Check(
    id="adfs-audit",
    question="Does AD FS record every token that it issues?",
    why="A sign-in with an assertion that AD FS never issued is golden SAML; it shows only where AD FS writes down "
    "what it issued. Its audits are off in LogLevel unless added, and in Windows' own audit policy as well.",
    sources=("CISA AA21-008A", "Microsoft, auditing AD FS", "SP 800-53 AU-2, AU-12"),
    reads=FederationServer,
    needs="`Get-AdfsProperties | ConvertTo-Json`; --case with the server's security log",
    gain=8,
    fix=("Set-AdfsProperties -AuditLevel Verbose -LogLevel Errors,FailureAudits,Information,SuccessAudits,Verbose,"
         "Warnings, on every server of the farm.",
         'auditpol /set /subcategory:"Application Generated" /success:enable /failure:enable',
         "Give the service account the right to write security audits.",
         "Export the security logs of all servers; counterfoil hunt says which are missing."),
    breaks="Nothing; the security log grows: enlarge it before.",
    judge=_judge,
)
