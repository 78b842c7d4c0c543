"""`--table`: logs that lie in a lake as tables are read as the JSON lines that they were made from."""

from __future__ import annotations

import json
import re
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.run import run
from counterfoil.case.manifest import read_manifest
from counterfoil.case.spark_lines import write_lines
from reconcile.on_spark import differences, quiet, results
from reconcile.small import options, written

from .alike import SIGN_IN, changed, evidence, inputs

pytestmark = pytest.mark.xdist_group("spark")

_JUDGED = ("tokens", "findings", "coverage")  # the tables of results that do not name files
_FORMATS = {
    "SignInLogs": "delta", "NonInteractiveUserSignInLogs": "iceberg", "AuditLogs": "parquet",
    "MicrosoftGraphActivityLogs": "delta", "ManagedIdentitySignInLogs": "json",
}


@pytest.fixture(scope="module")
def session(sail: str) -> Iterator[Any]:
    """Yield somebody else's session, who fills the lake."""
    from pyspark.sql.connect.session import SparkSession

    opened = SparkSession.builder.remote(sail).create()
    opened.conf.set("spark.sql.session.timeZone", "UTC")
    yield opened
    opened.stop()


def table(session: Any, query: str, place: Path, form: str = "delta") -> str:
    """Write what a query finds as a table, and return what names it."""
    session.sql(query).write.format(form).save(f"file://{place}")
    return f"{form}.`file://{place}`"


def shaped(session: Any, file: Path) -> Any:
    """Return JSON lines with a column for each member; of what is always null, a text; none for what is empty."""
    from pyspark.sql.types import ArrayType, NullType, StringType, StructField, StructType

    def kept(kind: Any) -> Any:
        if isinstance(kind, ArrayType):
            return ArrayType(kept(kind.elementType))
        if isinstance(kind, StructType):
            fields = [field for field in kind.fields if field.dataType != StructType([])]
            return StructType([StructField(field.name, kept(field.dataType)) for field in fields])
        return StringType() if isinstance(kind, NullType) else kind

    return session.read.schema(kept(session.read.json(f"file://{file}").schema)).json(f"file://{file}")


def of_lines(session: Any, lines: list[bytes], place: Path) -> str:
    """Write texts as a table of one column, and return what names it."""
    session.createDataFrame([(line.decode(),) for line in lines], "raw string").write.format("delta").save(
        f"file://{place}"
    )
    return f"delta.`file://{place}`"


def read(case: Path, sail: str, *tables: str) -> list[dict[str, Any]]:
    """Read tables into a case, and return its evidence without places in files."""
    quiet(["ingest", "--case", str(case), "--engine", sail, *(word for each in tables for word in ("--table", each))])
    return placeless(case)


def judged(case: Path, name: str) -> list[str]:
    """Return a table of results without places in files."""
    return sorted(re.sub(r"'raw_\w+': [^,}]*|'[^']+[.]jsonl:\d+'", "", row) for row in results(case)[name])


def placeless(case: Path) -> list[dict[str, Any]]:
    """Return a case's evidence without places in files, in one order."""
    rows = [{name: value for name, value in row.items() if not name.startswith("raw_")} for row in evidence(case)]
    return sorted(rows, key=str)


