from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from counterfoil.errors import UsageError
from counterfoil.lab.history.estate import write_estate
from counterfoil.lab.history.losses import IntervalLoss, Loss

from . import histories, reading
from .losses import ClientLoss, RandomLoss, RecordLoss
from .spray import Spray

SMALL = histories.tiny().tenant
GAP = IntervalLoss(datetime(2025, 9, 3, tzinfo=UTC), datetime(2025, 9, 4, tzinfo=UTC))
OUTLOOK = "d3590ed6-52b3-4102-aeff-aad2292ab01c"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a week whose logs are complete."""
    folder = tmp_path_factory.mktemp("whole")
    write_estate(SMALL, [], [], folder / "logs", folder / "truth.jsonl")
    return folder


def lossy(folder: Path, loss: Loss) -> list[reading.Record]:
    """Write the week with a loss and return its sign-ins."""
    write_estate(SMALL, [], [loss], folder / "logs", folder / "truth.jsonl")
    return reading.signins(folder / "logs")


@pytest.mark.parametrize(
    "loss", [RandomLoss(0.2), ClientLoss(OUTLOOK), GAP], ids=["at random", "one client", "an interval"]
)
def test_losses_only_remove_issuance(tmp_path: Path, whole: Path, loss: Loss) -> None:
    """Acceptances stay to the last record, sign-ins that are left are unchanged, and the truth says what is lost."""
    rows = lossy(tmp_path, loss)
    complete = reading.signins(whole / "logs")
    assert len(rows) < len(complete)
    assert all(row in complete for row in rows[:200])
    assert {row["id"] for row in rows} <= {row["id"] for row in complete}
    assert list(reading.accepted(tmp_path / "logs")) == list(reading.accepted(whole / "logs"))
    unmarked = [{**row, "lost": False, "note": ""} for row in reading.truth(tmp_path / "truth.jsonl")]
    assert unmarked == [{**row, "note": ""} for row in reading.truth(whole / "truth.jsonl")]
    left = {row["id"] for row in rows if row["status"]["errorCode"] == 0}
    genuine = [row for row in reading.truth(tmp_path / "truth.jsonl") if row["label"] == "genuine"]
    assert {row["token_id"] for row in genuine if row["lost"]} == {row["token_id"] for row in genuine} - left


def test_random_loss_has_its_rate(tmp_path: Path, whole: Path) -> None:
    """A rate of one in five takes about one record in five."""
    share = 1 - len(lossy(tmp_path, RandomLoss(0.2))) / len(reading.signins(whole / "logs"))
    assert 0.1 < share < 0.3


def test_client_loss_takes_all_of_one_client(tmp_path: Path) -> None:
    """No sign-in of the lost application is left, in the audit log's own logons neither."""
    assert OUTLOOK not in {row["appId"] for row in lossy(tmp_path, ClientLoss(OUTLOOK))}
    logons = [row for row in reading.audit(tmp_path / "logs") if row["RecordType"] == 15]
    assert OUTLOOK not in {row["ApplicationId"] for row in logons}


def test_interval_loss_takes_the_interval(tmp_path: Path) -> None:
    """No sign-in lies in the lost interval, and the declarations leave it out."""
    assert not [row for row in lossy(tmp_path, GAP) if row["createdDateTime"].startswith("2025-09-03")]
    told = [str(item) for item in histories.lost(interval=(GAP.start, GAP.end)).declarations()]
    assert told[:2] == [
        "entra-signin/interactive:2025-09-01T00:00:00Z..2025-09-03T00:00:00Z",
        "entra-signin/interactive:2025-09-04T00:00:00Z..2025-09-15T00:00:00Z",
    ]


def test_forged_tokens_in_a_lost_interval_are_marked(tmp_path: Path) -> None:
    """What was forged while the logs are lost cannot be convicted, and the truth says so."""
    spray = Spray(
        tokens=30,
        victims=(0, 1),
        start=datetime(2025, 9, 3, 1, tzinfo=UTC),
        end=datetime(2025, 9, 6, tzinfo=UTC),
    )
    written = write_estate(SMALL, [spray], [GAP], tmp_path / "logs", tmp_path / "truth.jsonl")
    rows = [row for row in reading.truth(written.truth) if row["label"] == "forged"]
    assert all(row["lost"] for row in rows if row["first_seen"] < "2025-09-04")
    assert not any(row["lost"] for row in rows if row["first_seen"] > "2025-09-05T06")


def test_record_loss_takes_these_records_and_no_other(tmp_path: Path, whole: Path) -> None:
    """Of the ids named, the sign-in and the audit log's own record of it are gone; all else is byte for byte there."""
    complete = [row for row in reading.signins(whole / "logs") if row["status"]["errorCode"] == 0]
    ids = {row["id"] for row in (complete[0], next(row for row in complete if row["isInteractive"]))}
    rows = lossy(tmp_path, RecordLoss(frozenset(ids)))
    assert [row for row in reading.signins(whole / "logs") if row not in rows] == [
        row for row in complete if row["id"] in ids
    ]
    logons = [row for row in reading.audit(tmp_path / "logs") if row.get("ErrorNumber") == "0"]
    assert logons
    assert not ids & {row["Id"] for row in logons}
    lost = {row["token_id"] for row in reading.truth(tmp_path / "truth.jsonl") if row["lost"]}
    assert lost == ids


def test_a_loss_must_be_named() -> None:
    """`lost` without a loss is a mistake of the caller."""
    with pytest.raises(UsageError):
        histories.lost()
