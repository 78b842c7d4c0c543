"""An exported log is believed only whole: whatever is changed in it, somebody else's machine finds it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.errors import InputError, LogTamperedError
from counterfoil.model.counterfoil import CHECKPOINT_SCHEMA
from counterfoil.tlog import exported, note
from counterfoil.tlog.checkpoint import Checkpoint
from counterfoil.tlog.filelog import open_log
from counterfoil.tlog.merkle import leaf_hash, root_of
from counterfoil.tlog.stored import InFolder

NOW = datetime(2026, 6, 1, tzinfo=UTC)
ORIGIN, SCHEMA = "log.example/one", "counterfoil.ledger-entry/1"
ENTRIES = [json.dumps({"n": n, "text": "ä\n" * (n % 3)}).encode() for n in range(40)]


def made(path: Path, entries: list[bytes] = ENTRIES, seal_after: int = 16_384) -> tuple[list[bytes], note.VerifierKey]:
    """Return the lines of an exported log of these entries, and its key."""
    log = open_log(path, ORIGIN, seal_after=seal_after)
    for entry in entries:
        log.append(entry)
    log.close()
    lines: list[bytes] = []
    assert exported.write(InFolder(path), SCHEMA, lines.append, NOW) == len(entries)
    return lines, log.key


def test_an_export_holds_the_bytes_of_each_entry(tmp_path: Path) -> None:
    """Verified elsewhere, it gives the log's root, and the roots of the sizes that somebody keeps."""
    lines, key = made(tmp_path)
    found = exported.verified(lines, key, [0, 7, 40, 41])
    leaves = [leaf_hash(entry) for entry in ENTRIES]
    assert (found.size, found.root, found.schema, found.origin) == (40, root_of(leaves), SCHEMA, ORIGIN)
    assert found.roots == {0: root_of([]), 7: root_of(leaves[:7]), 40: root_of(leaves)}


def test_a_log_that_moved_to_bundles_and_an_empty_one_are_exported(tmp_path: Path) -> None:
    """Entries come from bundles and from the write-ahead file alike; an empty log is a checkpoint."""
    many = [b'{"n":%d}' % n for n in range(600)]
    lines, key = made(tmp_path / "many", many, seal_after=256)
    assert exported.verified(lines, key).size == 600
    lines, key = made(tmp_path / "none", [])
    assert len(lines) == 1
    assert exported.verified(lines, key).size == 0


def _edited(lines: list[bytes], place: int, **change: object) -> list[bytes]:
    whole = json.loads(lines[place])
    return [*lines[:place], json.dumps(whole | change).encode(), *lines[place + 1 :]]


TAMPERED: list[tuple[str, Callable[[list[bytes]], list[bytes]], str]] = [
    ("an entry is changed", lambda lines: [*lines[:3], lines[3].replace(b'"n": 3', b'"n": 4'), *lines[4:]],
     "not those that the log signed"),
    ("an entry is written anew with other spaces", lambda lines: [lines[0].replace(b": 0", b":0"), *lines[1:]],
     "not those that the log signed"),
    ("an entry is left out", lambda lines: lines[:5] + lines[6:], "entry 5 is expected on line 6"),
    ("two entries are exchanged", lambda lines: [lines[1], lines[0], *lines[2:]], "entry 0 is expected on line 1"),
    ("an entry stands twice", lambda lines: [lines[0], *lines], "entry 1 is expected on line 2"),
    ("the last entry is left out", lambda lines: [*lines[:39], lines[40]], "the export holds 39"),
    ("the end is cut off", lambda lines: lines[:20], "no checkpoint"),
    ("the first entry is left out", lambda lines: lines[1:], "entry 0 is expected"),
    ("an entry stands behind the checkpoint", lambda lines: [*lines, lines[0]], "stands behind the checkpoint"),
    ("an entry of another log", lambda lines: _edited(lines, 2, log="log.example/two"), "'log.example/two'"),
    ("an entry of another kind", lambda lines: _edited(lines, 2, schema="counterfoil.custody-entry/1"), "those before"),
    ("a checkpoint of another size", lambda lines: _edited(lines, 40, size=41), "the export holds 40"),
    ("an entry stands before the one that was signed, in one line",
     lambda lines: [lines[0].replace(b',"entry":', b',"entry":{"n":9},"entry":'), *lines[1:]], "line 1 is not written"),
    ("a line has its members in another order",
     lambda lines: [lines[0].replace(b'"index":0,', b"").replace(b"}\n", b',"index":0}\n'), *lines[1:]],
     "line 1 is not written"),
    ("a checkpoint has its size twice", lambda lines: [*lines[:40], lines[40].replace(b'"size"', b'"size":1,"size"')],
     "line 41 is not written"),
    ("a checkpoint that is none", lambda lines: _edited(lines, 40, note="x"), "its checkpoint is none"),
]


