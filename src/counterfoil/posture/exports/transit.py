"""OpenBao and Vault: keys of transit, policies, audit devices, each as `bao ... -format=json` prints it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from counterfoil.posture.exports.export import Export, flag, mapping, span, time_of
from counterfoil.posture.key_access import Grant, KeyAccess
from counterfoil.posture.key_store import KeyStore, StoredKey
from counterfoil.posture.key_use_log import KeyUseLog

_PATH = re.compile(r'path\s+"([^"]{1,512})"\s*\{([^{}]{0,4096})\}')
_WORD = re.compile(r'"([a-z]+)"')
_COMMENT = re.compile(r"(?m)(#|//).*$")
# Paths of transit, below any mount: what uses a key, and what changes it or lets it out.
_USES = re.compile(r"(^|/)(sign|hmac)(/|$)")
_ADMINISTERS = re.compile(
    r"(^|/)(keys|export|backup|restore|byok-export|trim)(/|$)|^sys/(policy|policies|audit|mounts)(/|$)"
)
_DEVICES = ("file", "http", "socket", "syslog")
_CHANGES = frozenset({"create", "update", "delete", "sudo", "patch"})


def _fits(document: Any) -> bool:
    data = mapping(document, "data")
    return isinstance(data.get("keys"), dict) and "exportable" in data and "type" in data


def _read(document: Any, file: str, now: datetime) -> Sequence[object]:
    """Return the key of `bao read -format=json transit/keys/NAME`."""
    data = document["data"]
    newest = data["keys"].get(str(data.get("latest_version")))
    born = newest.get("creation_time") if isinstance(newest, dict) else newest
    can = {"sign": "supports_signing", "encrypt": "supports_encryption", "decrypt": "supports_decryption"}
    return (KeyStore(file, now, (StoredKey(
        str(data.get("name"))[:80], time_of(born), frozenset(use for use, member in can.items() if data.get(member)),
        exportable=flag(data.get("exportable")), backup=flag(data.get("allow_plaintext_backup")),
        imported=flag(data.get("imported_key")), every=span(data.get("auto_rotate_period")),
    ),)),)


def _is_policy(document: Any) -> bool:
    data = mapping(document, "data")
    return isinstance(data.get("policy"), str) and isinstance(data.get("name"), str)


def _policy(document: Any, file: str, now: datetime) -> Sequence[object]:
    """Return what `bao read -format=json sys/policy/NAME` lets its holders do. One policy is one part of a store's."""
    del now
    data = document["data"]
    uses = administers = False
    for path, body in _PATH.findall(_COMMENT.sub("", data["policy"])):
        allowed = set(_WORD.findall(body)) if "deny" not in _WORD.findall(body) else set[str]()
        whole = path.strip("/") in ("*", "+", "+/*", "transit/*", "sys/*")
        uses = uses or bool(allowed & {"create", "update"} and (_USES.search(path) or (whole and path != "sys/*")))
        administers = administers or bool(allowed & _CHANGES and (_ADMINISTERS.search(path) or whole))
        administers = administers or bool("read" in allowed and re.search(r"(^|/)(export|backup)(/|$)", path))
    name = f"policy {data['name']}"[:200]
    return (KeyAccess(file, (Grant(name, uses=uses, administers=administers, via="its paths"),)),)


def _is_devices(document: Any) -> bool:
    return isinstance(document, dict) and bool(document) and all(
        isinstance(one, dict) and {"type", "options", "path"} <= set(one) and one["type"] in _DEVICES
        for one in document.values()
    )


def _devices(document: Any, file: str, now: datetime) -> Sequence[object]:
    """Return what `bao audit list -detailed -format=json` says: with a device each request waits for its record."""
    del now
    paths = tuple(sorted(f"audit device {name}"[:120] for name in document))
    raw = [name for name, one in document.items() if str(mapping(one, "options").get("log_raw", "")).lower() == "true"]
    return (KeyUseLog(file, "vault-audit", True, paths, tuple(f"{name}: log_raw writes secrets" for name in raw)),)


EXPORTS = (
    Export("OpenBao or Vault: `bao read -format=json transit/keys/NAME`", _fits, _read),
    Export("OpenBao or Vault: `bao read -format=json sys/policy/NAME`", _is_policy, _policy),
    Export("OpenBao or Vault: `bao audit list -detailed -format=json`", _is_devices, _devices),
)
