"""Writes what the pages take from the program: `python -m tests.docs.refresh`, from the root of the project.

That is the pages of the evidence columns and of the rules, and the output under the commands of the pages that are run.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from . import evidence_page, rules_page
from .pages import ROOT, Page, page
from .transcript import DEMO, Ran, Shown, played, renewed, run

# Pages whose `console` blocks are run in order, in a folder that holds what `counterfoil demo` wrote.
RUN = ("README.md", "docs/tutorial.md", "docs/pivot.md", "docs/reference/tables.md")


def with_output(page: Page, results: list[tuple[Shown, Ran]]) -> str:
    """Return the page's text with the real output under its commands."""
    text, place = page.text, 0
    for entry, ran in results:
        old, new = ("\n".join([entry.written, *lines]) for lines in (entry.output, renewed(entry, ran)))
        place = text.index(old, place)
        text = text[:place] + new + text[place + len(old) :]
        place += len(new)
    return text


def main() -> None:
    """Write the pages."""
    for own in (evidence_page, rules_page):
        (ROOT / own.PATH).write_text(own.rendered(), encoding="utf-8")
    for name in sys.argv[1:] or RUN:
        with tempfile.TemporaryDirectory() as folder:
            recorded = {DEMO: run(DEMO, Path(folder))}
            found = page(name)
            (ROOT / name).write_text(with_output(found, played(found, Path(folder), recorded)), encoding="utf-8")


if __name__ == "__main__":
    main()
