"""Only a log that verifies whole and extends a checkpoint of another party's is attested; all else says why not."""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from counterfoil import app
from counterfoil.case.folder import CaseFolder
from counterfoil.case.manifest import read_manifest
from counterfoil.config import HuntSettings
from counterfoil.errors import UsageError
from counterfoil.mint.ledger import FileLedger
from counterfoil.model.counterfoil import LEDGER_SCHEMA, Grant
from counterfoil.model.coverage import AttestedLog
from counterfoil.pipeline.attested import attested, trust
from counterfoil.tlog import exported
from counterfoil.tlog.folder import Folder
from mint.making import CLAIMS, making

NOW = datetime(2026, 6, 2, tzinfo=UTC)


@dataclass(frozen=True)
class Issuer:
    """An issuer's ledger: its lines, its key, and the checkpoints that another party kept after five and all eight."""

    lines: tuple[bytes, ...]
    key: str
    early: bytes
    late: bytes


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Issuer:
    """Return an issuer of eight tokens."""
    path = tmp_path_factory.mktemp("issuer")
    with making(path) as made:
        for _ in range(5):
            made.mint.issue(CLAIMS, grant=Grant.CLIENT)
        early = made.ledger.checkpoint().checkpoint.render().encode()
        for _ in range(3):
            made.mint.issue(CLAIMS, grant=Grant.CLIENT)
        late, key = made.ledger.checkpoint().checkpoint.render().encode(), made.ledger.key.render()
    return Issuer(tuple(lines_of(path / "ledger")), key, early, late)


def lines_of(path: Path) -> list[bytes]:
    """Return the lines of an exported ledger."""
    lines: list[bytes] = []
    exported.write(Folder(path), LEDGER_SCHEMA, lines.append, NOW)
    return lines


def checked(path: Path, files: list[Path], keys: list[str], kept: list[bytes]) -> tuple[AttestedLog, ...]:
    """Read files into a new case and return what came of their logs."""
    case = path / "case"
    app.ingest([str(file) for file in files], HuntSettings(case, threads=1))
    return attested(CaseFolder(case), read_manifest(case / "manifest.json"), trust(keys, kept))


def written(path: Path, lines: list[bytes] | tuple[bytes, ...], name: str = "ledger.jsonl") -> Path:
    """Write lines to a file."""
    target = path / name
    target.write_bytes(b"".join(lines))
    return target


def test_a_log_that_extends_what_another_party_keeps_is_attested(issuer: Issuer, tmp_path: Path) -> None:
    """Until the time of its export; with two checkpoints it must extend both."""
    (found,) = checked(tmp_path, [written(tmp_path, issuer.lines)], [issuer.key], [issuer.early, issuer.late])
    assert (found.log, found.origin, found.status) == ("counterfoil-ledger", "ledger.example/idp", "attested")
    assert (found.entries, found.end, found.diagnosis) == (8, NOW.replace(tzinfo=None), "")
    assert "extend a checkpoint of 8" in found.reason


@pytest.mark.parametrize("pack", ["gz", "zip"])
def test_it_is_attested_inside_an_archive_too(issuer: Issuer, tmp_path: Path, pack: str) -> None:
    """Compressed, and as a member."""
    plain = b"".join(issuer.lines)
    file = tmp_path / f"ledger.jsonl.{pack}"
    if pack == "gz":
        file.write_bytes(gzip.compress(plain))
    else:
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("a/readme.txt", "hello")
            archive.writestr("a/ledger.jsonl", plain)
    (found,) = checked(tmp_path, [file], [issuer.key], [issuer.early])
    assert found.status == "attested"


def test_without_a_checkpoint_or_a_key_nothing_is_attested(issuer: Issuer, tmp_path: Path) -> None:
    """What an issuer says of itself may be declared, and is no proof."""
    file = written(tmp_path, issuer.lines)
    assert checked(tmp_path, [file], [issuer.key], []) == ()
    assert checked(tmp_path, [file], [], []) == ()
    with pytest.raises(UsageError, match="its log's key is not given"):
        trust([], [issuer.early])


def _entry(lines: list[bytes], place: int, **change: str) -> list[bytes]:
    whole = json.loads(lines[place])
    whole["entry"] |= change
    return [*lines[:place], json.dumps(whole, separators=(",", ":")).encode() + b"\n", *lines[place + 1 :]]


TAMPERED: list[tuple[str, Callable[[list[bytes]], list[bytes]], str, str]] = [
    ("an entry is changed", lambda lines: _entry(lines, 2, client="x"), "not those that the log signed", ""),
    ("an entry is left out", lambda lines: lines[:3] + lines[4:], "entry 3 is expected", "ledger-gap"),
    ("the end is cut off", lambda lines: lines[:6], "it has no checkpoint", "ledger-gap"),
    ("the last entries are left out", lambda lines: [*lines[:5], lines[8]], "the export holds 5", "ledger-gap"),
]


