"""A DPoP proof (RFC 9449, 4.3): its checks by their numbers there. All refusals are V12.

A proof is signed by the client's own key, which its header brings: nobody is trusted for it. What counts is that it is
the key that the token names.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from counterfoil.errors import VerifyError
from counterfoil.jose import base64url
from counterfoil.jose.algorithms import ALGORITHMS, check
from counterfoil.jose.jwk import ExposedKeyError, UnfitKeyError, public_jwk
from counterfoil.tokens import jws, rules
from counterfoil.tokens.encoding import from_translated, json_object, numeric_date
from counterfoil.tokens.flow import Flow
from counterfoil.tokens.presentation import DpopRequest
from counterfoil.tokens.replay import name_of
from counterfoil.tokens.rules import quoted, refused, when

TYP = "dpop+jwt"
_DEFAULT_PORTS = {"https": 443, "http": 80}
_URL = re.compile(r"[!-~]+")  # RFC 3986: visible ASCII. `urlsplit` would drop tabs and line breaks without a word.


def check_proof(request: DpopRequest, thumbprint: object, token: bytes, flow: Flow, at: float) -> str:
    """Return the id of a proof that proves possession of the token's key for this request.

    `thumbprint`: the token's `cnf.jkt`. `token`: the token as it was presented.
    """
    try:
        claims, used = _signed(request.proof)
    except VerifyError as error:
        if error.rule == rules.V12.id:
            raise
        raise refused(rules.V12, "proof", "a DPoP proof that verifies", f"one refused as {error.code}") from error
    _about_request(claims, request)
    _fresh(claims, request, flow, at)
    expected = base64url.encode(hashlib.sha256(token).digest())
    if not _same(claims.get("ath"), expected):  # 12a
        raise refused(rules.V12, "ath", "a proof for this token (ath)", quoted(claims.get("ath")))
    if not _same(thumbprint, used):  # 12b
        raise refused(rules.V12, "jkt", "a proof by the key that the token is bound to", "one by another key")
    return _once(claims, used, request, flow, at)


def _signed(proof: str) -> tuple[Mapping[str, Any], str]:
    """Return the claims of the proof and the thumbprint of the key that signed it."""
    parts = jws.compact(proof)  # 1 (one header field is the caller's) and 2: well-formed
    header = jws.read_header(parts.header)
    if header.get("typ") != TYP:  # 4
        raise refused(rules.V12, "typ", f"typ {TYP}", quoted(header.get("typ")))
    jws.refuse_keys(header, allowed="jwk")
    algorithm = jws.algorithm_of(header)  # 5
    members = header.get("jwk")
    try:
        if not isinstance(members, Mapping):
            raise UnfitKeyError("it is no object")
        key = public_jwk(members)  # 7 within
    except (UnfitKeyError, ExposedKeyError) as error:
        raise refused(rules.V12, "jwk", "a public key in the header (jwk)", str(error)) from error
    if algorithm not in key.algorithms:
        raise refused(rules.V12, "alg", f"{rules.listed(key.algorithms)} with this key", quoted(algorithm))
    jws.signed(parts, check(key.key, ALGORITHMS[algorithm]), key.thumbprint)  # 6
    return json_object(from_translated(parts.payload, "the proof's claims"), "the proof's claims"), key.thumbprint


def _about_request(claims: Mapping[str, Any], request: DpopRequest) -> None:
    for name in ("jti", "htm", "htu"):  # 3
        if not isinstance(claims.get(name), str) or not claims[name]:
            raise refused(rules.V12, name, f"{name} in the proof", quoted(claims.get(name)))
    if claims["htm"] != request.method:  # 8
        raise refused(rules.V12, "method", f"a proof for {quoted(request.method)}", quoted(claims["htm"]))
    if _target(claims["htu"]) is None or _target(claims["htu"]) != _target(request.url):  # 9
        raise refused(rules.V12, "url", f"a proof for {quoted(request.url)}", quoted(claims["htu"]))


def _target(url: str) -> tuple[str, str, int | None, str] | None:
    """Return scheme, host, port and path of a URL, normalised; query and fragment do not count. None: it is no URL."""
    if not _URL.fullmatch(url):
        return None
    try:
        told = urlsplit(url)
        port = told.port
    except ValueError:
        return None
    if not told.scheme or not told.hostname or told.username is not None:
        return None
    path = _ESCAPE.sub(_normal, told.path) or "/"
    if port is None:
        port = _DEFAULT_PORTS.get(told.scheme.lower())
    return told.scheme.lower(), told.hostname.lower(), port, path


# RFC 3986, 6.2.2: escapes of unreserved characters are those characters; all others are in capitals.
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def _normal(escape: re.Match[str]) -> str:
    char = chr(int(escape.group()[1:], 16))
    return char if char in _UNRESERVED else escape.group().upper()


def _fresh(claims: Mapping[str, Any], request: DpopRequest, flow: Flow, at: float) -> None:
    if request.nonce is not None and not _same(claims.get("nonce"), request.nonce):  # 10
        raise refused(rules.V12, "nonce", "the nonce that this server gave out", quoted(claims.get("nonce")))
    made = numeric_date(claims.get("iat"))
    if made is None:  # 3, 11
        raise refused(rules.V12, "iat", "iat in the proof", quoted(claims.get("iat")))
    if not at - flow.proof_age <= made + flow.leeway:
        raise refused(rules.V12, "old", f"a proof of the last {flow.proof_age:.0f} s", f"one from {when(made)}")
    if not made <= at + flow.leeway:
        raise refused(rules.V12, "future", f"a proof made at {when(at)} or before", f"one from {when(made)}")


def _once(claims: Mapping[str, Any], key: str, request: DpopRequest, flow: Flow, at: float) -> str:
    """11.1: return the id of a proof that was not used before; the last question, since to ask is to use."""
    until = claims["iat"] + flow.leeway + flow.proof_age
    if request.replays is not None and not request.replays.first(name_of("dpop", key, claims["jti"]), until, at):
        raise refused(rules.V12, "replay", "a proof that was not used before", quoted(claims["jti"]))
    return str(claims["jti"])


def _same(found: object, expected: str) -> bool:
    return isinstance(found, str) and hmac.compare_digest(
        found.encode("utf-8", "replace"), expected.encode("utf-8", "replace")
    )
