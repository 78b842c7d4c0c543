"""Published samples of other people's tenants, where a copy is at hand: counts of what they are known to hold."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from .reading import Read, read

DATA = Path(os.environ.get("COUNTERFOIL_DATA", Path(__file__).parents[3] / "shared" / "data"))
_DET_ENG = DATA / "det-eng-samples"  # github.com/blueteam0ps/det-eng-samples, Apache-2.0
_GOLDEN_SAML = DATA / "otrf-golden-saml"  # github.com/OTRF/Security-Datasets, MIT


@pytest.fixture(scope="module")
def det_eng(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Read]:
    """Read all 39 files."""
    if not _DET_ENG.is_dir():
        pytest.skip(f"no copy of blueteam0ps/det-eng-samples at {_DET_ENG}; COUNTERFOIL_DATA names its parent folder")
    files = sorted(path for path in _DET_ENG.iterdir() if path.suffix in (".csv", ".json"))
    return dict(zip((f.name for f in files), read(files, tmp_path_factory.mktemp("det")), strict=True))


def test_every_file_of_det_eng_samples_is_read(det_eng: dict[str, Read]) -> None:
    """CSV and JSON, arrays, lines and single objects: each file is recognised and no record is rejected."""
    assert Counter(found.source.name for found in det_eng.values()) == {
        "m365-ual-api": 18,
        "m365-ual-search": 19,
        "m365-ual-search-json": 2,
    }
    assert sum(len(found.rejects) for found in det_eng.values()) == 0


def test_det_eng_samples_hold_what_they_are_known_to_hold(det_eng: dict[str, Read]) -> None:
    """Sign-ins, cmdlets with and without token ids, directory changes: 125 records."""
    rows = [row for found in det_eng.values() for row in found.rows]
    assert len(rows) == 125
    assert Counter((row["leg"], row["kind"], row["outcome"]) for row in rows) == {
        ("issuance", "sign-in", "success"): 11,
        ("issuance", "sign-in", "interrupted"): 5,
        ("issuance", "sign-in", "failed"): 55,
        ("acceptance", "exchange-admin", "success"): 7,
        ("context", "exchange-admin", "success"): 19,
        ("context", "directory", "success"): 27,
        ("context", "other", "success"): 1,
    }
    assert len({row["record_id"] for row in rows}) == 115
    assert all(row["token_id"] for row in rows if row["leg"] != "context")
    assert all(row["subject_id"] for row in rows if row["leg"] == "issuance")
    assert all(row["ip"] is None or "]" not in row["ip"] for row in rows)


def test_office_activity_of_golden_saml(tmp_path: Path) -> None:
    """The one mail access of the published intrusion: seven messages, owner's logon, no token id."""
    path = _GOLDEN_SAML / "OfficeActivityEvents.json"
    if not path.is_file():
        pytest.skip(f"no copy of OTRF/Security-Datasets at {_GOLDEN_SAML}; COUNTERFOIL_DATA names its parent folder")
    (found,) = read([path], tmp_path)
    (row,) = found.rows
    assert found.source.name == "sentinel-officeactivity"
    assert (row["leg"], row["kind"], row["access_mode"]) == ("acceptance", "exchange-item", "bind")
    assert (row["item_count"], row["aggregated"], row["throttled"]) == (7, True, False)
    assert (row["logon_type"], row["token_id"]) == ("owner", None)
    assert row["client_id"] == "5a95e683-08ad-424e-a441-1d1aec52c02c"
    assert row["resource"] == "00000003-0000-0000-c000-000000000000"
    assert row["event_time"].isoformat() == "2021-08-02T13:32:07"
