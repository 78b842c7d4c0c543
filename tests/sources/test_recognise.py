"""Recognition by content: a sample against every source, and a clear line where none reads it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from counterfoil.sources.recognise import Recognised, Sample, Unread, recognise
from counterfoil.sources.registry import all_sources

from .m365_samples import RECORDS, office_row
from .reading import SAMPLES, recognised

BYPRODUCTS = SAMPLES / "tools"
MAIL = RECORDS["a mail read with every token field"]


def _json(*records: Any) -> Recognised | Unread:
    return recognise(Sample("json-lines", (), records), all_sources())


def _csv(*header: str) -> Recognised | Unread:
    return recognise(Sample("csv", header, ()), all_sources())


SHAPES: list[tuple[str, Mapping[str, Any], str]] = [
    ("an AuditData record", MAIL, "m365-ual-api"),
    ("a row with AuditData as an object", {"CreationDate": "", "AuditData": MAIL}, "m365-ual-search-json"),
    ("a row with AuditData as a text", {"CreationDate": "", "AuditData": "{}"}, "m365-ual-search-json"),
    ("a row of OfficeActivity", office_row(MAIL), "sentinel-officeactivity"),
    ("a row of CloudAppEvents", {"ActionType": "x", "RawEventData": {}}, "defender-cloudappevents"),
    (
        "an envelope of CloudAppEvents",
        {"category": "AdvancedHunting-CloudAppEvents", "properties": {"RawEventData": {}}},
        "defender-cloudappevents-stream",
    ),
]


@pytest.mark.parametrize(("record", "name"), [row[1:] for row in SHAPES], ids=[row[0] for row in SHAPES])
def test_a_shape_is_read_by_one_source(record: Mapping[str, Any], name: str) -> None:
    """No two wrappers claim the same record."""
    found = _json(record)
    assert isinstance(found, Recognised)
    assert [source.name for source in found.sources] == [name]


HEADERS = [
    ("CreationDate", "UserIds", "Operations", "AuditData"),
    ("PSComputerName", "RecordType", "CreationDate", "UserIds", "Operations", "AuditData", "ResultIndex"),
    ("RecordId", "CreationDate", "RecordType", "Operation", "UserId", "AuditData", "AssociatedAdminUnits"),
]


@pytest.mark.parametrize(
    ("header", "name"), list(zip(HEADERS, ["m365-ual-search", "m365-ual-search", "m365-ual-purview"], strict=True))
)
def test_a_csv_is_known_by_its_columns(header: tuple[str, ...], name: str) -> None:
    """More columns than needed do no harm, in any order."""
    found = _csv(*header)
    assert isinstance(found, Recognised)
    assert [source.name for source in found.sources] == [name]


SAMPLE_FILES = sorted(path for path in SAMPLES.rglob("*") if path.is_file())


@pytest.mark.parametrize("path", SAMPLE_FILES, ids=lambda path: path.name)
def test_no_two_sources_claim_a_sample(path: Path) -> None:
    """Every sample of every source is claimed by one source alone, or by those that share an envelope."""
    found = recognised(path)
    if isinstance(found, Unread):  # of tools' folders: what is no log
        assert "by-product" in found.reason or BYPRODUCTS in path.parents
        return
    assert len(found.sources) == 1 or len({tuple(source.markers) for source in found.sources}) == 1


def test_one_good_record_is_enough() -> None:
    """A file whose first records are of another kind is still recognised by the next ones."""
    found = _json({"some": "header"}, 7, MAIL)
    assert isinstance(found, Recognised)


def test_a_near_miss_says_what_is_missing() -> None:
    """The reason names the field, so that the export can be repeated with it."""
    found = _json({name: value for name, value in MAIL.items() if name != "RecordType"})
    assert found == Unread("m365-ual-api", "RecordType missing")


def test_what_nobody_reads_says_so() -> None:
    """Unknown JSON, unknown CSV and no objects at all each have their own line."""
    assert _json({"colour": "red"}) == Unread("", "JSON of no known log")
    assert _json(1, "x") == Unread("", "no record is a JSON object")
    found = _csv("colour", "size")
    assert isinstance(found, Unread)
    assert found.reason == "CSV with columns of no known export"


CONTENT = "correct horse battery"
FOREIGN: list[tuple[str, Mapping[str, Any], str]] = [
    ("Wazuh's alert around a record",
     {"rule": {}, "agent": {}, "manager": {}, "id": CONTENT, "data": {"office365": MAIL}}, "Wazuh"),
    ("a hit of Elasticsearch", {"_index": CONTENT, "_source": {"event": {"original": CONTENT}}}, "Elasticsearch"),
    ("a result of Splunk", {"preview": False, "result": {"_raw": CONTENT}}, "Splunk"),
    ("a list of blobs", {"contentType": CONTENT, "contentId": CONTENT, "contentUri": CONTENT}, "blobs"),
    ("an answer of the REST API", {"tables": [{"rows": [[CONTENT]]}]}, "REST API"),
    ("nothing known", {CONTENT: CONTENT}, "no known log"),
    ("a near miss whose mark is another", {"time": "", "schema": CONTENT, "iss": ""}, "schema is not one of"),
]


@pytest.mark.parametrize(("record", "told"), [row[1:] for row in FOREIGN], ids=[row[0] for row in FOREIGN])
def test_the_reason_helps_and_shows_nothing_of_the_file(record: Mapping[str, Any], told: str) -> None:
    """What another program wrote is named with the way out; no value and no name of the file stands in a reason."""
    found = _json(record)
    assert isinstance(found, Unread)
    assert told in found.reason and CONTENT not in found.reason


def test_a_column_in_another_time_zone_says_what_to_set() -> None:
    """Nothing tells which zone it was."""
    found = _csv("TimeGenerated [Local Time]", "Id", "AppId", "ResultType")
    assert found == Unread(
        "entra-signin-log-analytics", "TimeGenerated is in another time zone: set the portal to UTC and export again"
    )
