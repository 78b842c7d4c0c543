"""Rule 8.4: signatures that a key store made and no ledger accounts for, and that nothing accepted (yet)."""

from __future__ import annotations

from collections.abc import Sequence

from counterfoil.expressions import ir
from counterfoil.model.coverage import RELIED, CoverageRow
from counterfoil.model.logs import Logs
from counterfoil.model.schema import Leg, Outcome
from counterfoil.reconcile.clock import whole_seconds
from counterfoil.reconcile.declared import seconds
from counterfoil.reconcile.engine import Engine
from counterfoil.reconcile.log_parts import in_logs
from counterfoil.reconcile.policy import Policy

# Keys of which findings tell, and callers that one names.
MAX_KEYS, MAX_CALLERS = 1_000, 10


def unaccounted(
    engine: Engine, records: ir.Table, issued: ir.Table, rows: Sequence[CoverageRow], logs: Logs, policy: Policy
) -> ir.Table | None:
    """Return (key_id, uses, first_seen, last_seen, callers) of keys that sign tokens; None if nothing can be told.

    Only keys whose issuances are all in ledgers, and only uses in a time for which each of those is relied on.
    """
    spans = _relied(rows, logs)
    if not spans:
        return None
    entries = issued.filter(issued.outcome == str(Outcome.SUCCESS))
    told = engine.given(
        "ledger_spans", {"issuer": "string", "kind": "string", "lo": "int64", "hi": "int64"},
        [[issuer, kind, lo + policy.mint_lag, hi] for issuer, kind, lo, hi in spans],
    )
    of_key = entries.select("key_id", "issuer", "source", "kind").distinct()
    joined = of_key.left_join(told, ["issuer", "kind"], rname="{name}_s")
    relied = in_logs(joined, "accounting logs", logs.accounting) & joined.lo.notnull()
    # several stretches of one ledger: the last one is enough to tell of what lies in it
    keys = joined.group_by("key_id").agg(
        all_relied=relied.fill_null(False).all(), lo=joined.lo.max(), hi=joined.hi.min()
    )
    keys = engine.keep("unaccounted_keys", keys.filter(keys.all_relied).limit(MAX_KEYS))
    uses = records.filter(
        records.leg == str(Leg.KEY_USE), records.outcome == str(Outcome.SUCCESS), records.signing_input_digest.notnull()
    ).select("key_id", "event_time", "subject_name", "signing_input_digest")
    timed = uses.join(keys, "key_id")
    inside = timed.filter(whole_seconds(timed.event_time) >= timed.lo, whole_seconds(timed.event_time) <= timed.hi)
    legs = [str(Leg.ISSUANCE), str(Leg.SECONDARY_ISSUANCE), str(Leg.ACCEPTANCE)]
    known = records.filter(records.leg.isin(legs))
    lost = inside.anti_join(known.select("signing_input_digest"), "signing_input_digest")
    callers = lost.subject_name.collect(distinct=True).sort()[:MAX_CALLERS]
    return lost.group_by("key_id").agg(
        uses=lost.count(), first_seen=lost.event_time.min(), last_seen=lost.event_time.max(), callers=callers
    )


def _relied(rows: Sequence[CoverageRow], logs: Logs) -> list[tuple[str, str, int, int]]:
    return [
        (row.issuer, row.kind, seconds(row.start), seconds(row.end))
        for row in rows
        if row.status in RELIED and row.source in logs.accounting and row.start and row.end
    ]
