"""The log in a folder: durable, numbered, one writer, group commit, the C2SP layout, and every changed byte found."""

from __future__ import annotations

import base64
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from counterfoil.errors import CounterfoilError, InputError, LogError, LogTamperedError, UsageError
from counterfoil.tlog import merkle, note, replay, tiles, wal
from counterfoil.tlog.checkpoint import opened as opened_checkpoint
from counterfoil.tlog.filelog import open_log
from counterfoil.tlog.folder import Folder

from .making import ORIGIN, Unsynced, copied, entries, grown, opened


@pytest.fixture(scope="module")
def grown_log(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[bytes]]:
    """Return a log with sealed bundles, a write-ahead file and published tiles, and its entries."""
    path = tmp_path_factory.mktemp("logs") / "log"
    return path, grown(path, 700)


def test_what_was_appended_is_read_back_in_order(grown_log: tuple[Path, list[bytes]], tmp_path: Path) -> None:
    """Entries of many threads keep the numbers they were given, across bundles and the write-ahead file."""
    appended = grown_log[1]
    path = copied(grown_log[0], tmp_path / "copy")
    assert entries(path) == appended
    log = opened(path)
    assert log.append(b"one more") == len(appended)
    log.close()
    assert entries(path) == [*appended, b"one more"]


def test_many_writers_share_one_sync(tmp_path: Path) -> None:
    """While one write becomes durable, all who come wait for the next one together."""
    gate, syncs = threading.Event(), []

    class Slow(Unsynced):
        def sync(self, descriptor: int) -> None:
            syncs.append(descriptor)
            gate.wait(10)

    log = open_log(tmp_path / "log", ORIGIN, folder=Slow(tmp_path / "log"))
    workers = [threading.Thread(target=log.append, args=(b"entry",)) for _ in range(50)]
    for worker in workers:
        worker.start()
    while len(log._group._queue) < 49:  # the first one is being written
        threading.Event().wait(0.01)
    gate.set()
    for worker in workers:
        worker.join()
    assert (log.head().size, len(syncs)) == (50, 2)
    log.close()


def test_the_tiles_are_those_of_the_specification(tmp_path: Path) -> None:
    """Every tile holds MTH(D[(n*256+i)*256**l : (n*256+i+1)*256**l]); every proof from the log verifies."""
    path = tmp_path / "log"
    appended = grown(path, 600)
    leaves = [merkle.leaf_hash(entry) for entry in appended]
    folder = Folder(path)
    assert folder.names("tile") == sorted([
        "tile/0/000", "tile/0/001", "tile/0/002.p/88", "tile/1/000.p/2",
        "tile/entries/000", "tile/entries/001", "tile/entries/002.p/88",
    ])
    assert folder.read("tile/0/002.p/88") == b"".join(leaves[512:])
    assert folder.read("tile/1/000.p/2") == merkle.root_of(leaves[:256]) + merkle.root_of(leaves[256:512])
    assert tiles.unbundle(folder.read("tile/entries/001") or b"") == appended[256:512]
    checkpoint, _ = opened_checkpoint(folder.read("checkpoint") or b"", replay.verifier_key(folder))
    assert (checkpoint.origin, checkpoint.size, checkpoint.root) == (ORIGIN, 600, merkle.root_of(leaves))
    log = opened(path)
    subtree = log.view().subtree
    for index in (0, 255, 256, 599):
        proof = merkle.inclusion_proof(index, 600, subtree)
        merkle.verify_inclusion(leaves[index], index, 600, proof, checkpoint.root)
    for old in (1, 255, 256, 300, 512, 599):
        proof = merkle.consistency_proof(old, 600, subtree)
        merkle.verify_consistency(old, merkle.root_of(leaves[:old]), 600, checkpoint.root, proof)
    log.close()


def test_partial_tiles_go_when_the_full_ones_are_there(tmp_path: Path) -> None:
    """Each publication adds tiles for its size; a full tile replaces its partial ones."""
    log = opened(tmp_path / "log")
    for size in (1, 3, 256, 257):
        while log.head().size < size:
            log.append(b"entry")
        log.publish()
        log.publish()
    log.close()
    names = Folder(tmp_path / "log").names("tile/0")
    assert names == ["tile/0/000", "tile/0/001.p/1"]
    assert len(entries(tmp_path / "log")) == 257


def test_a_log_has_one_writer(tmp_path: Path) -> None:
    """A second writer is refused with a hint, a reader is not."""
    log = opened(tmp_path / "log")
    log.append(b"entry")
    with pytest.raises(LogError, match="another process"):
        opened(tmp_path / "log")
    assert entries(tmp_path / "log") == [b"entry"]
    log.close()
    with pytest.raises(LogError, match="closed"):
        log.append(b"late")


