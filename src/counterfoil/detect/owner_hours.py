"""Mail was read at an hour at which its owner never signs in."""

from __future__ import annotations

from counterfoil.detect.rule import Rule, Tables
from counterfoil.expressions import ibis, ir
from counterfoil.model.schema import Leg

# The owner must have signed in on so many days; an hour is theirs that lies this near to a sign-in on so many of them.
DAYS, USUAL_DAYS, BESIDE_HOURS = 10, 3, 3
_HOURS, _HOUR, _DAY = 24, 3_600, 86_400


def _find(tables: Tables) -> ir.Table:
    suspects = tables.suspects.filter(
        tables.suspects.object_kind == "mailbox", tables.suspects.subject_name.notnull(), tables.suspects.derived == ""
    )
    records = tables.records
    signed_in = records.filter(records.leg == str(Leg.ISSUANCE), records.event_time.notnull())
    whose = signed_in.semi_join(suspects, "subject_name")
    seconds = whose.event_time.truncate("s").epoch_seconds().cast("int64")
    on = whose.select(
        "subject_name", day=(seconds // _DAY).cast("int64"), clock=((seconds // _HOUR) % _HOURS).cast("int64")
    ).distinct()
    known = on.group_by("subject_name").agg(days=on.day.nunique())
    near = ibis.union(*(
        on.select("subject_name", "day", clock=(on.clock + _HOURS + shift) % _HOURS)
        for shift in range(-BESIDE_HOURS, BESIDE_HOURS + 1)
    ), distinct=True)
    hours = near.group_by("subject_name", "clock").agg(days=near.count())
    asked = suspects.select("token_key", "subject_name", clock=((suspects.t_first // _HOUR) % _HOURS).cast("int64"))
    asked = asked.semi_join(known.filter(known.days >= DAYS), "subject_name")
    return asked.anti_join(hours.filter(hours.days >= USUAL_DAYS), ["subject_name", "clock"]).select("token_key")


RULE = Rule(
    id="hours-not-the-owners",
    title="mail was read at an hour at which its owner never signs in",
    weight=0.5,
    severity="low",
    confidence="low",
    audience="tenant",
    attack=("T1114.002",),
    references=("Microsoft, Analysis of Storm-0558 techniques for unauthorized email access, 2023-07-14",),
    why="The intruder of 2023 worked from midnight to nine UTC, his own office hours. The owner is held against their "
    "own sign-ins, on ten days or more.",
    innocent="Programs that fetch mail at night, travel, and a bad night look the same.",
    needs="sign-ins of the owner, on ten days or more",
    blind="owners whose devices sign in at all hours; an intruder who keeps the owner's hours",
    next_step="Ask the owner what was running then, and look at the application and the address.",
    find=_find,
)
