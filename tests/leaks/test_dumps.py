"""Real dumps: a process that signs is killed, and the key is found in its core by the public key alone."""

from __future__ import annotations

import os
import resource
import signal
import struct
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from counterfoil.leaks.finding import LeaksReport
from counterfoil.leaks.scan import ScanSettings, scan

from .planting import known_of, rsa_keys, tool
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
        [tool("gcore"), "-o", str(folder / "core"), str(pid)],
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
    ) as signer:
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


def test_openssl_leaves_its_key_when_it_is_stopped(tmp_path: Path) -> None:
    """`openssl dgst -sign`, stopped in gdb where it signs: the key is found in its memory."""
    key, data, core = tmp_path / "key.pem", tmp_path / "data", tmp_path / "openssl.core"
    key.write_bytes(rsa_keys()[0].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    data.write_bytes(b"token")
    subprocess.run(  # noqa: S603  # our own process
        [tool("gdb"), "-batch",
         "-ex", "set breakpoint pending on", "-ex", "break EVP_DigestSignFinal", "-ex",
         "break EVP_DigestSign", "-ex", "run", "-ex", f"generate-core-file {core}", "-ex", "kill", "--args",
         tool("openssl"), "dgst", "-sha256", "-sign", str(key), "-out", str(tmp_path / "sig"), str(data)],
        capture_output=True, timeout=120, check=False,
    )
    if not core.exists():
        pytest.skip("gdb could not write a core here")
    report = _found(core)
    assert {leak.form for leak in report.findings if leak.proven} >= {"rsa-factor"}


def _minidump(key: bytes, *, taken: int = 1_767_000_000) -> tuple[bytes, int]:
    """Return a minidump as MiniDumpWriteDump lays one out, with the key in its second range of memory, and its offset.

    Header, directory, ModuleListStream (4), Memory64ListStream (9): minidumpapiset.h.
    """
    name = "C:\\Windows\\System32\\lsass.exe".encode("utf-16-le")
    text = struct.pack("<I", len(name)) + name + b"\0\0"
    head, directory = 32, 2 * 12
    text_at = head + directory
    modules_at = text_at + len(text)
    module = struct.pack("<QIIII", 0x7FF600000000, 0x20000, 0, 0, text_at).ljust(108, b"\0")
    modules = struct.pack("<I", 1) + module
    ranges_at = modules_at + len(modules)
    memory = [(0x10000, bytes(4096)), (0x1F4A2B30000, os.urandom(777) + key + os.urandom(500))]
    base = ranges_at + 16 + 16 * len(memory)
    ranges = struct.pack("<QQ", len(memory), base) + b"".join(struct.pack("<QQ", a, len(m)) for a, m in memory)
    header = struct.pack("<4sIIIIIQ", b"MDMP", 0xA793, 2, head, 0, taken, 2)
    table = struct.pack("<III", 4, len(modules), modules_at) + struct.pack("<III", 9, len(ranges), ranges_at)
    return header + table + text + modules + ranges + b"".join(m for _, m in memory), base + 4096 + 777


def test_a_minidump_tells_process_address_and_time(tmp_path: Path) -> None:
    """A bare prime in a minidump: its offset, its address in the process, which process, and the dump's own time."""
    prime = rsa_keys()[0].private_numbers().p.to_bytes(128, "little")
    data, place = _minidump(prime)
    path = tmp_path / "lsass.dmp"
    path.write_bytes(data)
    (leak,) = _found(path).findings
    assert (leak.form, leak.offset, leak.kid) == ("rsa-factor", place, "k0")
    assert leak.region == f"minidump, address 0x{0x1F4A2B30000 + 777:x}, process lsass.exe"
    taken, changed = leak.bounds
    assert (taken.by, taken.time) == ("header of the minidump", "2025-12-29T09:20:00Z")
    assert changed.by == "modification of the file"


@pytest.mark.parametrize("at", range(0, 56, 4))
def test_a_minidump_with_a_damaged_header_is_scanned_all_the_same(tmp_path: Path, at: int) -> None:
    """Any word of header and directory replaced by nonsense: the key is found, at worst without its region."""
    prime = rsa_keys()[0].private_numbers().p.to_bytes(128, "little")
    data, place = _minidump(prime)
    path = tmp_path / "damaged.dmp"
    path.write_bytes(data[:at] + b"\xff\xff\xff\x7f" + data[at + 4 :])
    assert [leak.offset for leak in _found(path).findings] == [place]
