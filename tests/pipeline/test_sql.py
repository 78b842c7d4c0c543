"""The tables of a case to any question, and to nothing but questions."""

from __future__ import annotations

from pathlib import Path

import pytest

from counterfoil import app
from counterfoil.case.results import TABLES
from counterfoil.errors import CaseError, UsageError
from counterfoil.model import schema

from .conftest import Estate
from .estates import digest

FORBIDDEN = {
    "writes a file beside the evidence": "COPY (SELECT 1 AS a) TO '{case}/evidence/x.parquet'",
    "writes over evidence while explaining": "EXPLAIN ANALYZE COPY (SELECT 1 AS a) TO '{case}/evidence/x.parquet'",
    "writes elsewhere": "COPY tokens TO '{other}/x.csv'",
    "exports all": "EXPORT DATABASE '{case}/evidence/export'",
    "changes results": "DELETE FROM results.tokens",
    "drops results": "DROP TABLE results.tokens",
    "makes a table": "CREATE TABLE results.x AS SELECT 1",
    "makes a view over another": "CREATE OR REPLACE VIEW tokens AS SELECT 1",
    "reads a file of the system": "SELECT * FROM read_csv('/etc/passwd')",
    "reads a file by name": "SELECT * FROM '/etc/passwd'",
    "reads a file as text": "SELECT * FROM read_text('/etc/passwd')",
    "reads the inputs": "SELECT * FROM read_json_auto('{logs}')",
    "lists a folder": "SELECT * FROM glob('/etc/*')",
    "climbs out of the evidence": "SELECT * FROM read_text('{case}/evidence/../manifest.json')",
    "opens another database": "ATTACH '{other}/x.duckdb'",
    "opens the case for writing": "ATTACH '{case}/case.duckdb' AS again",
    "opens itself again": "SET enable_external_access = true",
    "loads an extension": "INSTALL httpfs",
    "asks the network": "SELECT * FROM read_csv('https://example.com/x.csv')",
    "asks two things": "SELECT 1; SELECT 2",
    "asks nothing": "",
    "asks in prose": "which tokens are forged?",
    "asks for what is not there": "SELECT * FROM secrets",
}


@pytest.mark.parametrize("query", FORBIDDEN.values(), ids=FORBIDDEN.keys())
def test_nothing_but_questions_about_the_case(tiny: Estate, tmp_path: Path, query: str) -> None:
    """A query cannot write, nor read outside of the case: it fails in one line, with the tables' names as a hint."""
    before = {path: digest(path) for path in tiny.case.rglob("*") if path.is_file()}
    with pytest.raises(UsageError) as caught:
        app.sql(tiny.case, query.format(case=tiny.case, other=tmp_path, logs=tiny.written.paths[0]))
    assert "\n" not in str(caught.value)
    assert all(name in caught.value.hint for name in TABLES)
    assert {path: digest(path) for path in tiny.case.rglob("*") if path.is_file()} == before
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", TABLES)
def test_the_promised_tables_are_there(tiny: Estate, name: str) -> None:
    """Every table that the program promises can be asked, and no two of its columns share a name."""
    columns = app.sql(tiny.case, f"SELECT * FROM {name}").columns  # noqa: S608  # our own
    assert len(set(columns)) == len(columns) > 0


def test_evidence_has_the_schema(tiny: Estate) -> None:
    """`evidence` has the columns of the schema, in its order, and every record once."""
    found = app.sql(tiny.case, "SELECT * FROM evidence")
    assert found.columns == schema.NAMES
    assert len(found.rows) == sum(entry.kept for entry in tiny.report.inputs)


@pytest.mark.parametrize("query", ["FROM tokens LIMIT 1", "DESCRIBE evidence", "SHOW TABLES", "SUMMARIZE inputs",
                                   "WITH a AS (SELECT 1 AS b) SELECT * FROM a"])
def test_questions_in_any_form(tiny: Estate, query: str) -> None:
    """The engine's other forms of a question work."""
    assert app.sql(tiny.case, query).rows


def test_answers_agree_with_the_report(tiny: Estate) -> None:
    """Tokens and acceptances by verdict are the same in the tables as in the report, and both add up."""
    query = "SELECT verdict, count(*), sum(acceptances)::BIGINT FROM tokens GROUP BY 1 ORDER BY 1"
    counted = {row[0]: row[1:] for row in app.sql(tiny.case, query).rows}
    for verdict in {row.verdict for row in tiny.report.verdicts}:
        assert counted[verdict] == (tiny.report.tokens(verdict), tiny.report.acceptances(verdict))
    (whole,) = app.sql(tiny.case, "SELECT count(*) FROM acceptances").rows
    assert whole[0] == sum(row.acceptances for row in tiny.report.verdicts)


def test_no_case_is_told(tmp_path: Path) -> None:
    """A folder without a case is an error that says how to start one."""
    with pytest.raises(CaseError, match="no case at") as caught:
        app.sql(tmp_path, "SELECT 1")
    assert "counterfoil hunt" in caught.value.hint
