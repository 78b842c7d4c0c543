"""Intrusions: each intruder's evidence comes together, and nobody else's with it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from cli.run import run
from counterfoil import app
from counterfoil.investigate.intrusions.clusters import Face, Tie, clustered
from counterfoil.investigate.intrusions.traits import TRAITS

from .conftest import Story

BEGIN = datetime(2025, 9, 15)  # noqa: DTZ001  # naive UTC, as in every case
# What two faces may have: each trait's value, and how many of the estate show it.
COMMON = {("agent", "edge"): 40, ("app", "outlook"): 40, ("network", "192.0.2"): 30, ("ip", "192.0.2.1"): 30}


def face(number: int, values: Mapping[str, str] | None = None, day: float = 0.0, *, grave: bool = True) -> Face:
    """Return a face of a person of its own, unless one is named."""
    told = {"person": f"person {number}"} | dict(values or {})
    if "ip" in told:
        told.setdefault("network", told["ip"].rpartition(".")[0])
    when = BEGIN + timedelta(days=day)
    return Face(number, tuple(told.get(trait.kind) for trait in TRAITS), when, when, grave)


VPS, OTHER_VPS = "198.51.100.7", "203.0.113.9"
OFFICE = {"ip": "192.0.2.1", "agent": "edge", "app": "outlook"}
ATTACK = {"ip": VPS, "agent": "tool", "app": "rare"}
COPIED = OFFICE | {"ip": VPS}
ANOTHER = {"ip": OTHER_VPS, "agent": "other tool", "app": "other"}

STORIES: dict[str, tuple[Sequence[Face], Sequence[Tie], int]] = {
    "one server, one program, one application": ((face(1, ATTACK), face(2, ATTACK)), (), 1),
    "one server alone may be rented by two": (
        (face(1, ATTACK), face(2, ANOTHER | {"ip": VPS})), (), 2,
    ),
    "who copies the company's program, on one server, is one": (
        (face(1, COPIED), face(2, COPIED)), (), 1,
    ),
    "the company's proxy, program and application glue nobody": ((face(1, OFFICE), face(2, OFFICE)), (), 2),
    "two in one mailbox are two": (
        (face(1, ATTACK | {"person": "ada"}), face(2, ANOTHER | {"person": "ada"})), (), 2,
    ),
    "one who changes networks keeps program and application": (
        (face(1, ATTACK), face(2, ATTACK | {"ip": OTHER_VPS})), (), 1,
    ),
    "one who changes everything but the session": (
        (face(1, ATTACK), face(2, ANOTHER)), (Tie("session", "s", 2.0, (1, 2)),), 1,
    ),
    "a session that a person of the estate has, too, is not enough": (
        (face(1, ATTACK), face(2, ANOTHER)), (Tie("session", "s", 1.0, (1, 2)),), 2,
    ),
    "a server of the month before last is another's": (
        (face(1, COPIED), face(2, COPIED, 40)), (), 2,
    ),
    "a server that was used in between is the same": (
        tuple(face(n, COPIED, 12 * n) for n in range(1, 5)), (), 1,
    ),
    "a suspicion joins what is grave": ((face(1, ATTACK), face(2, ATTACK, grave=False)), (), 1),
    "a suspicion never joins two that are apart without it": (
        (face(1, ATTACK), face(2, ANOTHER), face(3, ATTACK | {"app": "other"}, grave=False)),
        (Tie("session", "s", 2.0, (2, 3)),), 2,
    ),
    "what shows nothing joins nothing": ((face(1), face(2)), (), 2),
}


@pytest.mark.parametrize(("faces", "ties", "many"), STORIES.values(), ids=STORIES.keys())
def test_who_is_one(faces: Sequence[Face], ties: Sequence[Tie], many: int) -> None:
    """Each story gives so many intruders, in any order of the faces, and every link says what is shared."""
    found = clustered(faces, ties, COMMON)
    assert len(found.groups) == many
    assert clustered(tuple(reversed(faces)), ties, COMMON) == found
    assert len(found.links) == len(faces) - many
    assert all(link.shared for link in found.links)


def test_two_intruders_are_two(capsys: pytest.CaptureFixture[str], story: Story) -> None:
    """The program tells exactly two intrusions, and each has all of one intruder's tokens and nothing else."""
    ran = run(capsys, "intrusions", "--case", story.case, "--list", "--format", "jsonl")
    told = [json.loads(line) for line in ran.out.splitlines()]
    names = [entry["id"] for entry in told if entry["sort"] == "intrusion"]
    assert ran.code == 0
    assert sorted(map(sorted, map(story.ids, names))) == sorted(
        map(sorted, (story.planted("storm-0558"), story.planted("other")))
    )


def test_the_screen_tells_who(capsys: pytest.CaptureFixture[str], story: Story) -> None:
    """The report has a line per intrusion with its findings, the page a table, JSON the whole."""
    screen = run(capsys, "report", "--case", story.case).out
    assert "WHO  2 intrusions" in screen
    assert "Findings put together by intruder" in run(capsys, "report", "--case", story.case, "--format", "html").out
    document = json.loads(run(capsys, "report", "--case", story.case, "--format", "json").out)
    findings = {finding["id"] for finding in document["findings"]}
    assert all(set(entry["findings"]) <= findings for entry in document["intrusions"])


def test_every_link_is_kept_with_its_reasons(story: Story) -> None:
    """Each intrusion is held together by links between records of its own that are in evidence."""
    ((every, *wrong),) = app.sql(story.case, """SELECT count(*), count(*) FILTER (l.why = '' OR l.worth < 1.2),
        count(*) FILTER (a.intrusion IS NULL OR b.intrusion IS NULL) FROM intrusion_links l
        LEFT JOIN intrusion_records a ON a.source = l.source AND a.record_id = l.record_id AND a.intrusion = l.intrusion
        LEFT JOIN intrusion_records b ON b.source = l.other_source AND b.record_id = l.other_record_id
            AND b.intrusion = l.intrusion""").rows
    assert isinstance(every, int)
    assert every > 1
    assert wrong == [0, 0]


def test_a_case_gives_the_same_again(capsys: pytest.CaptureFixture[str], story: Story, tmp_path: Path) -> None:
    """What is found anew, with indicators of nothing, is what the case keeps."""
    nothing = tmp_path / "nothing.txt"
    nothing.write_text("240.0.0.1\n")
    kept = run(capsys, "intrusions", "--case", story.case, "--list", "--format", "json").out
    again = run(capsys, "intrusions", "--case", story.case, "--indicators", nothing, "--list", "--format", "json")
    assert again.out == kept
