"""The text of a policy, in TOML, to tables with known fields; errors name line and field.

docs/reference/token-policy.md describes it. What the fields mean together is `policy`'s.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

import msgspec

from counterfoil.errors import PolicyError
from counterfoil.tokens.entitlement import KeyState
from counterfoil.tokens.flow import Binding, CounterfoilCheck, StatusCheck
from counterfoil.tokens.limits import MAX_POLICY_BYTES

SCHEMA = "counterfoil.token-policy/1"
_HINT = "docs/reference/token-policy.md lists every field"


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the file: unknown fields are refused."""


class _Limits(_Table, frozen=True, kw_only=True):
    """What keys may sign at most, beyond issuers and classes."""

    tenants: list[str] | None = None
    audiences: list[str] | None = None
    algorithms: list[str] | None = None
    sign_from: datetime | None = None
    sign_until: datetime | None = None


class KeyTable(_Limits, frozen=True, kw_only=True):
    """`[[keys.key]]`: less than the document's keys may, for one of them."""

    kid: str
    issuers: list[str] | None = None
    classes: list[str] | None = None
    state: KeyState = KeyState.CURRENT


class _DocumentTable(_Limits, frozen=True, kw_only=True):
    """One document of keys: a JWKS, or certificates in PEM."""

    file: str
    pinned: list[str] | None = None
    key: list[Any] = []


class KeysTable(_DocumentTable, frozen=True, kw_only=True):
    """`[[keys]]`: keys that sign tokens, and what they may sign at most."""

    classes: list[str]
    issuers: list[str] | None = None


class CountersignTable(_DocumentTable, frozen=True, kw_only=True):
    """`[[countersign]]`: keys that counter-sign, and for what."""

    issuers: list[str]
    classes: list[str] | None = None


class Missing(StrEnum):
    """What a verifier does with tokens while it has no block list that holds."""

    REFUSE = "refuse"
    ACCEPT = "accept"  # by what the last list said


class BlockListTable(_Table, frozen=True, kw_only=True):
    """`[blocklist]`: whose word blocks keys."""

    file: str
    issuers: list[str]
    pinned: list[str]
    missing: Missing = Missing.REFUSE


class FlowTable(_Table, frozen=True):
    """`[[flow]]`: what one place of the service accepts."""

    name: str
    token_class: str = msgspec.field(name="class")
    issuers: list[str]
    audiences: list[str] = []
    tenants: list[str] | None = None
    typ: list[str] | None = None
    claims: dict[str, list[str]] = {}
    required: list[str] = []
    max_lifetime: str = "1h"
    leeway: str = "60s"
    actors: list[str] = []
    actor_flow: str | None = None
    binding: Binding = Binding.OPTIONAL
    proof_age: str = "60s"
    renewal_issuers: list[str] = []
    status: StatusCheck = StatusCheck.OFF
    status_flow: str | None = None
    recipients: list[str] = []
    counterfoil: CounterfoilCheck = CounterfoilCheck.OFF


class _Document(_Table, frozen=True):
    policy: str = msgspec.field(name="schema")
    keys: list[Any]
    flow: list[Any]
    countersign: list[Any] = []
    blocklist: Any = None


T = TypeVar("T", bound=_Table)


@dataclass(frozen=True)
class Place:
    """Where a table stands: the name of the file, its text, the header of the table and how many of them precede it."""

    file: str
    lines: tuple[str, ...]
    header: str = ""
    index: int = 0
    parent: int = 0

    def inside(self, header: str, index: int) -> Place:
        """Return the place of a table further in."""
        return Place(self.file, self.lines, header, index, self.index)

    def error(self, field: str, problem: str, hint: str = "") -> PolicyError:
        """Return the error about a field of this table ("" for the table itself)."""
        name = f"{self.header} {self.index + 1}" if self.header else "the file"
        return PolicyError(
            f"{self.file}:{self.line(field)}: {name}{f', {field}' if field else ''}: {problem}", hint=hint or _HINT
        )

    def line(self, field: str) -> int:
        """Return the number of the line on which the field (or else the table) begins; 1 if it cannot be told."""
        start = self._start()
        for number, text in enumerate(self.lines[start:], start + 1):
            if number > start + 1 and text.lstrip().startswith("["):
                break
            if field and re.match(rf"\s*[\"']?{re.escape(field)}[\"']?\s*[.=]", text):
                return number
        return start + 1

    def _start(self) -> int:
        """Return how many lines precede the table's header."""
        outer = self.header.partition(".")[0]
        seen = {outer: -1, self.header: -1}
        for number, text in enumerate(self.lines):
            found = re.match(r"\s*\[\[?\s*([\w.]+)\s*\]\]?", text)
            if not found:
                continue
            name = found.group(1)
            if name == outer and outer != self.header:
                seen = {outer: seen[outer] + 1, self.header: -1}
            elif name in seen:
                seen[name] += 1
            wanted_outer = outer == self.header or seen[outer] == self.parent
            if name == self.header and wanted_outer and seen[self.header] == self.index:
                return number
        return 0


