"""Digests of what a case holds, by content: the same of two runs that found the same, whatever the files look like."""

from __future__ import annotations

import hashlib
from pathlib import Path

import duckdb

from counterfoil.case.results import TABLES

# Not `strangers`: they are rows of `tokens`.
TOLD = tuple(name for name in TABLES if name != "strangers")
_CHUNK = 1 << 20
# Rows are hashed one by one and put in order; a table is cut by the first digits of that hash, so that no text that
# is put in order is longer than its share.
_ROWS = """SELECT count(*), sha256(string_agg(row_hash, '' ORDER BY row_hash)) FROM
(SELECT sha256(to_json({name})::VARCHAR) AS row_hash FROM "{name}") GROUP BY left(row_hash, 2) ORDER BY min(row_hash)"""


def of_table(con: duckdb.DuckDBPyConnection, name: str) -> tuple[int, str]:
    """Return how many rows a table of the results has, and a SHA-256 (hex) of them in whatever order they stand."""
    parts = con.execute(_ROWS.format(name=name)).fetchall()
    return sum(rows for rows, _ in parts), hashlib.sha256("".join(digest for _, digest in parts).encode()).hexdigest()


def of_file(path: Path) -> str:
    """Return the SHA-256 (hex) of a file."""
    sha = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            sha.update(chunk)
    return sha.hexdigest()
