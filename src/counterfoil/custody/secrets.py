"""Where passphrases, PINs and tokens come from: a file, a systemd credential, or the keyring. Never an argument."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from counterfoil.custody import private_file
from counterfoil.errors import KeyStoreError, UsageError

MAX_SECRET_BYTES = 4_096
FORMS = "file:PATH, credential:NAME or keyring:SERVICE/USER"


class Secret:
    """Bytes that no repr, message or log shows."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        """Keep the value."""
        self._value = value

    def reveal(self) -> bytes:
        """Return the value; hand it to what needs it, and nowhere else."""
        return self._value

    def text(self) -> str:
        """Return the value as text; KeyStoreError if it is none."""
        with contextlib.suppress(UnicodeDecodeError):  # which would hold the secret
            return self._value.decode()
        raise KeyStoreError("a secret is not UTF-8 text")

    def __repr__(self) -> str:
        return "Secret(…)"


def check_source(source: str) -> None:
    """Refuse what names no source, without repeating it: it may be the secret itself. Raises UsageError."""
    kind, _, name = source.partition(":")
    if not name or kind not in ("file", "credential", "keyring"):
        raise UsageError("a secret's source is malformed", hint=f"expected {FORMS}; not the secret itself")


def read_secret(source: str, base: Path) -> Secret:
    """Return the secret that a source of the settings names; one newline at its end is not part of it.

    Relative files are looked for in `base`. Raises UsageError for a malformed source, KeyStoreError if it has nothing.
    """
    check_source(source)
    kind, _, name = source.partition(":")
    if kind == "file":
        return _checked(_file(base / name), source)
    if kind == "keyring":
        return _checked(_keyring(name), source)
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        raise KeyStoreError(f"{source}: CREDENTIALS_DIRECTORY is not set", hint="systemd sets it for LoadCredential=")
    if "/" in name or name.startswith("."):
        raise UsageError(f"{source}: a credential's name has no slashes", hint=f"expected {FORMS}")
    return _checked(_file(Path(folder) / name), source)


def _file(path: Path) -> bytes:
    return private_file.read_bytes(path, MAX_SECRET_BYTES, "secret")[0]


def _keyring(name: str) -> bytes:
    service, _, user = name.partition("/")
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError as error:
        raise UsageError("keyring: needs the library keyring", hint="pip install 'counterfoil[keyring]'") from error
    try:
        found = keyring.get_password(service, user)
    except KeyringError as error:
        raise KeyStoreError(f"keyring {name}: {error}") from error
    if found is None:
        raise KeyStoreError(f"keyring {name}: it has no such entry", hint=f"keyring set {service} {user}")
    return found.encode()


def _checked(value: bytes, source: str) -> Secret:
    stripped = value.removesuffix(b"\n").removesuffix(b"\r")
    if not stripped or len(value) > MAX_SECRET_BYTES:
        raise KeyStoreError(f"secret {source}: expected 1 to {MAX_SECRET_BYTES} bytes, got {len(stripped)}")
    return Secret(stripped)
