"""What the records of a case prove. A record outranks what a setting says: it is there, or it is not."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from counterfoil.case.folder import existing
from counterfoil.case.manifest import read_manifest
from counterfoil.case.results import opened, rows
from counterfoil.model import key_store
from counterfoil.model.key_life import DAY
from counterfoil.model.persistence import HOLDS
from counterfoil.posture.issuer import KeyUse

# Mailboxes, changes of settings and keys that are taken in.
MAX_ROWS = 10_000
# Operations by which auditing is turned off, with the parameter and the value that does so (lower case).
_OFF: Mapping[str, tuple[str, str]] = {
    "set-adminauditlogconfig": ("unifiedauditlogingestionenabled", "false"),
    "set-mailboxauditbypassassociation": ("auditbypassenabled", "true"),
    "set-organizationconfig": ("auditdisabled", "true"),
    "set-mailbox": ("auditenabled", "false"),
}


# What rules over a key: an automated rotation is none of it.
_ADMINISTERS = (
    key_store.ALLOW_EXPORT, key_store.BACKUP, key_store.EXPORT, key_store.POLICY, "destroy", "disable",
)
CREDENTIALS = tuple(sorted(name for name, hold in HOLDS.items() if hold is HOLDS["add service principal credentials"]))
FEDERATION = ("set domain authentication", "set federation settings on domain")


@dataclass(frozen=True)
class Proof:
    """A record that stands for others of its kind. `record`: its log, id, file and place."""

    record: str
    time: datetime
    count: int = 1


@dataclass(frozen=True)
class AuditChange:
    """A record that says that auditing was turned off or on. `of`: whose; empty for the tenant's."""

    operation: str
    of: str
    off: bool
    proof: Proof


@dataclass(frozen=True)
class KeyRecord:
    """A record of what was done to a key, or to the log of its uses. `operation`: a word of model.key_store."""

    operation: str
    key: str
    source: str
    proof: Proof


@dataclass(frozen=True)
class KeyActs:
    """What one principal did at keys, by record: used one, administered one; None for what nothing shows."""

    principal: str
    used: Proof | None
    administered: Proof | None


@dataclass(frozen=True)
class DirectoryChange:
    """A record of a change in the directory. `operation`: in lower case, without a dot at the end."""

    operation: str
    of: str
    proof: Proof


@dataclass(frozen=True)
class Part:
    """A part of a log: how many records, of how many with a token id, from when to when."""

    source: str
    kind: str
    leg: str
    records: int
    linked: int
    first: datetime
    last: datetime


@dataclass(frozen=True)
class Records:
    """What a case holds. `mail`: mailboxes whose reading was recorded. `throttled`: those whose log stopped.

    `keys`: keys that were let out, and logs of key use that were turned off. `acts`: who used and administered keys.
    `directory`: credentials of applications and federation settings that were changed.
    """

    case: str
    parts: tuple[Part, ...] = ()
    mail: Mapping[str, Proof] = field(default_factory=dict)
    throttled: Mapping[str, Proof] = field(default_factory=dict)
    changes: tuple[AuditChange, ...] = ()
    uses: tuple[KeyUse, ...] = ()
    keys: tuple[KeyRecord, ...] = ()
    acts: tuple[KeyActs, ...] = ()
    directory: tuple[DirectoryChange, ...] = ()

    def of(self, *sources: str) -> tuple[Part, ...]:
        """Return the parts of these logs."""
        return tuple(part for part in self.parts if part.source in sources)


_PLACE = """arg_min(source || ' ' || record_id || ' (' || coalesce(f.path, raw_file) || ', ' || raw_position || ')',
    event_time) AS record, min(event_time) AS at, count(*) AS records"""
_FROM = """FROM evidence LEFT JOIN (SELECT sha256, min(path) AS path FROM inputs GROUP BY sha256) f
    ON f.sha256 = raw_file"""


def read(case: Path) -> Records:
    """Return what the records of a case prove. Raises CaseError for a folder that is none, or was not judged."""
    folder = existing(case)
    with opened(folder, read_manifest(folder.manifest)) as con:
        parts = rows(con, _PARTS)
        mail, throttled = rows(con, _MAIL), rows(con, _THROTTLED)
        changes = rows(con, _CHANGES, [sorted(_OFF)])
        uses = rows(con, _USES)
        keys = rows(con, _KEYS, [[key_store.AUDIT_OFF, *key_store.TAKES]])
        acts = rows(con, _ACTS, [key_store.SIGN, [key_store.SIGN, *_ADMINISTERS]])
        directory = rows(con, _DIRECTORY, [sorted({*CREDENTIALS, *FEDERATION})])
    return Records(
        case=str(case),
        parts=tuple(
            Part(row["source"], row["kind"], row["leg"], row["records"], row["linked"], _utc(row["first"]),
                 _utc(row["last"]))
            for row in parts
        ),
        mail={row["mailbox"]: _proof(row) for row in mail},
        throttled={row["mailbox"]: _proof(row) for row in throttled},
        changes=tuple(change for row in changes for change in _change(row)),
        uses=tuple(
            KeyUse(row["key_id"], _utc(row["first"]),
                   None if row["life"] is None else timedelta(seconds=float(row["life"])), row["record"])
            for row in uses
        ),
        keys=tuple(KeyRecord(row["did"], row["key"], row["source"], _proof(row)) for row in keys),
        acts=tuple(_acts(acts)),
        directory=tuple(DirectoryChange(row["did"], row["object"], _proof(row)) for row in directory),
    )


