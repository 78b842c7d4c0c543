"""A progress that tells nobody."""

from __future__ import annotations


class _Silent:
    """Takes what a scan reports."""

    def stage(self, name: str, total: int | None = None) -> None:
        """Take it."""

    def advance(self, amount: int) -> None:
        """Take it."""

    def note(self, text: str) -> None:
        """Take it."""


SILENT = _Silent()
