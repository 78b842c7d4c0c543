"""Counts of each input which records are duplicates, and which became one with another of the same id (rule 1.1)."""

from __future__ import annotations

from counterfoil.expressions import ibis, ir
from counterfoil.model import schema
from counterfoil.pipeline.store import Store
from counterfoil.reconcile.duplicates import rank
from counterfoil.reconcile.shapes import KEY, MERGED, REPEATED

# What tells where a record is from, and nothing of what happened.
_PROVENANCE = frozenset({"fidelity", "raw_file", "raw_position", "sequence", "ingested_at", "extra"})


def _adding(copies: ir.Table) -> ir.Table:
    """Return (raw_file, copies, kept): of each file, how many of these records repeat, and are no duplicates.

    A record is a duplicate if the better copies of it say all that it says. One that fills in what they lack is merged
    with them, and so is another entry of the log (by its number) that tells of the same event: of these each is kept.
    """
    told = [column.name for column in schema.EVIDENCE if column.name not in (*KEY, *_PROVENANCE)]
    mask = ibis.literal(0, type="int64")
    for place, name in enumerate(told):
        mask += copies[name].notnull().cast("int64") * (1 << place)
    ranked = copies.select(*KEY, "raw_file", "sequence", mask=mask, rank_=rank(copies))
    better = ibis.window(group_by=[ranked.source, ranked.record_id], order_by=ranked.rank_, preceding=(None, 1))
    known = ranked.mask.bit_or().over(better).fill_null(0)
    same = ibis.window(
        group_by=[ranked.source, ranked.record_id, ranked.sequence], order_by=ranked.rank_, preceding=(None, 1)
    )
    another = ranked.sequence.notnull() & (ranked.rank_.count().over(same) == 0)
    counted = ranked.mutate(adds=((ranked.mask & ~known) != 0) | another)
    return counted.group_by("raw_file").agg(copies=counted.count(), kept=counted.adds.cast("int64").sum())


def repeats(tables: Store) -> dict[str, tuple[int, int]]:
    """Return per input how many of its good records are duplicates, and how many are merged into another."""
    evidence, keys = tables.table("evidence_all"), tables.table(REPEATED.name)
    if not tables.rows(keys.limit(1)):
        return {}
    copies, whole = evidence.semi_join(keys, KEY), tables.table(MERGED.name)
    told = {row["raw_file"]: row for row in tables.rows(_adding(copies))}
    first = {row["raw_file"]: int(row["n"]) for row in tables.rows(whole.group_by("raw_file").agg(n=whole.count()))}
    return {
        file: (int(row["copies"] - row["kept"]), int(row["kept"]) - first.get(file, 0)) for file, row in told.items()
    }
