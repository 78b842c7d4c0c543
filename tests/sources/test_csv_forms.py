"""CSV forms of exports: the same evidence as from JSON, whatever the locale of the person who exported."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest

from counterfoil.model.schema import NAMES

from .portal_samples import DAY, files
from .reading import SAMPLES, Read, read

# CSV sample -> the JSON sample of the same rows.
TWINS = {
    "entra/log-analytics.csv": "entra/log-analytics.jsonl",
    "entra/log-analytics-au.csv": "entra/log-analytics.jsonl",
    "entra/log-analytics-microsoft.csv": "entra/log-analytics-microsoft.jsonl",
    "entra/audit-log-analytics.csv": "entra/audit-log-analytics.jsonl",
    "entra/graph-activity-log-analytics.csv": "entra/graph-activity-log-analytics.jsonl",
    "entra/aad-graph-activity-log-analytics.csv": "entra/aad-graph-activity-log-analytics.jsonl",
    "m365/officeactivity.csv": "m365/officeactivity.jsonl",
    "m365/cloudappevents.csv": "m365/cloudappevents.jsonl",
    "m365/graph.csv": "m365/graph.json",
}
UNMOVED = ("m365/cloudappevents.csv", "m365/graph.csv")  # the record inside has its own time
_PLACE = {"raw_file", "raw_position", "item_ids"}
_TIMES = ("event_time", "ingested_at", "issued_at")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Read]:
    """Read all of them once."""
    names = sorted({*TWINS, *TWINS.values(), "entra/log-analytics-two-ways.csv"})
    return dict(zip(names, read([SAMPLES / name for name in names], tmp_path_factory.mktemp("csv")), strict=True))


def test_the_samples_are_built(found: Mapping[str, Read]) -> None:
    """The files are what the builder makes."""
    assert {name: (SAMPLES / name).read_bytes() for name in files()} == files()
    assert set(files()) - set(found) == set()


def _plain(row: Mapping[str, Any], day: int | None) -> dict[str, Any]:
    """Return what both forms must agree in: times by the second, and on the day on which the CSV has them."""
    values = {name: row[name] for name in (*NAMES, "reject") if name not in _PLACE}
    for name in _TIMES:
        time = values[name]
        if isinstance(time, datetime):
            values[name] = time.replace(microsecond=0, day=day or time.day)
    # the portal indents JSON again, and line ends become spaces
    values["extra"] = re.sub(r"\s|\\n", "", row["extra"] or "")
    if str(values["record_id"]).startswith("text:"):
        values["record_id"] = "text"
    return values


@pytest.mark.parametrize("name", TWINS)
def test_a_csv_gives_what_its_json_gives(name: str, found: Mapping[str, Read]) -> None:
    """Every column but the fraction of a second; what the JSON rejects, the CSV rejects."""
    table, twin = found[name], found[TWINS[name]]
    day = None if name in UNMOVED else DAY
    assert table.source is twin.source
    expected = [_plain(row, day) for row in (*twin.rows, *twin.rejects)]
    assert [_plain(row, day) for row in (*table.rows, *table.rejects)] == expected


def test_a_file_that_does_not_tell_its_order_is_rejected(found: Mapping[str, Read]) -> None:
    """2/03/2026 may be in February: the rows are named as rejects, and none is read with a wrong month."""
    one = found["entra/log-analytics-two-ways.csv"]
    assert one.rows == []
    assert {row["reject"] for row in one.rejects} == {"date can be read two ways, day or month first"}
