"""Runs the rules over key stores, and puts what they find into words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, fields
from datetime import UTC, datetime
from typing import Any

import duckdb

from counterfoil.case.results import rows
from counterfoil.detect.keys.activity import activity
from counterfoil.detect.registry import key_rules
from counterfoil.detect.rule import KeyRule, KeyTables
from counterfoil.expressions import ibis, ir
from counterfoil.expressions.values import bound
from counterfoil.investigate.changes import SCORES
from counterfoil.investigate.findings import finding_id, reference
from counterfoil.model.advice import KEY_TAKEN
from counterfoil.model.finding import Finding
from counterfoil.model.key_store import FOUND, PUBLISHED
from counterfoil.model.key_watch import KeyClue, KeyStore, KeyWatch
from counterfoil.model.schema import Leg
from counterfoil.model.verdict import ACCUSING, FindingVerdict
from counterfoil.pipeline.store import Store
from counterfoil.reconcile.asked import Asked
from counterfoil.reconcile.run import Reconciled

# Clues that a rule may give in one case: more are a habit, not a clue.
MAX_CLUES = 500
_FARM_KEY = "the token-signing key of AD FS"

CLUE_COLUMNS = {
    **dict.fromkeys((field.name for field in fields(KeyClue)), "string"),
    "first_seen": "timestamp(6)", "last_seen": "timestamp(6)", "records": "int64",
}
STORE_COLUMNS = {
    "source": "string", "part": "string", "keys": "int64", "records": "int64", "first_seen": "timestamp(6)",
    "last_seen": "timestamp(6)",
}


def watched(
    tables: Store, found: Reconciled, told: ir.Table, asked: Asked, paths: Mapping[str, str],
    thefts: Sequence[Mapping[str, Any]] = (),
) -> KeyWatch:
    """Return what the evidence shows of key stores. `thefts`: of the keys of farms, as `reconcile.farm_key` has them.

    `told`: judged tokens. The whole log tells what is usual; of the window that was asked for, clues are told.
    """
    done = tables.keep("key_activity", activity(found.records))
    beside = found.records.filter(
        found.records.leg.isin([str(Leg.CONTEXT), str(Leg.KEY_USE)]),
        found.records.key_operation.isin([FOUND, PUBLISHED]),
    )
    if not tables.rows(done.limit(1)) and not tables.rows(beside.limit(1)):
        return KeyWatch(tuple(_of_theft(row, paths) for row in thefts), ())
    accused = told.filter(told.verdict.isin(sorted(map(str, ACCUSING))))
    when = accused.first_seen.truncate("s").epoch_seconds().cast("int64")
    evidence = tables.table("evidence_all")
    numbered = tuple(sorted({*asked.logs.numbered} & {*asked.logs.key_uses}))
    entries = evidence.filter(
        evidence.source.isin(bound("numbered key stores", numbered)), evidence.sequence.notnull(),
        evidence.event_time.notnull(),
    )
    seen = KeyTables(
        activity=done,
        records=found.records,
        entries=tables.keep("key_entries", entries.group_by("source", "sequence", part=entries.kind).agg(
            seconds=entries.event_time.truncate("s").epoch_seconds().cast("int64").min(),
            place=(entries.raw_file + ":" + entries.raw_position.cast("string")).min(),
        )),
        accused=accused.select("issuer", "key_id", seconds=when),
        logs=asked.logs,
    )
    clues = [_clue(rule, row, paths) for rule in key_rules() for row in _rows(tables, rule, seen)]
    clues += [_of_theft(row, paths) for row in thefts]
    inside = [clue for clue in clues if _within(clue, asked.since, asked.until)]
    order = sorted(inside, key=lambda clue: (-SCORES[clue.severity], clue.first_seen, clue.rule, clue.finding))
    return KeyWatch(tuple(order), tuple(_stores(tables, done)))


def _rows(tables: Store, rule: KeyRule, seen: KeyTables) -> list[dict[str, Any]]:
    found = rule.find(seen)
    order = [found.first_seen, found.source, found.part, found.key, found.principal, found.process]
    return tables.rows(found.order_by(order).limit(MAX_CLUES))


def _stores(tables: Store, done: ir.Table) -> Iterator[KeyStore]:
    named = ibis.ifelse(done.key != "", done.key, ibis.null("string"))
    found = done.group_by("source", "part").agg(
        keys=named.nunique(), records=done.records.sum(), first_seen=done.first_seen.min(),
        last_seen=done.last_seen.max(),
    )
    for row in tables.rows(found.order_by([found.source, found.part])):
        times = {"first_seen": _when(row["first_seen"]), "last_seen": _when(row["last_seen"])}
        yield KeyStore(**(row | times | {"records": int(row["records"])}))


def _clue(rule: KeyRule, row: Mapping[str, Any], paths: Mapping[str, str]) -> KeyClue:
    first, last = _when(row["first_seen"]), _when(row["last_seen"])
    who = {name: str(row[name]) for name in ("source", "part", "key", "principal", "process")}
    return KeyClue(
        rule=rule.id, severity=rule.severity, confidence=rule.confidence, **who, first_seen=first, last_seen=last,
        records=int(row["records"]), what=row["what"], usual=row["usual"], evidence=reference(row["place"], paths),
        finding=finding_id(rule.id, *who.values(), f"{first:%Y%m%d%H%M%S}"),
    )


def _of_theft(row: Mapping[str, Any], paths: Mapping[str, str]) -> KeyClue:
    claim = KEY_TAKEN.claim
    return KeyClue(
        str(KEY_TAKEN), claim.severity, claim.confidence, "", row["host"] or "", _FARM_KEY, row["account"] or "", "",
        row["first_seen"], row["last_seen"], int(row["records"]),
        row["alert"] or "read the key: " + ", ".join(row["what"]), "the farm's own service reads it, and nobody else",
        next((reference(each, paths) for each in row["evidence"]), ""),
        finding_id(str(KEY_TAKEN), row["alert"], row["account"], row["host"]),
    )


def _within(clue: KeyClue, since: datetime | None, until: datetime | None) -> bool:
    return (since is None or clue.last_seen >= since) and (until is None or clue.first_seen < until)


def _when(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)


def of_clues(clues: Iterable[KeyClue]) -> list[Finding]:
    """Return a finding for every clue of a rule over key stores; thefts of farms' keys have their own."""
    known = {rule.id: rule for rule in key_rules()}
    return [_finding(known[clue.rule], clue) for clue in clues if clue.rule in known]


