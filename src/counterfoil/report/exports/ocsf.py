"""Intrusions as Detection Findings of the Open Cybersecurity Schema Framework (class 2004), version 1.8.0, one a line.

https://schema.ocsf.io/1.8.0/classes/detection_finding
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from counterfoil.model.attack import VERSION
from counterfoil.model.habits import Technique
from counterfoil.model.intrusion import Intrusion
from counterfoil.model.story import Story
from counterfoil.model.verdict import FindingVerdict
from counterfoil.report import _document
from counterfoil.report._intruders import intruder_words
from counterfoil.report.clean import clean
from counterfoil.report.exports.registry import About

SCHEMA = "1.8.0"
CLASS, CATEGORY, CREATE = 2004, 2, 1
_SEVERITY = {"critical": (5, "Critical"), "high": (4, "High"), "medium": (3, "Medium"), "low": (2, "Low")}
_CONFIDENCE = {"high": (3, "High"), "medium": (2, "Medium"), "low": (1, "Low")}
_IP, _USER, _AGENT = (2, "IP Address"), (4, "User Name"), (16, "HTTP User-Agent")
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  # naive UTC, as in every case


def render(stories: Sequence[Story], about: About) -> str:
    """Return one finding per intrusion."""
    return "".join(_document.encode(_finding(story, about), indent=0) + "\n" for story in stories)


def _finding(story: Story, about: About) -> _document.Document:
    entry = story.intrusion
    claim = FindingVerdict.PROBABLY_FORGED if entry.claim is None else entry.claim
    severity_id, severity = _SEVERITY[claim.severity]
    confidence_id, confidence = _CONFIDENCE[entry.confidence]
    return {
        "class_uid": CLASS, "class_name": "Detection Finding", "category_uid": CATEGORY, "category_name": "Findings",
        "activity_id": CREATE, "activity_name": "Create", "type_uid": CLASS * 100 + CREATE,
        "type_name": "Detection Finding: Create",
        "time": _millis(entry.last_seen), "start_time": _millis(entry.first_seen), "end_time": _millis(entry.last_seen),
        "count": entry.records,
        "severity_id": severity_id, "severity": severity, "confidence_id": confidence_id, "confidence": confidence,
        "status_id": 1, "status": "New", "is_alert": True,
        "message": intruder_words(entry),
        "metadata": {
            "version": SCHEMA,
            "product": {"name": "counterfoil", "vendor_name": "counterfoil", "version": about.version},
            "uid": entry.id,
        },
        "finding_info": {
            "uid": entry.id, "title": f"Intrusion with forged tokens: {intruder_words(entry)}",
            "desc": "; ".join(clean(reason, 400) for reason in entry.joined) or "One piece of evidence.",
            "created_time": _millis(entry.last_seen), "first_seen_time": _millis(entry.first_seen),
            "last_seen_time": _millis(entry.last_seen), "types": ["Forged tokens"],
            "related_events": [{"uid": finding, "type": "counterfoil finding"} for finding in entry.findings],
            "attacks": [_attack(technique) for technique in story.habits.techniques],
        },
        "evidences": [{"data": {
            "records": entry.records, "tokens": entry.tokens, "mailboxes": entry.mailbox_count,
            "messages_at_least": story.whole.mail.at_least, "messages_seen": story.whole.mail.seen,
            "messages_at_most": story.whole.mail.at_most,
        }}],
        "observables": list(_observables(entry)),
    }


def _attack(technique: Technique) -> _document.Document:
    """Return a technique: a sub-technique with its parent."""
    parent, dot, _ = technique.id.partition(".")
    name, colon, own = technique.name.partition(": ")
    told: _document.Document = {"technique": {"uid": parent, "name": name}, "version": VERSION}
    if dot and colon:
        told["sub_technique"] = {"uid": technique.id, "name": own}
    return told


def _observables(entry: Intrusion) -> Iterator[_document.Document]:
    named = (
        ("src_endpoint.ip", _IP, entry.ips), ("actor.user.name", _USER, entry.subjects),
        ("http_request.user_agent", _AGENT, entry.agents),
    )
    for name, (type_id, kind), values in named:
        for value in values:
            yield {"name": name, "type_id": type_id, "type": kind, "value": clean(value, 1_000)}


def _millis(when: datetime) -> int:
    return (when - _EPOCH) // timedelta(milliseconds=1)
