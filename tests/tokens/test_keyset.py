"""Key sets: which keys are taken, which are left out and why, which documents are refused, and whose word counts."""

from __future__ import annotations

import base64
import datetime
import json
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from counterfoil.errors import PolicyError
from counterfoil.jose.jwk import has_roca_form
from counterfoil.tokens import limits
from counterfoil.tokens.entitlement import Entitlement, IssuerPattern, KeyState, strictest
from counterfoil.tokens.keyset import Grant, KeySet, from_document

from .making import ISSUER, LOGIN, NOW, TENANT, b64, jwk, key, unb64

ISSUERS = ((IssuerPattern.of(LOGIN),),)
ALGORITHMS = frozenset({"RS256", "ES256", "EdDSA"})
GRANT = Grant(Entitlement(issuers=ISSUERS, algorithms=ALGORITHMS))


def key_set(*keys: Any, grant: Grant = GRANT) -> KeySet:
    """Return the key set of a JWKS."""
    return from_document(json.dumps({"keys": keys}).encode(), grant, "keys.json")


def certificate(name: str, year: int = 2026) -> x509.Certificate:
    """Return the certificate of a key for a year."""
    return _certificate(name, year)


@cache
def _certificate(name: str, year: int) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = datetime.datetime(year, 1, 1, tzinfo=datetime.UTC)
    private = key(name)
    assert isinstance(private, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(private.public_key())
    dated = builder.serial_number(1).not_valid_before(start).not_valid_after(start.replace(year=year + 1))
    return dated.sign(private, hashes.SHA256())


def x5c(name: str, year: int = 2026) -> list[str]:
    """Return the certificate as `x5c` has it."""
    return [base64.b64encode(certificate(name, year).public_bytes(Encoding.DER)).decode()]


def _odd(value: int, octets: int) -> str:
    return b64(value.to_bytes(octets, "big"))


UNFIT: dict[str, tuple[dict[str, Any], str]] = {
    "for encryption": (jwk("rsa", use="enc"), "use"),
    "for other operations": (jwk("rsa", key_ops=["encrypt"]), "key_ops"),
    "operations that are no list": (jwk("rsa", key_ops="verify"), "key_ops"),
    "an unknown type": ({"kid": "x", "kty": "AKP"}, "key type"),
    "no type": ({"kid": "x"}, "kty"),
    "an unknown algorithm": (jwk("rsa", alg="RS1"), "not implemented"),
    "an algorithm of another type": (jwk("rsa", alg="ES256"), "does not suit"),
    "an algorithm of another curve": (jwk("ec", alg="ES384"), "does not suit"),
    "an algorithm that is not the policy's": (jwk("rsa", alg="PS256"), "no algorithm"),
    "a key id that is a number": (jwk("rsa", kid=7), "kid"),
    "a key id longer than any": (jwk("rsa", kid="k" * 257), "kid"),
    "no key id": ({name: value for name, value in jwk("rsa").items() if name != "kid"}, "no kid"),
    "1024 bits": (jwk("rsa", n=b64(bytes([0xC0] + [0] * 126 + [1]))), "1024 bits"),
    "16384 bits": (jwk("rsa", n=b64(bytes([0xC0] + [0] * 2046 + [1]))), "16384 bits"),
    "an even modulus": (jwk("rsa", n=_odd(1 << 2047, 256)), "modulus or public exponent"),
    "exponent 1": (jwk("rsa", e="AQ"), "exponent"),
    "an even exponent": (jwk("rsa", e="AQAA"), "exponent"),
    "an exponent beyond any": (jwk("rsa", e=b64(b"\1\0\0\0\1")), "exponent"),
    "a modulus with a leading zero": (jwk("rsa", n=b64(b"\0" + b"\xc0" * 256)), "zero octet"),
    "a modulus in padded base64": (jwk("rsa", n="AQAB=="), "not base64url"),
    "a modulus beyond ASCII": (jwk("rsa", n="\u00e9"), "not base64url"),
    "an unknown curve": (jwk("ec", crv="secp256k1"), "curve"),
    "a coordinate that is short": (jwk("ec", x=b64(b"\1" * 31)), "32 octets"),
    "a point off its curve": (jwk("ec", y=b64(b"\1" * 32)), "no valid key"),
    "an unknown Edwards curve": (jwk("ed", crv="X25519"), "curve"),
    "an Edwards point that is short": (jwk("ed", x=b64(b"\1" * 31)), "no valid key"),
    "the certificate of another key": (jwk("rsa", x5c=x5c("ec")), "another key"),
    "certificates that are none": (jwk("rsa", x5c=["AAAA"]), "no certificate"),
    "an empty list of certificates": (jwk("rsa", x5c=[]), "no list"),
    "an issuer that is empty": (jwk("rsa", issuer=""), "issuer"),
    "an issuer for all": (jwk("rsa", issuer="*"), "issuer"),
    "an end that is a text": (jwk("rsa", exp="tomorrow"), "exp"),
    "a private key": (jwk("rsa", d="AAAA"), "treat it as stolen"),
    "a symmetric key": ({"kid": "s", "kty": "oct", "k": "AAAA"}, "private or symmetric"),
}


@pytest.mark.parametrize(("made", "why"), UNFIT.values(), ids=UNFIT)
def test_an_unfit_key_is_left_out_with_its_reason(made: dict[str, Any], why: str) -> None:
    """The other keys of the document serve."""
    found = key_set(jwk("ec-good"), made)
    assert list(found.keys) == ["ec-good"]
    [reason] = found.unusable.values()
    assert why in reason


REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "more keys than any": (lambda: _document(*[{}] * 257), "at most 256"),
    "keys that are no list": (lambda: b'{"keys": {}}', "list named keys"),
    "two lists of keys": (lambda: b'{"keys": [], "keys": []}', "each name once"),
    "no JSON": (lambda: b"<html>", "JSON object"),
    "no document": (lambda: b"", "JSON object"),
    "larger than any": (lambda: b" " * (limits.MAX_JWKS_BYTES + 1), "larger"),
    "certificates that are none": (lambda: b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "PEM"),
}


