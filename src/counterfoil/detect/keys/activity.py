"""What was done at key stores, hour by hour: small, however many signatures there are."""

from __future__ import annotations

from counterfoil.expressions import ibis, ir
from counterfoil.expressions.values import bound
from counterfoil.model.key_store import WORDS
from counterfoil.model.schema import Leg, Outcome

HOUR, DAY = 3_600, 86_400
NOBODY = "somebody without a name"
# Days before which too little is known of a key to call anything new.
BASELINE_DAYS = 14
# A store and a key in it; what is of no key (lists, its own log) stands under "".
KEY = ("source", "part", "key")
# What every rule gives, see `KeyRule`.
CLUE = (*KEY, "principal", "process", "first_seen", "last_seen", "records", "what", "usual", "place")
# Names that a clue tells as usual.
MAX_TOLD = 5

_PROCESS = r'"process":"(?:\d+ )?((?:[^"\\]|\\.)*)"'
# What a version looks like in the name of a program or an agent.
VERSION = r"[/#-]v?\d+(?:\.\d+)*\b|\d+(?:\.\d+)+"


def activity(records: ir.Table) -> ir.Table:
    """Return what was done, a row for each hour in which it was.

    source, part, key, operation, principal, process (a program's path or an agent's name, without versions), done
    (it succeeded), hour (since 1970), records, first_seen and last_seen (seconds since 1970), place (`file:position`
    of the first of the records).
    """
    kept = records.filter(
        records.leg.isin([str(Leg.CONTEXT), str(Leg.KEY_USE)]), records.key_operation.isin(bound("words", WORDS)),
        records.event_time.notnull(),
    )
    told = ibis.coalesce(kept.extra.re_extract(_PROCESS, 1).nullif(""), kept.user_agent.re_extract(r"^\S+", 0), "")
    seconds = kept.event_time.truncate("s").epoch_seconds().cast("int64")
    events = kept.select(
        source=kept.source, part=ibis.coalesce(kept.kind, ""),
        key=ibis.coalesce(ibis.ifelse(kept.object_kind == "signing_key", kept.object_id, ibis.null("string")),
                          kept.key_id, ""),
        operation=kept.key_operation,
        principal=ibis.coalesce(kept.subject_name, kept.subject_id, ""),
        process=told.replace("\\\\", "\\").re_replace(VERSION, ""),
        done=kept.outcome == str(Outcome.SUCCESS),
        hour=(seconds // HOUR).cast("int64"),
        seconds=seconds,
        place=kept.raw_file + ":" + kept.raw_position.cast("string"),
    )
    return events.group_by(*KEY, "operation", "principal", "process", "done", "hour").agg(
        records=events.count(), first_seen=events.seconds.min(), last_seen=events.seconds.max(),
        place=events.place.min(),
    )


def known_since(activity: ir.Table, by: tuple[str, ...] = KEY) -> ir.Table:
    """Return since when each key is known (`known`, seconds)."""
    return activity.group_by(*by).agg(known=activity.first_seen.min())


def days(seconds: ir.IntegerValue) -> ir.IntegerValue:
    """Return the day (since 1970) of a time."""
    return (seconds // DAY).cast("int64")


def weekend(day: ir.IntegerValue) -> ir.BooleanValue:
    """Tell whether a day (since 1970, a Thursday) is a Saturday or Sunday."""
    return (day + 3) % 7 >= 5  # Monday is 0


def text(number: ir.Value) -> ir.StringValue:
    """Return a whole number as a text."""
    return number.cast("int64").cast("string")


def hours_told(hours: ir.ArrayValue) -> ir.StringValue:
    """Return sorted hours of the day in words."""
    return ibis.literal(", ").join(hours.map(lambda hour: hour.cast("string").lpad(2, "0")))
