"""What the estate shows, beside a count by hand; and records that are read by where they lie, beside all of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from counterfoil.case.folder import existing
from counterfoil.case.given import give
from counterfoil.case.manifest import read_manifest
from counterfoil.case.results import chosen, opened, rows
from counterfoil.investigate.intrusions.estate import people_sql
from counterfoil.investigate.intrusions.gathered import gather
from counterfoil.investigate.intrusions.traits import SESSION, SHOWN
from counterfoil.reconcile.shapes import KEY

from .conftest import Story
from .written_case import written

WHEN = datetime(2025, 9, 1)  # noqa: DTZ001  # naive UTC, as in every case


@contextmanager
def results(case: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the results of a case."""
    folder = existing(case)
    with opened(folder, read_manifest(folder.manifest)) as con:
        yield con


def test_people_are_counted_in_what_is_their_own(story: Story) -> None:
    """Of every trait in evidence: whom the issuer recorded with it, and who used it where the issuer recorded them."""
    with results(story.case) as con:
        # of half of an intruder's tokens no finding tells: what he did with them is nobody's own
        con.execute("CREATE TEMP TABLE every AS FROM tokens")
        con.execute("""CREATE TEMP TABLE tokens AS SELECT * REPLACE (CASE WHEN token_key < '8' THEN group_rule END
            AS group_rule) FROM every""")
        gather(con, ())
        counted = rows(con, people_sql("in_records"))
        every = rows(con, "FROM in_records")
        his = {(row["source"], row["record_id"]) for row in rows(con, "FROM in_his")}
        tokens = {row["token_id"] for row in rows(con, "FROM in_his") if row["token_id"]}
    others = [
        row for row in every
        if (row["source"], row["record_id"]) not in his and row["token_id"] not in tokens and row["person"]
        and row["outcome"] in ("success", "denied") and row["leg"] in ("issuance", "acceptance", "context")
    ]
    home = {(row["person"], row["place"]) for row in others if row["leg"] == "issuance" and row["place"]}
    known = {person for person, _ in home}
    own = [row for row in others if row["leg"] == "issuance" or row["person"] not in known
           or (row["person"], row["place"]) in home]
    shown: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in own:
        for kind in (trait.kind for trait in SHOWN if trait is not SESSION):
            if row[kind] is not None:
                shown[kind, row[kind]].add(row["person"])
    assert {name: len(whose) for name, whose in shown.items()} == {
        (row["kind"], row["value"]): row["people"] for row in counted if row["kind"] != SESSION.kind
    }
    assert {"ip", "network", "agent", "app", "device_id", "band"} <= {kind for kind, _ in shown}
    assert len(own) < len(others)


def test_what_is_read_by_its_place_is_what_there_is(tmp_path: Path) -> None:
    """Of a record in two wrappers that is their merged row; two different records under one id are both found."""
    first: dict[str, Any] = {
        "leg": "acceptance", "source": "m365-ual", "event_time": WHEN, "operation": "MailItemsAccessed",
        "outcome": "success", "subject_id": "ada", "issuer": "entra:t", "token_id": "t", "token_id_kind": "entra_uti",
    }
    signed = first | {"leg": "issuance", "source": "entra-signin", "kind": "interactive", "operation": "sign-in"}
    told = [
        first | {"record_id": "twice"}, first | {"record_id": "twice", "ip": "192.0.2.1", "fidelity": 2},
        first | {"record_id": "two"}, first | {"record_id": "two", "event_time": WHEN + timedelta(hours=1)},
        first | {"record_id": "it's one"}, first | {"record_id": "left out"}, signed | {"record_id": "twice"},
    ]
    written(tmp_path / "case", told)
    with results(tmp_path / "case") as con:
        give(con, "few", {"source": "string", "record_id": "string"},
             [["m365-ual", name] for name in ("twice", "two", "it's one", "nowhere")])
        by_id = rows(con, f"{chosen(con, 'few', KEY)} ORDER BY ALL")
        assert by_id == rows(con, "FROM evidence SEMI JOIN few USING (source, record_id) ORDER BY ALL")
        assert sorted((row["record_id"], row["ip"] or "") for row in by_id) == [
            ("it's one", ""), ("twice", "192.0.2.1"), ("two", ""), ("two", ""),
        ]
        con.execute("CREATE TEMP TABLE places AS SELECT raw_file, raw_position FROM evidence WHERE record_id <> 'two'")
        by_place = rows(con, f"{chosen(con, 'places', ('raw_file', 'raw_position'))} ORDER BY ALL")
        assert by_place == rows(con, "FROM evidence WHERE record_id <> 'two' ORDER BY ALL")
        con.execute("CREATE TEMP TABLE nothing AS FROM places LIMIT 0")
        assert rows(con, chosen(con, "nothing", ("raw_file", "raw_position"))) == []
