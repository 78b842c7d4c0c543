"""`keys watch`: what is odd at a key store, in both forms, and the codes that scripts rely on."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pytest

from counterfoil.model.counterfoil import CUSTODY_SCHEMA
from lab.custody_logs import ORIGIN, SIGNER, START, CustodyLog, custody_log

from .run import run

WEEKS = 13


@pytest.fixture(scope="module")
def log() -> CustodyLog:
    """Return a quarter of a small key store, with an insider in it."""
    return custody_log(7 * WEEKS, seed=3, hourly=8)


@pytest.fixture(scope="module")
def case(log: CustodyLog, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a case into which the log was watched."""
    from counterfoil import app
    from counterfoil.config import HuntSettings

    work = tmp_path_factory.mktemp("watched")
    app.hunt([str(written(work, log.lines))], HuntSettings(case=work / "case"))
    return work / "case"


def written(work: Path, lines: Iterable[str]) -> Path:
    """Write lines of a log into a file."""
    path = work / "custody.jsonl"
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def steady(days: int) -> list[str]:
    """Return a log in which the same service signs twice an hour, and nobody does anything else."""
    times = [START + timedelta(minutes=30 * n) for n in range(48 * days)]
    entry = {"v": 1, "op": "sign", "result": "begun", "principal": "user:tokens", "process": f"7 {SIGNER}",
             "host": "signer1", "key": "idp", "kid": "idp-1"}
    return [json.dumps({"schema": CUSTODY_SCHEMA, "log": ORIGIN, "index": n, "entry": {
        **entry, "time": f"{time:%Y-%m-%dT%H:%M:%SZ}"}}) for n, time in enumerate(times)]


