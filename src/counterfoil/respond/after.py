"""Reads from a case what its evidence says of the time since a block: what `evicted` judges."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import duckdb

from counterfoil.case.results import rows
from counterfoil.errors import UsageError
from counterfoil.investigate.messages import claims
from counterfoil.model.counterfoil import CANARY, LEDGER_LOG
from counterfoil.model.schema import Leg, Outcome, TokenClass
from counterfoil.model.verdict import FAIL_ON_DEFAULT, Verdict
from counterfoil.respond import evicted, revocations
from counterfoil.respond.evicted import After, Left, LogSince, PartySaid, Signs
from counterfoil.respond.persistence import HOLDS

# Holds that one statement takes in.
MAX_HOLDS = 10_000
# His time ends with his last use and the life of the access token that he had then.
TIME_AFTER_HOURS = 28


@dataclass(frozen=True)
class AskedAfter:
    """What a statement is asked about. Times are naive UTC. `keys`: blocked kids; none: those of the forged tokens."""

    since: datetime
    until: datetime
    keys: tuple[str, ...] = ()
    parties: tuple[PartySaid, ...] = ()
    looked_at: frozenset[str] = frozenset()  # targets of holds that somebody looked at, or removed
    not_his: frozenset[str] = frozenset()  # marks that somebody looked at: addresses, agents, applications; "*": all
    revoked: datetime | None = None
    refresh_life: timedelta = evicted.REFRESH_LIFE
    access_life: timedelta = evicted.ACCESS_LIFE


def after(con: duckdb.DuckDBPyConnection, asked: AskedAfter, lost_records: int) -> After:
    """Return what the results in `con` say. Raises UsageError for a case in which there is no intrusion and no key."""
    keys = asked.keys or dead_keys(con)
    _prepare(con, keys, asked)
    if not keys and not rows(con, "SELECT 1 FROM his_tokens LIMIT 1"):
        raise UsageError(NOTHING, hint="counterfoil hunt finds them; or name the blocked key: --key KID")
    bounds = {"since": asked.since, "until": asked.until}
    open_tokens, used = con.execute(_OPEN, bounds).fetchall()[0]
    return After(
        since=asked.since, until=asked.until,
        accepted=_signs(con, _ACCEPTED, bounds), intrusion=_signs(con, _INTRUSION, bounds),
        renewed=_signs(con, _RENEWED, bounds), refused=_signs(con, _REFUSED, bounds),
        traits={words: _signs(con, _TRAITS.format(mark=mark), bounds) for mark, words in MARKS.items()},
        left=_left(con, asked), logs=_logs(con, asked), parties=asked.parties,
        revoked=revocations.revoked(asked.revoked, revocations.in_log(con, asked.since, asked.until)),
        refresh_life=asked.refresh_life, access_life=asked.access_life,
        open_tokens=open_tokens, used_tokens=used, lost_records=lost_records,
    )


_NOT_HIS = "DELETE FROM his_marks WHERE list_has_any(?, ['*', value, split_part(value, ' ', 1)])"
UNNAMED = "(target not logged)"
NOTHING = "this case has no finding of an intrusion"


def dead_keys(con: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    """Return the keys that forged tokens of grave findings were signed with, as far as logs have them."""
    told = [rule for rule, claim in claims(con).items() if claim in FAIL_ON_DEFAULT]
    found = rows(con, _DEAD, [told])
    return tuple(row["key_id"] for row in found)


def _prepare(con: duckdb.DuckDBPyConnection, keys: Sequence[str], asked: AskedAfter) -> None:
    """Make temporary tables: canaries, blocked keys, his tokens, his uses, his marks, his victims."""
    known = claims(con)
    grave = [rule for rule, claim in known.items() if claim in FAIL_ON_DEFAULT]
    con.execute("CREATE TEMP TABLE blocked (key_id VARCHAR)")
    con.execute("CREATE TEMP TABLE his_rules (group_rule VARCHAR)")
    con.executemany("INSERT INTO blocked VALUES (?)", [(key,) for key in keys]) if keys else None
    rules = grave or list(known)
    con.executemany("INSERT INTO his_rules VALUES (?)", [(rule,) for rule in rules]) if rules else None
    for statement in _TABLES:
        con.execute(statement, {"since": asked.since} if "$since" in statement else None)
    if asked.not_his:
        # a habit begins with its application
        con.execute(_NOT_HIS, [sorted(asked.not_his)])


_SHOWN = "e.ip, e.user_agent, e.client_id, e.operation"
_MARKED = """unnest(['address', 'agent', 'habit']) AS mark,
    unnest([e.ip, e.user_agent, e.client_id || ' ' || e.operation]) AS value"""
# Who has no refresh tokens: applications and services.
_NOBODY = f"'{TokenClass.APPLICATION}', '{TokenClass.SERVICE}', '{TokenClass.MANAGED_IDENTITY}'"
_LET_IN = f"leg = '{Leg.ACCEPTANCE}' AND outcome IN ('{Outcome.SUCCESS}', '{Outcome.DENIED}')"
_DEAD = f"""SELECT DISTINCT key_id FROM tokens WHERE verdict IN ('{Verdict.FORGED}', '{Verdict.CONTRADICTED}')
AND key_id IS NOT NULL AND list_contains(?, group_rule) ORDER BY key_id"""  # noqa: S608  # our own names
_TABLES = (
    f"""CREATE TEMP TABLE canaries AS SELECT DISTINCT signing_input_digest AS digest FROM evidence
    WHERE source = '{LEDGER_LOG}' AND json_extract_string(extra, '$.policy') = '{CANARY}'""",  # noqa: S608  # our own names
    """CREATE TEMP TABLE his_tokens AS SELECT * FROM tokens WHERE group_rule IN (FROM his_rules)
    AND (signing_input_digest IS NULL OR signing_input_digest NOT IN (FROM canaries))""",
    """CREATE TEMP TABLE his_uses AS SELECT DISTINCT a.event_time, a.source, a.record_id, e.kind, e.ip, e.user_agent,
    e.token_id, e.session_id, e.subject_id, e.subject_name, e.client_id, e.operation, e.token_class
    FROM acceptances a SEMI JOIN his_tokens USING (token_key)
    JOIN evidence e ON e.source = a.source AND e.record_id = a.record_id""",
    # marks that were his alone: nobody's genuine token had them before the block
    f"""CREATE TEMP TABLE his_marks AS WITH genuine AS (SELECT {_SHOWN} FROM acceptances a
        JOIN tokens t USING (token_key) JOIN evidence e ON e.source = a.source AND e.record_id = a.record_id
        WHERE t.verdict = '{Verdict.MINTED}' AND e.event_time < $since)
    SELECT * FROM (SELECT DISTINCT {_MARKED} FROM his_uses e WHERE event_time < $since
        EXCEPT SELECT DISTINCT {_MARKED} FROM genuine e) WHERE value IS NOT NULL""",  # noqa: S608  # our own names
    "CREATE TEMP VIEW his_addresses AS SELECT value AS ip FROM his_marks WHERE mark = 'address'",
    f"""CREATE TEMP TABLE his_people AS SELECT name, list(DISTINCT lower(each)) AS names FROM (
        SELECT coalesce(subject_name, subject_id) AS name, unnest([subject_id, subject_name]) AS each FROM his_uses
        WHERE token_class IS NULL OR token_class NOT IN ({_NOBODY})
    ) WHERE each IS NOT NULL GROUP BY name""",  # noqa: S608  # our own names
    "CREATE TEMP TABLE seen_before AS SELECT DISTINCT ip FROM his_uses WHERE event_time < $since AND ip IS NOT NULL",
)
_GENUINE_OR_ELSE = "(signing_input_digest IS NULL OR signing_input_digest NOT IN (FROM canaries))"
_WHEN = "event_time >= $since AND event_time < $until"
_ACCEPTED = f"""SELECT event_time, ip, coalesce(subject_id, subject_name) AS subject FROM evidence
WHERE {_LET_IN} AND key_id IN (FROM blocked) AND {_GENUINE_OR_ELSE} AND {_WHEN}"""  # noqa: S608  # our own names
_REFUSED = f"""SELECT event_time, ip, coalesce(subject_id, subject_name) AS subject FROM evidence
WHERE leg = '{Leg.ACCEPTANCE}' AND outcome = '{Outcome.REFUSED}' AND key_id IN (FROM blocked)
AND {_GENUINE_OR_ELSE} AND {_WHEN}"""  # noqa: S608  # our own names
_INTRUSION = f"""SELECT event_time, ip, coalesce(subject_id, subject_name) AS subject FROM his_uses WHERE {_WHEN}"""  # noqa: S608
# Issued to him since, for a token of his or what came of it. An id that a genuine token has as well proves nothing.
_RENEWED = f"""WITH RECURSIVE issued AS (SELECT event_time, ip, coalesce(subject_id, subject_name) AS subject, token_id,
    unnest(parent_token_ids) AS parent FROM evidence WHERE outcome = '{Outcome.SUCCESS}'
    AND leg IN ('{Leg.ISSUANCE}', '{Leg.SECONDARY_ISSUANCE}') AND {_GENUINE_OR_ELSE}),
