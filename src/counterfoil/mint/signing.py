"""What a mint needs of custody: which version of a key signs, and a signature under its kid."""

from __future__ import annotations

from typing import Protocol

from counterfoil.custody.keys import KeyState, KeyVersion, Signed
from counterfoil.errors import KeyUnusableError


class Signing(Protocol):
    """Custody, or the client of its signer."""

    def sign(self, name: str, signing_input: bytes, *, kid: str = "", purpose: str = "") -> Signed:
        """Sign with the version of that kid."""

    def keys(self, *, purpose: str = "") -> tuple[KeyVersion, ...]:
        """Return every version of every key."""


def current_version(custody: Signing, name: str, purpose: str) -> KeyVersion:
    """Return the version of a key that signs; raises KeyUnusableError if there is none. Custody records the look."""
    for version in custody.keys(purpose=purpose):
        if (version.name, version.state) == (name, KeyState.CURRENT):
            return version
    raise KeyUnusableError(f"custody has no key {name!r} that signs", hint="counterfoil keys list")
