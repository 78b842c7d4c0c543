"""The forms in which a matrix is written."""

from __future__ import annotations

import msgspec

from counterfoil.posture.matrix import html, kept, text
from counterfoil.posture.matrix.report import MatrixReport
from counterfoil.report.clean import escape_json
from counterfoil.report.screen import Screen


def render(report: MatrixReport, form: str, screen: Screen) -> str:
    """Return the report in one of `text`, `html` and `json`."""
    if form == "json":
        whole = msgspec.json.encode(kept.document(report))
        return escape_json(msgspec.json.format(whole, indent=2).decode()) + "\n"
    return html.render(report, screen) if form == "html" else text.render(report, screen)
