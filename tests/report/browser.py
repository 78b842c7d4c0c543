"""Debian's Chromium, headless, and what a page did in it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Dialog, Page, Playwright

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)
WIDTHS = {"desk": (1280, 800), "phone": (375, 812)}


def launched(play: Playwright) -> Browser:
    """Start the browser; it is one of the Debian packages that the checks need."""
    program = shutil.which("chromium")
    assert program is not None, "chromium is missing: apt-get install chromium (.ci/debian.txt)"
    return play.chromium.launch(executable_path=program, args=list(FLAGS))


@cache
def axe() -> str:
    """Return the program of axe-core."""
    return files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")


@dataclass
class Visit:
    """A page that was opened, and everything that it tried."""

    page: Page
    requests: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    def go(self, path: Path) -> None:
        """Open the file, and give what it may have planned a moment."""
        self.page.goto(path.as_uri())
        self.page.wait_for_timeout(50)

    def refuse(self, dialog: Dialog) -> None:
        """Keep what a dialog says, and close it."""
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def faults(self) -> list[str]:
        """Return the serious and critical faults that axe-core finds."""
        self.page.evaluate(axe())
        found: dict[str, Any] = self.page.evaluate("axe.run()")
        return [
            f"{fault['impact']} {fault['id']}: {fault['nodes'][0]['html'][:200]}"
            for fault in found["violations"]
            if fault["impact"] in ("serious", "critical")
        ]

    def count(self, selector: str) -> int:
        """Return how many elements match."""
        return self.page.locator(selector).count()

    def wider(self) -> int:
        """Return by how many pixels the page is wider than its window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


def visit(browser: Browser, path: Path, width: str = "desk", **options: Any) -> Visit:
    """Open a page of a file in a fresh profile. Scripts of the test may run beside its policy; its own may not."""
    size = WIDTHS[width]
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, **options)
    page = context.new_page()
    seen = Visit(page)
    page.on("request", lambda request: seen.requests.append(request.url))
    page.on("console", lambda message: seen.console.append(f"{message.type}: {message.text}"))
    page.on("dialog", seen.refuse)
    seen.go(path)
    return seen
