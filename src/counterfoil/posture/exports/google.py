"""Google Cloud: `gcloud kms keys versions list` and `gcloud projects get-iam-policy`, both with --format=json."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from counterfoil.posture.exports.export import Export, rows, time_of, words
from counterfoil.posture.key_access import Grant, KeyAccess
from counterfoil.posture.key_store import KeyStore, StoredKey
from counterfoil.posture.key_use_log import KeyUseLog

_VERSIONS = "/cryptoKeyVersions/"
_SERVICES = ("allServices", "cloudkms.googleapis.com")
_SIGNS = frozenset({
    "roles/cloudkms.signer", "roles/cloudkms.signerVerifier", "roles/cloudkms.cryptoOperator", "roles/owner",
    "roles/cloudkms.cryptoKeyEncrypterDecrypter", "roles/cloudkms.cryptoKeyDecrypter",
})
_ADMINISTERS = frozenset({"roles/cloudkms.admin", "roles/cloudkms.importer", "roles/owner", "roles/editor",
                          "roles/iam.securityAdmin", "roles/resourcemanager.projectIamAdmin"})


def _fits(document: Any) -> bool:
    return isinstance(document, list) and bool(document) and all(
        isinstance(one, dict) and _VERSIONS in str(one.get("name")) and "protectionLevel" in one for one in document
    )


def _read(document: Any, file: str, now: datetime) -> Sequence[object]:
    """Return the versions in use. Cloud KMS lets no key out, and rotates no asymmetric one by itself."""
    keys = tuple(
        StoredKey(
            "/".join(str(one["name"]).split("/")[-3::2])[:80], time_of(one.get("createTime")),
            frozenset({"sign"} if "_SIGN" in str(one.get("algorithm")) else {"encrypt"}), exportable=False,
            backup=False, imported=bool(one.get("importJob")),
            hardware={"HSM": True, "SOFTWARE": False}.get(str(one["protectionLevel"])),
            every=timedelta() if "_SIGN" in str(one.get("algorithm")) else None,
        )
        for one in rows(document) if one.get("state") == "ENABLED"
    )
    return (KeyStore(file, now, keys),)


def _is_policy(document: Any) -> bool:
    return isinstance(document, dict) and isinstance(document.get("bindings"), list) and "etag" in document


def _policy(document: Any, file: str, now: datetime) -> Sequence[object]:
    """Return who may use and administer keys of the project, and whether uses are recorded: off by default."""
    del now
    roles: dict[str, set[str]] = {}
    for one in rows(document["bindings"]):
        for member in words(one.get("members") or []):
            roles.setdefault(member, set()).add(str(one.get("role")))
    grants = tuple(
        Grant(member, bool(held & _SIGNS), bool(held & _ADMINISTERS), ", ".join(sorted(held & (_SIGNS | _ADMINISTERS))))
        for member, held in sorted(roles.items()) if held & (_SIGNS | _ADMINISTERS)
    )
    return (KeyAccess(file, grants), _log(document, file))


def _log(document: Any, file: str) -> KeyUseLog:
    taken, why = False, ["DATA_READ of cloudkms.googleapis.com is not in auditConfigs: off, as it comes"]
    for one in rows(document.get("auditConfigs") or []):
        for log in rows(one.get("auditLogConfigs") or []):
            if one.get("service") in _SERVICES and log.get("logType") == "DATA_READ":
                taken = True
                why = [f"{member}'s uses are left out" for member in words(log.get("exemptedMembers") or [])]
    return KeyUseLog(file, "google-audit", taken and not why, ("auditConfigs",), tuple(why))


EXPORTS = (
    Export("Google Cloud: `gcloud kms keys versions list --format=json`", _fits, _read),
    Export("Google Cloud: `gcloud projects get-iam-policy --format=json`", _is_policy, _policy),
)
