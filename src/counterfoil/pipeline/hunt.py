"""The main job on a case: reconcile what is in evidence, rank the rest, keep the results, sum them up."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import ibis
import ibis.expr.types as ir
import msgspec
from ibis.backends.duckdb import Backend

from counterfoil.case.folder import CaseFolder
from counterfoil.case.manifest import Manifest
from counterfoil.case.results import evidence_sql, write_results
from counterfoil.case.tables import Tables
from counterfoil.detect import groups as grouping
from counterfoil.detect.rule import Tables as RuleTables
from counterfoil.detect.suspicion import suspects, suspicion
from counterfoil.errors import UsageError
from counterfoil.model.coverage import CoverageRow
from counterfoil.model.finding import Finding
from counterfoil.model.schema import Leg
from counterfoil.pipeline.asked import options
from counterfoil.pipeline.findings import findings
from counterfoil.pipeline.progress import Progress
from counterfoil.reconcile.asked import Asked
from counterfoil.reconcile.measured import raised
from counterfoil.reconcile.policy import Policy
from counterfoil.reconcile.run import Reconciled, reconcile

MAX_IDENTITIES = 5_000_000

# What `tokens` promises: one row per accepted token with verdict, reason and links.
TOKEN_COLUMNS = (
    "token_key", "verdict", "reason", "issuer", "token_id", "subject", "subject_name", "token_tenant", "issued_at",
    "key_id", "signing_input_digest", "first_seen", "last_seen", "acceptances", "suspicion", "rules", "group_rule",
    "primary", "secondary", "interrupted", "failed", "ordinary", "route", "refuted", "silent", "outside_life",
    "law_broken", "token_class", "client_id", "resource", "resource_tenant", "network", "ip", "user_agent",
    "object_kind", "object_id", "object_parent", "operation", "derived", "source", "kind", "record_id", "raw_file",
    "raw_position",
)  # fmt: skip


# What `acceptances` promises: which records each token stands for; `evidence` has the rest of them.
ACCEPTANCE_COLUMNS = (
    "token_key",
    "event_time",
    "source",
    "record_id",
    "derived",
    "child_id",
    "raw_file",
    "raw_position",
)


def judge(con: Backend, folder: CaseFolder, manifest: Manifest, asked: Asked, progress: Progress) -> None:
    """Reconcile the case's evidence, apply the rules, and write the results."""
    tables = Tables(con)
    policy = Policy()
    con.raw_sql(f"CREATE OR REPLACE VIEW evidence_all AS {evidence_sql(folder, manifest)}")
    con.raw_sql(f"CREATE OR REPLACE VIEW rejects_all AS {evidence_sql(folder, manifest, rejected=True)}")
    progress.stage("reconciling")
    found = reconcile(tables, _with_tenant(tables, con.table("evidence_all")), asked, policy)
    progress.stage("ranking")
    told = _told(tables, found, policy)
    paths = {entry.sha256: entry.path for entry in manifest.inputs if entry.source}
    rows = tables.rows(grouping.groups(told))
    results = findings(rows, tables.rows(grouping.disagreeing_ids(found.tokens)), paths)
    progress.stage("writing results")
    asking = tables.given("asked_out", _ASKED, [[n, *pair] for n, pair in enumerate(options(asked), 1)])
    write_results(con, folder, _tables(con, tables, manifest, found, told, results) | {"asked": asking})


def _with_tenant(tables: Tables, evidence: ir.Table) -> ir.Table:
    """Give sign-ins that name no tenant (Graph v1.0 exports) the tenant of the case, if it has exactly one."""
    owned = evidence.filter(evidence.leg == Leg.ACCEPTANCE, evidence.resource_tenant.notnull())
    found = tables.rows(owned.select("resource_tenant").distinct().limit(2))
    if len(found) != 1:
        return evidence
    tenant = found[0]["resource_tenant"]
    bare = (evidence.source == "entra-signin") & evidence.issuer.isnull()
    return evidence.mutate(
        issuer=ibis.ifelse(bare, f"entra:{tenant}", evidence.issuer),
        resource_tenant=ibis.ifelse(bare, ibis.coalesce(evidence.resource_tenant, tenant), evidence.resource_tenant),
    )


def _told(tables: Tables, found: Reconciled, policy: Policy) -> ir.Table:
    """Return tokens with suspicion, raised clusters and the rule under which each is reported."""
    tokens = found.tokens
    every = found.every_token  # the usual rate is that of the whole evidence, not of the window (rule 5.7)
    odd = raised(tables, every.filter(every.has_id), policy)
    suspected = RuleTables(
        suspects=tables.keep("suspects", suspects(tokens)),
        tokens=tokens,
        acceptances=found.acceptances,
        issued=found.issued,
        records=found.records,
    )
    score = suspicion(tables.keep, suspected)
    return grouping.described(tokens, odd, score)


