"""V15: the counter-signature, by which a token made with a stolen signing key alone is refused at the door.

The header member `cfs` holds a JWS with detached content (RFC 7515, Appendix F): its header, two dots, its signature.
The content is the JSON that `statement` gives, so that it holds for these claims under this key, algorithm and type
only. The key is another than the signing key, in another custody. No token lists the member in `crit`, so that
verifiers who do not know it go on working.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature

from counterfoil.errors import VerifyError
from counterfoil.jose import base64url
from counterfoil.jose.algorithms import digest_of
from counterfoil.tokens import claims as entitled
from counterfoil.tokens import rules
from counterfoil.tokens.encoding import from_base64url, json_object
from counterfoil.tokens.flow import Flow
from counterfoil.tokens.keyset import Key, KeySet
from counterfoil.tokens.rules import quoted, refused

MEMBER, TYP = "cfs", "counterfoil+jws"
# Header and signature of the largest RSA key, in base64url.
MAX_COUNTERSIGNATURE = 2_048
_encode = msgspec.json.Encoder().encode
_MEMBERS = frozenset({"alg", "kid", "typ"})


def statement(payload: bytes, kid: str, alg: str, typ: str) -> bytes:
    """Return what is counter-signed, for the octets of the claims as JSON and three members of the token's header.

    >>> statement(b"{}", "k", "ES256", "at+jwt")[:27]
    b'{"alg":"ES256","kid":"k","s'
    """
    return _encode({"alg": alg, "kid": kid, "sha256": sha256(payload).hexdigest(), "typ": typ})


def signing_input(content: bytes, kid: str, alg: str) -> bytes:
    """Return the JWS signing input of a counter-signature by that key."""
    header = _encode({"alg": alg, "kid": kid, "typ": TYP})
    return f"{base64url.encode(header)}.{base64url.encode(content)}".encode()


def assembled(signed: bytes, signature: bytes) -> str:
    """Return the value of `cfs`, of a signing input and its signature."""
    return f"{signed.partition(b'.')[0].decode()}..{base64url.encode(signature)}"


def key_id_of(value: str) -> str:
    """Return the id of the key that a value names, unverified; nothing if it names none."""
    try:
        kid = _parts(value)[0].get("kid")
    except VerifyError:
        return ""
    return kid if isinstance(kid, str) else ""


def v15_counterfoil(
    header: Mapping[str, Any], payload: bytes, said: Mapping[str, Any], issued: float, tenant: str | None,
    audience: tuple[str, ...], flow: Flow, signer: Key, keys: KeySet,
) -> None:
    """V15: the token's claims are counter-signed by a key that may do so for this issuer, tenant, audience and time."""
    value = header.get(MEMBER)
    if type(value) is not str:
        raise refused(rules.V15, "missing", f"a counter-signature ({MEMBER}) in the header", "none")
    own, encoded, signature = _parts(value)
    if own.keys() != _MEMBERS or own["typ"] != TYP:
        raise refused(rules.V15, "form", f"a header of alg, kid and typ {TYP}", "another")
    key = keys.of(own["kid"], said["iss"], tenant) if type(own["kid"]) is str else None
    if key is None or key.id == signer.id:
        raise refused(rules.V15, "key", "a key that counter-signs", quoted(own["kid"]))
    check = key.checks.get(own["alg"]) if type(own["alg"]) is str else None
    if check is None:
        raise refused(rules.V15, "algorithm", f"{rules.listed(key.checks)} with this key", quoted(own["alg"]))
    typ = header.get("typ")
    content = statement(payload, signer.id, header["alg"], typ if type(typ) is str else "")
    signed = encoded + b"." + base64url.encode(content).encode()
    try:
        check(signature, signed, digest_of(signed))
    except (InvalidSignature, ValueError) as error:
        raise refused(rules.V15, "signature", "a counter-signature of these claims and header", "another") from error
    try:
        entitled.v2_state(key)
        entitled.v3_window(key, issued)
        entitled.v4_entitled(key, said["iss"], tenant, audience, flow)
    except VerifyError as error:
        raise refused(rules.V15, f"entitled, {error.check}", error.expected, error.got) from error


def _parts(value: str) -> tuple[Mapping[str, Any], bytes, bytes]:
    """Return header, encoded header and signature; raises VerifyError."""
    octets = value.encode("ascii") if value.isascii() else b""
    parts = octets.split(b"..", 2)
    if len(parts) != 2 or len(octets) > MAX_COUNTERSIGNATURE or b"." in parts[0] + parts[1]:
        raise refused(rules.V15, "form", "a JWS with detached content", "another text")
    try:
        own = json_object(from_base64url(parts[0], "its header"), "its header")
        signature = from_base64url(parts[1], "its signature")
    except VerifyError as error:
        raise refused(rules.V15, "form", error.expected, error.got) from error
    return own, parts[0], signature
