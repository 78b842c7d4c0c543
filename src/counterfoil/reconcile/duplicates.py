"""Rule 1.1: the same record in several wrappers, files or deliveries is one record."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from counterfoil.model import schema
from counterfoil.reconcile.engine import Engine

KEY = ("source", "record_id")


def repeated(evidence: ir.Table) -> ir.Table:
    """Return the keys of records that occur more than once."""
    counted = evidence.group_by(*KEY).agg(copies=evidence.count())
    return counted.filter(counted.copies > 1)


def merged(evidence: ir.Table, keys: ir.Table) -> ir.Table:
    """Return one row for each repeated key: the best wrapper's row, its NULLs filled from the others."""
    copies = evidence.semi_join(keys, KEY)
    rank = (
        copies.fidelity.cast("string").lpad(20, "0")
        + copies.raw_file
        + copies.raw_position.cast("string").lpad(20, "0")
    )
    ranked = copies.mutate(rank_=rank)
    rest = [column.name for column in schema.EVIDENCE if column.name not in KEY]
    return (
        ranked.group_by(*KEY)
        .agg(**{name: ranked[name].first(where=ranked[name].notnull(), order_by=ranked.rank_) for name in rest})
        .select(*schema.NAMES)
    )


def records(engine: Engine, evidence: ir.Table) -> ir.Table:
    """Return the evidence with every record once. Where nothing repeats, that is the evidence itself."""
    keys = engine.keep("repeated", repeated(evidence))
    if not engine.rows(keys.limit(1)):
        return evidence.select(*schema.NAMES)
    whole = engine.keep("merged", merged(evidence, keys))
    once = evidence.anti_join(keys, KEY).select(*schema.NAMES)
    return ibis.union(once, whole)