def _tables(
    con: Backend, tables: Tables, manifest: Manifest, found: Reconciled, told: ir.Table, results: Sequence[Finding]
) -> dict[str, ir.Table]:
    """Return the tables that `sql` promises, by name. `evidence` is a view over Parquet and `merged`."""
    return {
        "tokens": told.select(*TOKEN_COLUMNS),
        "acceptances": found.acceptances.semi_join(told, "token_key").select(*ACCEPTANCE_COLUMNS),
        "findings": tables.given("findings_out", _FINDING, [_finding_row(finding) for finding in results]),
        "coverage": tables.given("coverage_out", _COVERAGE, [_coverage_row(row) for row in found.coverage]),
        "strata": found.strata,
        "keys": _keys(found),
        "rejects": con.table("rejects_all"),
        "inputs": tables.given("inputs_out", _INPUT, _input_rows(tables, manifest)),
        "merged": _merged(con, tables, found),
        "legs": found.records.group_by("leg").agg(
            records=found.records.count(), first=found.records.event_time.min(), last=found.records.event_time.max()
        ),
    }


def _merged(con: Backend, tables: Tables, found: Reconciled) -> ir.Table:
    """Return the merged duplicates, an empty table if nothing repeats."""
    if "merged" in con.list_tables():
        return con.table("merged")
    return tables.keep("merged", found.records.limit(0))


def _keys(found: Reconciled) -> ir.Table:
    """Return every signing key that a record names, with the use seen of it."""
    used = found.acceptances.filter(found.acceptances.key_id.notnull())
    return used.group_by("key_id", "issuer").agg(
        tokens=used.token_key.nunique(),
        acceptances=used.count(),
        first_seen=used.event_time.min(),
        last_seen=used.event_time.max(),
    )


_FINDING = {
    "id": "string", "rule": "string", "verdict": "string", "severity": "string", "confidence": "string",
    "title": "string", "detail": "string", "first_seen": "timestamp(6)", "last_seen": "timestamp(6)",
    "token_count": "int64", "acceptance_count": "int64", "subjects": "array<string>", "tokens": "array<string>",
    "keys": "array<string>", "clients": "array<string>", "ips": "array<string>", "objects": "array<string>",
    "evidence": "array<string>", "attack": "array<string>", "next_step": "string", "score": "float64",
}  # fmt: skip
_COVERAGE = {
    "issuer": "string", "source": "string", "kind": "string", "status": "string", "start": "timestamp(6)",
    "end": "timestamp(6)", "records": "int64", "reason": "string",
}  # fmt: skip
_ASKED = {"place": "int64", "name": "string", "value": "string"}
_INPUT = {
    "path": "string", "sha256": "string", "size": "int64", "source": "string", "read": "int64", "kept": "int64",
    "duplicates": "int64", "rejected": "int64", "truncated": "string", "unread": "string", "nearest": "string",
    "archive": "string",
}  # fmt: skip


def _finding_row(finding: Finding) -> list[object]:
    return [_plain(getattr(finding, name)) for name in _FINDING]


def _coverage_row(row: CoverageRow) -> list[object]:
    return [getattr(row, name) for name in _COVERAGE]


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _input_rows(tables: Tables, manifest: Manifest) -> list[list[object]]:
    """Return a row per input; a duplicate is a record whose kept row stands in another place (rule 1.1)."""
    kept = _kept(tables)
    rows: list[list[object]] = []
    for entry in manifest.inputs:
        good = entry.read - entry.rejected
        own = good - kept.get(entry.sha256, 0) if entry.source else 0
        values = msgspec.structs.asdict(entry) | {"kept": own, "duplicates": good - own}
        rows.append([values[name] for name in _INPUT])
    return rows


def _kept(tables: Tables) -> dict[str, int]:
    """Return per input how many of its good records are duplicates of one kept elsewhere."""
    evidence = tables.table("evidence_all")
    keys = tables.table("repeated")
    copies = evidence.semi_join(keys, ["source", "record_id"])
    counted = copies.group_by("raw_file").agg(copies=copies.count())
    found = {row["raw_file"]: int(row["copies"]) for row in tables.rows(counted)}
    if not found:
        return {}
    merged = tables.table("merged")
    first = merged.group_by("raw_file").agg(kept=merged.count())
    for row in tables.rows(first):
        found[row["raw_file"]] -= int(row["kept"])
    return found


def read_identities(path: Path | None) -> tuple[tuple[str, str], ...]:
    """Return (id, name) pairs of a CSV with the header `id,name`, both in lower case; raises UsageError."""
    if path is None:
        return ()
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            if not {"id", "name"} <= set(rows.fieldnames or ()):
                raise UsageError(f"{path} has no columns id and name", hint="the first line must read: id,name")
            pairs = [
                (row["id"].strip().lower(), row["name"].strip().lower())
                for row, _ in zip(rows, range(MAX_IDENTITIES), strict=False)
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"cannot read {path}: {error}") from error
    return tuple(pair for pair in pairs if all(pair))