_PARTS = """SELECT source, kind, leg, count(*) AS records, count(token_id) AS linked, min(event_time) AS first,
    max(event_time) AS last FROM evidence WHERE event_time IS NOT NULL GROUP BY ALL ORDER BY ALL"""
_MAIL = f"""SELECT coalesce(object_parent, object_id) AS mailbox, {_PLACE} {_FROM}
    WHERE operation = 'MailItemsAccessed' AND coalesce(object_parent, object_id) IS NOT NULL
    GROUP BY ALL ORDER BY mailbox LIMIT {MAX_ROWS}"""
_THROTTLED = f"""SELECT coalesce(object_parent, object_id) AS mailbox, {_PLACE} {_FROM}
    WHERE throttled AND coalesce(object_parent, object_id) IS NOT NULL
    GROUP BY ALL ORDER BY mailbox LIMIT {MAX_ROWS}"""
_CHANGES = f"""SELECT operation, event_time AS at, 1 AS records, extra, coalesce(object_id, '') AS object,
    source || ' ' || record_id || ' (' || coalesce(f.path, raw_file) || ', ' || raw_position || ')' AS record {_FROM}
    WHERE list_contains(?, lower(operation)) AND event_time IS NOT NULL
    ORDER BY event_time, record_id LIMIT {MAX_ROWS}"""
_USES = f"""SELECT key_id, min(coalesce(issued_at, event_time)) AS first,
    max(epoch(expires_at) - epoch(issued_at)) AS life,
    arg_min(source || ' ' || record_id, coalesce(issued_at, event_time)) AS record FROM evidence
    WHERE key_id IS NOT NULL AND leg IN ('issuance', 'secondary_issuance', 'acceptance')
      AND coalesce(issued_at, event_time) IS NOT NULL AND coalesce(outcome, '') NOT IN ('refused', 'failed')
    GROUP BY key_id ORDER BY key_id LIMIT {MAX_ROWS}"""  # noqa: S608  # our own texts

_DONE = "coalesce(outcome, '') NOT IN ('refused', 'failed', 'denied')"
_KEYS = f"""SELECT key_operation AS did, coalesce(key_id, object_id, '') AS key, source, {_PLACE} {_FROM}
    WHERE list_contains(?, key_operation) AND {_DONE} AND event_time IS NOT NULL
    GROUP BY ALL ORDER BY "at", did, key LIMIT {MAX_ROWS}"""
_ACTS = f"""SELECT coalesce(subject_name, subject_id) AS who, key_operation = ? AS used, {_PLACE} {_FROM}
    WHERE list_contains(?, key_operation) AND coalesce(subject_name, subject_id) IS NOT NULL AND {_DONE}
      AND event_time IS NOT NULL GROUP BY ALL ORDER BY who, used LIMIT {MAX_ROWS}"""
_DIRECTORY = f"""SELECT rtrim(lower(operation), '.') AS did, coalesce(object_id, '') AS object, {_PLACE} {_FROM}
    WHERE list_contains(?, rtrim(lower(operation), '.')) AND {_DONE} AND event_time IS NOT NULL
    GROUP BY ALL ORDER BY "at", did, object LIMIT {MAX_ROWS}"""


def _acts(found: Iterable[Mapping[str, Any]]) -> Iterable[KeyActs]:
    by: dict[str, dict[bool, Proof]] = {}
    for row in found:
        by.setdefault(str(row["who"]), {})[bool(row["used"])] = _proof(row)
    return [KeyActs(who, done.get(True), done.get(False)) for who, done in by.items()]


def _change(row: Mapping[str, Any]) -> Iterable[AuditChange]:
    name, value = _OFF[row["operation"].lower()]
    told = _parameters(row["extra"])
    if name in told:
        of = told.get("identity", row["object"]) if row["operation"].lower().startswith("set-mailbox") else ""
        yield AuditChange(row["operation"], of.lower(), told[name] == value, _proof(row))


def _parameters(extra: str | None) -> dict[str, str]:
    """Return the parameters of an administrator's command, names and values in lower case."""
    try:
        found = json.loads(json.loads(extra or "{}").get("Parameters", "[]"))
    except (ValueError, AttributeError, TypeError, RecursionError):
        return {}
    pairs = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    return {str(one.get("Name", "")).lower(): str(one.get("Value", "")).lower() for one in pairs}


def _proof(row: Mapping[str, Any]) -> Proof:
    return Proof(str(row["record"]), _utc(row["at"]), int(row["records"]))


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)


def span_days(parts: Iterable[Part]) -> float:
    """Return over how many days the records of these parts reach."""
    whole = list(parts)
    if not whole:
        return 0.0
    return (max(part.last for part in whole) - min(part.first for part in whole)).total_seconds() / DAY
