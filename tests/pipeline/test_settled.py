"""What runs settled serves later ones only if it is what it was; otherwise it is made anew."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil import app
from counterfoil.case.evidence import is_whole
from counterfoil.case.manifest import read_manifest
from counterfoil.model.pivot import Trait
from counterfoil.pipeline import ingest as reading
from counterfoil.pipeline import settled as planning

from .conftest import Estate
from .estates import hunted, settings, tables


def _generations(case: Path) -> list[str]:
    return sorted(path.name for path in (case / "settled").iterdir())


def _tokens(case: Path) -> list[Path]:
    return sorted((case / "settled").rglob("tokens/*.parquet"))


def _lose_a_file(case: Path) -> None:
    _tokens(case)[0].unlink()


def _cut_a_file(case: Path) -> None:
    path = _tokens(case)[0]
    path.write_bytes(path.read_bytes()[:-100])


def _lose_all(case: Path) -> None:
    shutil.rmtree(case / "settled")


def _spoil_the_state(case: Path) -> None:
    with duckdb.connect(str(case / "case.duckdb")) as con:
        con.execute("UPDATE settled SET state = '{\"generations\": 1}'")


def _lose_the_state(case: Path) -> None:
    with duckdb.connect(str(case / "case.duckdb")) as con:
        con.execute("DROP TABLE settled")


def _spoil_the_results(case: Path) -> None:
    (case / "case.duckdb").write_bytes(b"no database")


def _add_a_generation(case: Path) -> None:
    (case / "settled" / "0123").mkdir()


@pytest.mark.parametrize(
    "damage",
    [
        _lose_a_file, _cut_a_file, _lose_all, _spoil_the_state, _lose_the_state, _spoil_the_results, _add_a_generation,
    ],
)
def test_what_is_damaged_is_made_anew(tiny: Estate, tmp_path: Path, damage: Callable[[Path], None]) -> None:
    """A file lost or cut, the state lost or not understood, a folder that nobody named."""
    case = tmp_path / "case"
    shutil.copytree(tiny.case, case)
    damage(case)
    app.reconcile(settings(case, tiny.scenario))
    assert tables(case) == tables(tiny.case)
    assert len(_generations(case)) == 1


def test_another_version_is_not_trusted(tiny: Estate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that settles otherwise settles all anew."""
    case = tmp_path / "case"
    shutil.copytree(tiny.case, case)
    monkeypatch.setattr(planning, "PILES", planning.PILES + 1)
    app.reconcile(settings(case, tiny.scenario))
    assert tables(case) == tables(tiny.case)
    assert _generations(case) != _generations(tiny.case)


def test_judging_again_settles_nothing_again(tiny: Estate, tmp_path: Path) -> None:
    """Other declarations and another window change what is judged, not what is settled."""
    case = tmp_path / "case"
    shutil.copytree(tiny.case, case)
    before = {path: path.stat().st_mtime_ns for path in _tokens(case)}
    app.reconcile(settings(case, None))
    assert {path: path.stat().st_mtime_ns for path in _tokens(case)} == before
    app.reconcile(settings(case, tiny.scenario))
    assert tables(case) == tables(tiny.case)


