"""The written promises and the tests that keep them name the same things."""

from __future__ import annotations

import re
from pathlib import Path

from counterfoil.model.reason import Reason
from counterfoil.model.verdict import Verdict

from .test_cases import CASES

DOCS = Path(__file__).parents[2] / "docs"


def test_every_test_that_the_page_of_the_innocent_names_exists() -> None:
    """docs/reference/who-is-not-accused.md: a promise without a test is none. Cases are named by their sentences."""
    page = (DOCS / "reference" / "who-is-not-accused.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)`", page))
    files = Path(__file__).parent.glob("test_*.py")
    written = {name for file in files for name in re.findall(r"^def (test_\w+)", file.read_text("utf-8"), re.M)}
    assert len(named) > 50
    sentences = {f"test_{sentence.partition(':')[0].replace(' ', '_')}" for sentence in CASES}
    assert sorted(named - written - sentences) == []
    tables = re.findall(r"`(cases_\w+)`", page)
    assert tables
    assert [table for table in tables if not (Path(__file__).parent / f"{table}.py").exists()] == []


def test_the_page_of_verdicts_explains_every_verdict_and_reason() -> None:
    """docs/verdicts.md: each verdict has a section, each reason its row with the program's own words."""
    page = (DOCS / "verdicts.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (\w+)$", page, re.M)[: len(Verdict)] == list(Verdict)
    rows = dict(re.findall(r"^\| \w+ \| `([\w-]+)` \| (.+) \|$", page, re.M))
    assert rows == {str(reason): reason.meaning for reason in Reason}
