"""A JWS in compact form (RFC 7515): taken apart, its header judged, its signature verified under a known key.

What comes out is what was signed, and by which key. Whether that key may have signed it is `claims`' question: nothing
outside this package should stop here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature

from counterfoil.errors import VerifyError
from counterfoil.jose.algorithms import ALGORITHMS, Check, digest_of
from counterfoil.jose.base64url import TO_BASE64
from counterfoil.jose.jwk import MAX_KEY_ID
from counterfoil.tokens import rules
from counterfoil.tokens.encoding import from_translated, frozen, json_object
from counterfoil.tokens.keyset import Key, KeySet
from counterfoil.tokens.limits import MAX_HEADER_BYTES, MAX_TOKEN_BYTES
from counterfoil.tokens.rules import quoted, refused

# V14: header parameters that bring a key or say where one is (RFC 7515, 4.1.2, 4.1.3, 4.1.5, 4.1.6).
KEY_PARAMETERS = ("jwk", "jku", "x5u", "x5c")
# F4: parameters that must be understood; `b64` changes what is signed (RFC 7797) even where `crit` forgets it.
CRITICAL_PARAMETERS = ("crit", "b64")


_TEXTS = (str, bytes)  # made once: `str | bytes` makes a new type for every token


class Compact(msgspec.Struct, frozen=True, gc=False):
    """The parts of a compact JWS, in base64 (no longer base64url), and the octets that were signed."""

    signing_input: bytes
    header: bytes
    payload: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class KnownHeader:
    """A header with the key that it names, and how a signature of that key is checked.

    `passed`: issuer, tenant and audiences of signed claims under it that a verifier's flow allowed.
    """

    header: Mapping[str, Any]
    key: Key
    algorithm: str
    check: Check
    passed: set[tuple[str, str | None, tuple[str, ...]]] = field(default_factory=set)


def compact(token: str | bytes, most: int = MAX_TOKEN_BYTES) -> Compact:
    """Return the parts of a token; raises VerifyError F1 if it is longer than `most`, F2 if it is not compact."""
    if not isinstance(token, _TEXTS):  # what a framework gives for a header that is not there
        raise refused(rules.MALFORMED, "compact", "a text", quoted(token))
    if len(token) > most:
        raise refused(rules.TOO_LARGE, "token", f"at most {most} bytes", str(len(token)))
    if not token.isascii():  # asked before: the exception of an encoder would hold the token
        raise refused(rules.MALFORMED, "compact", "ASCII text", "other characters")
    octets = token.encode("ascii") if isinstance(token, str) else token
    parts = octets.translate(TO_BASE64).split(b".", 5)
    if len(parts) != 3:
        kind = " (an encrypted token, which is not supported)" if len(parts) == 5 else ""
        count = "one part" if len(parts) == 1 else f"{len(parts)} parts"
        raise refused(rules.MALFORMED, "compact", "three parts with dots between", f"{count}{kind}")
    header, payload, signature = parts
    return Compact(octets[: len(header) + 1 + len(payload)], header, payload, signature)


def read_header(encoded: bytes) -> Mapping[str, Any]:
    """Return a header that is fit to be looked at: F1, F2, F3, F4. V14 is `refuse_keys`'s."""
    if len(encoded) > MAX_HEADER_BYTES * 4 // 3:
        raise refused(rules.TOO_LARGE, "header", f"at most {MAX_HEADER_BYTES} bytes", "more")
    header = frozen(json_object(from_translated(encoded, "the header"), "the header"), "the header")
    for name in CRITICAL_PARAMETERS:
        if name in header:
            raise refused(rules.CRITICAL, name, "no extension that must be understood", quoted(header[name]))
    return header


def refuse_keys(header: Mapping[str, Any], allowed: str = "") -> None:
    """V14: refuse a header that brings its own key; `allowed` names the one parameter that a DPoP proof may have."""
    for name in KEY_PARAMETERS:
        if name in header and name != allowed:
            raise refused(rules.V14, name, f"no {name} in the header", quoted(header[name]))


def algorithm_of(header: Mapping[str, Any]) -> str:
    """V1, first half: return the header's algorithm if it is one that public keys verify."""
    name = header.get("alg")
    if type(name) is not str or name not in ALGORITHMS:
        raise refused(rules.V1, "known", "an asymmetric signature algorithm", quoted(name))
    return name


def key_of(header: Mapping[str, Any], keys: KeySet, payload: bytes) -> Key:
    """V2, first half: return the key that the header names. Of several of one id, that of the claims' issuer (V4)."""
    kid = header.get("kid")
    if type(kid) is not str or not 0 < len(kid) <= MAX_KEY_ID:
        raise refused(rules.V2, "kid", "the id of a key (kid) in the header", quoted(kid))
    if kid in keys.namesakes:
        claims = json_object(from_translated(payload, "the claims"), "the claims")
        return keys.of(kid, claims.get("iss"), claims.get("tid")) or keys.keys[kid]
    key = keys.keys.get(kid)
    if key is None:
        unusable = f", which cannot be used: {keys.unusable[kid]}" if kid in keys.unusable else ""
        raise about(refused(rules.V2, "known", "a key of the key set", f"{quoted(kid)}{unusable}"), kid)
    return key


def check_of(key: Key, algorithm: str) -> Check:
    """V1, second half: return how this key verifies by this algorithm, if it may."""
    found = key.checks.get(algorithm)
    if found is None:
        raise about(refused(rules.V1, "bound", f"{rules.listed(key.checks)} with this key", quoted(algorithm)), key.id)
    return found


def signed(parts: Compact, check: Check, key_id: str) -> bytes:
    """F5: verify the signature and return the digest of what was signed."""
    digest = digest_of(parts.signing_input)
    signature = from_translated(parts.signature, "the signature")
    try:
        check(signature, parts.signing_input, digest)
    except (InvalidSignature, ValueError) as error:
        wrong = refused(rules.SIGNATURE, "signature", "a signature of this key over these octets", "another")
        raise about(wrong, key_id) from error
    return digest


def known_header(parts: Compact, keys: KeySet) -> KnownHeader:
    """F1 to F4, V14, V1, V2: return what the header says, of a key that may be used with its algorithm."""
    header = read_header(parts.header)
    refuse_keys(header)
    algorithm = algorithm_of(header)
    key = key_of(header, keys, parts.payload)
    return KnownHeader(header, key, algorithm, check_of(key, algorithm))


def about(error: VerifyError, key_id: str) -> VerifyError:
    """Return the error with the key that was asked for."""
    error.key_id = key_id
    return error
