"""A power cut at any unsynced point of the ledger's or custody's writes: no token is out without its counterfoil.

A mint runs under load, on several threads, over folders that write down every operation of both logs in one order, and
when each token was handed out. Then, for every point of that order, each disk is put together as it may look.
Longer runs: pytest -m slow tests/mint/test_power_cut.py
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import pytest

from counterfoil.custody import audit
from counterfoil.custody.audit import Operation
from counterfoil.custody.custody import Custody
from counterfoil.custody.settings import read_settings
from counterfoil.custody.store import KeyStore
from counterfoil.mint.ledger import FileLedger, decode
from counterfoil.mint.mint import Mint
from counterfoil.mint.policy import MintPolicy
from counterfoil.model.counterfoil import Grant
from counterfoil.tlog import replay
from counterfoil.tlog.filelog import open_log
from counterfoil.tlog.folder import Folder
from tlog.making import Unsynced
from tlog.power_cuts import Disk, Recording, put_together

from .making import CLAIMS, MINT_POLICY, NOW, ORIGIN, SUBJECTS, custody_in

LEDGER, CUSTODY, RELEASED = "ledger", "custody", "released"
THREADS, SEAL_AFTER = 4, 300


@dataclass
class Story:
    """What happened, in order: (log, kind, file, place, data) of a write, or (released, digest of the token).

    `begun`: the files of custody before, which were closed, so that nothing of them was unsynced.
    """

    begun: dict[str, bytes]
    told: list[tuple[str, ...] | tuple[str, str, str, int, bytes]] = field(default_factory=list)

    def tell(self, log: str, operation: tuple[str, str, int, bytes]) -> None:
        """Add an operation of a log."""
        self.told.append((log, *operation))


class Telling(list[tuple[str, str, int, bytes]]):
    """The operations of one log, told to the story as they come."""

    def __init__(self, story: Story, log: str) -> None:
        """Tell them as that log's."""
        super().__init__()
        self._story, self._log = story, log

    def append(self, operation: tuple[str, str, int, bytes], /) -> None:
        """Tell one."""
        self._story.tell(self._log, operation)


def minted(path: Path, tokens: int) -> Story:
    """Return the story of a mint that makes so many tokens on several threads."""
    custody_in(path / "custody").close()
    story = Story({str(at.relative_to(path / "custody/log")): at.read_bytes() for at in _files(path / "custody/log")})
    ledger_folder = Recording(path / "ledger", Telling(story, LEDGER))
    log = open_log(
        path / "custody/log", folder=Recording(path / "custody/log", Telling(story, CUSTODY)), seal_after=SEAL_AFTER
    )
    ledger = FileLedger(open_log(path / "ledger", ORIGIN, folder=ledger_folder, seal_after=SEAL_AFTER))
    store = KeyStore.open(read_settings(path / "custody"), lambda: NOW)
    mint = Mint(Custody(store, log, ()), ledger, MintPolicy.from_toml(MINT_POLICY), SUBJECTS)

    def work() -> None:
        for _ in range(tokens // THREADS):
            story.told.append((RELEASED, mint.issue(CLAIMS, grant=Grant.CLIENT).counterfoil.digest))

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ledger.close()
    log.close()
    return story


def _files(path: Path) -> Iterator[Path]:
    return (at for at in path.rglob("*") if at.is_file() and at.name != "lock")


def in_ledger(path: Path) -> set[str]:
    """Return the digests that a ledger holds after the power is back and it was opened again."""
    ledger = FileLedger(open_log(path, folder=Unsynced(path)))
    ledger.close()
    found: set[str] = set()
    replay.replay(Folder(path), lambda index, raw: found.add(decode(raw, index).digest))
    return found


def in_custody(path: Path) -> set[str]:
    """Return the digests of which custody's log has a use of a key, after the power is back."""
    open_log(path, folder=Unsynced(path)).close()
    found: set[str] = set()

    def visit(index: int, raw: bytes) -> None:
        record = audit.decode(raw, index)
        if record.op is Operation.SIGN and record.digest:
            found.add(record.digest)

    replay.replay(Folder(path), visit)
    return found


READ = {LEDGER: in_ledger, CUSTODY: in_custody}


def cut(path: Path, story: Story, step: int, last: int) -> int:
    """Cut the power after each of the last operations, in every way; returns how many disks were tried."""
    disks, released, states = {LEDGER: Disk(), CUSTODY: Disk(dict(story.begun))}, set[str](), 0
    for place, told in enumerate(story.told):
        if told[0] == RELEASED:
            released.add(str(told[1]))
        else:
            log, kind, name, begin, data = told
            assert isinstance(begin, int)
            assert isinstance(data, bytes)
            disks[log].do(kind, name, begin, data)
        if len(story.told) - place > last:
            continue
        for log, disk in disks.items():
            if told[0] not in (log, RELEASED):
                continue  # this disk is as it was
            for files in islice(disk.states(step), 1 if told[0] == RELEASED else None):
                if replay.KEY_FILE not in files or replay.WAL_FILE not in files:
                    assert not released, "no token before there is a log"
                    continue
                states += 1
                put_together(path / log, files)
                assert released <= READ[log](path / log)
    return states


def test_a_power_cut_at_any_point_releases_nothing_without_its_counterfoil(tmp_path: Path) -> None:
    """At every operation of both logs, with any part of what was not synced: each released token is in both."""
    story = minted(tmp_path / "run", 24)
    assert sum(told[0] == RELEASED for told in story.told) == 24
    assert cut(tmp_path / "cut", story, step=401, last=1_000_000) > 300


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("tokens", "step", "last"), [(12, 13, 1_000), (100, 499, 10_000), (320, 997, 200)])
def test_a_power_cut_anywhere_releases_nothing_without_its_counterfoil(
    tmp_path: Path, tokens: int, step: int, last: int
) -> None:
    """Many points of every unsynced write; and runs in which entries move to bundles on the way."""
    story = minted(tmp_path / "run", tokens)
    assert cut(tmp_path / "cut", story, step, last) > 1_000


def test_the_check_would_notice_a_token_that_is_released_too_early(tmp_path: Path) -> None:
    """The same story with each token handed out before its counterfoil was synced: the cut shows it."""
    story = minted(tmp_path / "run", 8)
    early = next(told for told in story.told if told[0] == RELEASED)
    digest = str(early[1]).encode()
    wrote = next(
        place for place, told in enumerate(story.told) if told[0] == LEDGER and digest in bytes(told[-1])  # type: ignore[arg-type]
    )
    story.told.remove(early)
    story.told.insert(wrote, early)
    with pytest.raises(AssertionError):
        cut(tmp_path / "cut", story, step=401, last=1_000_000)
