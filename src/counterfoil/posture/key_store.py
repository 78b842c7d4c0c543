"""A key store as a check sees it: what exports say of its keys, and what records show was done to them. Values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from counterfoil.posture.records import KeyRecord


@dataclass(frozen=True)
class StoredKey:
    """A key in a store. None: the export does not say.

    `born`: when the version that signs was made. `exportable`: its private half can be had; `backup`: in a backup, in
    clear; `imported`: it was made elsewhere. `every`: it rotates by itself after so long (zero: it does not).
    """

    name: str
    born: datetime | None
    uses: frozenset[str]
    exportable: bool | None = None
    backup: bool | None = None
    imported: bool | None = None
    hardware: bool | None = None
    every: timedelta | None = None


@dataclass(frozen=True)
class KeyStore:
    """What one export says. `read`: when it was looked at, for ages. `records`: of what was done at its keys."""

    name: str
    read: datetime
    keys: tuple[StoredKey, ...]
    records: tuple[KeyRecord, ...] = ()

    def of(self, recorded: Iterable[KeyRecord]) -> tuple[KeyRecord, ...]:
        """Return those records that are about one of its keys."""
        return tuple(one for one in recorded if any(_same(key.name, one.key) for key in self.keys))


@dataclass(frozen=True)
class BackEnd:
    """Where the keys of the store in a folder lie. `hardware`: None where its kind does not say."""

    folder: str
    hardware: bool | None


def _same(name: str, recorded: str) -> bool:
    """Tell whether a key's name in an export and in a record are one: a record may have its ARN, or no version."""
    plain = name.rpartition(" v")[0] or name
    return recorded in (name, plain) or recorded.endswith((f":key/{name}", f"/keys/{name}", f"/{plain}"))
