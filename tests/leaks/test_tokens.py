"""Tokens in logs: whose they are and whether they live, verified where the keys are known, never shown."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from counterfoil.leaks import render
from counterfoil.leaks.finding import LeaksReport
from counterfoil.leaks.known import KnownKeys
from counterfoil.leaks.scan import ScanSettings, scan

from .planting import known_of, rsa_keys
from .silent import SILENT

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
COOKIE = "0.AXoAcJ8b2kQnVkW7m1Zz0pYh3s8uTgRfQeLdKxJwMv5NaBcXyZ12EtGhUi-" + "q7Rk4Tn2Wp9" * 4


def _token(key: rsa.RSAPrivateKey, kid: str = "k0", *, end: timedelta | None = HOUR, start: timedelta = -HOUR) -> str:
    claims: dict[str, object] = {"iss": "https://idp.example", "aud": "api://mail", "sub": "alice", "jti": "t-1"}
    claims |= {"nbf": NOW + start} | ({"exp": NOW + end} if end is not None else {})
    return jwt.encode(claims, key, "RS256", headers={"kid": kid})


def _scan(folder: Path, text: str, known: KnownKeys | None = None) -> LeaksReport:
    (folder / "app.log").write_text(text)
    return scan([str(folder / "app.log")], known or known_of(*rsa_keys()[:1]), ScanSettings(NOW), SILENT)


OURS, THEIRS = rsa_keys()[0], rsa_keys()[1]
JUDGED: Mapping[str, tuple[str, str, str]] = {
    "a live token of ours": (_token(OURS), "live", "yes"),
    "an expired one": (_token(OURS, end=-HOUR), "expired", "yes"),
    "one that is not valid yet": (_token(OURS, start=HOUR, end=2 * HOUR), "not-yet-valid", "yes"),
    "one without an end": (_token(OURS, end=None), "unknown", "yes"),
    "one that another key signed under our key id": (_token(THEIRS), "live", "no"),
    "one of another issuer": (_token(THEIRS, "other"), "live", "unknown"),
    "one whose key id is not ours but whose key is": (_token(OURS, "renamed"), "live", "yes"),
}


@pytest.mark.parametrize("case", JUDGED)
def test_a_token_in_a_log_is_judged(tmp_path: Path, case: str) -> None:
    """State by its own times, signature by the JWKS; place, key id and claims that say whose business it is."""
    token, state, verified = JUDGED[case]
    (seen,) = _scan(tmp_path, f"GET /mail Authorization: Bearer {token} 200\n").tokens
    assert (seen.form, seen.state, seen.verified, seen.offset) == ("jwt", state, verified, 32)
    assert dict(seen.claims)["jti"] == "t-1"
    assert "sub" not in dict(seen.claims)


def test_a_changed_token_is_not_called_ours(tmp_path: Path) -> None:
    """One claim changed: the signature is wrong, and said to be."""
    head, body, signature = _token(OURS).split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    changed = base64.urlsafe_b64encode(json.dumps(claims | {"sub": "mallory"}).encode()).rstrip(b"=").decode()
    (seen,) = _scan(tmp_path, f"{head}.{changed}.{signature}").tokens
    assert seen.verified == "no"


OTHERS: Mapping[str, tuple[str, str, str]] = {
    "a refresh token in JSON": (f'{{"refresh_token": "{COOKIE}"}}', "refresh-token", "unknown"),
    "a session cookie of Entra ID": (f"Cookie: ESTSAUTH={COOKIE}; x=1", "session-cookie", "unknown"),
    "a live SAML assertion": (
        '<saml:Assertion ID="_1" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"><saml:Issuer>urn:idp</saml:Issuer>'
        '<saml:Conditions NotBefore="2025-12-31T23:00:00Z" NotOnOrAfter="2026-01-01T01:00:00Z"/></saml:Assertion>',
        "saml-assertion", "live",
    ),
    "an expired SAML assertion": (
        '<saml:Assertion ID="_1" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"><saml:Issuer>urn:idp</saml:Issuer>'
        '<saml:Conditions NotBefore="2025-12-31T22:00:00Z" NotOnOrAfter="2025-12-31T23:00:00Z"/></saml:Assertion>',
        "saml-assertion", "expired",
    ),
}


@pytest.mark.parametrize("case", OTHERS)
def test_other_secrets_of_sessions_are_told(tmp_path: Path, case: str) -> None:
    """Refresh tokens, cookies, assertions: form and state."""
    text, form, state = OTHERS[case]
    (seen,) = _scan(tmp_path, f"line one\n{text}\nline three\n").tokens
    assert (seen.form, seen.state) == (form, state)


def test_what_only_looks_like_a_token_is_none(tmp_path: Path) -> None:
    """Documentation, a cut token, words after refresh_token: nothing."""
    cut = _token(OURS).rsplit(".", 1)[0]
    assert not _scan(tmp_path, f"eyJhbGciOi... {cut} refresh_token=please refresh_token: see page 4 ESTSAUTH=\n").tokens


def test_no_format_shows_a_token(tmp_path: Path) -> None:
    """Text, JSON, JSON lines, SARIF and repr hold no run of 16 signs of a token, nor the subject."""
    text = f"Bearer {_token(OURS)}\nCookie: ESTSAUTH={COOKIE}\n"
    report = _scan(tmp_path, text)
    assert len(report.tokens) == 2
    secrets = (*_token(OURS).split("."), COOKIE)
    for shown in (*(render.render(report, form) for form in render.FORMATS), repr(report)):
        assert "alice" not in shown
        for secret in secrets:
            assert not any(secret[at : at + 16] in shown for at in range(0, len(secret) - 16, 8))
