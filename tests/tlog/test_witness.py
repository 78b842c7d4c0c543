"""Witnesses notice what a log alone cannot: that it was rolled back, cut off, or given a second history."""

from __future__ import annotations

import base64
import http.client
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from counterfoil.errors import CounterfoilError, LogError, LogTamperedError, UsageError
from counterfoil.tlog import note, replay
from counterfoil.tlog.filelog import FileLog
from counterfoil.tlog.folder import Folder
from counterfoil.tlog.server import Keeper, serve
from counterfoil.tlog.tree import View
from counterfoil.tlog.witness import DropWitness, HttpWitness, Witness

from .making import ORIGIN, copied, opened

NOW = 1_750_000_000


@pytest.fixture(params=["file drop", "HTTP"])
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[FileLog, Witness]]:
    """Yield a log and a witness of it, of each kind."""
    log = opened(tmp_path / "log")
    if request.param == "file drop":
        (tmp_path / "theirs").mkdir()
        yield log, DropWitness(tmp_path / "theirs", log.key)
        return
    keeper = Keeper(tmp_path / "theirs", "witness.example/w1", [log.key], lambda: NOW)
    server = serve(keeper, "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield log, HttpWitness(f"http://127.0.0.1:{server.server_address[1]}", keeper.key)
    server.shutdown()
    thread.join()
    server.server_close()


def submitted(log: FileLog, witness: Witness, count: int) -> None:
    """Append entries and have the witness keep the head."""
    for place in range(count):
        log.append(b'{"entry": %d}' % place)
    log.publish(witness.submit)


def reopened(path: Path) -> tuple[note.Note, View]:
    """Return the signed head of what is in a folder, as an auditor has it without the log's private key."""
    state = replay.replay(Folder(path))
    return state.head, state.tree.view(replay.tile_reader(Folder(path)))


def test_a_growing_log_is_witnessed(case: tuple[FileLog, Witness], tmp_path: Path) -> None:
    """Each head that extends the last is kept; the published checkpoint carries the cosignature."""
    log, witness = case
    for count in (1, 5, 0, 300):
        submitted(log, witness, count)
    assert witness.check(log.publish(), log.view()) == 306
    found = note.parse((tmp_path / "log/checkpoint").read_bytes())
    if isinstance(witness, HttpWitness):
        log.publish(witness.submit)
        found = note.parse((tmp_path / "log/checkpoint").read_bytes())
        assert witness._key.check(found) == NOW
    assert found.text.startswith(ORIGIN)


def test_what_others_leave_in_a_witness_folder_is_no_checkpoint(tmp_path: Path) -> None:
    """Notes, backups and copies of the folder's owner: the largest checkpoint counts, and the log goes on."""
    log = opened(tmp_path / "log")
    witness = DropWitness(tmp_path / "theirs", log.key)
    (tmp_path / "theirs").mkdir()
    submitted(log, witness, 3)
    [kept] = (path for path in (tmp_path / "theirs").rglob("*") if path.is_file())
    for name in ("README", "~", f"{kept.name}.bak", "9" * 19, "zzz", ".nfs001"):
        (kept.parent / name).write_text("not a checkpoint")
    submitted(log, witness, 2)
    assert witness.check(log.publish(), log.view()) == 5


@pytest.mark.parametrize("kept", [3, 7])
def test_a_rollback_is_found(case: tuple[FileLog, Witness], tmp_path: Path, kept: int) -> None:
    """An older copy of the whole folder is a valid log, and yet not the one that was witnessed."""
    log, witness = case
    submitted(log, witness, kept)
    old = copied(tmp_path / "log", tmp_path / "old")
    submitted(log, witness, 4)
    with pytest.raises(LogTamperedError, match=f"{kept + 4} entries, the log has {kept}"):
        witness.check(*reopened(old))


def test_every_rollback_is_found(case: tuple[FileLog, Witness], tmp_path: Path) -> None:
    """To any earlier size, from each to each: what a witness kept is never gone without a trace."""
    log, witness = case
    copies: list[Path] = []
    for size in range(1, 10):
        submitted(log, witness, 1)
        for old in copies:
            with pytest.raises(LogTamperedError, match=f"{size} entries, the log has"):
                witness.check(*reopened(old))
        copies.append(copied(tmp_path / "log", tmp_path / f"old-{size}"))
        assert witness.check(*reopened(copies[-1])) == size


def test_a_second_history_is_found(case: tuple[FileLog, Witness], tmp_path: Path) -> None:
    """Whoever holds the log's own key can write another history, of the same length or longer: it does not pass."""
    log, witness = case
    submitted(log, witness, 4)
    old = copied(tmp_path / "log", tmp_path / "old")
    submitted(log, witness, 4)
    forged = opened(old)
    for length in (4, 9):
        while forged.head().size < 4 + length:
            forged.append(b"another story")
        with pytest.raises(LogTamperedError, match=r"another history|not those of that checkpoint"):
            forged.publish(witness.submit)
    forged.close()


def test_a_witness_that_is_away_is_told(tmp_path: Path) -> None:
    """Nobody there: a LogError that names the witness, not a silent pass."""
    log = opened(tmp_path / "log")
    key = note.SignerKey.generate("w").verifier(note.COSIGNATURE)
    for witness in (HttpWitness("http://127.0.0.1:9", key), DropWitness(tmp_path / "unmounted", log.key)):
        with pytest.raises(LogError, match=r"out of reach|no such folder"):
            log.publish(witness.submit)
    log.close()


def test_a_witness_is_used_with_its_own_key_only(case: tuple[FileLog, Witness]) -> None:
    """An answer signed by another key is no cosignature; a log key is no witness key; other schemes are refused."""
    log, witness = case
    key = note.SignerKey.generate("witness.example/w1").verifier(note.COSIGNATURE)
    if isinstance(witness, HttpWitness):
        with pytest.raises(LogTamperedError, match="found none"):
            log.publish(HttpWitness(witness.name, key).submit)
    for url, wrong in (("ftp://host/", key), ("http://host", log.key)):
        with pytest.raises(UsageError):
            HttpWitness(url, wrong)


REQUESTS = {
    "nothing": (b"", 400),
    "no proof lines are base64": (b"old 0\n!!\n\nx", 400),
    "the old size has a leading zero": (b"old 00\n\n", 400),
    "too many proof lines": (b"old 1\n" + b"AAAA\n" * 64 + b"\n", 400),
    "an unknown log": (None, 404),
    "a known name with another key": (None, 403),
    "an old size above the new one": (b"old 9\n\n%s", 400),
    "an old size that is not kept": (b"old 1\n\n%s", 409),
    "a proof that proves nothing": (b"old 0\n" + base64.b64encode(bytes(32)) + b"\n\n%s", 422),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_the_server_answers_as_the_specification_says(tmp_path: Path, name: str) -> None:
    """Each wrong request gets its status, and nothing is kept."""
    log = opened(tmp_path / "log")
    log.append(b"one")
    log.append(b"two")
    keeper = Keeper(tmp_path / "theirs", "w", [log.key], lambda: NOW)
    body, status = REQUESTS[name]
    told = log.publish().render().encode()
    if body is None:
        other = ORIGIN if status == 403 else "example.com/other"
        key = note.SignerKey.generate(other)
        body = b"old 0\n\n" + log.head().__class__(other, 2, bytes(32)).signed_by(key).render().encode()
    body = body.replace(b"%s", told)
    assert keeper.add_checkpoint(body).status == status
    assert not (tmp_path / "theirs/kept").exists()
    log.close()


def test_a_witness_that_lost_its_memory_vouches_for_nothing(case: tuple[FileLog, Witness], tmp_path: Path) -> None:
    """What it kept is damaged: no cosignature, and no silence either."""
    log, witness = case
    submitted(log, witness, 2)
    (kept,) = [file for file in (tmp_path / "theirs").rglob("*") if file.parent.name not in ("theirs", "log")]
    kept.chmod(0o600)
    kept.write_bytes(b"rubbish")
    with pytest.raises(CounterfoilError, match=r"HTTP 500|note:"):
        submitted(log, witness, 1)


def test_the_server_bounds_what_it_reads(tmp_path: Path) -> None:
    """Other paths and large bodies are refused before they are read."""
    keeper = Keeper(tmp_path / "theirs", "w", [], lambda: NOW)
    server = serve(keeper, "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        cases = (("/other", "2", 404), ("/add-checkpoint", "9999999", 413), ("/add-checkpoint", "x", 413))
        for path, length, status in cases:
            connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=5)
            connection.putrequest("POST", path)
            connection.putheader("Content-Length", length)
            connection.endheaders()
            assert connection.getresponse().status == status
            connection.close()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
