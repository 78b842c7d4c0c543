"""V12: tokens bound to a key (DPoP, RFC 9449) or to a certificate (RFC 8705), each check broken on its own."""

from __future__ import annotations

import datetime
import hashlib
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from counterfoil.errors import VerifyError
from counterfoil.jose.jwk import thumbprint
from counterfoil.relying.replays import ProcessReplays
from counterfoil.tokens.presentation import DpopRequest, Presentation
from counterfoil.tokens.replay import name_of

from .making import NOW, b64, certificate_thumbprint, jwk, key, signed, token, verifier

URL = "https://mail.example/messages"
JKT = {"jkt": thumbprint(jwk("ec-client"))}


def proof(bound: str, at: int = NOW, head: dict[str, Any] | None = None, **changes: Any) -> str:
    """Return a proof for a token, genuine but for the changes; None leaves out."""
    public = {name: value for name, value in jwk("ec-client").items() if name != "kid"}
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": public, **(head or {})}
    claims = {
        "jti": "proof-1", "htm": "GET", "htu": URL, "iat": at, "ath": b64(hashlib.sha256(bound.encode()).digest()),
        **changes,
    }
    made = [{name: value for name, value in told.items() if value is not None} for told in (header, claims)]
    return signed(key("ec-client"), made[0], made[1], "ES256")


def shown(made: str, used: str = "", **request: Any) -> Presentation:
    """Return a presentation with a proof; `used`: the id of one of this client's that was used before."""
    if used:
        request["replays"] = ProcessReplays()
        assert request["replays"].first(name_of("dpop", JKT["jkt"], used), NOW + 1, NOW)
    return Presentation(dpop=DpopRequest(**{"proof": made, "method": "GET", "url": URL, **request}))


REFUSED: dict[str, tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "for another method": ("method", {"htm": "POST"}, {}, {}),
    "for another path": ("url", {"htu": "https://mail.example/files"}, {}, {}),
    "for a path that only looks alike": ("url", {"htu": URL + "/a%2Fb"}, {}, {"url": URL + "/a/b"}),
    "for another host": ("url", {"htu": "https://files.example/messages"}, {}, {}),
    "for another port": ("url", {"htu": "https://mail.example:8443/messages"}, {}, {}),
    "for no URL": ("url", {"htu": "messages"}, {}, {}),
    "for a URL that cannot be": ("url", {"htu": "https://[::1/"}, {}, {}),
    "for a URL with a tab": ("url", {"htu": "https://mail.example/mess\tages"}, {}, {}),
    "for a URL with a line break": ("url", {"htu": "https://mail.example/mess\nages"}, {}, {}),
    "for a URL with a line break at its end": ("url", {"htu": URL + "\r\n"}, {}, {}),
    "for a URL with a blank before it": ("url", {"htu": " " + URL}, {}, {}),
    "for a URL with a control before it": ("url", {"htu": "\x01" + URL}, {}, {}),
    "for a URL that is not ASCII": ("url", {"htu": URL + "/\u00e4"}, {}, {"url": URL + "/\u00e4"}),
    "for port 0": ("url", {"htu": "https://mail.example:0/messages"}, {}, {}),
    "for a URL with backslashes": ("url", {"htu": "https:\\\\mail.example\\messages"}, {}, {}),
    "for a URL with a user": ("url", {"htu": "https://a@mail.example/messages"}, {}, {}),
    "without an id": ("jti", {"jti": None}, {}, {}),
    "without a method": ("htm", {"htm": None}, {}, {}),
    "without a URL": ("htu", {"htu": 7}, {}, {}),
    "without a time": ("iat", {"iat": None}, {}, {}),
    "two minutes old, and a second": ("old", {"iat": NOW - 121}, {}, {}),
    "from the future": ("future", {"iat": NOW + 61}, {}, {}),
    "for another token": ("ath", {"ath": b64(hashlib.sha256(b"other").digest())}, {}, {}),
    "for no token": ("ath", {"ath": None}, {}, {}),
    "without the nonce that was given out": ("nonce", {}, {}, {"nonce": "n-1"}),
    "with another nonce": ("nonce", {"nonce": "n-0"}, {}, {"nonce": "n-1"}),
    "that was used before": ("replay", {}, {}, {"used": "proof-1"}),
    "of another type": ("typ", {}, {"typ": "JWT"}, {}),
    "without a key": ("jwk", {}, {"jwk": None}, {}),
    "with a key that is a text": ("jwk", {}, {"jwk": "key"}, {}),
    "with its private key": ("jwk", {}, {"jwk": {**jwk("ec-client"), "d": "AAAA"}}, {}),
    "with a symmetric key": ("jwk", {}, {"jwk": {"kty": "oct", "k": "AAAA"}}, {}),
    "by an algorithm that does not suit the key": ("alg", {}, {"alg": "RS256"}, {}),
    "by none": ("proof", {}, {"alg": "none"}, {}),
    "by a symmetric algorithm": ("proof", {}, {"alg": "HS256"}, {}),
    "signed by another key than it brings": ("proof", {}, {"jwk": jwk("ec-thief")}, {}),
    "with a URL of keys": ("proof", {}, {"jku": "https://evil.example"}, {}),
    "with an extension": ("proof", {}, {"crit": ["exp"]}, {}),
}


