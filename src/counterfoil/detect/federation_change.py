"""A sign-in by assertion that nothing explains, after somebody changed how a domain is federated."""

from __future__ import annotations

from counterfoil.detect.rule import Rule, Tables
from counterfoil.expressions import ir
from counterfoil.model.schema import Outcome

WITHIN_SECONDS = 30 * 86_400
CHANGES = r"(?i)^(set domain authentication|set federation settings on domain|add unverified domain|verify domain)"


def _find(tables: Tables) -> ir.Table:
    records = tables.records
    changes = records.filter(
        records.operation.re_search(CHANGES), records.outcome == str(Outcome.SUCCESS), records.event_time.notnull(),
        records.resource_tenant.notnull(),
    )
    changed = changes.select(tenant=changes.resource_tenant, changed=changes.event_time.epoch_seconds()).distinct()
    suspects = tables.suspects.filter(tables.suspects.derived == "assertion")
    return suspects.semi_join(changed, [
        suspects.resource_tenant == changed.tenant, changed.changed <= suspects.t_last,
        changed.changed >= suspects.t_first - WITHIN_SECONDS,
    ]).select("token_key")


RULE = Rule(
    id="federation-changed-before",
    title="a sign-in by assertion within a month of a change to how a domain is federated",
    weight=2.0,
    severity="medium",
    confidence="medium",
    audience="tenant",
    attack=("T1484.002", "T1606.002"),
    references=("elastic/detection-rules: Entra ID federated domain and its settings changed (PR 5809)",),
    why="Who can change the federation of a domain lets a server of their own, or a certificate of their own, speak "
    "for everybody in it.",
    innocent="A certificate that was renewed on plan, or a new domain, looks the same.",
    needs="the Entra audit log, and federated sign-ins",
    blind="a change before the log begins; a key that was stolen from the farm (farm-key-taken)",
    next_step="Compare the domain's signing certificate with that of your farm, and ask who made the change.",
    find=_find,
)
