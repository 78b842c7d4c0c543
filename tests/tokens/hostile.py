"""Fourteen hostile tokens, and what common libraries say of each: data for a test and for `python -m bench hostile`.

Every library gets what a service has: the key set, the algorithm, the audience and the issuer. `Contestant.verify`
raises if the token is refused. "plain" is what the library's own introduction shows; "strict" turns on everything that
the library offers for the case.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from counterfoil.tokens.policy import TokenPolicy
from counterfoil.tokens.verifier import Verifier

from .making import AUDIENCE, ISSUER, LOGIN, TENANT, b64, claims, encoded, header, jwk, key, signed

YEARS = 365 * 86_400
WANTED = {"iss": ISSUER, "aud": AUDIENCE}


@dataclass(frozen=True)
class Contestant:
    """Something that verifies tokens: returns their claims, or raises."""

    name: str
    verify: Callable[[str], Any]


@cache
def key_set() -> str:
    """Return the key set of the issuer: an organisations' key, the consumers' key, and one that is retired."""
    return json.dumps({"keys": [jwk("rsa", use="sig"), jwk("rsa-consumer", use="sig"), jwk("rsa-retired", use="sig")]})


def _token(at: int, head: Mapping[str, Any] | None = None, by: str = "rsa", **changes: Any) -> str:
    times = {"iat": at - 60, "nbf": at - 60, "exp": at + 1800}
    return signed(key(by), header(**(head or {})), claims(**{**times, **changes}))


def _unsigned(at: int) -> str:
    times = {"iat": at - 60, "nbf": at - 60, "exp": at + 1800}
    return f"{encoded(header(alg='none'))}.{encoded(claims(**times))}."


def _mac(at: int) -> str:
    """Return a token whose MAC has the public key, as PEM, for its secret."""
    secret = key("rsa").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    data = ".".join([encoded(header(alg="HS256")), encoded(claims(iat=at - 60, nbf=at - 60, exp=at + 1800))])
    return f"{data}.{b64(hmac.digest(secret, data.encode(), hashlib.sha256))}"


def _twice(at: int) -> str:
    told = json.dumps(claims(iss="https://evil.example", iat=at - 60, nbf=at - 60, exp=at + 1800))
    return signed(key("rsa"), header(), f'{told[:-1]},"iss":{json.dumps(ISSUER)}}}')


def _no_kid(at: int) -> str:
    told = {name: value for name, value in header().items() if name != "kid"}
    return signed(key("rsa"), told, claims(iat=at - 60, nbf=at - 60, exp=at + 1800))


# What is wrong -> the token, made for a moment in Unix seconds; and the rule that refuses it here.
HOSTILE: Mapping[str, tuple[Callable[[int], str], str]] = {
    "an organisation's token signed with the consumers' key": (
        lambda at: _token(at, {"kid": "rsa-consumer"}, by="rsa-consumer"), "V4"),
    "a key id of nobody, signed by a key of the set": (lambda at: _token(at, {"kid": "rsa-0"}), "V2"),
    "alg none": (_unsigned, "V1"),
    "HS256 with the public key": (_mac, "V1"),
    "no expiry": (lambda at: _token(at, exp=None), "V10"),
    "no issuer": (lambda at: _token(at, iss=None), "V10"),
    "no key id": (_no_kid, "V2"),
    "an unknown critical extension": (lambda at: _token(at, {"crit": ["hold"], "hold": True}), "F4"),
    "its own key in the header": (lambda at: _token(at, {"jwk": jwk("rsa-thief")}, by="rsa-thief"), "V14"),
    "two issuers": (_twice, "F3"),
    "an expiry in ten years": (lambda at: _token(at, exp=at + 10 * YEARS), "V9"),
    "issued tomorrow": (lambda at: _token(at, iat=at + 86_400, nbf=None, exp=at + 86_400 + 600), "V9"),
    "an ID token in place of an access token": (lambda at: _token(at, {"typ": "JWT"}), "V8"),
    "a retired key": (lambda at: _token(at, {"kid": "rsa-retired"}, by="rsa-retired"), "V2"),
}


def genuine(at: int) -> str:
    """Return a token that everybody accepts."""
    return _token(at)


@cache
def policy() -> TokenPolicy:
    """Return what the contestants are told, as a policy, and what only a policy can tell."""
    text = f"""
