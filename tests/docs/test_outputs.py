"""What the pages show is what the program prints: their commands are run, in order, and compared."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

import pytest

from counterfoil import app
from counterfoil.case.results import TABLES

from .pages import page
from .refresh import RUN, with_output
from .transcript import DEMO, Ran, Shown, differs, played, renewed, run, shown


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ran]:
    """Return a folder in which `counterfoil demo` ran, and what it printed. Made once for all workers."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "docs-demo"
    folder.mkdir(exist_ok=True)
    printed = folder / "printed.json"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not printed.exists():
            printed.write_text(json.dumps(asdict(run(DEMO, folder))))
    told = json.loads(printed.read_text())
    return folder, Ran(told["code"], tuple(told["lines"]))


@pytest.fixture
def after_demo(demo: tuple[Path, Ran], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of the test's own, in which `counterfoil demo` ran; it is the working folder."""
    shutil.copytree(demo[0] / "counterfoil-demo", tmp_path / "counterfoil-demo")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", RUN)
def test_the_output_on_the_page_is_the_programs(name: str, demo: tuple[Path, Ran], after_demo: Path) -> None:
    """`python -m tests.docs.refresh` writes the output anew."""
    results = played(page(name), after_demo, {DEMO: demo[1]})
    assert results
    assert [f"$ {entry.command}\n{told}" for entry, ran in results if (told := differs(entry, ran))] == []


def test_the_library_example_of_the_readme_runs(after_demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is run as it stands, and finds what the program finds."""
    [example] = [block.text for block in page("README.md").blocks if block.language == "python"]
    exec(compile(example, "README.md", "exec"), {})  # noqa: S102  # our own page
    assert capsys.readouterr().out.startswith("forged 3 forged tokens of 3 users")
    assert (after_demo / "counterfoil-case" / "manifest.json").exists()


def columns(text: str) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yield each table of docs/reference/tables.md with its (column, type) pairs."""
    for section in text.split("\n## ")[1:]:
        name = re.match(r"`(\w+)`", section)
        if name:
            yield name.group(1), re.findall(r"^\| `(\w+)` \| ([^|]+?) \|", section, re.MULTILINE)


def test_the_page_of_tables_is_true(after_demo: Path) -> None:
    """docs/reference/tables.md: every table that `sql` promises, with the columns and types that it has."""
    documented = dict(columns(page("docs/reference/tables.md").text))
    documented["strangers"] = documented["tokens"]  # some of its rows
    assert set(documented) == set(TABLES)
    documented.pop("evidence")  # has a page of its own
    for table, told in documented.items():
        found = app.sql(after_demo / "counterfoil-demo", f"DESCRIBE {table}")
        assert told == [(str(row[0]), str(row[1])) for row in found.rows], table


PAGE = page("README.md")
EXAMPLES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...], bool]] = {
    "equal output": (("a", "b"), ("a", "b"), True),
    "a line more": (("a",), ("a", "b"), False),
    "left out lines": (("a", "…", "d"), ("a", "b", "c", "d"), True),
    "left out, in another order": (("d", "…", "a"), ("a", "b", "c", "d"), False),
}


@pytest.mark.parametrize(("output", "lines", "equal"), EXAMPLES.values(), ids=EXAMPLES)
def test_outputs_are_compared_line_by_line(output: tuple[str, ...], lines: tuple[str, ...], equal: bool) -> None:
    """The comparison itself; an elision stands for any lines."""
    assert (differs(Shown("$ x", output), Ran(0, lines)) == "") is equal


def test_a_page_is_renewed_in_place() -> None:
    """What is left out stays left out, and the text around stays as it is."""
    text = "```console\n$ x \\\n  y\nold 1\n…\n```\nend\n"
    old = type(PAGE)("x.md", text)
    [entry] = shown(old)
    assert entry.command == "x \\\n  y"
    ran = Ran(0, ("first", "old 2", "last"))
    assert renewed(entry, ran) == ("old 2", "…")
    assert with_output(old, [(entry, ran)]) == text.replace("old 1", "old 2")
