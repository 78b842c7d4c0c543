"""Real dumps: a process that signs is killed, and the key is found in its core by the public key alone."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from counterfoil.leaks.finding import LeaksReport
from counterfoil.leaks.scan import ScanSettings, scan

from .planting import known_of, rsa_keys
from .silent import SILENT

NOW = datetime(2026, 1, 1, tzinfo=UTC)
_SIGNER = """
import sys, time
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
key = serialization.load_pem_private_key(sys.stdin.buffer.read(), None)
key.sign(b"token", padding.PKCS1v15(), hashes.SHA256())
print("ready", flush=True)
time.sleep(600)
"""


def _core_of(pid: int, folder: Path) -> Path:
    """Have gdb write the core of a running process, as a crash would."""
    done = subprocess.run(  # noqa: S603  # our own process
        [str(shutil.which("gcore")), "-o", str(folder / "core"), str(pid)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    path = folder / f"core.{pid}"
    if not path.exists():
        pytest.skip(f"gdb could not write a core here: {done.stderr[-200:]}")
    return path


def _found(core: Path) -> LeaksReport:
    return scan([str(core)], known_of(rsa_keys()[0]), ScanSettings(NOW, tokens=False), SILENT)


@pytest.mark.skipif(shutil.which("gcore") is None, reason="gdb is not installed")
def test_a_python_signer_leaves_its_key_in_its_core(tmp_path: Path) -> None:
    """A process that signs with `cryptography`: its core holds bare primes, proven, with their addresses."""
    pem = rsa_keys()[0].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with subprocess.Popen([sys.executable, "-c", _SIGNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as signer:  # noqa: S603  # our own process
        try:
            assert signer.stdin is not None
            assert signer.stdout is not None
            signer.stdin.write(pem)
            signer.stdin.close()
            assert signer.stdout.readline() == b"ready\n"
            report = _found(_core_of(signer.pid, tmp_path))
        finally:
            signer.kill()
    bare = [leak for leak in report.findings if leak.form == "rsa-factor"]
    assert bare
    assert all(leak.proven and leak.kid == "k0" for leak in bare)
    assert all("ELF core, address 0x" in leak.region for leak in bare)


def test_a_process_killed_under_a_core_limit_leaves_its_key(tmp_path: Path) -> None:
    """The same by SIGSEGV, where the kernel writes cores into the working folder."""
    pattern = Path("/proc/sys/kernel/core_pattern").read_text().strip()
    if pattern.startswith("|") or "/" in pattern:
        pytest.skip(f"cores do not go to the working folder here: {pattern}")
    pem = rsa_keys()[0].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with subprocess.Popen(  # noqa: S603  # our own process
        [sys.executable, "-c", _SIGNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=tmp_path,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2),
    ) as signer:  # fmt: skip
        assert signer.stdin is not None
        assert signer.stdout is not None
        signer.stdin.write(pem)
        signer.stdin.close()
        signer.stdout.readline()
        os.kill(signer.pid, signal.SIGSEGV)
        signer.wait(60)
    cores = [path for path in tmp_path.iterdir() if path.name.startswith("core")]
    if not cores:
        pytest.skip("the kernel wrote no core here (a hard limit of 0, or no place)")
    assert any(leak.proven for leak in _found(cores[0]).findings)


@pytest.mark.skipif(shutil.which("gdb") is None or shutil.which("openssl") is None, reason="needs gdb and openssl")
def test_openssl_leaves_its_key_when_it_is_stopped(tmp_path: Path) -> None:
    """`openssl dgst -sign`, stopped in gdb where it signs: the key is found in its memory."""
    key, data, core = tmp_path / "key.pem", tmp_path / "data", tmp_path / "openssl.core"
    key.write_bytes(rsa_keys()[0].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    data.write_bytes(b"token")
    subprocess.run(  # noqa: S603  # our own process
        [str(shutil.which("gdb")), "-batch",
         "-ex", "set breakpoint pending on", "-ex", "break EVP_DigestSignFinal", "-ex",
         "break EVP_DigestSign", "-ex", "run", "-ex", f"generate-core-file {core}", "-ex", "kill", "--args",
         str(shutil.which("openssl")), "dgst", "-sha256", "-sign", str(key), "-out", str(tmp_path / "sig"), str(data)],
        capture_output=True, timeout=120, check=False,
    )  # fmt: skip
    if not core.exists():
        pytest.skip("gdb could not write a core here")
    report = _found(core)
    assert {leak.form for leak in report.findings if leak.proven} >= {"rsa-factor"}
