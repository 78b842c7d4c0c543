"""Every case of the reference, through the engine and beside the double."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from counterfoil.model.reason import Reason

from . import (
    cases_assertions,
    cases_clearing,
    cases_clusters,
    cases_coverage,
    cases_custody,
    cases_entitled,
    cases_exchanges,
    cases_farms,
    cases_ids,
    cases_lineage,
    cases_links,
    cases_misses,
    cases_own_ledger,
    cases_own_log,
    cases_records,
    cases_unpublished,
    cases_unread,
    cases_without_id,
)
from .cases import Case
from .conftest import AnswerOf
from .groups import COUNTS, grouped
from .reference import judge

TABLES = (
    cases_records, cases_links, cases_ids, cases_without_id, cases_coverage, cases_farms, cases_misses, cases_clusters,
    cases_lineage, cases_own_ledger, cases_own_log, cases_custody, cases_entitled, cases_assertions, cases_unread,
    cases_unpublished, cases_clearing, cases_exchanges,
)
CASES: dict[str, Case] = {sentence: case for table in TABLES for sentence, case in table.CASES.items()}
GROUPS = grouped(CASES)
PROBABLE_RULES = {"3", "4.2e", "4.3g", "4.5", "4.6", "4.8", "5.7", "5.8", "6.3"}
Wrong = Callable[[int], dict[str, list[str]]]


@pytest.fixture(scope="session")
def wrong(answer_of: AnswerOf) -> Wrong:
    """Return what is wrong with the cases of a group, judged in one run."""

    @cache
    def of(number: int) -> dict[str, list[str]]:
        return GROUPS[number].wrong(answer_of(f"reference {number}", GROUPS[number]))

    return of


@pytest.mark.parametrize(
    ("number", "sentence"),
    [pytest.param(number, sentence, id=sentence, marks=pytest.mark.xdist_group(f"reference-{number}"))
     for number, group in enumerate(GROUPS) for sentence in group.placed],
)
def test_case(wrong: Wrong, number: int, sentence: str) -> None:
    """1 to 8: the engine says what the case wants, and what the double says."""
    assert wrong(number).get(sentence, []) == []


@pytest.mark.parametrize("number", [
    pytest.param(number, marks=pytest.mark.xdist_group(f"reference-{number}")) for number, _ in enumerate(GROUPS)
])
def test_strata_count_their_tokens_and_tokens_their_uses(wrong: Wrong, number: int) -> None:
    """5.1: a stratum says how many tokens with an id it has, and what of them link; no window changes that."""
    assert wrong(number).get(COUNTS, []) == []


def test_no_two_cases_have_one_name() -> None:
    """A sentence names one case, so that none is lost from the table."""
    assert len(CASES) == sum(len(table.CASES) for table in TABLES)


def test_every_answer_occurs_in_the_cases() -> None:
    """The table is worth something only if each reason, each way to be probably forged and each status occurs in it."""
    said = [judge(one.rows, one.settings, one.case.policy) for group in GROUPS for one in group.placed.values()
            if one.case.compared]
    reasons = {token.reason for told in said for token in told.tokens}
    reasons |= {wanted[1] for _, _, wanted in cases_custody.TOKENS.values()}  # which the double does not know
    reasons |= {Reason(wanted[1]) for _, wanted in cases_entitled.TOKENS.values()}
    assert reasons == set(Reason)
    assert {rule for told in said for token in told.tokens for rule in token.probably_forged} == PROBABLE_RULES
    statuses = {line.status for told in said for line in told.coverage}
    assert statuses == {"attested", "accepted", "refused", "refuted", "hole", "seen"}