def test_the_insider_is_found_in_a_quarter(log: CustodyLog, case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A night, a tool, an attempt to export, a rate and a hole are told, and less than one false row a week."""
    told = run(capsys, "keys", "watch", "--case", case, "--format", "json")
    assert told.code == 1
    clues = json.loads(told.out)["clues"]
    found = {
        planted.name: [
            clue["finding"] for clue in clues
            if clue["rule"] == planted.rule and planted.principal in ("", clue["principal"])
            and clue["last_seen"] >= planted.first.isoformat() and clue["first_seen"] < planted.last.isoformat()
        ]
        for planted in log.planted
    }
    assert all(found.values()), found
    true = {finding for findings in found.values() for finding in findings}
    assert len([clue for clue in clues if clue["finding"] not in true]) < WEEKS


def test_a_clue_names_who_with_what_and_what_is_usual(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As lines for people, too; and the finding of it is explained like any other."""
    clues = json.loads(run(capsys, "keys", "watch", "--case", case, "--format", "json").out)["clues"]
    (export,) = [clue for clue in clues if clue["rule"] == "key-taking"]
    assert export["principal"] == "user:carol"
    assert export["process"] == "/usr/bin/counterfoil"
    assert export["what"] == "export (did not succeed)"
    (night,) = [clue for clue in clues if clue["rule"] == "key-off-hours" and clue["principal"] == "user:carol"]
    assert night["usual"].startswith("hours of working days (UTC): ")
    text = run(capsys, "keys", "watch", "--case", case).out
    assert all(f"\n{label}" in text for label in ("who", "process", "key", "when", "what", "usual", "record"))
    assert export["evidence"] in text.replace("\n          ", "")
    assert "user:carol" in run(capsys, "explain", export["finding"], "--case", case).out


def test_a_hunt_has_the_same_among_its_suspicions(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every clue is a finding of the report, which none of them makes grave."""
    clues = json.loads(run(capsys, "keys", "watch", "--case", case, "--format", "json").out)["clues"]
    report = run(capsys, "report", "--case", case, "--format", "json")
    findings = {finding["id"]: finding for finding in json.loads(report.out)["findings"]}
    assert {clue["finding"] for clue in clues} <= findings.keys()
    assert {findings[clue["finding"]]["verdict"] for clue in clues} == {"suspicion"}
    assert report.code == 3


def test_a_window_chooses_what_is_told_and_not_what_is_usual(
    log: CustodyLog, case: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The night is told by what was usual long before the window; what came after it is not told."""
    del case
    night = next(planted for planted in log.planted if planted.rule == "key-off-hours")
    path = written(tmp_path, log.lines)
    told = run(capsys, "keys", "watch", path, "--case", tmp_path / "case", "--since", f"{night.first:%Y-%m-%d}",
               "--until", f"{night.last:%Y-%m-%d}", "--format", "json", "--quiet")
    clues = json.loads(told.out)["clues"]
    assert [clue["principal"] for clue in clues if clue["rule"] == "key-off-hours"] == ["user:carol"]
    assert not {clue["rule"] for clue in clues} & {"key-taking", "key-log-hole"}


@pytest.mark.parametrize(("days", "code", "said"), [
    (35, 0, "nothing odd"),
    (5, 3, "nothing odd"),
])
def test_nothing_odd(days: int, code: int, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Is 0 where habits were long enough to tell, and 3 with the reason where they were not."""
    path = written(tmp_path, steady(days))
    told = run(capsys, "keys", "watch", path, "--case", tmp_path / "case", "--quiet")
    assert (told.code, said in told.out) == (code, True)
    assert ("no all-clear: counterfoil-custody/custody.example/idp is known for 4 days" in told.err) == (code == 3)


def test_no_key_store_is_no_all_clear(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Other logs are read, and say nothing of keys; what cannot be read is an error."""
    sample = Path(__file__).parents[1] / "samples" / "entra" / "graph-v1.json"
    told = run(capsys, "keys", "watch", sample, "--case", tmp_path / "case", "--quiet")
    assert told.code == 3
    assert "no log of a key store is in evidence" in told.err
    nothing = tmp_path / "nothing.jsonl"
    nothing.write_text('{"a": 1}\n')
    assert run(capsys, "keys", "watch", nothing, "--case", tmp_path / "other", "--quiet").code == 2
    assert run(capsys, "keys", "watch", "--case", tmp_path / "none").code == 2


SERVICE = "C:\\Windows\\ADFS\\Microsoft.IdentityServer.ServiceHost.exe"
SYSMON = {"Computer": "adfs01.corp.example", "Provider": "Microsoft-Windows-Sysmon",
          "Channel": "Microsoft-Windows-Sysmon/Operational"}


def _sysmon(number: int, event: int, **data: str) -> dict[str, object]:
    """Return an event of Sysmon."""
    return {**SYSMON, "EventID": event, "TimeCreated": f"2026-05-04T12:00:{number:02}Z", "EventRecordID": number,
            "EventData": {"User": "CORP\\eve", **data}}


def test_the_memory_of_ad_fs_and_its_exports_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Who opened the service's memory to read it, who exported a certificate; no password of a command line."""
    read = {"SourceImage": "C:\\tools\\x.exe", "TargetImage": SERVICE}
    export = {"Image": "C:\\Windows\\System32\\certutil.exe",
              "CommandLine": "certutil -p hunter2 -exportPFX my 0 x.pfx"}
    events = [
        _sysmon(1, 10, **read, GrantedAccess="0x1fffff"),
        _sysmon(2, 10, **read, GrantedAccess="0x1000"),  # asks how it is, and reads nothing
        _sysmon(3, 10, SourceImage="C:\\tools\\x.exe", TargetImage="C:\\other.exe", GrantedAccess="0x1fffff"),
        _sysmon(4, 1, **export),
        _sysmon(5, 1, Image="C:\\Windows\\System32\\certutil.exe", CommandLine="certutil -store my"),
    ]
    path = tmp_path / "events.jsonl"
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    told = run(capsys, "keys", "watch", path, "--case", tmp_path / "case", "--format", "json", "--quiet")
    clues = [(clue["rule"], clue["what"], clue["principal"], clue["process"]) for clue in json.loads(told.out)["clues"]]
    assert sorted(clues) == [
        ("key-taking", "dump", "corp\\eve", "C:\\tools\\x.exe"),
        ("key-taking", "export", "corp\\eve", "C:\\Windows\\System32\\certutil.exe"),
    ]
    assert b"hunter2" not in b"".join(file.read_bytes() for file in (tmp_path / "case").rglob("*") if file.is_file())
