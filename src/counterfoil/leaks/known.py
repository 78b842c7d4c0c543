"""The public keys that a scan knows: from JWKS, certificates, public keys in PEM or DER, and SSH public keys."""

from __future__ import annotations

import base64
import binascii
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from counterfoil.errors import InputError, UsageError
from counterfoil.jose import base64url
from counterfoil.jose.algorithms import NAMED_CURVES
from counterfoil.jose.jwk import ec_members, okp_members, rsa_members, thumbprint

MAX_KEY_FILE_BYTES = 16 << 20
MAX_KEYS = 1_000
_FETCH_SECONDS = 20
_DKM_BYTES, _DKM_HEX, _DKM_BASE64 = (16, 24, 32), (32, 48, 64), (24, 32, 44)
_LISTED = re.compile(rb"[\s\[\](){}@,;]*(?:(?:0[xX][0-9a-fA-F]{1,2}|[0-9]{1,3})[\s\[\](){}@,;]+){15,31}\S+\s*\Z")
_BYTE = re.compile(rb"0[xX][0-9a-fA-F]{1,2}|[0-9]{1,3}")
_HEX, _BASE64 = re.compile(rb"[0-9a-fA-F]+\Z"), re.compile(rb"[A-Za-z0-9+/]+={0,2}\Z")
_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.{1,100000}?-----END \1-----", re.DOTALL)
_SSH = re.compile(rb"^(?:ssh-(?:rsa|ed25519)|ecdsa-sha2-nistp\d+) [A-Za-z0-9+/=]+", re.MULTILINE)

# What the libraries raise on keys that are damaged or of a kind they do not know.
_UNFIT = (ValueError, TypeError, UnsupportedAlgorithm, KeyError, binascii.Error)


@dataclass(frozen=True)
class PublicKey:
    """A public key. `kind` is RSA (with `n`, `e`), EC (`curve` as SEC 2 names it, `x`, `y`) or Ed25519 (`raw`)."""

    kind: str
    n: int = 0
    e: int = 0
    curve: str = ""
    x: int = 0
    y: int = 0
    raw: bytes = b""

    @property
    def jwk(self) -> dict[str, str]:
        """Return the members of its JWK."""
        if self.kind == "RSA":
            return rsa_members(self.n, self.e)
        return ec_members(self.curve, self.x, self.y) if self.kind == "EC" else okp_members("Ed25519", self.raw)

    @property
    def thumbprint(self) -> str:
        """Return the JWK thumbprint (RFC 7638, SHA-256, base64url)."""
        return thumbprint(self.jwk)


@dataclass(frozen=True)
class KnownKey:
    """A public key that is looked for, and the key id it is known by (its thumbprint, if it has none)."""

    kid: str
    public: PublicKey


@dataclass(frozen=True)
class KnownMac:
    """A token with an HMAC: whose secret it is that gives `value` over `signed`. Never shown but by its SHA-256."""

    algorithm: str
    kid: str
    digest: str
    signed: bytes = field(repr=False)
    value: bytes = field(repr=False)
    name: str = ""  # of the hash


@dataclass(frozen=True)
class KnownKeys:
    """What a scan knows: public keys, each once; tokens whose secrets are sought; keys that open what AD FS seals."""

    keys: tuple[KnownKey, ...] = ()
    macs: tuple[KnownMac, ...] = ()
    dkm: tuple[bytes, ...] = field(default=(), repr=False)

    def find(self, public: PublicKey) -> KnownKey | None:
        """Return the known key with this public part."""
        return next((key for key in self.keys if key.public == public), None)


def known(jwks: Iterable[str], files: Iterable[Path]) -> KnownKeys:
    """Read all keys; raises InputError for a source that cannot be read or holds none, UsageError for too many."""
    found: dict[PublicKey, str] = {}
    for where in jwks:
        for key in from_jwks(_fetched(where), where):
            found.setdefault(key.public, key.kid)
    for path in files:
        for key in from_file(read(path), str(path)):
            found.setdefault(key.public, key.kid)
    if len(found) > MAX_KEYS:
        raise UsageError(f"{len(found):,} keys are too many for one scan: at most {MAX_KEYS:,}")
    return KnownKeys(tuple(KnownKey(kid, public) for public, kid in found.items()))


def dkm_keys(files: Iterable[Path]) -> tuple[bytes, ...]:
    """Return the DKM keys in files: bytes as the directory holds them, or hex, base64 or a list of them."""
    found: list[bytes] = []
    for path in files:
        data = read(path)
        text = re.sub(rb"[\s:-]", b"", data.removeprefix(b"\xef\xbb\xbf"))
        if len(text) in _DKM_HEX and _HEX.match(text):
            data = bytes.fromhex(text.decode())
        elif len(text) in _DKM_BASE64 and _BASE64.match(text):
            data = base64.b64decode(text)
        elif len(data) not in _DKM_BYTES and _LISTED.match(data):
            data = bytes(int(one, 16) % 256 if b"x" in one.lower() else int(one) % 256 for one in _BYTE.findall(data))
        if len(data) not in _DKM_BYTES:
            raise InputError(
                f"{path} is no DKM key: {len(data):,} bytes",
                hint="16, 24 or 32 bytes of thumbnailPhoto, or hex, base64 or a list of them",
            )
        found.append(data)
    return tuple(found)


