"""Rule 1.1: the same record in several wrappers, files or deliveries is one record; another under its id is not."""

from __future__ import annotations

from counterfoil.expressions import ibis, ir
from counterfoil.model import schema
from counterfoil.model.logs import Logs
from counterfoil.reconcile.clock import whole_seconds
from counterfoil.reconcile.engine import Engine
from counterfoil.reconcile.families import bucket, family
from counterfoil.reconcile.log_parts import in_logs
from counterfoil.reconcile.shapes import DIFFERENT, KEY, MERGED, REPEATED


def repeated(engine: Engine, evidence: ir.Table, logs: Logs) -> ir.Table:
    """Return the keys of records that occur more than once. Of different records under one id, each stays.

    Counted by a hash of the id first, since numbers are counted several times faster than texts: what a hash
    throws together is told apart by the second count.
    """
    hashed = evidence.select(h=evidence.record_id.hash())
    often = hashed.group_by("h").agg(copies=hashed.count()).filter(lambda t: t.copies > 1)
    suspected = engine.keep("duplicates_hashes", often.select("h"))
    keyed = evidence.select(*KEY)
    if not engine.rows(suspected.limit(1)):
        DIFFERENT.kept(engine, keyed.limit(0))
        return REPEATED.kept(engine, keyed.limit(0))
    keyed = keyed.mutate(h=keyed.record_id.hash()).semi_join(suspected, "h")
    counted = keyed.group_by(*KEY).agg(copies=keyed.count())
    again = engine.keep("duplicates_keys", counted.filter(counted.copies > 1).select(*KEY))
    several = DIFFERENT.kept(engine, _different(evidence, again, logs))
    return REPEATED.kept(engine, again.anti_join(several, KEY))


def _different(evidence: ir.Table, keys: ir.Table, logs: Logs) -> ir.Table:
    """Return the keys under which different records stand: of another second, operation or user, where known.

    A time that is that of arrival is not the event's; a user is known by id or by name.
    """
    copies = evidence.filter(in_logs(evidence, "event logs", logs.events)).semi_join(keys, KEY)
    arrived = (copies.event_time == copies.ingested_at).fill_null(False)
    second = ibis.ifelse(arrived, ibis.null("int64"), whole_seconds(copies.event_time))
    told = copies.select(*KEY, "operation", "subject_id", "subject_name", second=second).group_by(*KEY).agg(
        lambda t: t.count().name("copies"), lambda t: (t.second.max() - t.second.min()).name("apart"),
        lambda t: t.operation.nunique().name("operations"), lambda t: t.subject_id.nunique().name("ids"),
        lambda t: t.subject_id.count().name("identified"), lambda t: t.subject_name.nunique().name("names"),
    )
    users = (told.ids > 1) | ((told.names > 1) & (told.identified < told.copies))
    return told.filter((told.apart > 1).fill_null(False) | (told.operations > 1) | users).select(*KEY)


def rank(copies: ir.Table) -> ir.StringValue:
    """Return what orders the copies of a record: the best wrapper first."""
    place = copies.raw_position.cast("string").lpad(20, "0")
    return copies.fidelity.cast("string").lpad(20, "0") + copies.raw_file + place


def merged(evidence: ir.Table, keys: ir.Table) -> ir.Table:
    """Return one row for each repeated key: the best wrapper's row, its NULLs filled from the others."""
    copies = evidence.semi_join(keys, KEY)
    ranked = copies.mutate(rank_=rank(copies))
    rest = [column.name for column in schema.EVIDENCE if column.name not in KEY]
    return (
        ranked.group_by(*KEY)
        .agg(**{name: ranked[name].argmin(ranked.rank_, where=ranked[name].notnull()) for name in rest})
        .select(*schema.NAMES)
    )


def records(engine: Engine, evidence: ir.Table, keys: ir.Table) -> ir.Table:
    """Return the evidence with every record once. Where nothing repeats, that is the evidence itself.

    `keys`: of `repeated`. Evidence that comes with its `bucket` keeps it.
    """
    if not engine.rows(keys.limit(1)):
        return evidence
    whole = MERGED.kept(engine, merged(evidence, keys))
    if "bucket" in evidence.columns:
        whole = whole.mutate(bucket=bucket(family(whole)))
    once = evidence.anti_join(keys, KEY)
    # of what is asked twice in a statement, the engine would write down all columns
    return engine.viewed("duplicates_once", ibis.union(once, whole.select(*once.columns)))