@pytest.mark.parametrize(("what", "change", "told", "diagnosis"), TAMPERED, ids=[row[0] for row in TAMPERED])
def test_an_export_that_was_tampered_with_is_refused(
    issuer: Issuer, tmp_path: Path, what: str, change: Callable[[list[bytes]], list[bytes]], told: str, diagnosis: str
) -> None:
    """Each way, with what does not hold; the run goes on."""
    file = written(tmp_path, change(list(issuer.lines)))
    (found,) = checked(tmp_path, [file], [issuer.key], [issuer.early])
    assert (found.status, found.diagnosis) == ("refused", diagnosis), what
    assert told in found.reason


def test_a_ledger_that_was_written_anew_or_set_back_is_told(tmp_path: Path) -> None:
    """By an insider who holds the log's own key: only what somebody else keeps can tell."""
    with making(tmp_path) as made:  # another history under another key, as long as the first
        for _ in range(9):
            made.mint.issue(CLAIMS, grant=Grant.CLIENT)
        key = made.ledger.key.render()
        kept = made.ledger.checkpoint().checkpoint.render().encode()
    lines = lines_of(tmp_path / "ledger")
    (tmp_path / "one").mkdir()
    file = written(tmp_path, lines)
    (found,) = checked(tmp_path / "one", [file], [key], [kept])
    assert found.status == "attested"
    older = _set_back(tmp_path, 6)
    (tmp_path / "two").mkdir()
    (found,) = checked(tmp_path / "two", [written(tmp_path, older, "older.jsonl")], [key], [kept])
    assert (found.status, found.diagnosis) == ("refused", "ledger-gap")
    assert "it ends at 6 entries; a checkpoint that is kept is of 9" in found.reason
    other = _set_back(tmp_path, 6, more=4)
    (tmp_path / "three").mkdir()
    (found,) = checked(tmp_path / "three", [written(tmp_path, other, "other.jsonl")], [key], [kept])
    assert (found.status, found.diagnosis) == ("refused", "ledger-rewritten")
    (tmp_path / "four").mkdir()
    both = [file, written(tmp_path, other, "other.jsonl")]
    (found,) = checked(tmp_path / "four", both, [key], [])
    assert "two exports of ledger.example/idp are different histories" in found.reason


def _set_back(path: Path, size: int, more: int = 0) -> list[bytes]:
    """Return an export of the ledger as its keeper writes it anew: the first entries, and others of his."""
    from counterfoil.mint.ledger import decode
    from counterfoil.tlog import replay

    entries: list[bytes] = []
    replay.replay(Folder(path / "ledger"), lambda _, raw: entries.append(raw))
    folder = path / f"back-{size}-{more}"
    with FileLedger.open(folder, "ledger.example/idp"):
        pass
    for name in ("log.key", "log.vkey"):
        (folder / name).write_bytes((path / "ledger" / name).read_bytes())
    for name in ("wal", "head"):
        (folder / name).unlink()
    _found(folder)
    with FileLedger.open(folder) as ledger:
        for raw in [*entries[:size], *entries[:more]]:
            ledger.record(decode(raw, 0))
    return lines_of(folder)


def _found(folder: Path) -> None:
    """Begin an empty log under a key that exists, as whoever holds it can."""
    from counterfoil.tlog import replay, wal
    from counterfoil.tlog.checkpoint import Checkpoint
    from counterfoil.tlog.merkle import EMPTY_ROOT
    from counterfoil.tlog.note import SignerKey

    key = SignerKey.parse((folder / "log.key").read_text())
    empty = Checkpoint(key.name, 0, EMPTY_ROOT)
    (folder / replay.HEAD_FILE).write_bytes(b"")
    (folder / replay.WAL_FILE).write_bytes(wal.Mark(0, empty.root, key.sign(empty.text()).value).pack())


def test_judging_again_needs_no_export(issuer: Issuer, tmp_path: Path) -> None:
    """What came of it is kept in the case; for other checkpoints the export must be there, as it was read."""
    file = written(tmp_path, issuer.lines)
    found = checked(tmp_path, [file], [issuer.key], [issuer.early])
    file.unlink()
    folder = CaseFolder(tmp_path / "case")
    manifest = read_manifest(folder.manifest)
    assert attested(folder, manifest, trust([issuer.key], [issuer.early])) == found
    (again,) = attested(folder, manifest, trust([issuer.key], [issuer.late]))
    assert again.status == "refused"
    file.write_bytes(b"".join(issuer.lines) + b"\n")
    (again,) = attested(folder, manifest, trust([issuer.key], [issuer.late, issuer.early]))
    assert "it is not what was read" in again.reason