def from_jwks(data: bytes, where: str) -> list[KnownKey]:
    """Return the keys of a JWKS, or of one JWK; keys of kinds that are not looked for are left out."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where} is no JWKS: not JSON", hint="--key takes PEM, DER and SSH keys") from error
    members = document.get("keys", [document]) if isinstance(document, dict) else []
    keys = [key for jwk in members if isinstance(jwk, dict) and (key := _from_jwk(jwk)) is not None]
    if not keys:
        raise InputError(f"{where} holds no RSA, EC or Ed25519 key", hint='a JWKS looks like {"keys": [{"kty": ...}]}')
    return keys


def from_file(data: bytes, where: str) -> list[KnownKey]:
    """Return the keys of a file: PEM blocks, SSH lines, one DER key or certificate, or a JWKS."""
    if data.lstrip()[:1] == b"{":
        return from_jwks(data, where)
    keys = list(_written(data))
    if not keys:
        for load in (_from_certificate_der, serialization.load_der_public_key):
            keys += _loaded(load, data)
    if not keys:
        raise InputError(f"{where} holds no public key", hint="PEM, DER or SSH public keys, certificates, or a JWKS")
    return keys


def from_public(key: object) -> PublicKey | None:
    """Return the public key of the library's object, None for a kind that is not looked for."""
    if isinstance(key, rsa.RSAPublicKey):
        numbers = key.public_numbers()
        return PublicKey("RSA", n=numbers.n, e=numbers.e)
    if isinstance(key, ec.EllipticCurvePublicKey):
        point = key.public_numbers()
        return PublicKey("EC", curve=key.curve.name, x=point.x, y=point.y)
    if isinstance(key, ed25519.Ed25519PublicKey):
        return PublicKey("Ed25519", raw=key.public_bytes_raw())
    return None


def _from_jwk(jwk: Mapping[str, Any]) -> KnownKey | None:
    try:
        public = _jwk_numbers(jwk)
    except _UNFIT:
        return None
    kid = jwk.get("kid")
    if public is None:
        return None
    return KnownKey(kid if isinstance(kid, str) and kid else public.thumbprint, public)


def _jwk_numbers(jwk: Mapping[str, Any]) -> PublicKey | None:
    kty = jwk.get("kty")
    if kty == "RSA":
        return PublicKey("RSA", n=_value(jwk["n"]), e=_value(jwk["e"]))
    if kty == "EC":
        return PublicKey("EC", curve=NAMED_CURVES[jwk["crv"]].name, x=_value(jwk["x"]), y=_value(jwk["y"]))
    if kty == "OKP" and jwk.get("crv") == "Ed25519":
        return PublicKey("Ed25519", raw=base64url.decode_leniently(jwk["x"]))
    return None


def _written(data: bytes) -> Iterator[KnownKey]:
    for match in _PEM.finditer(data):
        load: Callable[[bytes], object] = serialization.load_pem_public_key
        if b"CERTIFICATE" in match[1]:
            load = _from_certificate_pem
        yield from _loaded(load, match[0])
    for match in _SSH.finditer(data):
        yield from _loaded(serialization.load_ssh_public_key, match[0])


def _loaded(load: Callable[[bytes], object], data: bytes) -> list[KnownKey]:
    try:
        public = from_public(load(data))
    except _UNFIT:
        return []
    return [] if public is None else [KnownKey(public.thumbprint, public)]


def _from_certificate_pem(data: bytes) -> object:
    return x509.load_pem_x509_certificate(data).public_key()


def _from_certificate_der(data: bytes) -> object:
    return x509.load_der_x509_certificate(data).public_key()


def read(path: Path) -> bytes:
    """Return a file of keys or tokens; raises InputError."""
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_KEY_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error
    if len(data) > MAX_KEY_FILE_BYTES:
        raise InputError(f"{path} is too large for a file of keys: over {MAX_KEY_FILE_BYTES >> 20} MiB")
    return data


def _fetched(where: str) -> bytes:
    """Return a JWKS from a file, from its address, or from its issuer's metadata (OpenID Connect Discovery 1.0, 4)."""
    if "://" not in where:
        return read(Path(where))
    data = _get(where)
    document = _object(data)
    if "keys" in document:
        return data
    if "jwks_uri" not in document:
        document = _object(_get(where.rstrip("/") + "/.well-known/openid-configuration"))
    address = document.get("jwks_uri")
    if not isinstance(address, str):
        raise InputError(f"{where} is neither a JWKS nor an issuer: its metadata names no jwks_uri")
    return _get(address)


def _object(data: bytes) -> dict[str, Any]:
    """Return the JSON object, an empty one for whatever is none."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _check_address(address: str) -> None:
    """Raise UsageError for an address that is not of https; on loopback http will do."""
    parts = urllib.parse.urlsplit(address)
    local = parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1", "::1")
    if parts.scheme != "https" and not local:
        raise UsageError(f"{address}: keys are fetched by https only")


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to addresses that would do in the first place."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):  # type: ignore[no-untyped-def]  # as declared there
        _check_address(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _get(address: str) -> bytes:
    _check_address(address)
    try:
        opener = urllib.request.build_opener(_Redirects)
        with opener.open(address, timeout=_FETCH_SECONDS) as answer:
            data: bytes = answer.read(MAX_KEY_FILE_BYTES + 1)
    except urllib.error.HTTPError as error:
        if error.code == 404 and not address.endswith("/openid-configuration"):
            return b"null"  # an issuer answers at its metadata only
        raise InputError(f"cannot fetch {address}: {error.code} {error.reason}") from error
    except (OSError, ValueError) as error:
        raise InputError(f"cannot fetch {address}: {error}") from error
    if len(data) > MAX_KEY_FILE_BYTES:
        raise InputError(f"{address} gives more than {MAX_KEY_FILE_BYTES >> 20} MiB: no JWKS")
    return data


def _value(text: str) -> int:
    return int.from_bytes(base64url.decode_leniently(text))
