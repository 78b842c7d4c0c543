"""AuditData as a table: the fields that are read, and the layout that every wrapper brings its columns into."""

from __future__ import annotations

from collections.abc import Mapping

from counterfoil.expressions import ibis, ir
from counterfoil.model.logs import Log, SignIns
from counterfoil.sources.source import READER_COLUMNS, TEXT, RawType

LOG = Log(
    "m365-ual",
    accepts=True,
    events=True,
    # Microsoft, "Session timeouts for Microsoft 365": a SharePoint session ends five days after its last use
    sessions={"sharepoint": 5 * 24 * 3600},
    sign_ins=SignIns(),  # UserLoggedIn: people's alone
)

_PAIRS = ({"Name": TEXT, "Value": TEXT},)
_MESSAGE = {"InternetMessageId": TEXT, "SizeInBytes": TEXT}

# The fields that are read. A text field that holds an object or a list arrives as its JSON text.
SCHEMA: Mapping[str, RawType] = {
    **dict.fromkeys(
        # every record
        ("CreationTime", "Id", "Operation", "OrganizationId", "RecordType", "ResultStatus", "UserKey", "UserType",
         "Workload", "UserId", "ClientIP", "ObjectId", "CorrelationId",
         # sign-ins and directory changes
         "ApplicationId", "ActorIpAddress", "ActorContextId", "TargetContextId", "InterSystemsId", "IntraSystemId",
         "ErrorNumber", "ErrorCode", "LogonError", "Actor", "Target", "ModifiedProperties",
         # Exchange
         "AppId", "ClientAppId", "SessionId", "DeviceId", "ClientIPAddress", "ClientInfoString", "ActorInfoString",
         "ExternalAccess", "LogonType", "InternalLogonType", "LogonUserSid", "MailboxGuid", "MailboxOwnerUPN",
         "MailboxOwnerSid", "TokenObjectId", "TokenTenantId", "TokenType", "AuthType", "OperationCount", "Parameters",
         # token issue
         "ResourceURL", "UniqueTokenIdentifier", "UniqueTokenId",
         # SharePoint, OneDrive and Teams
         "UserAgent", "SiteUrl", "FileSizeBytes", "TeamGuid", "TeamName", "ChannelGuid", "ChatThreadId",
         "CommunicationType", "MessageId"),
        TEXT,
    ),
    "AppAccessContext": dict.fromkeys(
        ("AADSessionId", "APIId", "AuthTime", "ClientAppId", "CorrelationId", "DeviceId", "IssuedAtTime",
         "TokenIssuedAtTime", "UniqueTokenId", "UserObjectId"),
        TEXT,
    ),
    "ExtendedProperties": _PAIRS,
    "DeviceProperties": _PAIRS,
    "OperationProperties": _PAIRS,
    "Folders": ({"Path": TEXT, "FolderItems": (_MESSAGE,)},),
    "Item": {**_MESSAGE, "Subject": TEXT, "ParentFolder": {"Path": TEXT}},
    "AffectedItems": (_MESSAGE,),
    "Messages": ({"Path": TEXT, "MessageItems": (_MESSAGE,)},),
}

# Column of the flat table that holds the wrapper's own date, for records whose AuditData has none.
WRAPPER_DATE = "_wrapper_date"
# Column of the flat table that holds when the wrapper received the record, or NULL.
RECEIVED = "_received"


def flat(raw: ir.Table, audit: ir.StructValue | None = None, **columns: ir.Value) -> ir.Table:
    """Return the flat table of AuditData's fields, each taken from `columns`, `audit` or the raw table.

    A field that is in none of them is NULL. `columns` may also give WRAPPER_DATE and RECEIVED.
    """
    values: dict[str, ir.Value] = {}
    for name, raw_type in SCHEMA.items():
        if name in columns:
            values[name] = columns.pop(name)
        elif audit is not None:
            values[name] = audit[name]
        elif name in raw.columns:
            values[name] = raw[name]
        else:
            values[name] = ibis.null(_dtype(raw_type))
    for name in (WRAPPER_DATE, RECEIVED):
        values[name] = columns.pop(name, ibis.null("string"))
    if columns:
        raise ValueError(f"not fields of AuditData: {sorted(columns)}")
    return raw.select(**{name: raw[name] for name in READER_COLUMNS}, **values)


def _dtype(raw_type: RawType) -> str:
    if isinstance(raw_type, str):
        return raw_type
    if isinstance(raw_type, Mapping):
        return "struct<" + ", ".join(f"{name}: {_dtype(inner)}" for name, inner in raw_type.items()) + ">"
    return f"array<{_dtype(raw_type[0])}>"
