"""Small evidence rows for tests: one tenant, few people, times in minutes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from counterfoil.model.coverage import Declaration
from counterfoil.model.schema import TokenClass

from .reference import Settings

BASE = datetime.fromisoformat("2025-03-10T08:00:00")  # UTC, as everywhere in evidence
TENANT = "11111111-0000-0000-0000-000000000001"
OTHER_TENANT = "22222222-0000-0000-0000-000000000002"
ISSUER = f"entra:{TENANT}"
FARM = "adfs:sts.example.org"
KINDS = ("interactive", "non-interactive", "service-principal", "managed-identity")

Row = dict[str, Any]


def at(minutes: float) -> datetime:
    """Return a moment of the test's time line."""
    return BASE + timedelta(minutes=minutes)


def sign_in(minutes: float, token_id: str | None, subject: str | None = "alice", **more: Any) -> Row:
    """Return a successful interactive sign-in in the own tenant."""
    row: Row = {
        "leg": "issuance",
        "event_time": at(minutes),
        "source": "entra-signin",
        "kind": "interactive",
        "operation": "sign-in",
        "outcome": "success",
        "issuer": ISSUER,
        "token_class": TokenClass.USER,
        "token_id": token_id,
        "token_id_kind": None if token_id is None else "entra_uti",
        "subject_id": subject,
        "subject_name": None if subject is None else f"{subject}@example.com",
        "client_id": "outlook",
        "home_tenant": TENANT,
        "resource_tenant": TENANT,
        "incoming_token": "none",
        "ip": "198.51.100.7",
        "user_agent": "edge",
    }
    return row | more


def access(minutes: float, token_id: str | None, subject: str | None = "alice", **more: Any) -> Row:
    """Return a mailbox access by the owner with a delegated token."""
    row: Row = {
        "leg": "acceptance",
        "event_time": at(minutes),
        "source": "m365-ual",
        "kind": "exchange",
        "operation": "MailItemsAccessed",
        "outcome": "success",
        "issuer": ISSUER,
        "token_class": TokenClass.USER,
        "token_id": token_id,
        "token_id_kind": None if token_id is None else "entra_uti",
        "subject_id": subject,
        "client_id": "outlook",
        "resource": "exchange",
        "resource_tenant": TENANT,
        "ip": "198.51.100.7",
        "user_agent": "edge",
        "logon_type": "owner",
        "object_kind": "mailbox",
    }
    return row | more


def foreign(minutes: float, token_id: str | None, subject: str | None = "alice", **more: Any) -> Row:
    """Return an access from a client, network and agent that nobody else has."""
    return access(minutes, token_id, subject, client_id="rogue", ip="203.0.113.9", user_agent="curl") | more


def exchange(
    minutes: float, token_id: str | None, parents: Iterable[str], subject: str | None = "alice", **more: Any
) -> Row:
    """Return a secondary issuance: a token obtained with others."""
    row: Row = {
        "leg": "secondary_issuance",
        "event_time": at(minutes),
        "source": "m365-ual",
        "kind": "exchange",
        "operation": "GATFRTokenIssue",
        "outcome": "success",
        "issuer": ISSUER,
        "token_id": token_id,
        "token_id_kind": None if token_id is None else "entra_uti",
        "parent_token_ids": list(parents) or None,
        "subject_id": subject,
        "client_id": "outlook",
        "ip": "198.51.100.7",
        "user_agent": "edge",
    }
    return row | more


def assertion(minutes: float, subject: str | None = "alice", **more: Any) -> Row:
    """Return an assertion that the upstream farm issued."""
    row: Row = {
        "leg": "issuance",
        "event_time": at(minutes),
        "source": "adfs",
        "kind": "sts1",
        "operation": "1200",
        "outcome": "success",
        "issuer": FARM,
        "token_class": TokenClass.ASSERTION,
        "subject_id": subject,
    }
    return row | more


CLEARED: Row = {
    "source": "windows-security", "leg": "context", "operation": "1102", "object_kind": "event_log"
}


def federated_sign_in(minutes: float, token_id: str | None, subject: str = "alice", **more: Any) -> Row:
    """Return a sign-in that presented an assertion."""
    return sign_in(minutes, token_id, subject) | {"incoming_token": "saml11"} | more


SPAN = (-14400, -1500, 14400)  # first, some and last record of each log


def background() -> list[Row]:
    """Return others' sign-ins of each kind, from before everything until after it: so that each can be declared."""
    kinds: dict[str, Row] = {
        "int": {"subject_id": "zoe"},
        "non": {"subject_id": "zoe", "kind": "non-interactive"},
        "sp": {"subject_id": "some-app", "kind": "service-principal", "token_class": TokenClass.APPLICATION},
        "mi": {"subject_id": "some-vm", "kind": "managed-identity", "token_class": TokenClass.MANAGED_IDENTITY},
    }
    return [
        sign_in(minute, f"b-{name}-{minute}", None, **more) for minute in SPAN for name, more in sorted(kinds.items())
    ]


def farm_log(kind: str = "sts1") -> list[Row]:
    """Return assertions for others, from before everything until after it: so that the farm's host can be declared."""
    return [assertion(minute, "zoe", kind=kind) for minute in SPAN]


def complete(*kinds: str, **more: Any) -> Settings:
    """Declare these kinds of sign-in (all, if none is named) and both hosts' farm complete for twenty days."""
    span = (at(-14400), at(14400))
    declarations = [Declaration("entra-signin", kind, *span) for kind in kinds or KINDS]
    declarations.append(Declaration("adfs", "sts1", *span))
    values: dict[str, Any] = {
        "declarations": tuple(declarations),
        "exported_at": at(43200),
        "federated": {"example.com": FARM},
    }
    return Settings(**(values | more))


def numbered(rows: Iterable[Row]) -> list[Row]:
    """Give every row the identity that a record always has, where it has none."""
    return [
        {"record_id": f"r{number:02}", "fidelity": 0, "raw_file": "f", "raw_position": number + 1, **row}
        for number, row in enumerate(rows)
    ]