def unlike(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> list[Any]:
    """Return what differs first, few of it."""
    assert len(ours) == len(theirs)
    pairs = zip(ours, theirs, strict=True)
    changes = [(one, row) for one, row in pairs if one != row]
    return [{name: (one[name], row[name]) for name in one if one[name] != row[name]} for one, row in changes[:3]]


def test_a_hunt_over_tables_gives_the_same_verdicts(sail: str, session: Any, tmp_path: Path) -> None:
    """Delta, Iceberg and Parquet with a column for each field, Delta of texts, files: each record, each verdict."""
    logs, lake = written(tmp_path), tmp_path / "lake"
    records = [json.loads(file.read_bytes()) for file in sorted((logs / "m365").iterdir())]
    shutil.rmtree(logs / "m365")
    texts = [json.dumps(record).encode() for file in records for record in file]
    (logs / "m365.jsonl").write_bytes(b"\n".join(texts))
    named = [of_lines(session, texts, lake / "m365")]
    for file in sorted((logs / "entra").iterdir()):
        form = _FORMATS[file.stem]
        shaped(session, file).write.format(form).save(f"file://{lake / file.stem}")
        named.append(f"{form}.`file://{lake / file.stem}`")
    quiet(["hunt", str(logs), "--case", str(tmp_path / "here"), *options(tmp_path)])
    told = [word for each in named for word in ("--table", each)]
    quiet(["hunt", "--case", str(tmp_path / "there"), "--engine", sail, *told, *options(tmp_path)])
    assert unlike(placeless(tmp_path / "here"), placeless(tmp_path / "there")) == []
    ours, theirs = ({name: judged(case, name) for name in _JUDGED} for case in (tmp_path / "here", tmp_path / "there"))
    assert ours["tokens"]
    assert differences(ours, theirs) == []


def test_values_of_every_type(sail: str, session: Any, tmp_path: Path) -> None:
    """Times with and without a zone, to the microsecond; large numbers; NULL; a VARIANT; what JSON escapes."""
    moment = "2026-03-02T10:15:30.123456"
    record = json.loads(changed(createdDateTime=f"{moment}Z", appDisplayName='a "b" \\ \u00fc\t', ipAddress=None))
    record["time"], record["durationMs"] = f"{moment}Z", 12345678901234567890
    file = tmp_path / "signins.jsonl"
    file.write_text(json.dumps(record) + "\n")
    quiet(["ingest", str(file), "--case", str(tmp_path / "here")])
    text = json.dumps(record["properties"]).replace("\\", "\\\\").replace("'", "\\'")
    plain = {name: value for name, value in record.items() if name not in ("time", "durationMs", "properties")}
    rest = ", ".join(f"{value!r} AS {name}" for name, value in plain.items())
    number = f"CAST({record['durationMs']} AS decimal(38, 0)) AS durationMs"
    query = f"SELECT TIMESTAMP_{{}} '{moment}' AS time, {rest}, {number}, {{}}"
    shape = shaped(session, file).select("properties").schema["properties"].dataType.simpleString()
    members = ", ".join(f"'{name}', p.{name}" for name in SIGN_IN["properties"] if name != "createdDateTime")
    columns = ", ".join(name for name in record if name != "properties")
    of_struct = f"SELECT {columns}, named_struct('createdDateTime', time, {members}) AS properties FROM ({{}})"  # noqa: S608
    parsed = query.format("LTZ", f"from_json('{text}', '{shape}') AS p")
    with_zone = table(session, of_struct.format(parsed), tmp_path / "ltz")
    without = table(session, of_struct.format(parsed.replace("LTZ", "NTZ")), tmp_path / "ntz", "parquet")
    embedded = query.format("LTZ", f"parse_json('{text}') AS properties")
    variant = table(session, embedded, tmp_path / "variant", "parquet")
    whole = json.dumps(record).replace("\\", "\\\\").replace("'", "\\'")
    alone = table(session, f"SELECT parse_json('{whole}') AS v", tmp_path / "alone", "parquet")
    wanted = placeless(tmp_path / "here")
    assert str(wanted[0]["event_time"]) == moment.replace("T", " ")
    for place, each in enumerate((with_zone, without, variant, alone)):
        assert unlike(wanted, read(tmp_path / f"there{place}", sail, each)) == [], each


def test_texts_are_read_as_they_are(sail: str, session: Any, tmp_path: Path) -> None:
    """Of one column whatever it is called, and of files: a NULL is none, a broken one is rejected with its line."""
    lines = [changed(id="1"), b"{torn", json.dumps(json.loads(changed(id="2")), indent=1).encode()]
    there = of_lines(session, lines, tmp_path / "raw")
    more = session.sql("SELECT CAST(NULL AS string) AS raw").write.format("delta")
    more.mode("append").save(f"file://{tmp_path}/raw")
    rows = read(tmp_path / "case", sail, there)
    assert sorted(row["record_id"] for row in rows if not row["reject"]) == ["1/50140", "2/50140"]
    (entry,) = inputs(tmp_path / "case")
    assert (entry.read, entry.rejected) == (3, 1)
    held = Path(entry.path).read_bytes().splitlines()
    (lost,) = [row for row in evidence(tmp_path / "case") if row["reject"]]
    assert held[lost["raw_position"] - 1] == b"{torn"
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a b.jsonl").write_bytes(changed(id="1") + b"\n\n" + changed(id="2") + b"\n")
    assert len(read(tmp_path / "other", sail, f"text.`file://{tmp_path}/files/*.jsonl`")) == 2


def test_a_table_that_is_asked_again(sail: str, session: Any, tmp_path: Path) -> None:
    """Unchanged: nothing is read. Grown: what came before is read as duplicates. The files stay, closed to others."""
    case = tmp_path / "case"
    named = of_lines(session, [changed(id="1"), changed(id="2")], tmp_path / "raw")
    assert len(read(case, sail, named)) == 2
    once = read_manifest(case / "manifest.json")
    assert len(read(case, sail, named)) == 2
    assert read_manifest(case / "manifest.json") == once
    grown = of_lines(session, [changed(id="1"), changed(id="2"), changed(id="3")], tmp_path / "grown")
    assert len(read(case, sail, grown)) == 5
    quiet(["reconcile", "--case", str(case)])
    totals = [(entry.read, entry.rejected) for entry in inputs(case)]
    assert sorted(totals) == [(2, 0), (3, 0)]
    for folder in (case / "tables", *(case / "tables").iterdir()):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {"raw", "grown"} == {
        name for name in ("raw", "grown") for each in (case / "tables").iterdir() if f"_{name}-" in each.name
    }


def test_a_select_is_read(sail: str, session: Any, tmp_path: Path) -> None:
    """A day of a table, or one column of it: what the statement finds, and nothing else."""
    lines = [changed(id=str(number)).decode() for number in range(4)]
    rows = [("2026-03-01" if number % 2 else "2026-03-02", line) for number, line in enumerate(lines)]
    session.createDataFrame(rows, "day string, body string").write.format("delta").save(f"file://{tmp_path}/hub")
    asked = f"select body from delta.`file://{tmp_path}/hub` where day >= '2026-03-02'"  # noqa: S608
    assert sorted(row["record_id"] for row in read(tmp_path / "case", sail, asked)) == ["0/50140", "2/50140"]


def test_a_run_that_ended_half_way(
    sail: str, session: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither what the engine was writing nor what no manifest names counts, or stays."""
    case, first = tmp_path / "case", of_lines(session, [changed(id="1")], tmp_path / "first")
    second = of_lines(session, [changed(id="2")], tmp_path / "second")
    read(case, sail, first)

    def fails(*given: Any) -> list[Path]:
        written = write_lines(*given)
        if "second" in given[1]:
            written[0].replace(tmp_path / "case" / "tables" / "first" / "half.jsonl")
            raise KeyboardInterrupt
        return written

    (case / "tables" / "first").mkdir()
    monkeypatch.setattr("counterfoil.pipeline.by_table.write_lines", fails)
    run(capsys, "ingest", "--case", case, "--engine", sail, "--table", first, "--table", second, "--quiet")
    assert (case / "tables" / "first" / "half.jsonl").exists()
    monkeypatch.undo()
    assert [row["record_id"] for row in read(case, sail, first)] == ["1/50140"]
    assert [Path(entry.path) for entry in inputs(case)] == list((case / "tables").glob("*/*"))


@pytest.mark.parametrize(("named", "told"), [
    ("nowhere.signins", "--table nowhere.signins: "),
    ("delta.`file://{lake}/nowhere`", "/nowhere`: "),
    ("text.`file://{lake}/nowhere/*`", ": no rows"),
    ("delta.`file://{lake}/empty`", ": no rows"),
    ("SELECT 7 AS seven, 'x' AS other", "no log that is read: JSON of no known log"),
    ("delta.`file://{lake}/near`", "(nearest: "),
    ("DROP TABLE signins", "--table DROP TABLE signins: neither a table nor one SELECT"),
    ("INSERT INTO x SELECT 1", "neither a table nor one SELECT"),
    ("x; DROP TABLE x", "neither a table nor one SELECT"),
    ("SELECT 1; SELECT 2", "neither a table nor one SELECT"),
    ("SELECT reflect('java.lang.System', 'exit', 1)", "neither a table nor one SELECT"),
    ("", "--table : neither a table nor one SELECT"),
    ("`", "neither a table nor one SELECT"),
    ("SELECT 1 AS a, 2 AS A", "several columns are called a"),
    ("SELECT nothing FROM (SELECT 1 AS a)", "nothing"),
])
def test_what_is_no_table_of_logs(
    sail: str, session: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], named: str, told: str
) -> None:
    """One line that names the table, with a hint, and nothing is read, of no table beside it either."""
    if "empty" in named:
        table(session, "SELECT 'x' AS raw FROM range(0)", tmp_path / "empty")
    if "near" in named:
        near = {name: value for name, value in json.loads(changed()).items() if name != "properties"}
        of_lines(session, [json.dumps(near).encode()], tmp_path / "near")
    good = of_lines(session, [changed()], tmp_path / "good")
    case = tmp_path / "case"
    asked = ("--table", good, "--table", named.format(lake=tmp_path))
    ended = run(capsys, "ingest", "--case", case, "--engine", sail, *asked, "--quiet")
    assert ended.code == 2
    assert told in ended.err
    assert (len(ended.err.splitlines()), "\n  hint: " in ended.err) == (2, True), ended.err
    assert read_manifest(case / "manifest.json").inputs == ()
    assert not (case / "tables").exists()


@pytest.mark.parametrize(("asked", "told"), [
    (("--table", "lake.signins"), "--table: tables are read by an engine"),
    ((), "nothing to read"),
])
@pytest.mark.parametrize("command", ["hunt", "ingest"])
def test_a_table_without_an_engine(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str, asked: tuple[str, ...], told: str
) -> None:
    """One line and a hint, before a case is made; so where neither a path nor a table is given."""
    ended = run(capsys, command, "--case", tmp_path / "case", *asked, "--quiet")
    assert (ended.code, told in ended.err, "hint: " in ended.err) == (2, True, True)
    assert not (tmp_path / "case").exists()
