"""Windows events in every form in which tools export them: one story, the same evidence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from counterfoil.read.records import Counter, InputText, stream
from counterfoil.read.sniff import sniff
from counterfoil.unpack.walk import plain
from lab.windows_forms import FORMS, written

from .expecting import at
from .reading import SAMPLES, Read, read
from .windows_story import ACTIVITY, ADFS, AGENT, CONTACT, DC, FARM, INSTANCE, OFFICE, SECURE, STORY

Row = dict[str, Any]
SOURCES = {
    "security-event": "windows-events", "windows-event": "windows-events", "security-event-csv": "windows-events-csv",
    "evtx-dump-jsonl": "windows-evtx-json", "evtx-dump-separate": "windows-evtx-json",
    "velociraptor": "windows-evtx-velociraptor", "evtxecmd-json": "windows-evtxecmd",
    "evtxecmd-csv": "windows-evtxecmd-csv", "winlogbeat": "windows-winlogbeat",
    "winlogbeat-hits": "windows-winlogbeat-hits", "nxlog": "windows-nxlog", "get-winevent-5": "windows-get-winevent",
    "get-winevent-7": "windows-get-winevent",
    "evtx": "windows-evtx-json",
}
ALL = (*FORMS, "evtx")
UNNUMBERED = {"security-event", "wevtutil-text"}
_AUDIT = {"user_agent": AGENT, "ip": "203.0.113.9", "resource": OFFICE.lower(), "source": "adfs", "issuer": FARM}
_CONTEXT = {"leg": "context", "source": "windows-security", "issuer": None, "outcome": "success"}
_AUDITED = {"leg": "context", "source": "adfs", "issuer": FARM, "token_class": None}
INSTANCES = [INSTANCE.format(n) for n in range(4)]

# What every form must give, by event id and by the place among those of one id.
EXPECTED: dict[tuple[str, int], Row] = {
    ("1202", 0): _AUDIT | {"leg": "context", "subject_name": "contoso\\adele", "outcome": "success"},
    ("403", 0): _AUDITED | {"ip": "203.0.113.9", "session_id": INSTANCES[1]},
    ("410", 0): _AUDITED,
    ("412", 0): _AUDITED | {
        "object_kind": "relying_party", "object_id": OFFICE.lower(), "session_id": INSTANCES[1], "outcome": "success"},
    ("501", 0): _AUDITED | {"subject_name": "contoso\\adele", "session_id": INSTANCES[1]},
    ("500", 0): _AUDITED | {"subject_name": "adele@contoso.example", "session_id": INSTANCES[1]},
    ("299", 0): {
        "leg": "issuance", "source": "adfs", "token_class": "assertion", "resource": OFFICE.lower(),
        "subject_name": None, "session_id": INSTANCES[1], "outcome": "success",
        "record_id": f"{ADFS.lower()}/issued/{ACTIVITY.format(1)}/2026-03-21 08:15:29"},
    ("1200", 0): _AUDIT | {
        "leg": "issuance", "token_class": "assertion", "subject_name": "contoso\\adele", "client_id": None,
        "kind": ADFS.lower(), "outcome": "success", "object_kind": "relying_party",
        "record_id": f"{ADFS.lower()}/issued/{ACTIVITY.format(1)}/2026-03-21 08:15:29"},
    ("404", 0): _AUDITED | {"session_id": INSTANCES[2]},
    ("411", 0): _AUDITED | {"outcome": "failed", "ip": "198.51.100.7"},
    ("1201", 0): _AUDIT | {"leg": "issuance", "outcome": "failed", "subject_name": "contoso\\megan"},
    ("1203", 0): _AUDIT | {"leg": "context", "outcome": "failed", "subject_name": "contoso\\megan"},
    ("4624", 0): _CONTEXT | {"subject_name": "contoso\\r&d", "ip": "192.0.2.5", "kind": ADFS.lower()},
    ("4769", 0): _CONTEXT | {"ip": "192.0.2.5", "object_kind": "service", "object_id": "adfsadmin", "kind": DC.lower(),
                             "subject_name": "corp.contoso.example\\adele@corp.contoso.example"},
    ("5156", 0): _CONTEXT | {"ip": "192.0.2.66", "object_kind": "address", "object_id": "192.0.2.4:80"},
    ("412", 1): _AUDITED | {"object_kind": "token_type", "object_id": SECURE.lower(), "resource": None},
    ("18", 0): _CONTEXT | {"object_kind": "signing_key", "object_id": "\\microsoft##wid\\tsql\\query",
                           "subject_name": "contoso\\wardog", "sequence": None},
    ("33205", 0): _CONTEXT | {
        "object_kind": "signing_key", "object_id": "adfsconfigurationv4.identityserverpolicy.servicesettings",
        "subject_name": "contoso\\wardog"},
    ("4662", 0): _CONTEXT | {"object_kind": "signing_key", "object_id": CONTACT, "subject_name": "contoso\\wardog"},
    ("1102", 0): _CONTEXT | {"object_kind": "event_log", "object_id": "security", "subject_name": "contoso\\wardog"},
}


def _file(form: str, folder: Path, name: str = "") -> Path:
    path = folder / f"{name or form}.{FORMS[form].extension}"
    path.write_text(written(STORY, form), encoding="utf-8", newline="")
    return path


def _by_event(found: Read) -> dict[tuple[str, int], Row]:
    rows: dict[tuple[str, int], Row] = {}
    for row in sorted(found.rows, key=lambda row: int(row["raw_position"])):
        place = sum(key[0] == row["operation"] for key in rows)
        rows[row["operation"], place] = row
    return rows


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Read]:
    """Read the story in every form."""
    folder = tmp_path_factory.mktemp("forms")
    paths = [_file(form, folder) for form in FORMS]
    # story.evtx is the story as `tests/read/evtx_writer.py` writes its XML
    return dict(zip(ALL, read([*paths, SAMPLES / "adfs" / "story.evtx"], folder / "work"), strict=True))


@pytest.mark.parametrize("form", ALL)
def test_every_form_gives_the_same_evidence(form: str, told: dict[str, Read]) -> None:
    """Each event becomes the same evidence in every form, at the same time, and nothing is rejected."""
    found = told[form]
    assert found.source.name == SOURCES.get(form, "windows-event-export")
    assert found.rejects == []
    rows = _by_event(found)
    assert rows.keys() == EXPECTED.keys()
    wrong = {
        key: {name: (rows[key][name], value) for name, value in columns.items() if rows[key][name] != value}
        for key, columns in EXPECTED.items()
    }
    assert {key: columns for key, columns in wrong.items() if columns} == {}
    assert {rows[key]["event_time"].replace(microsecond=0) for key in rows} == {
        at(f"2026-03-21T08:15:{second:02d}") for second in range(29, 41)
    }


@pytest.mark.parametrize("form", ALL)
def test_record_numbers_are_kept(form: str, told: dict[str, Read]) -> None:
    """The Security log's record numbers are the sequence by which gaps are seen, where the form has them."""
    numbers = {
        (row["kind"], row["sequence"])
        for row in told[form].rows
        if json.loads(row["extra"]).get("channel") == "Security"
    }
    if form in UNNUMBERED:
        assert {number for _, number in numbers} == {None}
    else:
        hosts = [n for kind, n in numbers if kind == ADFS.lower()]
        assert sorted(hosts) == list(range(1_204_311, 1_204_311 + len(hosts)))


ENCODINGS = ("utf-16", "utf-16-le", "utf-16-be", "utf-8-sig")


@pytest.mark.parametrize("form", ["wevtutil-xml", "wevtutil-text", "event-viewer-xml"])
def test_encodings_of_windows(form: str, tmp_path: Path) -> None:
    """What PowerShell redirects is UTF-16, with or without a mark: it is recognised, and reads like UTF-8."""
    base = tmp_path / "base"
    base.write_bytes(written(STORY, form).encode())
    for encoding in ENCODINGS:
        path = tmp_path / encoding
        path.write_bytes(written(STORY, form).encode(encoding))
        assert sniff(plain(path)).container == sniff(plain(base)).container
        assert texts(path) == texts(base)


def texts(path: Path) -> list[tuple[str | None, str | None]]:
    """Return the records of a file, and why each is refused, as the reader gives them."""
    head = sniff(plain(path))
    file = InputText(0, plain(path), head.container, encoding=head.encoding)
    batches = [batch.to_pydict() for batch in stream([file], Counter(), lambda _: None)]
    return [pair for batch in batches for pair in zip(batch["text"], batch["refused"], strict=True)]
