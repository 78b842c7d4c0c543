"""What the wrappers of the Entra sign-in log say of themselves: the log is one, the export differs."""

from __future__ import annotations

from counterfoil.sources.source import Explain

_WHAT = (
    "Every request to Entra ID to sign in: people (interactive, and non-interactive through a refresh or primary"
    " refresh token), service principals, managed identities, and sign-ins at AD FS that Connect Health reports. It"
    " is the issuance leg: the request id is the id of the token that was issued (`uti`)."
)
_RETENTION = "30 days in Entra ID (7 days without a P1 licence); else as long as the workspace or account keeps it."
_TRAPS = (
    "four kinds, four exports: the portal's and Graph v1.0's list hold interactive sign-ins only",
    "failed and interrupted sign-ins carry a token id too, although no token was issued",
    "one id appears several times while a sign-in goes on (50140, then 0)",
    "Graph v1.0 has no token id, no tenants and no incoming token type: use beta",
    "the portal's download of non-interactive sign-ins is aggregated: one row stands for several",
    "records arrive up to 73 hours late: say when you exported with --exported-at",
    "sign-ins of Microsoft's own services are in MicrosoftServicePrincipalSignInLogs alone, or nowhere",
    "exports of 2022 write both ids as base64 of the id's text; tables of mid-2024 have no session and no"
    " incoming token type",
)
_COMPLETE = (
    "--complete entra-signin/KIND[:from..to] with KIND interactive, non-interactive, service-principal,"
    " managed-identity (adfs, microsoft-service-principal). Honest when all pages or blobs of that kind are there for"
    " the interval, none was filtered by user or application, and the export is older than the delay."
)


def signin_explain(*export: str, caps: str) -> Explain:
    """Return the explanation of a wrapper: how to export it, and what all of them share."""
    return Explain(_WHAT, export, _RETENTION, caps, _TRAPS, _COMPLETE)
