"""Exports of other programs and lists of exports, which are not read: known by their members, with the way out."""

from __future__ import annotations

from collections.abc import Iterable

_WAYS: tuple[tuple[frozenset[str], str], ...] = (
    (frozenset({"tables"}),
     "an answer of the Log Analytics REST API, whose rows have no names: ask the same query by az monitor"
     " log-analytics query -o json, or export CSV in the portal"),
    (frozenset({"contentUri", "contentId", "contentType"}),
     "a list of the Management Activity API's blobs, not their content: GET every contentUri and keep what it returns"),
    (frozenset({"rule", "agent", "manager", "data"}),
     "an alert of Wazuh around a record: export the audit log itself, or keep .data.office365 of each line"
     " (jq -c .data.office365)"),
    (frozenset({"_index", "_source"}),
     "hits of Elasticsearch in its own field names: keep the original of each line"
     " (jq -r '._source.event.original')"),
    (frozenset({"_raw"}),
     "a result of Splunk: keep the raw records alone, one a line (... | table _raw, or outputmode raw)"),
    (frozenset({"preview", "result"}),
     "a result of Splunk: keep the raw records alone, one a line (jq -r .result._raw)"),
)


def by_members(names: Iterable[str]) -> str:
    """Return why a file of records with these members or columns is not read, empty if it is no known export."""
    found = frozenset(names)
    return next((way for members, way in _WAYS if members <= found), "")
