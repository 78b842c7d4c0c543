"""Our custody: `inventory.json`, and `custody.toml`, which says where its keys lie and who may do what."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from counterfoil.posture.exports.export import Export, flag, mapping, words
from counterfoil.posture.imports.scan import moment
from counterfoil.posture.key_access import Grant, KeyAccess
from counterfoil.posture.key_store import BackEnd, KeyStore, StoredKey

INVENTORY = "counterfoil.key-inventory/1"
# Where the keys of a back-end lie. A token of PKCS#11 may be software, and OpenBao may be sealed by anything.
_HARDWARE = {"file": False, "tpm": True, "aws-kms": True}
# States in which a key is of no use to anybody any more.
_PAST = frozenset({"retired", "blocked", "disabled", "destroyed"})


def _fits(document: Any) -> bool:
    return isinstance(document, dict) and document.get("schema") == INVENTORY and isinstance(document.get("keys"), list)


def _read(document: Any, file: str, now: datetime) -> Sequence[object]:
    keys = tuple(
        StoredKey(
            f"{row.get('name')} v{row.get('version')}", moment(row.get("began") or row.get("created")),
            frozenset({"sign"}), exportable=flag(row.get("exportable")), imported=flag(row.get("attached")),
        )
        for row in document["keys"] if isinstance(row, dict) and row.get("state") not in _PAST
    )
    return (KeyStore(file, now, keys),)


def _is_settings(document: Any) -> bool:
    return isinstance(document, dict) and isinstance(document.get("backend"), str) and "origin" in document


def _settings(document: Any, file: str, now: datetime) -> Sequence[object]:
    """Return where keys lie, who may sign, and who may do everything.

    Without a signer process whoever can read the folder does.
    """
    del now
    signer = mapping(document, "signer")
    admins, allowed = words(signer.get("admins") or []), words(signer.get("allow") or [])
    grants = [Grant(name, uses=True, administers=True, via="signer.admins") for name in admins]
    grants += [Grant(name, uses=True, administers=False, via="signer.allow") for name in allowed]
    back_end = BackEnd(str(Path(file).parent), _HARDWARE.get(document["backend"]))
    return back_end, KeyAccess(file, tuple(grants), whole=bool(grants))


EXPORTS = (
    Export("custody's `inventory.json`", _fits, _read), Export("custody's `custody.toml`", _is_settings, _settings),
)
