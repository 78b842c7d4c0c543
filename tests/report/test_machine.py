"""The formats that machines read: keys, their order, and values that mean one thing."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest

from counterfoil import app
from counterfoil.model.finding import Finding
from counterfoil.model.verdict import Verdict
from counterfoil.report import registry
from counterfoil.report.exports import registry as exports
from counterfoil.report.jsonl import distinct
from counterfoil.report.screen import Screen

from .conftest import estate, small, storm_0558
from .sample import REPORT, at

DOCUMENT = json.loads(registry.render(REPORT, "json"))


def test_the_formats_are_found_by_their_files() -> None:
    """Text comes first; there is no format without a module and none that does not exist."""
    assert registry.formats() == ("text", "csv", "html", "json", "jsonl")
    with pytest.raises(KeyError):
        registry.by_name("screen")


def test_keys_of_the_document_and_their_order_are_promised() -> None:
    """`counterfoil.hunt/1` has these keys, in this order."""
    assert DOCUMENT["schema"] == "counterfoil.hunt/1"
    assert list(DOCUMENT) == [
        "schema", "version", "case", "cover", "since", "until", "first_event", "last_event", "totals", "legs", "inputs",
        "rejects", "coverage", "response", "verdicts", "clearance", "findings", "intrusions",
    ]
    assert list(DOCUMENT["inputs"][0]) == [
        "path", "sha256", "size", "source", "read", "kept", "duplicates", "rejected", "truncated", "unread", "nearest",
        "archive", "accepts", "note", "merged",
    ]
    assert list(DOCUMENT["findings"][0]) == [field.name for field in fields(Finding)]


def test_the_same_report_gives_the_same_bytes() -> None:
    """Rendering is a pure function."""
    assert all(registry.render(REPORT, form) == registry.render(REPORT, form) for form in registry.formats())


def test_every_verdict_is_counted_even_at_zero() -> None:
    """A reader of JSON need not know which verdicts may be absent."""
    assert list(DOCUMENT["verdicts"]) == [str(verdict) for verdict in Verdict]
    assert DOCUMENT["verdicts"]["contradicted"] == {"tokens": 0, "acceptances": 0, "reasons": {}}


@pytest.mark.parametrize("unit", ["tokens", "acceptances"])
def test_counts_add_up(unit: str) -> None:
    """Reasons sum to their verdict, verdicts to the total."""
    verdicts = DOCUMENT["verdicts"].values()
    assert sum(entry[unit] for entry in verdicts) == DOCUMENT["totals"][unit]
    assert all(sum(reason[unit] for reason in entry["reasons"].values()) == entry[unit] for entry in verdicts)


def test_inputs_account_for_every_record() -> None:
    """Records read = kept + duplicates + rejected, per file and in total."""
    for entry in (*DOCUMENT["inputs"], DOCUMENT["totals"]):
        assert entry["read"] == entry["kept"] + entry["duplicates"] + entry["rejected"]


def test_times_are_utc_with_z() -> None:
    """Every time is ISO 8601 with Z, microseconds kept."""
    first = DOCUMENT["findings"][0]
    assert (first["first_seen"], first["last_seen"]) == ("2026-05-15T00:11:03.123456Z", "2026-06-16T08:55:09Z")


def test_each_line_of_jsonl_stands_alone() -> None:
    """One finding per line, each with its schema; no finding, no line."""
    lines = registry.render(REPORT, "jsonl").splitlines()
    documents = [json.loads(line) for line in lines]
    assert [document.pop("schema") for document in documents] == ["counterfoil.finding/1"] * 3
    assert documents == DOCUMENT["findings"]
    assert registry.render(replace(REPORT, findings=()), "jsonl") == ""


def test_csv_has_one_row_per_finding() -> None:
    """A header and one row per finding, lines ended as RFC 4180 wants."""
    page = registry.render(REPORT, "csv")
    rows = list(csv.DictReader(io.StringIO(page, newline="")))
    assert [row["id"] for row in rows] == ["f-1", "f-2", "f-3"]
    assert rows[0]["ips"].split(" | ") == list(REPORT.findings[0].ips)
    assert page.count("\r\n") == page.count("\n") == 4


VALUES = [
    (None, None, ""),
    (True, True, "true"),
    (2**200, str(2**200), str(2**200)),
    (Decimal("1.50"), 1.5, "1.5"),
    (Decimal("0.1000000000000000055511151231257827"), "0.1000000000000000055511151231257827",
     "0.1000000000000000055511151231257827"),
    (at("2026-05-01T02:03"), "2026-05-01T02:03:00Z", "2026-05-01T02:03:00Z"),
    (datetime(2026, 5, 1, 2, 3, tzinfo=timezone(timedelta(hours=2))), "2026-05-01T00:03:00Z", "2026-05-01T00:03:00Z"),
    (datetime(2026, 5, 1, tzinfo=UTC), "2026-05-01T00:00:00Z", "2026-05-01T00:00:00Z"),
    (date(2026, 5, 1), "2026-05-01", "2026-05-01"),
    (timedelta(days=1), 86_400.0, "86400.0"),
    (b"\x00\xff", "00ff", "00ff"),
    (UUID(int=1), str(UUID(int=1)), str(UUID(int=1))),
    (float("nan"), None, "nan"),
    ([1, [None]], [1, [None]], "[1,[null]]"),
    (["a", "b"], ["a", "b"], "a | b"),
    ({"k": at("2026-05-01")}, {"k": "2026-05-01T00:00:00Z"}, '{"k":"2026-05-01T00:00:00Z"}'),
]


@pytest.mark.parametrize(("value", "in_json", "in_csv"), VALUES)
def test_values_of_a_query_keep_their_meaning(value: object, in_json: object, in_csv: str) -> None:
    """Whatever type the engine returns becomes one JSON value and one cell."""
    document = json.loads(registry.table("json", ["v"], [[value]]))
    assert document == {"schema": "counterfoil.rows/1", "columns": ["v"], "rows": [[in_json]]}
    assert json.loads(registry.table("jsonl", ["v"], [[value]])) == {"v": in_json}
    assert list(csv.reader(io.StringIO(registry.table("csv", ["v", "w"], [[value, 1]]))))[1] == [in_csv, "1"]


def test_columns_of_one_name_are_told_apart() -> None:
    """No value is lost in a line of JSON because two columns share a name."""
    assert distinct(["a", "a", "a_2", "a"]) == ("a", "a_2", "a_2_2", "a_3")


def test_no_rows_are_a_valid_answer_in_every_format() -> None:
    """An empty result is an empty table, not an error."""
    document = {"schema": "counterfoil.rows/1", "columns": ["a"], "rows": []}
    assert json.loads(registry.table("json", ["a"], [])) == document
    assert registry.table("jsonl", ["a"], []) == ""
    assert registry.table("csv", ["a"], []) == "a\r\n"
    assert registry.table("text", ["a"], []).splitlines() == ["a", "0 rows"]


def test_a_terminal_shows_some_rows_and_counts_the_rest() -> None:
    """Rows beyond the screen's bound are counted, and the format that has all is named."""
    page = registry.table("text", ["n"], [[n] for n in range(1_000)], Screen(rows=5))
    assert page.splitlines()[-1] == "1,000 rows, of which 995 are not shown (--format csv has all)"
    assert len(page.splitlines()) == 7


def test_rows_too_wide_for_the_screen_stand_below_each_other() -> None:
    """A table that does not fit becomes one line per value, so that ids can be read and copied."""
    guid = "5a95c0de-1111-4222-8333-444455556666"
    page = registry.table("text", [f"column_{n}" for n in range(9)], [[guid] * 9])
    assert page.splitlines()[0] == "row 1"
    assert page.count(guid) == 9


@pytest.mark.slow
def test_two_runs_over_the_same_logs_give_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each format of the report and of intrusions, whatever the number of threads: they name no time of a run."""
    scenario = small(storm_0558())
    logs = estate(tmp_path, scenario)
    told = []
    for threads in (1, 2):
        monkeypatch.chdir(tmp_path)
        (tmp_path / str(threads)).mkdir()
        monkeypatch.chdir(tmp_path / str(threads))
        case = Path("case")
        report = app.detailed(app.hunt([str(logs)], scenario.settings(case, threads=threads), app.Silent()), case)
        stories = app.stories(case, app.AskedStories())
        told.append([*(registry.render(report, form) for form in registry.formats()),
                     *(exports.render(form, *stories) for form in exports.formats())])
    assert told[0] == told[1]
    assert all(told[0])
