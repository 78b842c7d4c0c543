"""counterfoil: a whole hunt, with hashes, positions, rejects, Parquet, verdicts, findings and results."""

from __future__ import annotations

import sys
import tempfile
from datetime import datetime
from pathlib import Path

from counterfoil import Declaration, HuntSettings, Verdict, app
from counterfoil.case.folder import existing
from counterfoil.case.manifest import read_manifest
from counterfoil.case.results import opened, rows

NAME = "counterfoil"
PACKAGE = "counterfoil"
HOW = "`hunt` with the four kinds of sign-in declared complete"
ANSWERS = True

_KINDS = ("interactive", "non-interactive", "service-principal", "managed-identity")


def main(logs: Path, out: Path, memory: str | None = None) -> None:
    """Hunt, and name every token that was convicted. `memory`: as `--memory`."""
    with tempfile.TemporaryDirectory(dir=out.parent) as folder:
        case = Path(folder) / "case"
        declared = tuple(Declaration("entra-signin", kind, None, None) for kind in _KINDS)
        exported = datetime(2026, 1, 1)  # noqa: DTZ001  # naive UTC, as settings take it
        app.hunt([str(logs)], HuntSettings(case=case, complete=declared, exported_at=exported, memory=memory))
        place = existing(case)
        convicted = (Verdict.FORGED, Verdict.CONTRADICTED, Verdict.TAINTED)
        with opened(place, read_manifest(place.manifest)) as con:
            marks = ", ".join("?" * len(convicted))
            found = rows(con, f"SELECT DISTINCT token_id AS id FROM tokens WHERE verdict IN ({marks})",  # noqa: S608
                         [str(verdict) for verdict in convicted])
    out.write_text("".join(f"{row['id']}\n" for row in found), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
