"""The baseline of mail access: who is told among ordinary people, and who is not."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from counterfoil.errors import UsageError
from counterfoil.investigate.baseline import COLUMNS, Asked, Baseline, baseline, groups
from lab.mail_month import EXCHANGE, FIRST_DAY, START, month

PEOPLE = 300
INTRUDER = (EXCHANGE, "owner")


def _asked(
    con: duckdb.DuckDBPyConnection, tmp: Path, day: int, asked: Asked | None = None, where: str = ""
) -> Baseline:
    """Rank what is in evidence at the end of a day (from 0)."""
    con.execute(f"CREATE OR REPLACE VIEW evidence AS SELECT * FROM month WHERE d <= {day} {where}")  # noqa: S608
    return baseline(con, tmp, asked or Asked())


def _rows(found: Baseline) -> list[dict[str, object]]:
    return [dict(zip(COLUMNS, row, strict=True)) for row in found.rows]


def _who(found: Baseline, *, told: bool = False) -> list[tuple[object, object]]:
    return [(row["client_id"], row["acting"]) for row in _rows(found) if row["told"] or not told]


@pytest.fixture(scope="module")
def late() -> duckdb.DuckDBPyConnection:
    """Return the month in which the intruder comes in the fourth week."""
    return month(PEOPLE, FIRST_DAY, 21)


def test_the_intruder_is_first_on_his_first_day(late: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """He alone is told, with all his mailboxes: neither what was rolled out, nor new telephones, nor a lone program."""
    first, *rest = _rows(_asked(late, tmp_path, FIRST_DAY))
    assert (first["client_id"], first["acting"], first["told"], first["mailboxes"]) == (*INTRUDER, True, 20)
    assert first["strange"] == first["fresh"] == 20
    assert "p7@fabrikam.com" in str(first["names"]).split(", ")
    assert not [row for row in rest if row["told"]]


def test_nothing_is_told_on_the_day_before(late: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Three weeks of ordinary life, a roll-out among them, give no suspicion at their end."""
    assert _who(_asked(late, tmp_path, FIRST_DAY - 1), told=True) == []


def test_an_intruder_from_the_first_day_on_is_first_too(tmp_path: Path) -> None:
    """Who was there when the log began is held against the others, whatever his past; what cannot be new is said."""
    con = month(PEOPLE, 0, 21)
    found = _asked(con, tmp_path, 0)
    assert _who(found)[0] == INTRUDER
    assert found.short == ("not enough history: 1.0 days of mail access, 7 are needed to call anything new",)
    first = _rows(_asked(con, tmp_path, 20))[0]
    assert (first["client_id"], first["acting"], first["fresh"], first["early"]) == (*INTRUDER, 0, 20)


def test_a_window_changes_no_number(late: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """What is asked for chooses rows, and all that is in evidence gives their numbers."""
    whole = _asked(late, tmp_path, FIRST_DAY)
    begin = datetime.combine(START, datetime.min.time()) + timedelta(days=FIRST_DAY)
    since = _asked(late, tmp_path, FIRST_DAY, Asked(since=begin))
    until = _asked(late, tmp_path, FIRST_DAY, Asked(until=begin))
    assert set(since.rows) < set(whole.rows)
    assert set(until.rows) < set(whole.rows)
    assert _who(since)[0] == INTRUDER
    assert INTRUDER not in _who(until)


def test_nothing_that_the_intruder_does_beside_vouches_for_him(tmp_path: Path) -> None:
    """He reads through an ordinary application from the same networks, and his victims sign in to another service."""
    con = month(PEOPLE, FIRST_DAY, 21)
    his = f"FROM month WHERE client_id = '{EXCHANGE}' AND logon_type = 'owner' AND token_class IS NULL"
    con.execute(f"INSERT INTO month SELECT * REPLACE ('9199bf20-a13f-4107-85dc-02114787ef48' AS client_id) {his}")
    con.execute(f"""INSERT INTO month SELECT * REPLACE ('issuance' AS leg, 'files' AS resource, NULL AS ip,
        NULL AS object_kind) {his}""")
    con.execute("UPDATE month SET resource = 'mail' WHERE leg = 'acceptance'")
    first = _rows(_asked(con, tmp_path, FIRST_DAY))[0]
    assert (first["client_id"], first["acting"], first["strange"], first["told"]) == (*INTRUDER, 20, True)


def test_without_sign_ins_that_is_said_and_counts_for_nothing(
    late: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """Where nobody signs in, having no sign-in is nothing odd."""
    found = _asked(late, tmp_path, FIRST_DAY, where="AND leg = 'acceptance'")
    assert found.short == (
        "no sign-ins are in evidence: nothing tells where people are, and through what they sign in",
    )
    rows = [row for row in _rows(found) if row["acting"] != "service"]
    assert all(row["unsigned"] == row["mailboxes"] for row in rows)
    assert INTRUDER in _who(found, told=True)  # new, and from networks of nobody's ordinary programs


def test_a_group_is_held_against_itself(late: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """What a tenth of the tenant has, and one of a board of thirty, is rarer on the board."""
    board = {f"p{n}@fabrikam.com": "board" for n in range(30)}
    before, after = (
        {(row["client_id"], row["acting"]): row["rarity"] for row in _rows(_asked(late, tmp_path, FIRST_DAY, asked))}
        for asked in (Asked(), Asked(groups=board))
    )
    assert any(after[who] > before[who] for who in before)  # type: ignore[operator]  # numbers
    assert before[INTRUDER] > after[INTRUDER]  # type: ignore[operator]  # 20 of his are on the board


def test_a_case_without_mail_access_is_no_all_clear(late: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Nothing to rank is told as such."""
    found = _asked(late, tmp_path, FIRST_DAY, where="AND leg = 'issuance'")
    assert (found.rows, found.short) == ((), ("no mail access with an application in it is in evidence",))


@pytest.mark.parametrize("text", ["ada@contoso.com", "ada@contoso.com,", ",board"])
def test_a_line_that_names_no_group_is_refused(text: str) -> None:
    """The line's number is told."""
    with pytest.raises(UsageError, match=r"groups\.csv:2: not owner,group"):
        groups(f"Ada@Contoso.com, board\n{text}", "groups.csv")


def test_a_length_that_cannot_be_is_refused() -> None:
    """No time and ages are no baseline."""
    for days in (0, 366):
        with pytest.raises(UsageError, match="--days"):
            Asked(days=days)
