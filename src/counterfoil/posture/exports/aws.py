"""AWS: `aws kms describe-key` and `get-key-policy`, `aws cloudtrail get-event-selectors`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from counterfoil.posture.documents import json_of
from counterfoil.posture.exports.export import Export, mapping, rows, time_of, words
from counterfoil.posture.key_access import Grant, KeyAccess
from counterfoil.posture.key_store import KeyStore, StoredKey
from counterfoil.posture.key_use_log import KeyUseLog

_KMS = "kms.amazonaws.com"
_USES = ("kms:sign", "kms:generatemac", "kms:decrypt")
_ADMINISTERS = ("kms:putkeypolicy", "kms:schedulekeydeletion", "kms:disablekey", "kms:importkeymaterial",
                "kms:creategrant", "kms:updatealias")


def _fits(document: Any) -> bool:
    return {"KeyId", "KeyUsage", "Origin"} <= set(mapping(document, "KeyMetadata"))


def _read(document: Any, file: str, now: datetime) -> Sequence[object]:
    """Return the key: never exportable, and asymmetric ones never rotate by themselves."""
    about = document["KeyMetadata"]
    signs = about["KeyUsage"] in ("SIGN_VERIFY", "GENERATE_VERIFY_MAC")
    return (KeyStore(file, now, (StoredKey(
        str(about["KeyId"])[:80], time_of(about.get("CreationDate")), frozenset({"sign"} if signs else {"encrypt"}),
        exportable=False, backup=False, imported=about["Origin"] == "EXTERNAL", hardware=True,
        every=timedelta() if signs else None,
    ),)),)


def _statements(document: Any) -> list[Mapping[str, Any]]:
    told = document.get("Policy") if isinstance(document, dict) else None
    policy = json_of(told.encode()) if isinstance(told, str) else told or document
    listed = mapping(policy).get("Statement")
    return rows(listed if isinstance(listed, list) else [listed])


def _is_policy(document: Any) -> bool:
    actions = [action for one in _statements(document) for action in words(one.get("Action"))]
    return any(action.lower().startswith("kms:") for action in actions)


def _policy(document: Any, file: str, now: datetime) -> Sequence[object]:
    """Return who may use and administer a key. The account's root stands for whoever its IAM policies allow it to."""
    del now
    grants: list[Grant] = []
    delegated = False
    for one in _statements(document):
        if one.get("Effect") != "Allow":
            continue
        actions = [action.lower() for action in words(one.get("Action"))]
        uses, administers = _any(actions, _USES), _any(actions, _ADMINISTERS)
        for name in _principals(one.get("Principal")):
            root = name.endswith(":root")
            delegated = delegated or root
            if not root and (uses or administers):
                conditions = " under a condition" if one.get("Condition") else ""
                grants.append(Grant(name, uses, administers, f"statement {one.get('Sid', '')}{conditions}"[:120]))
    return (KeyAccess(file, tuple(grants), whole=not delegated),)


def _any(patterns: Iterable[str], wanted: Iterable[str]) -> bool:
    return any(fnmatchcase(action, pattern) for pattern in patterns for action in wanted)


def _principals(told: object) -> Iterator[str]:
    if isinstance(told, str):
        yield told
    for value in mapping(told).values():
        yield from words(value)


def _is_selectors(document: Any) -> bool:
    return isinstance(document, dict) and "TrailARN" in document and (
        "EventSelectors" in document or "AdvancedEventSelectors" in document
    )


def _selectors(document: Any, file: str, now: datetime) -> Sequence[object]:
    """Return whether a trail takes management events of KMS, which Sign is one of: reads, and none left out."""
    del now
    plain = [one for one in rows(document.get("EventSelectors") or []) if one.get("IncludeManagementEvents") is True]
    left_out = [one for one in plain if _KMS in words(one.get("ExcludeManagementEventSources") or [])]
    writes = [one for one in plain if one.get("ReadWriteType") == "WriteOnly"]
    whole = [one for one in plain if one not in left_out and one not in writes]
    advanced = [one for one in rows(document.get("AdvancedEventSelectors") or []) if _management(one)]
    taken = bool(whole) or any(_takes_kms(one) for one in advanced)
    why = [f"{_KMS} is left out (ExcludeManagementEventSources)"] * bool(left_out and not taken)
    why += ["only writes are taken, and Sign is a read (readOnly: true)"] * bool(writes and not taken)
    why += ["an advanced selector leaves kms.amazonaws.com or reads out"] * bool(advanced and not taken)
    why += ["no selector takes management events"] * (not plain and not advanced)
    name = str(document["TrailARN"])[:200]
    return (KeyUseLog(file, "aws-cloudtrail", taken, (f"trail {name}",), tuple(dict.fromkeys(why))),)


def _fields(one: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {str(each.get("Field")): each for each in rows(one.get("FieldSelectors") or [])}


def _management(one: Mapping[str, Any]) -> bool:
    return "Management" in words(_fields(one).get("eventCategory", {}).get("Equals") or [])


def _takes_kms(one: Mapping[str, Any]) -> bool:
    fields = _fields(one)
    source, read = fields.get("eventSource", {}), fields.get("readOnly", {})
    if _KMS in words(source.get("NotEquals") or []) or (source.get("Equals") and _KMS not in words(source["Equals"])):
        return False
    return "false" not in words(read.get("Equals") or [])


EXPORTS = (
    Export("AWS: `aws kms describe-key`", _fits, _read), Export("AWS: `aws kms get-key-policy`", _is_policy, _policy),
    Export("AWS: `aws cloudtrail get-event-selectors`", _is_selectors, _selectors),
)
