"""Joins what exports say of key stores, their logs and federation servers with what the records of a case show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from counterfoil.model import key_store
from counterfoil.posture.federation_server import FederationServer
from counterfoil.posture.imports.scan import USE_LOG
from counterfoil.posture.key_access import KeyAccess
from counterfoil.posture.key_store import BackEnd, KeyStore
from counterfoil.posture.key_use_log import KeyUseLog
from counterfoil.posture.records import Records
from counterfoil.posture.tenant import ImportedResult

NOTHING = Records("")
# Logs of key use that are known without an export: by their records in a case, or by a scan.
_LOGS = ("aws-cloudtrail", "google-audit", "vault-audit", "counterfoil-custody")
# Where events of a farm's servers stand: those of AD FS, and those of Windows beside them.
_ADFS, _BESIDE = "adfs", "windows-security"


class Subject(Protocol):
    """What checks are asked of: it has a name, and the type that a check reads."""

    @property
    def name(self) -> str:
        """What reports call it."""


def joined(
    exported: Iterable[object], records: Records | None, results: Sequence[ImportedResult]
) -> tuple[Subject, ...]:
    """Return the subjects of exports, each with its records and what other scanners say of it."""
    whole, known = list(exported), records or NOTHING
    back_ends = {one.folder: one.hardware for one in whole if isinstance(one, BackEnd)}
    stores = [_store(one, known, back_ends) for one in whole if isinstance(one, KeyStore)]
    access = [replace(one, acts=known.acts) for one in whole if isinstance(one, KeyAccess)]
    logs = [_log(one, known, results) for one in [*_of(whole), *_recorded(whole, known, results)]]
    return (*stores, *access, *logs, *_farms(whole, known))


def _store(one: KeyStore, known: Records, back_ends: Mapping[str, bool | None]) -> KeyStore:
    """Return a store with its records, and with where its keys lie if what stands beside its export says so."""
    lies = back_ends.get(str(Path(one.name).parent))
    keys = tuple(replace(key, hardware=lies) if key.hardware is None else key for key in one.keys)
    return replace(one, keys=keys, records=one.of(known.keys))


def _of(whole: Iterable[object]) -> Iterator[KeyUseLog]:
    yield from (one for one in whole if isinstance(one, KeyUseLog))


def _recorded(
    whole: Iterable[object], known: Records, results: Sequence[ImportedResult]
) -> Iterator[KeyUseLog]:
    """Yield the logs of which there are records or results of scanners, and no export."""
    told = {one.log for one in _of(whole)}
    for name in _LOGS:
        recorded = bool(known.of(name)) or any(one.source == name for one in known.keys)
        if name not in told and (recorded or any(result.topic == f"{USE_LOG} {name}" for result in results)):
            yield KeyUseLog(f"{name} of {known.case}" if recorded else name, name, None)


def _log(one: KeyUseLog, known: Records, results: Sequence[ImportedResult]) -> KeyUseLog:
    return replace(
        one, parts=tuple(part for part in known.of(one.log) if part.leg == "key_use"),
        off=tuple(each for each in known.keys if each.source == one.log and each.operation == key_store.AUDIT_OFF),
        results=tuple(result for result in results if result.topic == f"{USE_LOG} {one.log}"),
    )


def _farms(whole: Iterable[object], known: Records) -> Iterator[FederationServer]:
    """Yield each server with the farm's access list and records; the list alone where no server's settings are."""
    servers = [one for one in whole if isinstance(one, FederationServer)]
    readers = [one.readers for one in servers if one.readers is not None]
    logs = (_ADFS, _BESIDE) if known.of(_ADFS) else ()
    off = tuple(each for each in known.keys if each.source in logs and each.operation == key_store.AUDIT_OFF)
    named = [one for one in servers if one.audit or one.log is not None] or servers[:1]
    for one in named:
        held = tuple(dict.fromkeys(name for listed in readers for name in listed)) if readers else None
        yield replace(one, readers=held, off=off)
