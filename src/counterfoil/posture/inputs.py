"""What people name, sorted into issuers, key stores, services and tenants. What nothing recognises is told."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from counterfoil.errors import InputError, UsageError
from counterfoil.pipeline.inputs import find
from counterfoil.posture import key_sets, mailbox_status
from counterfoil.posture.documents import content, json_of, text_of
from counterfoil.posture.exports.registry import all_exports
from counterfoil.posture.imports.registry import all_imports
from counterfoil.posture.issuer import Issuer
from counterfoil.posture.joining import Subject, joined
from counterfoil.posture.matrix import kept
from counterfoil.posture.records import Records
from counterfoil.posture.service import Service, services
from counterfoil.posture.tenant import Application, FederatedDomain, ImportedRun, MailboxAudit, Tenant

# A scan of a large account, as one document.
MAX_FILE_BYTES = 512 << 20
MAX_FILES = 100_000


@dataclass(frozen=True)
class Unread:
    """A file that was not read, and why."""

    path: str
    why: str


@dataclass(frozen=True)
class Subjects:
    """What checks are asked of: `whole`, each of the type that a check reads; and the tenants among them."""

    whole: tuple[Subject, ...] = ()
    tenants: tuple[Tenant, ...] = ()
    unread: tuple[Unread, ...] = ()


@dataclass
class _Found:
    issuers: list[Issuer] = field(default_factory=list)
    exported: list[object] = field(default_factory=list)
    services: list[Service] = field(default_factory=list)
    documents: dict[Path, dict[Path, Any]] = field(default_factory=dict)
    imports: list[ImportedRun] = field(default_factory=list)
    mailboxes: list[MailboxAudit] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)


def read(named: Sequence[str], now: datetime, records: Records | None = None) -> Subjects:
    """Return the subjects of these files, folders and addresses. `now`: when addresses are asked.

    Raises UsageError for a name that means nothing, InputError for an address or a document that cannot be read, and
    where nothing at all was recognised.
    """
    found = _Found()
    for address in (name for name in named if "://" in name):
        found.issuers.append(key_sets.of_address(address, now))
    for name in (name for name in named if name.startswith(key_sets.GIT)):
        found.issuers.append(key_sets.of_git(name))
    paths = [name for name in named if "://" not in name and not name.startswith(key_sets.GIT)]
    for path in _files(paths):
        _sort(path, now, found)
    for folder, files in found.documents.items():
        found.issuers.append(key_sets.of_folder(folder, files))
    tenants = _tenants(found, records, now)
    exported = joined(found.exported, records, [result for run in found.imports for result in run.results])
    if not (found.issuers or exported or found.services or tenants):
        why = f"{found.unread[0].path}: {found.unread[0].why}" if found.unread else "nothing was named"
        raise InputError(f"nothing to check: {why}", hint="counterfoil posture --list says what checks read")
    issuers = _with_records(found.issuers, records)
    return Subjects((*issuers, *exported, *found.services, *tenants), tenants, tuple(found.unread))


def _files(paths: Sequence[str]) -> tuple[Path, ...]:
    files = find(paths) if paths else ()
    if len(files) > MAX_FILES:
        raise UsageError(f"more than {MAX_FILES:,} files", hint="name a smaller folder")
    return files


def _sort(path: Path, now: datetime, found: _Found) -> None:
    if path.suffix == ".headers":
        return  # read with the key set that it lies beside
    try:
        raw = content(path, MAX_FILE_BYTES)
    except InputError as error:  # one file among many, and not known to be of any use
        found.unread.append(Unread(str(path), str(error).removeprefix(f"{path}: ")))
        return
    if path.suffix.lower() == ".csv":
        text = text_of(raw).decode("utf-8", "replace")
        if mailbox_status.fits(mailbox_status.columns(text)):
            found.mailboxes += mailbox_status.read(text, str(path))
        else:
            found.unread.append(Unread(str(path), "a CSV that no check reads"))
        return
    _recognise(_toml(raw) if path.suffix.lower() == ".toml" else json_of(raw), raw, path, now, found)


def _recognise(document: Any, raw: bytes, path: Path, now: datetime, found: _Found) -> None:
    if kept.fits(document):
        found.services += services(kept.parsed(document, str(path)))
        return
    for export in all_exports():  # before key sets: custody's inventory has a list of keys, too
        if export.fits(document):
            found.exported += export.read(document, str(path), now)
            return
    if key_sets.is_key_set(document) or key_sets.is_metadata(document):
        found.documents.setdefault(path.parent, {})[path] = key_sets.parsed(text_of(raw), str(path))
        return
    for known in all_imports():
        if known.fits(document):
            found.imports.append(known.read(document, str(path)))
            return
    form = "TOML" if path.suffix.lower() == ".toml" else "JSON"
    found.unread.append(Unread(str(path), f"no {form}" if document is None else f"{form} that no check reads"))


def _toml(raw: bytes) -> Any:
    try:
        return tomllib.loads(text_of(raw).decode())
    except (tomllib.TOMLDecodeError, UnicodeError, RecursionError):
        return None


def _tenants(found: _Found, records: Records | None, now: datetime) -> tuple[Tenant, ...]:
    """Return the tenants: one for each that scans name; exports and records are of the first."""
    names = list(dict.fromkeys(run.tenant for run in found.imports if run.tenant)) or ["tenant"]
    applications = [one for one in found.exported if isinstance(one, Application)]
    domains = [one for one in found.exported if isinstance(one, FederatedDomain)]
    exported = applications or domains or found.mailboxes
    if not found.imports and not exported and not _of_tenant(records):
        return ()
    first, *others = (Tenant(name, tuple(run for run in found.imports if run.tenant == name)) for name in names)
    unnamed = tuple(run for run in found.imports if not run.tenant)
    own = replace(
        first, imports=(*first.imports, *unnamed), mailboxes=tuple(found.mailboxes), records=records,
        applications=tuple(applications) or None, domains=tuple(domains) or None, read=now,
    )
    return (own, *others)


def _of_tenant(records: Records | None) -> bool:
    return records is not None and any(
        part.source.startswith(("m365-", "entra-", "graph-", "defender-")) for part in records.parts
    )


def _with_records(issuers: Iterable[Issuer], records: Records | None) -> tuple[Issuer, ...]:
    """Return the issuers, each with what records show of its keys, and with the keys of the others."""
    whole = list(issuers)
    joined = []
    for one in whole:
        kids = {key.kid for key in one.keys}
        uses = tuple(use for use in records.uses if use.kid in kids) if records else ()
        others = tuple((other.name, key) for other in whole if other is not one for key in other.keys)
        joined.append(replace(one, uses=uses, others=others))
    return tuple(joined)
