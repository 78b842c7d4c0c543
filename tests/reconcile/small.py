"""A small case with forged tokens, for engines that are slow to start."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from counterfoil.cli.main import main
from lab import histories

NOBODY = "3f1c52ea-0d4e-4f3f-9a3b-6a3f6c0a7d11"
SCENARIO = histories.complete(300, 5, 1)


def options(folder: Path) -> Sequence[str]:
    """Return what is said of the logs that `small` wrote there."""
    complete = [word for each in SCENARIO.declarations() for word in ("--complete", str(each))]
    named = ["--identities", str(folder / "identities.csv")]
    return [*complete, *named, "--exported-at", SCENARIO.exported_at.isoformat()]


def written(folder: Path) -> Path:
    """Write the logs of a tenant, a few hundred acceptances and five of forged tokens, and return their folder."""
    SCENARIO.write(folder / "logs", folder / "truth.jsonl")
    (folder / "identities.csv").write_text(f"id,name\n{NOBODY},nobody@contoso.com\n", "utf-8")
    return folder / "logs"


def small(folder: Path) -> Path:
    """Write these logs, and return their judged case."""
    written(folder)
    assert main(["hunt", str(folder / "logs"), "--case", str(folder / "case"), "--quiet", *options(folder)]) == 1
    return folder / "case"
