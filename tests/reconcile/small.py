"""A small case with forged tokens, for engines that are slow to start."""

from __future__ import annotations

from pathlib import Path

from counterfoil.cli.main import main
from lab import histories

SCENARIO = histories.complete(300, 5, 1)
OPTIONS = (
    *(word for each in SCENARIO.declarations() for word in ("--complete", str(each))),
    "--exported-at", SCENARIO.exported_at.isoformat(),
)


def small(folder: Path) -> Path:
    """Write the logs of a tenant, a few hundred acceptances and five of forged tokens; return its judged case."""
    SCENARIO.write(folder / "logs", folder / "truth.jsonl")
    assert main(["hunt", str(folder / "logs"), "--case", str(folder / "case"), "--quiet", *OPTIONS]) == 1
    return folder / "case"
