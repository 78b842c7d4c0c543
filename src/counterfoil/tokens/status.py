"""S1: what the issuer says of the token today, by a status list (draft-ietf-oauth-status-list) or RFC 7662.

The decision only. Fetching lists and asking endpoints is in `relying/`; what was fetched comes in with the token.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from counterfoil.errors import VerifyError
from counterfoil.tokens import rules
from counterfoil.tokens.encoding import from_base64url, json_object
from counterfoil.tokens.flow import TEXTS, Flow, StatusCheck
from counterfoil.tokens.limits import MAX_STATUS_LIST_INFLATED, MAX_TOKEN_BYTES
from counterfoil.tokens.presentation import Presentation
from counterfoil.tokens.rules import quoted, refused, when
from counterfoil.tokens.verified import VerifiedToken

# Token Status List, 7.1: 0 is the only status of a token that may be used.
VALID = 0
STATUS_NAMES: Mapping[int, str] = {1: "revoked", 2: "suspended"}
_BITS = (1, 2, 4, 8)
# Members of an introspection response that are about the token and not about what it is good for, beside aud and cnf.
_SAME = ("iss", "iat", "nbf", "exp", *TEXTS)


@dataclass(frozen=True)
class StatusList:
    """A status list token that was verified at `verified_at`, and its list. Good until `until` (its expiry)."""

    token: VerifiedToken
    verified_at: float
    until: float
    bits: int
    statuses: bytes = field(repr=False)

    @classmethod
    def of(cls, token: VerifiedToken, at: float, leeway: float) -> StatusList:
        """Return the list of a verified token; raises VerifyError F1, F2."""
        return cls(token, at, token.expires_at + leeway, *_statuses(token.claims))

    def value(self, index: int) -> int:
        """Return the status at a place; raises VerifyError S1 for one beyond the end."""
        place = index * self.bits // 8
        if not place < len(self.statuses):
            raise refused(rules.STATUS, "index", f"an index below {len(self.statuses) * 8 // self.bits}", quoted(index))
        # 4.1: from the least significant bit on
        return self.statuses[place] >> (index * self.bits % 8) & ((1 << self.bits) - 1)


def s1_status(
    claims: Mapping[str, Any],
    flow: Flow,
    shown: Presentation,
    at: float,
    verify: Callable[[str | bytes], StatusList],
) -> None:
    """Refuse a token that the issuer does not say is valid. `verify` verifies a status list token."""
    if flow.status is StatusCheck.INTROSPECTION:
        response = shown.introspection() if callable(shown.introspection) else shown.introspection
        _introspected(claims, response, at, flow.leeway)
    else:
        _in_list(claims, shown, at, verify)


def _in_list(
    claims: Mapping[str, Any], shown: Presentation, at: float, verify: Callable[[str | bytes], StatusList]
) -> None:
    index, uri = _reference(claims)
    token = shown.status_list() if callable(shown.status_list) else shown.status_list
    if token is None:
        raise refused(rules.STATUS, "list", f"the status list {quoted(uri)}", "none")
    try:
        held = verify(token)
    except VerifyError as error:
        raise refused(rules.STATUS, "list", "a status list that verifies", f"one refused as {error.code}") from error
    found = held.token
    if found.subject != uri:  # 8.3, step 4.1
        raise refused(rules.STATUS, "uri", f"the status list {quoted(uri)}", quoted(found.subject))
    if found.issuer != claims["iss"]:
        raise refused(rules.STATUS, "issuer", "a status list of the token's issuer", quoted(found.issuer))
    _within_ttl(found.claims, at)
    value = held.value(index)
    if value != VALID:
        raise refused(rules.STATUS, "status", "valid (0)", f"{STATUS_NAMES.get(value, 'another status')} ({value})")


def _reference(claims: Mapping[str, Any]) -> tuple[int, str]:
    """Return the place of the token's status, and the list it is in (6.1)."""
    status = claims.get("status")
    listed = status.get("status_list") if isinstance(status, Mapping) else None
    index, uri = (listed.get("idx"), listed.get("uri")) if isinstance(listed, Mapping) else (None, None)
    if type(index) is not int or not 0 <= index < MAX_STATUS_LIST_INFLATED * 8 or not isinstance(uri, str):
        raise refused(rules.STATUS, "reference", "a status claim with idx and uri", quoted(status))
    return index, uri


