"""DuckDB with one query by hand: the anti-join that a good analyst would type."""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

from bench.contestants.fields import NULL_ID

NAME = "DuckDB, by hand"
PACKAGE = "duckdb"
HOW = "`read_json` of the four fields that the query needs, then one anti-join"
ANSWERS = True

_QUERY = """
WITH accepted AS (
  SELECT AppAccessContext.UniqueTokenId AS id FROM read_json('{logs}/m365/*.jsonl', format = 'newline_delimited',
    columns = {{AppAccessContext: 'STRUCT(UniqueTokenId VARCHAR)'}})
  UNION ALL
  SELECT properties.signInActivityId FROM read_json('{logs}/entra/MicrosoftGraphActivityLogs.jsonl',
    format = 'newline_delimited', columns = {{properties: 'STRUCT(signInActivityId VARCHAR)'}})
), issued AS (
  SELECT rtrim(properties.uniqueTokenIdentifier, '=') AS id FROM read_json('{logs}/entra/*SignInLogs.jsonl',
    format = 'newline_delimited',
    columns = {{properties: 'STRUCT(uniqueTokenIdentifier VARCHAR, status STRUCT(errorCode VARCHAR))'}})
  WHERE coalesce(properties.status.errorCode, '0') = '0'
), named AS (SELECT DISTINCT rtrim(id, '=') AS id FROM accepted)
SELECT id FROM named ANTI JOIN issued USING (id) WHERE id <> '' AND id <> '{null}'
"""


def main(logs: Path, out: Path) -> None:
    """Run the query."""
    rows = duckdb.connect().execute(_QUERY.format(logs=logs, null=NULL_ID)).fetchall()
    out.write_text("".join(f"{row[0]}\n" for row in rows), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
