"""History that comes window after window is judged as if it had come at once, whatever crosses the borders."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from counterfoil import app
from counterfoil.case.results import TABLES
from counterfoil.lab.history.scenarios import Scenario
from counterfoil.lab.history.settings import Tenant
from counterfoil.pipeline import settled as planning
from lab.spray import Spray

from .estates import hunted, settings, tables

# In the morning of working days: what somebody works with then, he worked with before, and goes on with.
BORDERS = (datetime(2025, 10, 2, 11, 5), datetime(2025, 11, 3, 10, 40))  # noqa: DTZ001  # as the logs write them
TENANT = Tenant(
    seed=22, start=date(2025, 9, 1), days=91, people=6, guests=1, shared_mailboxes=1, service_principals=1,
    managed_identities=1, apps=1, mail_per_person_day=3.0, files_per_person_day=1.0, chats_per_person_day=0.5,
    graph_per_person_day=0.5, tokens_per_principal_day=1.0, directory_changes_per_day=0.3, cae_share=0.9,
    uses_per_token=8.0,
)
SPRAY = Spray(tokens=6, victims=(0, 1), start=datetime(2025, 9, 29, tzinfo=UTC), end=datetime(2025, 11, 8, tzinfo=UTC))


def _records(logs: Path) -> Iterator[tuple[str, Any]]:
    """Yield each record with the name of its log."""
    for path in sorted(logs.rglob("*.json*")):
        text = path.read_text("utf-8")
        for record in json.loads(text) if path.suffix == ".json" else map(json.loads, text.splitlines()):
            yield path.parent.name if path.suffix == ".json" else path.stem, record


def _split(logs: Path, folder: Path) -> list[Path]:
    """Write the records by window, a file for each log; some mail of the last is read with a token of the first."""
    windows: list[dict[str, list[Any]]] = [defaultdict(list) for _ in range(len(BORDERS) + 1)]
    for log, record in _records(logs):
        at = datetime.fromisoformat(record.get("CreationTime") or record["time"][:19])
        windows[sum(at >= border for border in BORDERS)][log].append(record)
    read = [[each for each in window["m365"] if each["Operation"] == "MailItemsAccessed"] for window in windows]
    late = next(each for each in read[-1] if "UniqueTokenId" in each["AppAccessContext"])
    early = next(each for each in read[0] if each["UserId"] == late["UserId"])
    late["AppAccessContext"] = early["AppAccessContext"]
    for number, window in enumerate(windows):
        for log, records in window.items():
            path = folder / str(number) / f"{log}.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    return [folder / str(number) for number in range(len(windows))]


def test_window_after_window_is_judged_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three months, each settled in parts when it comes, on top of what was settled: every row of every table.

    Tokens cross both borders, and one that was issued in the first month is used again in the third.
    """
    scenario = Scenario("quarter", TENANT, (SPRAY,))
    scenario.write(tmp_path / "logs", tmp_path / "truth.jsonl")
    windows = _split(tmp_path / "logs", tmp_path / "windows")
    hunted(windows, settings(tmp_path / "whole", scenario))
    monkeypatch.setattr(planning, "PART_ROWS", 2_000)  # two parts of each
    for window in windows:
        hunted([window], settings(tmp_path / "case", scenario))
    assert len([*(tmp_path / "case" / "settled").iterdir()]) == len(windows)  # none was settled again
    assert tables(tmp_path / "case", TABLES) == tables(tmp_path / "whole", TABLES)
    used = app.sql(tmp_path / "case", "SELECT first_seen::TEXT, last_seen::TEXT FROM tokens").rows
    crossing = [[str(first) < str(border) <= str(last) for border in BORDERS] for first, last in used]
    assert min(map(sum, zip(*crossing, strict=True))) > 1
    assert [True, True] in crossing
