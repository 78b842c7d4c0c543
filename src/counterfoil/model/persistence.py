"""What an intruder leaves behind so that he needs no forged token any more: operations, and what undoes them.

Names are those of the Microsoft 365 and Entra audit logs, in lower case, without a dot at the end.
Source: "Audit log activities" (learn.microsoft.com/purview/audit-log-activities) and "Microsoft Entra audit log
categories and activities" (learn.microsoft.com/entra/identity/monitoring-health/reference-audit-activities).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Hold:
    """A hold that an operation gives. `undone`: operations on the same object that take it away again."""

    what: str
    undone: tuple[str, ...]


_CREDENTIAL = Hold("an application's secret or certificate", (
    "remove service principal credentials", "update application \N{EN DASH} certificates and secrets management",
))
_CONSENT = Hold("a consent or an application's right", (
    "remove delegated permission grant", "remove app role assignment from service principal",
    "remove oauth2permissiongrant",
))
_FEDERATION = Hold("a federated credential or domain", ("delete federated identity credential", "delete domain"))
_RULE = Hold("a mailbox rule", ("remove-inboxrule", "disable-inboxrule"))
_DELEGATE = Hold("a delegate of a mailbox or a folder", ("remove-mailboxpermission", "remove-mailboxfolderpermission"))
_DEVICE = Hold("a registered device", ("delete device", "remove registered owner from device"))
_METHOD = Hold("an authentication method", ("user deleted security info", "delete authentication method"))
_ROLE = Hold("a role", ("remove member from role", "remove eligible member from role"))

HOLDS: Mapping[str, Hold] = {
    "add service principal credentials": _CREDENTIAL,
    "update application \N{EN DASH} certificates and secrets management": _CREDENTIAL,
    "consent to application": _CONSENT,
    "add delegated permission grant": _CONSENT,
    "add oauth2permissiongrant": _CONSENT,
    "add app role assignment to service principal": _CONSENT,
    "add service principal": Hold("an application in the tenant", ("remove service principal",)),
    "set federation settings on domain": _FEDERATION,
    "set domain authentication": _FEDERATION,
    "create federated identity credential": _FEDERATION,
    "new-inboxrule": _RULE,
    "set-inboxrule": _RULE,
    "updateinboxrules": _RULE,
    "set-mailbox": Hold("a mailbox's forwarding", ()),
    "add-mailboxpermission": _DELEGATE,
    "add-mailboxfolderpermission": _DELEGATE,
    "updatefolderpermissions": _DELEGATE,
    "add device": _DEVICE,
    "register device": _DEVICE,
    "add registered owner to device": _DEVICE,
    "user registered security info": _METHOD,
    "user registered all required security info": _METHOD,
    "admin registered security info": _METHOD,
    "add member to role": _ROLE,
}
