"""What an intruder left alive at an issuer, and marks of his under other identities, in an issuer's own logs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cli.run import run
from counterfoil.cli.main import main
from counterfoil.respond.evicted import Why

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
BLOCK, UNTIL = "2026-03-01T20:00", "2026-03-02T10:00"
HIS = {"ip": "203.0.113.9", "user_agent": "stolen/1.0", "client": "calendar", "endpoint": "/mail"}
USUAL = {"ip": "192.0.2.1", "user_agent": "phone/2.0", "client": "web", "endpoint": "/mail"}


def issued(jti: str, hour: float, parents: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return what the issuer writes of a token."""
    at = (BEGIN + timedelta(hours=hour)).isoformat()
    return {
        "schema": "counterfoil.issuance/1", "log": "idp", "id": jti, "jti": jti, "time": at, "iss": "https://idp.example",
        "kid": "k-2", "sub": "alice", "iat": at, "grant": "refresh_token" if parents else "authorization_code",
        "parents": list(parents),
    }


def accepted(
    jti: str, hour: float, place: Mapping[str, str] = USUAL, *, kid: str = "k-2", minutes: int = 1
) -> dict[str, Any]:
    """Return a receipt of a service for a token of that hour."""
    minted = BEGIN + timedelta(hours=hour)
    at = (minted + timedelta(minutes=minutes)).isoformat()
    return {
        "schema": "counterfoil.receipt/1", "time": at, "rp": "mail", "outcome": "accepted", "signature": "verified",
        "kid": kid, "iss": "https://idp.example", "jti": jti, "iat": minted.isoformat(), "method": "GET", **place,
    }


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a judged case: a day and a half of a user, and one forged token under the key that is blocked then."""
    folder = tmp_path_factory.mktemp("marks")
    hours = [hour / 2 for hour in range(72)]
    issuances = [issued(f"g-{hour}", hour) for hour in hours]
    issuances += [issued("r-1", 19.0, ("forged",)), issued("r-2", 21.0, ("r-1",)), issued("r-3", 22.0, ("r-2",))]
    receipts = [accepted(f"g-{hour}", hour) for hour in hours]
    receipts.append(accepted("forged", 10.0, HIS, kid="k-1"))
    # after the block: his agent, his address and his application, each with a genuine token
    for number, name in enumerate(("ip", "user_agent", "client")):
        receipts.append(accepted(f"g-{21.0 + number}", 21.0 + number, {**USUAL, name: HIS[name]}, minutes=12))
    for name, rows in (("idp.jsonl", issuances), ("mail.jsonl", receipts)):
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    complete = ("--complete", "issuer-log/idp:2026-02-28..2026-03-03", "--exported-at", "2026-03-04")
    paths = (folder / "idp.jsonl", folder / "mail.jsonl")
    assert main(["hunt", *map(str, paths), "--case", str(folder / "case"), *complete, "--quiet"]) == 1
    return folder / "case"


def reasons(case: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, list[str]]:
    """Return the words of a statement's reasons by their codes."""
    ran = run(capsys, "respond", "verify", "--case", case, "--since", BLOCK, "--until", UNTIL, "--key", "k-1", "--life",
              1, "--access-life", 1, "--format", "json")
    assert ran.code in (0, 1, 3), ran.err
    found: dict[str, list[str]] = {}
    for reason in json.loads(ran.out)["reasons"]:
        found.setdefault(reason["code"], []).append(reason["words"])
    return found


def test_what_was_renewed_and_not_used_is_alive(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tokens that descend from the forged one, issued after the block and never seen at a service."""
    [words] = reasons(case, capsys)[Why.LINEAGE_RENEWED]
    assert words.startswith("2 requests to renew or exchange a token of his lineage were granted, 2026-03-01 21:00")


def test_his_marks_under_other_identities_are_told_until_somebody_looked(
    case: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Address, agent, and what an application did for him alone; each is cleared by name."""
    told = reasons(case, capsys)[Why.TRAITS_AGAIN]
    assert [words.partition(" with other tokens ")[2].partition(",")[0] for words in told] == [
        "came from his addresses", "named his agent", "did by an application what he alone did by it",
    ]
    for left, target in ((2, HIS["user_agent"]), (1, HIS["ip"]), (0, HIS["client"])):
        assert run(capsys, "respond", "done", "traits", "--case", case, "--target", target).code == 0
        assert len(reasons(case, capsys).get(Why.TRAITS_AGAIN, [])) == left


@pytest.mark.parametrize("form", ["text", "json", "html"])
def test_what_was_done_is_part_of_the_report(case: Path, capsys: pytest.CaptureFixture[str], form: str) -> None:
    """When, what, who and the note, whatever they hold; single probes are not."""
    command = ("respond", "done", "block", "--case", case, "--at", "2026-03-01T20:00", "--who", "<b>alex</b>")
    assert run(capsys, *command, "--note", "list 1 is published").code == 0
    told = run(capsys, "report", "--case", case, "--format", form).out
    assert "list 1 is published" in told
    assert ("<b>alex" in told) is (form != "html")  # no markup gets into the page
    assert "2026-03-01" in told
