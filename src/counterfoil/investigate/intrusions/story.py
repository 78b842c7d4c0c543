"""Everything about one intrusion: habits, blast radius, timeline. Read when it is asked for, not with each report."""

from __future__ import annotations

import duckdb

from counterfoil.case.given import give
from counterfoil.case.results import rows
from counterfoil.errors import UsageError
from counterfoil.investigate.intrusions import blast, timeline
from counterfoil.investigate.intrusions.gathered import claim_levels
from counterfoil.investigate.intrusions.habits import habits
from counterfoil.investigate.intrusions.picture import picture
from counterfoil.investigate.intrusions.reachable import Known, reachable
from counterfoil.investigate.intrusions.traits import RECORDS
from counterfoil.model.intrusion import Intrusion
from counterfoil.model.story import Story


def story(con: duckdb.DuckDBPyConnection, entry: Intrusion, records: str, known: Known) -> Story:
    """Return everything about the intrusion. `records`: the table that has its records, as `intrusion_records` does."""
    one(con, entry, records)
    blast.prepare(con)
    lines, left = timeline.timeline(con)
    whole = blast.whole(con, entry.id)
    drawn = picture(con, entry)  # of the mail that was read for the whole
    return Story(
        intrusion=entry, habits=habits(con, entry), whole=whole,
        victims=blast.by_victim(con), keys=blast.by_key(con),
        reachable=tuple(reachable(con, key, known) for key in entry.keys), lines=lines, lines_left=left,
        picture=drawn,
    )


def one(con: duckdb.DuckDBPyConnection, entry: Intrusion, records: str) -> None:
    """Make the temporary tables `in_one` (every record of the intrusion) and `in_beside` (what happened around it)."""
    give(con, "in_claim_names", {"group_rule": "string", "claim": "string"}, claim_levels(con))
    con.execute(f"CREATE OR REPLACE TEMP VIEW in_records AS {RECORDS}")
    con.execute(_ALL)
    con.execute(_ONE.format(records=records), {"id": entry.id})
    if not rows(con, "SELECT 1 FROM in_one LIMIT 1"):
        raise UsageError(f"no record of the intrusion {entry.id}", hint="judge again: counterfoil reconcile --case DIR")
    timeline.telling(con)
    con.execute(timeline.BESIDE)


# Every record with what stories tell of it.
_ALL = """CREATE OR REPLACE TEMP VIEW in_all AS
WITH paths AS (SELECT sha256, min(path) AS path FROM inputs WHERE source <> '' GROUP BY ALL)
SELECT r.* EXCLUDE (raw_file, raw_position), coalesce(p.path, r.raw_file) AS path, r.raw_position AS position,
    NULL::VARCHAR AS verdict, NULL::VARCHAR AS reason
FROM in_records r LEFT JOIN paths p ON p.sha256 = r.raw_file"""
_ONE = """CREATE OR REPLACE TEMP TABLE in_one AS
SELECT a.* EXCLUDE (verdict, reason), m.basis, m.why, m.token_key, t.verdict, t.reason, t.rules, c.claim,
    t.token_id AS of_token, t.signing_input_digest AS token_digest, a.path || ':' || a.position AS place
FROM {records} m JOIN in_all a USING (source, record_id) LEFT JOIN tokens t ON t.token_key = m.token_key
LEFT JOIN in_claim_names c USING (group_rule) WHERE m.intrusion = $id"""
