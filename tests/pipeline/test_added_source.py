"""A log that is added by one file, as CONTRIBUTING.md says, convicts and clears like any other."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from counterfoil import sources
from counterfoil.cli.main import main
from counterfoil.sources.registry import all_sources, logs

# The whole of it: nothing else names this provider.
SOURCE = '''
"""The system log of a made-up provider, which has a line for each token that it gives away."""

from counterfoil.expressions import ir
from counterfoil.model.ids import IdKind
from counterfoil.model.logs import Issuance, Log
from counterfoil.model.schema import Leg, Outcome, TokenClass
from counterfoil.sources import mapping
from counterfoil.sources.source import TEXT, Explain, Source

LOG = Log("acme-system", issuance=Issuance(ids=(IdKind.JTI,), whole=True, lag=600))


def to_evidence(raw: ir.Table) -> ir.Table:
    """Map each line to an issuance."""
    return mapping.rows(
        raw, source=LOG.name, fidelity=1, leg=str(Leg.ISSUANCE), kind=mapping.lower(raw.org), record_id=raw.uuid,
        event_time=mapping.when(raw.published), issuer=mapping.text(raw.issuer),
        token_id=mapping.text(raw.grantedTokenId), token_id_kind=str(IdKind.JTI), token_class=str(TokenClass.USER),
        subject_id=mapping.lower(raw.user), client_id=mapping.lower(raw.app), operation="grant",
        outcome=str(Outcome.SUCCESS),
    )


SOURCE = Source(
    name="acme-system-log", log=LOG, title="Acme\'s system log", fidelity=1,
    required=frozenset({"grantedTokenId", "published", "org"}),
    raw=dict.fromkeys(("uuid", "published", "org", "issuer", "grantedTokenId", "user", "app"), TEXT),
    to_evidence=to_evidence,
    explain=Explain(what="Tokens given away.", export=("acme export",), retention="90 days", caps="none",
                    traps=("An export holds one organisation.",), complete="acme-system/NAME"),
)
'''
ISSUER, START = "https://acme.example", datetime(2026, 6, 1, 8, tzinfo=UTC)
TOKENS = 30
ELSEWHERE = {"ip": "203.0.113.9", "user_agent": "curl/8", "client": "other", "seq": TOKENS + 1}


@pytest.fixture
def _acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    added = tmp_path / "added"
    added.mkdir()
    (added / "acme_system_log.py").write_text(SOURCE)
    monkeypatch.setattr(sources, "__path__", [*sources.__path__, str(added)])
    for known in (all_sources, logs):
        known.cache_clear()
    yield
    for known in (all_sources, logs):
        known.cache_clear()


def _time(minutes: float) -> str:
    return (START + timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")


def _issuance(place: int, **other: Any) -> dict[str, Any]:
    return {
        "uuid": f"u{place}", "published": _time(place * 10), "org": "acme-eu", "issuer": ISSUER,
        "grantedTokenId": f"t{place}", "user": f"user{place % 5}", "app": "mail",
    } | other


def _receipt(place: int, token: str) -> dict[str, Any]:
    return {
        "schema": "counterfoil.receipt/1", "rp": "mail-api", "time": _time(place * 10 + 1), "outcome": "accepted",
        "signature": "verified", "kid": "k1", "iss": ISSUER, "jti": token, "subject": f"user{place % 5}",
        "token_class": "user", "client": "mail", "iat": _time(place * 10), "exp": _time(place * 10 + 60),
        "ip": f"192.0.2.{place % 5 + 1}", "user_agent": "Mail/1", "seq": place + 1, "emitter": "e1",
    }


def _hunted(
    folder: Path, issuances: Sequence[dict[str, Any]], capsys: pytest.CaptureFixture[str], *options: str
) -> tuple[int, dict[str, Any]]:
    logs_of = folder / "logs"
    logs_of.mkdir()
    receipts = [*(_receipt(place, f"t{place}") for place in range(TOKENS)), _receipt(12, "made-up") | ELSEWHERE]
    for name, lines in (("acme", issuances), ("receipts", receipts)):
        (logs_of / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    arguments = ["hunt", str(logs_of), "--case", str(folder / "case"), "--format", "json", "--quiet", *options]
    code = main(arguments)
    return code, json.loads(capsys.readouterr().out)


def _verdicts(told: dict[str, Any]) -> dict[str, int]:
    return {verdict: row["tokens"] for verdict, row in told["verdicts"].items() if row["tokens"]}


DECLARED = ("--complete", "acme-system/acme-eu", "--exported-at", "2026-06-03T00:00Z")


@pytest.mark.usefixtures("_acme")
def test_its_forged_token_is_forged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where the log is declared complete, what it lacks is forged, and what it has is minted."""
    code, told = _hunted(tmp_path, [_issuance(place) for place in range(TOKENS)], capsys, *DECLARED)
    assert _verdicts(told) == {"forged": 1, "minted": TOKENS}
    assert code == 1


@pytest.mark.usefixtures("_acme")
def test_undeclared_it_clears_and_convicts_nobody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a declaration nothing follows from absence."""
    _, told = _hunted(tmp_path, [_issuance(place) for place in range(TOKENS)], capsys)
    assert _verdicts(told) == {"uncovered": 1, "minted": TOKENS}


@pytest.mark.usefixtures("_acme")
def test_records_without_an_issuer_are_told_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A log whose records do not say whose tokens they are is there, and of no use: not `no record of this kind`."""
    issuances = [_issuance(place, issuer=None) for place in range(TOKENS)]
    _, told = _hunted(tmp_path, issuances, capsys, *DECLARED)
    assert _verdicts(told) == {"uncovered": 1, "minted": TOKENS}
    (row,) = [row for row in told["coverage"] if row["source"] == "acme-system"]
    assert row["status"] == "refused"
    assert row["reason"] == f"{TOKENS} of its issuances name no issuer: whose tokens they are, nothing tells"
