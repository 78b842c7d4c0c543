"""Pivot: what touches a thing is found, with how it is joined, and the sums add up; the demo's intruder is found so."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from cli.run import run
from counterfoil import app
from counterfoil.errors import UsageError
from counterfoil.investigate import pivot as pivots
from counterfoil.investigate import pivot_found
from counterfoil.model.ids import uti
from counterfoil.model.pivot import Pivot, Trait
from pipeline.conftest import Estate
from reconcile.rows import access, at, exchange, sign_in

from .written_case import written

T0, T1, T2, T3, T4 = (f"{n}0000000-0000-4000-8000-000000000000" for n in range(1, 6))
THERE, ELSEWHERE, AWAY = "203.0.113.9", "198.51.100.50", "198.51.100.51"
SEED = access(0, T1, ip=THERE, session_id="s1", signing_input_digest="d1", record_id="seed")

# What the record is -> (the record, how it is joined to the token T1; empty: not at all).
NEAR: Mapping[str, tuple[dict[str, Any], str]] = {
    "the token itself": (SEED, "token id"),
    "its sign-in, under the same id": (sign_in(-5, T1, ip=ELSEWHERE), "token id"),
    "the same signed bytes under another id": (access(7_000, T4, signing_input_digest="d1", ip=ELSEWHERE), "digest"),
    "a token obtained with it": (exchange(8_000, T3, [T1], ip=None), "lineage"),
    "another use of its session": (access(9_000, T2, session_id="s1", ip=ELSEWHERE), "session"),
    "the sign-in of a token that was used in its session": (sign_in(8_990, T2, ip=ELSEWHERE), "session"),
    "its user from its address within a day": (access(23 * 60, None, ip=THERE), "actor and address"),
    "its user from its address on the next but one": (access(25 * 60, None, ip=THERE), ""),
    "its user within ten minutes, from elsewhere": (access(9, None, ip=AWAY), "time alone"),
    "its user by name alone, within ten minutes": (
        access(-9, None, subject=None, subject_name="alice@example.com", ip=AWAY), "time alone"),
    "its user after more than ten minutes": (access(11, None, ip=AWAY), ""),
    "somebody else from its address at its time": (access(0, None, subject="bob", ip=THERE), ""),
}


@pytest.fixture(scope="module")
def near(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a case of the records of NEAR, each under its own words as record id."""
    case = tmp_path_factory.mktemp("near") / "case"
    written(case, [record | {"record_id": name} for name, (record, _) in NEAR.items()])
    return case


def test_each_record_is_joined_by_the_surest_way(near: Path) -> None:
    """The table NEAR, asked for the token: each way, and each bound of time from both sides."""
    found = app.pivot(near, {Trait.TOKEN: [T1]})
    told = {line.position: line.joined for line in found.lines}
    assert {name: told.get(place, "") for place, name in enumerate(NEAR, 1)} == {
        name: joined for name, (_, joined) in NEAR.items()}
    assert found.total == len(found.lines) == sum(1 for _, joined in NEAR.values() if joined)


# What is asked -> how many records carry it.
ASKED: Mapping[str, tuple[dict[Trait, Sequence[str]], int]] = {
    "a token in the form in which it is embedded in tokens": ({Trait.TOKEN: [uti(T1)]}, 2),
    "a token in capital letters": ({Trait.TOKEN: [T1.upper()]}, 2),
    "two addresses: either": ({Trait.IP: [THERE, ELSEWHERE]}, 8),
    "an address with its port": ({Trait.IP: [f"{THERE}:443"]}, 4),
    "an address and a user: both": ({Trait.IP: [THERE], Trait.USER: ["bob"]}, 1),
    "a user by id, with the records that only name him": ({Trait.USER: ["alice"]}, 11),
    "a user by name, with the records that only have his id": ({Trait.USER: ["Alice@example.com"]}, 11),
    "a session": ({Trait.SESSION: ["s1"]}, 2),
    "what nobody has": ({Trait.KEY: ["no-such-key"]}, 0),
}


@pytest.mark.parametrize(("asked", "carry"), ASKED.values(), ids=ASKED)
def test_what_is_asked_is_understood(near: Path, asked: dict[Trait, Sequence[str]], carry: int) -> None:
    """Values in the forms that people have at hand; several of one trait mean any, several traits mean all."""
    found = app.pivot(near, asked)
    assert found.counts[0].records == carry
    assert [(trait, tuple(values)) for trait, values in asked.items()] == list(found.asked)


REFUSED: Mapping[str, dict[Trait, Sequence[str]]] = {
    "nothing": {}, "an empty value": {Trait.USER: [" "]}, "no address": {Trait.IP: ["contoso.com"]},
    "too many values": {Trait.IP: [THERE] * 101}, "a megabyte": {Trait.AGENT: ["x" * 2_001]},
}


