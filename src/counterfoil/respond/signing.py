"""One JWS by a key in custody: what every signed paper of a response is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from counterfoil.custody.keys import KeyVersion
from counterfoil.jose import base64url
from counterfoil.mint.signing import Signing, current_version


def signed(custody: Signing, key: str, typ: str, claims: Mapping[str, Any], purpose: str) -> str:
    """Return these claims as a JWT of this type, signed by the current version of a key. Custody records the use.

    Raises KeyUnusableError, KeyStoreError, LogError.
    """
    version = current_version(custody, key, purpose)
    header = {"alg": str(version.algorithm), "kid": version.kid, "typ": typ}
    given = ".".join(base64url.encode(msgspec.json.encode(part)) for part in (header, dict(claims)))
    made = custody.sign(key, given.encode(), kid=version.kid, purpose=purpose)
    return f"{given}.{base64url.encode(made.signature)}"


@dataclass(frozen=True)
class InCustody:
    """The version of a key that signs now, as `probe.Signs`. Custody records each use for this purpose."""

    custody: Signing
    version: KeyVersion
    purpose: str

    @classmethod
    def current(cls, custody: Signing, key: str, purpose: str) -> InCustody:
        """Return the version of a key that signs; raises KeyUnusableError."""
        return cls(custody, current_version(custody, key, purpose), purpose)

    @property
    def kid(self) -> str:
        """Its id."""
        return self.version.kid

    @property
    def alg(self) -> str:
        """Its algorithm."""
        return str(self.version.algorithm)

    def sign(self, signing_input: bytes) -> bytes:
        """Return the signature; raises KeyUnusableError if another version signs by now."""
        return self.custody.sign(self.version.name, signing_input, kid=self.version.kid, purpose=self.purpose).signature
