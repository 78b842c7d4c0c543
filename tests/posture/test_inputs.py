"""What people name: recognised, or told in one line; addresses over loopback; scans as they are."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from cli.run import run

from .making import days, jwk, key_set, write

PROWLER = [
    {
        "message": "Mailbox a@contoso.example audits all actions.", "status": "New", "status_code": "PASS",
        "status_detail": "Mailbox a@contoso.example audits all actions.", "severity": "High", "time": 1793606400,
        "time_dt": "2026-11-02T08:00:00", "class_uid": 2004, "type_uid": 200401,
        "metadata": {"event_code": "exchange_user_mailbox_auditing_enabled", "version": "1.4.0",
                     "product": {"uid": "prowler", "name": "Prowler", "vendor_name": "Prowler", "version": "5.13.0"}},
        "finding_info": {"title": "Mailbox auditing is on", "uid": "prowler-m365-x"},
        "resources": [{"uid": "a@contoso.example", "name": "a@contoso.example"}],
        "cloud": {"account": {"uid": "contoso.example"}},
    },
    {
        "status": "Suppressed", "status_code": "FAIL", "status_detail": "off", "severity": "Critical",
        "metadata": {"event_code": "entra_admin_mfa", "product": {"name": "Prowler", "version": "5.13.0"}},
        "finding_info": {"title": "Administrators use MFA"}, "resources": [],
    },
    {
        "status_code": "MANUAL", "metadata": {"event_code": "x", "product": {"name": "Prowler"}},
        "finding_info": {"title": "X"},
    },
]
PROWLER_3 = [{
    "finding": {"title": "ACM"}, "compliance": {"status": "Failure"}, "status_detail": "expires", "severity": "High",
    "metadata": {"product": {"name": "Prowler", "version": "3.6.1", "feature": {"uid": "acm_expiration"}}},
}]
MAESTER = {
    "Result": "Failed", "FailedCount": 1, "PassedCount": 1, "SkippedCount": 1, "TotalCount": 3,
    "ExecutedAt": "2026-11-02T08:00:00.074646+01:00", "TenantId": "3f7c1f1e-6a55-4b8e-9a0e-2b1d7c9e4f10",
    "CurrentVersion": "2.0.0",
    "Tests": [
        {"Index": 1, "Id": "CISA.MS.EXO.13.1", "Title": "Mailbox auditing SHALL be enabled.", "Severity": "High",
         "Name": "CISA.MS.EXO.13.1: Mailbox auditing SHALL be enabled.", "Result": "Passed",
         "ResultDetail": {"TestResult": "Well done."}},
        {"Name": "ID1002: App management restrictions", "Result": "Failed", "ErrorRecord": "Expected $true"},
        {"Name": "MT.1001: Skipped", "Id": "MT.1001", "Result": "Skipped", "ResultDetail": None},
    ],
}
SCUBA = {
    "MetaData": {"TenantId": "t", "ToolVersion": "1.6.0", "TimestampZulu": "2026-11-02T08:00:00.000Z"},
    "Results": {"EXO": [{"GroupName": "Mailbox", "Controls": [
        {"Control ID": "MS.EXO.13.1v1", "Requirement": "Mailbox auditing SHALL be enabled.", "Result": "Pass",
         "Criticality": "Shall", "Details": "<b>met</b>"},
        {"Control ID": "MS.EXO.1.1v2", "Requirement": "No forwarding.", "Result": "N/A", "Criticality": "Shall/3rd"},
    ]}]},
}
SCANS: Mapping[str, tuple[Any, int, tuple[str, str]]] = {
    "ScubaGear": (SCUBA, 2, ("ScubaGear MS.EXO.1.1v2", "cannot tell")),
    "Prowler": (PROWLER, 3, ("Prowler entra_admin_mfa", "fail")),
    "Prowler of version 3": (PROWLER_3, 1, ("Prowler acm_expiration", "fail")),
    "Maester": (MAESTER, 3, ("Maester ID1002", "fail")),
}


@pytest.mark.parametrize(("scan", "count", "row"), SCANS.values(), ids=SCANS)
def test_scans_are_taken_as_they_are(
    scan: Any, count: int, row: tuple[str, str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Every result is counted; one that we do not ask ourselves stands there with the verdict of its tool."""
    ran = run(capsys, "posture", write(tmp_path / "scan.json", scan), "--format", "json")
    told = json.loads(ran.out)
    assert [found["results"] for found in told["imports"]] == [count]
    assert row in {(finding["check"], finding["verdict"]) for finding in told["findings"]}
    mail = next(finding for finding in told["findings"] if finding["check"] == "tenant-mailbox-audit")
    asked = any("auditing" in json.dumps(one).lower() for one in (scan if isinstance(scan, list) else [scan]))
    assert mail["verdict"] == ("partial" if asked else "cannot tell")  # no record proves it