@pytest.mark.parametrize("asked", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_asked_is_refused(near: Path, asked: dict[Trait, Sequence[str]]) -> None:
    """With one line, before anything is searched."""
    with pytest.raises(UsageError):
        app.pivot(near, asked)


def test_sums_add_up_whatever_is_shown(near: Path) -> None:
    """Shown and left out are all records; the surest are shown first."""
    whole = app.pivot(near, {Trait.TOKEN: [T1]})
    for limit in (0, 1, 3, 5, 99):
        found = app.pivot(near, {Trait.TOKEN: [T1]}, limit)
        assert len(found.lines) == min(limit, whole.total)
        assert found.total == whole.total == len(found.lines) + found.left_out
        assert [count.shown for count in found.counts] == _surest([count.records for count in found.counts], limit)
        assert list(found.lines) == sorted(found.lines, key=lambda line: line.time or at(0))


def _surest(records: Sequence[int], limit: int) -> list[int]:
    shown: list[int] = []
    for count in records:
        shown.append(min(count, limit - sum(shown)))
    return shown


def test_what_is_missing_is_said_of_each_line(near: Path) -> None:
    """A token without issuance, one without use, a record without session: and of the case, what it has nothing of."""
    found = app.pivot(near, {Trait.TOKEN: [T1]})
    lacks = {line.time: line.lacks for line in found.lines}
    assert lacks[at(0)] == ()
    assert lacks[at(7_000)] == ("issuance", "session")
    assert lacks[at(8_000)] == ("acceptance", "address", "session")
    assert lacks[at(9)] == ("token id", "session")
    assert [words.partition(":")[0] for words in found.absent] == ["uses of keys"]


def test_what_is_common_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address that everybody has joins nobody by session or time: it is said, and the sums still add up."""
    monkeypatch.setattr(pivot_found, "MAX_FOLLOWED", 1_000)
    monkeypatch.setattr(pivot_found, "MAX_BY_USER", 100)
    crowd = [access(n % 600, None, f"u{n % 50}", ip=THERE, session_id="all",
                    client_id="rare" if n % 10 == 0 else "outlook") for n in range(1_010)]
    late = access(700, None, "u0", ip=ELSEWHERE, session_id="all", client_id="other")
    soon = access(599, None, "u0", ip=ELSEWHERE, client_id="other")
    written(tmp_path / "case", [*crowd, late, soon])
    every = app.pivot(tmp_path / "case", {Trait.IP: [THERE]}, 7)
    assert every.total == 1_010
    assert len(every.lines) == 7
    assert every.unfollowed.startswith("too common here to follow")
    some = app.pivot(tmp_path / "case", {Trait.IP: [THERE], Trait.CLIENT: ["rare"]}, 7)
    assert {count.joined: count.records for count in some.counts if count.records} == {
        "address and client": 101, "session": 910}
    assert some.unfollowed.startswith("users not followed")


def test_what_cannot_be_followed_is_no_next_pivot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mail programme of everybody leads nowhere, and is not offered; his own address is, beside it."""
    written(tmp_path / "case", [access(0, T1, "u0", client_id="outlook", ip=ELSEWHERE),
                                access(9_000, None, "u9", client_id="rare", ip=ELSEWHERE),
                                *(access(5_000 + n, None, f"u{n}", client_id="outlook", ip=THERE) for n in range(50))])
    offered = [{pivot.trait for pivot in app.pivot(tmp_path / "case", {Trait.TOKEN: [T1]}).next}]
    monkeypatch.setattr(pivots, "MAX_FOLLOWED", 50)
    offered += [{pivot.trait for pivot in app.pivot(tmp_path / "case", {Trait.TOKEN: [T1]}).next}]
    assert Trait.CLIENT in offered[0]
    assert offered[1] == offered[0] - {Trait.CLIENT, Trait.AGENT, Trait.OBJECT}
    assert Trait.IP in offered[1]


def test_what_is_scattered_widely_is_found_as_well(near: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where more places are found than are written into a query, the same comes out."""
    few = app.pivot(near, {Trait.TOKEN: [T1]})
    monkeypatch.setattr(pivot_found, "MAX_WRITTEN", 0)
    assert app.pivot(near, {Trait.TOKEN: [T1]}) == few


def test_a_record_in_two_wrappers_counts_once(tmp_path: Path) -> None:
    """And has what either wrapper says: here one has the token id, the other the session."""
    bare, rich = access(0, None, session_id="s1", record_id="r", fidelity=2), access(0, T1, record_id="r")
    written(tmp_path / "case", [bare, rich, sign_in(-5, T1)])
    for asked in ({Trait.TOKEN: [T1]}, {Trait.SESSION: ["s1"]}):
        found = app.pivot(tmp_path / "case", asked)
        assert sorted(line.leg for line in found.lines) == ["acceptance", "issuance"]
        [line] = [line for line in found.lines if line.leg == "acceptance"]
        assert (line.token, line.session, line.verdict) == (T1, "s1", "minted")


def test_the_index_is_made_anew_when_it_is_lost(near: Path, tmp_path: Path) -> None:
    """It holds nothing of its own; a second call finds it there and leaves it as it is."""
    case = tmp_path / "case"
    shutil.copytree(near, case)
    before = app.pivot(case, {Trait.TOKEN: [T1]})
    [index] = (case / "traits").glob("*/*.parquet")
    stamp = index.stat().st_mtime_ns
    assert app.pivot(case, {Trait.TOKEN: [T1]}) == before
    assert index.stat().st_mtime_ns == stamp
    shutil.rmtree(case / "traits")
    (case / "traits" / "1-duckdb-0.0.0").mkdir(parents=True)
    assert app.pivot(case, {Trait.TOKEN: [T1]}) == before
    assert [path.name for path in (case / "traits").iterdir()] == [index.parent.name]


def test_three_steps_lead_from_a_forged_token_to_all_others(demo: Estate) -> None:
    """Each step asks what the last one offers together; at the end all planted tokens are found, and no other."""
    verdicts = "SELECT token_id FROM tokens WHERE verdict IN ('forged', 'tainted')"
    planted = {str(row[0]) for row in app.sql(demo.case, verdicts).rows}
    first = app.sql(demo.case, "SELECT token_id FROM tokens WHERE verdict = 'forged' ORDER BY first_seen LIMIT 1")
    asked: dict[Trait, Sequence[str]] = {Trait.TOKEN: [str(first.rows[0][0])]}
    seen: set[str] = set()
    for _ in range(3):
        found = app.pivot(demo.case, asked, 10_000)
        seen |= {line.token for line in found.lines if line.token and line.joined != "time alone"}
        asked = {Trait.IP: dict(found.together)[Trait.IP]}
    assert seen == planted
    assert len(planted) == 48


def test_the_next_pivots_are_the_rarest_and_lead_on(demo: Estate) -> None:
    """Rarest first; each leads to records beyond these, as many as it says."""
    found = app.pivot(demo.case, {Trait.IP: ["198.51.100.13"]})
    assert [each.records for each in found.next] == sorted(each.records for each in found.next)
    for each in found.next[:4]:
        other = app.pivot(demo.case, {each.trait: [each.value]}, 0)
        assert other.counts[0].records == each.records > each.here


def test_the_command_prints_every_form(
    demo: Estate, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Text for people, a document with its schema, the lines as a table; looking exits with 0, also at nothing."""
    asked = ("pivot", "--case", demo.case, "--ip", "198.51.100.13", "--lines", "5")
    text = run(capsys, *asked)
    assert text.code == 0
    assert text.out.startswith("address 198.51.100.13: ")
    assert "and 57 more: --lines 62" in text.out
    document = json.loads(run(capsys, *asked, "--format", "json").out)
    assert document["schema"] == "counterfoil.pivot/1"
    assert document["records"] == document["shown"] + document["left_out"] == 62
    assert sum(count["records"] for count in document["joined"]) == 62
    for each in document["next"]:
        assert each["command"] in text.out
    table = list(csv.DictReader(io.StringIO(run(capsys, *asked, "--format", "csv").out)))
    assert [row["token"] for row in table] == [line["token"] or "" for line in document["lines"]]
    nothing = run(capsys, "pivot", "--case", demo.case, "--key", "none")
    assert (nothing.code, "no record of the case carries that" in nothing.err) == (0, True)
    assert run(capsys, "pivot", "--case", demo.case).code == 2
    assert run(capsys, "pivot", "--case", tmp_path / "none", "--ip", "::1").code == 2


def test_what_an_intruder_wrote_cannot_steer_a_screen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Controls are made harmless, and a command that names his text is quoted for the shell."""
    nasty = "x\x1b[2J'; rm -rf ~ #"
    rows = [access(n, None, f"u{n}", user_agent=nasty, ip=f"203.0.113.{n}") for n in range(3)]
    written(tmp_path / "case", rows)
    ran = run(capsys, "pivot", "--case", tmp_path / "case", "--ip", "203.0.113.1")
    assert "\x1b" not in ran.out
    assert "--agent 'x" in ran.out
    found: Pivot = app.pivot(tmp_path / "case", {Trait.AGENT: [nasty]})
    assert found.total == 3
