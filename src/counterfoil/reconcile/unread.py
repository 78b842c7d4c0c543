"""Rule 5.10: which records could not be read, of which logs they may be, and between which times they lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from counterfoil.expressions import ibis, ir
from counterfoil.expressions.values import bound
from counterfoil.model.logs import Logs
from counterfoil.model.schema import Leg
from counterfoil.reconcile.clock import whole_seconds
from counterfoil.reconcile.declared import Part, Stretch
from counterfoil.reconcile.engine import Engine
from counterfoil.reconcile.identity import with_subject
from counterfoil.reconcile.literals import number, summed
from counterfoil.reconcile.policy import HOUR, Policy

_EVER = 1 << 40  # seconds; stands for no bound

_PLACE = ("raw_file", "raw_position")
_PART = ("issuer", "source", "kind")
_SHOWN = ("token_id", "item_ids", "subject_id", "subject_name")


@dataclass(frozen=True)
class Unread:
    """What could not be read.

    `hidden`: a row for each record and each part of a log that it may be of: `row`, issuer, source, kind, `lo`, `hi`
    (seconds between which it lies), `t` (the time that it shows), what else it shows (`token_id`, `item_ids`,
    `subject`, `identified`), and `n`, how many records it may be; None if there is none. `parts`: the same in numbers.
    `acceptances`: how many lost records may have been acceptances.
    """

    hidden: ir.Table | None = None
    parts: Mapping[Part, Stretch] = field(default_factory=dict)
    acceptances: int = 0


def unread(
    engine: Engine, evidence: ir.Table, rejects: ir.Table | None, names: ir.Table, logs: Logs, policy: Policy
) -> Unread:
    """Return what could not be read, and what was read without its time: it may be of any time between its neighbours.

    `rejects`: the columns of evidence; without a source, it is a record of another log, and hides nothing of these.
    `evidence`: with its duplicates.
    """
    issued = evidence.filter(evidence.leg == str(Leg.ISSUANCE))
    undated = issued.filter(issued.event_time.isnull())
    lost = undated.select(*_PLACE, *_PART, *_SHOWN, "event_time", n=number(1), rejected=ibis.literal(False))
    if rejects is not None:
        ours = rejects.filter(rejects.source.notnull())
        lost = ibis.union(lost, ours.select(
            *_PLACE, *_PART, *_SHOWN, "event_time", n=ours.item_count.fill_null(1), rejected=ibis.literal(True)
        ))
    lost = engine.keep("unread_stretches", with_subject(lost, names).drop("subject_id", "subject_name"))
    if not engine.rows(lost.limit(1)):
        return Unread()
    near = evidence.semi_join(lost, "raw_file")
    beside = engine.keep("unread_beside", near.select(*_PLACE, *_PART, "leg", t=_seconds(near.event_time)))
    placed = engine.keep("unread_placed", _placed(lost, beside, policy.gap_hours * HOUR))
    hidden = engine.keep("unread_hidden", _of_parts(placed, beside, issued))
    parts = hidden.group_by(*_PART).agg(records=summed(hidden.n), lo=hidden.lo.min(), hi=hidden.hi.max())
    found = {Part(row["issuer"], row["source"], row["kind"]): Stretch(int(row["records"]), *_bounds(row))
             for row in engine.rows(parts)}
    return Unread(hidden if found else None, found, _acceptances(engine, placed, beside, evidence, logs))


def _bounds(row: Mapping[str, int]) -> tuple[datetime | None, datetime | None]:
    low, high = row["lo"], row["hi"]
    return (None, None) if high - low >= _EVER else (_moment(low), _moment(high))


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(0, UTC).replace(tzinfo=None) + timedelta(seconds=seconds)


def _seconds(when: ir.TimestampValue) -> ir.IntegerValue:
    return whole_seconds(when).cast("float64").cast("int64")  # engines tell them as float


def _placed(lost: ir.Table, beside: ir.Table, margin: int) -> ir.Table:
    """Add `row`, `lo` and `hi`: between its neighbours, as far as the file keeps an order; `alone`: it has none.

    Exports jump back now and then: by the file's longest jump the bounds are wider. A file that jumps over half of its
    time stands in no order. At the head and the end of a file a record lies within `margin` of its neighbour.
    """
    files = ["raw_file"]
    both = ibis.union(
        beside.select(*_PLACE, "t"), lost.select(*_PLACE, t=ibis.null("int64"))
    )
    before = ibis.window(group_by=both.raw_file, order_by=both.raw_position, preceding=None, following=0)
    after = ibis.window(group_by=both.raw_file, order_by=both.raw_position, preceding=0, following=None)
    seen = both.mutate(
        most_before=both.t.max().over(before), least_before=both.t.min().over(before),
        most_after=both.t.max().over(after), least_after=both.t.min().over(after),
    )
    told = seen.group_by(*files).agg(
        first=seen.t.min(), last=seen.t.max(), rising=(seen.most_before - seen.t).max(),
        falling=(seen.t - seen.least_before).max(),
    )
    joined = lost.join(seen.drop("t"), list(_PLACE)).join(told, files)
    rises, jump = joined.rising <= joined.falling, ibis.least(joined.rising, joined.falling)
    ordered = jump * 2 <= joined["last"] - joined["first"]
    low = ibis.ifelse(rises, joined.most_before, joined.most_after) - jump
    high = ibis.ifelse(rises, joined.least_after, joined.least_before) + jump
    alone = joined["first"].isnull()
    return joined.select(
        *lost.columns,
        row=joined.raw_file + ":" + joined.raw_position.cast("string"),
        alone=alone,
        t=_seconds(joined.event_time),
        lo=ibis.cases(
            (alone, -_EVER), (~ordered, joined["first"]), else_=ibis.coalesce(low, joined["first"] - margin)
        ),
        hi=ibis.cases((alone, _EVER), (~ordered, joined["last"]), else_=ibis.coalesce(high, joined["last"] + margin)),
    )


def _of_parts(placed: ir.Table, beside: ir.Table, issued: ir.Table) -> ir.Table:
    """Return a row for each part of a log of issuance that the record may be of.

    Its own, if it shows that; else those of which its file holds issuances; of a file without any good record, those
    of its source.
    """
    columns = ("row", *_PART, "lo", "hi", "t", "token_id", "item_ids", "subject", "identified", "n")
    shown = placed.issuer.notnull() & placed.kind.notnull()
    own, rest = placed.filter(shown).select(*columns), placed.filter(~shown)
    near = beside.filter(beside.leg == str(Leg.ISSUANCE)).select("raw_file", *_PART).distinct()
    with_file = rest.drop(*_PART).join(near, "raw_file").select(*columns)
    of_source = rest.filter(rest.alone).drop("issuer", "kind")
    of_source = of_source.join(issued.select(*_PART).distinct(), "source").select(*columns)
    return ibis.union(own, with_file, of_source, distinct=True)


def _acceptances(
    engine: Engine, placed: ir.Table, beside: ir.Table, evidence: ir.Table, logs: Logs
) -> int:
    """Return how many of the lost records may have been acceptances: by what else their file holds, or their source."""
    lost = placed.filter(placed.rejected)
    near = beside.filter(beside.leg == str(Leg.ACCEPTANCE)).select("raw_file").distinct()
    of_issuances = lost.source.isin(bound("issuance logs", sorted(logs.declarable))).fill_null(False)
    beyond = lost.filter(lost.alone, ~of_issuances)
    heard = evidence.filter(evidence.leg == str(Leg.ACCEPTANCE)).select("source").distinct()
    silent = evidence.select("source").distinct().anti_join(heard, "source")
    rows = ibis.union(lost.semi_join(near, "raw_file").select("row", "n"),
                      beyond.anti_join(silent, "source").select("row", "n"))
    (counted,) = engine.rows(rows.agg(n=summed(rows.n)))
    return int(counted["n"])
