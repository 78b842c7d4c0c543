"""Makes counter-signatures with a key in a custody of its own, so that no thief of one key can mint."""

from __future__ import annotations

import threading

from counterfoil.custody.custody import Custody
from counterfoil.custody.keys import KeyVersion
from counterfoil.errors import KeyUnusableError, UsageError
from counterfoil.mint.signing import Signing, current_version
from counterfoil.tokens import countersignature


class Countersigner:
    """Counter-signs claims. Safe to share between threads."""

    def __init__(self, custody: Signing, key: str, signing: Signing) -> None:
        """Use the key of that name. `signing`: the custody of the signing key, which must be another.

        Raises UsageError if it is the same one, KeyUnusableError if there is no such key.
        """
        if custody is signing or _same(custody, signing):
            raise UsageError("one custody signs and counter-signs", hint="whoever breaks into it could mint: take two")
        self._custody, self._key, self._lock = custody, key, threading.Lock()
        self._version = self._current()

    @property
    def key_id(self) -> str:
        """The id of the key that counter-signs."""
        return self._version.kid

    def header(self, payload: bytes, kid: str, alg: str, typ: str) -> str:
        """Return the value of the header member `cfs` for these claims (as JSON) under that kid, alg and typ."""
        content = countersignature.statement(payload, kid, alg, typ)
        try:
            return self._signed(content)
        except KeyUnusableError:
            with self._lock:
                self._version = self._current()  # rotated, or gone: then this raises
        return self._signed(content)

    def _signed(self, content: bytes) -> str:
        version = self._version
        signed = countersignature.signing_input(content, version.kid, str(version.algorithm))
        made = self._custody.sign(self._key, signed, kid=version.kid, purpose="counter-signature")
        return countersignature.assembled(signed, made.signature)

    def _current(self) -> KeyVersion:
        return current_version(self._custody, self._key, "counter-signature: which key signs")


def _same(one: Signing, other: Signing) -> bool:
    """Tell whether two open custodies are one log; of signer processes only their sockets are known."""
    if isinstance(one, Custody) and isinstance(other, Custody):
        return one.log_key == other.log_key
    paths = [getattr(custody, "path", None) for custody in (one, other)]
    return paths[0] is not None and paths[0] == paths[1]