his(token_id) AS (SELECT token_id FROM his_tokens WHERE token_id IS NOT NULL
    AND token_id NOT IN (SELECT token_id FROM tokens WHERE verdict = '{Verdict.MINTED}' AND token_id IS NOT NULL)
    UNION SELECT i.token_id FROM issued i JOIN his ON i.parent = his.token_id WHERE i.token_id IS NOT NULL)
SELECT DISTINCT event_time, ip, subject, token_id FROM issued
WHERE parent IN (SELECT token_id FROM his) AND {_WHEN}"""  # noqa: S608  # our own names
# What each mark is called.
MARKS: Mapping[str, str] = {
    "address": "came from his addresses", "agent": "named his agent",
    "habit": "did by an application what he alone did by it",
}
_TRAITS = f"""SELECT event_time, ip, coalesce(subject_id, subject_name) AS subject FROM evidence e
WHERE {_LET_IN} AND {_WHEN} AND {_GENUINE_OR_ELSE}
AND EXISTS (SELECT 1 FROM his_marks m WHERE m.mark = '{{mark}}' AND m.value = CASE m.mark
    WHEN 'address' THEN e.ip WHEN 'agent' THEN e.user_agent ELSE e.client_id || ' ' || e.operation END)
AND NOT EXISTS (SELECT 1 FROM his_uses u WHERE u.source = e.source AND u.record_id = e.record_id)"""  # noqa: S608
_OPEN = f"""SELECT count(*) FILTER (verdict IN ('{Verdict.UNCOVERED}', '{Verdict.UNLINKABLE}') AND NOT silent
    AND NOT early), count(*) FROM tokens WHERE last_seen >= $since AND first_seen < $until"""  # noqa: S608


def _signs(con: duckdb.DuckDBPyConnection, found: str, bounds: Mapping[str, datetime]) -> Signs:
    """Return what the rows of a query say together."""
    told = rows_of(con, f"""SELECT count(*) AS records, min(event_time) AS first, max(event_time) AS last,
        count(DISTINCT subject) AS subjects, count(DISTINCT ip) FILTER (ip NOT IN (FROM seen_before)) AS new,
        list(DISTINCT ip ORDER BY ip) FILTER (ip IS NOT NULL) AS ips FROM ({found})""", bounds)[0]  # noqa: S608
    return Signs(
        told["records"], told["first"], told["last"], evicted.named(told["ips"] or ()), told["new"], told["subjects"]
    )


def rows_of(con: duckdb.DuckDBPyConnection, query: str, bounds: Mapping[str, datetime]) -> list[dict[str, Any]]:
    """Return the rows of one of our own queries with named parameters."""
    found = con.execute(query, {name: value for name, value in bounds.items() if f"${name}" in query})
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _left(con: duckdb.DuckDBPyConnection, asked: AskedAfter) -> tuple[Left, ...]:
    """Return holds made since the intrusion by him, or under a victim's name, that stand as far as logs tell."""
    con.execute("CREATE TEMP TABLE holds (operation VARCHAR, undone VARCHAR)")
    con.executemany(
        "INSERT INTO holds VALUES (?, ?)",
        [(name, undo) for name, hold in HOLDS.items() for undo in (hold.undone or ("",))],
    )
    found = rows_of(con, _HOLDS, {"until": asked.until})
    made = (
        Left(HOLDS[row["op"]].what, row["operation"], row["event_time"], row["target"] or UNNAMED, row["his"])
        for row in found
    )
    return tuple(left for left in made if not asked.looked_at & {left.target, "*"})


