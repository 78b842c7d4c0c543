"""Our own signer: with hardening a process of the same user gets nothing out of it; without, the key is found."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from counterfoil.custody.algorithm import Algorithm
from counterfoil.custody.custody import Custody
from counterfoil.leaks.known import KnownKeys, from_jwks
from counterfoil.leaks.scan import ScanSettings, scan

from .planting import tool
from .silent import SILENT

NOW = datetime(2026, 1, 1, tzinfo=UTC)
_TOML = """
backend = "file"
origin = "custody.example.com/idp"
[file]
passphrase = "file:passphrase"
scrypt_log2_n = 14
"""
# Signs over its socket, then gives up root as a service would, becomes readable again, and is hardened or not.
_SIGNER = """
import ctypes, os, resource, sys, threading
from pathlib import Path
from counterfoil.custody.client import SignerClient
from counterfoil.custody.custody import Custody
from counterfoil.custody.hardening import harden
from counterfoil.custody.settings import SignerSettings
from counterfoil.custody.signer import Signer
folder, user, me, guard = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
signer = Signer(Custody.open(folder / "custody"), SignerSettings(admins=(me,)), folder / "sock")
threading.Thread(target=signer.serve, args=(lambda line: None,), daemon=True).start()
with SignerClient(folder / "sock") as client:
    client.sign("idp", b"token")
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(int(sys.argv[5]))
    os.setuid(user)
ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
os.chdir(folder / "dumps")
if guard == "open":
    resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)
print(harden().told() if guard == "harden" else "open", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """Yield a folder with a custody that has a key, and a folder for dumps that the signer's user may write to."""
    folder = Path(tempfile.mkdtemp(prefix="counterfoil-signer-"))
    folder.chmod(0o755)
    custody = folder / "custody"
    custody.mkdir(mode=0o700)
    (custody / "custody.toml").write_text(_TOML)
    (custody / "passphrase").touch(mode=0o600)
    (custody / "passphrase").write_text("a long passphrase")
    with Custody.open(custody) as held:
        (folder / "jwks.json").write_text(json.dumps(held.create("idp", Algorithm.RS256).jwk()))
    (folder / "dumps").mkdir()
    os.chown(folder / "dumps", _user(), -1)
    yield folder
    shutil.rmtree(folder)


def _user() -> int:
    return pwd.getpwnam("nobody").pw_uid if os.getuid() == 0 else os.getuid()


def _group() -> int:
    return pwd.getpwuid(_user()).pw_gid


def _dumped(place: Path, guard: str) -> tuple[str, list[Path]]:
    """Run a signer, have its own user dump it, kill it as a crash would; return what it says and the dumps."""
    me = pwd.getpwuid(os.getuid()).pw_name
    command = [sys.executable, "-c", _SIGNER, str(place), str(_user()), me, guard, str(_group())]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:  # noqa: S603  # our own
        assert process.stdout is not None
        told = process.stdout.readline().decode().strip()
        subprocess.run(  # noqa: S603  # our own process
            [tool("gcore"), "-o", str(place / "dumps" / "core"), str(process.pid)],
            user=_user(), cwd=place / "dumps", env={"HOME": str(place / "dumps"), "PATH": os.environ["PATH"]},
            capture_output=True, timeout=120, check=False,
        )
        process.send_signal(signal.SIGSEGV)
        process.wait(60)
    return told, [path for path in (place / "dumps").iterdir() if path.name.startswith("core")]


def _known(place: Path) -> KnownKeys:
    return KnownKeys(tuple(from_jwks((place / "jwks.json").read_bytes(), "jwks")))


def test_a_signer_without_hardening_leaves_its_key_in_a_dump(place: Path) -> None:
    """The control: the same process without `harden` is dumped by its own user, and the key is found in it."""
    told, dumps = _dumped(place, "open")
    assert told == "open"
    if not dumps:
        pytest.skip("processes may not dump others of the same user here (yama)")
    report = scan([str(path) for path in dumps], _known(place), ScanSettings(NOW, tokens=False), SILENT)
    assert {leak.form for leak in report.findings if leak.proven} >= {"rsa-factor"}


def test_a_hardened_signer_leaves_nothing(place: Path) -> None:
    """With `harden`: no dump by its own user, no core when it crashes; there is nothing to look for the key in."""
    told, dumps = _dumped(place, "harden")
    assert told.startswith("no core dumps, no ptrace")
    assert dumps == []