@pytest.mark.parametrize(("what", "change", "told"), TAMPERED, ids=[row[0] for row in TAMPERED])
def test_what_was_changed_is_told(
    tmp_path: Path, what: str, change: Callable[[list[bytes]], list[bytes]], told: str
) -> None:
    """Each way of changing an export is refused with what does not hold."""
    lines, key = made(tmp_path)
    with pytest.raises(LogTamperedError, match=told):
        exported.verified(change(lines), key)
    assert change(lines) != lines, what


def test_another_key_cannot_sign_for_a_log(tmp_path: Path) -> None:
    """Whoever writes the whole export anew has no key that anybody trusts."""
    lines, key = made(tmp_path)
    thief = note.SignerKey.generate(ORIGIN)
    forged = Checkpoint(ORIGIN, 40, root_of([leaf_hash(entry) for entry in ENTRIES])).signed_by(thief)
    with pytest.raises(LogTamperedError, match="expected a signature by"):
        exported.verified(_edited(lines, 40, note=forged.render()), key)
    with pytest.raises(LogTamperedError, match="is of the log"):
        exported.verified(lines, note.SignerKey.generate("log.example/two").verifier())


@pytest.mark.parametrize("line", [b"{}", b"[]", b"x", b"\xff", b'{"schema":1}', b'{"a":' * 5_000])
def test_a_line_of_something_else_is_no_log(tmp_path: Path, line: bytes) -> None:
    """It is told by its number."""
    lines, key = made(tmp_path)
    with pytest.raises(InputError, match="line 2 is none of an exported log"):
        exported.verified([lines[0], line, *lines[1:]], key)
    with pytest.raises(InputError, match="line 1 is longer"):
        exported.verified([b" " * exported.MAX_LINE_BYTES + b"x"], key)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_single_byte_can_be_changed(data: st.DataObject) -> None:
    """Whatever byte becomes another, it is not the log any more."""
    lines, key = _whole()
    place = data.draw(st.integers(0, len(lines) - 1))
    at = data.draw(st.integers(0, len(lines[place]) - 2))
    other = data.draw(st.integers(0, 255).filter(lambda value: value != lines[place][at]))
    changed = [*lines[:place], lines[place][:at] + bytes([other]) + lines[place][at + 1 :], *lines[place + 1 :]]
    with pytest.raises((InputError, LogTamperedError)):
        exported.verified([part for line in changed for part in line.splitlines()], key)


_MADE: list[tuple[list[bytes], note.VerifierKey]] = []


def _whole() -> tuple[list[bytes], note.VerifierKey]:
    if not _MADE:
        key = note.SignerKey.generate(ORIGIN)
        some = ENTRIES[:6]
        start = b'{"schema":"%b","log":"%b","index":' % (SCHEMA.encode(), ORIGIN.encode())
        lines = [b'%b%d,"entry":%b}\n' % (start, index, entry) for index, entry in enumerate(some)]
        head = Checkpoint(ORIGIN, 6, root_of([leaf_hash(entry) for entry in some])).signed_by(key)
        last = {"schema": CHECKPOINT_SCHEMA, "log": ORIGIN, "size": 6, "note": head.render()}
        text = json.dumps(last, ensure_ascii=False, separators=(",", ":"))
        _MADE.append(([*lines, text.encode() + b"\n"], key.verifier()))
    return _MADE[0]
