"""The SQL that is shipped is that of the expressions, and the program needs no other where it is tried first."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from counterfoil.case.ingest import mapped
from counterfoil.expressions.compiled import read, recording, sql
from counterfoil.pipeline.routed import shape_of
from counterfoil.sources.registry import all_sources

from . import shipped

AFTER = "was an expression changed? run: python -m tests.reconcile.shipped"
PLAY = """
import sys
from counterfoil.cli.main import main
main(["demo", "--quiet"])
main(["hunt", "counterfoil-demo/demo/today/logs", "--quiet", "--case", "again"])
print("Ibis was imported" if "ibis" in sys.modules else "nothing was built")
"""


def test_mappings_are_shipped() -> None:
    """Of every source, the shipped mapping is that which its expressions say."""
    known = read()
    with recording() as made:
        for source in all_sources():
            sql(mapped(shape_of(source)))
    assert {key: known.get(key) for key in made} == made, AFTER


def test_the_demo_builds_nothing(tmp_path: Path) -> None:
    """The demo, and a hunt in its logs, find all of their SQL: Ibis is not imported."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", PLAY], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "nothing was built", AFTER


@pytest.mark.slow
def test_all_that_is_shipped_is_what_is_asked() -> None:
    """What is shipped is all that the demo, the samples, the lab and the cases ask for, and nothing else."""
    check = [sys.executable, "-m", shipped.__name__, "--check"]
    done = subprocess.run(check, cwd=shipped.ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, f"{done.stdout}{AFTER}"
