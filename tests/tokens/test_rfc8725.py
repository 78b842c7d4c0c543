"""RFC 8725, section 2: each threat that it names, as a token or a key that is refused."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from counterfoil.errors import VerifyError
from counterfoil.tokens.entitlement import Entitlement, IssuerPattern
from counterfoil.tokens.keyset import Grant, from_document

from .hostile import HOSTILE
from .making import LOGIN, NOW, b64, claims, encoded, header, jwk, key, signature, signed, token, verifier


def _hostile(case: str) -> str:
    return HOSTILE[case][0](NOW)


def _utf16() -> str:
    data = f"{encoded(header())}.{b64(json.dumps(claims()).encode('utf-16'))}"
    return f"{data}.{b64(signature(key('rsa'), 'RS256', data.encode()))}"


def _unsigned(algorithm: str) -> str:
    return f"{encoded(header(alg=algorithm))}.{encoded(claims())}."


def _parts() -> dict[str, str]:
    return dict(zip(("protected", "payload", "signature"), token().split("."), strict=True))


def _encrypted(**members: object) -> str:
    return f"{encoded({'enc': 'A128GCM', 'kid': 'rsa', **members})}.AAAA.AAAA.{'A' * 4_000}.AAAA"


def _encrypted_header() -> str:
    return signed(key("rsa"), header(alg="RSA-OAEP", enc="A128GCM"), claims(), "RS256")


THREATS: dict[str, tuple[str, Callable[[], str]]] = {
    "2.1 the algorithm none": ("V1", lambda: _hostile("alg none")),
    "2.1 RS256 turned into HS256 with the public key": ("V1", lambda: _hostile("HS256 with the public key")),
    "2.3 encryption without a look at the signature inside": ("F2", lambda: token() + ".a.b"),
    "2.6 JSON in another encoding than UTF-8": ("F2", _utf16),
    "2.7 a token for another audience": ("V7", lambda: token(aud="api://files")),
    "2.7 a token of another issuer's key": ("V4", lambda: token("rsa-consumer")),
    "2.8 an ID token as an access token": ("V8", lambda: token(head={"typ": "JWT"})),
    "2.8 a logout token as an access token": ("V8", lambda: token(head={"typ": "logout+jwt"})),
    "2.9 a key id that is a path": ("V2", lambda: signed(key("rsa"), header("../../../etc/passwd"), claims())),
    "2.9 a key id that is a query": ("V2", lambda: signed(key("rsa"), header("x' UNION SELECT 'k"), claims())),
    "2.9 a URL to fetch keys from": ("V14", lambda: token(head={"jku": "http://169.254.169.254/"})),
    "2.9 a URL to fetch a certificate from": ("V14", lambda: token(head={"x5u": "file:///etc/passwd"})),
    "bis: none in other letters": ("V1", lambda: _unsigned("noNE")),
    "bis: a good algorithm in other letters":
        ("V1", lambda: signed(key("rsa"), header(alg="rs256"), claims(), "RS256")),
    "bis: the flattened JSON serialization": ("F2", lambda: json.dumps(_parts() | {"header": {"kid": "rsa"}})),
    "bis: the general JSON serialization":
        ("F2", lambda: json.dumps({"payload": _parts()["payload"], "signatures": [_parts()]})),
    "bis: a token in quotes": ("F2", lambda: f'"{token()}"'),
    "bis: an encrypted token that asks for 2^31 rounds":
        ("F2", lambda: _encrypted(alg="PBES2-HS256+A128KW", p2c=2**31 - 1, p2s="c2FsdA")),
    "bis: an encrypted token that is compressed": ("F2", lambda: _encrypted(alg="dir", zip="DEF")),
    "bis: an encrypted token's header on a signed one":
        ("V1", _encrypted_header),
}


@pytest.mark.parametrize(("rule", "made"), THREATS.values(), ids=THREATS)
def test_a_threat_of_section_2_is_refused(rule: str, made: Callable[[], str]) -> None:
    """By the rule that stands for it."""
    with pytest.raises(VerifyError) as caught:
        verifier().verify(made(), at=NOW)
    assert caught.value.rule == rule


def test_weak_and_invalid_keys_are_not_used() -> None:
    """2.2: symmetric keys that can be guessed; 2.5: a point that is not on its curve."""
    grant = Grant(Entitlement(issuers=((IssuerPattern.of(LOGIN),),)))
    off, oct_key = jwk("ec", x=b64(b"\2" * 32)), {"kty": "oct", "kid": "s", "k": b64(b"secret")}
    unusable = from_document(json.dumps({"keys": [off, oct_key]}).encode(), grant, "keys").unusable
    assert "no valid key" in unusable["ec"]
    assert "symmetric" in unusable["s"]
