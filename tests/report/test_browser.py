"""The HTML report in a real browser, at two widths and on paper."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from counterfoil.report import registry

from .browser import WIDTHS, Visit, visit
from .conftest import Case, estate, judged, small, storm_0558
from .corpus import ATTACKS, hostile
from .test_html import MOSTLY, without_findings

SLOW = pytest.mark.slow  # each is a hunt of its own


@pytest.fixture(params=("storm", "blind", *(pytest.param(name, marks=SLOW) for name in ("of_2023", "golden", "clear"))))
def case(request: pytest.FixtureRequest) -> Case:
    """Return each of the cases."""
    found: Case = request.getfixturevalue(request.param)
    return found


def test_the_page_is_complete_in_itself_and_fits_the_window(chromium: Browser, case: Case) -> None:
    """Nothing is asked for but the file itself, the console is silent, and only tables scroll sideways."""
    for width in WIDTHS:
        seen = visit(chromium, case.html, width)
        assert seen.requests == [case.html.as_uri()]
        assert (seen.console, seen.dialogs) == ([], [])
        assert seen.wider() == 0
        assert seen.count("script") == 0


LOOKS = [
    ("storm", "desk", "light"),
    ("storm", "phone", "dark"),
    ("blind", "phone", "light"),
    pytest.param("of_2023", "desk", "dark", marks=SLOW),
    pytest.param("golden", "phone", "light", marks=SLOW),
]


@pytest.mark.parametrize(("name", "width", "scheme"), LOOKS)
def test_axe_finds_no_serious_fault(
    chromium: Browser, request: pytest.FixtureRequest, name: str, width: str, scheme: str
) -> None:
    """axe-core finds nothing serious or critical, with closed parts opened, at both widths, in light and in dark."""
    seen = visit(chromium, request.getfixturevalue(name).html, width, bypass_csp=True, color_scheme=scheme)
    seen.page.evaluate("document.querySelectorAll('details').forEach((each, n) => each.open = n < 12)")
    assert seen.faults() == []


def test_the_first_screen_holds_the_whole_answer(chromium: Browser, case: Case) -> None:
    """On a desk, the headline and all parts of the answer need no scrolling."""
    seen = visit(chromium, case.html)
    box = seen.page.locator("#answer").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= WIDTHS["desk"][1]
    titles = seen.page.locator("#answer h2").all_inner_texts()
    hit = ["Who was hit", "What was reached", "Since when", "How sure", "What is unknown", "What to do next"]
    assert titles in (hit, ["What happened", "How sure", "What could not be judged", "What to do first"])
    assert (titles == hit) == (accused(case.document) > 0)


def accused(document: dict[str, Any]) -> int:
    """Return how many tokens the JSON report accuses."""
    return sum(document["verdicts"][verdict]["tokens"] for verdict in ("forged", "contradicted", "tainted"))


def test_the_page_accuses_as_many_tokens_as_the_json_report(chromium: Browser, case: Case) -> None:
    """The page says the same number, and in these small cases draws a trail for each that breaks somewhere."""
    seen = visit(chromium, case.html)
    number = accused(case.document)
    assert seen.page.locator("#accused").get_attribute("data-accused") == str(number)
    assert seen.count("#annex .mini:has(.missing, .disagrees, .tainted)") == number
    assert seen.count("#annex ol.trail:has(.missing, .disagrees, .tainted)") == number


def test_the_intrusion_is_accused(storm: Case) -> None:
    """The case is what it is taken for."""
    assert accused(storm.document) > 0


@pytest.mark.slow
def test_the_other_intrusions_are_what_they_are_taken_for(golden: Case, of_2023: Case) -> None:
    """Forged assertions are accused; in logs of 2023 that nobody declared there are suspicions only."""
    assert accused(golden.document) > 0
    assert accused(of_2023.document) == 0
    assert of_2023.document["findings"]


def test_records_are_one_click_away(chromium: Browser, storm: Case) -> None:
    """A closed token shows its trail in short; opened, by key as by mouse, it shows its records with their places."""
    seen = visit(chromium, storm.html)
    token = seen.page.locator("#annex .token").nth(1)
    rows = token.locator("tbody tr")
    assert not rows.first.is_visible()
    token.locator("summary").focus()
    seen.page.keyboard.press("Enter")
    assert rows.first.is_visible()
    assert ".json:" in rows.first.inner_text()


def test_blindness_does_not_look_like_an_all_clear(chromium: Browser, blind: Case, tmp_path: Path) -> None:
    """The page of a case in which nothing could be judged says so first, and has a look of its own."""
    clear = tmp_path / "clear.html"
    clear.write_text(registry.render(without_findings(verdicts=MOSTLY), "html"))
    seen = visit(chromium, blind.html)
    assert "no all-clear" in seen.page.locator("h1").inner_text()
    assert "Not at all" in seen.page.locator("#answer").inner_text()
    border = "getComputedStyle(document.querySelector('h1')).borderStyle"
    assert seen.page.evaluate(border) == "dashed"
    assert visit(chromium, clear).page.evaluate(border) == "solid"


@pytest.fixture(scope="session")
def poisoned(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """Return the report of logs in which each record of mail access holds one of the attacks in its fields."""
    folder = tmp_path_factory.mktemp("poisoned")
    scenario = small(storm_0558())
    logs = estate(folder, scenario)
    values = [value.encode("utf-8", "replace").decode() for value in ATTACKS.values()]
    for path in sorted((logs / "m365").glob("*.json")):
        records = json.loads(path.read_text())
        for place, record in enumerate(records):
            if record["Operation"] == "MailItemsAccessed":
                value = values[place % len(values)][:2000]
                record |= {"ClientInfoString": value, "MailboxOwnerUPN": value, "UserId": value, "MailboxGuid": value}
                for part in record.get("Folders") or ():
                    part["Path"] = value
        path.write_text(json.dumps(records))
    (logs / "m365" / "a<img src=x onerror=alert(1)>.txt").write_text("x")
    return judged([logs], scenario.settings(folder / "case", threads=1))


def inert(seen: Visit, path: Path) -> None:
    """Assert that nothing of an attack happens: no dialog, no request, no element, no complaint of the policy."""
    seen.requests.clear()
    seen.go(path)
    assert seen.dialogs == []
    assert seen.requests == [path.as_uri()]
    assert seen.console == []
    assert seen.count(FOREIGN) == 0
    assert seen.count("style") == 1


FOREIGN = (
    "script, iframe, object, embed, img, form, base, link, math, [onerror], [onload], [onfocus], [onmouseover],"
    " [style], a:not([href^='#'])"
)


def test_logs_full_of_attacks_give_a_page_in_which_none_happens(chromium: Browser, poisoned: Case) -> None:
    """From hostile log files through the hunt to the browser: the attacks are text, and the accused are still told."""
    seen = visit(chromium, poisoned.html)
    inert(seen, poisoned.html)
    assert "<svg/onload=alert(1)>" in (seen.page.locator("main").text_content() or "")
    assert accused(poisoned.document) > 0


def test_attacks_in_every_field_are_inert(chromium: Browser, tmp_path: Path) -> None:
    """Each attack, in every place where a log, a path or an option can bring it in, is text in the browser."""
    (tmp_path / "first.html").write_text("")
    seen = visit(chromium, tmp_path / "first.html")
    for place, value in enumerate(ATTACKS.values()):
        path = tmp_path / f"{place}.html"
        path.write_text(registry.render(hostile(value), "html"))
        inert(seen, path)


def test_the_browser_would_notice_an_attack(chromium: Browser, tmp_path: Path) -> None:
    """The same check fails on a page that lets an attack through: the tests above can fail."""
    path = tmp_path / "open.html"
    path.write_text(f"<style></style>{ATTACKS['an image that fails to load']}")
    seen = visit(chromium, path)
    with pytest.raises(AssertionError):
        inert(seen, path)
    assert seen.dialogs


def printed(chromium: Browser, case: Case, folder: Path) -> list[str]:
    """Return the text of each page of the report on paper."""
    visit(chromium, case.html).page.pdf(path=str(folder / "report.pdf"), format="A4")
    done = subprocess.run(  # noqa: S603  # our own file
        ["pdftotext", str(folder / "report.pdf"), "-"], capture_output=True, text=True, check=True  # noqa: S607
    )
    return done.stdout.split("\f")


def test_who_decides_has_two_pages_on_paper(chromium: Browser, storm: Case, tmp_path: Path) -> None:
    """The first holds the whole answer, the second whose mail was read and what comes next; then the analyst begins."""
    first, second, third, *rest = printed(chromium, storm, tmp_path)
    told = [first.find(title) for title in ("Who was hit", "What was reached", "What is unknown", "What to do next")]
    assert min(told) > 0
    assert "Who the intruder is." in first
    assert second.startswith("Whose mail was read")
    assert "What comes next" in second
    assert third.startswith("Intrusions: ")
    assert "Annex: trails of tokens" in "".join(rest)


def test_printed_the_page_holds_everything(chromium: Browser, storm: Case, tmp_path: Path) -> None:
    """On paper closed parts are open: every accused token's id, its records and the hashes of the inputs are there."""
    told = "".join("".join(printed(chromium, storm, tmp_path)).split())
    told = told.replace("-", "")  # a hyphen at the end of a line is lost on the way
    tokens = [token for finding in storm.document["findings"] for token in finding["tokens"]]
    assert tokens
    assert [token for token in tokens if token.replace("-", "") not in told] == []
    hashes = [entry["sha256"][:16] for entry in storm.document["inputs"]]  # longer ones are broken into lines
    assert [value for value in hashes if value not in told] == []
    assert "Itsrecordsinevidence" in told
    assert "Skiptotheanswer" not in told


def test_it_can_be_read_in_grey(chromium: Browser, storm: Case) -> None:
    """Every state of a link and of a day has a sign or word of its own beside its colour."""
    seen = visit(chromium, storm.html)
    signs = "nodes => nodes.map(node => [node.className, node.textContent.trim().split(' ')[0]])"
    looks = seen.page.locator("#annex .mini > span:not(.arrow)").evaluate_all(signs)
    assert len({tuple(look) for look in looks}) == len({look[0] for look in looks}) == len({look[1] for look in looks})
    cells = seen.page.locator("#coverage td.cell:not(.hit)").evaluate_all("nodes => nodes.map(node => node.innerText)")
    assert all(text.strip() for text in cells)


def test_without_scripts_nothing_is_missing(chromium: Browser, storm: Case) -> None:
    """With JavaScript turned off, the page has the same text."""
    with_scripts = visit(chromium, storm.html).page.content()
    assert visit(chromium, storm.html, java_script_enabled=False).page.content() == with_scripts