def test_parts_of_buckets_give_the_same_answer(tiny: Estate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Evidence that is too much for sixteen parts is settled in parts of buckets."""
    case = tmp_path / "case"
    shutil.copytree(tiny.case, case)
    rows = sum(batch.rows for batch in read_manifest(case / "manifest.json").batches)
    _lose_all(case)
    monkeypatch.setattr(planning, "PART_ROWS", rows // 24)
    parts = planning.divided(rows)
    assert (len(parts), len(parts[0]), len(parts[0][0])) == (32, 8, 2)
    app.reconcile(settings(case, tiny.scenario))
    assert tables(case) == tables(tiny.case)


def test_evidence_in_buckets_gives_the_same_answer(
    tiny: Estate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is much to read it is written by bucket, which changes no answer: settled at once or in parts."""
    monkeypatch.setattr(reading, "PLAIN_BYTES", 0)
    case = tmp_path / "case"
    hunted([tiny.logs], settings(case, tiny.scenario))
    assert len({file.parent.name for file in case.glob("evidence/*/leg=acceptance/*/*.parquet")}) == 16
    assert tables(case) == tables(tiny.case)
    rows = sum(batch.rows for batch in read_manifest(case / "manifest.json").batches)
    _lose_all(case)
    monkeypatch.setattr(planning, "PART_ROWS", rows // 6)
    app.reconcile(settings(case, tiny.scenario))
    assert tables(case) == tables(tiny.case)


class _Ending(app.Silent):
    """Ends a run, as Ctrl-C does, when so many parts are settled."""

    def __init__(self, parts: int) -> None:
        self.left = parts
        self.stages: list[tuple[str, int | None]] = []

    def stage(self, name: str, total: int | None = None) -> None:
        self.stages.append((name, total))

    def advance(self, amount: int) -> None:
        if self.stages[-1][0] == "settling tokens":
            self.left -= amount
            if not self.left:
                raise KeyboardInterrupt


def _leave_a_part_half_done(case: Path) -> None:
    _tokens(case)[-1].with_stem("0002").write_bytes(b"PAR1")


@pytest.mark.parametrize(("damage", "kept"), [(_leave_a_part_half_done, 2), (_cut_a_file, 0)])
def test_a_run_goes_on_where_one_was_ended(
    tiny: Estate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: Callable[[Path], None], kept: int
) -> None:
    """Parts that it had settled are not settled again, unless their files are not what they were."""
    case = tmp_path / "case"
    shutil.copytree(tiny.case, case)
    _lose_all(case)
    rows = sum(batch.rows for batch in read_manifest(case / "manifest.json").batches)
    monkeypatch.setattr(planning, "PART_ROWS", rows // 3)
    with pytest.raises(KeyboardInterrupt):
        app.reconcile(settings(case, tiny.scenario), _Ending(2))
    whole = {path: path.stat().st_mtime_ns for path in _tokens(case)}
    damage(case)
    told = _Ending(-1)
    app.reconcile(settings(case, tiny.scenario), told)
    assert told.stages[0] == ("settling tokens", 4)
    assert -1 - told.left == 4
    assert [path.stat().st_mtime_ns == at for path, at in whole.items()] == [kept == 2] * 2
    assert tables(case) == tables(tiny.case)


@given(st.integers(0, 10**12))
def test_every_family_is_in_one_part(rows: int) -> None:
    """Whatever the number of records: the parts are whole buckets, or parts of one, and none is missing."""
    parts = planning.divided(rows)
    names = [name for part in parts for name in part]
    assert sorted(names) == names
    assert len({len(name) for name in names}) == 1
    assert len(names) == 16 ** len(names[0])
    assert len(parts) == 256 or rows <= len(parts) * planning.PART_ROWS
    assert len(names[0]) == 1 or all(len({name[0] for name in part}) == 1 for part in parts)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_many_small_additions_end_in_one_generation(tiny: Estate, tmp_path: Path) -> None:
    """Generations do not pile up without end: after some, all is settled anew, and the answer is the same."""
    case = tmp_path / "case"
    files = sorted(tiny.written.paths, key=lambda path: -path.stat().st_size)
    for path in files:
        hunted([path], settings(case, tiny.scenario))
        assert len(_generations(case)) <= planning.MAX_GENERATIONS + 1
    assert tables(case) == tables(tiny.case)


def test_evidence_in_both_layouts_gives_the_same_answer(
    tiny: Estate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of a case is parted among folders, as earlier programs wrote it, and the rest came since: all is found."""
    case, whole = tmp_path / "case", settings(tmp_path / "case", tiny.scenario)
    logs = sorted(path for path in tiny.logs.rglob("*") if path.is_file())
    monkeypatch.setattr(reading, "PLAIN_BYTES", 0)
    app.ingest([str(path) for path in logs[::2]], whole)
    monkeypatch.undo()
    app.ingest([str(path) for path in logs[1::2]], whole)
    assert len({is_whole(batch) for batch in (case / "evidence").iterdir()}) == 2
    app.reconcile(whole)
    assert tables(case) == tables(tiny.case)
    token = duckdb.connect(str(tiny.case / "case.duckdb"), read_only=True).execute(
        "SELECT token_id FROM judged WHERE token_id IS NOT NULL ORDER BY 1").fetchall()[0][0]
    found = app.pivot(case, {Trait.TOKEN: [token]})
    assert found.lines
    assert found.lines == app.pivot(tiny.case, {Trait.TOKEN: [token]}).lines
