"""Power cuts, replayed: whatever part of the unsynced writes reached the disk, no acknowledged entry is lost.

A killed process keeps its page cache; a power cut does not. The folder records every operation of a run. Afterwards,
for every point of it, the disk is put together as it may look: what was synced, and any part of what was not.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from counterfoil.tlog import replay, wal
from counterfoil.tlog.filelog import open_log

from .making import ORIGIN, Unsynced, entries
from .power_cuts import Disk, Recording, put_together


def _run(path: Path, count: int, seal_after: int) -> tuple[Recording, list[tuple[int, bytes]]]:
    """Append entries and publish; returns the operations, and after how many of them each entry was promised."""
    folder = Recording(path)
    log = open_log(path, ORIGIN, folder=folder, seal_after=seal_after)
    promised = []
    for place in range(count):
        entry = b'{"entry": %d, "filling": "%s"}' % (place, b"." * (place % 40))
        log.append(entry)
        promised.append((len(folder.done), entry))
        if place % 7 == 3:
            log.publish()
    log.close()
    return folder, promised


def _replay(tmp_path: Path, count: int, seal_after: int, step: int, last: int = 1_000_000) -> int:
    """Cut a run at each of its last operations; returns how many disks were tried."""
    folder, promised = _run(tmp_path / "run", count, seal_after)
    created = 1 + next(place for place, (_, name, *_) in enumerate(folder.done) if name == replay.KEY_FILE)
    disk, states = Disk(), 0
    for place, operation in enumerate(folder.done, 1):
        disk.do(*operation)
        if place < max(created, len(folder.done) - last):
            continue
        for files in disk.states(step):
            states += 1
            _hold(tmp_path / "cut", files, [entry for when, entry in promised if when <= place], promised)
    return states


def _hold(path: Path, files: dict[str, bytes], kept: list[bytes], promised: list[tuple[int, bytes]]) -> None:
    """Put a disk together, open the log, and look what is there; then it must take an entry and verify again."""
    put_together(path, files)
    log = open_log(path, folder=Unsynced(path))
    index = log.append(b"after the cut")
    log.close()
    found = entries(path)
    assert found[-1] == b"after the cut"
    assert found[:-1] == [entry for _, entry in promised][:index]
    assert found[: len(kept)] == kept


def test_a_power_cut_loses_no_promised_entry(tmp_path: Path) -> None:
    """Cut at every operation and at many points of each unsynced write: all that was promised is there and verifies."""
    assert _replay(tmp_path, count=9, seal_after=100, step=37) > 300


@pytest.mark.slow
@pytest.mark.parametrize(("count", "seal_after", "step", "last"), [(8, 1000, 1, 1000), (264, 260, 61, 60)])
def test_a_power_cut_at_every_byte_loses_no_promised_entry(
    tmp_path: Path, count: int, seal_after: int, step: int, last: int
) -> None:
    """Every byte of every unsynced write, and a run that moves entries into bundles on the way."""
    assert _replay(tmp_path, count, seal_after, step, last) > 100


def test_an_unfinished_write_is_put_aside(tmp_path: Path) -> None:
    """What is cut off is kept for whoever wants to look, and told."""
    folder, _ = _run(tmp_path / "run", 3, 100)
    raw = (tmp_path / "run/wal").read_bytes()
    frame = wal.pack_frame(3, [b"unfinished"], bytes(32), bytes(64))[:-5]
    (tmp_path / "run/wal").write_bytes(raw + frame)
    log = open_log(tmp_path / "run")
    assert (log.found.size, log.found.torn) == (3, frame)
    log.close()
    assert [path.read_bytes() for path in (tmp_path / "run").glob("torn-3-*")] == [frame]
    assert folder.path == tmp_path / "run"
