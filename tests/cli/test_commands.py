"""The commands through the real seam: generated logs in, reports and exit codes out."""

from __future__ import annotations

import csv
import io
import json
import shlex
import shutil
import signal
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from counterfoil import app
from counterfoil.cli.rules import sort_of
from counterfoil.detect.registry import all_rules, key_rules
from counterfoil.model.advice import RULES
from counterfoil.model.reason import Probable, Reason
from counterfoil.model.verdict import FindingVerdict, Verdict
from counterfoil.sources.registry import logs
from counterfoil.tokens.rules import BY_CODE
from lab.histories import tiny
from lab.spray import Spray

from .run import run, start


@dataclass(frozen=True)
class Estate:
    """A hunted history: its logs, truth and case, and the options that it was hunted with."""

    logs: Path
    truth: Path
    case: Path
    options: tuple[str, ...]


@pytest.fixture(scope="session")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Estate:
    """Write a week of eight people with five forged tokens, and hunt in it."""
    root = tmp_path_factory.mktemp("estate")
    start, end = (datetime(2025, 9, day, tzinfo=UTC) for day in (3, 5))
    spray = Spray(tokens=5, victims=(1, 2), start=start, end=end)
    scenario = tiny(intrusions=(spray,))
    scenario.write(root / "logs", root / "truth.jsonl")
    declared = [word for item in scenario.declarations() for word in ("--complete", str(item))]
    options = (*declared, "--exported-at", f"{scenario.exported_at:%Y-%m-%d}", "--memory", "1GB", "--threads", "2")
    return Estate(root / "logs", root / "truth.jsonl", root / "case", options)


@pytest.fixture(scope="session")
def hunted(estate: Estate) -> Estate:
    """Hunt once for all tests that only look at the case."""
    from counterfoil.cli.main import main

    assert main(["hunt", str(estate.logs), "--case", str(estate.case), *estate.options, "--quiet"]) == 1
    return estate


def test_a_hunt_finds_what_was_planted(hunted: Estate, capsys: pytest.CaptureFixture[str]) -> None:
    """The report of the case shows the forged tokens, ends with 1, and the numbers of JSON are those of text."""
    text = run(capsys, "report", "--case", hunted.case)
    document = json.loads(run(capsys, "report", "--case", hunted.case, "--format", "json").out)
    assert text.code == 1
    assert document["verdicts"]["forged"]["tokens"] == 5
    assert ": 5 forged, " in text.out
    assert len(text.out.splitlines()) <= 50


def test_fail_on_changes_the_code_and_nothing_else(hunted: Estate, capsys: pytest.CaptureFixture[str]) -> None:
    """A pipeline chooses what it fails on; the report stays the same."""
    usual, never = (run(capsys, "report", "--case", hunted.case, *more) for more in ((), ("--fail-on", "none")))
    assert (usual.code, never.code) == (1, 0)
    assert usual.out == never.out


