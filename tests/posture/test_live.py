"""Issuers that run, asked at their addresses over loopback: the lab's, and npm oidc-provider as it comes."""

from __future__ import annotations

import json
import secrets
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from cli.run import run
from counterfoil.lab.estate.clock import Clock
from counterfoil.lab.estate.founding import found
from counterfoil.lab.estate.processes import Processes, listening
from counterfoil.lab.estate.run import SECRET_BYTES
from counterfoil.lab.estate.settings import Estate, Realm
from foreign.running import CODE, PACKAGES, node, process

F, H, U, P = "fail", "partial", "cannot tell", "pass"
# One fetch tells nothing of rotation and age; metadata and keys tell the rest.
ONE_FETCH = {
    "issuer-key-age": U, "issuer-key-expired": U, "issuer-pre-publication": U, "issuer-rotation": U,
    "issuer-rotation-reverted": U, "issuer-token-lifetime": U,
}
SOUND = {
    "issuer-algorithms": P, "issuer-key-binding": P, "issuer-key-ids": P, "issuer-key-strength": P,
    "issuer-metadata": P, "issuer-pkce": P, "issuer-private-material": P, "issuer-realms": P,
    "issuer-shared-keys": P, "issuer-historical-keys": F,
}


def told(capsys: pytest.CaptureFixture[str], address: str) -> Mapping[str, str]:
    """Return what each check says of the issuer at an address."""
    ran = run(capsys, "posture", address, "--format", "json")
    assert ran.code == 1, ran.err
    findings = json.loads(ran.out)["findings"]
    assert {one["subject"] for one in findings} == {address}
    # whether badkeys and its list are installed is another test's business
    return {one["check"]: one["verdict"] for one in findings if one["check"] != "issuer-known-bad-keys"}


def test_the_labs_issuer(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """PKCE and a cache header, bearer tokens alone; its keys say what they are for."""
    founded = found(tmp_path, secrets.token_bytes(SECRET_BYTES), Clock.started(tmp_path, 0.0))
    with tempfile.TemporaryDirectory(prefix="cf-") as short, listening() as handle, Processes(tmp_path / "log") as all_:
        estate = Estate(
            path=tmp_path, issuer_port=handle.getsockname()[1], mail_port=0, files_port=0, kids=founded.kids,
            socket=Path(short) / "signer", counter_socket=Path(short) / "counter", dead_kid=founded.dead_kid,
        )
        estate.write()
        all_.start("signing", (tmp_path / "custody", estate.socket), ready=True)
        all_.start("signing", (tmp_path / "counter", estate.counter_socket), ready=True)
        all_.start("issuer", (tmp_path, handle.fileno()), handle=handle.fileno())
        said = told(capsys, estate.issuer(Realm.ORG))
    assert said == {**ONE_FETCH, **SOUND, "issuer-cache": P, "issuer-sender-constraint": F}


def test_oidc_provider(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """DPoP and PKCE are offered as it comes; nothing says for how long its keys may be kept."""
    program = node()
    shutil.copy(CODE / "plain.mjs", tmp_path)
    (tmp_path / "node_modules").symlink_to(PACKAGES / "node_modules")
    with process(program, tmp_path / "plain.mjs", ready='"ready"') as line:
        said = told(capsys, json.loads(line)["ready"])
    client_secrets = {"issuer-algorithms": H}  # clients may sign with their secret: HS256
    assert said == {**ONE_FETCH, **SOUND, **client_secrets, "issuer-cache": U, "issuer-sender-constraint": P}
