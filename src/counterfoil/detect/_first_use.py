"""When an application was first used on something, against how long that something is in evidence."""

from __future__ import annotations

from counterfoil.detect.rule import Tables
from counterfoil.expressions import ir

# An application is new only against a baseline: mail access for so many days before it. Public rules of this kind take
# 10 to 14 days; a shorter export must still rank.
BASELINE_DAYS = 7
NEW_DAYS = 7  # so long an application stays new
DAY = 86_400


def through_new_client(tables: Tables, place: str) -> ir.Table:
    """Return (token_key) of suspects that opened mail through a client new to `place`, a column such as object_id."""
    mail = tables.acceptances.filter(
        tables.acceptances.object_kind == "mailbox", tables.acceptances.client_id.notnull()
    )
    begin = mail.group_by(place).agg(begin=mail.event_time.min().epoch_seconds())
    clients = mail.group_by(place, "client_id").agg(since=mail.event_time.min().epoch_seconds())
    new = clients.join(begin, place).filter(lambda t: t.since - t.begin >= BASELINE_DAYS * DAY)
    suspects = tables.suspects.filter(tables.suspects.object_kind == "mailbox")
    found = suspects.join(new, [place, "client_id"], rname="{name}_client")
    return found.filter(found.t_first - found.since <= NEW_DAYS * DAY).select("token_key")