_HOLDS = f"""WITH span AS (SELECT min(event_time) AS begins,
    max(event_time) + INTERVAL {TIME_AFTER_HOURS} HOURS AS ends FROM his_uses),
named AS (SELECT *, rtrim(lower(operation), '.') AS op, coalesce(object_id, object_parent) AS target FROM evidence),
made AS (SELECT n.*, EXISTS (SELECT 1 FROM his_uses u WHERE (u.token_id IS NOT NULL AND u.token_id = n.token_id)
        OR (u.session_id IS NOT NULL AND u.session_id = n.session_id)
        OR (u.source = n.source AND u.record_id = n.record_id))
        OR (n.ip IS NOT NULL AND n.ip IN (FROM his_addresses)) AS his
    FROM named n, span WHERE n.op IN (SELECT operation FROM holds) AND n.event_time >= span.begins
    AND n.event_time < $until AND n.outcome IN ('{Outcome.SUCCESS}', '{Outcome.DENIED}'))
SELECT DISTINCT op, operation, event_time, target, his FROM made m, span WHERE (his OR event_time < span.ends AND (
    subject_id IN (SELECT subject_id FROM his_uses WHERE subject_id IS NOT NULL)
    OR subject_name IN (SELECT subject_name FROM his_uses WHERE subject_name IS NOT NULL)))
AND NOT EXISTS (SELECT 1 FROM named u JOIN holds h ON h.undone = u.op AND h.operation = m.op
    WHERE u.target = m.target AND u.event_time > m.event_time AND u.event_time < $until)
ORDER BY his DESC, event_time, target LIMIT {MAX_HOLDS}"""  # noqa: S608  # our own names


