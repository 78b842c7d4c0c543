"""Evidence is written by the bucket that reconciliation works on."""

from __future__ import annotations

from pathlib import Path

from counterfoil.case import ingest
from counterfoil.case.engine import engine
from counterfoil.case.tables import Tables
from counterfoil.reconcile.families import ANY_BUCKET, BUCKETS, bucket, family

from .engine_run import COLUMNS
from .rows import Row

ROWS: tuple[Row, ...] = (
    {"record_id": "a", "token_id": "0119f7ec-a1ce-4ccf-8784-5b2a17a92f00"},
    {"record_id": "b", "token_id": "é\x1f'"},
    {"record_id": "c", "signing_input_digest": "ab" * 32},
    {"record_id": "d", "token_id": "x", "signing_input_digest": "ab" * 32},
    {"record_id": "e"},
    {"record_id": "f"},
)


def test_the_writer_and_the_rules_agree_on_buckets(tmp_path: Path) -> None:
    """By token id, else by digest, else by record: the same digit in both languages."""
    with engine(tmp_path, memory=None, threads=1) as con:
        tables = Tables(con, tmp_path / "piles")
        rows = [row | {"source": "m365-ual"} for row in ROWS]
        given = tables.given("rows", COLUMNS, [[row.get(name) for name in COLUMNS] for row in rows])
        named = given.select("record_id", bucket=bucket(family(given)))
        ours = {row["record_id"]: row["bucket"] for row in tables.rows(named)}
        theirs = dict(con.execute(f"SELECT record_id, {ingest.BUCKET} FROM rows").fetchall())  # noqa: S608  # a constant
    assert ours == theirs
    assert set(ours.values()) <= set(BUCKETS)
    assert ingest.ANY_BUCKET == ANY_BUCKET
