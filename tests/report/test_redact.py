"""Pseudonyms: nothing original remains in what is shared, and the same value is the same name everywhere in a case."""

from __future__ import annotations

import json
import stat
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from cli.run import run
from counterfoil import app
from counterfoil.model.first_party import name as published
from counterfoil.model.hunt import HuntReport
from counterfoil.report.exports import registry as exports
from counterfoil.report.redact import KEY_BYTES, WHOLE, Redactor

from .conftest import Case
from .sample import REPORT, finding

ORIGINALS = """SELECT DISTINCT value FROM (
    SELECT unnest([subject_id, subject_name, ip, token_id, session_id, key_id, device_id, client_id, resource, issuer,
        token_tenant, resource_tenant, home_tenant, object_id, object_parent, record_id,
        split_part(subject_name, '@', 2), split_part(issuer, ':', 2)]) AS value FROM evidence
    UNION ALL SELECT unnest(item_ids) FROM evidence UNION ALL SELECT unnest(parent_token_ids) FROM evidence
    UNION ALL SELECT path FROM inputs) WHERE length(value) > 3"""
REDACTOR = Redactor(b"k" * KEY_BYTES, ("adfs",))


def outputs(capsys: pytest.CaptureFixture[str], case: Case, sheets: Path) -> dict[str, str]:
    """Return everything that can be shared of a case, with pseudonyms: a sheet begins with the name of its file."""
    run(capsys, "report", "--case", case.case, "--redact", "--fail-on", "none", "--sheets", sheets)
    told = {f"sheet {place}": f"{file.name}\n{file.read_text()}" for place, file in enumerate(sorted(sheets.iterdir()))}
    for form in ("html", "json", "jsonl", "csv", "text"):
        asked = ("report", "--case", case.case, "--redact", "--fail-on", "none", "--format", form)
        told[f"report {form}"] = run(capsys, *asked).out
    stories = app.redacted(case.case, app.stories(case.case, app.AskedStories()))
    told |= {f"intrusions {form}": exports.render(form, *stories) for form in exports.formats()}
    told["list"] = run(capsys, "intrusions", "--list", "--case", case.case, "--redact", "--format", "json").out
    return told


def test_nothing_original_remains(capsys: pytest.CaptureFixture[str], storm: Case, tmp_path: Path) -> None:
    """No person, mailbox, address, id, tenant, object or path of the evidence is in any output, in any case.

    Nor in the sheets of mailboxes, or in what these are called.
    """
    values = {str(row[0]).casefold() for row in app.sql(storm.case, ORIGINALS).rows if published(str(row[0])) is None}
    assert len(values) > 1_000
    plain = run(capsys, "report", "--case", storm.case, "--fail-on", "none", "--format", "html").out.casefold()
    assert sum(value in plain for value in values) > 20  # the search would find them
    told = outputs(capsys, storm, tmp_path / "sheets")
    assert "sheet 1" in told
    for name, text in told.items():
        folded = text.casefold()
        assert [value for value in values if value in folded] == [], name
        assert text, name


def test_what_makes_the_story_remains(capsys: pytest.CaptureFixture[str], storm: Case) -> None:
    """Times, techniques, verdicts, operations and counts are those of the report without pseudonyms."""
    shown = [json.loads(run(capsys, "intrusions", "--case", storm.case, "--format", "json", *more).out)["intrusions"]
             for more in ((), ("--redact",))]
    for plain, redacted in zip(*shown, strict=True):
        assert [(line["time"], line["what"], line["records"]) for line in plain["lines"]] == [
            (line["time"], line["what"], line["records"]) for line in redacted["lines"]]
        assert [plain["habits"][same] for same in ("acts", "hours")] == [
            redacted["habits"][same] for same in ("acts", "hours")]
        assert [each["name"] for each in plain["habits"]["agents"]] == [
            each["name"] for each in redacted["habits"]["agents"]]
        assert [each["id"] for each in plain["habits"]["techniques"]] == [
            each["id"] for each in redacted["habits"]["techniques"]]


def test_pseudonyms_are_stable_and_the_case_keeps_their_key(
    capsys: pytest.CaptureFixture[str], storm: Case, tmp_path: Path
) -> None:
    """Two runs give the same bytes; only you can read the key; under another key no name is the same."""
    every = outputs(capsys, storm, tmp_path / "first")
    assert outputs(capsys, storm, tmp_path / "second") == every
    once = every["list"]
    assert stat.S_IMODE((storm.case / "redaction.key").stat().st_mode) == 0o600
    told = json.loads(once)
    people = told["rows"][0][told["columns"].index("subjects")]
    assert all(person.endswith(".invalid") for person in people)
    other = Redactor(b"o" * KEY_BYTES)
    assert other.of("edda@contoso.com") != REDACTOR.of("edda@contoso.com") == REDACTOR.of("Edda@Contoso.com")


TEXTS = {
    "person0@contoso.com used it from 203.0.113.1": ("person0", "203.0.113.1"),
    "domain contoso.com, as CONTOSO\\sam says": ("contoso.com", "CONTOSO\\sam"),
    "through 5a95c0de\u2026, and 5a95c0de-1111-4222-8333-444455556666": ("5a95c0de",),
    "stranger@fabrikam.com from 2001:db8::7 with 00000000-1111-4222-8333-444455556666": (
        "stranger", "2001:db8::7", "00000000-1111"),
    "the file \\\\srv\\share\\Merger plans 2026.docx was read": ("Merger plans",),
}


@pytest.mark.parametrize("text", TEXTS)
def test_texts_that_name_values_name_them_no_more(text: str) -> None:
    """What a listed field holds, and what has the form of an address, is replaced wherever a text names it."""
    told = finding(detail=text, title=text, subjects=("person0@contoso.com", "CONTOSO\\sam"),
                   objects=("\\\\srv\\share\\Merger plans 2026.docx",))
    redacted = REDACTOR.redact(replace(REPORT, findings=(told,))).findings[0]
    for gone in TEXTS[text]:
        assert gone in text
        assert gone.casefold() not in (redacted.detail + redacted.title).casefold()


def test_programs_and_codes_stay() -> None:
    """A version is no address, a rule no name."""
    told = finding(detail="agent Edg/113.0.0.0 by id-not-issued, 380 times")
    assert REDACTOR.redact(replace(REPORT, findings=(told,))).findings[0].detail == told.detail


def names(kind: type[Any], seen: set[type[Any]]) -> set[str]:
    """Return the names of all fields of a frozen value and of those in it."""
    if kind in seen or not is_dataclass(kind):
        return set().union(*(names(part, seen) for part in get_args(kind))) if get_args(kind) else set()
    seen.add(kind)
    hints = get_type_hints(kind)
    found = {field.name for field in fields(kind)}
    return found.union(*(names(hints[field.name], seen) for field in fields(kind)))


def test_fields_that_are_listed_exist() -> None:
    """A field that was renamed is not forgotten in the list of those that hold a value of the case."""
    assert {name.rpartition(".")[2] for name in WHOLE} <= names(HuntReport, set())
