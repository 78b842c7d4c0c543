"""What the commands of a response do with a case: the runbook, its journal, the verdict, and what to revoke."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from counterfoil.case.folder import CaseFolder, existing
from counterfoil.case.manifest import read_manifest
from counterfoil.case.results import opened, rows
from counterfoil.errors import UsageError
from counterfoil.investigate.messages import claims
from counterfoil.investigate.summary import summary
from counterfoil.mint.ledger import decode
from counterfoil.model.counterfoil import CANARY, ISSUER_LOG, LEDGER_LOG
from counterfoil.model.schema import Leg
from counterfoil.model.verdict import FAIL_ON_DEFAULT
from counterfoil.respond import after as evidence
from counterfoil.respond import evicted, journal, statement
from counterfoil.respond.after import AskedAfter, after, dead_keys, victims
from counterfoil.respond.evicted import PartySaid
from counterfoil.respond.journal import Entry
from counterfoil.respond.plan import CaseFacts, Runbook, runbook
from counterfoil.respond.probe import Measured, Probed, Said, measured
from counterfoil.respond.selection import Asked, IssuedToken, selected
from counterfoil.tlog.stored import Stored
from counterfoil.tokens.revoked import TokenName

# Subjects and applications that a runbook takes in.
MAX_SUBJECTS = 1_000
# Sources whose presence in a case makes it one of that vendor's.
_VENDOR_SOURCES = {"entra": ("entra-", "m365-", "graph-"), "aws": ("aws-",), "keycloak": ("keycloak-",)}


@contextmanager
def _results(case: Path) -> Iterator[tuple[CaseFolder, duckdb.DuckDBPyConnection]]:
    folder = existing(case)
    with opened(folder, read_manifest(folder.manifest)) as con:
        yield folder, con


def plan(case: Path, at: datetime, vendors: Iterable[str] = ()) -> Runbook:
    """Return the runbook of a judged case. `vendors`: besides those whose logs are in it. Raises UsageError."""
    with _results(case) as (folder, con):
        return runbook(_facts(con, case, at, frozenset(vendors)), journal.read(folder))


def _facts(con: duckdb.DuckDBPyConnection, case: Path, at: datetime, vendors: frozenset[str]) -> CaseFacts:
    known = claims(con)
    told = [rule for rule, claim in known.items() if claim in FAIL_ON_DEFAULT] or list(known)
    found = rows(con, _INTRUSION, [told])[0]
    if not found["tokens"]:
        raise UsageError(evidence.NOTHING, hint="a runbook is made from findings: counterfoil hunt PATH... --case DIR")
    sources = [row["source"] for row in rows(con, "SELECT DISTINCT source FROM evidence")]
    seen = {vendor for vendor, begins in _VENDOR_SOURCES.items() if any(name.startswith(begins) for name in sources)}
    return CaseFacts(
        case=str(case), made=_naive(at), first=found["first"], last=found["last"], tokens=found["tokens"],
        findings=tuple(row["id"] for row in rows(con, "SELECT id FROM findings")),
        keys=dead_keys(con), clients=tuple(found["clients"] or ())[:MAX_SUBJECTS],
        subjects=tuple(row["name"] or row["subject"] for row in victims(con, MAX_SUBJECTS)),
        subject_count=found["subjects"], own=any(name in (LEDGER_LOG, ISSUER_LOG) for name in sources),
        vendors=tuple(sorted(seen | vendors)),
    )


_INTRUSION = """SELECT count(*) AS tokens, min(first_seen) AS first, max(last_seen) AS last,
    count(DISTINCT subject) AS subjects, list(DISTINCT client_id ORDER BY client_id) FILTER (client_id IS NOT NULL)
    AS clients FROM tokens WHERE list_contains(?, group_rule)"""


def done(
    case: Path, step: str, at: datetime, who: str = "", note: str = "", told: Mapping[str, str] | None = None
) -> None:
    """Write into the journal that a step was done. Raises CaseError."""
    journal.add(existing(case), [Entry(time=at, step=step, who=who, note=note, told=dict(told or {}))])


def verify(
    case: Path, since: datetime | None, until: datetime, at: datetime, *, keys: tuple[str, ...] = (),
    refresh_life: timedelta = evicted.REFRESH_LIFE, access_life: timedelta = evicted.ACCESS_LIFE,
) -> dict[str, Any]:
    """Judge whether the intruder is out, write it into the journal, and return the statement. Times are aware UTC.

    `since`: when the block held; None: what the journal says of the step `block`. Raises UsageError, CaseError.
    """
    with _results(case) as (folder, con):
        entries = journal.read(folder)
        began = since or _blocked_at(entries)
        if until <= began:
            raise UsageError("--until is not after the block", hint="give the time until which logs were exported")
        revoked = journal.last((each for each in entries if each.time >= began), "revoke")
        asked = AskedAfter(
            since=_naive(began), until=_naive(until), keys=keys, parties=_parties(entries, began),
            looked_at=_targets(entries, "persistence"), not_his=_targets(entries, "traits"),
            revoked=None if revoked is None else _naive(revoked.time),
            refresh_life=refresh_life, access_life=access_life,
        )
        blocked = keys or dead_keys(con)
        found = after(con, replace(asked, keys=blocked), summary(con, str(case)).lost_acceptances)
        told = statement.statement(evicted.judge(found), found, blocked, folder.manifest, at, entries)
        journal.add(folder, [statement.entry(told, at)])
        return told


def _targets(entries: Iterable[Entry], step: str) -> frozenset[str]:
    """Return what somebody looked at; "*" for all."""
    return frozenset(each.told.get("target", "*") for each in entries if each.step == step)


def _blocked_at(entries: Iterable[Entry]) -> datetime:
    found = journal.last(entries, "block")
    if found is None:
        raise UsageError("nobody says when the key was blocked", hint="--since TIME, or counterfoil respond done block")
    return found.time


PROBE = "probe"


def keep_probes(case: Path, probes: Iterable[Probed]) -> None:
    """Write probes into the journal."""
    journal.add(existing(case), [
        Entry(time=datetime.fromtimestamp(each.time, UTC), step=PROBE,
              told={"party": each.party, "said": str(each.said), "why": each.why})
        for each in probes
    ])


def probed(case: Path, since: datetime) -> tuple[Measured, ...]:
    """Return what the journal's probes say of each party since a block."""
    return _measured(journal.read(existing(case)), since)


