"""Judges what is in evidence: what is new of it is settled, then all is reconciled."""

from __future__ import annotations

from dataclasses import dataclass

from duckdb import DuckDBPyConnection

from counterfoil.case.folder import CaseFolder
from counterfoil.case.manifest import Manifest
from counterfoil.case.piles import part_settled
from counterfoil.expressions import ibis, ir
from counterfoil.expressions.values import bound
from counterfoil.model.logs import Logs
from counterfoil.model.schema import Leg, Outcome
from counterfoil.pipeline.progress import Progress
from counterfoil.pipeline.settled import Plan, before, fingerprint, folders, plan
from counterfoil.pipeline.store import Store, StoreOn
from counterfoil.reconcile.asked import Asked
from counterfoil.reconcile.log_parts import by_log, in_logs
from counterfoil.reconcile.policy import Policy
from counterfoil.reconcile.run import Reconciled, reconcile
from counterfoil.reconcile.touched import Added

# A tenant's people sign in at the services of others, too: of its own log, so much at least is at its own.
HOME_SHARE = 0.9


@dataclass(frozen=True)
class Judged:
    """What was found in a case by a policy, the tables that hold it, and what of it was settled anew (`plan`).

    The tables `evidence_all` and `rejects_all` are what went in.
    """

    tables: Store
    found: Reconciled
    policy: Policy
    plan: Plan


def judge(
    con: DuckDBPyConnection, store_on: StoreOn, folder: CaseFolder, manifest: Manifest, asked: Asked, progress: Progress
) -> Judged:
    """Reconcile the case's evidence; what an earlier run settled by the same options is not settled again.

    `con` reads the results of that run; all else is asked of a store.
    """
    policy = Policy()
    reading = store_on(folder.tmp, ())
    evidence = reading.evidence("evidence_all", folder, manifest)
    rejects = reading.evidence("rejects_all", folder, manifest, rejected=True)
    tenant = _tenant(reading, evidence, asked.logs)
    planned = plan(con, folder, manifest, fingerprint(asked, policy, tenant), reading.form)
    tables = store_on(*folders(folder, planned))
    added = _added(con, folder, manifest, tables, planned, tenant, asked.logs)
    if planned.buckets:
        progress.stage("settling tokens", planned.settled + len(planned.buckets))
        progress.advance(planned.settled)
    else:
        progress.stage("judging")

    def settled(count: int) -> None:
        part_settled(folders(folder, planned)[0], planned.settled + count)
        progress.advance(1)
        if count == len(planned.buckets):
            progress.stage("judging")

    found = reconcile(
        tables, tables.viewed("evidence_in", _with_tenant(evidence, tenant, asked.logs)), asked, policy,
        buckets=planned.buckets, added=added, rejects=rejects, step=settled,
    )
    return Judged(tables, found, policy, planned)


def _added(
    con: DuckDBPyConnection, folder: CaseFolder, manifest: Manifest, tables: Store, planned: Plan, tenant: str | None,
    logs: Logs,
) -> Added | None:
    """Return what the piles lack; None if all is settled anew, or nothing was added."""
    if not planned.added:
        return None
    added = tables.evidence("added_all", folder, manifest, only=planned.added)
    (names,) = before(con, folder, tables, ("names",))
    more = _with_tenant(added, tenant, logs)
    return Added(tables.viewed("evidence_added", more), names)


def _tenant(tables: Store, evidence: ir.Table, logs: Logs) -> str | None:
    """Return the tenant of the case, if it has exactly one: that whose services accepted something.

    Where no acceptance names one, it is that at whose services nearly all sign in.
    """
    named = evidence.filter(evidence.resource_tenant.notnull())
    found = tables.rows(named.filter(named.leg == Leg.ACCEPTANCE).select("resource_tenant").distinct().limit(2))
    if found:
        return str(found[0]["resource_tenant"]) if len(found) == 1 else None
    signed = named.filter(in_logs(named, "logs of tenants", sorted(logs.tenants)), named.leg == Leg.ISSUANCE,
                          named.outcome == Outcome.SUCCESS)
    counted = tables.rows(signed.group_by("resource_tenant").agg(n=signed.count()))
    total, most = sum(row["n"] for row in counted), max(counted, key=lambda row: row["n"], default=None)
    return str(most["resource_tenant"]) if most and most["n"] >= HOME_SHARE * total else None


def _with_tenant(evidence: ir.Table, tenant: str | None, logs: Logs) -> ir.Table:
    """Give sign-ins (Graph v1.0 exports) and requests (Defender's) that name no tenant the tenant of the case."""
    if tenant is None:
        return evidence
    own = ibis.literal(bound("tenant", tenant))
    bare = in_logs(evidence, "logs of one tenant", sorted(logs.of_one_tenant)) & evidence.issuer.isnull()
    return evidence.mutate(
        issuer=ibis.ifelse(bare, by_log(evidence, logs.of_one_tenant) + own, evidence.issuer),
        resource_tenant=ibis.ifelse(bare, ibis.coalesce(evidence.resource_tenant, own), evidence.resource_tenant),
    )
