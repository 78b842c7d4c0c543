"""What the wrappers of Windows events say of themselves: the log is one, the export differs."""

from __future__ import annotations

from counterfoil.sources.source import Explain

_WHAT = (
    "What AD FS issued: audits 1200 (basic) and 299 (verbose) are the issuance leg of SAML assertions and"
    " tokens, 1201 a failure. All other events (requests 403, caller claims 501, logons 4624, service tickets 4769,"
    " directory access 4662, SQL audit 33205, pipes Sysmon 18, processes Sysmon 1, 10 and 4688, log cleared"
    " 1102...) are context: they show access to the signing key."
)
_RETENTION = "as long as the Security log is large: hours to days on a busy server, so forward the events."
_TRAPS = (
    "AD FS logs no assertion id: assertions are judged by subject, relying party and count",
    "auditing is off until both the audit policy and the AD FS audit level are set",
    "an export of AD FS audits alone leaves gaps in the record numbers, so that nobody can see whether one is missing:"
    " export the whole Security log",
    "proxies (WAP) log nothing of this: the audits are on the farm's servers, on each its own; while one server is"
    " missing, no assertion of the farm can be judged",
)
_COMPLETE = (
    "--complete adfs/HOST[:from..to], HOST the computer's full name in lower case, once for every server of the"
    " farm ((Get-AdfsFarmInformation).FarmNodes lists them). Honest when the Security log of that server is there"
    " unbroken and was not cleared."
)
AUDITING = (
    'auditpol /set /subcategory:"Application Generated" /success:enable /failure:enable',
    "Set-AdfsProperties -AuditLevel Basic",
)


def windows_explain(*export: str, caps: str, traps: tuple[str, ...] = ()) -> Explain:
    """Return the explanation of a wrapper: how to export it, and what all of them share."""
    return Explain(_WHAT, (*AUDITING, *export), _RETENTION, caps, (*traps, *_TRAPS), _COMPLETE)
