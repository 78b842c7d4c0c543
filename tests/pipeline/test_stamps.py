"""Files that did not change are recognised without reading them; what changed is always read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from counterfoil.pipeline import stamps
from counterfoil.pipeline.inputs import digest

OLD = 1_700_000_000


@pytest.fixture
def settled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a file that counts as settled although it was just made: no test can set its time of change."""
    monkeypatch.setattr(stamps, "SETTLED_NS", -1)
    path = tmp_path / "log.jsonl"
    path.write_text("one\n")
    return path


def _known(path: Path) -> dict[str, stamps.Known]:
    found, known = stamps.recognised(path, {})
    assert found.sha256 == digest(path).sha256
    return stamps.remembered([(path, known)])


def test_an_unchanged_file_is_not_read_again(settled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its hash is remembered, and the stamp is the one that reading it would give."""
    known = _known(settled)
    usual = digest(settled)

    def fail(path: Path) -> None:
        raise AssertionError(f"{path} was read")

    monkeypatch.setattr(stamps, "digest", fail)
    assert stamps.recognised(settled, known)[0] == usual


def _grow(path: Path) -> None:
    path.write_text("one\ntwo\n")


def _rewrite(path: Path) -> None:
    path.write_text("two\n")


def _rewrite_and_set_back(path: Path) -> None:
    before = path.stat()
    path.write_text("two\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _replace(path: Path) -> None:
    before = path.stat()
    other = path.with_name("other")
    other.write_text("two\n")
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(path)


@pytest.mark.parametrize("change", [_grow, _rewrite, _rewrite_and_set_back, _replace])
def test_a_changed_file_is_read(settled: Path, change: object) -> None:
    """Growth, another content of the same size, a time that was set back, and another file in its place."""
    assert callable(change)
    known = _known(settled)
    change(settled)
    assert stamps.recognised(settled, known)[0] == digest(settled)


def test_a_file_that_just_changed_is_not_remembered(tmp_path: Path) -> None:
    """It may change again within one tick of the file system's clock."""
    path = tmp_path / "log.jsonl"
    path.write_text("one\n")
    assert stamps.recognised(path, {})[1] is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"schema": "other/1"}', b"\xff", b'{"files": {"a": 1}}'])
def test_stamps_that_cannot_be_understood_are_nothing(tmp_path: Path, content: bytes) -> None:
    """The file is a convenience; it is never an error."""
    path = tmp_path / "stamps.json"
    path.write_bytes(content)
    assert stamps.read_stamps(path) == {}


def test_stamps_are_what_was_written(settled: Path, tmp_path: Path) -> None:
    """Written and read, they are the same."""
    known = _known(settled)
    stamps.write_stamps(tmp_path / "stamps.json", known)
    assert stamps.read_stamps(tmp_path / "stamps.json") == known
