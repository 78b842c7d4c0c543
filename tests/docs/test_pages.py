"""What the pages say exists: commands, options, codes, files, links, columns."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from counterfoil.detect.registry import every_rule
from counterfoil.lab.estate.scenarios import SCENARIOS
from counterfoil.model import advice, schema
from counterfoil.model.diagnosis import Diagnosis
from counterfoil.model.ids import NULL_FORMS, IdKind
from counterfoil.model.readiness import Judged
from counterfoil.model.readiness import Why as Missing
from counterfoil.model.reason import Probable, Reason
from counterfoil.model.verdict import FindingVerdict, Verdict
from counterfoil.posture import baseline
from counterfoil.posture.registry import all_checks
from counterfoil.respond.evicted import Why
from counterfoil.sources.registry import all_sources, logs
from counterfoil.tokens.flow import CLASSES
from counterfoil.tokens.rules import BY_CODE

from . import evidence_page, rules_page
from .pages import ROOT, Block, Page, commands, page, pages
from .program import calls, known, parsed

PAGES = {found.name: found for found in pages()}

# Words in the form of a code that are none.
WORDS = frozenset({"import-linter", "lint-imports", "python3-venv", "aws-kms"}) | {
    # what the rules of reconciliation call the two signs of the rule `issued-at-odd`
    "issued-at-law", "issued-at-outside-life",
    # what a leaked key is called that lies in these layers
    "base64-gzip-base64-pem-pkcs8-rsa",
}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parse where files may be made."""
    monkeypatch.chdir(tmp_path)


def typed() -> Iterator[tuple[str, str]]:
    """Yield (page, command line) of every shell block that calls the program."""
    for name, found in PAGES.items():
        for block in found.blocks:
            for line in commands(block):
                if "counterfoil " in line:
                    yield name, line


@pytest.mark.parametrize(("name", "line"), list(typed()))
def test_every_documented_command_is_one_that_the_program_takes(name: str, line: str, tmp_path: Path) -> None:
    """Options exist, values are understood, arguments are as many as needed."""
    del name
    for arguments in calls(line):
        parsed(arguments, tmp_path)


@pytest.mark.parametrize("name", PAGES)
def test_commands_named_in_the_text_exist(name: str) -> None:
    """Also in the middle of a sentence."""
    for code in PAGES[name].codes:
        if code.startswith("counterfoil ") and "..." not in code:
            known(next(calls(code)))


def codes() -> set[str]:
    """Return every code that the program knows."""
    rules = {rule.id for rule in every_rule()} | {check.id for check in all_checks()} | {*baseline.shipped().figures}
    sources = {name for source in all_sources() for name in (source.name, source.log.name)}
    kinds = {kind for kinds in logs().declarable.values() for kind in kinds}
    told = {*map(str, Verdict), *map(str, FindingVerdict), *map(str, Reason), *map(str, Probable), *map(str, Diagnosis)}
    told |= {*map(str, Judged), *map(str, Missing)}
    return {*told, *map(str, Why), *advice.RULES, *rules, *sources, *kinds, *BY_CODE, *CLASSES, *SCENARIOS}


OWN = [name for name in PAGES if not name.startswith("docs/sources/") and name != "docs/reference/cli.md"]


@pytest.mark.parametrize("name", OWN)
def test_every_code_that_a_page_names_exists(name: str) -> None:
    """A verdict, reason, rule or source that was renamed is renamed on the pages too."""
    looks_like_one = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)+")
    named = {code for code in PAGES[name].codes if looks_like_one.fullmatch(code)}
    assert sorted(named - codes() - WORDS) == []


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name: str) -> None:
    """Files exist, and so do the headings that links name. Nothing is asked of the network."""
    for link in PAGES[name].links:
        target, _, anchor = link.partition("#")
        if target.startswith(("http:", "https:", "mailto:")):
            continue
        path = Path(os.path.normpath((ROOT / name).parent / target)) if target else ROOT / name
        assert path.exists(), link
        if anchor:
            assert anchor in page(str(path.relative_to(ROOT))).anchors, link


