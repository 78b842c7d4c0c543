"""Makes the SQL that is shipped with the program, of all that it asks while it plays what lies in the repository.

    python -m tests.reconcile.shipped [--check]

Every expression has a key that says how it was written (`counterfoil.expressions`); the SQL of those that are asked by
the mappings of all sources, by the cases and drawn histories of the reference, and by hunts through the demo, the
samples and the lab goes into `src/counterfoil/expressions/shipped.json.xz`. Run this after each change of an
expression: one whose key is not there is built with Ibis, which is as right and takes a while. `--check` writes
nothing, and tells whether the file is what would be written. Takes some five minutes.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import lzma
import sys
import tempfile
from pathlib import Path

import msgspec

from counterfoil.case.ingest import mapped
from counterfoil.cli.main import main as program
from counterfoil.expressions import compiled
from counterfoil.lab.estate.scenarios import SCENARIOS
from counterfoil.pipeline.routed import shape_of
from counterfoil.reconcile.policy import Policy
from counterfoil.sources.registry import all_sources

from . import drawn, test_cases
from .engine_run import judging

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "tests" / "samples"
LOGS = "counterfoil-demo/demo/today/logs"
COMMANDS = (
    "demo",
    f"hunt {LOGS} --case samples",
    f"hunt {SAMPLES} --case samples",
    f"hunt {LOGS} --case samples --since 2000-01-01 --until 2100-01-01",
    "baseline --case samples",
    *(f"hunt {SAMPLES / name} --case {name}" for name in sorted(path.name for path in SAMPLES.iterdir())),
    # what somebody tries first: a file of one kind alone
    *(f"hunt {path} --case alone-{place}" for place, path in enumerate(sorted(SAMPLES.rglob("*"))) if path.is_file()),
    *(f"lab run {name} --case lab-{name}" for name in SCENARIOS),
)


def recorded(work: Path) -> compiled.Known:
    """Return what is found out of all that is asked, in an empty folder."""
    with compiled.recording() as known:
        for source in all_sources():
            compiled.sql(mapped(shape_of(source)))
        with judging(work) as judge:
            for group in (*test_cases.GROUPS, *drawn.groups().values()):
                if group.policy == Policy():
                    judge(group.rows, group.settings, group.policy)
        with contextlib.chdir(work), contextlib.redirect_stdout(io.StringIO()):
            for command in COMMANDS:
                program([*command.split(), "--quiet"])
    return dict(sorted(known.items(), key=_text))


def _text(pair: tuple[str, str]) -> str:
    """Return what puts side by side what is alike, and packs well."""
    return f"{pair[1]} {pair[0]}"


def main() -> int:
    """Write what is shipped, or tell whether it is what would be written."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        made = recorded(Path(folder))
    there = compiled.read() if compiled.SHIPPED.exists() else {}
    changed = sum(made[key] != there[key] for key in made.keys() & there.keys())
    sys.stdout.write(f"{len(made):,} expressions, {len(made.keys() - there.keys()):,} new, "
                     f"{len(there.keys() - made.keys()):,} gone, {changed:,} changed\n")
    if not asked.check:
        compiled.SHIPPED.write_bytes(lzma.compress(msgspec.json.encode(made), preset=9))
    return int(asked.check and made != there)


if __name__ == "__main__":
    raise SystemExit(main())
