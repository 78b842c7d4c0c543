"""Records that cannot be read, through the real program: no absence, no excuse for an intruder, and no all-clear."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from counterfoil import app
from counterfoil.model.clearance import Why, withheld
from counterfoil.model.coverage import Declaration
from counterfoil.model.hunt import HuntReport
from counterfoil.report._steps import steps

from .estates import hunted, settings

TENANT, ANN, BOB = (f"{digit * 8}-0000-4000-8000-000000000000" for digit in "abc")
OUTLOOK, ROGUE = "5d661950-3475-41cd-a2c3-d671a3162bc1", "99999999-1111-4111-8111-999999999999"
START = datetime(2025, 9, 1, 10, tzinfo=UTC)
HOME, AWAY = "192.0.2.10", "203.0.113.5"


def token(number: int) -> str:
    """Return the id of a token: that of its sign-in."""
    return f"dddddddd-0000-4000-8000-{number:012}"


def sign_in(number: int, user: str = ANN, *, interactive: bool = False, **more: Any) -> dict[str, Any]:
    """Return a sign-in of the Graph API, so many times ten minutes after the start."""
    return {
        "id": token(number), "createdDateTime": f"{START + timedelta(minutes=10 * number):%Y-%m-%dT%H:%M:%SZ}",
        "userId": user, "userPrincipalName": f"{user[:3]}@contoso.example", "appId": OUTLOOK, "ipAddress": HOME,
        "resourceTenantId": TENANT, "homeTenantId": TENANT, "uniqueTokenIdentifier": token(number),
        "isInteractive": interactive, "incomingTokenType": "none", "status": {"errorCode": 0}, "userAgent": "edge",
    } | more


def access(number: int, client: str = OUTLOOK, ip: str = HOME) -> dict[str, Any]:
    """Return a mailbox access with that token, five minutes after it was issued."""
    when = START + timedelta(minutes=10 * number + 5)
    return {
        "CreationTime": f"{when:%Y-%m-%dT%H:%M:%S}", "Id": token(number).replace("d", "e"),
        "Operation": "MailItemsAccessed", "OrganizationId": TENANT, "RecordType": 50, "UserType": 0,
        "Workload": "Exchange", "UserId": f"{ANN[:3]}@contoso.example", "ClientIPAddress": ip, "LogonType": 0,
        "InternalLogonType": 0, "ClientInfoString": "Client=OWA;", "MailboxGuid": ANN, "TokenObjectId": ANN,
        "MailboxOwnerUPN": f"{ANN[:3]}@contoso.example", "TokenTenantId": TENANT, "ClientAppId": client,
        "AppAccessContext": {"UniqueTokenId": token(number), "ClientAppId": client,
                             "IssuedAtTime": f"{when - timedelta(minutes=10):%Y-%m-%dT%H:%M:%S}"},
    }


def _hunted(folder: Path, logins: Sequence[str], accesses: Sequence[str]) -> HuntReport:
    """Hunt in these lines; both kinds of people's sign-ins are declared complete."""
    (folder / "logs").mkdir()
    others = [sign_in(n, BOB, interactive=True) | {"id": token(1000 + n), "uniqueTokenIdentifier": token(1000 + n)}
              for n in range(0, 400, 5)]
    for name, lines in {
        "others.jsonl": [json.dumps(one) for one in others], "signins.jsonl": logins, "audit.jsonl": accesses,
    }.items():
        (folder / "logs" / name).write_text("\n".join(lines) + "\n")
    told = tuple(Declaration("entra-signin", kind) for kind in ("interactive", "non-interactive"))
    exported = datetime(2026, 1, 1)  # noqa: DTZ001  # UTC, as settings have it
    return hunted([folder / "logs"], settings(folder / "case", complete=told, exported_at=exported))


def _logins(*broken: str, without: Sequence[int]) -> list[str]:
    """Return her sign-ins, one every ten minutes, but these; in the middle stand the broken lines."""
    lines = [json.dumps(sign_in(n)) for n in range(400) if n not in without]
    return [*lines[:301], *broken, *lines[301:]]


USED = [json.dumps(access(n)) for n in range(0, 390, 10)]
STRANGE = [301, 302, 303]  # tokens that are used from elsewhere


def _strange(numbers: Sequence[int]) -> list[str]:
    return [json.dumps(access(n, ROGUE, AWAY)) for n in numbers]


def _reasons(folder: Path) -> set[object]:
    names = ", ".join(f"'{token(n)}'" for n in STRANGE)
    return {row[0] for row in app.sql(folder / "case", f"SELECT reason FROM tokens WHERE token_id IN ({names})").rows}  # noqa: S608


def test_a_cut_line_in_a_declared_log_convicts_nobody(tmp_path: Path) -> None:
    """Her sign-in is in the log, cut off: what it may have been is left open, and the coverage says what that costs."""
    cut = json.dumps(sign_in(301, appId=ROGUE, ipAddress=AWAY))[:200]
    report = _hunted(tmp_path, _logins(cut, without=STRANGE), [*USED, *_strange([301])])
    assert _reasons(tmp_path) == {"may-be-unread"}
    assert not [finding for finding in report.findings if finding.verdict != "suspicion"]
    (row,) = [row for row in report.coverage if row.kind == "non-interactive"]
    assert "1 record between 2025-09-03 12:00Z and 2025-09-03 12:40Z could not be read" in row.reason
    assert [each.why for each in withheld(report)] == [Why.STRANGERS]  # an intruder needs one cut line, too
    (command,) = [step.command for step in steps(report) if step.text.startswith("Look at the 1 token left open")]
    listed = app.sql(tmp_path / "case", shlex.split(command)[-1])
    assert [row[listed.columns.index("token_id")] for row in listed.rows] == [token(301)]


def test_her_own_use_beside_a_cut_line_withholds_no_all_clear(tmp_path: Path) -> None:
    """What comes from her own place and program may be the record that is cut off."""
    cut = json.dumps(sign_in(301))[:200]
    report = _hunted(tmp_path, _logins(cut, without=STRANGE), [*USED, json.dumps(access(301))])
    assert _reasons(tmp_path) == {"ordinary-miss"}
    assert not withheld(report)


def test_a_cut_line_frees_no_intruder(tmp_path: Path) -> None:
    """Three tokens without a sign-in and one cut line of nobody in particular: two of the three at least are forged."""
    report = _hunted(tmp_path, _logins('{"id": ', without=STRANGE), [*USED, *_strange(STRANGE)])
    assert _reasons(tmp_path) == {"more-missing-than-unread"}
    found = [(finding.verdict, finding.title) for finding in report.findings if finding.verdict != "suspicion"]
    assert found == [("forged", "at least 2 of 3 tokens of 1 user were never issued")]


def test_a_cut_line_about_another_is_no_excuse_and_a_lost_acceptance_is_counted(tmp_path: Path) -> None:
    """What the line still shows is another's; and a record that may have been an acceptance is no all-clear."""
    cut = json.dumps(sign_in(900, BOB))[:200]
    report = _hunted(tmp_path, _logins(cut, without=STRANGE), [*USED, '{"CreationTime":', *_strange(STRANGE)])
    assert _reasons(tmp_path) == {"id-not-issued"}
    assert report.lost_acceptances == 1
