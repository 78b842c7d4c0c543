from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from counterfoil.errors import UsageError
from counterfoil.lab.history.estate import Written

from . import histories, reading


def test_demo_holds_the_intrusion_and_a_gap(demo: Written) -> None:
    """The demonstration has three seeds, renewals for five days, and two days without sign-ins."""
    assert demo.rows["forged"] == 3
    assert demo.rows["laundered"] == 45
    days = {row["createdDateTime"][:10] for row in reading.signins(demo.folder)}
    assert not days & {"2025-09-09", "2025-09-10"}
    assert {"2025-09-08", "2025-09-11"} <= days


@pytest.mark.parametrize(("forged", "victims"), [(1, 1), (300, 50)], ids=["one token", "sprayed"])
def test_complete_has_the_size_asked_for(tmp_path: Path, forged: int, victims: int) -> None:
    """About the acceptances asked for, exactly the forged tokens, over exactly the victims."""
    written = histories.complete(6000, forged, victims).write(tmp_path / "logs", tmp_path / "truth.jsonl")
    rows = [row for row in reading.truth(written.truth) if row["label"] == "forged"]
    assert len(rows) == forged
    assert len({row["subject_id"] for row in rows}) == min(victims, forged)
    assert 5400 < sum(written.labels.values()) - forged < 7200


def test_bench_is_half_mail_and_half_sign_ins(tmp_path: Path) -> None:
    """Half of the records are mail access, half sign-ins, one for each; the sum is near what was asked for."""
    written = histories.bench(20_000, forged=10).write(tmp_path / "logs", tmp_path / "truth.jsonl")
    assert 19_000 < written.records < 21_500
    assert abs(written.legs["acceptance"] - written.legs["issuance"]) < 300


def test_a_truth_of_planted_rows_only(tmp_path: Path) -> None:
    """Very large histories write down what was planted; the counts still cover everything."""
    from dataclasses import replace

    scenario = histories.complete(2000, 5, 5)
    scenario = replace(scenario, tenant=replace(scenario.tenant, genuine_truth=False))
    written = scenario.write(tmp_path / "logs", tmp_path / "truth.jsonl")
    assert {row["label"] for row in reading.truth(written.truth)} == {"forged"}
    assert written.labels["genuine"] > 1500


def test_declarations_name_what_is_complete() -> None:
    """Without losses each kind is declared once for the whole history, federation servers by host."""
    scenario = histories.federated_golden_saml()
    assert [item.kind for item in scenario.declarations()] == [
        "interactive", "non-interactive", "service-principal", "managed-identity", "adfs01.fabrikam.com",
    ]
    assert scenario.exported_at == datetime(2025, 9, 26, tzinfo=UTC)
    assert scenario.federated() == (("fabrikam.com", "adfs:fabrikam.com"),)


def test_identities_know_both_names() -> None:
    """Object ids come with the names of the cloud and of the premises."""
    names = dict.fromkeys(name for _, name in histories.identities(histories.federated_golden_saml().tenant))
    assert "ada.abend@fabrikam.com" in names
    assert "FABRIKAM\\ada.abend" in names


def test_nothing_to_plant_is_a_mistake() -> None:
    """A complete history needs a forged token and a victim."""
    with pytest.raises(UsageError):
        histories.complete(1000, 0, 1)