def _document(*keys: Any) -> bytes:
    return json.dumps({"keys": keys}).encode()


@pytest.mark.parametrize(("made", "why"), REFUSED.values(), ids=REFUSED)
def test_a_document_is_refused_as_a_whole(made: Callable[[], bytes], why: str) -> None:
    """The error says where and what; nothing of the keys is in it."""
    with pytest.raises(PolicyError, match=why) as caught:
        from_document(made(), GRANT, "keys.json")
    assert str(caught.value).startswith("keys.json: ")


def test_a_key_that_nobody_entitles_is_not_used() -> None:
    """No issuer from policy or key; no algorithm for an RSA key; nothing left in common."""
    nobody = Grant(Entitlement())
    found = key_set(jwk("rsa"), jwk("ec"), jwk("ed", issuer=LOGIN), grant=nobody)
    assert list(found.keys) == ["ed"]
    assert all("issuer" in why for why in found.unusable.values())
    found = key_set(jwk("rsa"), jwk("rsa-told", alg="PS512"), jwk("ec"), grant=Grant(Entitlement(issuers=ISSUERS)))
    algorithms = {name: sorted(known.checks) for name, known in found.keys.items()}
    assert algorithms == {"rsa-told": ["PS512"], "ec": ["ES256"]}
    assert "algorithm" in found.unusable["rsa"]
    for name in ("tenants", "audiences", "classes"):
        to_key = {"ec": Entitlement(**{name: frozenset({"b"})})}  # type: ignore[arg-type]  # one of three names
        found = key_set(jwk("ec"), grant=Grant(Entitlement(issuers=ISSUERS, **{name: frozenset({"a"})}), to_key))  # type: ignore[arg-type]
        assert found.unusable == {"ec": f"policy and key have no {name} in common"}


def test_the_stricter_of_policy_and_key_wins() -> None:
    """Windows, states, algorithms and issuers, each said differently by policy, JWK and certificate."""
    told = jwk("rsa", alg="RS256", issuer=LOGIN, iat=NOW - 900, nbf=NOW - 800, exp=NOW + 900, x5c=x5c("rsa"))
    policy = Entitlement(sign_from=NOW - 850, sign_until=NOW + 800, state=KeyState.PREVIOUS)
    [found] = key_set(told, grant=Grant(GRANT.to_all, {"rsa": policy})).keys.values()
    allowed = found.entitlement
    assert (allowed.sign_from, allowed.sign_until, allowed.state) == (NOW - 800, NOW + 800, KeyState.PREVIOUS)
    assert list(found.checks) == ["RS256"]
    assert len(allowed.issuers) == 2
    [revoked] = key_set(jwk("rsa", revoked={"revoked_at": 1}), grant=Grant(GRANT.to_all, {"rsa": policy})).keys.values()
    assert (revoked.entitlement.state, revoked.entitlement.why) == (KeyState.BLOCKED, "revoked")


def test_the_window_of_a_certificate_is_the_keys() -> None:
    """A key whose certificate ended in 2021 signs for 2020 only, though nothing else says so."""
    [found] = key_set(jwk("rsa", x5c=x5c("rsa", 2020))).keys.values()
    start, end = (datetime.datetime(year, 1, 1, tzinfo=datetime.UTC).timestamp() for year in (2020, 2021))
    assert (found.entitlement.sign_from, found.entitlement.sign_until) == (start, end)


def test_microsofts_documents_are_read_as_they_are() -> None:
    """`issuer` members with and without `{tenantid}`, certificates, `use`, no `alg`, and unknown members."""
    common = [
        jwk("rsa", use="sig", x5t="abc", x5c=x5c("rsa"), issuer="https://login.microsoftonline.com/{tenantid}/v2.0",
            cloud_instance_name="microsoftonline.com"),
        jwk("rsa-consumer", use="sig", x5c=x5c("rsa-consumer"),
            issuer="https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0"),
    ]
    found = key_set(*common, grant=Grant(Entitlement(algorithms=frozenset({"RS256"}))))
    issuers = [known.entitlement.issuers[0] for known in found.keys.values()]
    assert [[pattern.is_template for pattern in patterns] for patterns in issuers] == [[True], [False]]
    assert found.unusable == {}


