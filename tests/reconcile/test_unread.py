"""More that may be unread than is looked at pair by pair is held together, and accuses less."""

from __future__ import annotations

import pytest

from counterfoil.model.reason import Reason
from counterfoil.reconcile import hidden

from .cases import REAL, Case
from .cases_unread import HERE, MAY, MORE, SETS, UNDATED, broken, file, lone, misses, missing
from .engine_run import Judge
from .groups import grouped
from .reference import Settings
from .rows import Row, access, numbered, sign_in

ONE_BY_ONE = SETS["what can be only hers is hers"]  # four pairs
ENOUGH = [*file(*(broken(HERE + n) for n in range(2))), *misses(2)]


BOUNDS = ((4, ({MAY: 1, MORE: 2}, 1)), (3, ({MORE: 3}, 1)))


@pytest.mark.parametrize(("bound", "wanted"), BOUNDS)
def test_beyond_a_number_of_pairs_all_misses_are_held_against_all_records(
    bound: int, wanted: tuple[dict[str, int], int], engine_judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """5.10: one more pair than is looked at makes one set of all; where the records suffice none of it is accused."""
    monkeypatch.setattr(hidden, "MAX_PAIRS", bound)
    cases = {"more are missing": Case("5.10", ONE_BY_ONE[0], missing(*wanted), compared=False)}
    if bound == 3:
        cases["records suffice"] = Case("5.10", ENOUGH, missing({MAY: 2}), compared=False)
        cases["what convicts nobody alone"] = Case(
            "5.10", [*ENOUGH, *lone(5)], missing({MAY: 2, Reason.LONE_MISS: 1}), compared=False)
        cases["what convicts nobody alone, where records suffice"] = Case(
            "5.10", [*file(*(broken(HERE + n) for n in range(2))), *misses(1), *lone(5)], missing({MAY: 2}),
            compared=False)
        cases["more than do"] = Case("5.10", [*ENOUGH, broken(HERE + 2)], missing({MAY: 2}), compared=False)
    (group,) = grouped(cases)
    assert group.wrong(engine_judge(group.rows, group.settings, group.policy)) == {}


MAIL, ALONE = "m365-ual", "windows-security"
# How many records each broken one may be, so that a sum tells which of them are counted.
BROKEN: dict[str, Row] = {
    "in a file of acceptances": broken(2, "mail", item_count=1),
    "in a file of sign-ins": broken(HERE, item_count=10),
    "in a file of sign-ins, of a log of acceptances": broken(HERE, source=MAIL, item_count=100),
    "alone in its file, of a log of acceptances": broken(1, "a", source=MAIL, item_count=1_000),
    "alone in its file, of a log of which nothing else is here": broken(1, "b", source="unheard", item_count=10_000),
    "alone in its file, of a log that holds no acceptances": broken(1, "c", source=ALONE, item_count=100_000),
    "alone in its file, of a log of issuances of which nothing else is here": broken(
        1, "d", source="adfs", item_count=1_000_000),
}


def test_broken_records_that_may_be_acceptances_are_counted(engine_judge: Judge) -> None:
    """5.10: by what else their file holds, or else their log; a record without a time is no broken one."""
    good = [
        *file(), access(1, "log-4", "zoe", raw_file="mail", raw_position=1), UNDATED | {"raw_file": "mail"},
        sign_in(0, None, leg="context", source=ALONE, raw_file="events", raw_position=1),
    ]
    answer = engine_judge(numbered([*good, *BROKEN.values()]), Settings(), REAL)
    assert answer.numbers[0]["lost_acceptances"] == 11_001
    assert engine_judge(numbered(file()), Settings(), REAL).numbers[0]["lost_acceptances"] == 0
