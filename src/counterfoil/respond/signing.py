"""One JWS by a key in custody: what every signed paper of a response is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

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
