"""The page for whoever keeps signing keys is played: its commands in order, and its Python against a running signer."""

from __future__ import annotations

import os
import pwd
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from counterfoil.cli.main import main

from .pages import commands, page

PAGE = "docs/keep-signing-keys.md"
HOME = "/srv/custody"
SOCKET = "/run/custody/signer.sock"
# What needs a device, a service or another machine; tests/custody has them.
ELSEWHERE = ("--backend", "keys attach", "keys serve", "keys witness")


def test_the_page_can_be_followed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the first key over a signature by the token service to the audit, the rotation and the end."""
    monkeypatch.chdir(tmp_path)
    store = tmp_path / "custody"
    lines = [line for block in page(PAGE).blocks for line in commands(block) if line.startswith("counterfoil keys")]
    played = [line for line in lines if not any(word in line for word in ELSEWHERE)]
    assert len(played) > 9
    begun, later = played[:3], played[3:]
    for line in begun:
        assert _typed(line, store) == 0, line
        if "keys init" in line:
            with (store / "custody.toml").open("a") as file:
                file.write("scrypt_log2_n = 14\n")  # a test has no time for half a second each
    assert main(["keys", "create", str(store), "old-idp"]) == 0  # where the page attaches one
    _signs(store)
    shutil.copy(store / "log/log.vkey", tmp_path / "log.vkey")
    for line in later:
        capsys.readouterr()
        assert _typed(line, store) == (1 if "--digest" in line else 0), line  # nothing was signed with that digest
        if line.endswith("--records"):
            assert "access token" in capsys.readouterr().out


def _typed(line: str, store: Path) -> int:
    return main(shlex.split(line.replace(HOME, str(store)))[1:])


def _signs(store: Path) -> None:
    """Run the page's Python as the token service, while a signer runs."""
    (block,) = [found for found in page(PAGE).blocks if found.language == "python"]
    command = [sys.executable, "-m", "counterfoil.cli.main", "keys", "serve", str(store), "--allow"]
    me = pwd.getpwuid(os.getuid()).pw_name
    process = subprocess.Popen([*command, me], stderr=subprocess.PIPE)  # noqa: S603  # our own
    assert process.stderr is not None
    try:
        next(line for line in process.stderr if b"listening" in line)
        shown: dict[str, object] = {}
        exec(compile(block.text.replace(SOCKET, str(store / "signer.sock")), PAGE, "exec"), shown)  # noqa: S102  # our own page
        assert len(bytes(shown["signature"])) == 64  # type: ignore[call-overload]
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    assert process.returncode == 0
