"""Defender's advanced hunting alone: requests to Graph in one table, and the sign-ins behind them in the other."""

from __future__ import annotations

import base64
import csv
import io
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cli.run import run

TENANT = "11111111-aaaa-4aaa-8aaa-000000000001"
START = datetime(2026, 3, 2, 6, tzinfo=UTC)
PEOPLE, DAYS, A_DAY = 10, 10, 3
ENOUGH = PEOPLE * DAYS * A_DAY
CAP = 10_000
GRAPH_PORTAL, ROGUE = "de8bc8b5-d9f9-48b1-a8ad-b748da725064", "0ddba11d-c1c1-4c1c-8c1c-000000000001"
EXPORTED = "--exported-at=2026-03-20T00:00Z"
COMPLETE = ("--complete", "defender-signin/interactive", "--complete", "defender-signin/non-interactive", EXPORTED)


def token(place: int) -> tuple[str, str]:
    """Return a request id, and the token id that is the same in another form."""
    request = uuid.UUID(int=0x5E55 << 112 | 0x4 << 76 | 0x8 << 60 | place)
    return str(request), base64.urlsafe_b64encode(request.bytes_le).decode().rstrip("=")


def _time(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def sign_in(place: int, at: datetime, who: int, **more: Any) -> dict[str, Any]:
    """Return a row of EntraIdSignInEvents, as the Graph API gives it."""
    request, uti = token(place)
    return {
        "Timestamp": _time(at), "Application": "Graph Explorer", "ApplicationId": GRAPH_PORTAL,
        "LogonType": '["nonInteractiveUser"]' if place % 2 else '["interactiveUser"]', "ErrorCode": 0,
        "CorrelationId": request, "SessionId": f"5e550000-5e55-4e55-8e55-{who:012}",
        "AccountObjectId": f"a0000000-0000-4000-8000-{who:012}", "AccountUpn": f"user{who}@contoso.example",
        "IsExternalUser": 0, "IsGuestUser": False, "ResourceDisplayName": "Microsoft Graph",
        "ResourceId": "00000003-0000-0000-c000-000000000000", "ResourceTenantId": TENANT, "EntraIdDeviceId": "",
        "TokenIssuerType": 0, "UserAgent": "Mozilla/5.0", "IPAddress": f"198.51.{who}.7", "RequestId": request,
        "ReportId": f"r{place}", "UniqueTokenId": uti,
    } | more


def graph_request(place: int, at: datetime, who: int, **more: Any) -> dict[str, Any]:
    """Return a row of GraphApiAuditEvents."""
    request = str(uuid.UUID(int=0x6E9E << 112 | 0x4 << 76 | 0x8 << 60 | place))
    return {
        "Timestamp": _time(at), "IdentityProvider": f"https://sts.windows.net/{TENANT}/", "ApiVersion": "v1.0",
        "ApplicationId": GRAPH_PORTAL, "IPAddress": f"198.51.{who}.7", "ClientRequestId": request, "EntityType": "User",
        "RequestUri": "https://graph.microsoft.com/v1.0/me/messages?$top=10", "OperationId": request,
        "AccountObjectId": f"a0000000-0000-4000-8000-{who:012}", "Location": "westeurope", "RequestDuration": "120",
        "RequestId": request, "RequestMethod": "GET", "ResponseStatusCode": "200", "Scopes": "Mail.Read",
        "UniqueTokenIdentifier": token(place)[1], "TargetWorkload": "Microsoft.Exchange", "ServicePrincipalId": "",
        "ResponseSize": 512,
    } | more


@dataclass
class Tenant:
    """The rows of both tables: everybody signs in a few times a day, and asks Graph with each token."""

    sign_ins: list[dict[str, Any]]
    requests: list[dict[str, Any]]

    def forged(self, number: int = 2) -> None:
        """Add requests of an intruder with tokens that nobody issued, in the middle of the time."""
        for place in range(number):
            at = START + timedelta(days=5, minutes=place)
            more = {"ApplicationId": ROGUE, "IPAddress": "203.0.113.9"}
            self.requests.append(graph_request(900_000 + place, at, place + 1, **more))


def tenant(days: int = DAYS) -> Tenant:
    """Return a tenant in which every token links."""
    signed, asked = [], []
    for place in range(PEOPLE * days * A_DAY):
        at = START + timedelta(days=place // (PEOPLE * A_DAY), minutes=7 * (place % (PEOPLE * A_DAY)))
        signed.append(sign_in(place, at, place % PEOPLE + 1))
        asked.append(graph_request(place, at + timedelta(minutes=5), place % PEOPLE + 1))
    # the next day the export ends, with nobody's requests
    signed += [sign_in(800_000 + place, START + timedelta(days=days + 4, minutes=place), place + 1) for place in (0, 1)]
    return Tenant(signed, asked)


def as_lines(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as JSON lines."""
    return "".join(json.dumps(row) + "\n" for row in rows)


def as_answer(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as runHuntingQuery answers."""
    return json.dumps({"schema": [{"name": name, "type": "String"} for name in rows[0]], "results": rows})


def as_array(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as one array."""
    return json.dumps(rows, indent=1)


def as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as the portal exports them."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def hunted(
    capsys: pytest.CaptureFixture[str], folder: Path, given: Tenant, *options: str, write: Any = as_lines
) -> tuple[int, dict[str, Any]]:
    """Hunt in both tables through the program."""
    logs = folder / "logs"
    logs.mkdir(parents=True)
    end = "csv" if write is as_csv else "json"
    (logs / f"graph.{end}").write_text(write(given.requests))
    (logs / f"signins.{end}").write_text(write(given.sign_ins))
    told = run(capsys, "hunt", str(logs), "--case", str(folder / "case"), "--format", "json", "--quiet", *options)
    return told.code, json.loads(told.out)


def verdicts(told: Mapping[str, Any]) -> dict[str, int]:
    """Return the verdicts that some token has."""
    return {verdict: row["tokens"] for verdict, row in told["verdicts"].items() if row["tokens"]}


def findings(told: Mapping[str, Any]) -> list[tuple[str, str, int]]:
    """Return rule, verdict and tokens of the findings that are more than a suspicion."""
    return [(one["rule"], one["verdict"], one["token_count"]) for one in told["findings"]
            if one["verdict"] != "suspicion"]


@pytest.mark.parametrize("write", [as_lines, as_answer, as_array, as_csv], ids=["lines", "answer", "array", "CSV"])
def test_two_halves_of_one_token_are_minted(tmp_path: Path, capsys: pytest.CaptureFixture[str], write: Any) -> None:
    """The token that a request carried is that of the sign-in, in whatever form the two tables were exported."""
    given = tenant(1)
    code, told = hunted(capsys, tmp_path, given, write=write)
    assert verdicts(told) == {"minted": PEOPLE * A_DAY}
    assert {one["source"] for one in told["inputs"]} == {"defender-graphapiauditevents", "defender-entraidsigninevents"}
    assert not any(one["rejected"] for one in told["inputs"])
    assert code == 0


def test_enough_that_link_and_a_declaration_convict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Forged: the table is declared complete, and the case shows that it is."""
    given = tenant()
    given.forged()
    code, told = hunted(capsys, tmp_path, given, *COMPLETE)
    assert verdicts(told) == {"minted": ENOUGH, "forged": 2}
    assert code == 1


CONVICTING = ("forged", "contradicted", "tainted")


def _lonely(given: Tenant, place: int) -> None:
    """Take the sign-in behind a person's own request away."""
    gone = token(place)[0]
    given.sign_ins[:] = [row for row in given.sign_ins if row["RequestId"] != gone]


def test_undeclared_it_is_probably_forged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the case shows stands in for what nobody declared: a finding, and no verdict."""
    given = tenant()
    given.forged()
    code, told = hunted(capsys, tmp_path, given)
    assert verdicts(told) == {"minted": ENOUGH, "uncovered": 2}
    assert findings(told) == [("unproven-log", "probably-forged", 2)]
    assert code == 1


def test_too_few_that_link_convict_nobody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A declaration of a log of which nothing is published rests on nothing: probably forged, and why."""
    given = tenant(6)
    given.forged()
    code, told = hunted(capsys, tmp_path, given, *COMPLETE)
    assert 6 * PEOPLE * A_DAY < 200
    assert verdicts(told) == {"minted": 180, "uncovered": 2}
    assert findings(told) == [("unproven-log", "probably-forged", 2)]
    (found,) = [one for one in told["findings"] if one["rule"] == "unproven-log"]
    assert "nobody has published how complete it is" in json.dumps(found)
    assert code == 1


@pytest.mark.parametrize(("options", "wanted"), [
    (COMPLETE, [("unproven-log", "probably-forged", 2)]), ((), []),
], ids=["declared", "undeclared"])
def test_one_own_use_that_is_missing_convicts_nobody(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], wanted: list[Any]
) -> None:
    """The table lost a person's own sign-in: it may have lost any. Undeclared, nothing is said then."""
    given = tenant()
    given.forged()
    _lonely(given, 5 * PEOPLE * A_DAY + 3)
    _, told = hunted(capsys, tmp_path, given, *options)
    assert verdicts(told) == {"minted": ENOUGH - 1, "uncovered": 3}
    assert findings(told) == wanted


@pytest.mark.parametrize("options", [COMPLETE, ()], ids=["declared", "undeclared"])
def test_a_table_cut_at_a_cap_convicts_nobody(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...]
) -> None:
    """A table of exactly as many rows as a query returns is cut off: what is missing may be behind the cut."""
    given = tenant()
    given.forged()
    short = CAP - len(given.sign_ins)
    given.sign_ins += [sign_in(100_000 + place, START + timedelta(minutes=place), 1) for place in range(short)]
    _, told = hunted(capsys, tmp_path, given, *options, write=as_csv)
    assert verdicts(told) == {"minted": ENOUGH, "uncovered": 2}
    assert findings(told) == []
    (cut,) = [one for one in told["inputs"] if one["truncated"]]
    assert cut["truncated"] == "exactly 10,000 rows, where this export stops"
    if options:
        reasons = {row["reason"] for row in told["coverage"] if row["status"] == "refused"}
        assert any("cut off" in reason for reason in reasons)


def test_a_guest_is_not_compared_and_a_member_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A guest has another object id elsewhere; who is none has one: his token in another's name is a copied id."""
    given = tenant()
    for place, guest in ((3, True), (7, False)):
        given.sign_ins[place]["IsGuestUser"] = guest
        given.requests[place]["AccountObjectId"] = f"a0000000-0000-4000-8000-{PEOPLE:012}"
    _, told = hunted(capsys, tmp_path, given)
    assert verdicts(told) == {"minted": ENOUGH - 1, "contradicted": 1}


def test_assertions_are_presentation_unknown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No incoming token type: whether a sign-in of a federated domain was given an assertion is not told."""
    given = tenant(1)
    _, told = hunted(capsys, tmp_path, given, "--federated", "contoso.example=adfs:sts.contoso.example")
    reasons = told["verdicts"]["unlinkable"]["reasons"]
    assert {reason: row["tokens"] for reason, row in reasons.items()} == {"presentation-unknown": len(given.sign_ins)}
    assert not set(CONVICTING) & set(verdicts(told))


def test_the_names_before_2026_and_applications(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The Beta tables are the same ones; without the token's id, the request's is it. Applications have their own."""
    given = tenant(1)
    logs = tmp_path / "logs"
    logs.mkdir()
    for row in given.sign_ins:
        row["AadDeviceId"] = row.pop("EntraIdDeviceId")
        del row["UniqueTokenId"]
    request, uti = token(700_000)
    given.requests.append(graph_request(700_000, START, 1, AccountObjectId="", Scopes="", UniqueTokenIdentifier=uti))
    principal = {
        "Timestamp": _time(START), "Application": "Backup", "ApplicationId": ROGUE, "IsManagedIdentity": False,
        "ErrorCode": 0, "CorrelationId": request, "ServicePrincipalName": "Backup",
        "ServicePrincipalId": "b0000000-0000-4000-8000-000000000001", "ResourceId": "r", "ResourceTenantId": TENANT,
        "IPAddress": "198.51.100.1", "RequestId": request, "ReportId": "s",
    }
    (logs / "AADSpnSignInEventsBeta.json").write_text(json.dumps([principal]))
    code, told = hunted(capsys, tmp_path / "x", given, str(logs))
    assert verdicts(told) == {"minted": PEOPLE * A_DAY + 1}
    assert code == 0
