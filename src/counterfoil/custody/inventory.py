"""Which keys are in custody: names, versions, states and public keys, in one small file that is replaced as a whole.

It holds no secrets. Its digest is recorded with every change, so that a change behind custody's back is noticed.
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from counterfoil.custody import life, spki
from counterfoil.custody.algorithm import Algorithm
from counterfoil.custody.keys import KeyState, KeyVersion, NewKey
from counterfoil.errors import KeyStoreError, KeyUnusableError, UsageError
from counterfoil.jose.jwk import thumbprint
from counterfoil.tlog.folder import Folder

FILE = "inventory.json"
MAX_BYTES = 16 * 1024 * 1024
MAX_KEYS = 10_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
EMPTY_DIGEST = hashlib.sha256(b"").hexdigest()


class _Version(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A version as the file holds it."""

    name: str
    version: int
    algorithm: Algorithm
    state: KeyState
    reference: str
    public: bytes
    created: datetime
    attached: bool
    exportable: bool
    published: datetime | None = None
    began: datetime | None = None
    ended: datetime | None = None
    since: datetime | None = None
    reason: str = ""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    schema: str
    keys: list[_Version]


_SCHEMA = "counterfoil.key-inventory/1"
_FIELDS = _Version.__struct_fields__


class Inventory:
    """The keys in custody. Every change is on disk when it returns. Not thread-safe: the store's lock guards it."""

    def __init__(self, path: Path) -> None:
        """Read the file below `path`, if there is one."""
        self._folder = Folder(path)
        raw = self._folder.read(FILE) or b""
        self.digest = _digest(raw)
        self._versions = _parsed(raw, path) if raw else []
        self._signing = _signing(self._versions)

    def versions(self) -> tuple[KeyVersion, ...]:
        """Return all versions, by name and number."""
        return tuple(sorted(self._versions, key=lambda found: (found.name, found.version)))

    def current(self, name: str) -> KeyVersion:
        """Return the version that signs; KeyUnusableError tells why there is none."""
        found = self._signing.get(name)
        if found is not None:
            return found
        raise KeyUnusableError(f"key {name} is {self.of(name)[-1].state}", hint="create another one, or rotate it")

    def of(self, name: str) -> list[KeyVersion]:
        """Return the versions of a name, oldest first; KeyUnusableError if there is no such key."""
        mine = sorted((found for found in self._versions if found.name == name), key=lambda found: found.version)
        if not mine:
            raise KeyUnusableError(f"no key {name[:80]!r} in custody", hint="counterfoil keys list shows what there is")
        return mine

    def check_new(self, name: str) -> None:
        """Refuse a name that is malformed or taken."""
        if not _NAME.fullmatch(name):
            raise UsageError(
                f"{name[:80]!r} is no name for a key", hint="letters, digits, dots, dashes, underscores; at most 64"
            )
        if any(found.name == name for found in self._versions):
            raise UsageError(f"there is a key {name} already", hint="rotate it, or take another name")
        if len(self._versions) >= MAX_KEYS:
            raise UsageError(f"custody holds {MAX_KEYS} key versions, which is the limit")

    def next(self, name: str) -> KeyVersion | None:
        """Return the version that is prepared, if there is one."""
        return next((found for found in self.of(name) if found.state is KeyState.NEXT), None)

    def promoted(self, kid: str, now: datetime, *, published_only: bool) -> KeyVersion:
        """Let a next version sign from now on; the one before becomes previous."""
        self._write(life.promoted(self._versions, kid, now, published_only=published_only))
        return life.find(self._versions, kid)

    def moved(self, kid: str, to: KeyState, now: datetime, reason: str = "") -> KeyVersion:
        """Put a version into another state; KeyUnusableError if that cannot follow."""
        self._write(life.moved(self._versions, kid, to, now, reason))
        return life.find(self._versions, kid)

    def published(self, now: datetime) -> None:
        """Keep that the key set was published as it is."""
        after = life.marked_published(self._versions, now)
        if after != self._versions:
            self._write(after)

    def added(
        self, name: str, algorithm: Algorithm, new: NewKey, now: datetime, *, attached: bool = False
    ) -> KeyVersion:
        """Add a version that does not sign yet."""
        kid = thumbprint(spki.public_jwk(new.public))
        if algorithm not in spki.algorithms_of(new.public):
            raise KeyUnusableError(f"key {name} is not of {algorithm}", hint="give the algorithm that the key is for")
        if any(found.kid == kid and found.state is not KeyState.DESTROYED for found in self._versions):
            raise UsageError(f"the key {kid} is in custody already", hint="one key has one name")
        number = 1 + max((found.version for found in self._versions if found.name == name), default=0)
        version = KeyVersion(
            name, number, kid, algorithm, KeyState.NEXT, new.reference, new.public, now, attached, new.exportable,
            since=now,
        )
        self._write([*self._versions, version])
        return version

    def _write(self, versions: list[KeyVersion]) -> None:
        life.check(versions)
        rows = [_Version(**{name: getattr(found, name) for name in _FIELDS}) for found in versions]
        raw = msgspec.json.format(msgspec.json.encode(_File(_SCHEMA, rows)), indent=1)
        self._folder.put(FILE, raw)
        self._versions, self.digest = versions, _digest(raw)
        self._signing = _signing(versions)


def _version(row: _Version) -> KeyVersion:
    told: dict[str, Any] = {name: getattr(row, name) for name in _FIELDS}
    moments = {name: value.astimezone(UTC) for name, value in told.items() if isinstance(value, datetime)}
    return KeyVersion(kid=thumbprint(spki.public_jwk(row.public)), **told | moments)


def digest_in(folder: Folder) -> str:
    """Return the digest of the inventory in a folder, whatever it holds; that of an empty one if there is none."""
    return _digest(folder.read(FILE) or b"")


def _digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def _signing(versions: list[KeyVersion]) -> dict[str, KeyVersion]:
    return {found.name: found for found in versions if found.state is KeyState.CURRENT}


def _parsed(raw: bytes, path: Path) -> list[KeyVersion]:
    try:
        if len(raw) > MAX_BYTES:
            raise msgspec.ValidationError(f"expected at most {MAX_BYTES} bytes, got {len(raw)}")
        file = msgspec.json.decode(raw, type=_File)
        if file.schema != _SCHEMA:
            raise msgspec.ValidationError(f"expected the schema {_SCHEMA}, got {file.schema[:80]}")
        return [_version(row) for row in file.keys]
    except (msgspec.MsgspecError, KeyUnusableError) as error:
        told = f"{path / FILE}: {error}"
        raise KeyStoreError(told, hint="restore it from a backup; the audit log has its digest") from error
