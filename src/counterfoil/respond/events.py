"""Security events (RFC 8417): a key is compromised, a block list, a session or token is revoked, and verification.

Nobody ships an event about a signing key: ours have types of their own. The rest is Shared Signals (SSF 1.0, CAEP 1.0).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from counterfoil.errors import InputError, UsageError
from counterfoil.tokens.limits import MAX_TOKEN_BYTES
from counterfoil.tokens.revoked import TokenName

TYP = "secevent+jwt"
KEY_COMPROMISED = "urn:counterfoil:event-type:key-compromised:1"
BLOCK_LIST = "urn:counterfoil:event-type:block-list:1"
SESSION_REVOKED = "https://schemas.openid.net/secevent/caep/event-type/session-revoked"
VERIFICATION = "https://schemas.openid.net/secevent/ssf/event-type/verification"
# RFC 9278: a key as a URI.
THUMBPRINT = "urn:ietf:params:oauth:jwk-thumbprint:sha-256:"
MAX_REASON = 500
# A block list in a SET is in base64 twice: a longer one does not fit into a token, and is fetched.
MAX_PUSHED_LIST = MAX_TOKEN_BYTES // 2


@dataclass(frozen=True)
class KeyCompromised:
    """A signing key that must not be believed. `since`: Unix seconds from which nobody knows who signs with it.

    `thumbprint`: RFC 7638, SHA-256. `issuer`: whose key it was. `number`: of the block list that holds it, 0 if none.
    """

    issuer: str
    kid: str
    thumbprint: str
    since: int
    reason: str
    number: int = 0

    def event(self) -> dict[str, Any]:
        """Return the payload of the event."""
        told = {"issuer": self.issuer, "kid": self.kid, "event_timestamp": self.since, "reason_admin": self.reason}
        return told | ({"block_list": self.number} if self.number else {})


def event_set(
    issuer: str, audience: str, kind: str, event: Mapping[str, Any], subject: Mapping[str, Any], now: int, jti: str = ""
) -> dict[str, Any]:
    """Return the claims of a SET with one event. No `exp`, no `sub` (SSF 1.0, 4.1.1 and 4.1.7); `now`: Unix seconds."""
    return {
        "iss": issuer, "jti": jti or str(uuid.uuid4()), "iat": now, "aud": audience, "sub_id": dict(subject),
        "events": {kind: dict(event)},
    }


def key_compromised(issuer: str, audience: str, told: KeyCompromised, now: int) -> dict[str, Any]:
    """Return the SET that tells of a compromised key; its subject is the key (RFC 9278)."""
    subject = {"format": "uri", "uri": THUMBPRINT + told.thumbprint}
    return event_set(issuer, audience, KEY_COMPROMISED, told.event(), subject, now)


def block_list(issuer: str, audience: str, listed: str, now: int) -> dict[str, Any]:
    """Return the SET that carries a signed block list whole; raises UsageError for one that is too long for an event.

    It is believed for its own signature, by the receiver's policy, whoever signed the SET.
    """
    if len(listed) > MAX_PUSHED_LIST:
        told = f"the block list is longer than an event may be ({MAX_PUSHED_LIST} bytes)"
        raise UsageError(told, hint="have it fetched: counterfoil respond event")
    return event_set(issuer, audience, BLOCK_LIST, {"list": listed}, {"format": "opaque", "id": issuer}, now)


def session_revoked(issuer: str, audience: str, session: str, now: int, reason: str) -> dict[str, Any]:
    """Return CAEP's event for a session (CAEP 1.0, 3.1)."""
    subject = {"format": "complex", "session": {"format": "opaque", "id": session}}
    return event_set(issuer, audience, SESSION_REVOKED, _revoked(now, reason), subject, now)


def token_revoked(issuer: str, audience: str, name: TokenName, now: int, reason: str) -> dict[str, Any]:
    """Return CAEP's event for one token, named by issuer and id (SSF 1.0: `jwt_id`)."""
    subject = {"format": "jwt_id", "iss": name.iss, "jti": name.jti}
    return event_set(issuer, audience, SESSION_REVOKED, _revoked(now, reason), subject, now)


def verification(issuer: str, audience: str, stream: str, state: str, now: int) -> dict[str, Any]:
    """Return the event by which a receiver sees that a stream works (SSF 1.0, 8.1.4.1)."""
    event = {"state": state} if state else {}
    return event_set(issuer, audience, VERIFICATION, event, {"format": "opaque", "id": stream}, now)


def _revoked(now: int, reason: str) -> dict[str, Any]:
    return {"event_timestamp": now, "initiating_entity": "admin", "reason_admin": {"en": reason}}


def read_block_list(claims: Mapping[str, Any]) -> str | None:
    """Return the block list that a verified SET carries, None if it carries none; raises InputError if it is broken."""
    event = claims["events"].get(BLOCK_LIST)
    if event is None:
        return None
    listed = event.get("list") if isinstance(event, Mapping) else None
    if not isinstance(listed, str):
        raise InputError("block-list: expected the signed list as a text")
    return listed


def read_key_compromised(claims: Mapping[str, Any]) -> KeyCompromised | None:
    """Return the key that a verified SET tells of, None if it tells of other things; raises InputError if it is broken.

    The thumbprint decides which key is meant; kid, issuer and reason are what the transmitter says of it.
    """
    event = claims["events"].get(KEY_COMPROMISED)
    if event is None:
        return None
    subject = claims.get("sub_id")
    uri = subject.get("uri") if isinstance(subject, Mapping) and subject.get("format") == "uri" else None
    if not isinstance(event, Mapping) or not isinstance(uri, str) or not uri.startswith(THUMBPRINT):
        raise InputError("key-compromised: expected sub_id with a key's thumbprint URI (RFC 9278)")
    texts = [event.get(name, "") for name in ("issuer", "kid", "reason_admin")]
    since, number = event.get("event_timestamp", 0), event.get("block_list", 0)
    if not all(isinstance(text, str) for text in texts) or type(since) is not int or type(number) is not int:
        raise InputError("key-compromised: a member has another type than the event's documentation says")
    issuer, kid, reason = texts
    return KeyCompromised(issuer, kid, uri.removeprefix(THUMBPRINT), since, reason[:MAX_REASON], number)
