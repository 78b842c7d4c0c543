"""A browser for all tests of a session, and reports of real cases for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from counterfoil import app
from counterfoil.config import HuntSettings
from counterfoil.lab.history.scenarios import Scenario
from counterfoil.lab.history.settings import Tenant
from counterfoil.lab.history.storm import Storm0558
from counterfoil.lab.history.wrap_audit import search_csv
from lab.adfs import Farm
from lab.golden import GoldenSaml

from .browser import launched

START = date(2025, 9, 1)


@dataclass(frozen=True)
class Case:
    """A judged case, its report as an HTML file, and as JSON."""

    case: Path
    html: Path
    document: dict[str, Any]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Return one browser for all tests."""
    with sync_playwright() as play:
        browser = launched(play)
        yield browser
        browser.close()


def judged(logs: list[Path], settings: HuntSettings) -> Case:
    """Hunt, and write the report."""
    report = app.hunt([str(path) for path in logs], settings, app.Silent())
    html = settings.case.with_suffix(".html")
    html.write_text(app.render(app.detailed(report, settings.case), "html"))
    return Case(settings.case, html, json.loads(app.render(report, "json")))


def estate(folder: Path, scenario: Scenario) -> Path:
    """Write the logs of a scenario and return their folder."""
    scenario.write(folder / "logs", folder / "truth.jsonl")
    return folder / "logs"


def small(*intrusions: Any, start: date = START, **settings: Any) -> Scenario:
    """Return a week of a few people."""
    return Scenario("small", Tenant(seed=5, start=start, days=7, people=10, guests=1, **settings), intrusions)


def storm_0558(start: date = START) -> Storm0558:
    """Return the intrusion of 2023 on two people, from the fourth day on."""
    begin = datetime.combine(start, time(), UTC) + timedelta(days=3)
    return Storm0558(start=begin, end=begin + timedelta(days=2), victims=(1, 4))


@pytest.fixture(scope="session")
def storm(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """Return a week in which forged tokens read mail, in declared logs."""
    folder = tmp_path_factory.mktemp("storm")
    scenario = small(storm_0558())
    return judged([estate(folder, scenario)], scenario.settings(folder / "case", threads=1))


@pytest.fixture(scope="session")
def of_2023(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """Return the same in logs as they were in 2023, declared by nobody: nothing but suspicions."""
    folder = tmp_path_factory.mktemp("of-2023")
    june = date(2023, 6, 12)  # published indicators count within their dates
    scenario = small(storm_0558(june), start=june, id_era="2023", audit_wrappers=(search_csv,))
    return judged([estate(folder, scenario)], HuntSettings(case=folder / "case", threads=1))


@pytest.fixture(scope="session")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """Return a week with forged assertions of a federated domain."""
    folder = tmp_path_factory.mktemp("golden")
    golden = GoldenSaml(victims=(1, 3), start=date(2025, 9, 4), days=2)
    scenario = small(golden, federated_domains=("fabrikam.com",), federated_share=0.7)
    scenario = replace(scenario, federation=Farm(names="upn"))
    return judged([estate(folder, scenario)], scenario.settings(folder / "case", threads=1))


@pytest.fixture(scope="session")
def clear(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """Return a week without any intrusion, in declared logs."""
    folder = tmp_path_factory.mktemp("clear")
    scenario = small()
    return judged([estate(folder, scenario)], scenario.settings(folder / "case", threads=1))


@pytest.fixture(scope="session")
def blind(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """Return a case of one log of acceptances and no log of issuance: nothing can be judged."""
    folder = tmp_path_factory.mktemp("blind")
    logs = estate(folder, small())
    return judged([logs / "entra" / "MicrosoftGraphActivityLogs.jsonl"], HuntSettings(case=folder / "case", threads=1))
