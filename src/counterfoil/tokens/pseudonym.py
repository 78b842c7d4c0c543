"""Pseudonyms of subjects: a keyed hash, so that issuer and relying parties can match a person without naming one.

Both sides hold the key, nobody else does: without it nobody can try names. The pseudonym begins with the key's id,
so that a rotation shows, and pseudonyms of different keys are never held to differ.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, field

from counterfoil.errors import UsageError

MIN_KEY_BYTES = 32
_PREFIX = "ps1"
_CONTEXT = b"counterfoil subject pseudonym v1\0"
_KEY_ID = re.compile(r"[a-z0-9-]{1,32}\Z")
# The first group is the part of a pseudonym that names its key: pseudonyms compare only where it is the same.
KEY_OF_PSEUDONYM = rf"^({_PREFIX}:[a-z0-9-]{{1,32}}):[0-9a-f]{{32}}$"


@dataclass(frozen=True)
class SubjectKey:
    """A key of pseudonyms. `id`: lower-case letters, digits, hyphens, at most 32; `secret`: 32 random bytes or more."""

    id: str
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse an id that would blur the pseudonym's parts, and a key that can be guessed; raises UsageError."""
        if not _KEY_ID.match(self.id):
            raise UsageError(f"subject key {self.id[:40]!r}: expected 1 to 32 of a-z, 0-9 and -")
        if len(self.secret) < MIN_KEY_BYTES:
            raise UsageError(f"subject key {self.id!r}: {len(self.secret)} bytes, needs {MIN_KEY_BYTES}")

    def pseudonym(self, issuer: str, subject: str) -> str:
        """Return `ps1:<key id>:<32 hex digits>` of the subject of an issuer (128 bits of HMAC-SHA256)."""
        name, whom = issuer.encode(), subject.encode()
        text = _CONTEXT + len(name).to_bytes(4, "big") + name + whom
        return f"{_PREFIX}:{self.id}:{hmac.digest(self.secret, text, hashlib.sha256).hex()[:32]}"
