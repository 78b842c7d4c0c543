"""Small evidence rows of an issuer that keeps its own ledger: what was minted, received, signed in custody."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from counterfoil.model.counterfoil import CUSTODY_LOG, ISSUER_LOG, LEDGER_LOG
from counterfoil.model.coverage import AttestedLog, Declaration
from counterfoil.model.receipt import RECEIPTS_LOG

from .reference import Settings
from .rows import Row, at

OWN = "https://login.example"
LEDGER, CUSTODY, OWN_LOG = "login.example/ledger", "login.example/custody", "login.example/tokens"
KEY = "k1"
FIRST, LAST = -14400, 14400  # minutes: the first and last entry of each log


def pseudonym(name: str, key: str = "a") -> str:
    """Return a pseudonym of this person under the key of this id."""
    return f"ps1:{key}:{hashlib.sha256(f'{key}/{name}'.encode()).hexdigest()[:32]}"


def digest_of(token_id: str | None, which: str = "") -> str:
    """Return a digest of the token with this id; `which` tells tokens of one id apart."""
    return hashlib.sha256(f"{token_id}/{which}".encode()).hexdigest()


def minted(minutes: float, token_id: str, subject: str = "alice", **more: Any) -> Row:
    """Return an entry of the ledger."""
    row: Row = {
        "leg": "issuance",
        "event_time": at(minutes),
        "issued_at": at(minutes),
        "source": LEDGER_LOG,
        "kind": LEDGER,
        "operation": "authorization_code",
        "outcome": "success",
        "issuer": OWN,
        "token_id": token_id,
        "token_id_kind": "jti",
        "signing_input_digest": digest_of(token_id),
        "key_id": KEY,
        "subject_id": pseudonym(subject),
        "client_id": "shop",
        "resource": "api://mail",
    }
    return row | more


def told(minutes: float, token_id: str | None, **more: Any) -> Row:
    """Return a line of an issuer's own log: no ledger, and no digest unless one is given."""
    bare = {"signing_input_digest": None, "issued_at": None, "key_id": None, "subject_id": None}
    named = {"token_id": token_id, "token_id_kind": None if token_id is None else "jti"}
    return minted(minutes, "") | {"source": ISSUER_LOG, "kind": OWN_LOG} | bare | named | more


def own_log(**more: Any) -> list[Row]:
    """Return others' tokens, from before everything until after it, in an issuer's own log."""
    return [told(minute, f"own{minute}", **more) for minute in (FIRST, LAST)]


def renewed(minutes: float, token_id: str, parents: Iterable[str], subject: str = "alice", **more: Any) -> Row:
    """Return an entry of the ledger for a token that was obtained with others."""
    row = minted(minutes, token_id, subject) | {"leg": "secondary_issuance", "operation": "token_exchange"}
    return row | {"parent_token_ids": list(parents)} | more


def received(minutes: float, token_id: str | None, subject: str = "alice", age: float = 5, **more: Any) -> Row:
    """Return a receipt of a token that was issued `age` minutes ago, by its own words."""
    row: Row = {
        "leg": "acceptance",
        "event_time": at(minutes),
        "issued_at": at(minutes) - timedelta(minutes=age),
        "source": RECEIPTS_LOG,
        "kind": "mail-api",
        "operation": "GET",
        "outcome": "success",
        "issuer": OWN,
        "token_id": token_id,
        "token_id_kind": None if token_id is None else "jti",
        "signing_input_digest": digest_of(token_id),
        "key_id": KEY,
        "subject_id": pseudonym(subject),
        "client_id": "shop",
        "resource": "api://mail",
        "ip": "198.51.100.7",
        "user_agent": "edge",
        "object_kind": "api",
        "extra": json.dumps({"signature": "verified"}),
    }
    return row | more


def key_used(minutes: float, digest: str | None, **more: Any) -> Row:
    """Return a signature that custody made."""
    row: Row = {
        "leg": "key_use",
        "event_time": at(minutes),
        "source": CUSTODY_LOG,
        "kind": CUSTODY,
        "operation": "sign",
        "key_operation": "sign",
        "outcome": "success",
        "key_id": KEY,
        "signing_input_digest": digest,
    }
    return row | more


def signed(row: Row) -> list[Row]:
    """Return an entry of the ledger with the key use that made its token."""
    minutes = (row["event_time"] - at(0)) / timedelta(minutes=1)
    return [row, key_used(minutes, row["signing_input_digest"], key_id=row["key_id"])]


def own_logs() -> list[Row]:
    """Return others' tokens, from before everything until after it: so that both logs can be relied on."""
    entries = [minted(minute, f"own{minute}", "zoe") for minute in (FIRST, LAST)]
    return [row for entry in entries for row in signed(entry)]


def verified(log: str = LEDGER_LOG, **more: Any) -> AttestedLog:
    """Return what a check has shown of a log that is in order."""
    origin = LEDGER if log == LEDGER_LOG else CUSTODY
    values: dict[str, Any] = {"log": log, "origin": origin, "status": "attested", "reason": "", "entries": 2}
    return AttestedLog(**(values | more))


def attested(*logs: str, **more: Any) -> Settings:
    """Return settings under which these logs (the ledger alone, if none is named) are attested."""
    return Settings(attested=tuple(map(verified, logs or (LEDGER_LOG,))), **more)


def declared(*logs: str) -> Settings:
    """Return settings under which these logs (both, if none is named) are declared complete."""
    origins = {LEDGER_LOG: LEDGER, CUSTODY_LOG: CUSTODY, ISSUER_LOG: OWN_LOG}
    return Settings(tuple(Declaration(log, origins[log]) for log in logs or BOTH))


BOTH = (LEDGER_LOG, CUSTODY_LOG)
