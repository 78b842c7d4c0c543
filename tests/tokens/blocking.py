"""Makes block lists for tests, by a key of their own, and the policy that believes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from counterfoil.jose.jwk import thumbprint
from counterfoil.tokens.policy import TokenPolicy

from .making import ISSUER, NOW, POLICY, documents, encoded, jwk, key, signed

SIGNERS = ("ec-blocks", "ec-blocks-2")
HOUR = 3_600


def policy_text(missing: str = "refuse") -> str:
    """Return the policy of the tests with a [blocklist]."""
    pinned = ", ".join(f'"{thumbprint(jwk(name))}"' for name in SIGNERS)
    table = f'[blocklist]\nfile = "signers.json"\nissuers = ["{ISSUER}"]\npinned = [{pinned}]\nmissing = "{missing}"\n'
    return POLICY + "\n" + table


@cache
def key_documents() -> Mapping[str, bytes]:
    """Return the documents that it names; a stranger's key is in the signers' document, and not pinned."""
    members = ", ".join(encoded_jwk(name) for name in (*SIGNERS, "ec-stranger"))
    return {**documents(), "signers.json": f'{{"keys": [{members}]}}'.encode()}


def encoded_jwk(name: str) -> str:
    """Return a public key as JSON."""
    return json.dumps(jwk(name, alg="ES256"))


@cache
def block_policy(missing: str = "refuse") -> TokenPolicy:
    """Return that policy."""
    return TokenPolicy.from_toml(policy_text(missing), key_documents())


def entry(name: str = "rsa", **changes: Any) -> dict[str, Any]:
    """Return the entry of a blocked key."""
    told = {"kid": name, "jkt": thumbprint(jwk(name)), "since": NOW - HOUR, "reason": "found in a dump"}
    return {**told, **changes}


def blocks(
    *entries: Mapping[str, Any], number: Any = 7, by: str = "ec-blocks", head: Mapping[str, Any] | None = None,
    **changes: Any,
) -> bytes:
    """Return a block list."""
    said = {"iss": ISSUER, "iat": NOW - 60, "exp": NOW + HOUR, "seq": number, "blocked": list(entries), **changes}
    return signed(key(by), {"alg": "ES256", "kid": by, "typ": "key-blocks+jwt", **(head or {})}, said).encode()


def unsigned(*entries: Mapping[str, Any]) -> bytes:
    """Return a list without a signature."""
    said = {"iss": ISSUER, "iat": NOW - 60, "exp": NOW + HOUR, "seq": 9, "blocked": list(entries)}
    return f"{encoded({'alg': 'none', 'typ': 'key-blocks+jwt'})}.{encoded(said)}.".encode()