schema = "counterfoil.token-policy/1"
[[keys]]
file = "keys"
issuers = ["{LOGIN}"]
classes = ["access"]
algorithms = ["RS256"]
[[keys.key]]
kid = "rsa-consumer"
issuers = ["{LOGIN.replace('{tenantid}', '9188040d-6c67-4c5b-b112-36a304b66dad')}"]
[[keys.key]]
kid = "rsa-retired"
state = "retired"
[[flow]]
name = "mail"
class = "access"
issuers = ["{LOGIN}"]
tenants = ["{TENANT}"]
audiences = ["{AUDIENCE}"]
"""
    return TokenPolicy.from_toml(text, {"keys": key_set().encode()})


def contestants(now: Callable[[], float]) -> list[Contestant]:
    """Return all that are installed, ourselves first."""
    verifier = Verifier(policy())
    found = [Contestant("counterfoil", lambda token: verifier.verify(token, at=now()).claims)]
    for made in (_pyjwt, _joserfc, _authlib):
        try:
            found += made()
        except ImportError:
            continue
    return found


def _pyjwt() -> list[Contestant]:
    import jwt

    keys = jwt.PyJWKSet.from_json(key_set())

    def plain(token: str) -> Any:
        used = keys[jwt.get_unverified_header(token)["kid"]]
        return jwt.decode(token, used, algorithms=["RS256"], audience=AUDIENCE, issuer=ISSUER)

    def strict(token: str) -> Any:
        used = keys[jwt.get_unverified_header(token)["kid"]]
        required: Any = {"require": ["exp", "iat", "iss", "aud", "sub", "jti"], "strict_aud": True}
        return jwt.decode(token, used, algorithms=["RS256"], audience=AUDIENCE, issuer=ISSUER, options=required)

    return [Contestant("PyJWT", plain), Contestant("PyJWT strict", strict)]


def _joserfc() -> list[Contestant]:
    from joserfc import jwt
    from joserfc.jwk import KeySet

    keys = KeySet.import_key_set(json.loads(key_set()))
    wanted: dict[str, Any] = {name: {"essential": True, "value": value} for name, value in WANTED.items()}
    essential: dict[str, Any] = {name: {"essential": True} for name in ("exp", "iat", "sub", "jti")}

    def plain(token: str) -> Any:
        found = jwt.decode(token, keys, algorithms=["RS256"])
        jwt.JWTClaimsRegistry(**wanted).validate(found.claims)
        return found.claims

    def strict(token: str) -> Any:
        found = jwt.decode(token, keys, algorithms=["RS256"])
        jwt.JWTClaimsRegistry(**wanted, **essential).validate(found.claims)
        return found.claims

    return [Contestant("joserfc", plain), Contestant("joserfc strict", strict)]


def _authlib() -> list[Contestant]:
    with warnings.catch_warnings(record=True):  # authlib.jose is deprecated in favour of joserfc, and still in wide use
        from authlib.jose import JsonWebKey, JsonWebToken

        keys = JsonWebKey.import_key_set(json.loads(key_set()))
        decoder = JsonWebToken(["RS256"])
    wanted = {name: {"essential": True, "value": value} for name, value in WANTED.items()}
    essential = {name: {"essential": True} for name in ("exp", "iat", "sub", "jti")}

    def checked(options: Mapping[str, Any]) -> Callable[[str], Any]:
        def verify(token: str) -> Any:
            found = decoder.decode(token, keys, claims_options=options)
            found.validate()
            return found

        return verify

    return [Contestant("authlib", checked(wanted)), Contestant("authlib strict", checked({**wanted, **essential}))]