def test_an_export_of_powershell_in_utf16_is_read(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Windows PowerShell writes so."""
    (tmp_path / "scan.json").write_bytes(json.dumps(MAESTER).encode("utf-16"))
    assert '"results": 3' in run(capsys, "posture", tmp_path / "scan.json", "--format", "json").out


Answers = Mapping[str, tuple[str, Mapping[str, str]]]


@contextmanager
def served(answers: Answers) -> Iterator[str]:
    """Serve documents on loopback; `{me}` in them is the server's address."""
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body, headers = answers.get(self.path, ("", {}))
            self.send_response(200 if body else 404)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body.replace("{me}", f"http://127.0.0.1:{server.server_port}").encode())

        def log_message(self, *words: object) -> None:
            del words

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


METADATA = json.dumps({"issuer": "{me}/realms/a", "jwks_uri": "{me}/jwks", "token_endpoint": "{me}/token"})
KEPT = {"Cache-Control": "max-age=3600"}
ADDRESSES: Mapping[str, Answers] = {
    "OpenID Connect Discovery": {"/realms/a/.well-known/openid-configuration": (METADATA, {})},
    "RFC 8414": {"/.well-known/oauth-authorization-server/realms/a": (METADATA, {})},
}


@pytest.mark.parametrize("answers", ADDRESSES.values(), ids=ADDRESSES)
def test_an_issuer_is_asked_at_its_address(answers: Answers, capsys: pytest.CaptureFixture[str]) -> None:
    """Its metadata, then the key set that it names, with its cache header."""
    with served({**answers, "/jwks": (key_set(jwk("live")), KEPT)}) as me:
        told = json.loads(run(capsys, "posture", f"{me}/realms/a", "--format", "json").out)
    found = {finding["check"]: finding for finding in told["findings"]}
    assert found["issuer-metadata"]["verdict"] == "pass", found["issuer-metadata"]
    assert found["issuer-cache"]["verdict"] == "pass"
    assert found["issuer-key-binding"]["verdict"] == "pass"
    assert found["issuer-rotation"]["verdict"] == "cannot tell"


def test_metadata_of_another_issuer_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever serves somebody else's name as issuer is not believed."""
    other = METADATA.replace("{me}/realms/a", "https://victim.example")
    with served({"/.well-known/openid-configuration": (other, {}), "/jwks": (key_set(jwk("live")), {})}) as me:
        told = json.loads(run(capsys, "posture", me, "--format", "json").out)
    [found] = [finding for finding in told["findings"] if finding["check"] == "issuer-metadata"]
    assert found["verdict"] == "fail"


