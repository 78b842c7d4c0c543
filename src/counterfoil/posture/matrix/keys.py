"""Keys to try with: private keys of a test issuer, from PEM files. They sign in this process, and are never shown."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from counterfoil.errors import UsageError
from counterfoil.jose import signing
from counterfoil.jose.algorithms import suiting
from counterfoil.jose.jwk import members_of, thumbprint
from counterfoil.posture.documents import content
from counterfoil.respond.probe import Signs

MAX_PEM_BYTES = 64 * 1024
# Which algorithm is taken of those that suit a key, if the plan names none: the most common first.
_PREFERRED = ("RS256", "ES256", "ES384", "ES512", "EdDSA", "Ed448")


@dataclass(frozen=True)
class TestKey:
    """A key that signs. `left`: when it left the key set; `was`: the key that it was as good as before.

    `public`: its public key in PEM, which some verifiers take for a secret.
    """

    __test__ = False  # no test, whatever pytest thinks

    name: str
    signer: Signs = field(repr=False)
    public: bytes = field(default=b"", repr=False)
    left: datetime | None = None
    was: str = ""


@dataclass(frozen=True)
class InMemory:
    """A private key in memory."""

    kid: str
    alg: str
    private: signing.PrivateKey = field(repr=False)

    def sign(self, signing_input: bytes) -> bytes:
        """Return the signature."""
        return signing.sign(self.private, self.alg, signing_input)


def read(path: Path, name: str, kid: str = "", algorithm: str = "") -> TestKey:
    """Return the key of an unencrypted PEM file. `kid`: by default its thumbprint (RFC 7638).

    Raises InputError for a file that cannot be read, UsageError for one that holds no such key.
    """
    try:
        private = serialization.load_pem_private_key(content(path, MAX_PEM_BYTES), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise UsageError(f"{path}: expected an unencrypted private key in PEM", hint="openssl genpkey") from error
    if not isinstance(private, signing.PrivateKey):
        raise UsageError(f"{path}: expected an RSA, EC or Edwards key, got {type(private).__name__}")
    return in_memory(private, name, kid, algorithm)


def in_memory(private: signing.PrivateKey, name: str, kid: str = "", algorithm: str = "") -> TestKey:
    """Return a key that is at hand; raises UsageError for an algorithm that does not suit it."""
    public = private.public_key()
    members = members_of(public)
    known = suiting(members["kty"], members.get("crv", ""))
    if algorithm and algorithm not in known:
        hint = f"one of {', '.join(sorted(known))}" if known else "take another key"
        raise UsageError(f"key {name[:80]!r}: algorithm {algorithm[:40]!r} does not suit it", hint=hint)
    chosen = algorithm or next((each for each in _PREFERRED if each in known), "")
    if not chosen:
        raise UsageError(f"key {name[:80]!r}: no algorithm suits it", hint="take another key")
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return TestKey(name, InMemory(kid or thumbprint(members), chosen, private), pem)


def departed(key: TestKey, left: datetime, was: str) -> TestKey:
    """Return a key that left the key set at that time."""
    return replace(key, left=left, was=was)
