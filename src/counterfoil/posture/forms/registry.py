"""Finds the forms: every module of this folder but this one."""

from __future__ import annotations

from counterfoil import plugins
from counterfoil.posture import forms
from counterfoil.posture.report import PostureReport
from counterfoil.report.screen import Screen


def names() -> tuple[str, ...]:
    """Return the names of all forms: text first, the others in order."""
    return tuple(sorted(plugins.names(forms, but={"registry"}), key=lambda name: name != "text"))


def render(report: PostureReport, name: str, screen: Screen) -> str:
    """Return the report in the form of that name, with its last newline."""
    rendered: str = plugins.load(forms, name).render(report, screen)
    return rendered