def test_pages_that_the_code_names_exist() -> None:
    """A docstring that sends readers to docs/ sends them to a page."""
    files = [*ROOT.glob("src/**/*.py"), *ROOT.glob("bench/*.py"), ROOT / "pyproject.toml"]
    named = {found for file in files for found in re.findall(r"\bdocs/[\w/.-]+\.md", file.read_text("utf-8"))}
    missing = sorted(name for name in named if not (ROOT / name).exists())
    assert len(named) > 3
    assert missing == []


def test_every_page_can_be_reached() -> None:
    """docs/index.md leads to every page, at most over one other."""
    index = PAGES["docs/index.md"]
    first = _linked(index)
    second = {far for near in first if near in PAGES for far in _linked(PAGES[near])}
    reached = first | second | {index.name}
    unreached = [name for name in PAGES if name not in reached and name.startswith("docs/")]
    assert unreached == []


def _linked(found: Page) -> set[str]:
    folder = Path(found.name).parent
    return {os.path.normpath(folder / link.partition("#")[0]) for link in found.links if "://" not in link}


def test_the_page_of_the_evidence_is_the_schema() -> None:
    """docs/reference/evidence.md; `python -m tests.docs.refresh` writes it."""
    assert (ROOT / evidence_page.PATH).read_text("utf-8") == evidence_page.rendered()
    assert all(f"| `{name}` |" in evidence_page.rendered() for name in schema.NAMES)


def test_the_page_of_the_rules_has_all_of_them() -> None:
    """docs/reference/rules.md; `python -m tests.docs.refresh` writes it."""
    told = (ROOT / rules_page.PATH).read_text("utf-8")
    assert told == rules_page.rendered()
    assert all(f"### {rule.id}\n" in told for rule in every_rule())


def test_the_readme_has_a_row_for_every_verdict() -> None:
    """In the program's own order and words."""
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \|", PAGES["README.md"].text, re.MULTILINE)
    assert rows == [(str(verdict), verdict.meaning) for verdict in Verdict]


def test_the_readme_gives_two_commands_for_a_bare_machine() -> None:
    """One to try it, one to test it; the second is what continuous integration runs."""
    text = PAGES["README.md"].text
    start = text[text.index("## Start") : text.index("## Hunt in your own logs")]
    given = [line for block in Page("", start).blocks for line in commands(block)]
    assert len(given) == 2
    assert [call[0] for call in calls(given[0])] == ["demo", "hunt"]
    assert given[1].strip() == "bash .ci/run"
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_the_page_of_token_ids_names_every_kind_and_null_form() -> None:
    """docs/reference/token-ids.md."""
    named = set(PAGES["docs/reference/token-ids.md"].codes)
    assert {str(kind) for kind in IdKind} <= named
    assert NULL_FORMS - {""} <= named


def test_the_changelog_has_the_version() -> None:
    """CHANGELOG.md speaks of the version that the program tells."""
    import counterfoil

    assert f"## {counterfoil.__version__}" in PAGES["CHANGELOG.md"].text


def test_decision_records_keep_their_form() -> None:
    """docs/adr/: context, decision, what was refused, consequences, on a page."""
    records = {name: found for name, found in PAGES.items() if name.startswith("docs/adr/")}
    wanted = ["Context", "Decision", "Refused", "Consequences"]
    assert len(records) >= 5
    for name, record in records.items():
        assert re.findall(r"^## (\w+)$", record.text, re.MULTILINE) == wanted, name
        assert len(record.text.splitlines()) <= 80, name


def test_contributing_names_the_tools_that_are_run() -> None:
    """CONTRIBUTING.md and .ci/run speak of the same checks, all of which are installed with [dev]."""
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    dev = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]["dev"]
    for check, package in (("ruff check", "ruff"), ("mypy", "mypy"), ("lint-imports", "import-linter"),
                           ("pytest", "pytest")):
        assert check in script
        assert check in PAGES["CONTRIBUTING.md"].text
        assert any(need.startswith(package) for need in dev)


def test_commands_are_found_in_both_kinds_of_blocks() -> None:
    """The parser of the pages: comments and output are no commands, continued lines are one."""
    assert list(commands(Block("sh", "# no\na \\\n  b\n"))) == ["a    b"]
    assert list(commands(Block("console", "$ a\nout\n$ b\n"))) == ["a", "b"]
    assert list(calls(".venv/bin/counterfoil demo && x; counterfoil sql C 'a; b' | head")) == [
        ["demo"], ["sql", "C", "a; b"],
    ]