def test_reconcile_judges_anew(estate: Estate, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Ingest, then reconcile without a word on completeness: nothing convicts, and the report says what is missing."""
    case = tmp_path / "case"
    assert run(capsys, "ingest", estate.logs, "--case", case).code == 0
    blind = run(capsys, "reconcile", "--case", case, "--since", "2030-01-01")
    assert blind.code == 3
    assert "this is no all-clear" in blind.err
    open_ = run(capsys, "reconcile", "--case", case)
    assert "none shown to be forged" in open_.out
    (proposed,) = (line for line in open_.out.splitlines() if "--complete entra-signin/interactive" in line)
    taken = run(capsys, *shlex.split(proposed)[1:], "--format", "json")
    assert not [row for row in json.loads(taken.out)["coverage"] if row["status"] == "refused"]
    closed = run(capsys, "reconcile", "--case", case, *estate.options)
    assert closed.code == 1
    assert ": 5 forged, " in closed.out


def test_an_audit_log_alone_is_no_all_clear(
    estate: Estate, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The commonest first hour: nothing can be judged, and the logs that are missing are named, never called there."""
    told = run(capsys, "hunt", estate.logs / "m365", "--case", tmp_path / "case")
    assert told.code == 3
    assert "this is no all-clear: sign-in logs missing: interactive, non-interactive" in told.err
    assert "sign-in logs missing: interactive, non-interactive" in told.out
    assert "not declared complete" not in " ".join(told.out.split())


def test_a_finding_says_what_is_strange_on_what_it_rests_and_when(
    hunted: Estate, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each use has its time, person and what is new to the person, strange ones first; the declarations are named."""
    document = json.loads(run(capsys, "report", "--case", hunted.case, "--format", "json").out)
    (found,) = (finding for finding in document["findings"] if finding["verdict"] == "forged")
    assert "rests on what was declared complete: interactive, non-interactive" in found["detail"]
    assert "new to the user: " in found["detail"]
    assert len(found["uses"]) == found["token_count"] == 5
    assert all(use["time"] and "@" in use["subject"] and "network" in use["strange"] for use in found["uses"])
    assert found["uses"] == sorted(found["uses"], key=lambda use: (-len(use["strange"]), use["time"]))
    assert {use["ip"] for use in found["uses"]} == set(found["ips"])
    assert all("@" in subject for subject in found["subjects"])


def test_a_finding_is_explained_by_its_id(
    hunted: Estate, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`explain` looks into the case that is named, or is in the environment; another id is told."""
    page = run(capsys, "report", "--case", hunted.case)
    finding = json.loads(run(capsys, "report", "--case", hunted.case, "--format", "json").out)["findings"][0]
    assert finding["id"] in page.out
    told = run(capsys, "explain", finding["id"], "--case", hunted.case)
    assert told.code == 0
    assert all(word in told.out for word in (finding["title"][:30], "because", "uses", "forged  (verdict)", "do  "))
    monkeypatch.setenv("COUNTERFOIL_CASE", str(hunted.case))
    assert run(capsys, "explain", finding["id"]).out == told.out
    other = run(capsys, "explain", "0123456789ab")
    assert (other.code, finding["id"] in other.err) == (2, True)


def test_on_one_forged_token_the_first_step_is_to_ask(
    hunted: Estate, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One lost record can look like this: the person is asked about a new device, as the page on verdicts says."""
    shutil.copytree(hunted.case, tmp_path / "case")
    times = "SELECT first_seen FROM tokens WHERE verdict = 'forged' ORDER BY 1 LIMIT 2"
    rows = json.loads(run(capsys, "sql", hunted.case, times, "--format", "json").out)["rows"]
    window = ("--since", "2025-09-01", "--until", rows[1][0])
    told = run(capsys, "reconcile", "--case", tmp_path / "case", *hunted.options, *window)
    assert "1 forged token of 1 user" in told.out
    assert "about a new device first" in " ".join(told.out.split("NEXT")[1].split())


def test_nothing_readable_is_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Files that are no logs, and paths that do not exist, are told and end with 2."""
    other = tmp_path / "notes.txt"
    other.write_text("not a log\n")
    for path in (other, tmp_path / "absent"):
        told = run(capsys, "hunt", path, "--case", tmp_path / "case")
        assert told.code == 2
        assert "counterfoil: nothing" in told.err


def test_sql_answers_in_every_format(hunted: Estate, capsys: pytest.CaptureFixture[str]) -> None:
    """The tables that the project promises are there, and one answer comes in four forms."""
    query = "SELECT verdict, count(*) AS n FROM tokens WHERE verdict = 'forged' GROUP BY verdict"
    assert "forged   5" in run(capsys, "sql", hunted.case, query).out
    assert json.loads(run(capsys, "sql", hunted.case, query, "--format", "json").out)["rows"] == [["forged", 5]]
    assert json.loads(run(capsys, "sql", hunted.case, query, "--format", "jsonl").out) == {"verdict": "forged", "n": 5}
    rows = list(csv.reader(io.StringIO(run(capsys, "sql", hunted.case, query, "--format", "csv").out)))
    assert rows == [["verdict", "n"], ["forged", "5"]]
    for table in ("evidence", "tokens", "findings", "coverage", "keys", "rejects", "inputs"):
        assert run(capsys, "sql", hunted.case, f"SELECT * FROM {table} LIMIT 1").code == 0  # noqa: S608  # our names


def test_the_reports_own_commands_work(hunted: Estate, capsys: pytest.CaptureFixture[str]) -> None:
    """Every `counterfoil sql` line that the report prints can be run as it stands."""
    page = run(capsys, "report", "--case", hunted.case).out
    lines = [line.strip() for line in page.splitlines() if line.strip().startswith("counterfoil sql")]
    assert lines
    for line in lines:
        told = run(capsys, *shlex.split(line)[1:])
        assert told.code == 0
        assert "5 rows" in told.out


@pytest.mark.parametrize("query", ["SELEC 1", "SELECT * FROM nowhere", "DROP TABLE tokens", ""])
def test_a_bad_query_is_one_line(hunted: Estate, query: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What is wrong in a query is told in a line with a hint."""
    told = run(capsys, "sql", hunted.case, query)
    assert told.code == 2
    assert len(told.err.splitlines()) == 2


@pytest.mark.parametrize("command", ["report", "reconcile"])
def test_a_missing_case_is_told(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No case, no traceback: how to start one is the hint."""
    told = run(capsys, command, "--case", tmp_path / "none")
    assert told.code == 2
    assert "counterfoil hunt" in told.err


def test_verdicts_are_held_against_the_truth(hunted: Estate, capsys: pytest.CaptureFixture[str]) -> None:
    """`lab compare` counts what was planted, caught and wrongly accused; 0 if every verdict is allowed."""
    told = run(capsys, "lab", "compare", hunted.case, hunted.truth, "--format", "csv")
    counts = dict(list(csv.reader(io.StringIO(told.out)))[1:])
    assert (counts["planted, evidence kept"], counts["planted and convicted"]) == ("5", "5")
    assert counts["genuine but convicted"] == "0"
    assert (told.code, told.err) == (0, "")


def test_sources_are_listed_and_explained(capsys: pytest.CaptureFixture[str]) -> None:
    """Every source has its line in the list, its export in lines that survive copying, retention, caps and traps."""
    listed = json.loads(run(capsys, "sources", "--format", "json").out)["rows"]
    assert [row[0] for row in listed] == [source.name for source in app.sources()]
    for name, log, _ in listed:
        told = run(capsys, "sources", "explain", name).out
        assert told == run(capsys, "explain", name).out
        assert all(f"\n{label}" in told for label in ("export", "kept", "caps", "traps", "complete"))
        assert name in run(capsys, "explain", log).out
    told = run(capsys, "sources", "explain", "entra-signin-graph").out
    assert all(step in told for source in app.sources() if source.name == "entra-signin-graph"
               for step in source.explain.export)


def test_every_rule_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    """Each rule of suspicion says what it means, how an innocent looks the same, and what to do."""
    for rule in (*all_rules(), *key_rules()):
        told = " ".join(run(capsys, "explain", rule.id).out.split())
        assert f"{rule.id} ({sort_of(rule)}) means {rule.title}" in told
        assert all(" ".join(text.split()) in told for text in (rule.why, rule.innocent, rule.blind, rule.next_step))


def test_all_rules_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """`rules` has a row for each, with what it claims."""
    told = json.loads(run(capsys, "rules", "--format", "json").out)
    rows = {row[0]: dict(zip(told["columns"], row, strict=True)) for row in told["rows"]}
    assert rows.keys() == {rule.id for rule in (*all_rules(), *key_rules())}
    assert rows["key-taking"]["severity"] == "high"
    assert rows["decoy-key"]["weight"] == "9"
    assert all(rule.id in run(capsys, "rules").out for rule in key_rules())


def test_all_codes_are_listed_and_each_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a code, `explain` lists every one of them with its meaning; each can then be asked for."""
    rows = json.loads(run(capsys, "explain", "--format", "json").out)["rows"]
    listed = {code for code, _, _ in rows}
    assert listed >= {*map(str, (*Verdict, *FindingVerdict, *Reason, *Probable)), *RULES, *BY_CODE}
    assert listed >= {rule.id for rule in (*all_rules(), *key_rules())}
    assert all(meaning for _, _, meaning in rows)
    for code in listed:
        assert run(capsys, "explain", code).code == 0
    told = run(capsys, "explain", "forged", "--format", "json")
    assert told.code == 2
    assert "leave the code out" in told.err


def test_what_can_be_declared_is_what_sources_say() -> None:
    """The kinds that --complete accepts are those that the sources' own explanations name, and no log is left out."""
    told = {source.log.name: source.explain.complete for source in app.sources() if source.explain.complete}
    assert set(told) == set(logs().declarable)
    assert all(kind in told[log] for log, kinds in logs().declarable.items() for kind in kinds)


def test_a_closed_pipe_is_no_error(hunted: Estate) -> None:
    """When the reader of the output goes away, the program ends without a word."""
    process = start("report", "--case", hunted.case)
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(60) == 141
    assert process.stderr is not None
    assert process.stderr.read() == b""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_ctrl_c_is_one_line(estate: Estate, tmp_path: Path) -> None:
    """An interrupted run tells so, ends with 130, and the same command finishes the work."""
    command = ("hunt", estate.logs, "--case", tmp_path / "case", *estate.options)
    process = start(*command)
    for _ in range(600):  # until the case exists, so that the work is on
        if (tmp_path / "case" / "evidence").exists():
            break
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.decode().startswith("counterfoil: interrupted\n")
    again = start(*command)
    assert again.wait(120) == 1


def test_data_and_talk_stay_apart(estate: Estate, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is piped on is a document and nothing else, whatever is told on the way."""
    told = run(capsys, "hunt", estate.logs, "--case", tmp_path / "case", *estate.options, "--format", "jsonl")
    assert all(json.loads(line)["schema"] == "counterfoil.finding/1" for line in told.out.splitlines())
    assert "\x1b" not in told.out + told.err


@pytest.mark.slow
def test_the_demo_shows_the_intrusion_in_under_a_minute(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The demo ends with 0 and shows both shapes of logs, forged tokens in the first."""
    told = run(capsys, "demo", "--case", tmp_path / "demo")
    assert told.code == 0
    assert told.out.count("\nFOUND  ") == 2
    assert " forged" in told.out.split("2. The same intrusion")[0]


def test_the_page_goes_to_a_file_or_to_stdout(
    hunted: Estate, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--output` writes what stdout would have got, for the owner only, and keeps the exit code."""
    out = run(capsys, "report", "--case", hunted.case, "--format", "html")
    to_file = run(capsys, "report", "--case", hunted.case, "--format", "html", "--output", tmp_path / "r.html")
    assert (out.code, to_file.code, to_file.out) == (1, 1, "")
    assert f"wrote {tmp_path / 'r.html'}" in to_file.err
    assert (tmp_path / "r.html").read_text() == out.out
    assert (tmp_path / "r.html").stat().st_mode & 0o077 == 0
    assert "5 forged" in out.out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.html"]


@pytest.mark.parametrize("command", ["hunt", "reconcile", "report", "ingest"])
def test_a_file_that_cannot_be_written_is_refused_before_the_work(
    hunted: Estate, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    """Not after hours: a folder that is not there ends the command with 2 at once, and no case is made."""
    paths = [hunted.logs] if command in ("hunt", "ingest") else []
    wrong = run(capsys, command, *paths, "--case", tmp_path / "case", "--output", tmp_path / "none" / "r.html")
    assert (wrong.code, wrong.out) == (2, "")
    assert "cannot write" in wrong.err
    assert not (tmp_path / "case").exists()


def test_the_report_knows_the_options_of_its_run(
    hunted: Estate, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`report` says the window that was judged, and the page says every option, as it was typed."""
    case = tmp_path / "case"
    window = ("--since", "2025-09-03", "--until", "2025-09-05")
    ran = run(capsys, "hunt", hunted.logs, "--case", case, *hunted.options, *window, "--quiet", "--format", "json")
    assert json.loads(ran.out)["since"] == "2025-09-03T00:00:00Z"
    later = run(capsys, "report", "--case", case, "--format", "json")
    assert later.out == ran.out
    page = run(capsys, "report", "--case", case, "--format", "html").out
    for option in ("--since", "--until", "--complete", "--exported-at"):
        assert f"<dt>{option}</dt>" in page


def test_an_ingested_case_has_a_page_of_what_was_read(
    hunted: Estate, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`ingest --format html` tells what was read, and that nothing is judged."""
    ran = run(capsys, "ingest", hunted.logs, "--case", tmp_path / "case", "--format", "html", "--quiet")
    assert ran.code == 0
    assert "nothing is judged yet" in ran.out


def test_messages_are_told_per_mailbox(hunted: Estate, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Sums as text and CSV, the messages of one mailbox, and a folder with all of them agree."""
    text = run(capsys, "messages", "--case", hunted.case)
    assert (text.code, text.err) == (0, "")
    sums = list(csv.DictReader(io.StringIO(run(capsys, "messages", "--case", hunted.case, "--format", "csv").out)))
    assert sums
    assert all(row["mailbox"] in text.out for row in sums)
    first = sums[0]
    items = run(capsys, "messages", "--case", hunted.case, "--mailbox", first["mailbox"], "--format", "csv").out
    named = {row["message_id"] for row in csv.DictReader(io.StringIO(items)) if row["message_id"]}
    assert len(named) == int(first["seen"])
    folder = run(capsys, "messages", "--case", hunted.case, "--folder", tmp_path / "out")
    assert folder.out == ""
    assert f"wrote {len(sums) + 1} files" in folder.err
    assert run(capsys, "messages", "--case", hunted.case, "--folder", tmp_path / "out").code == 2
    assert run(capsys, "messages", "--case", hunted.case, "--folder", tmp_path / "x", "--mailbox", "a").code == 2
    assert run(capsys, "messages", "--case", hunted.case, "--of", "forgd").code == 2
