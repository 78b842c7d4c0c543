"""The report to hand over: one HTML page that works offline, without scripts and without anything from elsewhere.

Whoever forges a token also writes names, agents and paths into logs. So: every value is made one bounded printable
line (`clean`) and escaped by the template engine; no value is ever markup, an attribute of an event, an address of a
link or a style; and the page forbids scripts, requests, forms and foreign styles to itself (Content-Security-Policy),
should all of that fail. It is pure ASCII, so that no encoding of a terminal or file can change it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from counterfoil.model.cover import Tlp
from counterfoil.model.hunt import HuntReport
from counterfoil.model.verdict import Verdict
from counterfoil.report import _document, _strips, _view
from counterfoil.report._incident import certain, how
from counterfoil.report.clean import clean
from counterfoil.report.screen import Screen
from counterfoil.report.words import brief, client, listed, minute, number, some, span, tail

# This format shows what lies beyond the summary.
DETAILED = True
COVERED = True

# A value in the page; commands and paths are the longest.
MAX_VALUE = 8_192


def render(report: HuntReport, screen: Screen) -> str:  # noqa: ARG001  # every format has this shape
    """Return the page of the report."""
    return rendered("page.html", page=_view.page(report), glossary=list(Verdict), mark=report.cover.tlp)


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], screen: Screen) -> str:  # noqa: ARG001
    """Return a page with one table."""
    cells = [[_cell(value) for value in row] for row in rows]
    return rendered("rows.html", columns=list(columns), rows=cells)


def rendered(name: str, mark: Tlp | None = None, **context: Any) -> str:
    """Return the page of a template, made safe as this module says; `mark` stands on every printed page."""
    style = files("counterfoil.report").joinpath("_page", "style.css").read_text(encoding="ascii")
    if mark is not None:  # on every printed page
        style += f'@media print{{@page{{@top-right{{content:"{mark}";font:700 9pt sans-serif}}}}}}\n'
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    # the style sheet is ours, and its hash in the policy is that of these very bytes
    whole = _environment().get_template(name).render(style=Markup(style), policy=policy, **context)  # noqa: S704
    return whole.encode("ascii", "xmlcharrefreplace").decode("ascii") + "\n"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("counterfoil.report", "_page"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalized,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "brief": brief, "minute": minute, "number": number, "cut": clean, "client": client,
        "tail": tail, "letters": _letters,
    }
    environment.globals |= {"some": some, "listed": listed, "span": span, "most_strips": _strips.MAX_STRIPS,
                            "certain": certain, "how": how}
    return environment


def _letters(place: int) -> str:
    """Return a number as the name of an anchor.

    >>> _letters(1), _letters(27)
    ('a', 'ba')
    """
    text, rest = "", place - 1
    while True:
        rest, digit = divmod(rest, 26)
        text = chr(ord("a") + digit) + text
        if not rest:
            return text


def _finalized(value: object) -> object:
    """Return what the template is about to write: a line of visible characters, or markup of our own."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return "" if value is None else value
    return clean(value, MAX_VALUE)


def _cell(value: object) -> str:
    simple = _document.plain(value)
    if simple is None:
        return ""
    return _document.encode(simple, indent=0) if isinstance(simple, list | dict) else str(simple)