def _measured(entries: Iterable[Entry], since: datetime) -> tuple[Measured, ...]:
    probes = (
        Probed(each.told["party"], each.time.timestamp(), Said(each.told["said"]), each.told.get("why", ""))
        for each in entries if each.step == PROBE and "party" in each.told
    )
    return measured(probes, since.timestamp())


def _parties(entries: Iterable[Entry], since: datetime) -> tuple[PartySaid, ...]:
    return tuple(
        PartySaid(each.party, each.said is Said.ACCEPTS, each.said is Said.BLOCKED, each.why)
        for each in _measured(entries, since)
    )


def of_ledger(ledger: Stored, asked: Asked) -> tuple[TokenName, ...]:
    """Return the names of tokens in a ledger, which is verified on the way. Raises LogTamperedError, UsageError."""
    found: list[IssuedToken] = []

    def visit(index: int, raw: bytes) -> None:
        stub = decode(raw, index)
        found.append(IssuedToken(
            TokenName(iss=stub.iss, jti=stub.jti, digest=stub.digest, exp=int(stub.exp.timestamp())), stub.iat,
            stub.kid, stub.subject, stub.client, stub.sid, stub.parents, canary=stub.policy == CANARY,
        ))

    ledger.verified(visit)
    return selected(found, asked)


def of_case(case: Path, asked: Asked) -> tuple[TokenName, ...]:
    """Return the names of tokens that any issuer's log in a case tells of. Raises UsageError, CaseError."""
    with _results(case) as (_, con):
        return selected([_issued(row) for row in rows(con, _ISSUED)], asked)


_ISSUED = f"""SELECT issuer, token_id, signing_input_digest AS digest, expires_at, coalesce(issued_at, event_time) AS
issued, key_id, coalesce(subject_id, subject_name) AS subject, client_id, session_id, parent_token_ids AS parents,
json_extract_string(extra, '$.policy') AS policy FROM evidence
WHERE leg IN ('{Leg.ISSUANCE}', '{Leg.SECONDARY_ISSUANCE}') AND outcome = 'success'
AND ((issuer IS NOT NULL AND token_id IS NOT NULL) OR signing_input_digest IS NOT NULL)
ORDER BY event_time, token_id"""  # noqa: S608  # our own names


def _issued(row: Mapping[str, Any]) -> IssuedToken:
    aware = {name: row[name].replace(tzinfo=UTC) if row[name] else None for name in ("issued", "expires_at")}
    named = row["issuer"] and row["token_id"]
    name = TokenName(
        iss=row["issuer"] or "", jti=row["token_id"] if named else "", digest=row["digest"] or "",
        exp=int(aware["expires_at"].timestamp()) if aware["expires_at"] else 0,
    )
    key, subject, client, session = (row[each] or "" for each in ("key_id", "subject", "client_id", "session_id"))
    parents = tuple(row["parents"] or ())
    return IssuedToken(name, aware["issued"], key, subject, client, session, parents, canary=row["policy"] == CANARY)


def _naive(when: datetime) -> datetime:
    return when.astimezone(UTC).replace(tzinfo=None) if when.tzinfo else when
