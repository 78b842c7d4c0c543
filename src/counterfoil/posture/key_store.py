"""A key store as a check sees it, from exports: our custody's inventory, OpenBao and Vault (transit), AWS KMS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from counterfoil.posture.imports.scan import moment

INVENTORY = "counterfoil.key-inventory/1"
MAX_KEYS = 10_000
# States of custody's inventory in which a key is of no use to anybody any more.
_PAST = frozenset({"retired", "blocked", "disabled", "destroyed"})


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
    """What one export says. `read`: when it was looked at, for ages."""

    name: str
    read: datetime
    keys: tuple[StoredKey, ...]


def parsed(document: Any, file: str, read: datetime) -> KeyStore | None:
    """Return the store of an export; None for what is none, or holds more keys than any store."""
    for fits, keys in ((_is_inventory, _inventory), (_is_transit, _transit), (_is_kms, _kms)):
        if fits(document):
            found = keys(document)
            return KeyStore(file, read, tuple(found)) if len(found) <= MAX_KEYS else None
    return None


def _is_inventory(document: Any) -> bool:
    return isinstance(document, dict) and document.get("schema") == INVENTORY and isinstance(document.get("keys"), list)


def _inventory(document: Mapping[str, Any]) -> Sequence[StoredKey]:
    return [
        StoredKey(
            f"{row.get('name')} v{row.get('version')}", moment(row.get("began") or row.get("created")),
            frozenset({"sign"}), exportable=_flag(row.get("exportable")), imported=_flag(row.get("attached")),
        )
        for row in document["keys"] if isinstance(row, dict) and row.get("state") not in _PAST
    ]


def _is_transit(document: Any) -> bool:
    data = document.get("data") if isinstance(document, dict) else None
    return isinstance(data, dict) and isinstance(data.get("keys"), dict) and "exportable" in data and "type" in data


def _transit(document: Mapping[str, Any]) -> Sequence[StoredKey]:
    """Return the key of `bao read -format=json transit/keys/NAME`."""
    data = document["data"]
    newest = data["keys"].get(str(data.get("latest_version")))
    born = newest.get("creation_time") if isinstance(newest, dict) else newest
    can = {"sign": "supports_signing", "encrypt": "supports_encryption", "decrypt": "supports_decryption"}
    return [StoredKey(
        str(data.get("name"))[:80], _time(born), frozenset(use for use, member in can.items() if data.get(member)),
        exportable=_flag(data.get("exportable")), backup=_flag(data.get("allow_plaintext_backup")),
        imported=_flag(data.get("imported_key")), every=_seconds(data.get("auto_rotate_period")),
    )]


def _is_kms(document: Any) -> bool:
    about = document.get("KeyMetadata") if isinstance(document, dict) else None
    return isinstance(about, dict) and {"KeyId", "KeyUsage", "Origin"} <= set(about)


def _kms(document: Mapping[str, Any]) -> Sequence[StoredKey]:
    """Return the key of `aws kms describe-key`: never exportable, and asymmetric ones never rotate by themselves."""
    about = document["KeyMetadata"]
    signs = about["KeyUsage"] in ("SIGN_VERIFY", "GENERATE_VERIFY_MAC")
    return [StoredKey(
        str(about["KeyId"])[:80], _time(about.get("CreationDate")), frozenset({"sign"} if signs else {"encrypt"}),
        exportable=False, backup=False, imported=about["Origin"] == "EXTERNAL", hardware=True,
        every=timedelta() if signs else None,
    )]


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _time(value: object) -> datetime | None:
    try:
        return datetime.fromtimestamp(value, UTC) if isinstance(value, int | float) else moment(value)
    except (ValueError, OverflowError, OSError):
        return None


def _seconds(value: object) -> timedelta | None:
    """Return a period as the API gives it: seconds, as a number or with its unit."""
    text = str(value).removesuffix("s")
    return timedelta(seconds=int(text)) if text.isdecimal() and len(text) < 12 else None
