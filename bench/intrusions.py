"""Measures how well evidence is put together by intruder, on generated tenants whose truth is known.

    python -m bench intrusions              20 tenants of each row (some ten minutes on 2 cores)
    python -m bench intrusions --seeds 3    fewer tenants
    python -m bench intrusions --rows 1000000    how long so many records take, all of them in findings

In each tenant many people share the few exits of a VPN, and sign-ins are lost at random though declared complete.
Each intruder's evidence is held against the intrusion that has most of it: precision is the share of that intrusion's
records that are his, recall the share of his tokens that it has.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
from tests.lab.losses import RandomLoss
from tests.lab.spray import Spray

from bench import results
from bench.evidence import type_of
from counterfoil import app
from counterfoil.investigate.intrusions.found import find
from counterfoil.lab.history.attack import Intrusion
from counterfoil.lab.history.compare import TruthRow, read_truth
from counterfoil.lab.history.names import EDGE, hosting_address
from counterfoil.lab.history.scenarios import Scenario
from counterfoil.lab.history.settings import Tenant
from counterfoil.lab.history.storm import Storm0558
from counterfoil.model import schema
from counterfoil.model.intrusion import Sort

_START = date(2025, 9, 1)  # a Monday
_BEGIN, _END = datetime(2025, 9, 8, tzinfo=UTC), datetime(2025, 9, 19, tzinfo=UTC)
_TOOL, _OTHER_TOOL = ("python-requests/2.31.0",), ("Go-http-client/2.0", "Go-http-client/1.1")
# Applications that the estate does not know at mail.
_APP, _OTHER_APP = "7c0d1b7e-2f55-4c0e-9d5b-5a3b1b2c9f10", "e1f6a0b4-9a3d-4a65-8b0e-0c7f2d9a4411"
LOST = 0.0005


@dataclass(frozen=True)
class Row:
    """One line of the table: what is planted in a tenant of that seed."""

    sentence: str
    planted: Callable[[int], tuple[Intrusion, ...]]


def _storm(seed: int) -> Storm0558:
    return Storm0558(start=_BEGIN, end=_END, victims=_victims(seed, 3), renewals_per_day=2)


def _victims(seed: int, count: int, first: int = 0) -> tuple[int, ...]:
    return tuple((seed * 7 + first + 3 * n) % 30 for n in range(count))


def _addresses(seed: int, count: int) -> tuple[str, ...]:
    return tuple(hosting_address(100 + 10 * (seed % 20) + 2 * n) for n in range(count))  # of one network


def _spray(seed: int, name: str, **changes: Any) -> Spray:
    told = {"tokens": 40, "victims": _victims(seed, 6, 1), "start": _BEGIN, "end": _END, "uses": 2,
            "addresses": _addresses(seed, 3), "agents": _TOOL}
    return Spray(name=name, **(told | changes))


ROWS = (
    Row("the story of 2023, and an unrelated intruder", lambda seed: (_storm(seed), _spray(seed, "other"))),
    Row("one copies the agent that the company's people have", lambda seed: (
        _storm(seed), _spray(seed, "copies", agents=(EDGE.format(139),)),
    )),
    Row("two rent the same server", lambda seed: (
        _spray(seed, "first", addresses=_addresses(seed, 1), client_id=_APP),
        _spray(seed, "second", addresses=_addresses(seed, 1), client_id=_OTHER_APP, agents=_OTHER_TOOL,
               victims=_victims(seed, 5, 2)),
    )),
    Row("one changes networks all the time", lambda seed: (
        _spray(seed, "moves", client_id=_APP, addresses=tuple(f"100.{n}.{seed}.9" for n in range(65, 105))),
        _spray(seed, "stays", agents=_OTHER_TOOL),
    )),
)


def scenario(row: Row, seed: int) -> Scenario:
    """Return the tenant of that row and seed."""
    tenant = Tenant(seed=seed, start=_START, days=21, people=30, vpn_share=0.4, moving_share=0.2,
                    mail_per_person_day=8)
    return Scenario("intrusions", tenant, row.planted(seed), (RandomLoss(LOST),))


@dataclass(frozen=True)
class Score:
    """What came of one planted intrusion: shares from 0 to 1."""

    precision: float
    recall: float


def scores(truth: Sequence[TruthRow], case: Path) -> tuple[int, list[Score]]:
    """Return how many intrusions were found, and how each planted one fares."""
    told = app.sql(case, _ASKED).rows
    found: dict[str, list[tuple[object, ...]]] = {}
    for name, *record in told:
        found.setdefault(str(name), []).append(tuple(record))
    whose = {key: row.intrusion for row in truth for key in _keys(row)}
    planted = sorted({row.intrusion for row in truth if row.intrusion})
    scored = []
    for name in planted:
        rows = {key for row in truth if row.intrusion == name for key in _keys(row)}
        best = max(found.values(), key=lambda records: len(rows & set(map(_key, records))), default=[])
        own = sum(whose.get(_key(record)) == name for record in best)
        scored.append(Score(own / len(best) if best else 0.0, len(rows & set(map(_key, best))) / len(rows)))
    return len(found), scored


_ASKED = f"""SELECT r.intrusion, e.token_id, coalesce(e.subject_name, t.subject_name), r.source, r.record_id
FROM intrusion_records r JOIN intrusions i ON i.id = r.intrusion JOIN evidence e USING (source, record_id)
LEFT JOIN tokens t USING (token_key) WHERE i.sort <> '{Sort.SINGLE}'"""  # noqa: S608  # our own name

_Key = tuple[object, object]


def _keys(row: TruthRow) -> list[_Key]:
    return [(row.token_id, row.subject_name) if row.token_id else (row.source, row.record_id)]


def _key(record: Sequence[object]) -> _Key:
    token_id, subject, source, record_id = record
    return (token_id, subject) if token_id else (source, record_id)


def measure(row: Row, seed: int) -> tuple[int, list[Score]]:
    """Write the tenant, hunt in it, and return what `scores` says."""
    with tempfile.TemporaryDirectory() as name:
        folder, planted = Path(name), scenario(row, seed)
        planted.write(folder / "logs", folder / "truth.jsonl")
        app.hunt([str(folder / "logs")], planted.settings(folder / "case"), app.Silent())
        return scores(read_truth(folder / "truth.jsonl"), folder / "case")


# Records of 400 people, half of a million by one of two intruders from 40 addresses each, beside as many sign-ins.
_TABLES = f"""
CREATE TABLE evidence ({', '.join(f'{column.name} {type_of(column.dtype)}' for column in schema.EVIDENCE)});
INSERT INTO evidence BY NAME SELECT 'm365-ual' AS source, 'r' || i AS record_id, 'acceptance' AS leg,
    'success' AS outcome, TIMESTAMP '2025-09-01' + INTERVAL (i % 1000000) SECONDS AS event_time,
    'MailItemsAccessed' AS operation,
    't' || (i % 2) || '-' || (i // 8) AS token_id, 'mailbox' AS object_kind, 'b' || (i % 400) AS object_id,
    'u' || (i % 400) AS subject_id, 'user' || (i % 400) || '@x' AS subject_name,
    '10.' || (i % 2) || '.' || (i // 7 % 4) || '.' || (i // 3 % 10) AS ip,
    'app' || (i % 2) AS client_id, 'tool' || (i % 2) || '/' || (i // 11 % 3) AS user_agent,
    's' || (i % 2) || '-' || (i // 8) AS session_id, 'exchange-item' AS kind, 1::BIGINT AS item_count,
    false AS aggregated, false AS throttled, 'sha' AS raw_file, i AS raw_position FROM range($rows) r(i)
UNION ALL BY NAME SELECT 'entra-signin' AS source, 'g' || i AS record_id, 'issuance' AS leg, 'success' AS outcome,
    TIMESTAMP '2025-09-01' + INTERVAL (i % 1000000) SECONDS AS event_time, 'Sign-in activity' AS operation,
    'g' || i AS token_id, 'u' || (i % 400) AS subject_id, 'user' || (i % 400) || '@x' AS subject_name,
    '192.0.2.' || (i % 9) AS ip, 'outlook' AS client_id, 'edge' AS user_agent, 'sha' AS raw_file, i AS raw_position,
    'interactive' AS kind FROM range($rows) r(i);
CREATE VIEW evidence_raw AS SELECT *, 'one.parquet' AS filename, rowid AS file_row_number FROM evidence;
CREATE VIEW merged AS FROM evidence LIMIT 0;
CREATE TABLE tokens AS SELECT token_id AS token_key, 'id-not-issued' AS group_rule, 'entra:x' AS group_issuer,
    client_id AS group_client, NULL::VARCHAR AS diagnosis, min(token_id) AS token_id, min(subject_name) AS subject_name,
    '' AS derived, 'forged' AS verdict FROM evidence WHERE leg = 'acceptance' GROUP BY ALL;
CREATE TABLE acceptances AS SELECT token_id AS token_key, source, record_id, NULL::VARCHAR AS child_id FROM evidence
    WHERE leg = 'acceptance';
CREATE TABLE names (subject_name VARCHAR, proven_id VARCHAR);
CREATE TABLE inputs AS SELECT 'audit.json' AS path, 'sha' AS sha256, 'm365-ual-api' AS source;
CREATE TABLE findings (id VARCHAR, rule VARCHAR, evidence VARCHAR[]);
"""  # noqa: S608  # our own names
MEMORY, THREADS = "2GB", 2


def speed(count: int) -> dict[str, object]:
    """Return how long the clustering of so many records takes, and what comes of it."""
    with duckdb.connect(config={"memory_limit": MEMORY, "threads": THREADS}) as con:
        con.execute(_TABLES.replace("$rows", str(count)))
        began, used = time.perf_counter(), _processor()
        found = find(con)
        took, used = time.perf_counter() - began, _processor() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"records in findings": count, "intrusions": len(found), "seconds": took, "processor seconds": used,
            "peak memory GiB": peak}


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main(arguments: Sequence[str]) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20, help="tenants of each row")
    parser.add_argument("--rows", type=int, help="measure time with so many records instead")
    parser.add_argument("--output", type=Path, help="keep the figures in this file")
    asked = parser.parse_args(arguments)
    if asked.rows:
        told = {"memory": MEMORY, "threads": THREADS}
        results.keep(asked.output, "intrusions", arguments, told, [speed(asked.rows)], ("duckdb",))
        return
    table = []
    for row in ROWS:
        found = [measure(row, seed) for seed in range(1, asked.seeds + 1)]
        every = [score for _, told in found for score in told]
        table.append({
            "tenant": row.sentence, "tenants": len(found), "intruders": len(every),
            "intrusions": sum(count for count, _ in found),
            "precision": sum(score.precision for score in every) / len(every),
            "recall": sum(score.recall for score in every) / len(every),
            "worst precision": min(score.precision for score in every),
            "worst recall": min(score.recall for score in every),
        })
        print(f"{row.sentence}: done", file=sys.stderr, flush=True)
    results.keep(asked.output, "intrusions", arguments, {"seeds": asked.seeds, "lost": LOST}, table,
                 ("duckdb",))
