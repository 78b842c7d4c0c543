"""Written histories that several tests read; none of them changes a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from counterfoil.lab.history import scenarios
from counterfoil.lab.history.estate import Written

from . import histories


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """Write the demonstration of 2025."""
    folder: Path = tmp_path_factory.mktemp("demo")
    return scenarios.demo().write(folder / "logs", folder / "truth.jsonl")


@pytest.fixture(scope="session")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """Write the federated tenant under golden SAML."""
    folder: Path = tmp_path_factory.mktemp("golden")
    return histories.federated_golden_saml().write(folder / "logs", folder / "truth.jsonl")
