"""Azure Key Vault: `az keyvault key show`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from counterfoil.posture.exports.export import Export, flag, mapping, time_of, words
from counterfoil.posture.key_store import KeyStore, StoredKey


def _fits(document: Any) -> bool:
    return {"kid", "kty", "keyOps"} <= set(mapping(document, "key")) and isinstance(document.get("attributes"), dict)


def _read(document: Any, file: str, now: datetime) -> Sequence[object]:
    key, about = document["key"], document["attributes"]
    uses = {"sign": "sign", "decrypt": "decrypt", "unwrapKey": "decrypt"}
    name = str(key["kid"]).rpartition("/keys/")[2]
    return (KeyStore(file, now, (StoredKey(
        name[:80], time_of(about.get("created")),
        frozenset(uses[word] for word in words(key["keyOps"]) if word in uses),
        exportable=bool(flag(about.get("exportable"))), imported="import" in words(key["keyOps"]) or None,
        hardware=str(key["kty"]).endswith("-HSM"),
    ),)),)


EXPORT = Export("Azure: `az keyvault key show`", _fits, _read)
