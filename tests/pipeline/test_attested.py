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
from counterfoil.case.engine import engine
from counterfoil.case.folder import CaseFolder
from counterfoil.case.manifest import read_manifest
from counterfoil.config import HuntSettings
from counterfoil.errors import UsageError
from counterfoil.mint.ledger import FileLedger
from counterfoil.model.counterfoil import CUSTODY_SCHEMA, LEDGER_SCHEMA, Grant
from counterfoil.model.coverage import AttestedLog
from counterfoil.model.receipt import RECEIPT_SCHEMA
from counterfoil.pipeline.attested import attested, trust
from counterfoil.tlog import exported
from counterfoil.tlog.filelog import open_log
from counterfoil.tlog.folder import Folder
from counterfoil.tlog.stored import InFolder
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
    exported.write(InFolder(path), LEDGER_SCHEMA, lines.append, NOW)
    return lines


def checked(path: Path, files: list[Path], keys: list[str], kept: list[bytes]) -> tuple[AttestedLog, ...]:
    """Read files into a new case and return what came of their logs."""
    case = path / "case"
    app.ingest([str(file) for file in files], HuntSettings(case, threads=1))
    return again_in(case, keys, kept)


def again_in(case: Path, keys: list[str], kept: list[bytes]) -> tuple[AttestedLog, ...]:
    """Return what came of the logs that are in a case."""
    folder = CaseFolder(case)
    with engine(folder.tmp, memory=None, threads=1) as con:
        return attested(con, folder, read_manifest(folder.manifest), trust(keys, kept))


def written(path: Path, lines: list[bytes] | tuple[bytes, ...], name: str = "ledger.jsonl") -> Path:
    """Write lines to a file."""
    target = path / name
    target.write_bytes(b"".join(lines))
    return target


def test_a_log_that_extends_what_another_party_keeps_is_attested(issuer: Issuer, tmp_path: Path) -> None:
    """Until its last entry: the time of the export is only what the exporter says. It must extend both checkpoints."""
    (found,) = checked(tmp_path, [written(tmp_path, issuer.lines)], [issuer.key], [issuer.early, issuer.late])
    assert (found.log, found.origin, found.status) == ("counterfoil-ledger", "ledger.example/idp", "attested")
    assert (found.entries, found.end, found.diagnosis) == (8, None, "")
    assert "extends another party's checkpoint of 8" in found.reason


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


def _stranger(issuer: Issuer, **change: object) -> bytes:
    """Return an entry that the log never held, as a line, with other members of the line."""
    whole = json.loads(issuer.lines[0]) | {"index": 99} | change
    whole["entry"] |= {"jti": "never-minted"}
    return json.dumps(whole, separators=(",", ":")).encode() + b"\n"


def _receipt() -> bytes:
    return json.dumps({"schema": RECEIPT_SCHEMA, "time": "2026-06-01T12:00:00Z", "rp": "mail", "outcome": "accepted",
                       "jti": "never-minted"}).encode() + b"\n"


ELSEWHERE = "slipped.jsonl too, which does not verify"
BESIDE: list[tuple[str, Callable[[Issuer], bytes], str]] = [
    ("one entry alone", lambda issuer: _stranger(issuer), "entry 0 is expected"),
    ("behind an entry of a log that nobody gave a key of",
     lambda issuer: _stranger(issuer, log="other.example/x") + _stranger(issuer), ELSEWHERE),
    ("under the log's name in other letters", lambda issuer: _stranger(issuer, log="LEDGER.example/IDP"), ELSEWHERE),
    ("behind a blank line", lambda issuer: b"\n" + _stranger(issuer), ELSEWHERE),
    ("in an array", lambda issuer: b"[" + _stranger(issuer).strip() + b"]", ELSEWHERE),
    ("among receipts", lambda issuer: _receipt() + _stranger(issuer), ELSEWHERE),
]


@pytest.mark.parametrize(("what", "beside", "told"), BESIDE, ids=[row[0] for row in BESIDE])
def test_no_entry_comes_in_beside_what_was_verified(
    issuer: Issuer, tmp_path: Path, what: str, beside: Callable[[Issuer], bytes], told: str
) -> None:
    """A counterfoil that was never minted would clear a forged token: the log is then not attested."""
    file = written(tmp_path, issuer.lines)
    assert [one.status for one in checked(tmp_path, [file], [issuer.key], [issuer.early])] == ["attested"]
    slipped = written(tmp_path, [beside(issuer)], "slipped.jsonl")  # into a case whose log was attested
    found = checked(tmp_path, [slipped], [issuer.key], [issuer.early])
    assert found, what
    assert {one.status for one in found} == {"refused"}
    assert any(told in one.reason for one in found)


def test_an_entry_that_hides_before_the_signed_one_is_refused(issuer: Issuer, tmp_path: Path) -> None:
    """Of a member that is there twice one reader takes the first and another the last."""
    stranger = json.dumps(json.loads(_stranger(issuer))["entry"]).encode()
    first = issuer.lines[0].replace(b',"entry":', b',"entry":%b,"entry":' % stranger, 1)
    (found,) = checked(tmp_path, [written(tmp_path, [first, *issuer.lines[1:]])], [issuer.key], [issuer.early])
    assert (found.status, found.entries) == ("refused", 0)
    assert "line 1 is not written as exports are" in found.reason


def test_an_entry_that_is_no_evidence_is_told(tmp_path: Path) -> None:
    """The log's own keeper may write what no hunt can read: what is missing from evidence convicts nobody."""
    log = open_log(tmp_path / "log", "ledger.example/idp")
    whole = {"time": "2026-06-01T12:00:00Z", "jti": "a", "digest": "00", "iss": "i", "kid": "k"}
    for entry in (whole, whole | {"jti": "b", "kid": None}):
        log.append(json.dumps(entry).encode())
    key = log.key.render()
    log.close()
    lines = lines_of(tmp_path / "log")
    kept = json.loads(lines[-1])["note"].encode()
    (found,) = checked(tmp_path, [written(tmp_path, lines)], [key], [kept])
    assert found.status == "refused"
    assert "2 of the 3 records of" in found.reason


def test_every_line_of_a_genuine_export_is_evidence(tmp_path: Path) -> None:
    """Of both logs, the checkpoint too: nothing alarms anybody."""
    with making(tmp_path) as made:
        made.mint.issue(CLAIMS, grant=Grant.CLIENT)
    for schema, folder in ((LEDGER_SCHEMA, "ledger"), (CUSTODY_SCHEMA, "custody")):
        lines: list[bytes] = []
        exported.write(log_folder(tmp_path / folder), schema, lines.append, NOW)
        file = written(tmp_path, lines, f"{folder}.jsonl")
        (one,) = app.ingest([str(file)], HuntSettings(tmp_path / f"case-{folder}", threads=1)).inputs
        assert (one.source, one.read, one.rejected) == (f"counterfoil-{folder}", len(lines), 0)


def log_folder(path: Path) -> InFolder:
    """Return the folder of a log, which a store of keys has inside it."""
    return InFolder(path / "log" if (path / "log").is_dir() else path)


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
    case = tmp_path / "case"
    assert again_in(case, [issuer.key], [issuer.early]) == found
    (again,) = again_in(case, [issuer.key], [issuer.late])
    assert again.status == "refused"
    file.write_bytes(b"".join(issuer.lines) + b"\n")
    (again,) = again_in(case, [issuer.key], [issuer.late, issuer.early])
    assert "it is not what was read" in again.reason
