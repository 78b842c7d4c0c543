"""A back-end in a process of its own: what becomes of the service when that process ends, hangs or never begins."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from counterfoil.custody import apart
from counterfoil.custody.algorithm import Algorithm
from counterfoil.custody.auditor import audited
from counterfoil.custody.custody import Custody
from counterfoil.errors import KeyStoreError, UsageError

from .backends import PIN, Backend

INPUT = b"eyJhbGciOiJFUzI1NiJ9.eyJqdGkiOiIxIn0"


@pytest.fixture
def folder(started: dict[str, Backend], tmp_path: Path) -> Path:
    """Return a custody folder over SoftHSM."""
    started["pkcs11"].settings(tmp_path / "custody")
    return tmp_path / "custody"


@pytest.fixture
def custody(folder: Path) -> Iterator[Custody]:
    """Yield custody with a key."""
    with Custody.open(folder) as opened:
        opened.create("idp", Algorithm.ES256)
        yield opened


def process(custody: Custody) -> int:
    """Return the id of the process that holds the keys."""
    driver = custody._store._driver
    assert isinstance(driver, apart.Apart)
    return driver._process.pid


ENDS: dict[str, Callable[[int], None]] = {
    "it is killed": lambda pid: os.kill(pid, signal.SIGKILL),
    "its library crashes": lambda pid: os.kill(pid, signal.SIGSEGV),
    "its device never answers": lambda pid: os.kill(pid, signal.SIGSTOP),
}


@pytest.mark.parametrize("told", ENDS)
def test_a_process_that_is_gone_is_a_failed_back_end(
    told: str, custody: Custody, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is signed any more, each attempt is recorded as failed, and custody opened again signs."""
    assert custody.sign("idp", INPUT, purpose="before").signature
    monkeypatch.setattr(apart, "ANSWER_SECONDS", 0.3)
    ENDS[told](process(custody))
    for _ in range(2):
        with pytest.raises(KeyStoreError, match="ended, or does not answer") as caught:
            custody.sign("idp", INPUT, purpose="after")
        assert "open custody again" in caught.value.hint
    custody.close()
    with Custody.open(folder) as again:
        assert again.sign("idp", INPUT, purpose="again").signature
    found = audited(folder / "log")
    assert not found.problems
    assert [use.count for use in found.uses if use.result == "failed"] == [2]


def test_two_custodies_of_one_process_may_use_two_logins(folder: Path, custody: Custody, tmp_path: Path) -> None:
    """Closing one does not log the other out: each has a process of its own."""
    (tmp_path / "second").mkdir(mode=0o700)
    for name in ("custody.toml", "pin"):
        (tmp_path / "second" / name).write_bytes((folder / name).read_bytes())
        (tmp_path / "second" / name).chmod(0o600)
    with Custody.open(tmp_path / "second") as other:
        other.create("other", Algorithm.ES256)
    assert custody.sign("idp", INPUT).signature


WRONG = {
    "another PIN": ("pin", PIN, "0000", "wrong PIN"),
    "no such token": ("custody.toml", 'token = "counterfoil"', 'token = "gone"', "no PKCS#11 token"),
    "no module there": ("custody.toml", "libsofthsm2.so", "gone.so", "gone.so"),
}


@pytest.mark.parametrize("told", WRONG)
def test_what_the_process_meets_when_it_begins_is_told_here(told: str, folder: Path) -> None:
    """The same class of error, line and hint as if it were met in this process."""
    name, old, new, words = WRONG[told]
    file = folder / name
    file.write_text(file.read_text().replace(old, new))
    with pytest.raises(KeyStoreError, match=words):
        Custody.open(folder)


def test_a_library_that_is_missing_is_told_here(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """UsageError with the extra that brings it."""
    (tmp_path / "pkcs11.py").write_text("raise ImportError('no', name='pkcs11')")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    with pytest.raises(UsageError) as caught:
        Custody.open(folder)
    assert "counterfoil[pkcs11]" in caught.value.hint


def test_the_folder_that_one_is_in_brings_no_code(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A module in the current folder, which others may write to, is not what the key store's process imports."""
    (tmp_path / "msgspec.py").write_text("raise SystemExit('taken')")
    monkeypatch.chdir(tmp_path)
    with Custody.open(folder) as opened:
        assert opened.create("idp", Algorithm.ES256).algorithm is Algorithm.ES256
