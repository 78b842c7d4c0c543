"""Written estates and undisturbed cases, shared by the tests of this folder; none of them changes them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from counterfoil.lab.history import scenarios
from counterfoil.lab.history.estate import Written
from counterfoil.lab.history.scenarios import Scenario
from counterfoil.model.hunt import HuntReport
from lab import histories

from .estates import hunted, settings


@dataclass(frozen=True)
class Estate:
    """A scenario, its logs, and the case that an undisturbed run makes of them."""

    scenario: Scenario
    written: Written
    case: Path
    report: HuntReport

    @property
    def logs(self) -> Path:
        """The folder of logs."""
        return self.written.folder


def _estate(scenario: Scenario, folder: Path) -> Estate:
    written = scenario.write(folder / "logs", folder / "truth.jsonl")
    report = hunted([written.folder], settings(folder / "case", scenario))
    return Estate(scenario, written, folder / "case", report)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Estate:
    """Return one week of eight people."""
    return _estate(histories.tiny(), tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Estate:
    """Return the demonstration of 2025."""
    return _estate(scenarios.demo(), tmp_path_factory.mktemp("demo"))
