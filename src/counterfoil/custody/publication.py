"""The key set that a store publishes: one JWKS file, replaced as a whole, which a web server gives out."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

from counterfoil import files
from counterfoil.custody.keys import KeyVersion
from counterfoil.custody.life import PUBLISHED
from counterfoil.errors import KeyStoreError

# Web servers run as somebody else, and the keys are public.
PUBLIC = 0o644


def jwks(versions: Iterable[KeyVersion]) -> str:
    """Return the JWK set (RFC 7517, 5) of the keys whose tokens are verified, the next ones among them."""
    return json.dumps({"keys": [key.jwk() for key in versions if key.state in PUBLISHED]}, indent=2) + "\n"


class Publication:
    """The file of a store's key set."""

    def __init__(self, path: Path) -> None:
        """Publish at `path`; its folder must be there."""
        self.path = path

    def holds(self, versions: Iterable[KeyVersion]) -> bool:
        """Tell whether the file is the key set of these versions."""
        try:
            return self.path.read_bytes() == jwks(versions).encode()
        except OSError:
            return False

    def put(self, versions: Iterable[KeyVersion]) -> str:
        """Publish the key set of these versions and return its SHA-256 in hex; durable. Raises KeyStoreError."""
        raw = jwks(versions).encode()
        try:
            with files.writing(Path(os.path.realpath(self.path)), PUBLIC, durable=True) as file:
                file.write(raw)
        except OSError as error:
            told = f"cannot publish {self.path}: {error.strerror or error}"
            raise KeyStoreError(told, hint="is the folder of [life] jwks there, with space left?") from error
        return hashlib.sha256(raw).hexdigest()