@dataclass(frozen=True)
class Tables:
    """The tables of a policy, each with its place."""

    keys: tuple[tuple[Place, KeysTable, tuple[tuple[Place, KeyTable], ...]], ...]
    flows: tuple[tuple[Place, FlowTable], ...]
    countersign: tuple[tuple[Place, CountersignTable, tuple[tuple[Place, KeyTable], ...]], ...] = ()
    blocklist: tuple[Place, BlockListTable] | None = None


def read(content: str | bytes, file: str) -> Tables:
    """Return the tables of a policy; raises PolicyError that names file, line and field."""
    try:
        text = content.decode() if isinstance(content, bytes) else content
    except UnicodeDecodeError as error:
        raise PolicyError(f"{file}: not UTF-8", hint="a token policy is TOML, which is UTF-8") from error
    place = Place(file, tuple(text.splitlines()))
    if len(text.encode("utf-8", "replace")) > MAX_POLICY_BYTES:
        raise place.error("", f"larger than {MAX_POLICY_BYTES} bytes")
    try:
        document = _table(_Document, tomllib.loads(text), place)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise _syntax(file, str(error)) from error
    if document.policy != SCHEMA:
        raise place.error("schema", f"expected {SCHEMA!r}, got {document.policy[:80]!r}")
    keys = tuple(_keys(KeysTable, "keys", document.keys, place))
    countersign = tuple(_keys(CountersignTable, "countersign", document.countersign, place))
    flows = tuple((at, _table(FlowTable, raw, at)) for at, raw in _inner("flow", document.flow, place))
    for name, known in (("keys", keys), ("flow", flows)):
        if not known:
            raise place.error(name, f"expected at least one [[{name}]]")
    blocklist = None
    if document.blocklist is not None:
        at = replace(place, header="blocklist")
        blocklist = at, _table(BlockListTable, document.blocklist, at)
    return Tables(keys, flows, countersign, blocklist)


K = TypeVar("K", KeysTable, CountersignTable)


def _keys(
    kind: type[K], header: str, tables: Sequence[Any], place: Place
) -> Iterator[tuple[Place, K, tuple[tuple[Place, KeyTable], ...]]]:
    for at, raw in _inner(header, tables, place):
        table = _table(kind, raw, at)
        inner = _inner(f"{header}.key", table.key, at)
        yield at, table, tuple((within, _table(KeyTable, one, within)) for within, one in inner)


def _inner(header: str, tables: Sequence[Any], place: Place) -> Iterator[tuple[Place, Any]]:
    for index, raw in enumerate(tables):
        yield place.inside(header, index), raw


def _syntax(file: str, told: str) -> PolicyError:
    found = re.search(r"\(at line (\d+), column (\d+)\)", told)
    where = f"{file}:{found.group(1)}" if found else file
    return PolicyError(f"{where}: no TOML: {told}", hint=_HINT)


def _table(kind: type[T], raw: Any, place: Place) -> T:
    """Return the table; a field that is unknown, missing or of another type is named with its line."""
    if isinstance(raw, dict):
        known = [field.encode_name for field in msgspec.structs.fields(kind)]
        for name in raw:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
                raise place.error(name, "unknown field", hint)
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        told, _, path = str(error).partition(" - at ")
        field = re.match(r"`\$\.?(\w+)?", path)
        missing = re.search(r"missing required field `(\w+)`", told)
        name = missing.group(1) if missing else (field.group(1) or "") if field else ""
        raise place.error(name, "missing" if missing else told[0].lower() + told[1:]) from error


_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(text: str) -> float:
    """Return a duration such as 90s, 15m or 1h; raises ValueError.

    >>> seconds("15m")
    900.0
    """
    found = re.fullmatch(r"(\d{1,6})([smhd])", text)
    if found is None:
        raise ValueError(f"{text[:40]!r} is no duration such as 90s, 15m or 1h")
    return float(int(found.group(1)) * _UNITS[found.group(2)])
