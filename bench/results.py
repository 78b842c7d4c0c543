"""What every benchmark prints and keeps: the machine, the versions, the command, and the figures."""

from __future__ import annotations

import json
import os
import platform
import shlex
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

SCHEMA = "counterfoil.bench/1"


def machine() -> dict[str, Any]:
    """Return what the figures depend on: processor, cores, memory (GiB), system, Python."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
    }


def versions(*packages: str) -> dict[str, str]:
    """Return the installed version of each package, "-" for one that is not."""
    found: dict[str, str] = {}
    for name in ("counterfoil", *packages):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "-"
    return found


def keep(
    path: Path | None,
    name: str,
    arguments: Sequence[str],
    settings: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    packages: Sequence[str] = (),
) -> None:
    """Print the rows as a table, and write them to `path` with what they depend on, if a path is given."""
    told = machine()
    print(f"{told['processor']}, {told['cores']} cores, {told['memory_gib']} GiB, Python {told['python']}, "
          f"load {told['load_before']}")
    print(", ".join(f"{package} {version}" for package, version in versions(*packages).items()))
    print(", ".join(f"{key} {value}" for key, value in settings.items()))
    print()
    print(table(rows))
    if path is None:
        return
    document = {
        "schema": SCHEMA,
        "benchmark": name,
        "command": shlex.join(["python", "-m", "bench", name, *arguments]),
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": told,
        "versions": versions(*packages),
        "settings": dict(settings),
        "rows": [dict(row) for row in rows],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(f"\nwritten to {path}", file=sys.stderr)


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the rows as a Markdown table; numbers to the right."""
    if not rows:
        return "nothing measured"
    columns = list(rows[0])
    numeric = {name: all(isinstance(row.get(name), int | float | None) for row in rows) for name in columns}
    lines = ["| " + " | ".join(columns) + " |"]
    lines.append("|" + "|".join(" ---: " if numeric[name] else " --- " for name in columns) + "|")
    lines += ["| " + " | ".join(_cell(row.get(name)) for name in columns) + " |" for row in rows]
    return "\n".join(lines)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.3g}" if abs(value) < 100 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or "unknown processor"
    named = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    return named[0] if named else "unknown processor"
