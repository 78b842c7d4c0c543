"""Cases that the tests of this folder share; none of them changes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from counterfoil import app
from counterfoil.lab.history.compare import TruthRow, read_truth
from counterfoil.lab.history.losses import IntervalLoss
from counterfoil.lab.history.names import hosting_address
from counterfoil.lab.history.scenarios import Scenario
from counterfoil.lab.history.settings import Tenant
from counterfoil.lab.history.storm import Storm0558
from lab.spray import Spray
from pipeline.conftest import demo

__all__ = ["Story", "demo", "story"]


@dataclass(frozen=True)
class Story:
    """A case in which two intruders were planted, and the truth."""

    case: Path
    truth: Sequence[TruthRow]

    def planted(self, name: str) -> set[str]:
        """Return the token ids that one intruder used."""
        return {row.token_id for row in self.truth if row.intrusion == name and row.token_id}

    def ids(self, intrusion: str) -> set[str]:
        """Return the token ids of an intrusion's records."""
        query = f"""SELECT DISTINCT token_id FROM intrusion_records JOIN evidence USING (source, record_id)
            WHERE intrusion = '{intrusion}' AND token_id IS NOT NULL"""  # noqa: S608
        return {str(row[0]) for row in app.sql(self.case, query).rows}


@pytest.fixture(scope="session")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Return the story of 2023, an unrelated intruder in the same provider's network, and a VPN that many share."""
    folder = tmp_path_factory.mktemp("story")
    tenant = Tenant(seed=5, start=date(2025, 9, 1), days=21, people=24, vpn_share=0.4, mail_per_person_day=8)
    start, end = datetime(2025, 9, 15, tzinfo=UTC), datetime(2025, 9, 19, tzinfo=UTC)
    planted = (
        Storm0558(start=start, end=end, victims=(4, 11), renewals_per_day=2),
        Spray(tokens=24, victims=(4, 7, 9), start=start, end=end, name="other", uses=2,
              agents=("python-requests/2.31.0",), addresses=tuple(hosting_address(2 * n) for n in (50, 51, 52))),
    )
    gap = IntervalLoss(datetime(2025, 9, 9, tzinfo=UTC), datetime(2025, 9, 10, tzinfo=UTC))
    scenario = Scenario("story", tenant, planted, (gap,))
    scenario.write(folder / "logs", folder / "truth.jsonl")
    app.hunt([str(folder / "logs")], replace(scenario.settings(folder / "case"), threads=2), app.Silent())
    return Story(folder / "case", read_truth(folder / "truth.jsonl"))
