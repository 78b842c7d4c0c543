"""Tokens and session secrets in bytes: whose, live or expired, verified where the keys are known; never shown."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from counterfoil.errors import CounterfoilError
from counterfoil.jose.algorithms import ALGORITHMS, CURVES, check
from counterfoil.jose.base64url import decode_leniently
from counterfoil.leaks.finding import TokenSeen
from counterfoil.leaks.known import KnownKeys, PublicKey
from counterfoil.tokens import jws
from counterfoil.tokens.decoded import DecodedToken, decoded
from counterfoil.tokens.encoding import numeric_date

# Longer ones are no bearer tokens: services refuse headers of more than 8 to 64 KiB.
MOST_TOKEN_BYTES = 64 << 10
_JWT = re.compile(rb"ey[JA-Za-z0-9_-]{10,8192}\.[A-Za-z0-9_-]{2,65536}\.[A-Za-z0-9_-]{2,4096}")
_SECRET = re.compile(rb"[A-Za-z0-9._~+/!*%$=-]{40,8192}")
_ASSERTION = re.compile(
    rb"<(?:\w+:)?Assertion\s[^<>]{0,2000}?xmlns(?::\w{1,50})?=\"urn:oasis:names:tc:SAML:[12]\.[01]:assertion\""
)
_UNTIL = re.compile(rb"<(?:\w{1,50}:)?Conditions\s[^<>]{0,500}?NotOnOrAfter=\"([0-9T:.Z+-]{19,35})\"")
_ISSUER = re.compile(rb"<(?:\w{1,50}:)?Issuer[^<>]{0,300}>([^<>]{1,400})</|\sIssuer=\"([^\"<>]{1,300})\"")

# JWK's names of the curves that tokens are signed on, by SEC 2's.
_CRV = {curve.name: crv for crv, curve in CURVES.items()}

# What a name or sign before a secret says it is. Cookies: of Entra ID, AD FS, SharePoint, ASP.NET and Okta.
_SECRETS: Mapping[bytes, str] = {
    b'refresh_token"': "refresh-token",
    b"refresh_token=": "refresh-token",
    b"ESTSAUTH=": "session-cookie",
    b"ESTSAUTHPERSISTENT=": "session-cookie",
    b"ESTSAUTHLIGHT=": "session-cookie",
    b"x-ms-RefreshTokenCredential": "refresh-token",
    b"MSISAuth=": "session-cookie",
    b"MSISAuthenticated=": "session-cookie",
    b"FedAuth=": "session-cookie",
    b"rtFa=": "session-cookie",
    b".AspNet.Cookies=": "session-cookie",
    b".AspNetCore.Cookies=": "session-cookie",
    b"idx=eyJ": "session-cookie",
}
_ASSERTIONS = (b"<saml:Assertion", b"<saml2:Assertion", b"<Assertion ")
# What a JWT starts with: {" and the first letter of a header parameter, in base64url.
_JWTS = tuple(b"eyJ" + sign for sign in (b"h", b"0", b"r", b"4", b"j", b"l", b"q", b"6", b"i", b"n", b"p", b"u"))
_SHOWN = ("iss", "aud", "azp", "appid", "tid", "jti", "uti", "exp")
_MOST_CLAIM_CHARS = 200


def literals() -> tuple[bytes, ...]:
    """Return what a kernel looks for."""
    return (*_JWTS, *_SECRETS, *_ASSERTIONS)


@dataclass(frozen=True, repr=False)
class Place:
    """The token at a mark, None if there is none, and up to where was read: marks before that are inside of it."""

    seen: TokenSeen | None
    end: int


class TokenReader:
    """Reads tokens where their marks stand."""

    def __init__(self, known: KnownKeys, now: datetime) -> None:
        """Judge by these keys, at this time."""
        self._now = now
        self._keys = [(key.kid, *_library_key(key.public)) for key in known.keys]

    def read(self, data: bytes, literal: bytes, at: int, path: str, offset: int) -> Place:
        """Return the token at a mark; `offset` is where the text starts in what `path` names."""
        if literal in _JWTS:
            return self._jwt(data, at, path, offset)
        if literal in _ASSERTIONS:
            return self._assertion(data, at, path, offset)
        return _secret(data, literal, at, path, offset)

    def _jwt(self, data: bytes, at: int, path: str, offset: int) -> Place:
        if at and (data[at - 1 : at].isalnum() or data[at - 1 : at] in b"._-"):
            return Place(None, at)
        match = _JWT.match(data, at, at + MOST_TOKEN_BYTES)
        if match is None:
            return Place(None, at)
        token = match[0]
        try:
            said = decoded(token)
        except (CounterfoilError, ValueError):
            return Place(None, at)
        if not isinstance(said.header.get("alg"), str):
            return Place(None, at)
        kid, verified = self._verified(token, said)
        state = self._state(said.claims.get("nbf"), said.claims.get("exp"))
        claims = tuple((name, _shown(said.claims[name])) for name in _SHOWN if name in said.claims)
        form = "jwt" if said.claims.keys() & {"iss", "aud", "exp", "sub"} else "jws"
        digest = sha256(token).hexdigest()
        return Place(TokenSeen(form, path, offset + at, state, verified, kid, digest, claims), match.end())

    def _verified(self, token: bytes, said: DecodedToken) -> tuple[str, str]:
        named = said.header.get("kid")
        shown = _shown(named) if isinstance(named, str) else ""
        algorithm = ALGORITHMS.get(str(said.header.get("alg")))
        if algorithm is None or not self._keys:
            return shown, "unknown"
        parts = jws.compact(token, MOST_TOKEN_BYTES)
        signature = decode_leniently(parts.signature)
        for kid, key, kty, curve in self._keys:
            if key is None or algorithm.kty != kty or algorithm.curve not in ("", curve):
                continue
            try:
                check(key, algorithm)(signature, bytes(parts.signing_input), said.digest)
            except (InvalidSignature, ValueError, UnsupportedAlgorithm):
                continue
            return kid, "yes"
        return shown, "no" if any(kid == named for kid, *_ in self._keys) else "unknown"

    def _state(self, begin: object, end: object) -> str:
        now = self._now.timestamp()
        starts, ends = numeric_date(begin), numeric_date(end)
        if ends is None:
            return "unknown"
        if ends <= now:
            return "expired"
        return "not-yet-valid" if starts is not None and starts > now else "live"

    def _assertion(self, data: bytes, at: int, path: str, offset: int) -> Place:
        match = _ASSERTION.match(data, at)
        if match is None:
            return Place(None, at)
        close = data.find(b"Assertion>", match.end(), at + MOST_TOKEN_BYTES)
        text = data[at : close + 10] if close >= 0 else data[at : at + MOST_TOKEN_BYTES]
        until, issuer = _UNTIL.search(text), _ISSUER.search(text)
        state = "unknown"
        claims: list[tuple[str, str]] = []
        if issuer:
            claims.append(("iss", _shown((issuer[1] or issuer[2]).decode("utf-8", "replace").strip())))
        if until:
            claims.append(("exp", until[1].decode()))
            state = self._until(until[1].decode())
        digest = sha256(text).hexdigest()
        return Place(
            TokenSeen("saml-assertion", path, offset + at, state, "unknown", "", digest, tuple(claims)), at + len(text)
        )

    def _until(self, text: str) -> str:
        try:
            end = datetime.fromisoformat(text)
        except ValueError:
            return "unknown"
        end = end if end.tzinfo else end.replace(tzinfo=UTC)
        return "expired" if end <= self._now else "live"


def merged(tokens: Iterable[TokenSeen]) -> tuple[TokenSeen, ...]:
    """Return each token of a file once, at its first place."""
    first: dict[tuple[str, str, str], TokenSeen] = {}
    for token in sorted(tokens, key=lambda token: (token.path, token.offset)):
        first.setdefault((token.path, token.form, token.digest), token)
    return tuple(first.values())


def _secret(data: bytes, literal: bytes, at: int, path: str, offset: int) -> Place:
    start = at + len(literal)
    start += len(data[start : start + 8]) - len(data[start : start + 8].lstrip(b'\\": ='))
    match = _SECRET.match(data, start)
    if match is None:
        return Place(None, at)
    if len(set(match[0])) < 16:
        return Place(None, match.end())
    digest = sha256(match[0]).hexdigest()
    return Place(TokenSeen(_SECRETS[literal], path, offset + start, "unknown", "unknown", "", digest), match.end())


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text[:_MOST_CLAIM_CHARS]


def _library_key(public: PublicKey) -> tuple[Any, str, str]:
    """Return the library's key, its type and its curve as JWK names them; None for a key it refuses."""
    try:
        if public.kind == "RSA":
            return rsa.RSAPublicNumbers(public.e, public.n).public_key(), "RSA", ""
        if public.kind == "EC" and (crv := _CRV.get(public.curve)):
            numbers = ec.EllipticCurvePublicNumbers(public.x, public.y, CURVES[crv])
            return numbers.public_key(), "EC", crv
        if public.kind == "Ed25519":
            return ed25519.Ed25519PublicKey.from_public_bytes(public.raw), "OKP", "Ed25519"
    except ValueError:
        pass
    return None, "", ""