BAD: Mapping[str, tuple[Mapping[str, str], tuple[str, ...], str]] = {
    "nothing": ({}, (), "nothing to check"),
    "a folder that is not there": ({}, ("gone",), "nothing found at gone"),
    "text": ({"a.txt": "hello"}, ("a.txt",), "nothing to check: a.txt: no JSON"),
    "JSON of something else": ({"a.json": "{}"}, ("a.json",), "nothing to check: a.json: JSON that no check reads"),
    "a key set that names its keys twice": (
        {"a.json": '{"keys": [], "keys": []}'}, ("a.json",), "a.json: expected each name once"
    ),
    "a key set of too many keys": (
        {"a.json": json.dumps({"keys": [{}] * 300})}, ("a.json",), "a.json: more than 256 keys"
    ),
    "a fetch at no time": (
        {f"{days(0):%Y}-13-05T120000Z.json": '{"keys": []}'}, (".",), "2024-13-05T120000Z is no time"
    ),
    "metadata of two issuers in one folder": (
        {"a.json": '{"issuer": "https://a", "jwks_uri": ""}', "b.json": '{"issuer": "https://b", "jwks_uri": ""}'},
        (".",), "metadata of two issuers, a.json and b.json",
    ),
    "a file that git does not know": ({"a.json": '{"keys": []}'}, ("git:a.json",), "a.json: git:"),
    "an address by http": ({}, ("http://issuer.example",), "http is for loopback only"),
    "an unknown class": ({"a.json": '{"keys": []}'}, ("a.json", "--key-class", "x"), "--key-class: unknown class 'x'"),
    "an unknown form": ({"a.json": '{"keys": []}'}, ("a.json", "--format", "pdf"), "--format: unknown 'pdf'"),
    "a list as SARIF": ({}, ("--list", "--format", "sarif"), "--list: no sarif"),
    "no baseline": ({"a.json": '{"keys": []}', "b.toml": "x = 1"}, ("a.json", "--baseline", "b.toml"),
                    "b.toml: no baseline"),
    "a figure that no check has": (
        {"a.json": '{"keys": []}', "b.toml": 'name = "x"\nversion = "1"\n[figures.y]\nvalue = 1\nsource = "z"\n'},
        ("a.json", "--baseline", "b.toml"), "b.toml: unknown figure 'y'",
    ),
    "an exception without an owner": (
        {"a.json": '{"keys": []}',
         "e.toml": '[[exception]]\ncheck = "issuer-pkce"\nreason = "r"\nuntil = 2027-01-01\n'},
        ("a.json", "--exceptions", "e.toml"), "e.toml, exception 1: no owner",
    ),
    "an exception without an end": (
        {"a.json": '{"keys": []}', "e.toml": '[[exception]]\ncheck = "issuer-pkce"\nowner = "o"\nreason = "r"\n'},
        ("a.json", "--exceptions", "e.toml"), "e.toml, exception 1: no until",
    ),
    "an exception of no check": (
        {"a.json": '{"keys": []}',
         "e.toml": '[[exception]]\ncheck = "issuer-pkcs"\nowner = "o"\nreason = "r"\nuntil = 2027-01-01\n'},
        ("a.json", "--exceptions", "e.toml"), "e.toml, exception 1: no check 'issuer-pkcs'",
    ),
    "an earlier report that is none": (
        {"a.json": '{"keys": []}', "b.json": "{}"}, ("a.json", "--before", "b.json"),
        "b.json: no report of an earlier run",
    ),
    "a matrix without its cells": (
        {"a.json": '{"schema": "counterfoil.matrix-report/1", "made": "2026-11-30T12:00:00Z"}'}, ("a.json",),
        "a.json: no report of a matrix: Object missing required field `cells`",
    ),
    "settings of something else": ({"a.toml": "x = 1"}, ("a.toml",), "a.toml: TOML that no check reads"),
    "no case": ({}, ("--case", "nowhere"), "no case at nowhere"),
}


@pytest.mark.parametrize(("files", "arguments", "line"), BAD.values(), ids=BAD)
def test_bad_input_costs_one_clear_line(
    files: Mapping[str, str], arguments: tuple[str, ...], line: str, capsys: pytest.CaptureFixture[str],
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It says what is wrong and where, ends with 2, and writes no report."""
    monkeypatch.chdir(tmp_path)
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    ran = run(capsys, "posture", *arguments)
    assert ran.code == 2, ran
    assert ran.out == ""
    first, *rest = ran.err.splitlines()
    assert line in first
    assert all(each.startswith("  hint:") for each in rest)


def test_what_nothing_reads_is_told_beside_the_rest(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """One file that no check reads stops nothing."""
    write(tmp_path / "jwks.json", key_set(jwk("a")))
    write(tmp_path / "other.json", {"x": 1})
    (tmp_path / "gone.json").symlink_to(tmp_path / "nowhere")
    ran = run(capsys, "posture", tmp_path)
    assert "NOT READ 2" in ran.out
    assert "gone.json: No such file or directory" in " ".join(ran.out.split())
    assert "other.json: JSON that no check reads" in " ".join(ran.out.split())
