"""What is to be asked, by whom and of whom: a TOML file, as values. docs/matrix.md describes it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from counterfoil.errors import UsageError
from counterfoil.posture.documents import content
from counterfoil.posture.matrix import keys
from counterfoil.posture.matrix.keys import TestKey
from counterfoil.relying.http import Endpoint
from counterfoil.respond.probe import Canary
from counterfoil.tokens.entitlement import GUID, TENANT_PLACE

SCHEMA = "counterfoil.matrix/1"
MAX_PLAN_BYTES = 1024 * 1024
MAX_NAMED = 50  # parties, keys, issuers, tenants: each
MAX_PAUSE_SECONDS, MAX_CACHE_MINUTES = 60.0, 7 * 24 * 60.0
# Classes of tokens that are taken for one another; those of tokens.flow that a canary can be.
CLASSES = ("access", "entra-access", "id")
METHODS = ("GET", "POST")
_FUNCTION = re.compile(r"(?P<file>[^:]+\.py):(?P<name>[A-Za-z_]\w*)")
_HINT = "docs/matrix.md lists every field"


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the file: unknown fields are refused."""


class _KeyTable(_Table, frozen=True, kw_only=True):
    name: str
    private: str
    kid: str = ""
    algorithm: str = ""
    left: datetime | None = None
    was: str = ""


class _PartyTable(_Table, frozen=True, kw_only=True):
    name: str
    audience: str
    url: str = ""
    method: str = "GET"
    function: str = ""
    flow: str | None = None
    renewal: bool = False
    claims: dict[str, Any] = {}
    cache_minutes: float = 0.0


class _PlanTable(_Table, frozen=True, kw_only=True):
    schema: str
    policy: str
    block_list: str = ""
    issuers: list[str]
    classes: tuple[str, ...] = ("access", "id")
    tenants: list[str] = []
    pause_seconds: float = 0.5
    key: list[_KeyTable]
    party: list[_PartyTable]


@dataclass(frozen=True)
class Party:
    """A relying party: an address, or a function of Python that verifies. `flow`: of the policy; None: its only one.

    `renewal`: it renews or exchanges tokens. `cache`: for how many seconds it may go on with keys that have left.
    `shape`: audience and claims of its tokens, by which they grant nothing.
    """

    name: str
    shape: Canary
    url: str = ""
    method: str = "GET"
    file: Path | None = None
    function: str = ""
    flow: str | None = None
    renewal: bool = False
    cache: float = 0.0

    @property
    def place(self) -> str:
        """Where it is asked."""
        return self.url or f"{self.file}:{self.function}"


@dataclass(frozen=True)
class Plan:
    """A matrix. `policy`, `block_list`: files that say what is declared. `pause`: seconds between two requests."""

    policy: Path
    block_list: Path | None
    issuers: tuple[str, ...]
    classes: tuple[str, ...]
    tenants: tuple[str, ...]
    keys: tuple[TestKey, ...] = field(repr=False)
    parties: tuple[Party, ...]
    pause: float = 0.5


def read(path: Path) -> Plan:
    """Return the plan of a file; raises InputError for one that cannot be read, UsageError for one that is none."""
    try:
        told = msgspec.convert(tomllib.loads(content(path, MAX_PLAN_BYTES).decode()), _PlanTable)
        if told.schema != SCHEMA:
            raise UsageError(f"{path}: expected schema = {SCHEMA!r}, got {told.schema[:80]!r}", hint=_HINT)
    except (msgspec.ValidationError, tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{path}: {error}", hint=_HINT) from error
    _check(told, path)
    return Plan(
        policy=path.parent / told.policy, block_list=path.parent / told.block_list if told.block_list else None,
        issuers=tuple(told.issuers), classes=told.classes, tenants=tuple(told.tenants),
        keys=tuple(_key(table, path) for table in told.key),
        parties=tuple(_party(table, path) for table in told.party), pause=told.pause_seconds,
    )


def _check(told: _PlanTable, path: Path) -> None:
    named: Mapping[str, Sequence[str]] = {
        "key": [key.name for key in told.key], "party": [party.name for party in told.party],
        "issuers": told.issuers, "classes": told.classes, "tenants": told.tenants,
    }
    for name, values in named.items():
        if (name != "tenants" and not values) or len(values) > MAX_NAMED or len(set(values)) < len(values):
            raise UsageError(f"{path}: {name}: expected 1 to {MAX_NAMED}, each once", hint=_HINT)
    if unknown := sorted(set(told.classes) - set(CLASSES)):
        raise UsageError(f"{path}: classes: {unknown[0][:80]!r} is unknown", hint=f"known: {', '.join(CLASSES)}")
    for tenant in told.tenants:
        if not GUID.fullmatch(tenant):
            raise UsageError(f"{path}: tenants: {tenant[:80]!r} is not a GUID in lower case", hint=_HINT)
    if not told.tenants and any(TENANT_PLACE in issuer for issuer in told.issuers):
        raise UsageError(f"{path}: an issuer has {TENANT_PLACE}, and tenants is empty", hint=_HINT)
    if not 0 <= told.pause_seconds <= MAX_PAUSE_SECONDS:
        raise UsageError(f"{path}: pause_seconds: expected 0 to {MAX_PAUSE_SECONDS:g}", hint=_HINT)
    for key in told.key:
        if bool(key.was) != (key.left is not None) or (key.was and key.was not in named["key"]):
            raise UsageError(f"{path}: key {key.name[:80]!r}: left needs was, the name of the key that it was as good "
                             "as, and was needs left", hint=_HINT)


def _key(table: _KeyTable, path: Path) -> TestKey:
    made = keys.read(path.parent / table.private, table.name, table.kid, table.algorithm)
    if table.left is None:
        return made
    left = table.left.replace(tzinfo=UTC) if table.left.tzinfo is None else table.left
    return keys.departed(made, left, table.was)


def _party(table: _PartyTable, path: Path) -> Party:
    where = f"{path}: party {table.name[:80]!r}"
    found = _FUNCTION.fullmatch(table.function)
    if bool(table.url) == bool(table.function) or (table.function and found is None):
        raise UsageError(f"{where}: expected url, or function = \"FILE.py:NAME\"", hint=_HINT)
    if table.method not in METHODS:
        raise UsageError(f"{where}: method: expected one of {', '.join(METHODS)}", hint=_HINT)
    if not 0 <= table.cache_minutes <= MAX_CACHE_MINUTES:
        raise UsageError(f"{where}: cache_minutes: expected 0 to {MAX_CACHE_MINUTES:g}", hint=_HINT)
    if table.url:
        Endpoint(table.url, allow_local=True)
    return Party(
        name=table.name, shape=Canary("", table.audience, claims=table.claims), url=table.url, method=table.method,
        file=path.parent / found["file"] if found else None, function=found["name"] if found else "", flow=table.flow,
        renewal=table.renewal, cache=60 * table.cache_minutes,
    )
