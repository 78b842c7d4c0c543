"""Builds the samples that are CSV forms of other samples: `python -m tests.sources.portal_samples`.

The portal of Log Analytics writes a table's rows as CSV: `[UTC]` in the headers of times, times in the locale of its
user, nested values as JSON that is indented again. A test compares the files with this builder.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from .m365_samples import files as m365_files
from .reading import SAMPLES

DAY = 18
TIMES = frozenset({"TimeGenerated", "CreatedDateTime", "ActivityDateTime", "TokenIssuedAt", "Timestamp"})


def us(time: datetime) -> str:
    """Return the time as the portal writes it for a user in the United States: 5/18/2021, 9:13:33.000 PM."""
    clock = f"{time.hour % 12 or 12}:{time:%M:%S}.{time.microsecond // 1000:03d} {time:%p}"
    return f"{time.month}/{time.day}/{time.year}, {clock}"


def australian(time: datetime) -> str:
    """Return the time as .NET and Excel write it in Australia: 18/05/2021 9:13:33 PM."""
    return f"{time.day}/{time:%m}/{time.year} {time.hour % 12 or 12}:{time:%M:%S} {time:%p}"


def portal_csv(
    rows: Sequence[Mapping[str, Any]], write: Callable[[datetime], str] = us, zone: str = " [UTC]"
) -> bytes:
    """Return the rows as the portal's CSV, with a byte order mark, all columns in the order in which they turn up."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\r\n")
    out.writerow([name + zone if name in TIMES else name for name in columns])
    for row in rows:
        out.writerow([_cell(name, row.get(name), write) for name in columns])
    return text.getvalue().encode("utf-8-sig")


def _cell(name: str, value: Any, write: Callable[[datetime], str]) -> str:
    if value is None or value == "":
        return ""
    if name in TIMES:
        return write(datetime.fromisoformat(str(value)[:26].rstrip("Z")))
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str) and value[:1] in "{[":
        try:
            value = json.loads(value)
        except ValueError:  # cut off: it stays as it is
            return str(value)
    return json.dumps(value, indent=2) if isinstance(value, dict | list) else str(value)


def _lines(folder: str, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (SAMPLES / folder / name).read_text().splitlines() if line.strip()]


def _graph_query_csv(document: bytes) -> bytes:
    """Return the pages of an audit log query as Microsoft-Extractor-Suite writes them to CSV."""
    names = ("id", "createdDateTime", "auditLogRecordType", "operation", "organizationId", "userType", "userId",
             "service", "objectId", "userPrincipalName", "clientIp", "administrativeUnits", "auditData")
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\r\n", quoting=csv.QUOTE_ALL)
    out.writerow(names)
    for record in json.loads(document)["value"]:
        cells = [record.get(name) for name in names]
        out.writerow([json.dumps(c, indent=4) if isinstance(c, dict | list) else "" if c is None else c for c in cells])
    return text.getvalue().encode("utf-8-sig")


def files() -> dict[str, bytes]:
    """Return every sample by its path below tests/samples."""
    m365 = m365_files()
    lines = {name: [json.loads(line) for line in m365[name].splitlines()] for name in
             ("officeactivity.jsonl", "cloudappevents.jsonl")}
    signins = _lines("entra", "log-analytics.jsonl")
    return {
        "entra/log-analytics.csv": portal_csv(moved(signins)),
        "entra/log-analytics-au.csv": portal_csv(moved(signins), australian, ""),
        "entra/log-analytics-two-ways.csv": portal_csv(signins[:3], australian, ""),
        "entra/log-analytics-microsoft.csv": portal_csv(moved(_lines("entra", "log-analytics-microsoft.jsonl"))),
        "entra/audit-log-analytics.csv": portal_csv(moved(_lines("entra", "audit-log-analytics.jsonl"))),
        "entra/graph-activity-log-analytics.csv": portal_csv(
            moved(_lines("entra", "graph-activity-log-analytics.jsonl"))
        ),
        "entra/aad-graph-activity-log-analytics.csv": portal_csv(
            moved(_lines("entra", "aad-graph-activity-log-analytics.jsonl"))
        ),
        "m365/officeactivity.csv": portal_csv(moved(lines["officeactivity.jsonl"])),
        "m365/cloudappevents.csv": portal_csv(lines["cloudappevents.jsonl"]),
        "m365/graph.csv": _graph_query_csv(m365["graph.json"]),
    }


def moved(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows with their times on a day of the month above twelve: such a file tells its order."""
    return [
        {name: f"{value[:8]}{DAY}{value[10:]}" if name in TIMES and value else value for name, value in row.items()}
        for row in rows
    ]


if __name__ == "__main__":
    for path, content in files().items():
        (Path(SAMPLES) / path).write_bytes(content)
