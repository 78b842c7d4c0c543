"""The evidence schema: one table for every source, declared once.

Each column says what it means, its unit, and what NULL means there. The type names are Ibis's
portable ones, so that every engine holds the same table. `docs/reference/evidence.md` is rendered
from this file, and a test compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Leg(StrEnum):
    """Which link of a token's trail a record is."""

    KEY_USE = "key_use"
    ISSUANCE = "issuance"
    SECONDARY_ISSUANCE = "secondary_issuance"
    ACCEPTANCE = "acceptance"
    CONTEXT = "context"


class Outcome(StrEnum):
    """What became of the request that a record tells of."""

    SUCCESS = "success"  # issued, or let in
    DENIED = "denied"  # let in, but not allowed to do it (HTTP 403): still an acceptance
    REFUSED = "refused"  # not let in (HTTP 401): no verdict
    INTERRUPTED = "interrupted"  # a sign-in that asked for more (MFA, consent) and issued nothing yet
    FAILED = "failed"  # a sign-in that failed for good


class TokenClass(StrEnum):
    """What kind of principal a token speaks for. Written by the token's maker: a claim, not a proof."""

    USER = "user"
    APPLICATION = "application"
    MANAGED_IDENTITY = "managed_identity"
    SERVICE = "service"  # a provider's own service acting as itself
    DELEGATED = "delegated"  # a user's token, used by an application; the service may have issued it itself
    AGENT = "agent"  # an agent identity, or whom it acts for: what its tokens leave in which log is not documented
    ACT_AS = "act_as"  # a service acting for a user without the user's own token
    ASSERTION = "assertion"  # a SAML assertion presented to another issuer


@dataclass(frozen=True)
class Column:
    """One evidence column: `dtype` is an Ibis type name; `null` says what NULL means."""

    name: str
    dtype: str
    meaning: str
    null: str = "not in the record"


_TIME = "timestamp(6)"
_LIST = "array<string>"

EVIDENCE: tuple[Column, ...] = (
    # what and when
    Column("leg", "string", "link of the trail: key_use, issuance, secondary_issuance, acceptance, context", "never"),
    Column("event_time", _TIME, "when it happened, by the recording service; UTC, microseconds; of a state "
           "(`tenant-state`), when it last changed. Equal to ingested_at: "
           "the record does not say, and this is when it arrived",
           "an issuance whose date is missing or cannot be read: it clears by its id, and tells nothing of a time; or "
           "a state that does not tell since when"),
    Column("issued_at", _TIME, "the token's own issued-at claim (`iat`), UTC"),
    Column("expires_at", _TIME, "the token's own expiry (`exp`), UTC"),
    Column("ingested_at", _TIME, "when the log received the record, UTC", "not in the record, or equal to event_time"),
    # identity of the record
    Column("source", "string", "the log that holds it, whatever the wrapper: `m365-ual`, `entra-signin`", "never"),
    Column("kind", "string", "part of that log, as `--complete SOURCE/KIND` names it: `interactive`, a host", "never"),
    Column("record_id", "string", "the record's own id, lower case; equal in all its wrappers", "never"),
    Column("fidelity", "int64", "rank of the wrapper: the lower one wins where wrappers of one record differ", "never"),
    Column("raw_file", "string", "SHA-256 of the input file, hex; `inputs` maps it to a path", "never"),
    Column("raw_position", "int64", "1-based line, row or array element in that file", "never"),
    Column("sequence", "int64", "the log's own running record number (Windows EventRecordID): shows gaps"),
    # the token
    Column("issuer", "string", "who issued the token the record is about: `entra:<tenant>`, `adfs:<farm domain>`"),
    Column("token_class", "string", "user, application, managed_identity, service, delegated, agent, act_as, assertion",
           "not shown"),
    Column("token_id", "string", "canonical token id; for `entra_uti` the lower-case GUID", "absent or a null form"),
    Column("token_id_kind", "string", "entra_uti, jti, saml_assertion_id, aws_access_key_id", "as token_id"),
    Column("parent_token_ids", _LIST, "ids of the tokens presented to obtain this one, same kind as token_id"),
    Column("session_id", "string", "session the token belongs to (`sid`, Exchange or Entra session id)"),
    Column("signing_input_digest", "string", "SHA-256 of the JWS signing input, lower-case hex"),
    Column("signature", "string", "what the accepting service knows of the signature, under key_id: verified, failed, "
           "unchecked"),
    Column("token_shape", "string", "how the token is written: header members, claims, spacing and form of the id"),
    Column("key_id", "string", "signing key (`kid`, certificate thumbprint, KMS key version)"),
    Column("algorithm", "string", "JWS `alg` or XML signature method"),
    Column("key_operation", "string", "for key_use: sign, export, list, create, delete..."),
    # whom, by what, for what
    Column("subject_id", "string", "object id of the acting user or service principal, lower case"),
    Column("subject_name", "string", "the acting user's name as logged (UPN, DOMAIN\\sam, SID), lower case"),
    Column("client_id", "string", "application that used or obtained the token, lower case"),
    Column("resource", "string", "resource or audience the token is for, lower case"),
    Column("token_tenant", "string", "tenant that the token names (`tid`), lower case"),
    Column("resource_tenant", "string", "tenant that owns the resource, lower case"),
    Column("home_tenant", "string", "tenant where the subject's account lives, lower case"),
    Column("cross_tenant", "string", "Entra crossTenantAccessType: none, b2bCollaboration, b2bDirectConnect..."),
    Column("incoming_token", "string", "credential presented to the issuer: none, refreshToken, saml20..., lower case",
           "the field is absent, so it cannot be told"),
    Column("scopes", "string", "scopes or roles, separated by spaces"),
    # from where
    Column("ip", "string", "client address in one form: no port, IPv6 as in RFC 5952, no IPv4 in IPv6"),
    Column("asn", "int64", "autonomous system number of ip"),
    Column("user_agent", "string", "user agent or client string as logged"),
    Column("device_id", "string", "registered device id, lower case"),
    # what was done
    Column("operation", "string", "operation as the log names it", "never"),
    Column("outcome", "string", "success, denied, refused, interrupted, failed", "never"),
    Column("logon_type", "string", "who opened the mailbox: owner, delegate, admin"),
    Column("object_kind", "string", "mailbox, file, chat, directory, api, relying_party, signing_key..."),
    Column("object_id", "string", "the object reached: mailbox GUID, file URL, API path"),
    Column("object_parent", "string", "what it lies in: mailbox owner, site, folder"),
    Column("item_ids", _LIST, "items reached (Internet message ids), at most MAX_ITEM_IDS"),
    Column("item_count", "int64", "items or operations that the record stands for"),
    Column("byte_count", "int64", "bytes of the items reached"),
    Column("access_mode", "string", "bind (single items) or sync (a whole folder)"),
    Column("aggregated", "boolean", "the record stands for several accesses"),
    Column("throttled", "boolean", "the log stopped after this record (IsThrottled): a hole follows"),
    Column("extra", "string", "further fields of the record, as a JSON object of strings", "none"),
)

NAMES: tuple[str, ...] = tuple(column.name for column in EVIDENCE)
TYPES: dict[str, str] = {column.name: column.dtype for column in EVIDENCE}

# What a record is about that tells how a log could be exported.
WHOLE_LOG = "log"

# An Exchange record names up to a few thousand messages; the rest stays in the raw record.
MAX_ITEM_IDS = 10_000