@pytest.mark.parametrize(("check", "claims", "head", "request_"), REFUSED.values(), ids=REFUSED)
def test_a_proof_is_refused(
    check: str, claims: dict[str, Any], head: dict[str, Any], request_: dict[str, Any]
) -> None:
    """RFC 9449, 4.3: the token is genuine and bound, and the proof is wrong in one thing."""
    bound = token(cnf=JKT)
    with pytest.raises(VerifyError) as caught:
        verifier().verify(bound, at=NOW, shown=shown(proof(bound, head=head, **claims), **request_))
    assert (caught.value.rule, caught.value.check, caught.value.key_id) == ("V12", check, "rsa")


def test_a_proof_by_a_thief_is_refused() -> None:
    """The proof is in order, and made with the thief's own key."""
    bound = token(cnf={"jkt": thumbprint(jwk("ec-owner"))})
    with pytest.raises(VerifyError, match="V12, jkt"):
        verifier().verify(bound, at=NOW, shown=shown(proof(bound)))


@pytest.mark.parametrize("made", ["", "x", "a.b.c", "\u00e9", "x" * 20_000])
def test_what_is_no_proof_is_refused(made: str) -> None:
    """Whatever stands in the header of the request."""
    with pytest.raises(VerifyError, match="V12, proof"):
        verifier().verify(token(cnf=JKT), at=NOW, shown=shown(made))


def test_a_proof_with_a_token_that_is_not_bound_proves_nothing() -> None:
    """RFC 9449, 7.1."""
    bearer = token()
    with pytest.raises(VerifyError, match="V12, unbound"):
        verifier().verify(bearer, at=NOW, shown=shown(proof(bearer)))


GENUINE: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "as it is": ({}, {}),
    "query and fragment do not count": ({"htu": URL + "?a=1#b"}, {"url": URL + "?c=2"}),
    "host in capitals, and the default port": ({"htu": "HTTPS://MAIL.example:443/messages"}, {}),
    "escapes in other letters": ({"htu": URL + "/%7ea%2f"}, {"url": URL + "/~a%2F"}),
    "as old as it may be": ({"iat": NOW - 120}, {}),
    "with the nonce": ({"nonce": "n-1"}, {"nonce": "n-1"}),
    "another was used before": ({}, {"used": "proof-0"}),
}


@pytest.mark.parametrize(("claims", "request_"), GENUINE.values(), ids=GENUINE)
def test_a_proof_of_possession_is_accepted(claims: dict[str, Any], request_: dict[str, Any]) -> None:
    """Its id comes back, so that the caller can remember it."""
    bound = token(cnf=JKT)
    for flow in ("mail", "dpop"):
        found = verifier(flow).verify(bound, at=NOW, shown=shown(proof(bound, **claims), **request_))
        assert found.proof_id == "proof-1"


def certificate(name: str) -> bytes:
    """Return a client certificate, DER."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    made = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key(name).public_key())
        .serial_number(1).not_valid_before(start).not_valid_after(start.replace(year=2027))
    )
    return made.sign(key(name), hashes.SHA256()).public_bytes(Encoding.DER)


def test_a_token_bound_to_a_certificate_needs_that_certificate() -> None:
    """RFC 8705, 3.1: accepted with it, refused with another, and with a thumbprint that is none."""
    mine, other = certificate("ec-client"), certificate("ec-thief")
    bound = token(cnf={"x5t#S256": certificate_thumbprint(mine)})
    assert verifier().verify(bound, at=NOW, shown=Presentation(certificate=mine)).proof_id is None
    no_text, no_base64 = (token(cnf={"x5t#S256": value}) for value in (7, "\u00e9"))
    for wrong, presented in ((bound, other), (no_text, mine), (no_base64, mine)):
        with pytest.raises(VerifyError, match="V12, x5t#S256"):
            verifier().verify(wrong, at=NOW, shown=Presentation(certificate=presented))


def test_a_token_bound_twice_needs_both() -> None:
    """Key and certificate: one of them is not enough."""
    mine = certificate("ec-client")
    bound = token(cnf={**JKT, "x5t#S256": certificate_thumbprint(mine)})
    both = Presentation(dpop=shown(proof(bound)).dpop, certificate=mine)
    assert verifier().verify(bound, at=NOW, shown=both).proof_id == "proof-1"
    with pytest.raises(VerifyError, match="V12, certificate"):
        verifier().verify(bound, at=NOW, shown=shown(proof(bound)))
    with pytest.raises(VerifyError, match="V12, proof"):
        verifier().verify(bound, at=NOW, shown=Presentation(certificate=mine))
