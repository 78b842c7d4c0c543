"""A key signs more than it ever did: in an hour, or week after week."""

from __future__ import annotations

from counterfoil.detect.keys.activity import CLUE, DAY, HOUR, KEY, days, text
from counterfoil.detect.rule import KeyRule, KeyTables
from counterfoil.expressions import ibis, ir
from counterfoil.model.key_store import SIGN

# An hour is held against the same hour, and those beside it, of so many days before; of these some must be known.
LOOK_BACK_DAYS, LEAST_DAYS = 35, 14
# Above the most of those: by this factor, by so many standard deviations of chance, and by so many signatures.
TIMES, DEVIATIONS, MORE = 1.5, 5, 5
# Seven days are held against each of three sevens before them: above their mean by this factor, above the most of them
# by so many deviations.
WEEKS, WEEK_TIMES, WEEK_DEVIATIONS = 3, 1.2, 5
_HOURS = 24
_WEEK = 7


def _find(tables: KeyTables) -> ir.Table:
    activity = tables.activity
    signed = activity.filter(activity.operation == SIGN, activity.done)
    hourly = signed.group_by(*KEY, "hour").agg(
        n=signed.records.sum(), place=signed.place.min(),
        principal=signed.principal.argmax(signed.records), process=signed.process.argmax(signed.records),
    )
    return _islands(ibis.union(_bursts(hourly), _rises(hourly)))


def _bursts(hourly: ir.Table) -> ir.Table:
    """Return hours with more signatures than that time of the day ever had."""
    beside = ibis.union(*(hourly.select(*KEY, "n", clock=(hourly.hour + _HOURS + shift) % _HOURS,
                                        at=days((hourly.hour + shift) * HOUR)) for shift in (-1, 0, 1)))
    begun = hourly.group_by(*KEY).agg(begin=days(hourly.hour.min() * HOUR))
    now = hourly.mutate(clock=hourly.hour % _HOURS, day=days(hourly.hour * HOUR)).join(begun, list(KEY))
    now = now.filter(now.day - now.begin >= LEAST_DAYS)
    met = now.left_join(beside, [
        *KEY, "clock", now.day > beside.at, now.day - beside.at <= LOOK_BACK_DAYS,
    ], rname="{name}_b")
    most = met.group_by(*KEY, "hour", "n", "place", "principal", "process").agg(most=met.n_b.max().fill_null(0))
    found = most.filter(most.n > TIMES * most.most + DEVIATIONS * most.most.sqrt() + MORE)
    return found.select(
        *KEY, "principal", "process", "place", first_seen=found.hour * HOUR, last_seen=(found.hour + 1) * HOUR,
        records=found.n, sort=ibis.literal("in an hour"),
        usual=ibis.literal("at most ") + text(found.most) + " at that time of the day",
    )


def _rises(hourly: ir.Table) -> ir.Table:
    """Return days that end a week with more signatures than the weeks before."""
    daily = hourly.mutate(day=days(hourly.hour * HOUR))
    daily = daily.group_by(*KEY, "day").agg(
        n=daily.n.sum(), place=daily.place.min(), principal=daily.principal.argmax(daily.n),
        process=daily.process.argmax(daily.n),
    )
    spread = ibis.union(*(daily.select(*KEY, "n", day=daily.day + later) for later in range(_WEEK)))
    weekly = spread.group_by(*KEY, "day").agg(n=spread.n.sum())
    begun = daily.group_by(*KEY).agg(begin=daily.day.min())
    before = ibis.union(*(weekly.select(*KEY, "n", day=weekly.day + _WEEK * back) for back in range(1, WEEKS + 1)))
    base = before.group_by(*KEY, "day").agg(weeks=before.count(), mean=before.n.sum() / WEEKS, most=before.n.max())
    met = daily.drop("n").join(weekly, [*KEY, "day"]).join(base, [*KEY, "day"]).join(begun, list(KEY))
    found = met.filter(
        met.weeks == WEEKS, met.day - met.begin >= _WEEK * (WEEKS + 1) - 1, met.n > WEEK_TIMES * met["mean"],
        met.n > met.most + WEEK_DEVIATIONS * met.most.sqrt(),
    )
    return found.select(
        *KEY, "principal", "process", "place", first_seen=found.day * DAY, last_seen=(found.day + 1) * DAY,
        records=found.n, sort=ibis.literal("in a week"),
        usual=ibis.literal("about ") + text(found["mean"].round()) + " a week",
    )


def _islands(found: ir.Table) -> ir.Table:
    """Return one row for days in a row on which the same was found."""
    by = [*KEY, "sort"]
    order = {"group_by": [found[name] for name in by], "order_by": found.first_seen}
    stepped = found.mutate(new=(found.first_seen - found.first_seen.lag().over(**order) > _WEEK * DAY).fill_null(True))
    up = ibis.window(
        group_by=[stepped[name] for name in by], order_by=stepped.first_seen, preceding=None, following=0
    )
    told = stepped.mutate(island=stepped.new.cast("int64").sum().over(up))
    one = told.group_by(*by, "island").agg(
        principal=told.principal.argmin(told.first_seen), process=told.process.argmin(told.first_seen),
        last_seen=told.last_seen.max(), records=told.records.max(), usual=told.usual.argmin(told.first_seen),
        place=told.place.min(), begin=told.first_seen.min(),
    )
    return one.mutate(
        first_seen=one.begin, what=ibis.literal("up to ") + text(one.records) + " signatures " + one.sort
    ).select(*CLUE)


KEY_RULE = KeyRule(
    id="key-rate-drift",
    title="a key signs more than it ever did",
    severity="medium",
    confidence="low",
    audience="issuer",
    attack=("T1606", "T1552.004"),
    references=("counterfoil, reconciliation rule 8.4: signatures that no ledger accounts for are the precise answer",),
    why="Who signs through the key store adds to what the token service signs: in a burst, or a few more each day.",
    innocent="A new application, a campaign, the first day after a holiday or a shorter life of tokens looks the same.",
    needs="a log of the key store that holds each signature, with two weeks (bursts) or four (rises) before",
    blind="less than a fifth more than usual; keys that sign a few times a week",
    next_step="Compare with the issuer's ledger: signatures without a counterfoil say which were not its own.",
    find=_find,
)
