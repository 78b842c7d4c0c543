"""What is good once: in one process, in all processes of a machine, and among threads that ask at the same moment."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from counterfoil.errors import InputError, UsageError
from counterfoil.relying import replays
from counterfoil.relying.replays import ProcessReplays, SharedReplays
from counterfoil.tokens.replay import Replays, name_of

Make = Callable[[], Replays]


@pytest.fixture(params=["process", "shared"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """Return what makes a memory of each kind."""
    return ProcessReplays if request.param == "process" else lambda: SharedReplays(tmp_path / "replays.db")


def test_a_name_is_good_once_until_its_time_is_over(make: Make) -> None:
    """Then it could be used again, but what it stands for is no longer good itself."""
    memory = make()
    asked = [memory.first("a", 160.0, now) for now in (100.0, 100.0, 159.9, 160.0, 161.0)]
    assert asked == [True, False, False, True, True]
    assert memory.first("b", 160.0, 100.0)
    assert not memory.first("b", 999.0, 100.0)


def test_of_many_who_ask_at_once_one_is_first(make: Make) -> None:
    """Two requests with one proof at the same moment: only one passes."""
    memory, found = make(), list[bool]()
    threads = [threading.Thread(target=lambda: found.append(memory.first("a", 160.0, 100.0))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [False] * 15 + [True]


def test_a_memory_does_not_grow_without_end(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is over is forgotten; beyond the bound the oldest go first."""
    monkeypatch.setattr(replays, "MOST_NAMES", 20)
    memory = make()
    for number in range(50):
        assert memory.first(f"n{number}", 160.0, 100.0)
    assert not memory.first("n49", 160.0, 100.0)
    assert memory.first("n0", 160.0, 100.0)
    for number in range(50):
        assert memory.first(f"m{number}", 400.0, 300.0 + number)


def _ask(path: Path, answers: multiprocessing.Queue[bool]) -> None:
    answers.put(SharedReplays(path).first("a", 160.0, 100.0))


def test_processes_share_a_file_and_a_fork_a_memory(tmp_path: Path) -> None:
    """Eight processes, and one that was forked with a memory that was already used: one of all is the first."""
    path = tmp_path / "replays.db"
    memory = SharedReplays(path)
    answers: multiprocessing.Queue[bool] = multiprocessing.Queue()
    assert memory.first("before", 160.0, 100.0)
    context = multiprocessing.get_context("fork")
    started = [context.Process(target=_ask, args=(path, answers)) for _ in range(4)]
    started += [context.Process(target=lambda: answers.put(memory.first("a", 160.0, 100.0))) for _ in range(4)]
    for process in started:
        process.start()
    found = [answers.get(timeout=60) for _ in started]
    for process in started:
        process.join()
    assert sorted(found) == [False] * 7 + [True]
    assert not memory.first("a", 160.0, 100.0)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_memory_that_cannot_be_asked_lets_nothing_pass(tmp_path: Path) -> None:
    """A file that is none of ours, and one that went bad while the service ran."""
    with pytest.raises(UsageError, match="cannot remember"):
        SharedReplays(tmp_path / "none" / "replays.db")
    (tmp_path / "text").write_text("not a database, and longer than any header of one " * 50)
    with pytest.raises(UsageError, match="cannot remember"):
        SharedReplays(tmp_path / "text")
    memory = SharedReplays(tmp_path / "replays.db")
    with sqlite3.connect(tmp_path / "replays.db") as other:
        other.execute("DROP TABLE seen")
    other.close()
    with pytest.raises(InputError, match="cannot remember"):
        memory.first("a", 160.0, 100.0)


def _open_to(mode: int) -> Callable[[Path], None]:
    def made(path: Path) -> None:
        path.touch()
        path.chmod(mode)

    return made


ODD: dict[str, tuple[Callable[[Path], None], str]] = {
    "a file that everybody may write to": (_open_to(0o602), "others than its owner"),
    "a file that its group may write to": (_open_to(0o620), "others than its owner"),
    "a FIFO": (os.mkfifo, "no plain file"),
    "a device": (lambda path: path.symlink_to("/dev/null"), "no plain file"),
    "a folder": (Path.mkdir, "cannot remember"),
}


@pytest.mark.parametrize(("make", "why"), ODD.values(), ids=ODD)
def test_a_memory_is_a_file_that_only_its_owner_changes(tmp_path: Path, make: Callable[[Path], None], why: str) -> None:
    """Whoever can write to it can make it forget, and what is no file remembers nothing."""
    make(tmp_path / "odd")
    with pytest.raises(UsageError, match=why):
        SharedReplays(tmp_path / "odd")


@pytest.mark.parametrize("again", [False, True], ids=["gone", "made anew"])
def test_a_memory_whose_file_was_removed_lets_nothing_pass(tmp_path: Path, again: bool) -> None:
    """A process that starts now would know nothing of what this one remembers, and each proof would be good twice."""
    path = tmp_path / "replays.db"
    memory = SharedReplays(path)
    assert memory.first("a", 160.0, 100.0)
    for file in tmp_path.iterdir():
        file.unlink()
    other = SharedReplays(path) if again else None
    for name in ("a", "b"):
        with pytest.raises(InputError, match="cannot remember"):
            memory.first(name, 160.0, 100.0)
    assert other is None or other.first("b", 160.0, 100.0)
    assert path.exists() is again


def test_no_two_uses_have_one_name() -> None:
    """Parts are told apart, and a name is short whatever the client wrote."""
    assert name_of("a", "bc") != name_of("ab", "c")
    assert name_of("a", "1:b") != name_of("a", "1", "b")
    assert len(name_of("x" * 10_000, "\ud800")) == 64