def test_a_running_log_can_be_verified(tmp_path: Path) -> None:
    """Readers check a log while it grows, seals and publishes: always whole, never a false alarm."""
    log, stop = opened(tmp_path / "log", seal_after=100), threading.Event()

    def work(publishes: bool) -> None:
        while not stop.is_set():
            log.append(b"entry")
            if publishes:
                log.publish()

    workers = [threading.Thread(target=work, args=(place == 0,)) for place in range(3)]
    for worker in workers:
        worker.start()
    sizes = [len(entries(tmp_path / "log")) for _ in range(25)]
    stop.set()
    for worker in workers:
        worker.join()
    log.close()
    assert sizes == sorted(sizes)
    assert 0 < sizes[-1] <= len(entries(tmp_path / "log"))


def test_an_interrupted_caller_holds_up_nobody(tmp_path: Path) -> None:
    """Ctrl-C while waiting for one's turn: the entry is written all the same, and the others go on."""
    gate = threading.Event()

    class Slow(Unsynced):
        def sync(self, descriptor: int) -> None:  # noqa: ARG002  # a slow disk
            gate.wait(10)

    log = open_log(tmp_path / "log", ORIGIN, folder=Slow(tmp_path / "log"))
    first = threading.Thread(target=log.append, args=(b"first",))
    first.start()
    while not log._group._writing:
        threading.Event().wait(0.01)
    inner = log._group._follow

    def interrupted(_: object) -> None:
        log._group._follow = inner  # type: ignore[method-assign]
        raise KeyboardInterrupt

    log._group._follow = interrupted  # type: ignore[assignment]
    with pytest.raises(KeyboardInterrupt):
        log.append(b"interrupted")
    gate.set()
    first.join()
    assert log.append(b"later") == 2
    log.close()


def test_there_is_no_log_by_accident(tmp_path: Path) -> None:
    """Opening makes no log unless told its origin, and keeps to that origin."""
    with pytest.raises(LogError, match="no log"):
        open_log(tmp_path / "log")
    opened(tmp_path / "log").close()
    with pytest.raises(UsageError, match="its origin is"):
        open_log(tmp_path / "log", "example.com/other")


def test_an_entry_has_a_limit(tmp_path: Path) -> None:
    """An entry that no bundle could hold is refused, and the log goes on."""
    log = opened(tmp_path / "log")
    with pytest.raises(InputError, match="at most 65535 bytes"):
        log.append(bytes(tiles.MAX_ENTRY_BYTES + 1))
    assert log.append(bytes(tiles.MAX_ENTRY_BYTES)) == 0
    log.close()


@pytest.mark.parametrize("failing", ["write_at", "sync"])
def test_a_failed_write_ends_the_log(tmp_path: Path, failing: str) -> None:
    """What a failed write left is unknown: whoever waits is told, and nothing is recorded until it is reopened."""
    log = opened(tmp_path / "log")
    log.append(b"kept")

    class Full(Unsynced):
        pass

    def fail(*_: object) -> None:
        raise LogError("no space left on device")

    setattr(Full, failing, fail)
    log._folder = Full(tmp_path / "log")
    with pytest.raises(LogError, match="no space left"):
        log.append(b"lost")
    log._folder = Unsynced(tmp_path / "log")
    with pytest.raises(LogError, match="an earlier write failed"):
        log.append(b"refused")
    log.close()
    again = opened(tmp_path / "log")
    assert again.append(b"later") in (1, 2)
    again.close()


def test_a_disk_without_space_is_a_log_error(tmp_path: Path) -> None:
    """The system's own failure names the file and says what to do."""
    log = opened(tmp_path / "log")
    with Path("/dev/full").open("wb", buffering=0) as full:
        log._wal = full.fileno()
        with pytest.raises(LogError, match=r"cannot write to .*No space left"):
            log.append(b"entry")


