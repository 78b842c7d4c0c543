"""Names of first-party applications: data with its source, for people, used by nothing that judges."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import counterfoil
from counterfoil.model import first_party

_GUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
PACKAGE = Path(counterfoil.__file__).parent


def test_every_line_is_an_id_a_name_and_a_source() -> None:
    """Ids are unique and in order, names are plain text, and every line says where it is from."""
    lines = files("counterfoil.model").joinpath("first_party.tsv").read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines]
    assert all(re.fullmatch(_GUID, client) for client, _, _ in rows)
    assert [client for client, _, _ in rows] == sorted({client for client, _, _ in rows})
    assert all(name == name.strip() and name.isprintable() and 0 < len(name) <= 80 for _, name, _ in rows)
    assert {source for _, _, source in rows} == set(first_party.SOURCES)
    assert len(rows) > 500


def test_a_name_is_found_in_any_case() -> None:
    """Logs write ids in both cases; what is unknown, empty or absent has no name."""
    assert first_party.name("00000002-0000-0FF1-CE00-000000000000") == "Office 365 Exchange Online"
    assert first_party.name("1950a258-227b-4e31-a9cf-717495945fc2") == "Microsoft Azure PowerShell"
    assert first_party.name("c0000000-0000-4000-8000-0000000000c1") is None
    assert first_party.name("") is None
    assert first_party.name(None) is None


def test_nothing_that_judges_knows_the_names() -> None:
    """No rule, verdict or source looks at the names, but to tell which log an issuance would stand in."""
    judges = ("reconcile", "detect", "sources", "read", "case", "pipeline")
    tellers = {PACKAGE / "reconcile" / "services.py"}  # which log holds an app-only token of theirs (rule 4.1)
    users = [path for floor in judges for path in (PACKAGE / floor).rglob("*.py") if "first_party" in path.read_text()]
    assert set(users) == tellers
