"""Secrets of HMAC-signed tokens: found wherever and however they are written, proven by the MAC, never shown."""

from __future__ import annotations

import base64
import hmac
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from counterfoil.errors import InputError
from counterfoil.leaks import render, symmetric
from counterfoil.leaks.finding import LeaksReport
from counterfoil.leaks.known import KnownKeys
from counterfoil.leaks.scan import ScanSettings, scan

from .silent import SILENT

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECRET = bytes.fromhex("9f3c1b70e2d84a55c61e0b9d3377f0a8124fd6b95ce0813aa7f4602bd19e5c43")
PHRASE = b"correct horse battery staple"


def token(secret: bytes, algorithm: str = "HS256") -> bytes:
    """Return a JWT with an HMAC."""
    parts = ({"alg": algorithm, "kid": "hmac-1"}, {"iss": "https://idp.example", "exp": 1_700_000_000})
    signed = b".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts)
    mac = hmac.digest(secret, signed, f"sha{algorithm[2:]}")
    return signed + b"." + base64.urlsafe_b64encode(mac).rstrip(b"=")


def _scan(folder: Path, data: bytes, secret: bytes, algorithm: str = "HS256", *, every: bool = False) -> LeaksReport:
    (folder / "token").write_bytes(b"Authorization: Bearer " + token(secret, algorithm) + b"\r\n")
    (folder / "data").write_bytes(data)
    known = KnownKeys(macs=symmetric.macs([folder / "token"]))
    return scan([str(folder / "data")], known, ScanSettings(NOW, every_offset=every, tokens=False), SILENT)


B64 = base64.b64encode(SECRET)
URL = base64.urlsafe_b64encode(SECRET).rstrip(b"=")
FOUND = {
    "32 raw bytes between noise": (os.urandom(4096) + SECRET + os.urandom(99), SECRET, 4096),
    "64 raw bytes": (bytes(640) + SECRET + SECRET[::-1] + bytes(64), SECRET + SECRET[::-1], 640),
    "base64 in an environment file": (b"# settings\nJWT_SECRET=" + B64 + b"\nPORT=1\n", SECRET, 22),
    "base64 without its padding": (b"secret: " + B64.rstrip(b"=") + b"\n", SECRET, 8),
    "k of a JWK": (b'{"kty":"oct","k":"' + URL + b'"}', SECRET, 18),
    "hex in YAML": (b"key: " + SECRET.hex().encode() + b"\n", SECRET, 5),
    "hex that is used as text": (b"key: " + SECRET.hex().encode() + b"\n", SECRET.hex().encode(), 5),
    "base64 that is used as text": (b"key='" + B64 + b"'", B64, 5),
    "a phrase with spaces in JSON": (b'{"a": "b", "jwt": {"secret": "' + PHRASE + b'"}}', PHRASE, 30),
    "a weak word in code": (b"app.secret('hunter22')", b"hunter22", 12),
    "a word in UTF-16, as .NET holds it": (bytes(64) + "hunter22".encode("utf-16-le") + bytes(9), b"hunter22", 64),
}


@pytest.mark.parametrize("case", FOUND)
def test_a_secret_is_found_as_it_is_written(tmp_path: Path, case: str) -> None:
    """Each way to keep a secret: one proven finding at its place, under the key id that the token names."""
    data, secret, place = FOUND[case]
    proven = [leak for leak in _scan(tmp_path, data, secret).findings if leak.proven]
    assert {(leak.form, leak.kid, leak.offset) for leak in proven} == {("hs256-secret", "hmac-1", place)}


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_the_longer_hashes_are_tried_as_well(tmp_path: Path, algorithm: str) -> None:
    """HS384 and HS512 prove a secret like HS256."""
    (leak,) = _scan(tmp_path, b"secret=" + B64, SECRET, algorithm).findings
    assert (leak.form, leak.how) == (f"{algorithm.lower()}-secret", "its HMAC is that of the token, as base64")


def test_bytes_at_odd_places_are_found_when_every_offset_is_asked_for(tmp_path: Path) -> None:
    """Aligned by default: bytes at an odd offset are found with every_offset only."""
    data = os.urandom(1001) + SECRET
    assert not _scan(tmp_path, data, SECRET).findings
    assert [leak.offset for leak in _scan(tmp_path, data, SECRET, every=True).findings] == [1001]


def test_another_secret_is_none(tmp_path: Path) -> None:
    """What does not give the MAC is not told, however much it looks like a secret."""
    assert not _scan(tmp_path, b"JWT_SECRET=" + B64 + b"\n" + os.urandom(4096), os.urandom(32)).findings


def test_a_secret_across_a_border_of_chunks_is_found_once(tmp_path: Path) -> None:
    """The border of two chunks goes through the secret."""
    data = bytes((4 << 20) - 30) + b"\nsecret=" + B64 + b"\n" + bytes(100)
    assert len(_scan(tmp_path, data, SECRET).findings) == 1


def test_a_file_without_such_a_token_is_refused(tmp_path: Path) -> None:
    """RS256, or no token at all: one clear line."""
    path = tmp_path / "token"
    for data in (b"", b"hello", token(SECRET).replace(b"eyJhbGciOiAiSFMyNTYi", b"eyJhbGciOiAiUlMyNTYi")):
        path.write_bytes(data)
        with pytest.raises(InputError, match="holds no token with an HMAC"):
            symmetric.macs([path])


def test_neither_token_nor_secret_is_shown(tmp_path: Path) -> None:
    """No format, no repr and no line of the command has a part of the token's signature or of the secret."""
    report = _scan(tmp_path, b"JWT_SECRET=" + B64 + b"\n", SECRET)
    signature = token(SECRET).rsplit(b".", 1)[1].decode()
    known = repr(KnownKeys(macs=symmetric.macs([tmp_path / "token"])))
    command = [sys.executable, "-m", "counterfoil.cli.main", "leaks", str(tmp_path / "data"), "--token"]
    done = subprocess.run([*command, str(tmp_path / "token")], capture_output=True, text=True, check=False)  # noqa: S603  # our own
    assert done.returncode == 1
    assert "hs256-secret" in done.stdout
    for text in (*(render.render(report, form) for form in render.FORMATS), known, done.stdout, done.stderr):
        assert signature[:12] not in text
        assert B64.decode()[:12] not in text
        assert SECRET.hex()[:12] not in text
