"""Timelines of intrusions for Timesketch: JSON, one line each, with `message`, `datetime` and `timestamp_desc`.

https://timesketch.org/guides/user/import-from-json-csv/
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from counterfoil.model.story import Story
from counterfoil.model.timeline import BESIDE, Line
from counterfoil.report import _document
from counterfoil.report.clean import clean
from counterfoil.report.exports.registry import About

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  # naive UTC, as in every case


def render(stories: Sequence[Story], about: About) -> str:  # noqa: ARG001  # every format has this shape
    """Return the lines, intrusion by intrusion, in time."""
    return "".join(_document.encode(_line(story.intrusion.id, line), indent=0) + "\n"
                   for story in stories for line in story.lines)


def _line(intrusion: str, line: Line) -> _document.Document:
    who = " ".join(filter(None, (clean(line.who, 200), f"from {clean(line.where, 64)}" if line.where else "")))
    reached = f": {clean(line.reached, 400)}" if line.reached else ""
    return {
        "message": f"{clean(line.what, 200)}{reached}{f' by {who}' if who else ''}",
        "datetime": line.time.isoformat(timespec="microseconds") + "+00:00",
        "timestamp": (line.time - _EPOCH) // timedelta(microseconds=1),
        "timestamp_desc": "Beside an intrusion" if line.basis in BESIDE else "Act of an intrusion",
        "intrusion": intrusion,
        "until": line.until,
        "records": line.records,
        "outcome": line.outcome or "success",
        "user": line.who,
        "src_ip": line.where,
        "application": line.by,
        "joined_by": line.basis.value,
        "not_in_evidence": list(line.absent),
        "data_type": f"counterfoil:{line.source}",
        "source_file": f"{line.path}:{line.position}",
        "tag": [f"intrusion-{intrusion}"],
    }