def _statuses(claims: Mapping[str, Any]) -> tuple[int, bytes]:
    """Return bits per status, and the list (4.2); raises VerifyError."""
    listed = claims["status_list"]
    bits, packed = (listed.get("bits"), listed.get("lst")) if isinstance(listed, Mapping) else (None, None)
    if type(bits) is not int or bits not in _BITS or not isinstance(packed, str):
        raise refused(rules.MALFORMED, "status_list", "bits (1, 2, 4 or 8) and lst", quoted(listed))
    inflate = zlib.decompressobj()
    try:
        statuses = inflate.decompress(from_base64url(packed.encode("utf-8"), "lst"), MAX_STATUS_LIST_INFLATED)
    except zlib.error as error:
        raise refused(rules.MALFORMED, "lst", "a list compressed with zlib", "other data") from error
    if inflate.unused_data:
        raise refused(rules.MALFORMED, "lst", "a list compressed with zlib, and no more", "bytes behind it")
    if not inflate.eof:
        raise refused(rules.TOO_LARGE, "lst", f"a whole list of at most {MAX_STATUS_LIST_INFLATED} bytes", "another")
    return bits, statuses


def _within_ttl(claims: Mapping[str, Any], at: float) -> None:
    """Refuse a list that its issuer no longer stands by (5.1: `ttl`, seconds after `iat`)."""
    ttl = claims.get("ttl")
    if ttl is not None and (type(ttl) not in (int, float) or not at <= claims["iat"] + ttl):
        raise refused(rules.STATUS, "ttl", "a status list within its ttl", f"one from {when(claims['iat'])}")


def _introspected(claims: Mapping[str, Any], response: bytes | None, at: float, leeway: float) -> None:
    if response is None:
        raise refused(rules.STATUS, "introspection", "an introspection response", "none")
    if len(response) > MAX_TOKEN_BYTES:
        raise refused(rules.STATUS, "introspection", f"a response of at most {MAX_TOKEN_BYTES} bytes", "a larger one")
    try:
        told = json_object(response, "the response")
    except VerifyError as error:
        raise refused(rules.STATUS, "introspection", "a response in JSON", f"one refused as {error.code}") from error
    if told.get("active") is not True:
        raise refused(rules.STATUS, "active", "active: true", quoted(told.get("active")))
    _about_token(claims, told)
    end, begin = told.get("exp"), told.get("nbf")
    if end is not None and (type(end) not in (int, float) or not at < end):
        raise refused(rules.STATUS, "exp", f"an expiry after {when(at)}", quoted(end))
    if begin is not None and (type(begin) not in (int, float) or not begin <= at + leeway):
        raise refused(rules.STATUS, "nbf", f"valid from {when(at)} or before", quoted(begin))


def _about_token(claims: Mapping[str, Any], told: Mapping[str, Any]) -> None:
    """RFC 7662, 2.2: where the response speaks of the token it must speak of this token."""
    for name in _SAME:
        if name in told and name in claims and _comparable(told[name]) != _comparable(claims[name]):
            raise refused(rules.STATUS, name, f"{name} {quoted(claims[name])} as in the token", quoted(told[name]))
    if "aud" in told and _audience(told["aud"]) != _audience(claims.get("aud")):
        raise refused(rules.STATUS, "aud", f"aud {quoted(claims.get('aud'))} as in the token", quoted(told["aud"]))
    # RFC 8705, 3.2, RFC 9449, 6.2: what is bound for the issuer must be bound here, where V12 asks for the proof
    if "cnf" in told and _comparable(told["cnf"]) != _comparable(claims.get("cnf")):
        raise refused(rules.STATUS, "cnf", f"cnf {quoted(claims.get('cnf'))} as in the token", quoted(told["cnf"]))
    kind = told.get("token_type")
    if isinstance(kind, str) and kind.lower() == "dpop" and "cnf" not in claims:
        raise refused(rules.STATUS, "token_type", "a token that is not bound, as this one", quoted(kind))


def _audience(value: object) -> frozenset[object]:
    """Return audiences as what they are: a text is one of them, and their order says nothing (RFC 7519, 4.1.3)."""
    return frozenset(map(repr, value)) if isinstance(value, list | tuple) else frozenset({repr(value)})


def _comparable(value: object) -> object:
    """Return a value of a token, or of JSON, in one form for both."""
    if isinstance(value, Mapping):
        return {name: _comparable(inner) for name, inner in value.items()}
    return [_comparable(inner) for inner in value] if isinstance(value, list | tuple) else value
