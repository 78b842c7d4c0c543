"""counterfoil's own records: keys that `leaks` found, and decoys that it left; context, under their key ids."""

from __future__ import annotations

import json

import pytest

from .expecting import Promise, Rows, at, by_position, read_samples
from .reading import Read

LEAKS, DECOYS = "leaks.jsonl", "decoys.jsonl"
SOURCES = {LEAKS: "counterfoil-leaks", DECOYS: "counterfoil-decoys"}
PROMISES = (
    Promise("a found key stands at the earliest time before which it was there", LEAKS, 1, {
        "leg": "context", "source": "counterfoil-leaks", "kind": "known-key", "key_id": "signing-2026",
        "event_time": at("2026-03-02T09:00:00"), "object_id": "/var/crash/signer.dmp", "item_count": 3,
        "key_operation": "found", "outcome": "success", "token_id": None, "issuer": None,
    }),
    Promise("a key of no known id is told by its thumbprint", LEAKS, 2,
            {"kind": "private-key", "key_id": "Vd2b0cJxw0YqkT8n3rPzq1mQm0c1dVtB4kJw3nP2sXo"}),
    Promise("a finding of no known kind is a reject", LEAKS, 3, {"reject": "kind of no known finding"}),
    Promise("a decoy stands under its key id at its place", DECOYS, 1, {
        "leg": "context", "source": "counterfoil-decoys", "kind": "decoy", "key_id": "spare-2025",
        "event_time": at("2026-01-15T12:00:00"), "object_id": "backup server, /srv/old", "key_operation": "planted",
    }),
    Promise("a decoy without a key id is a reject", DECOYS, 2, {"reject": "no key id"}),
)  # fmt: skip


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Read]:
    """Read the samples once."""
    return read_samples("counterfoil", SOURCES, tmp_path_factory.mktemp("own"))


@pytest.fixture(scope="module")
def rows(found: dict[str, Read]) -> Rows:
    """Return the evidence by sample and position."""
    return by_position(found)


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.sentence)
def test_promise(promise: Promise, rows: Rows) -> None:
    """The record gives these columns."""
    promise.hold(rows)


def test_each_is_read_by_its_source(found: dict[str, Read]) -> None:
    """By content, and by no other."""
    assert {name: one.source.name for name, one in found.items()} == SOURCES


def test_all_bounds_are_kept(rows: Rows) -> None:
    """Every time, and what it is by, is in the record: the earliest is not the only one."""
    assert "2026-03-04T10:00:00Z by the modification" in json.loads(rows[LEAKS, 1]["extra"])["bounds"]
