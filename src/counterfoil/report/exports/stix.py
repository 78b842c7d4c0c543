"""Intrusions as a bundle of STIX 2.1 (OASIS Standard): intrusion sets, indicators, victims, techniques, a report.

Ids are made of the values (UUIDv5), times are those of the evidence, so that the same case gives the same bundle.
https://docs.oasis-open.org/cti/stix/v2.1/os/stix-v2.1-os.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from ipaddress import ip_address
from uuid import UUID, uuid5

from counterfoil.model.habits import Technique, Used
from counterfoil.model.story import Story
from counterfoil.report import _document
from counterfoil.report._intruders import intruder_words
from counterfoil.report.clean import clean
from counterfoil.report.exports.registry import About
from counterfoil.report.words import some

Document = _document.Document
# Of our own objects; the standard reserves another for observables.
_OURS = UUID("6f1c1f0e-0a1d-5e6b-9a53-0c0f3e7e5f18")
# The standard's scale of none, low, medium and high (appendix A).
_CONFIDENCE = {"high": 85, "medium": 50, "low": 15}
# For how long after its last use an address is still an indicator: as long as it counts as the same tenant's.
LEASE = timedelta(days=14)
_OLDEST = datetime(1970, 1, 1)  # noqa: DTZ001  # naive UTC, as in every case


def render(stories: Sequence[Story], about: About) -> str:
    """Return the bundle; objects that several intrusions share are there once."""
    when = _time(about.last_event or _OLDEST)
    author = _object("identity", "counterfoil", when, name="counterfoil", identity_class="system")
    author.pop("created_by_ref")
    found = [entry for story in stories for entry in _story(story, when)]
    unique = {entry["id"]: entry for entry in (author, *found)}
    if found:
        told = _object(
            "report", f"{about.case}\x1f{when}", when, name=some(len(stories), "intrusion") + " with forged tokens",
            report_types=["intrusion-set"], published=when, object_refs=list(unique),
        )
        unique[told["id"]] = told
    bundle = {"type": "bundle", "id": f"bundle--{uuid5(_OURS, chr(31).join(unique))}", "objects": [*unique.values()]}
    return _document.encode(bundle, indent=2) + "\n"


def _story(story: Story, when: str) -> Iterator[Document]:
    entry = story.intrusion
    confidence = _CONFIDENCE[entry.confidence]
    intruder = _object(
        "intrusion-set", entry.id, when, name=f"counterfoil intrusion {entry.id}", description=intruder_words(entry),
        first_seen=_time(entry.first_seen), last_seen=_time(entry.last_seen), confidence=confidence,
    )
    yield intruder
    for technique in story.habits.techniques:
        pattern = _technique(technique, when)
        yield pattern
        yield _relation(intruder, "uses", pattern, when, confidence, ", ".join(clean(why, 80) for why in technique.why))
    for used in story.habits.addresses:
        yield from _indicator(intruder, used, _address(used.name), "address", when, confidence)
    for used in story.habits.agents:
        if not used.people:
            yield from _indicator(intruder, used, _header(used.name), "agent", when, confidence)
    for name in entry.subjects:
        victim = _object("identity", name, when, name=clean(name, 500), identity_class="individual")
        yield victim
        yield _relation(intruder, "targets", victim, when, confidence, "")


def _technique(technique: Technique, when: str) -> Document:
    url = "https://attack.mitre.org/techniques/" + technique.id.replace(".", "/")
    return _object(
        "attack-pattern", technique.id, when, name=technique.name or technique.id,
        external_references=[{"source_name": "mitre-attack", "external_id": technique.id, "url": url}],
    )


def _indicator(
    intruder: Document, used: Used, pattern: str, kind: str, when: str, confidence: int
) -> Iterator[Document]:
    """Yield an indicator and what it indicates; nothing for a value that no pattern can hold."""
    if not pattern:
        return
    valid = {"valid_until": _time(used.last_seen + LEASE)} if kind == "address" else {}
    entry = _object(
        "indicator", f"{intruder['id']}\x1f{pattern}", when, name=f"{kind} {clean(used.name, 200)}",
        indicator_types=["malicious-activity"], pattern=pattern, pattern_type="stix", pattern_version="2.1",
        valid_from=_time(used.first_seen), confidence=confidence,
        description=f"{some(used.records, 'record')}; {some(used.people, 'person', 'people')} of the estate", **valid,
    )
    yield entry
    yield _relation(entry, "indicates", intruder, when, confidence, "")


def _address(value: str) -> str:
    try:
        kind = "ipv4-addr" if ip_address(value).version == 4 else "ipv6-addr"
    except ValueError:
        return ""
    return f"[{kind}:value = '{value}']"


def _header(value: str) -> str:
    text = clean(value, 1_000).replace("\\", "\\\\").replace("'", "\\'")
    return f"[network-traffic:extensions.'http-request-ext'.request_header.'User-Agent' = '{text}']"


def _relation(source: Document, kind: str, target: Document, when: str, confidence: int, words: str) -> Document:
    more = {"description": words} if words else {}
    return _object(
        "relationship", f"{source['id']}\x1f{kind}\x1f{target['id']}", when, relationship_type=kind,
        source_ref=source["id"], target_ref=target["id"], confidence=confidence, **more,
    )


def _object(kind: str, made_of: str, when: str, /, **values: object) -> Document:
    """Return an object of STIX whose id is made of its kind and the text."""
    author = f"identity--{uuid5(_OURS, 'identity' + chr(31) + 'counterfoil')}"
    return {
        "type": kind, "spec_version": "2.1", "id": f"{kind}--{uuid5(_OURS, kind + chr(31) + made_of)}",
        "created_by_ref": author, "created": when, "modified": when, **values,
    }


def _time(when: datetime) -> str:
    return when.isoformat(timespec="milliseconds") + "Z"
