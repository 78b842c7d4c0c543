"""Makes receipts: of a token that was verified, or of one that was refused. The token itself is never in one."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from counterfoil.errors import VerifyError
from counterfoil.model.receipt import ACCEPTED, REFUSED, Receipt, Signature
from counterfoil.tokens import countersignature, jws
from counterfoil.tokens.decoded import DecodedToken, decoded
from counterfoil.tokens.encoding import from_translated
from counterfoil.tokens.flow import Flow
from counterfoil.tokens.limits import MAX_NUMERIC_DATE
from counterfoil.tokens.looks import holds_token
from counterfoil.tokens.pseudonym import SubjectKey
from counterfoil.tokens.shape import shape_of
from counterfoil.tokens.subject_keys import SubjectKeys, pseudonym
from counterfoil.tokens.verified import VerifiedToken

# Longest text of a receipt: ids of tokens and issuers are shorter, and what is longer was written to be.
MAX_TEXT = 512
MAX_AUDIENCES = 16
# What every verified token was held to; docs/reference/verification.md numbers them.
ALWAYS = ("F1", "F2", "F3", "F4", "F5", "V1", "V2", "V3", "V4", "V5", "V6", "V7", "V8", "V9", "V10", "V14")
HIDDEN = "(a token)"


@dataclass(frozen=True)
class Request:
    """The request that a token came with, as far as a receipt tells it. `renewal`: where tokens are renewed."""

    method: str = ""
    endpoint: str = ""
    ip: str = ""
    user_agent: str = ""
    renewal: bool = False


NO_REQUEST = Request()


@dataclass
class Emitter:
    """Numbers the receipts of one process, so that lost ones show. Safe to share between threads."""

    name: str = field(default_factory=lambda: uuid.uuid4().hex)
    _last: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def next(self) -> int:
        """Return the next number, from 1."""
        with self._lock:
            self._last += 1
            return self._last


class Receipts:
    """Makes the receipts of one relying party. `subject_key`: of the pseudonyms; None: no subject is told."""

    def __init__(self, rp: str, subject_key: SubjectKey | SubjectKeys | None = None) -> None:
        """Make receipts in this name."""
        self._rp, self._subjects, self._emitter = _text(rp), subject_key, Emitter()

    def accepted(self, token: str | bytes, found: VerifiedToken, flow: Flow, at: datetime, by: Request) -> Receipt:
        """Return the receipt of a token that was verified and let in."""
        told = {"flow": flow.name, "token_class": found.token_class, "checks": (*ALWAYS, *found.also)}
        payload = _payload(token)
        claims = self._claims(found.header, found.claims, payload)
        signature = Signature.VERIFIED
        return self._made(at, by, ACCEPTED, signature, claims | told | {"digest": found.digest.hex()})

    def refused(self, token: str | bytes, error: VerifyError, flow: Flow, at: datetime, by: Request) -> Receipt:
        """Return the receipt of a token that was refused: what it says of itself, if it can be taken apart."""
        told: dict[str, Any] = {"flow": flow.name, "code": error.code, "rule": error.rule}
        claims = self.claimed(token)
        signature = Signature.VERIFIED if error.signature_verified else Signature.UNCHECKED
        if error.rule == "F5":
            signature = Signature.FAILED
        return self._made(at, by, REFUSED, signature, claims | told)

    def claimed(self, token: str | bytes) -> dict[str, Any]:
        """Return what a token says of itself, with its digest; nothing for what is no token."""
        try:
            parts: DecodedToken = decoded(token)
            payload = _payload(token)
        except (VerifyError, ValueError):
            return {}
        return self._claims(parts.header, parts.claims, payload) | {"digest": parts.digest.hex()}

    def _claims(self, header: Mapping[str, Any], claims: Mapping[str, Any], payload: bytes) -> dict[str, Any]:
        issuer = _text(claims.get("iss"))
        confirmation = claims.get("cnf")
        counter = header.get(countersignature.MEMBER)
        return {
            "kid": _text(header.get("kid")),
            "x5t": _text(header.get("x5t#S256") or header.get("x5t")),
            "alg": _text(header.get("alg")),
            "typ": _text(header.get("typ")),
            "iss": issuer,
            "aud": _audience(claims.get("aud")),
            "tid": _text(claims.get("tid")),
            "subject": pseudonym(self._subjects, issuer, claims.get("sub"), _moment(claims.get("iat"))),
            "client": _text(claims.get("client_id") or claims.get("azp") or claims.get("appid")),
            "jti": _text(claims.get("uti") or claims.get("jti")),
            "sid": _text(claims.get("sid")),
            "root_jti": _text(claims.get("root_jti")),
            "iat": _moment(claims.get("iat")),
            "exp": _moment(claims.get("exp")),
            "jkt": _text(confirmation.get("jkt")) if isinstance(confirmation, Mapping) else "",
            "shape": shape_of(header, claims, payload),
            "counter_key": _text(countersignature.key_id_of(counter)) if isinstance(counter, str) else "",
        }

    def _made(self, at: datetime, by: Request, outcome: str, signature: Signature, told: dict[str, Any]) -> Receipt:
        return Receipt(
            time=at.astimezone(UTC), rp=self._rp, outcome=outcome, signature=signature, method=_text(by.method),
            endpoint=_text(by.endpoint), ip=_text(by.ip), user_agent=_text(by.user_agent), renewal=by.renewal,
            emitter=self._emitter.name, seq=self._emitter.next(), **told,
        )


def _payload(token: str | bytes) -> bytes:
    """Return the octets of the claims of a token that was taken apart before."""
    return from_translated(jws.compact(token).payload, "the claims")


def _text(value: object) -> str:
    """Return a claim as a text that a log can hold: cut, without controls, and never a token."""
    if not isinstance(value, str):
        return ""
    if len(value) > MAX_TEXT:
        value = f"{value[: MAX_TEXT - 80]}... (SHA-256 {sha256(value.encode('utf-8', 'replace')).hexdigest()})"
    if holds_token(value):
        return HIDDEN
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in value)


def _audience(value: object) -> tuple[str, ...]:
    told: Sequence[object] = (value,) if isinstance(value, str) else value if isinstance(value, list | tuple) else ()
    return tuple(text for one in told[:MAX_AUDIENCES] if (text := _text(one)))


def _moment(value: object) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_NUMERIC_DATE:
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, OSError, ValueError):
        return None