def test_certificates_are_keys_too() -> None:
    """PEM: the key id is the certificate's SHA-256; RSA and EC, each with its algorithms."""
    pem = b"".join(certificate(name).public_bytes(Encoding.PEM) for name in ("rsa", "ec"))
    found = from_document(pem, GRANT, "idp.pem")
    assert list(found.keys) == [b64(certificate(name).fingerprint(hashes.SHA256())) for name in ("rsa", "ec")]
    assert [sorted(known.checks) for known in found.keys.values()] == [["RS256"], ["ES256"]]
    assert [known.jwk.thumbprint for known in found.keys.values()] == [
        known.jwk.thumbprint for known in key_set(jwk("rsa"), jwk("ec")).keys.values()
    ]


def test_certificates_of_unfit_keys_are_left_out() -> None:
    """A short RSA key, and one of a type that signs no assertion; the other certificates serve."""
    private: tuple[Any, ...] = (rsa.generate_private_key(65537, 1024), ed25519.Ed25519PrivateKey.generate())  # noqa: S505  # the fault
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "unfit")])
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    made = [certificate("ec")]
    for one in private:
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(one.public_key())
        dated = builder.serial_number(1).not_valid_before(start).not_valid_after(start.replace(year=2027))
        made.append(dated.sign(one, None if isinstance(one, ed25519.Ed25519PrivateKey) else hashes.SHA256()))
    found = from_document(b"".join(one.public_bytes(Encoding.PEM) for one in made), GRANT, "idp.pem")
    assert len(found.keys) == 1
    assert ["1024 bits" in why or "P-521" in why for why in found.unusable.values()] == [True, True]


def test_a_certificate_whose_key_cannot_be_read_is_left_out() -> None:
    """It once ended in an exception of the library's, which stopped every issuer: a point that is on no curve."""
    der = bytearray(certificate("ec").public_bytes(Encoding.DER))
    point = certificate("ec").public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    place = bytes(der).index(point)
    der[place + 1 : place + 33] = bytes(32)
    broken = b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(bytes(der)) + b"-----END CERTIFICATE-----\n"
    found = from_document(broken + certificate("rsa").public_bytes(Encoding.PEM), GRANT, "idp.pem")
    assert (len(list(found)), list(found.unusable.values())) == (1, ["the certificate's key cannot be read"])


@pytest.mark.parametrize("pair", [
    (jwk("rsa"), jwk("ec", kid="rsa")), (jwk("rsa"), jwk("ec", kid="rsa", use="enc")),
    (jwk("ec", kid="rsa", use="enc"), jwk("rsa")), (jwk("rsa"), jwk("rsa")),
])
def test_two_keys_of_one_id_are_both_left_out(pair: tuple[Any, Any]) -> None:
    """Whichever comes first, and whether or not the other could be used: nobody can tell which one is meant."""
    found = key_set(*pair, jwk("ed"))
    assert list(found.keys) == ["ed"]
    assert "same id" in found.unusable["rsa"]


def test_what_is_no_object_is_left_out_and_a_set_may_be_empty() -> None:
    """An issuer that withdraws its last key has said so."""
    assert list(from_document(b'{"keys": [1, null, []]}', GRANT, "keys").unusable) == ["#1", "#2", "#3"]
    assert not list(from_document(b'{"keys": []}', GRANT, "keys"))


OTHER_GRANT = Grant(Entitlement(issuers=((IssuerPattern.of("https://other.example"),),)))


def test_keys_of_one_id_in_two_sets_are_told_apart_by_their_issuer() -> None:
    """Neither issuer can take the id from the other, whatever the order; for a third the first is taken."""
    one, other = key_set(jwk("rsa", alg="RS256")), key_set(jwk("ec", kid="rsa"), grant=OTHER_GRANT)
    for sets in ([one, other], [other, one]):
        held = KeySet.joined(sets)
        for issuer, tenant, kty in ((ISSUER, TENANT, "RSA"), ("https://other.example", None, "EC")):
            found = held.of("rsa", issuer, tenant)
            assert found is not None
            assert found.jwk.kty == kty
        assert held.of("rsa", {}, []) is held.keys["rsa"]
        assert [key.jwk.kty for key in held] == [next(iter(one_set)).jwk.kty for one_set in sets]
    assert KeySet.joined([one, key_set(jwk("ec", kid="rsa", use="enc"))]).of("rsa", ISSUER, TENANT)


def test_moduli_of_the_roca_form_are_found() -> None:
    """A power of 65537 modulo all small primes is found; a genuine modulus is not."""
    assert has_roca_form(pow(65537, 1234))
    assert not has_roca_form(int.from_bytes(unb64(jwk("rsa")["n"]), "big"))


def test_every_combination_of_states_ends_in_the_graver() -> None:
    """A block by anybody is a block; no source can undo it."""
    order = list(KeyState)
    for one in order:
        for other in order:
            merged = strictest([Entitlement(state=one), Entitlement(state=other)])
            assert merged.state is max(one, other, key=order.index)
