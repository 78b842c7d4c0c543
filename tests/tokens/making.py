"""Makes keys, tokens and policies for tests, by the standards' own words: no JOSE library is asked.

Every value is invented. `POLICY` is the estate of the tests: two realms in one key set, as in 2023.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa, utils

from counterfoil.tokens.policy import TokenPolicy
from counterfoil.tokens.verifier import Verifier

NOW = 1_780_000_000
TENANT = "5a7e1e00-0000-4000-8000-00000000000a"
OTHER_TENANT = "5a7e1e00-0000-4000-8000-00000000000b"
CONSUMERS = "9188040d-6c67-4c5b-b112-36a304b66dad"
LOGIN = "https://login.example/{tenantid}/v2.0"
ISSUER = LOGIN.replace("{tenantid}", TENANT)
CONSUMER_ISSUER = LOGIN.replace("{tenantid}", CONSUMERS)
SELF = "https://mail.example/renewals"
AUDIENCE = "api://mail"

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey
_HASHES: Mapping[str, hashes.HashAlgorithm] = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
_CURVES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}


def b64(data: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    """Return what base64url without padding encodes."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@cache
def key(name: str) -> PrivateKey:
    """Return the private key of this name: "rsa...", "ec...", "p384", "p521", "ed..." or "ed448"."""
    if name.startswith("rsa"):
        return rsa.generate_private_key(65537, 2048)
    curves = {"p384": ec.SECP384R1(), "p521": ec.SECP521R1()}
    if name.startswith("ec") or name in curves:
        return ec.generate_private_key(curves.get(name, ec.SECP256R1()))
    return ed448.Ed448PrivateKey.generate() if name == "ed448" else ed25519.Ed25519PrivateKey.generate()


def jwk(name: str, **members: Any) -> dict[str, Any]:
    """Return the public JWK of a key; its kid is its name unless `members` says otherwise."""
    public = key(name).public_key()
    if isinstance(public, rsa.RSAPublicKey):
        numbers = public.public_numbers()
        made = {"kty": "RSA", "n": b64(numbers.n.to_bytes(256, "big")), "e": "AQAB"}
    elif isinstance(public, ec.EllipticCurvePublicKey):
        point, half = public.public_numbers(), (public.key_size + 7) // 8
        made = {"kty": "EC", "crv": _CURVES[public.curve.name],
                "x": b64(point.x.to_bytes(half, "big")), "y": b64(point.y.to_bytes(half, "big"))}
    else:
        curve = "Ed448" if isinstance(public, ed448.Ed448PublicKey) else "Ed25519"
        made = {"kty": "OKP", "crv": curve, "x": b64(public.public_bytes_raw())}
    return {"kid": name, **made, **members}


def signature(private: PrivateKey, algorithm: str, data: bytes) -> bytes:
    """Return a signature in JWS form."""
    if isinstance(private, rsa.RSAPrivateKey):
        hash_ = _HASHES[algorithm[2:]]
        if algorithm.startswith("PS"):
            return private.sign(data, padding.PSS(padding.MGF1(hash_), hash_.digest_size), hash_)
        return private.sign(data, padding.PKCS1v15(), hash_)
    if isinstance(private, ec.EllipticCurvePrivateKey):
        r, s = utils.decode_dss_signature(private.sign(data, ec.ECDSA(_HASHES[algorithm[2:]])))
        half = (private.key_size + 7) // 8
        return r.to_bytes(half, "big") + s.to_bytes(half, "big")
    return private.sign(data)


def encoded(value: object) -> str:
    """Return JSON in base64url; octets and texts as they are."""
    if isinstance(value, bytes | str):
        return b64(value.encode() if isinstance(value, str) else value)
    return b64(json.dumps(value, separators=(",", ":")).encode())


def signed(private: PrivateKey, header: Mapping[str, Any] | str, payload: object, algorithm: str | None = None) -> str:
    """Return a compact JWS. `algorithm` signs with another algorithm than the header tells."""
    told = algorithm or (str(header["alg"]) if isinstance(header, Mapping) else "RS256")
    data = f"{encoded(dict(header) if isinstance(header, Mapping) else header)}.{encoded(payload)}"
    return f"{data}.{b64(signature(private, told, data.encode()))}"


