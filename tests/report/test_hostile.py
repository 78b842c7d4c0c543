"""Log content is the intruder's: nothing in it may steer a terminal, a spreadsheet or a reader's eye."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.model.hunt import HuntReport, RejectCount, VerdictCount
from counterfoil.model.verdict import Verdict
from counterfoil.report import csv as csv_format
from counterfoil.report import registry
from counterfoil.report.clean import MAX_SHOWN, clean, escape_json
from counterfoil.report.csv import guard
from counterfoil.report.screen import Screen
from counterfoil.sources.registry import logs

from .sample import REPORT, coverage, file, finding, unread

# name of the attack -> what the intruder writes into a log
ATTACKS = {
    "a terminal is told to clear itself": "\x1b[2J\x1b[H",
    "a terminal is told to do so in one character": "\x9b2J",
    "the window gets another title": "\x1b]0;all clear\x07",
    "a link leads elsewhere than it says": "\x1b]8;;http://evil.example\x1b\\counterfoil\x1b]8;;\x1b\\",
    "a carriage return paints over the line": "forged\rminted",
    "a backspace eats the verdict": "forged\b\b\b\b\b\bminted",
    "a line feed adds a line of its own": "a\nFOUND  nothing",
    "a line separator does the same": "a\u2028FOUND  nothing\u2029\x85",
    "text runs backwards": "\u202egrof\u202c\u2066x\u2069",
    "characters that nobody sees": "a\u200b\u2060\ufeffb\U000e0041",
    "marks pile up over the line above": "a" + "\u0336\u0489\u035b" * 40,
    "markup of the terminal library": "[bold red]all clear[/] [link=http://evil.example]x[/link]",
    "an emoji code": ":skull:",
    "half a surrogate pair": "\ud800 \udfff",
    "a null": "a\x00b",
    "a megabyte": "x" * 1_000_000,
    "wide characters": "漢" * 300,
    "a private use character": "\ue000\U000f0000",
}


def hostile(value: str) -> HuntReport:
    """Return a report with the value wherever a log or a path can bring it in."""
    return replace(
        REPORT,
        version=value,
        case=value,
        inputs=(file(value, value, 5), replace(file(value, "b", 5), truncated=value), unread(value, value, value)),
        rejects=(RejectCount(value, value, 3, 1),),
        legs=((value, 5),),
        coverage=(
            replace(coverage("interactive", "refused", 5, value), issuer=value, kind=value, source=value),
            replace(coverage("interactive", "seen", 5), kind=value),
            replace(coverage("interactive", "accepted", 5), issuer=value),
        ),
        verdicts=(VerdictCount(Verdict.UNCOVERED, value, 5, 5), VerdictCount(Verdict.UNCOVERED, "not-declared", 5, 5)),
        findings=(
            finding(
                title=value, severity=value, confidence=value, subjects=(value,) * 60, ips=(value,), clients=(value,),
                next_step=value, rule=value, detail=value, evidence=(value,), objects=(value,), id=value,
            ),
        ),
    )


def printable(page: str) -> bool:
    """Tell whether the text has nothing but visible characters and line feeds."""
    return all(char.isprintable() or char == "\n" for char in page)


@pytest.mark.parametrize("value", ATTACKS.values(), ids=ATTACKS.keys())
def test_a_terminal_sees_visible_characters_only(value: str) -> None:
    """Whatever a log holds, the text is printable, bounded, and its sections stay its own."""
    page = registry.render(hostile(value), "text", Screen())
    assert printable(page)
    assert len(page) < 20_000
    assert sum(line.startswith(("READ", "CAN BE JUDGED", "FOUND", "NEXT")) for line in page.splitlines()) == 4
    page.encode("utf-8")


def test_markup_is_shown_not_obeyed() -> None:
    """What looks like markup of the terminal library is printed as it stands."""
    page = registry.render(hostile("[bold]x[/bold] :skull:"), "text", Screen(width=160))
    assert "[bold]x[/bold] :skull:" in page


@pytest.mark.parametrize("value", ATTACKS.values(), ids=ATTACKS.keys())
@pytest.mark.parametrize("form", registry.formats())
def test_rows_of_a_query_are_as_harmless(form: str, value: str) -> None:
    """Tables in every format neither fail nor let a control character through, in names and values alike."""
    page = registry.table(form, [value, "n"], [[value, [value]], [{value: value}, value.encode("utf-8", "replace")]])
    assert printable(page.replace("\r\n", "\n"))
    page.encode("utf-8")


@pytest.mark.parametrize("value", ATTACKS.values(), ids=ATTACKS.keys())
def test_json_keeps_the_value_and_escapes_what_a_terminal_obeys(value: str) -> None:
    """JSON gives back exactly what the log held (but for halves of surrogates), in visible characters."""
    for form in ("json", "jsonl"):
        page = registry.render(hostile(value), form)
        assert printable(page)
        document = json.loads(page.splitlines()[0] if form == "jsonl" else page)
        title = (document if form == "jsonl" else document["findings"][0])["title"]
        assert title == value.encode("utf-8", "replace").decode("utf-8")


# what the intruder writes -> what the cell holds
FORMULAS = {
    "=1+1": "'=1+1",
    '=HYPERLINK("http://evil.example","x")': '\'=HYPERLINK("http://evil.example","x")',
    "+1+1": "'+1+1",
    "-1+1": "'-1+1",
    "@SUM(A1)": "'@SUM(A1)",
    "\t=1": "'=1",
    "\r=1": "'=1",
    "\n=1": "'=1",
    " =1": "'=1",
    "\u00a0=1": "'=1",
    "\uff1d1": "'\uff1d1",
    "\t": "'",
    "a=1": "a=1",
    "'=1": "'=1",
    "": "",
    "2026-05-01": "2026-05-01",
}


@pytest.mark.parametrize(("value", "cell"), FORMULAS.items())
def test_no_cell_is_a_formula(value: str, cell: str) -> None:
    """A cell that a spreadsheet would run begins with an apostrophe."""
    assert guard(value) == cell
    page = registry.table("csv", ["c"], [[value]])
    assert next(csv.reader(io.StringIO(page.split("\r\n", 1)[1])), [""]) in ([cell], [])


def test_numbers_stay_numbers_in_csv() -> None:
    """A negative number is no formula: numbers are written as they are."""
    assert registry.table("csv", ["a", "b"], [[-1, -2.5]]) == "a,b\r\n-1,-2.5\r\n"


@pytest.mark.parametrize("value", FORMULAS)
def test_findings_in_csv_are_guarded_in_every_column(value: str) -> None:
    """No column of a finding lets a formula through."""
    page = registry.render(hostile(value), "csv")
    for row in list(csv.DictReader(io.StringIO(page))):
        assert not any(cell[:1] in ("=", "+", "-", "@", "\t", "\r") for cell in row.values() if cell)


@given(st.lists(st.text(), min_size=1, max_size=5))
def test_any_cells_survive_rfc_4180(cells: list[str]) -> None:
    """Quotes, commas and line feeds in values never move a cell to another column or row."""
    page = csv_format.table([f"c{n}" for n in range(len(cells))], [cells, cells], Screen())
    rows = list(csv.reader(io.StringIO(page, newline="")))
    assert len(rows) == 3 or not any(map(guard, cells))
    assert all(len(row) == len(cells) for row in rows if row)


@given(st.text())
def test_cleaning_gives_one_bounded_printable_line(value: str) -> None:
    """Any text becomes one printable line of at most the limit, and cleaning it again changes nothing."""
    shown = clean(value)
    assert shown.isprintable()
    assert len(shown) <= MAX_SHOWN
    assert clean(shown) == shown
    assert not any(unicodedata.category(char) in ("Cc", "Cf", "Cs") for char in shown)


@given(st.text(alphabet=st.characters(codec="ascii", categories=("L", "N", "P")), max_size=MAX_SHOWN))
def test_plain_values_are_not_changed(value: str) -> None:
    """Ordinary ids, names and addresses are shown exactly."""
    assert clean(value) == value


@given(st.recursive(st.text(), lambda inner: st.dictionaries(st.text(), inner, max_size=3), max_leaves=5))
def test_escaped_json_means_the_same(value: object) -> None:
    """Escaping what a terminal obeys changes no value."""
    document = json.dumps(value, ensure_ascii=False)
    assert json.loads(escape_json(document)) == value


def test_what_can_be_declared_is_safe_to_type() -> None:
    """The names that the report offers for --complete need no quoting in a shell."""
    assert all(name.replace("-", "").isalnum() for log, kinds in logs().declarable.items() for name in (log, *kinds))
