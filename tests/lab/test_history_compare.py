from __future__ import annotations

from typing import Any

import msgspec
import pytest

from counterfoil.lab.history.compare import TruthRow, compare, read_truth
from counterfoil.lab.history.estate import Written

Row = dict[str, Any]
ID = "a"


def true(name: str | None = ID, label: str = "genuine", expect: tuple[str, ...] = ("minted",), **more: Any) -> TruthRow:
    """Return a row of truth."""
    row = {
        "token_id": name,
        "source": "m365-ual",
        "record_id": None if name else "r",
        "subject_id": "s",
        "subject_name": "s@contoso.com",
        "issued_at": "2025-09-01T08:00:00Z",
        "first_seen": "2025-09-01T08:10:00Z",
        "last_seen": "2025-09-01T08:10:00Z",
        "acceptances": 1,
        "label": label,
        "intrusion": None if label in ("genuine", "service") else "spray",
        "expect": expect,
        "lost": False,
        "note": "",
        **more,
    }
    return msgspec.convert(row, TruthRow)


def said(verdict: str, name: str | None = ID, **more: Any) -> Row:
    """Return a verdict."""
    return {"token_id": name, "source": "m365-ual", "record_id": None if name else "r", "verdict": verdict, **more}


OTHER_TENANT: Row = {"token_tenant": "t"}
FORGED: Row = {"label": "forged", "expect": ("forged",)}


def test_right_answers_are_ok() -> None:
    """Every verdict allowed and every row met: ok, full recall, nobody accused."""
    result = compare([true(), true("b", **FORGED)], [said("minted"), said("forged", "B")])
    assert result.ok
    assert result.recall == 1
    assert result.confusion == {("genuine", "minted"): 1, ("forged", "forged"): 1}


@pytest.mark.parametrize(
    ("truth", "verdict", "count"),
    [
        (true(), "forged", "false_accusations"),
        (true(**FORGED), "minted", "mistakes"),
        (true(**FORGED), None, "missing_verdicts"),
        (None, "minted", "unknown_verdicts"),
    ],
    ids=["a genuine token accused", "a forgery passed", "a row without verdict", "a verdict without row"],
)
def test_each_mistake_is_counted(truth: TruthRow | None, verdict: str | None, count: str) -> None:
    """Each way to be wrong has its count and makes the comparison not ok."""
    result = compare([truth] if truth else [], [said(verdict)] if verdict else [])
    assert getattr(result, count) == 1
    assert not result.ok


def test_recall_counts_convictions_of_any_kind() -> None:
    """A planted token that is convicted under another word is caught, though the verdict is a mistake."""
    result = compare([true(**FORGED), true("b", **FORGED)], [said("tainted"), said("uncovered", "b")])
    assert (result.planted, result.caught, result.recall, result.mistakes) == (2, 1, 0.5, 2)


def test_lost_evidence_excuses_uncovered() -> None:
    """Where the issuance is lost, `uncovered` is right and the row is not counted for recall."""
    result = compare([true(lost=True), true("b", lost=True, **FORGED)], [said("uncovered"), said("uncovered", "b")])
    assert result.ok
    assert (result.planted, result.planted_without_evidence) == (0, 1)


def test_undeclared_logs_cannot_convict() -> None:
    """If nothing was declared complete, `uncovered` is right for everything."""
    assert compare([true(**FORGED)], [said("uncovered")], declared=False).ok
    assert not compare([true(**FORGED)], [said("uncovered")]).ok


def test_one_id_with_several_tuples_is_told_apart() -> None:
    """Rows of one id match by subject and time of issue, whatever the order and the form of the values."""
    truth = [true(), true(subject_id="other", label="copied", expect=("contradicted",))]
    verdicts = [
        said("contradicted", subject_id="OTHER", issued_at="2025-09-01 08:00:00"),
        said("minted", subject_id="s", issued_at="2025-09-01 08:00:00"),
    ]
    assert compare(truth, verdicts).ok
    assert not compare(truth, [{**row, "subject_id": None} for row in verdicts[:1]] * 2).ok


def test_tuples_that_differ_in_what_the_table_lacks_are_matched_by_verdict() -> None:
    """If only the tenant differs and the table does not show it, the right verdicts in any order are right."""
    truth = [true(), true(label="copied", expect=("contradicted",), **OTHER_TENANT)]
    assert compare(truth, [said("contradicted", subject_id="s"), said("minted", subject_id="s")]).ok
    assert not compare(truth, [said("minted", subject_id="s"), said("minted", subject_id="s")]).ok


def test_records_without_id_match_by_source_and_record() -> None:
    """Rows without token id match by record; a sign-in's record may be marked with its result."""
    bare = true(None, expect=("unlinkable",))
    assert compare([bare], [said("unlinkable", None)]).ok
    signin = msgspec.structs.replace(bare, source="entra-signin", record_id="x")
    assert compare([signin], [{**said("unlinkable", None), "source": "entra-signin", "record_id": "X/0"}]).ok


def test_a_subject_that_is_only_a_name_matches_anyone() -> None:
    """The table's `subject` column may hold a name where no object id is known."""
    assert compare([true()], [{**said("minted"), "subject": "name:s@contoso.com"}]).ok


def test_a_written_truth_agrees_with_itself(demo: Written) -> None:
    """Verdicts made from the truth are ok, and as many rows are read as were written."""
    rows = read_truth(demo.truth)
    verdicts = [
        {"token_id": r.token_id, "source": r.source, "record_id": r.record_id, "verdict": r.expect[0]} for r in rows
    ]
    result = compare(rows, verdicts)
    assert result.ok
    assert result.truth_rows == sum(demo.rows.values()) == result.verdict_rows