def header(kid: str = "rsa", **changes: Any) -> dict[str, Any]:
    """Return the header of a genuine token; a change to None leaves the parameter out."""
    return _changed({"typ": "at+jwt", "alg": "RS256", "kid": kid}, changes)


def claims(**changes: Any) -> dict[str, Any]:
    """Return the claims of a genuine token; a change to None leaves the claim out."""
    genuine = {
        "iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "tid": TENANT, "client_id": "phone", "jti": "token-1",
        "sid": "session-1", "iat": NOW - 60, "nbf": NOW - 60, "exp": NOW + 1800,
    }
    return _changed(genuine, changes)


def _changed(genuine: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**genuine, **changes}.items() if value is not None}


def token(kid: str = "rsa", head: Mapping[str, Any] | None = None, **changes: Any) -> str:
    """Return a token of the key `kid`, genuine but for the changes to its claims (and `head`, to its header)."""
    return signed(key(kid), header(**{"kid": kid, **(head or {})}), claims(**changes))


POLICY = f"""
schema = "counterfoil.token-policy/1"

[[keys]]
file = "common.json"
issuers = ["{LOGIN}", "{CONSUMER_ISSUER}", "{SELF}"]
classes = ["access", "id", "actor", "status-list"]
algorithms = ["RS256", "ES256", "EdDSA"]

[[keys.key]]
kid = "rsa-retired"
state = "retired"

[[keys.key]]
kid = "rsa-next"
state = "next"

[[keys.key]]
kid = "rsa-dated"
sign_from = 2026-01-01T00:00:00Z
sign_until = 2026-05-01T00:00:00Z

[[keys.key]]
kid = "ec-narrow"
tenants = ["{TENANT}"]
audiences = ["{AUDIENCE}"]
classes = ["access"]

[[flow]]
name = "mail"
class = "access"
issuers = ["{LOGIN}", "{SELF}"]
tenants = ["{TENANT}"]
audiences = ["{AUDIENCE}"]
required = ["sid"]
actors = ["calendar"]
actor_flow = "actor"
renewal_issuers = ["{LOGIN}"]

[[flow]]
name = "actor"
class = "actor"
issuers = ["{LOGIN}"]
tenants = ["*"]
audiences = ["{AUDIENCE}"]

[[flow]]
name = "checked"
class = "access"
issuers = ["{LOGIN}"]
tenants = ["*"]
audiences = ["{AUDIENCE}"]
status = "list"
status_flow = "lists"

[[flow]]
name = "lists"
class = "status-list"
issuers = ["{LOGIN}"]
tenants = ["*"]
max_lifetime = "1d"

[[flow]]
name = "asked"
class = "access"
issuers = ["{LOGIN}"]
tenants = ["*"]
audiences = ["{AUDIENCE}"]
status = "introspection"

[[flow]]
name = "dpop"
class = "access"
issuers = ["{LOGIN}"]
tenants = ["*"]
audiences = ["{AUDIENCE}"]
binding = "dpop"
"""


@cache
def documents() -> Mapping[str, bytes]:
    """Return the key set of the tests: an organisations' key, a consumer key, and others, as one document."""
    keys = [
        jwk("rsa", issuer=LOGIN), jwk("rsa-consumer", issuer=CONSUMER_ISSUER), jwk("rsa-retired", issuer=LOGIN),
        jwk("rsa-next", issuer=LOGIN), jwk("rsa-dated", issuer=LOGIN), jwk("ec", alg="ES256"), jwk("ed"),
        jwk("ec-narrow", issuer=LOGIN), jwk("rsa-self", issuer=SELF),
        jwk("rsa-revoked", issuer=LOGIN, revoked={"revoked_at": NOW - 86400, "reason": "compromised"}),
    ]
    return {"common.json": json.dumps({"keys": keys}).encode()}


@cache
def policy() -> TokenPolicy:
    """Return the policy of the tests."""
    return TokenPolicy.from_toml(POLICY, documents(), "policy.toml")


def verifier(flow: str = "mail", **changes: Any) -> Verifier:
    """Return a new verifier of the policy of the tests, with changes to the flow."""
    flows = {**policy().flows, flow: replace(policy().flow(flow), **changes)}
    return Verifier(TokenPolicy(policy().keys, flows), flow)


def certificate_thumbprint(der: bytes) -> str:
    """Return `x5t#S256` of a certificate."""
    return b64(hashlib.sha256(der).digest())
