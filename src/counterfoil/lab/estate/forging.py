"""Makes tokens as attackers do: with their own code, not the mint's."""

from __future__ import annotations

import json
import uuid
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from counterfoil.jose import base64url
from counterfoil.jose.algorithms import jws_form
from counterfoil.jose.jwk import members_of
from counterfoil.lab.estate.settings import MAIL, WEB, Estate, Realm

LIFE_SECONDS = 3_000


def claims(estate: Estate, user: str, realm: Realm = Realm.ORG, audience: str = MAIL) -> dict[str, Any]:
    """Return claims as a genuine token has them, with an id of the attacker's."""
    now = int(estate.clock.seconds())
    return {
        "iss": estate.issuer(realm), "sub": user, "aud": audience, "client_id": WEB, "iat": now,
        "exp": now + LIFE_SECONDS, "jti": str(uuid.uuid4()), "scope": "mail.read",
    }


def signing_input(kid: str, told: dict[str, Any], algorithm: str = "ES256") -> str:
    """Return header and claims, encoded."""
    header = {"typ": "at+jwt", "alg": algorithm} | ({"kid": kid} if kid else {})
    return f"{_part(header)}.{_part(told)}"


def signed(given: str, key: ec.EllipticCurvePrivateKey) -> str:
    """Return a token: a signing input with a signature (ES256)."""
    from cryptography.hazmat.primitives.hashes import SHA256

    return f"{given}.{base64url.encode(jws_form(key.sign(given.encode(), ec.ECDSA(SHA256()))))}"


def rogue() -> tuple[ec.EllipticCurvePrivateKey, dict[str, str]]:
    """Return a new key and its public JWK."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key, {**members_of(key.public_key()), "kid": "2023-rollover", "alg": "ES256", "use": "sig"}


def _part(value: dict[str, Any]) -> str:
    return base64url.encode(json.dumps(value, separators=(",", ":")).encode())
