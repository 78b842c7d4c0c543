"""What the directory's own log says of the revocation of his victims' sessions: it outranks what a journal says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import duckdb

from counterfoil.model.schema import Outcome
from counterfoil.respond.evicted import Revoked, named

# What Entra writes down when a user's refresh tokens and sessions are revoked: activity of the directory's audit log
# (learn.microsoft.com/entra/identity/monitoring-health/reference-audit-activities), in lower case, without a dot.
REVOKES = "update stsrefreshtokenvalidfrom timestamp"
# The kind of that log's records, in each of its wrappers.
_DIRECTORY = "directory"


@dataclass(frozen=True)
class InLog:
    """What the log says since a block. `last`: its last record, None if there is none.

    `at`: when the last victim was revoked, of those that were; `missing`: victims who were not.
    """

    last: datetime | None
    at: datetime | None
    missing: tuple[str, ...]


def in_log(con: duckdb.DuckDBPyConnection, since: datetime, until: datetime) -> InLog:
    """Return it; needs the temporary table `his_people` (name, names). Times are naive UTC."""
    told = con.execute(_LAST, [since, until]).fetchall()[0][0]
    rows = con.execute(_FIRST, [since, until]).fetchall()
    missing = tuple(name for name, at in rows if at is None)
    return InLog(told, max((at for _, at in rows if at is not None), default=None), missing)


def revoked(word: datetime | None, found: InLog) -> Revoked:
    """Return when all that he may hold was revoked, by the log if it covers the time, else by the journal's word."""
    if found.last is None or (word is not None and found.last < word):
        return Revoked(word, by_word=word is not None)
    if found.missing:
        return Revoked(None, denied=named(found.missing) if word is not None else (), denied_count=len(found.missing))
    return Revoked(found.at)


_LAST = f"""SELECT max(event_time) FROM evidence
WHERE kind = '{_DIRECTORY}' AND event_time >= ? AND event_time < ?"""  # noqa: S608  # our own names
_FIRST = f"""WITH made AS (SELECT event_time,
    [lower(object_id), lower(json_extract_string(extra, '$.targetUsers'))] AS whose FROM evidence
    WHERE rtrim(lower(operation), '.') = '{REVOKES}' AND event_time >= ? AND event_time < ?
    AND outcome IN ('{Outcome.SUCCESS}', '{Outcome.DENIED}'))
SELECT name, (SELECT min(event_time) FROM made WHERE list_has_any(whose, names)) FROM his_people
ORDER BY name"""  # noqa: S608  # our own names
