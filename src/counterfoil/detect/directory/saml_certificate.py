"""Somebody gave a SAML application a signing certificate that Entra did not make."""

from __future__ import annotations

from counterfoil.detect.directory._changes import told
from counterfoil.detect.rule import ChangeRule
from counterfoil.expressions import ir

# A certificate that is activated, or uploaded: it is in the published metadata before anybody activates it.
_SIGNING = r"(?i)PreferredTokenSigningKeyThumbprint|KeyType=AsymmetricX509Cert[^\]]{0,500}KeyUsage=Sign"
_OF_ENTRA = "CN=Microsoft Azure Federated SSO Certificate"


def _find(records: ir.Table) -> ir.Table:
    return told(records.filter(
        records.extra.re_search(_SIGNING), ~records.extra.contains(_OF_ENTRA),
    ), "Entra makes these certificates itself")


CHANGE_RULE = ChangeRule(
    id="saml-certificate-changed",
    title="a SAML application was given a signing certificate that Entra did not make",
    severity="medium",
    confidence="medium",
    audience="tenant",
    attack=("T1098.001", "T1606.002"),
    references=("Semperis, Meet Silver SAML, 2024-02-29; SilverSamlForger, issue 1",),
    why="Whoever brought the certificate has its private half, and can sign assertions for anybody in that "
    "application. Services may take it as soon as it is uploaded, before it is activated.",
    innocent="An administrator who brings the company's own certificate looks the same. The name that Entra gives to "
    "its own can be faked.",
    needs="the Entra audit log with modified properties",
    blind="certificates that were there before the log begins, and those that bear Entra's name",
    next_step="Ask who made the certificate and who holds its key; replace it by one of Entra's.",
    find=_find,
)