def _finding(rule: KeyRule, clue: KeyClue) -> Finding:
    log = "" if rule.of_files else f"the log {clue.source}/{clue.part}"
    whose = ", ".join(filter(None, [clue.principal, f"key {clue.key}" if clue.key else log]))
    by = f" by {clue.process}" if clue.process else ""
    return Finding(
        id=clue.finding, rule=rule.id, verdict=FindingVerdict.SUSPICION, severity=rule.severity,
        confidence=rule.confidence, title=f"{rule.title}: {f'{whose} ({clue.what})' if whose else clue.what}",
        detail=f"{clue.what}{by}; usual: {clue.usual}", first_seen=clue.first_seen, last_seen=clue.last_seen,
        subjects=(clue.principal,) if clue.principal else (), keys=(clue.key,) if clue.key else (),
        evidence=(clue.evidence,), attack=rule.attack, next_step=rule.next_step, score=SCORES[rule.severity],
    )


def clue_rows(watch: KeyWatch) -> list[list[object]]:
    """Return the rows of the table `key_watch`."""
    return [list(astuple(clue)) for clue in watch.clues]


def store_rows(watch: KeyWatch) -> list[list[object]]:
    """Return the rows of the table `key_stores`."""
    return [list(astuple(store)) for store in watch.stores]


def read(con: duckdb.DuckDBPyConnection) -> KeyWatch:
    """Return what the results of a case hold."""
    clues = tuple(KeyClue(**row) for row in rows(con, "SELECT * FROM key_watch"))
    return KeyWatch(clues, tuple(KeyStore(**row) for row in rows(con, "SELECT * FROM key_stores")))

