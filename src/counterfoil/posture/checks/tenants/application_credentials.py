"""Whether applications of others, Microsoft's among them, have credentials in this tenant."""

from __future__ import annotations

from counterfoil.model.known import SERVICE_TENANTS
from counterfoil.posture.baseline import Baseline
from counterfoil.posture.check import Answer, Check, Origin, Verdict, cannot_tell
from counterfoil.posture.history import day
from counterfoil.posture.records import CREDENTIALS
from counterfoil.posture.said import contradicted, said
from counterfoil.posture.tenant import Application, Tenant
from counterfoil.report.words import some

_ID = "tenant-application-credentials"
_EXPECTED = "no credential on Microsoft's applications, nor on those of other tenants"


def _judge(tenant: Tenant, baseline: Baseline) -> Answer:
    del baseline
    results = tenant.about(_ID)
    added = tuple(
        f"added to {change.of or 'an application'} on {day(change.proof.time)}, by record: {change.proof.record}"
        for change in tenant.changes(CREDENTIALS)
    )
    if tenant.applications is None:
        if added:
            seen = f"{some(len(added), 'credential')} added by record{contradicted(results, Verdict.PASS)}; no export"
            return Answer(Verdict.PARTIAL, seen, _EXPECTED, Origin.DELIBERATE, (*added, *said(results)))
        return cannot_tell("no export of service principals, and no record of a credential", _EXPECTED)
    held = [one for one in tenant.applications if one.credentials]
    owners = {one.owner for one in tenant.applications if one.owner and one.owner not in SERVICE_TENANTS}
    microsoft = tuple(_told(one) for one in held if one.owner in SERVICE_TENANTS)
    foreign = tuple(_told(one) for one in held if one.owner in owners - {_own(tenant)})
    if microsoft or foreign:
        seen = f"{some(len(microsoft), 'application')} of Microsoft, {len(foreign)} of other tenants"
        seen += contradicted(results, Verdict.PASS)
        return Answer(Verdict.FAIL, seen, _EXPECTED, Origin.DELIBERATE, (*microsoft, *foreign, *added))
    if any(one.owner is None for one in held):
        return cannot_tell("the export does not say whose applications they are (appOwnerOrganizationId)", _EXPECTED)
    verdict = Verdict.PARTIAL if added else Verdict.PASS
    seen = f"none of {some(len(tenant.applications), 'application')}"
    return Answer(verdict, f"{seen}; {len(added)} added by record" if added else seen, _EXPECTED, where=added)


def _own(tenant: Tenant) -> str:
    """Return which tenant it is: by its name, else the owner of most of its applications that have credentials."""
    owners = [one.owner for one in tenant.applications or () if one.owner and one.owner not in SERVICE_TENANTS]
    if tenant.name in owners or not owners:
        return tenant.name
    return max(sorted(set(owners)), key=owners.count)


def _told(one: Application) -> str:
    kind, name, ends = one.credentials[0]
    more = f" and {len(one.credentials) - 1} more" if len(one.credentials) > 1 else ""
    return f"{one.name or one.app_id} ({one.app_id}): {kind} {name}{f' until {day(ends)}' if ends else ''}{more}"


CHECK = Check(
    id=_ID,
    question="Do only the tenant's own applications have credentials in it?",
    why="A secret on a service principal of Microsoft, or of another vendor's application, gives whoever added it all "
    "that the application may do, under a name that nobody suspects. It was done in 2020 and again in 2023.",
    sources=("CISA AA21-008A", "SCuBA MS.AAD.5", "Microsoft, application owner tenants"),
    reads=Tenant,
    needs="service principals by Graph (appId, appOwnerOrganizationId, passwordCredentials, keyCredentials) as JSON; "
    "--case with the directory's audit log",
    gain=8,
    fix=("Ask who added each, and when: \"Add service principal credentials\" in the audit log.",
         "Hunt for sign-ins of the application with that credential: counterfoil hunt.",
         "Remove it: Remove-MgServicePrincipalPassword, Remove-MgServicePrincipalKey.",
         "Lock instance properties of your own multi-tenant applications (servicePrincipalLockConfiguration)."),
    breaks="Whatever was built on it, if somebody of yours did so: a connector, a script.",
    judge=_judge,
)
