"""A key is touched at an hour at which that account never acts."""

from __future__ import annotations

from counterfoil.detect.keys.activity import CLUE, KEY, days, hours_told, weekend
from counterfoil.detect.rule import KeyRule, KeyTables
from counterfoil.expressions import ibis, ir
from counterfoil.model.key_store import TOUCHES

# An hour is usual for somebody who acted at it, or this many hours beside it, on so many days before, working days
# and weekends apart. Clocks change by an hour twice a year.
BESIDE_HOURS = 3
USUAL_DAYS = 3
# So long somebody must be known, and on so many days: before, every hour is new.
KNOWN_DAYS = 21
ACTIVE_DAYS = 10
_HOURS = 24


def _find(tables: KeyTables) -> ir.Table:
    touched = tables.activity.filter(tables.activity.operation.isin(TOUCHES), tables.activity.principal != "")
    acts = touched.mutate(clock=touched.hour % _HOURS, day=days(touched.first_seen))
    acts = acts.mutate(off=weekend(acts.day))
    who = ["source", "part", "principal"]
    on = acts.select(*who, "off", "clock", "day").distinct()
    odd = acts.left_join(_usual_since(on, who), [*who, "off", "clock"], rname="{name}_u")
    odd = odd.filter((odd.since >= odd.day).fill_null(True)).drop("since")
    odd = odd.join(_established(on, who), who, rname="{name}_e")
    odd = odd.filter(odd.day > odd.settled, odd.day - odd.begin >= KNOWN_DAYS)
    usual = on.filter(~on.off).group_by(*who).agg(hours=on.clock.collect(distinct=True).sort())
    told = odd.left_join(usual, who, rname="{name}_h")
    clues = told.group_by(*KEY, "principal", "day").agg(
        process=told.process.argmin(told.first_seen), first_seen=told.first_seen.min(),
        last_seen=told.last_seen.max(), records=told.records.sum(),
        what=ibis.literal(", ").join(told.operation.collect(distinct=True).sort()),
        hours=told.hours.min(), place=told.place.min(),
    )
    known = ibis.coalesce(hours_told(clues.hours), "none")
    return clues.mutate(usual=ibis.literal("hours of working days (UTC): ") + known).select(*CLUE)


def _usual_since(on: ir.Table, who: list[str]) -> ir.Table:
    """Return (who, off, clock, since): on which day the third day with acts near that hour came."""
    shifts = [on.mutate(clock=(on.clock + _HOURS + shift) % _HOURS) for shift in range(-BESIDE_HOURS, BESIDE_HOURS + 1)]
    near = ibis.union(*shifts, distinct=True)
    ranked = near.mutate(
        place=ibis.row_number().over(group_by=[near[name] for name in (*who, "off", "clock")], order_by=near.day)
    )
    third = ranked.filter(ranked.place == USUAL_DAYS - 1)  # the first has 0
    return third.select(*who, "off", "clock", since=third.day)


def _established(on: ir.Table, who: list[str]) -> ir.Table:
    """Return (who, begin, settled): the first day of somebody, and the one by which enough days were seen."""
    active = on.select(*who, "day").distinct()
    by_day = {"group_by": [active[name] for name in who], "order_by": active.day}
    ranked = active.mutate(place=ibis.row_number().over(**by_day), begin=active.day.min().over(
        group_by=[active[name] for name in who]
    ))
    enough = ranked.filter(ranked.place == ACTIVE_DAYS - 1)
    return enough.select(*who, "begin", settled=enough.day)


KEY_RULE = KeyRule(
    id="key-off-hours",
    title="a signing key was touched at an hour at which that account never acts",
    severity="medium",
    confidence="medium",
    audience="issuer",
    attack=("T1552.004", "T1078"),
    references=("Microsoft, Analysis of Storm-0558 techniques, 2023-07-14: working hours of the intruder",),
    why="People have their hours, and batch jobs too. The account is held against its own earlier days, working days"
    " and weekends apart, so that services that sign at all hours raise nothing.",
    innocent="An emergency at night, or work from another time zone, looks the same the first three times.",
    needs="a log of the key store with three weeks, and ten days of acts, of that account",
    blind="who acts so seldom that no hours are usual; who works at the account's own hours",
    next_step="Ask the owner of the account what was done then, and compare with tickets and on-call plans.",
    find=_find,
)
