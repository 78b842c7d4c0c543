"""What the Unified Audit Log's enumerations mean, as data: record types, user types, logon types.

Numbers and names come from the Office 365 Management Activity API schema (AuditLogRecordType, UserType,
Exchange LogonType), in which all of them were found again in 2026, but for 275: that one is from records alone.
Wrappers write the number, the number as text or the name, so both stand here; names are compared in lower case,
because Graph writes them in camelCase.
"""

from __future__ import annotations

from collections.abc import Mapping

# Record types by the part of the log that they make up (evidence column `kind`).
RECORD_TYPES: Mapping[str, Mapping[int, str]] = {
    "exchange-item": {
        2: "ExchangeItem",
        3: "ExchangeItemGroup",
        19: "ExchangeAggregatedOperation",
        50: "ExchangeItemAggregated",
    },
    "exchange-admin": {1: "ExchangeAdmin"},
    "sharepoint": {
        4: "SharePoint",
        6: "SharePointFileOperation",
        7: "OneDrive",
        14: "SharePointSharingOperation",
        36: "SharePointListOperation",
        37: "SharePointCommentOperation",
        54: "SharePointListItemOperation",
        55: "SharePointContentTypeOperation",
        56: "SharePointFieldOperation",
    },
    "teams": {25: "MicrosoftTeams"},
    "sign-in": {15: "AzureActiveDirectoryStsLogon"},
    "token-issue": {275: "GATFRTokenIssue"},
    "directory": {8: "AzureActiveDirectory"},
}
OTHER = "other"  # every other record type

# Kinds whose every record tells of a resource that was reached, whether or not it carries a token id.
ACCESS_KINDS: tuple[str, ...] = ("exchange-item", "sharepoint", "teams")
# Kinds whose records identify the subject by UserKey (linkable identifiers, Microsoft Entra documentation).
# In Exchange the same field is a PUID, a name or an application.
USER_KEY_KINDS: tuple[str, ...] = ("sharepoint", "teams", "sign-in")

# The operations that a sign-in leaves here, whatever the record type says.
SIGNED_IN = "UserLoggedIn"
SIGN_IN_FAILED = "UserLoginFailed"
TOKEN_ISSUE = "GATFRTokenIssue"  # noqa: S105  # an operation, no secret
MAIL_ACCESSES = ("MailItemsAccessed", "AttachmentAccess")
ACCESS_TYPES = ("MailAccessType", "AttachmentAccessType")  # whether single items or whole folders were read

# The TokenType of a user's token that an application uses: the ordinary case, see docs/adr/0010.
DELEGATED = "v1appactas"

SYSTEM_USER_TYPES = ("4", "system")
APPLICATION_USER_TYPES = frozenset({"5", "6", "application", "serviceprincipal"})

# Exchange LogonType by what it says about the one who opened the mailbox. Transport, system service and
# best access (3, 4, 5) are none of these; they stay in `extra`.
LOGON_TYPES: Mapping[str, str] = {
    "0": "owner",
    "owner": "owner",
    "1": "admin",
    "admin": "admin",
    "2": "delegate",
    "delegated": "delegate",
    "delegate": "delegate",
    "6": "admin",
    "delegatedadmin": "admin",
}

# What the records of a kind reach. Chats are told from teams by the record.
OBJECT_KINDS: Mapping[str, str] = {
    "exchange-item": "mailbox",
    "exchange-admin": "configuration",
    "sharepoint": "file",
    "teams": "team",
    "directory": "directory",
}

# Results of something that was let in but not done. Real exports show True, False, Success, Succeeded,
# PartiallySucceeded and Failed, by workload.
NOT_DONE = frozenset({"failed", "false", "failure"})

# What is written where nobody is known.
NOBODY = frozenset({"", "not available", "unknown", "00000000-0000-0000-0000-000000000000"})


def written(kind: str) -> tuple[str, ...]:
    """Return the ways in which wrappers write the record types of a kind, in lower case."""
    types = RECORD_TYPES[kind]
    return (*map(str, types), *(name.lower() for name in types.values()))