def _flips(path: Path) -> list[tuple[str, int]]:
    """Return every byte of every file that a reader trusts."""
    names = [replay.WAL_FILE, replay.HEAD_FILE, replay.CHECKPOINT_FILE, replay.KEY_FILE, *Folder(path).names("tile")]
    return [(name, place) for name in names for place in range((path / name).stat().st_size)]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_a_flipped_byte_is_found(
    grown_log: tuple[Path, list[bytes]], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Whichever byte of whichever file is changed, and how: the check fails with our own error."""
    flips = _flips(grown_log[0])
    name, place = data.draw(st.sampled_from(flips))
    by = data.draw(st.integers(1, 255))
    path = copied(grown_log[0], tmp_path_factory.getbasetemp() / "flipped")
    _flip(path / name, place, by)
    with pytest.raises(CounterfoilError):
        entries(path)


@pytest.mark.parametrize("count", [2, pytest.param(330, marks=pytest.mark.slow)])
def test_every_flipped_byte_is_found(tmp_path: Path, count: int) -> None:
    """All bytes of all files, one after the other; the longer log has sealed bundles."""
    path = tmp_path / "log"
    grown(path, count)
    for name, place in _flips(path):
        _flip(path / name, place, 0x41)
        with pytest.raises(CounterfoilError):
            entries(path)
        _flip(path / name, place, 0x41)
    assert len(entries(path)) == count


def _flip(path: Path, place: int, by: int) -> None:
    raw = bytearray(path.read_bytes())
    raw[place] ^= by
    path.write_bytes(raw)


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        ("the last frame is cut off", lambda raw: raw[:-10], "promises"),
        ("all frames are cut off", lambda raw: raw[: wal.HEAD_BYTES], "promises"),
        ("the file is emptied", lambda _: b"", "expected"),
    ],
)
def test_a_cut_file_is_told_from_an_unfinished_write(
    grown_log: tuple[Path, list[bytes]], tmp_path: Path, name: str, change: object, told: str
) -> None:
    """The head promises what was durable: less than that is tampering, not an unfinished write."""
    path = copied(grown_log[0], tmp_path / name)
    (path / "wal").write_bytes(change((path / "wal").read_bytes()))  # type: ignore[operator]
    for read in (entries, opened):
        with pytest.raises(LogTamperedError, match=told):
            read(path)


def test_damage_before_the_last_write_is_no_unfinished_write(tmp_path: Path) -> None:
    """After a power cut the head may promise less than there is; a damaged frame with others behind it is tampering."""
    log = opened(tmp_path / "log")
    first = (tmp_path / "log/wal").read_bytes()
    for place in range(4):
        log.append(b"entry %d" % place)
    log.close()
    (tmp_path / "log/head").write_bytes(first)
    assert len(entries(tmp_path / "log")) == 4
    _flip(tmp_path / "log/wal", len(first) + 40, 1)
    for read in (entries, opened):
        with pytest.raises(LogTamperedError, match=f"damaged at byte {len(first)}"):
            read(tmp_path / "log")


def test_an_added_file_and_a_missing_one_are_found(grown_log: tuple[Path, list[bytes]], tmp_path: Path) -> None:
    """A tile that the log's size does not have, and a bundle that is gone."""
    path = copied(grown_log[0], tmp_path / "added")
    (path / "tile/0/009").write_bytes(bytes(8192))
    with pytest.raises(LogTamperedError, match="tile/0/009"):
        entries(path)
    path = copied(grown_log[0], tmp_path / "missing")
    (path / "tile/entries/000").unlink()
    with pytest.raises(LogTamperedError, match="tile/entries/000 is missing"):
        entries(path)


def test_entries_cannot_be_added_without_the_key(grown_log: tuple[Path, list[bytes]], tmp_path: Path) -> None:
    """A well-formed frame behind the head, signed by another key, is no entry."""
    path = copied(grown_log[0], tmp_path / "added")
    state = replay.replay(Folder(path))
    tree = state.tree
    tree.append(b"never", merkle.leaf_hash(b"never"))
    frame = wal.pack_frame(tree.size - 1, [b"never"], tree.root(), bytes(64))
    (path / "wal").write_bytes((path / "wal").read_bytes() + frame)
    assert b"never" not in entries(path)
    log = opened(path)
    assert (log.found.torn, log.head().size) == (frame, len(grown_log[1]))
    log.close()
    assert [name.name for name in path.iterdir() if name.name.startswith("torn-")]


def test_the_folder_cannot_bring_its_own_key(grown_log: tuple[Path, list[bytes]]) -> None:
    """A reader who pins the log's key refuses a folder that was replaced as a whole."""
    other = note.SignerKey.generate(ORIGIN).verifier()
    with pytest.raises(LogTamperedError, match="expected the key"):
        entries(grown_log[0], other)


def test_no_secret_is_shown(grown_log: tuple[Path, list[bytes]]) -> None:
    """The private key's file is its owner's only, and damage to it quotes nothing."""
    secret = grown_log[0] / "log.key"
    assert secret.stat().st_mode & 0o777 == 0o600
    told = base64.b64encode(b"x" * 33).decode()
    with pytest.raises(InputError) as error:
        note.SignerKey.parse(f"PRIVATE+KEY+name+00000000+{told}")
    assert told not in str(error.value)
