"""What the wrappers of the Unified Audit Log say of themselves: the log is one, the export differs."""

from __future__ import annotations

from counterfoil.sources.source import Explain

_WHAT = (
    "What Microsoft 365 services did for somebody: mail read (MailItemsAccessed), files, chats, inbox rules, directory"
    " changes. It is the acceptance leg: a record names the token that the service let in"
    " (AppAccessContext.UniqueTokenId). It also holds two kinds of issuance: sign-ins of people (UserLoggedIn), and"
    " tokens that Exchange obtained for a resource (GATFRTokenIssue)."
)
_RETENTION = (
    "180 days (90 for records before October 2023); one year for Exchange, SharePoint and Entra records of users with"
    " an E5 licence; ten years with the add-on."
)
_TRAPS = (
    "token ids are there since 2022 in SharePoint records, 2023 in inbox rules and other Exchange cmdlets, 2024 in"
    " Teams, 2025 in MailItemsAccessed",
    "AppAccessContext may be absent, {} or without an id: normal for aggregated and background records",
    "reads within two minutes are one record; after 1,000 reads of a mailbox in a day Exchange stops logging them for"
    " 24 hours (IsThrottled)",
    "overlapping queries and content blobs repeat records: they are recognised by Id",
    "sign-ins of service principals, managed identities and refresh tokens are not in this log",
)


def ual_explain(*export: str, caps: str, retention: str = _RETENTION, traps: tuple[str, ...] = ()) -> Explain:
    """Return the explanation of a wrapper: how to export it, and what all of them share.

    The log cannot be declared complete: as an issuance log it lacks most sign-ins.
    """
    return Explain(_WHAT, export, retention, caps, (*traps, *_TRAPS))
