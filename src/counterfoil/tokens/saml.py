"""SAML 2.0 assertions, verified by the rules for tokens. Needs the extra `saml` (signxml, lxml).

Only keys with a certificate of the policy can verify an assertion. A certificate that the assertion brings selects
among those, and is never trusted itself (V14). Encrypted assertions are refused. What is read is what was signed.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.exceptions import SignXMLException
from signxml.verifier import SignatureConfiguration, XMLVerifier

from counterfoil.errors import UsageError, VerifyError
from counterfoil.tokens import claims, jws, rules
from counterfoil.tokens.encoding import frozen
from counterfoil.tokens.keyset import Key
from counterfoil.tokens.limits import MAX_CANDIDATE_KEYS
from counterfoil.tokens.policy import TokenPolicy
from counterfoil.tokens.replay import Replays, name_of
from counterfoil.tokens.rules import quoted, refused
from counterfoil.tokens.saml_document import SIGNATURE, assertion_in, read_claims
from counterfoil.tokens.verified import VerifiedToken
from counterfoil.tokens.verifier import unix_seconds

# XML Signature methods by the JWA algorithm with the same key, padding and hash. SHA-1 is not among them.
METHODS: Mapping[str, tuple[str, SignatureMethod]] = {
    method.value: (name, method)
    for name, method in (
        ("RS256", SignatureMethod.RSA_SHA256),
        ("RS384", SignatureMethod.RSA_SHA384),
        ("RS512", SignatureMethod.RSA_SHA512),
        ("ES256", SignatureMethod.ECDSA_SHA256),
        ("ES384", SignatureMethod.ECDSA_SHA384),
        ("ES512", SignatureMethod.ECDSA_SHA512),
    )
}
# What signxml raises for signatures that are odd inside (an empty SignatureValue is a TypeError), beside its own.
_SIGNXML_ERRORS = (SignXMLException, ValueError, TypeError, LookupError, AttributeError)
_DIGESTS = frozenset({DigestAlgorithm.SHA256, DigestAlgorithm.SHA384, DigestAlgorithm.SHA512})


class SamlVerifier:
    """Verifies the assertions of one flow of class `saml`. Safe to share between threads."""

    def __init__(self, policy: TokenPolicy, flow: str | None = None) -> None:
        """Take the flow of this name (or the only one); raises UsageError if it is not for SAML."""
        self._flow = policy.flow(flow)
        if self._flow.token_class.name != "saml":
            raise UsageError(f"flow {self._flow.name!r} is not of class saml", hint="use Verifier for JWTs")
        self._policy = policy
        self._keys = [key for key in policy.keys if key.jwk.certificate is not None]

    def verify(self, document: bytes, *, at: float | datetime, replays: Replays | None = None) -> VerifiedToken:
        """Return the claims of the one assertion in `document` (XML: a response, or an assertion).

        `replays`: remembers which assertions were used (SAML 2.0 Profiles, 4.1.4.5: each is good once). Without it that
        is the caller's duty, by issuer and `token_id`, until `expires_at`. Raises VerifyError, and nothing else, for
        whatever is wrong with the document. The digest is that of the signed element in canonical form.
        """
        moment = unix_seconds(at)
        assertion = assertion_in(document)
        algorithm, method = _method(assertion)
        key, octets, signed = self._signed(assertion, algorithm, method)
        try:
            found = self._entitled(key, algorithm, octets, signed, moment)
            self._check_first(found, moment, replays)
            return found
        except VerifyError as error:
            error.key_id, error.signature_verified = key.id, True
            raise

    def _check_first(self, found: VerifiedToken, at: float, replays: Replays | None) -> None:
        name = name_of("saml", found.issuer, str(found.token_id))
        if replays is not None and not replays.first(name, found.expires_at + self._flow.leeway, at):
            raise refused(rules.V12, "replay", "an assertion that was not used before", quoted(found.token_id))

    def _signed(
        self, assertion: etree._Element, algorithm: str, method: SignatureMethod
    ) -> tuple[Key, bytes, etree._Element]:
        """F5, V1, V2: return the key that signed, and what it signed."""
        tried: VerifyError | None = None
        for key in self._candidates(assertion, algorithm):
            jws.check_of(key, algorithm)
            try:
                return key, *_covered(assertion, key, method)
            except (*_SIGNXML_ERRORS, etree.LxmlError) as error:
                tried = refused(rules.SIGNATURE, "signature", "a signature of a known key", "another")
                tried.key_id, tried.__cause__ = key.id, error
        raise tried or refused(rules.V2, "known", "a certificate of the key set", "another, or none")

    def _candidates(self, assertion: etree._Element, algorithm: str) -> Iterator[Key]:
        """Yield the keys that may have signed: the one whose certificate is named, or else all that could, bounded."""
        path = (f"{SIGNATURE}{name}" for name in ("Signature", "KeyInfo", "X509Data", "X509Certificate"))
        named = assertion.find("/".join(path))
        if named is None:
            yield from [key for key in self._keys if algorithm in key.checks][:MAX_CANDIDATE_KEYS]
            return
        try:
            der = base64.b64decode("".join((named.text or "").split()), validate=True)
        except (binascii.Error, ValueError):
            return
        yield from (key for key in self._keys if _certificate(key).public_bytes(Encoding.DER) == der)

    def _entitled(
        self, key: Key, algorithm: str, octets: bytes, signed: etree._Element, at: float
    ) -> VerifiedToken:
        """V2 to V9, as for other tokens."""
        flow = self._flow
        claims.v2_state(key)
        if self._policy.must_hold:
            claims.v2_blocks(self._policy.blocks_until, at)
        said = frozen(read_claims(signed, flow.recipients, at, flow.leeway), "the assertion")
        claims.v10_required(said, flow)
        issued, end = claims.v10_times(said, flow)
        audience = claims.v10_audience(said, flow)
        claims.v3_window(key, issued)
        tenant = claims.v5_tenant(said, flow)
        claims.v4_entitled(key, said["iss"], tenant, audience, flow)
        claims.v6_issuer(said["iss"], tenant, flow)
        claims.v7_audience(audience, flow)
        claims.v9_times(said, issued, end, flow, at)
        return VerifiedToken(
            said, {"alg": algorithm}, key.id, algorithm, "saml", tenant, audience, end, sha256(octets).digest()
        )


def _certificate(key: Key) -> x509.Certificate:
    assert key.jwk.certificate is not None, "only keys with a certificate are asked"  # noqa: S101
    return key.jwk.certificate


def _method(assertion: etree._Element) -> tuple[str, SignatureMethod]:
    """V1, first half: return the algorithm that the signature names."""
    found = assertion.find(f"{SIGNATURE}Signature/{SIGNATURE}SignedInfo/{SIGNATURE}SignatureMethod")
    name = None if found is None else found.get("Algorithm")
    if name is None or name not in METHODS:
        raise refused(rules.V1, "known", "RSA or ECDSA with SHA-256 or longer", quoted(name))
    return METHODS[name]


def _covered(assertion: etree._Element, key: Key, method: SignatureMethod) -> tuple[bytes, etree._Element]:
    """Return what the signature covers, as octets and as an element; A1 if that is not the assertion."""
    certificate = _certificate(key)
    # The window of the certificate is V3's, for the time of issuance; signxml would hold it to the present.
    inside = certificate.not_valid_before_utc
    expected = SignatureConfiguration(
        location="./", expect_references=1, signature_methods=frozenset({method}), digest_algorithms=_DIGESTS,
        verification_time=inside, ignore_ambiguous_key_info=True,
    )
    found: Any = XMLVerifier().verify(assertion, x509_cert=certificate, id_attribute="ID", expect_config=expected)
    signed = found.signed_xml
    if signed is None or signed.tag != assertion.tag or signed.get("ID") != assertion.get("ID"):
        raise refused(rules.WRAPPED, "covers", "a signature over the assertion", "one over something else")
    return found.signed_data, signed