def _logs(con: duckdb.DuckDBPyConnection, asked: AskedAfter) -> tuple[LogSince, ...]:
    """Return the parts of logs that showed him, with their longest silences before and since."""
    parts = rows(con, "SELECT DISTINCT source, kind FROM his_uses ORDER BY ALL")
    if not parts:  # a blocked key alone: all logs that name keys
        parts = rows(con, _KEYED)
    return tuple(_log(con, part["source"], part["kind"], asked) for part in parts)


_KEYED = f"SELECT DISTINCT source, kind FROM evidence WHERE {_LET_IN} AND key_id IS NOT NULL ORDER BY ALL"  # noqa: S608


def _log(con: duckdb.DuckDBPyConnection, source: str, kind: str, asked: AskedAfter) -> LogSince:
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE part AS SELECT event_time, throttled FROM evidence
        WHERE source = ? AND kind IS NOT DISTINCT FROM ? AND leg = '{Leg.ACCEPTANCE}' AND event_time IS NOT NULL""",  # noqa: S608
        [source, kind],
    )
    told = rows_of(con, _SILENCE, {"since": asked.since, "until": asked.until})[0]
    return LogSince(name=f"{source}/{kind}" if kind else source, **told)


# A silence that begins before the block and ends after it is one since the block.
_SILENCE = """WITH steps AS (SELECT event_time, lead(event_time) OVER (ORDER BY event_time) AS next FROM part),
gaps AS (SELECT next, date_diff('second', event_time, next) / 3600.0 AS hours FROM steps WHERE next IS NOT NULL)
SELECT (SELECT min(event_time) FROM part) AS first,
    (SELECT max(event_time) FROM part WHERE event_time < $until) AS last,
    (SELECT max(hours) FROM gaps WHERE next < $since)::DOUBLE AS quiet_before,
    (SELECT max(hours) FROM gaps WHERE next >= $since AND next < $until)::DOUBLE AS quiet_since,
    (SELECT count(*) FROM part WHERE event_time >= $since AND event_time < $until) AS records_since,
    (SELECT count(*) FROM part WHERE throttled AND event_time >= $since AND event_time < $until) AS throttled"""


def victims(con: duckdb.DuckDBPyConnection, limit: int) -> Iterable[Mapping[str, Any]]:
    """Return subjects of his tokens, most used first; needs no block. For the runbook."""
    told = list(claims(con).items())
    grave = [rule for rule, claim in told if claim in FAIL_ON_DEFAULT] or [rule for rule, _ in told]
    return rows(con, f"""SELECT subject, min(subject_name) AS name, count(*) AS tokens FROM tokens
        WHERE list_contains(?, group_rule) AND subject IS NOT NULL GROUP BY subject
        ORDER BY tokens DESC, subject LIMIT {limit}""", [grave])  # noqa: S608  # our own number
