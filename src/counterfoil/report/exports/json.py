"""Everything about intrusions as one JSON document, schema `counterfoil.intrusions/1`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from counterfoil.model.story import Story
from counterfoil.report import _document
from counterfoil.report.exports.registry import About

SCHEMA = "counterfoil.intrusions/1"


def render(stories: Sequence[Story], about: About) -> str:
    """Return the document; times are ISO 8601 with Z, durations seconds."""
    document = {
        "schema": SCHEMA, "version": about.version, "case": about.case, "suspected": about.suspected,
        "single": about.single, "intrusions": [asdict(story) for story in stories],
    }
    return _document.encode(document, indent=2) + "\n"
