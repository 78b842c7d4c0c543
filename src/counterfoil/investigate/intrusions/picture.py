"""Reads what is drawn of one intrusion from the case: see `model.picture`.

Needs the tables `in_one` (`story.one`) and `mail`, of all its mail (`blast.whole`).
"""

from __future__ import annotations

from datetime import timedelta

import duckdb

from counterfoil.case.results import rows
from counterfoil.investigate.intrusions.blast import LET_IN
from counterfoil.investigate.intrusions.gathered import BY_KEY_READ
from counterfoil.model.intrusion import Intrusion
from counterfoil.model.picture import MAX_BUSY, MAX_KIN, MAX_MAIL_DAYS, Busy, Kin, MailDay, Moment, Picture, Turn
from counterfoil.model.reason import Reason
from counterfoil.model.schema import Leg
from counterfoil.model.verdict import Verdict

# Up to so long, acts are counted by the hour.
HOURLY = timedelta(days=14)


def picture(con: duckdb.DuckDBPyConnection, entry: Intrusion) -> Picture:
    """Return the picture of the intrusion whose records are in `in_one`."""
    day_long = entry.last_seen - entry.first_seen > HOURLY
    kin = rows(con, _KIN)
    return Picture(
        moments=tuple(moment for turn, (where, order) in _TURNS.items() for moment in _moment(con, turn, where, order)),
        busy=tuple(Busy(**row) for row in rows(con, _BUSY.format(unit="day" if day_long else "hour"))),
        day_long=day_long,
        mail=tuple(MailDay(**row) for row in rows(con, _MAIL)),
        kin=tuple(Kin(
            row["token_key"], row["subject"], Verdict(row["verdict"]), row["first_seen"], tuple(row["parents"]),
            row["reason"] == Reason.UNROOTED and not row["parents"],
        ) for row in kin[:MAX_KIN]),
        kin_left=len(kin[MAX_KIN:]),
    )


_MAILBOX = f"leg = '{Leg.ACCEPTANCE}' AND operation IN ('MailItemsAccessed', 'AttachmentAccess') AND {LET_IN}"
# What shows each, and whether the first or the last of it.
_TURNS: dict[Turn, tuple[str, str]] = {
    Turn.KEY_READ: (f"basis = '{BY_KEY_READ}'", "ASC"),
    Turn.FIRST: (f"leg = '{Leg.ACCEPTANCE}' AND token_key IS NOT NULL", "ASC"),
    Turn.EXCHANGE: (f"leg = '{Leg.SECONDARY_ISSUANCE}'", "ASC"),
    Turn.MAIL: (_MAILBOX, "ASC"),
    Turn.OTHER: (f"leg = '{Leg.ACCEPTANCE}' AND object_kind <> 'mailbox' AND {LET_IN}", "ASC"),
    Turn.LAST: ("event_time IS NOT NULL", "DESC"),
}
_FIRST = "SELECT event_time AS time, coalesce(shown, '') AS who, path, position FROM in_one"


def _moment(con: duckdb.DuckDBPyConnection, turn: Turn, where: str, order: str) -> list[Moment]:
    found = rows(con, f"{_FIRST} WHERE {where} ORDER BY event_time {order}, path, position LIMIT 1")
    return [Moment(turn, **row) for row in found]


_BUSY = f"""SELECT date_trunc('{{unit}}', event_time)::TIMESTAMP AS start, count(*) AS records FROM in_one
GROUP BY ALL ORDER BY start LIMIT {MAX_BUSY}"""  # noqa: S608  # our own number
_MAIL = f"""WITH names AS (SELECT box, coalesce(min(owner), min(mailbox_id), '') AS mailbox FROM mail GROUP BY box)
SELECT mailbox, event_time::DATE AS day, count(DISTINCT (raw_file, raw_position)) AS records,
    coalesce(len(list_distinct(flatten(list(item_ids) FILTER (item_ids IS NOT NULL)))), 0) AS messages,
    bool_or(access = 'sync') AS synced
FROM mail JOIN names USING (box) GROUP BY ALL ORDER BY mailbox, day LIMIT {MAX_MAIL_DAYS}"""  # noqa: S608  # our own
_KIN = """WITH own AS (SELECT DISTINCT token_key FROM in_one WHERE token_key IS NOT NULL),
edges AS (SELECT DISTINCT a.token_key AS parent, c.token_key FROM acceptances a SEMI JOIN own USING (token_key)
    JOIN tokens c ON c.token_id = a.child_id AND c.token_key <> a.token_key WHERE a.child_id IS NOT NULL)
SELECT t.token_key, coalesce(t.subject_name, t.subject, '') AS subject, t.verdict, t.reason, t.first_seen,
    coalesce(list_sort(list(DISTINCT e.parent) FILTER (e.parent IS NOT NULL)), []) AS parents
FROM tokens t SEMI JOIN own USING (token_key) LEFT JOIN edges e USING (token_key)
GROUP BY ALL ORDER BY t.first_seen, t.token_key"""
