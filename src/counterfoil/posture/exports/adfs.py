"""AD FS: Get-AdfsProperties, and the access list of its DKM container (Get-Acl), both as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from counterfoil.posture.exports.export import Export, rows, words
from counterfoil.posture.federation_server import FederationServer

# AuditLevel as a number, where ConvertTo-Json wrote the enumeration so.
_LEVELS = {"0": "None", "1": "Basic", "2": "Verbose"}
# Rights by which the key in an attribute can be read: ActiveDirectoryRights as words, or as bits (ReadProperty 16,
# ExtendedRight 256; GenericAll and GenericRead hold the former).
_READS = ("readproperty", "genericread", "genericall", "extendedright")
_READ_BITS = 16 | 256
_ALLOWED = ("allow", "0")


def _fits(document: Any) -> bool:
    named = isinstance(document, dict) and "AuditLevel" in document
    return named and ("LogLevel" in document or "HostName" in document)


def _read(document: Any, file: str, now: datetime) -> Sequence[object]:
    del now
    level = document["AuditLevel"]
    level = level[0] if isinstance(level, list) and level else level
    told = str(level.get("value") if isinstance(level, dict) else level)
    log = document.get("LogLevel")
    return (FederationServer(
        str(document.get("HostName") or file)[:200], "" if level is None else _LEVELS.get(told, told)[:40],
        frozenset(words(log)) if isinstance(log, list | str) else None,
    ),)


def _is_list(document: Any) -> bool:
    listed = rows(document)
    return bool(listed) and all({"IdentityReference", "ActiveDirectoryRights", "AccessControlType"} <= set(one)
                                for one in listed)


def _readers(document: Any, file: str, now: datetime) -> Sequence[object]:
    """Return who may read: `(Get-Acl "AD:CN=...,CN=ADFS,CN=Microsoft,CN=Program Data,...").Access | ConvertTo-Json`."""
    del now
    found = dict.fromkeys(_who(one) for one in rows(document) if _reads(one))
    return (FederationServer(file, readers=tuple(found)),)


def _who(one: Mapping[str, Any]) -> str:
    told = one["IdentityReference"]
    return str(told.get("Value", "") if isinstance(told, dict) else told)[:200]


def _reads(one: Mapping[str, Any]) -> bool:
    if str(one["AccessControlType"]).lower() not in _ALLOWED:
        return False
    rights = one["ActiveDirectoryRights"]
    if isinstance(rights, int):
        return bool(rights & _READ_BITS)
    return any(word.strip().lower() in _READS for word in str(rights).split(","))


EXPORTS = (
    Export("AD FS: `Get-AdfsProperties | ConvertTo-Json`", _fits, _read),
    Export("AD FS: the access list of its DKM container, `(Get-Acl ...).Access | ConvertTo-Json`", _is_list, _readers),
)
