"""Decoy keys: published like a signing key, entitled to nothing, and left where a thief would look.

Nothing is ever signed under a decoy. A token under its key id was signed by whoever took it from the place where it
was left, so every decoy is left in one place, and the ledger says which.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from counterfoil.errors import InputError, UsageError
from counterfoil.jose.base64url import encode_number
from counterfoil.leaks.known import PublicKey, from_public, read
from counterfoil.model.leak_evidence import DECOYS_SCHEMA

KINDS = ("RS256", "ES256")
_RSA_BITS = 2048
_PRIVATE, _PUBLIC = 0o600, 0o644


@dataclass(frozen=True)
class Decoy:
    """A key and the id under which it is published. The key is never shown."""

    kid: str
    algorithm: str
    public: PublicKey
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey = field(repr=False)

    @property
    def jwk(self) -> dict[str, str]:
        """Return the public key as a JWK (RFC 7517), to publish in the JWKS."""
        return {"kid": self.kid, "use": "sig", "alg": self.algorithm, **self.public.jwk}

    @property
    def policy(self) -> str:
        """Return what a token policy says of it, under the `[[keys]]` of the JWKS: tokens under it are refused."""
        return f'[[keys.key]]\nkid = {json.dumps(self.kid)}\nstate = "blocked"\n'


def make(algorithm: str, kid: str = "") -> Decoy:
    """Return a new decoy for RS256 or ES256; without a `kid`, its thumbprint (RFC 7638) is its id."""
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    if algorithm == "RS256":
        key = rsa.generate_private_key(65537, _RSA_BITS)
    else:
        key = ec.generate_private_key(ec.SECP256R1())
    public = from_public(key.public_key())
    if public is None:
        raise AssertionError("keys of these kinds are known")
    return Decoy(kid or public.thumbprint, algorithm, public, key)


def leave(decoy: Decoy, place: str, files: Sequence[tuple[str, Path]], ledger: Path) -> None:
    """Write the private key into new files of mode 0600, each in a form of FORMS, and a line each into the ledger.

    Raises UsageError if a file exists or cannot be written: then nothing is left.
    """
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    made: list[Path] = []
    entries: list[dict[str, str]] = []
    try:
        for form, path in files:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _PRIVATE)
            made.append(path)
            with os.fdopen(handle, "wb") as file:
                file.write(FORMS[form](decoy))
            entries.append({
                "schema": DECOYS_SCHEMA, "time": now, "kid": decoy.kid, "thumbprint": decoy.public.thumbprint,
                "key_type": decoy.public.kind, "place": place or str(path.absolute()), "form": form,
                "file": str(path.absolute()),
            })
        handle = os.open(ledger, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, _PRIVATE)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.writelines(json.dumps(entry) + "\n" for entry in entries)
    except OSError as error:
        for path in made:
            with suppress(OSError):
                path.unlink()
        raise UsageError(
            f"cannot write {error.filename}: {error.strerror}", hint="name new files in folders that exist"
        ) from error


def published(decoy: Decoy, jwks: Path) -> str:
    """Return the JWKS in the file, or a new one if there is none, with the decoy in it.

    Raises InputError if the file is no JWKS, UsageError if it has a key of this id.
    """
    document: Any = {"keys": []}
    if jwks.exists():
        try:
            document = json.loads(read(jwks))
        except (ValueError, RecursionError) as error:
            raise InputError(f"{jwks} is no JWKS: not JSON") from error
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list):
        raise InputError(f"{jwks} is no JWKS", hint='it looks like {"keys": [...]}')
    if any(isinstance(key, dict) and key.get("kid") == decoy.kid for key in keys):
        raise UsageError(f"{jwks} has a key with the id {decoy.kid}", hint="name another with --kid")
    return json.dumps({**document, "keys": [*keys, decoy.jwk]}, indent=2) + "\n"


def publish(text: str, jwks: Path) -> None:
    """Replace the JWKS in one step; it keeps its mode. Raises UsageError."""
    new = jwks.with_name(f".{jwks.name}.{os.getpid()}.new")
    try:
        mode = jwks.stat().st_mode & 0o777 if jwks.exists() else _PUBLIC
        new.write_text(text, encoding="utf-8")
        new.chmod(mode)
        new.replace(jwks)
    except OSError as error:
        raise UsageError(f"cannot write {jwks}: {error.strerror}") from error
    finally:
        new.unlink(missing_ok=True)


def _pem(decoy: Decoy) -> bytes:
    return decoy.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _der(decoy: Decoy) -> bytes:
    return decoy.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def _env(decoy: Decoy) -> bytes:
    escaped = _pem(decoy).decode().replace("\n", "\\n")
    lines = (f"JWT_SIGNING_ALG={decoy.algorithm}", f"JWT_SIGNING_KID={decoy.kid}", f'JWT_SIGNING_KEY="{escaped}"')
    return "".join(f"{line}\n" for line in lines).encode()


def _jwk(decoy: Decoy) -> bytes:
    if isinstance(decoy.key, rsa.RSAPrivateKey):
        held = decoy.key.private_numbers()
        parts = {"d": held.d, "p": held.p, "q": held.q, "dp": held.dmp1, "dq": held.dmq1, "qi": held.iqmp}
        private = {name: encode_number(value) for name, value in parts.items()}
    else:
        private = {"d": encode_number(decoy.key.private_numbers().private_value, 32)}
    return (json.dumps({**decoy.jwk, **private}) + "\n").encode()


FORMS: Mapping[str, Callable[[Decoy], bytes]] = {"pem": _pem, "der": _der, "jwk": _jwk, "env": _env}
