"""Whether federated domains are known, with one issuer each, and certificates that hold."""

from __future__ import annotations

from counterfoil.posture.baseline import Baseline
from counterfoil.posture.check import Answer, Check, Origin, Verdict, cannot_tell
from counterfoil.posture.history import day
from counterfoil.posture.records import FEDERATION
from counterfoil.posture.said import contradicted, said
from counterfoil.posture.tenant import FederatedDomain, Tenant
from counterfoil.report.words import some

_ID = "tenant-federated-domains"
_EXPECTED = "certificates that have not ended, second factors that Entra asks for itself, and no change by record"
# federatedIdpMfaBehavior: what an upstream assertion says of second factors is believed.
_BELIEVED = "acceptIfMfaDoneByFederatedIdp"


def _judge(tenant: Tenant, baseline: Baseline) -> Answer:
    del baseline
    results = tenant.about(_ID)
    changed = tuple(
        f"{change.of or 'a domain'}: {change.operation}, {day(change.proof.time)}, {change.proof.record}"
        for change in tenant.changes(FEDERATION)
    )
    if changed:
        seen = f"{some(len(changed), 'change')} by record{contradicted(results, Verdict.PASS)}"
        return Answer(Verdict.FAIL, seen, _EXPECTED, Origin.DELIBERATE, (*changed, *said(results)))
    if tenant.domains is None:
        return cannot_tell("no export of domains", _EXPECTED)
    domains = _detailed([one for one in tenant.domains if one.name])
    if not domains:
        return Answer(Verdict.PASS, "no domain is federated", _EXPECTED, Origin.DELIBERATE)
    amiss = tuple(line for one in domains for line in _amiss(one, tenant))
    if amiss:
        return Answer(Verdict.FAIL, f"{some(len(amiss), 'fault')} of {some(len(domains), 'domain')}", _EXPECTED,
                      Origin.UNKNOWN, amiss)
    if any(not one.ends or None in one.ends for one in domains):
        return cannot_tell("the export does not show the certificates of each domain", _EXPECTED)
    told = tuple(f"{one.name}: {one.issuer}" for one in domains)
    return Answer(Verdict.PASS, some(len(domains), "federated domain"), _EXPECTED, Origin.DELIBERATE, told)


def _detailed(domains: list[FederatedDomain]) -> list[FederatedDomain]:
    """Leave out the names of a list of domains, where the settings of as many are there as well."""
    told = [one for one in domains if one.issuer]
    return told if 2 * len(told) >= len(domains) else domains


def _amiss(one: FederatedDomain, tenant: Tenant) -> list[str]:
    found = [
        f"{one.name}: a certificate that ended on {day(end)}"
        for end in one.ends if end is not None and tenant.read is not None and end < tenant.read
    ]
    if one.mfa == _BELIEVED:
        found.append(f"{one.name}: {_BELIEVED}: a forged assertion says that a second factor was there")
    return found


CHECK = Check(
    id=_ID,
    question="Are federated domains as few and as well kept as they should be?",
    why="Who can add a domain's certificate signs in as anybody of it: the second form of golden SAML needs no stolen "
    "key. A second certificate in the settings (nextSigningCertificate) does as well, and is seldom looked at.",
    sources=("CISA AA21-008A", "Semperis, Silver SAML (2024)", "SCuBA MS.AAD.3"),
    reads=Tenant,
    needs="Get-MgDomainFederationConfiguration, or /domains, as JSON; --case with the directory's audit log",
    gain=8,
    fix=("Compare each certificate with that of your federation server, by thumbprint; both places.",
         "If a record shows a change that nobody knows of: counterfoil hunt --federated DOMAIN=ISSUER.",
         "Set federatedIdpMfaBehavior to rejectMfaByFederatedIdp or enforceMfaByFederatedIdp.",
         "Best of all, end it: password hash sync or pass-through, then Managed."),
    breaks="While a certificate is changed, users of the domain cannot sign in: roll over with two.",
    judge=_judge,
)
