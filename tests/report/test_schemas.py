"""Documents that machines read have published schemas, and real output keeps to them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from cli.run import run
from counterfoil.report import registry
from counterfoil.report.schemas import schemas, write

from .conftest import Case
from .sample import REPORT

PUBLISHED = Path(__file__).parents[2] / "docs" / "schemas"
KNOWN = {name: Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
         for name, schema in schemas().items()}


def check(document: dict[str, Any]) -> None:
    """Hold a document to the schema that it names."""
    KNOWN[f"{document['schema'].replace('/', '-')}.json"].validate(document)


def test_what_is_published_is_what_the_program_writes(tmp_path: Path) -> None:
    """The files in docs/schemas are made from the values themselves, and are schemas."""
    write(tmp_path)
    assert {path.name: path.read_text() for path in PUBLISHED.iterdir()} == {
        path.name: path.read_text() for path in tmp_path.iterdir()}
    for validator in KNOWN.values():
        Draft202012Validator.check_schema(validator.schema)


def test_real_output_keeps_to_its_schema(capsys: pytest.CaptureFixture[str], storm: Case) -> None:
    """Report, findings, intrusions, rows of a query, with a cover and with pseudonyms, of a real case."""
    asked = ("--case", storm.case, "--redact")
    for more in (
        ("report", "--format", "json", "--fail-on", "none", "--tlp", "red", "--date", "2026-05-12", *asked),
        ("intrusions", "--format", "json", "--case", storm.case), ("intrusions", "--format", "json", *asked),
        ("sql", storm.case, "SELECT * FROM tokens", "--format", "json"),
    ):
        check(json.loads(run(capsys, *more).out))
    lines = run(capsys, "report", "--format", "jsonl", "--fail-on", "none", "--case", storm.case).out.splitlines()
    assert lines
    for line in lines:
        check(json.loads(line))


def test_a_made_report_of_every_kind_of_row_keeps_to_it() -> None:
    """Rejects, unread files, holes and suspicions, too."""
    check(json.loads(registry.render(REPORT, "json")))


@pytest.mark.parametrize("change", [
    {"findings": [{}]}, {"totals": {"read": "many"}}, {"schema": "counterfoil.hunt/2"}, {"cover": {"tlp": "TLP:BLUE"}},
])
def test_a_schema_refuses_what_is_not_the_document(change: dict[str, Any]) -> None:
    """The schemas are no empty promise: wrong types, versions and missing members fail."""
    document = json.loads(registry.render(REPORT, "json")) | change
    with pytest.raises(ValidationError):
        KNOWN["counterfoil.hunt-1.json"].validate(document)
