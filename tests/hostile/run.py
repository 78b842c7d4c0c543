"""Runs hostile cases through the real program in its own process, under a memory limit, and says what came of it."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .case import GOOD, GOOD_RECORDS, Case, Setting, good

MEMORY_BYTES = 3 << 30  # of data; what libraries reserve without using it counts, too
PEAK_MIB = 1_024  # resident, as the program is told with --memory
_MEDDLE = str(Path(__file__).with_name("meddle.py"))


@dataclass(frozen=True)
class Outcome:
    """What came of a case: what was told, the exit code, memory at its peak, and the surprises."""

    told: str
    code: int
    peak: int
    surprises: tuple[str, ...]


def run(cases: Sequence[Case], folder: Path) -> list[Outcome]:
    """Make the cases in the folder, run the program once on all of them, and compare. Raises Impossible.

    Only cases without a `set_up` of their own may be run together.
    """
    logs = folder / "logs"
    places = [logs / str(number) for number in range(len(cases))]
    for case, place in zip(cases, places, strict=True):
        place.mkdir(parents=True)
        case.make(place)
    (logs / GOOD).write_bytes(good())
    set_up = cases[0].set_up
    setting = set_up(folder, places[0]) if set_up else Setting(logs, folder / "case")
    try:
        ran = _program(setting)
    finally:
        for undo in setting.undo:
            undo()
    return [_outcome(case, place, ran) for case, place in zip(cases, places, strict=True)]


@dataclass(frozen=True)
class _Ran:
    """How the program ended: its code, what it wrote, and MiB at its peak."""

    code: int
    out: str
    err: str
    peak: int


def _program(setting: Setting) -> _Ran:
    if setting.meddle is None:
        command = [sys.executable, "-m", "counterfoil.cli.main", "hunt", str(setting.logs), "--case", str(setting.case)]
        command += ["--format", "json", "--quiet", "--memory", "1GB", "--threads", "1"]
    else:
        command = [sys.executable, _MEDDLE, *setting.meddle, str(setting.case), str(setting.logs)]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(  # noqa: S603  # our own
            [*setting.before, *command], stdout=out, stderr=err, preexec_fn=_limit
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        return _Ran(process.returncode, out.read().decode(), err.read().decode(), used.ru_maxrss >> 10)


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))


def _outcome(case: Case, place: Path, ran: _Ran) -> Outcome:
    surprises = []
    if ran.code != case.code:
        surprises.append(f"exit code {ran.code}, not {case.code}: {ran.err.strip()[-300:]}")
    if "Traceback" in ran.err or "internal error" in ran.err or len(ran.err.splitlines()) > 2:
        surprises.append(f"more than one clear line: {ran.err.strip()[-500:]}")
    told = ran.err.partition("\n")[0] if ran.code == 2 else ""
    if ran.out:
        told, wrong = _report(json.loads(ran.out), place)
        surprises += wrong
    elif ran.code != 2:
        surprises.append("no report")
    if not re.search(case.told, told, re.DOTALL):
        surprises.append(f"told {told!r}, not {case.told!r}")
    if ran.peak > PEAK_MIB:
        surprises.append(f"{ran.peak} MiB at its peak, over {PEAK_MIB}")
    return Outcome(told, ran.code, ran.peak, tuple(surprises))


def _report(report: dict[str, Any], place: Path) -> tuple[str, list[str]]:
    """Return what is told of every file of the place, and what does not add up."""
    told: list[tuple[str, str]] = []
    wrong: list[str] = []
    rejects: dict[str, list[dict[str, Any]]] = {}
    for reject in report["rejects"]:
        rejects.setdefault(reject["path"], []).append(reject)
    for entry in report["inputs"]:
        name = entry["path"].removeprefix(f"{place}/")
        here = rejects.get(entry["path"], [])
        if name != entry["path"]:
            told.append((name, _entry(entry, here, place)))
            wrong += [f"{name}: {what}" for what in _not_adding_up(entry, here)]
        elif name == str(place.parent / GOOD) and (entry["kept"], entry["rejected"]) != (GOOD_RECORDS, 0):
            wrong.append("the good log is not read")
    if report["totals"]["acceptances"] < GOOD_RECORDS:
        wrong.append("the good log is not judged")
    if len(told) == 1 and "/" not in told[0][0]:
        return told[0][1], wrong
    return "; ".join(f"{name}: {text}" for name, text in told), wrong


def _not_adding_up(entry: dict[str, Any], rejects: list[dict[str, Any]]) -> Iterator[str]:
    if entry["read"] != entry["kept"] + entry["duplicates"] + entry["rejected"]:
        yield "records do not add up"
    if sum(reject["count"] for reject in rejects) != entry["rejected"]:
        yield "rejects without a reason"
    if bool(entry["unread"]) == bool(entry["source"]):
        yield "neither read nor unread"


def _entry(entry: dict[str, Any], rejects: list[dict[str, Any]], place: Path) -> str:
    if entry["unread"]:
        return "unread: " + str(entry["unread"]).replace(f"{place}/", "")
    text = f"read {entry['read']}"
    if entry["rejected"]:
        text += f", rejected {entry['rejected']}: " + ", ".join(reject["reason"] for reject in rejects)
    return text + (f"; cut off: {entry['truncated']}" if entry["truncated"] else "")
