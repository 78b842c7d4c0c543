"""Which rules fire on public samples of attacks: a row for each file, ours and Sigma's.

    python -m bench samples ../shared/data/det-eng-samples --rules ../shared/data/sigma/rules

Each file is hunted in a case of its own. *Ours*: rules that made a finding, or add to a token's suspicion; *verdicts*:
of the tokens in it. docs/sigma.md says why the other rules do not fire.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from counterfoil import app
from counterfoil.config import HuntSettings
from counterfoil.errors import CounterfoilError

_SUFFIXES = (".csv", ".json", ".jsonl")
_NONE = "-"


def row(path: Path, rules: Sequence[Path], case: Path) -> tuple[str, ...]:
    """Return what fires on a file: records, verdicts, our rules, rules of Sigma."""
    try:
        report = app.hunt([str(path)], HuntSettings(case=case))
    except CounterfoilError as error:
        return path.name, "0", _NONE, f"not read: {error}", _NONE
    held = {finding.rule for finding in report.findings}
    for (named,) in app.sql(case, "SELECT rules FROM tokens WHERE rules <> ''").rows:
        held |= set(str(named).split())
    verdicts = Counter({str(row.verdict): row.tokens for row in report.verdicts})
    found, _ = app.sigma(case, rules)
    return (
        path.name, f"{sum(entry.kept for entry in report.inputs):,}",
        _listed(f"{count} {verdict}" for verdict, count in sorted(verdicts.items())), _listed(sorted(held)),
        _listed(sorted(one.title for one in found if one.records)),
    )


def _listed(texts: Iterable[str]) -> str:
    return ", ".join(texts) or _NONE


def main(arguments: Sequence[str]) -> None:
    """Print a row for each file, and how many fire."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("samples", type=Path, help="folder of the samples")
    parser.add_argument("--rules", type=Path, nargs="+", required=True, help="rules of Sigma")
    asked = parser.parse_args(arguments)
    files = sorted(path for path in asked.samples.iterdir() if path.suffix in _SUFFIXES)
    print("| sample | records | verdicts | ours | rules of Sigma |\n|---|---|---|---|---|")
    ours = sigma = 0
    with tempfile.TemporaryDirectory() as work:
        for place, path in enumerate(files):
            told = row(path, asked.rules, Path(work) / str(place))
            print(f"| {' | '.join(told)} |", flush=True)
            ours += told[3] != _NONE
            sigma += told[4] != _NONE
    print(f"\n{len(files)} files: a rule of ours fires on {ours}, one of Sigma on {sigma}")
