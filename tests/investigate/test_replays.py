"""Theft and rented networks, through the whole program: a stolen token stays minted, and is told as stolen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cli.run import run
from counterfoil import app
from counterfoil.config import HuntSettings

from .written_case import written

TENANT = "11111111-0000-0000-0000-000000000001"
BEGIN = datetime.fromisoformat("2025-09-01T08:00:00")
OFFICE, PROXY, AZURE = "192.0.2.7", "203.0.113.66", "52.96.27.1"
STOLEN, HONEST, SERVED, FORGED = (f"aaaaaaaa-0000-4000-8000-00000000000{n}" for n in range(4))
Row = dict[str, Any]


def _row(leg: str, day: float, ip: str, token: str | None, agent: str, who: str = "ada") -> Row:
    return {
        "leg": leg, "event_time": BEGIN + timedelta(days=day), "issuer": f"entra:{TENANT}", "token_class": "user",
        "token_id": token, "token_id_kind": "uti" if token else None, "subject_name": f"{who}@example.com", "ip": ip,
        "user_agent": agent, "resource_tenant": TENANT, "token_tenant": TENANT, "outcome": "success",
    }


def sign_in(day: float, token: str, who: str = "ada") -> Row:
    """Return that somebody signed in at the office."""
    return _row("issuance", day, OFFICE, token, "Edge", who) | {"source": "entra-signin", "kind": "interactive"}


def read(day: float, ip: str, token: str | None, agent: str, who: str = "ada") -> Row:
    """Return that mail was read."""
    return _row("acceptance", day, ip, token, agent, who) | {
        "source": "m365-ual", "kind": "exchange", "object_kind": "mailbox", "object_id": f"{who}@example.com",
        "object_parent": f"{who}@example.com", "operation": "MailItemsAccessed", "client_id": "outlook",
        "resource": "exchange",
    }


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yield a case of four tokens: one stolen, one whose telephone moved, one that a service used on, one forged."""
    folder = tmp_path_factory.mktemp("replayed")
    (folder / "networks.csv").write_text(f"{PROXY},64511,Example VPN,vpn\n{OFFICE},64500,Example Line\n")
    written(folder / "case", [
        *(sign_in(day, f"bbbbbbbb-0000-4000-8000-00000000000{day}", "bob") for day in range(9)),
        *(read(day, OFFICE, f"bbbbbbbb-0000-4000-8000-00000000000{day}", "Outlook", "bob") for day in range(9)),
        sign_in(20, STOLEN), read(20.01, OFFICE, STOLEN, "Outlook"), read(20.02, PROXY, STOLEN, "python-requests/2"),
        sign_in(21, HONEST), read(21.01, OFFICE, HONEST, "Outlook"), read(21.02, "198.51.100.9", HONEST, "Outlook"),
        sign_in(22, SERVED), read(22.01, OFFICE, SERVED, "Outlook"), read(22.02, AZURE, SERVED, "Office Online"),
        read(23, PROXY, FORGED, "Edge"),
    ], HuntSettings(case=folder / "case", networks=folder / "networks.csv"))
    yield folder / "case"


def test_a_stolen_token_is_minted_and_told_as_stolen(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One finding names the person, the token, the network and the record; what else moved is not told."""
    report = json.loads(run(capsys, "report", "--case", case, "--format", "json").out)
    (finding,) = [one for one in report["findings"] if one["rule"] == "token-replayed"]
    assert finding["verdict"] == "suspicion"
    assert finding["title"] == (
        "a genuine token of ada@example.com in other hands, from 203.0.113: theft, not forgery")
    assert (finding["subjects"], finding["tokens"]) == (["ada@example.com"], [STOLEN])
    assert finding["evidence"] == ["logs.jsonl:21"]
    assert f"--token {STOLEN}" in finding["next_step"]
    told = run(capsys, "explain", finding["id"], "--case", case)
    assert "python-requests/2" in told.out
    rows = app.sql(case, "SELECT token_id, verdict FROM tokens").rows
    assert {(token, "minted") for token in (STOLEN, HONEST, SERVED)} <= set(rows)


def test_a_rented_network_is_a_suspicion(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of the forged token alone; the file is named among the options of the case."""
    found = app.sql(case, "SELECT token_id FROM tokens WHERE contains(rules, 'hosting-network')").rows
    assert found == [(FORGED,)]
    assert "--networks" in run(capsys, "report", "--case", case, "--format", "html").out


def test_a_file_without_networks_stops_a_hunt_before_it_reads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In one line with what was expected; nothing is made."""
    (tmp_path / "log.json").write_text("{}")
    (tmp_path / "networks.csv").write_text("a,b\nc,d\n")
    ran = run(capsys, "hunt", tmp_path / "log.json", "--case", tmp_path / "case", "--networks",
              tmp_path / "networks.csv")
    assert ran.code == 2
    assert "line 2 of" in ran.err
    assert not (tmp_path / "case").exists()
