"""`--engine`: a Spark judges as the embedded engine does, and one that cannot is told of in a line."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from reconcile.cluster import free_port, wait_for
from reconcile.on_spark import again
from reconcile.small import options, small

from .run import run

NOBODY = 65_534


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a case that was judged by the embedded engine: a few hundred tokens, five of them forged."""
    return small(tmp_path_factory.mktemp("judged"))


@pytest.fixture
def case(judged: Path, tmp_path: Path) -> Path:
    """Return a copy of it."""
    return Path(shutil.copytree(judged, tmp_path / "case"))


@contextmanager
def listening() -> Iterator[int]:
    """Yield the port of a server of Spark Connect that says it is of another version."""
    import grpc
    from pyspark.sql.connect.proto import base_pb2, base_pb2_grpc

    class Old(base_pb2_grpc.SparkConnectServiceServicer):
        def AnalyzePlan(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002  # as the protocol calls it
            told = base_pb2.AnalyzePlanResponse.SparkVersion(version="3.5.1")
            return base_pb2.AnalyzePlanResponse(session_id=request.session_id, spark_version=told)

    server = grpc.server(ThreadPoolExecutor(1))
    add: Any = base_pb2_grpc.add_SparkConnectServiceServicer_to_server
    add(Old(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port
    finally:
        server.stop(None)


@pytest.mark.xdist_group("spark")
def test_a_case_is_judged_alike(sail: str, judged: Path, case: Path) -> None:
    """Every row of every table of results, settled from the evidence on."""
    assert again(case, options(judged.parent), sail) == []


@pytest.mark.xdist_group("spark")
@pytest.mark.parametrize("query", [
    "SELECT * FROM tokens ORDER BY token_key",
    "SELECT verdict, reason, count(*) AS n, sum(acceptances) AS m FROM tokens GROUP BY 1, 2 ORDER BY n, 1",
    "SELECT * FROM acceptances ORDER BY source, record_id, derived",
    "SELECT t.verdict, e.leg, min(e.event_time) AS begun FROM tokens t JOIN evidence e USING (token_id)"
    " GROUP BY t.verdict, e.leg ORDER BY 1, 2",
    "SELECT tokens, first_seen, token_count FROM findings",
])
def test_a_question_is_answered_alike(capsys: pytest.CaptureFixture[str], case: Path, sail: str, query: str) -> None:
    """A Spark's rows are the embedded engine's: of plain tokens, which lie on piles, and of others, of evidence too."""
    wanted = run(capsys, "sql", case, query, "--format", "jsonl")
    found = run(capsys, "sql", case, query, "--format", "jsonl", "--engine", sail)
    assert (found.code, found.out) == (0, wanted.out)
    assert wanted.out


@pytest.mark.xdist_group("spark")
@pytest.mark.parametrize(("query", "told", "hint"), [
    ("DROP VIEW tokens", "expected one SELECT statement", "tables: evidence, tokens"),
    ("INSERT INTO tokens SELECT * FROM tokens", "expected one SELECT statement", "tables: evidence, tokens"),
    ("WITH a AS (SELECT 1) INSERT INTO tokens SELECT * FROM a", "expected one SELECT statement", "tables: evidence"),
    ("CREATE TABLE kept AS SELECT 1", "expected one SELECT statement", "tables: evidence, tokens"),
    ("SELECT 1; DROP VIEW tokens", "expected one SELECT statement", "tables: evidence, tokens"),
    ("SELECT transform(verdict) USING 'cat' FROM tokens", "expected one SELECT statement", "tables: evidence, tokens"),
    ("SELECT reflect('java.lang.System', 'exit', 1)", "expected one SELECT statement", "tables: evidence, tokens"),
    ("SET spark.sql.ansi.enabled = true", "expected one SELECT statement", "tables: evidence, tokens"),
    ("", "expected one SELECT statement", "tables: evidence, tokens"),
    ("SELEC 1", "the query failed: ", "in Spark's SQL"),
    ("SELECT verdict FROM nowhere", "the query failed: ", "tables: evidence, tokens"),
    ("SELECT nothing FROM tokens", "the query failed: ", "columns of tokens: token_key, verdict"),
    ("SELECT * FROM range(2000000)", "the answer has more than 1,000,000 rows", "count or group them, or add a LIMIT"),
])
def test_a_question_that_is_none(
    capsys: pytest.CaptureFixture[str], judged: Path, sail: str, query: str, told: str, hint: str
) -> None:
    """What would change something, or run a program there, is not asked; what is wrong is told with what there is."""
    ended = run(capsys, "sql", judged, query, "--engine", sail)
    assert (ended.code, ended.out) == (2, "")
    assert told in ended.err
    assert f"hint: {hint}" in ended.err.replace("hint: it is asked ", "hint: ")


@pytest.mark.xdist_group("spark")
def test_a_question_to_a_case_without_results(capsys: pytest.CaptureFixture[str], case: Path, sail: str) -> None:
    """The line says so, as without a Spark."""
    (case / "case.duckdb").unlink()
    ended = run(capsys, "sql", case, "SELECT 1 FROM tokens", "--engine", sail)
    assert ended.code == 2
    assert "has no results yet" in ended.err
    assert "counterfoil reconcile --case" in ended.err


@pytest.mark.xdist_group("spark")
@pytest.mark.parametrize(("address", "told"), [
    ("127.0.0.1:15002", "expected sc://HOST:PORT"),
    ("sc://", "expected sc://HOST:PORT"),
    ("sc://127.0.0.1:99999", "expected sc://HOST:PORT"),
    ("sc://127.0.0.1:1/;token=s3cret", "no engine answers at sc://127.0.0.1:1: Connection refused"),
])
def test_an_address_where_nothing_is(
    capsys: pytest.CaptureFixture[str], case: Path, address: str, told: str, sail: str  # noqa: ARG001  # the client
) -> None:
    """One line with a hint, without what is secret of it; the results stay."""
    before = (case / "case.duckdb").read_bytes()
    ended = run(capsys, "reconcile", "--case", case, "--engine", address, "--quiet")
    assert ended.code == 2
    assert told in ended.err
    assert "hint: such as sc://127.0.0.1:15002" in ended.err
    assert "s3cret" not in ended.err
    assert (case / "case.duckdb").read_bytes() == before


@pytest.mark.xdist_group("spark")
def test_a_server_of_another_version(
    capsys: pytest.CaptureFixture[str], case: Path, sail: str  # noqa: ARG001  # the client
) -> None:
    """The line names the version that is there, and the oldest that will do."""
    with listening() as port:
        ended = run(capsys, "reconcile", "--case", case, "--engine", f"sc://127.0.0.1:{port}", "--quiet")
    assert (ended.code, f"sc://127.0.0.1:{port} is Spark 3.5.1, expected 4.0 or later" in ended.err) == (2, True)


@pytest.mark.xdist_group("spark")
def test_evidence_that_lacks_a_column(capsys: pytest.CaptureFixture[str], case: Path, sail: str) -> None:
    """Of a file without a column Spark would make NULLs: the line names it, and the results stay."""
    before = (case / "case.duckdb").read_bytes()
    for file in (case / "evidence").rglob("*.parquet"):
        pq.write_table(pq.ParquetFile(file).read().drop_columns(["token_id", "ip"]), file)
    ended = run(capsys, "reconcile", "--case", case, "--engine", sail, "--quiet")
    assert ended.code == 2
    assert "lacks columns: ip, token_id" in ended.err
    assert (case / "case.duckdb").read_bytes() == before


@pytest.mark.xdist_group("spark")
def test_a_folder_whose_path_engines_would_read_as_a_pattern(
    capsys: pytest.CaptureFixture[str], case: Path, sail: str
) -> None:
    """It is refused: one engine would look for the folders that match it."""
    odd = case.rename(case.with_name("case [2025]"))
    ended = run(capsys, "reconcile", "--case", odd, "--engine", sail, "--quiet")
    assert (ended.code, "has other signs than letters, digits" in ended.err) == (2, True)


@pytest.mark.xdist_group("spark")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a server as somebody else")
def test_a_server_that_may_not_write_to_the_case(
    capsys: pytest.CaptureFixture[str], case: Path, sail: str  # noqa: ARG001  # the client
) -> None:
    """The server runs as somebody else, whom the case's folder keeps out."""
    port = free_port()
    starts = f"s.SparkConnectServer('127.0.0.1', {port}).start(background=False)"
    code = f"import os, functools, pyspark, pysail.spark as s; os.setuid({NOBODY}); {starts}"
    server = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)  # noqa: S603
    try:
        wait_for(port)
        ended = run(capsys, "reconcile", "--case", case, "--engine", f"sc://127.0.0.1:{port}", "--quiet")
    finally:
        server.terminate()
        server.wait()
    assert ended.code == 2
    assert f"sc://127.0.0.1:{port} cannot write to the case" in ended.err
    assert "hint: the server must see the case under the same path, and may write there" in ended.err
