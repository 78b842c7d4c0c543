"""The hostile corpus: one clear line or reject each, the rest judged, memory bounded."""

from __future__ import annotations

from pathlib import Path

import pytest

from .case import Case, Impossible
from .cases import CASES
from .run import Outcome, run

# one process: what is made for all of them takes long
pytestmark = pytest.mark.xdist_group("hostile")

TOGETHER = [case for case in CASES if case.set_up is None and not case.heavy]
ALONE = [case for case in CASES if case.set_up is not None]


def _named(cases: list[Case]) -> dict[str, Case]:
    return {case.sentence: case for case in cases}


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """Run once on all the files that need no surroundings of their own."""
    outcomes = run(TOGETHER, tmp_path_factory.mktemp("hostile"))
    return dict(zip(_named(TOGETHER), outcomes, strict=True))


@pytest.mark.parametrize("sentence", _named(TOGETHER))
def test_hostile_files_are_survived_together(together: dict[str, Outcome], sentence: str) -> None:
    """Each has the outcome that is promised, its counts add up, and the good log beside all of them is judged."""
    assert together[sentence].surprises == ()


def _alone(case: Case, folder: Path) -> None:
    try:
        (outcome,) = run([case], folder)
    except Impossible as why:
        pytest.skip(str(why))
    assert outcome.surprises == ()


@pytest.mark.parametrize("case", ALONE, ids=_named(ALONE))
def test_hostile_surroundings_are_survived(case: Case, tmp_path: Path) -> None:
    """Files that close, vanish and change, full and read-only disks: one clear line, and the promised exit code."""
    _alone(case, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=_named(list(CASES)))
def test_every_hostile_case_is_survived_alone(case: Case, tmp_path: Path) -> None:
    """The same one by one, with those that take long: bombs, records of 200 MB, 100,001 members."""
    _alone(case, tmp_path)


def test_every_case_has_a_name_of_its_own() -> None:
    """Sentences are names: none repeats."""
    assert len(_named(list(CASES))) == len(CASES)
