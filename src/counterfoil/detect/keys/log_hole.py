"""The log of a key store has a hole: entries are missing by their numbers, or hours that are always busy are empty."""

from __future__ import annotations

from counterfoil.detect.keys.activity import CLUE, DAY, HOUR, text
from counterfoil.detect.rule import KeyRule, KeyTables
from counterfoil.expressions import ibis, ir

# An empty hour counts for the fewest records that it held in so many weeks before, and it must have held some in each.
WEEKS = 3
_WEEK_HOURS = 7 * DAY // HOUR
# So many records at least must be missing in a row of empty hours: chance does not leave out that many.
MISSING = 20


def _find(tables: KeyTables) -> ir.Table:
    return ibis.union(_by_number(tables.entries), _by_silence(tables.activity))


def _by_number(entries: ir.Table) -> ir.Table:
    """Return where numbers are missing between two entries."""
    part = [entries.source, entries.part]
    by_number = {"group_by": part, "order_by": entries.sequence}
    stepped = entries.mutate(
        step=entries.sequence - entries.sequence.lag().over(**by_number),
        before=entries.seconds.lag().over(**by_number),
    )
    gaps = stepped.filter(stepped.step > 1)
    what = text(gaps.step - 1) + " entries are missing, before number " + text(gaps.sequence)
    return gaps.mutate(
        key=ibis.literal(""), principal=ibis.literal(""), process=ibis.literal(""),
        first_seen=ibis.least(gaps.before, gaps.seconds), last_seen=ibis.greatest(gaps.before, gaps.seconds),
        records=gaps.step - 1, what=what,
        usual=ibis.literal("numbers follow one another"),
    ).select(*CLUE)


def _by_silence(activity: ir.Table) -> ir.Table:
    """Return rows of hours without a record that had some in each of the weeks before."""
    part = ("source", "part")
    busy = activity.group_by(*part, "hour").agg(n=activity.records.sum(), place=activity.place.argmax(activity.hour))
    ends = busy.group_by(*part).agg(end=busy.hour.max())
    expected = ibis.union(*(
        busy.select(*part, "n", hour=busy.hour + week * _WEEK_HOURS) for week in range(1, WEEKS + 1)
    ))
    hourly = expected.group_by(*part, "hour").agg(weeks=expected.count(), least=expected.n.min())
    empty = hourly.filter(hourly.weeks == WEEKS).anti_join(busy, [*part, "hour"]).join(ends, list(part))
    empty = empty.filter(empty.hour < empty.end)
    # hours in a row have one number of the hour less their place
    place = ibis.row_number().over(group_by=[empty[name] for name in part], order_by=empty.hour)
    runs = empty.mutate(run=empty.hour - place)
    holes = runs.group_by(*part, "run").agg(
        first_hour=runs.hour.min(), last_hour=runs.hour.max(), least=runs.least.sum()
    )
    holes = holes.filter(holes.least >= MISSING)
    after = holes.join(busy.select(*part, "place", at=busy.hour), list(part), rname="{name}_b")
    after = after.filter(after.at > after.last_hour)
    first = after.group_by(*part, "first_hour", "last_hour", "least").agg(place=after.place.min())
    return first.mutate(
        key=ibis.literal(""), principal=ibis.literal(""), process=ibis.literal(""), first_seen=first.first_hour * HOUR,
        last_seen=(first.last_hour + 1) * HOUR, records=first.least,
        what=text(first.last_hour - first.first_hour + 1) + " hours without a record",
        usual=ibis.literal("at least ") + text(first.least) + f" records then in each of {WEEKS} weeks before",
    ).select(*CLUE)


KEY_RULE = KeyRule(
    id="key-log-hole",
    title="the log of a key store has a hole",
    severity="high",
    confidence="medium",
    audience="issuer",
    attack=("T1685.002", "T1070"),
    references=("CSRB, Review of the Summer 2023 Microsoft Exchange Online Intrusion, 2024-03-20",),
    why="Entries that are missing between others were taken out, or never written. A store that signs in each hour of"
    " the week does not stop for some of them.",
    innocent="A failed collector, a file that was not exported, a public holiday or a move of the service looks the"
    " same.",
    needs="a log whose entries have numbers, or one of a store that is used in every hour of the week, for three weeks",
    blind="single entries of logs without numbers; holes in hours in which nothing may happen",
    next_step="Get the missing hours from another copy of the log. Until then, take what was signed then for unknown.",
    find=_find,
)
