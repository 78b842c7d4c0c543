"""Small tables for rules: only the columns that rules look at, with values that nothing is odd about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from counterfoil.case.engine import engine
from counterfoil.case.tables import Tables as Kept
from counterfoil.detect.rule import FIRST_USES, NETWORKS, SIGN_IN_PLACES, Rule, Tables
from counterfoil.model import schema
from counterfoil.reconcile.engine import Engine
from counterfoil.reconcile.shapes import DIAGNOSED
from counterfoil.sources.registry import logs

Row = Mapping[str, Any]

TENANT = "11111111-0000-0000-0000-000000000001"
DAY = 86_400


def at(text: str) -> int:
    """Return the seconds since 1970 of a UTC time."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


THEN = datetime.fromisoformat("2025-09-20T08:00:00")  # evidence is naive UTC
NOW = at("2025-09-20T08:00:00")

_TOKEN = {
    "token_key": ("string", "t"), "token_id": ("string", None), "verdict": ("string", "uncovered"),
    "reason": ("string", "not-declared"), "subject": ("string", "alice"),
    "subject_name": ("string", "alice@example.com"),
    "identified": ("boolean", True), "derived": ("string", ""), "silent": ("boolean", False),
    "of_service": ("boolean", False), "explained": ("boolean", False), "route": ("boolean", False),
    "relied": ("boolean", True), "missed": ("boolean", False),
    "outside_life": ("boolean", False), "law_broken": ("boolean", False), "token_tenant": ("string", None),
    "resource_tenant": ("string", TENANT), "issuer": ("string", f"entra:{TENANT}"), "client_id": ("string", "outlook"),
    "resource": ("string", "exchange"), "ip": ("string", "198.51.100.7"), "network": ("string", "198.51.100.0/24"),
    "user_agent": ("string", "edge"), "key_id": ("string", None), "t_issued": ("int64", None),
    "t_first": ("int64", NOW), "t_last": ("int64", NOW), "object_kind": ("string", "mailbox"),
    "object_id": ("string", "box"), "object_parent": ("string", None), "token_class": ("string", "user"),
    "is_user": ("boolean", True), "has_id": ("boolean", False), "kind": ("string", "exchange"),
    "operation": ("string", "MailItemsAccessed"), "source": ("string", "m365-ual"), "failed": ("boolean", False),
    "signing_input_digest": ("string", None), "record_id": ("string", "r1"),
}
# What a record says unless a case says otherwise; all else is NULL.
_USUAL = {
    "event_time": THEN, "subject_name": "alice@example.com", "client_id": "outlook", "ip": "198.51.100.7",
    "object_kind": "mailbox", "object_id": "box", "resource_tenant": TENANT, "operation": "MailItemsAccessed",
    "leg": "acceptance", "outcome": "success", "issuer": f"entra:{TENANT}", "user_agent": "edge", "source": "m365-ual",
    "kind": "exchange", "record_id": "r1",
}
_RECORD = {column.name: (column.dtype, _USUAL.get(column.name)) for column in schema.EVIDENCE}
_FIRST_USE = {name: (_RECORD[name][0], _USUAL[name]) for name in FIRST_USES.columns}
_NETWORK = {"ip": ("string", "198.51.100.7"), "asn": ("int64", 64496), "name": ("string", "Example"),
            "hosting": ("boolean", False)}
_SIGN_IN_PLACE = {"subject": ("string", "alice"), "ip": ("string", "198.51.100.7")}
# A rule that passes here finds its columns in a hunt, too.
assert _TOKEN.keys() <= set(DIAGNOSED.columns) and tuple(_SIGN_IN_PLACE) == SIGN_IN_PLACES.columns
assert {name: dtype for name, (dtype, _) in _NETWORK.items()} == NETWORKS


@contextmanager
def opened(work: Path) -> Iterator[Kept]:
    """Yield an engine for small tables."""
    with engine(work, memory="600MB", threads=1) as con:
        yield Kept(con, work / "piles")


def _table(kept: Engine, name: str, columns: Mapping[str, tuple[str, Any]], rows: Iterable[Row]) -> Any:
    values = []
    for row in rows:
        unknown = row.keys() - columns.keys()
        assert not unknown, f"{name} has no {unknown}"
        values.append([row.get(column, usual) for column, (_, usual) in columns.items()])
    return kept.given(name, {column: dtype for column, (dtype, _) in columns.items()}, values)


def found(
    kept: Engine, rule: Rule, suspects: Iterable[Row], *, tokens: Iterable[Row] = (), acceptances: Iterable[Row] = (),
    issued: Iterable[Row] = (), records: Iterable[Row] = (), networks: Iterable[Row] = (),
) -> set[str]:
    """Return the keys of the tokens for which the rule holds; `tokens` are judged ones beside the suspects."""
    suspects = list(suspects)
    tables = Tables(
        suspects=_table(kept, "given_suspects", _TOKEN, [row for row in suspects if not row.get("silent")]),
        tokens=_table(kept, "given_tokens", _TOKEN, [*suspects, *tokens]),
        acceptances=_table(kept, "given_acceptances", _FIRST_USE, acceptances),
        issued=_table(kept, "given_issued", _SIGN_IN_PLACE, issued),
        records=_table(kept, "given_records", _RECORD, records),
        networks=_table(kept, "given_networks", _NETWORK, networks),
        logs=logs(),
    )
    return {row["token_key"] for row in kept.rows(rule.find(tables).distinct())}
