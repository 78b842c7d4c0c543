"""Entra ID by Microsoft Graph: service principals with their credentials, domains with their federation settings."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from cryptography import x509

from counterfoil.posture.exports.export import Export, rows, time_of
from counterfoil.posture.tenant import Application, FederatedDomain

_KINDS = {"passwordCredentials": "secret", "keyCredentials": "certificate"}
# PowerShell writes members in capitals: Get-MgServicePrincipal | ConvertTo-Json.


def _member(row: Mapping[str, Any], name: str) -> Any:
    return row.get(name, row.get(name[0].upper() + name[1:]))


def _are_applications(document: Any) -> bool:
    listed = rows(document)
    return bool(listed) and all(
        _member(one, "appId") is not None and any(_member(one, name) is not None for name in _KINDS) for one in listed
    )


def _applications(document: Any, file: str, now: datetime) -> Sequence[object]:
    del file, now
    return [
        Application(
            str(_member(one, "appId")), str(_member(one, "displayName") or "")[:200],
            _text(_member(one, "appOwnerOrganizationId")), tuple(_credentials(one)),
        )
        for one in rows(document)
    ]


def _credentials(one: Mapping[str, Any]) -> Iterator[tuple[str, str, datetime | None]]:
    for name, kind in _KINDS.items():
        held = _member(one, name)
        for each in rows(held if held is not None else []):
            told = _member(each, "displayName") or _member(each, "keyId") or ""
            yield kind, str(told)[:120], time_of(_member(each, "endDateTime"))


def _are_federations(document: Any) -> bool:
    listed = rows(document)
    return bool(listed) and all(
        _member(one, "issuerUri") is not None and "signingCertificate" in {name[0].lower() + name[1:] for name in one}
        for one in listed
    )


def _federations(document: Any, file: str, now: datetime) -> Sequence[object]:
    """Return the settings of `/domains/NAME/federationConfiguration`, or Get-MgDomainFederationConfiguration."""
    del file, now
    return [
        FederatedDomain(
            str(_member(one, "domain") or _member(one, "displayName") or _member(one, "issuerUri"))[:200],
            str(_member(one, "issuerUri"))[:300],
            tuple(_end(_member(one, name)) for name in ("signingCertificate", "nextSigningCertificate")
                  if _member(one, name)),
            str(_member(one, "federatedIdpMfaBehavior") or "")[:60],
        )
        for one in rows(document)
    ]


def _are_domains(document: Any) -> bool:
    listed = rows(document)
    return bool(listed) and all(
        _member(one, "authenticationType") in ("Managed", "Federated") and _member(one, "id") for one in listed
    )


def _domains(document: Any, file: str, now: datetime) -> Sequence[object]:
    """Return the federated ones of `/domains`, whose certificates are told elsewhere; of none, an empty list's mark."""
    del file, now
    federated = [one for one in rows(document) if _member(one, "authenticationType") == "Federated"]
    return [FederatedDomain(str(_member(one, "id"))[:200], "", ()) for one in federated] or [NO_DOMAIN]


# Stands for an export that lists domains, none of which is federated.
NO_DOMAIN = FederatedDomain("", "", ())


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _end(value: object) -> datetime | None:
    try:
        return x509.load_der_x509_certificate(base64.b64decode(str(value))).not_valid_after_utc.astimezone(UTC)
    except (ValueError, binascii.Error):
        return None


EXPORTS = (
    Export("Entra: `az rest --url https://graph.microsoft.com/v1.0/servicePrincipals`", _are_applications,
           _applications),
    Export("Entra: Get-MgDomainFederationConfiguration as JSON", _are_federations, _federations),
    Export("Entra: `az rest --url https://graph.microsoft.com/v1.0/domains`", _are_domains, _domains),
)
