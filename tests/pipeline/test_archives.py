"""Logs in archives give what the same logs give outside of them, each member an input of its own."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from counterfoil import app
from counterfoil.case.manifest import read_manifest
from counterfoil.case.results import TABLES
from unpack.packing import Named, seven_zipped, tarred, zipped

from .conftest import Estate
from .estates import digest, hunted, settings, tables


def _members(estate: Estate) -> Named:
    return [(str(path.relative_to(estate.logs)), path.read_bytes()) for path in estate.written.paths]


PACKS: dict[str, Callable[[Named], bytes]] = {
    "a zip": zipped,
    "a compressed tar": lambda members: gzip.compress(tarred(members), 1),
    "a 7z": seven_zipped,
    "a zip in a zip": lambda members: zipped([("inner.zip", zipped(members[1:])), *members[:1]]),
}


@pytest.mark.parametrize("pack", PACKS.values(), ids=PACKS.keys())
def test_an_archive_gives_what_its_files_give(tiny: Estate, tmp_path: Path, pack: Callable[[Named], bytes]) -> None:
    """Every table is the same but `inputs`, which shows the path through the archive and the archive's hash."""
    archive, case = tmp_path / "export.bin", tmp_path / "case"
    archive.write_bytes(pack(_members(tiny)))
    report = hunted([archive], settings(case, tiny.scenario))
    same = [name for name in TABLES if name not in ("inputs", "findings")]
    assert tables(case, same) == tables(tiny.case, same)
    assert {entry.archive for entry in report.inputs} == {digest(archive)}
    by_hash = {entry.sha256: entry for entry in report.inputs}
    for path in tiny.written.paths:
        entry = by_hash[digest(path)]
        assert entry.path.startswith(f"{archive}/")
        assert entry.path.endswith(str(path.relative_to(tiny.logs)))
        assert (entry.size, entry.read > 0, entry.unread) == (path.stat().st_size, True, "")
    assert not any((case / "tmp").iterdir()) if (case / "tmp").exists() else True
    (kept,) = read_manifest(case / "manifest.json").archives
    assert (kept.sha256, kept.path, kept.members) == (digest(archive), str(archive), len(tiny.written.paths))


def test_an_archive_is_read_once(tiny: Estate, tmp_path: Path) -> None:
    """The same archive again, a copy of it, and its files outside of it change nothing but the list of copies."""
    archive, case = tmp_path / "export.zip", tmp_path / "case"
    archive.write_bytes(zipped(_members(tiny)))
    hunted([archive], settings(case, tiny.scenario))
    before = (digest(case / "manifest.json"), tables(case))
    hunted([archive], settings(case, tiny.scenario))
    assert (digest(case / "manifest.json"), tables(case)) == before
    shutil.copy(archive, tmp_path / "copy.zip")
    report = hunted([tmp_path / "copy.zip", tiny.written.paths[0]], settings(case, tiny.scenario))
    copies = {entry.path: entry.unread for entry in report.inputs if entry.unread}
    first = f"{archive}/{tiny.written.paths[0].relative_to(tiny.logs)}"
    assert copies == {
        str(tmp_path / "copy.zip"): f"same content as {archive}",
        str(tiny.written.paths[0]): f"same content as {first}",
    }
    assert tables(case, [name for name in TABLES if name != "inputs"]) == {
        name: rows for name, rows in before[1].items() if name != "inputs"
    }


def test_members_that_cannot_be_read_are_named_and_the_rest_is_read(tiny: Estate, tmp_path: Path) -> None:
    """Each member that is no log is an unread input with its reason; so is an archive that breaks off."""
    good = tiny.written.paths[-1]
    members = [(good.name, good.read_bytes()), ("notes.txt", b"hello\n"), ("empty.json", b"")]
    members.append(("x.rar", b"Rar!\x1a\x07"))
    whole, broken = tmp_path / "whole.tar", tmp_path / "broken.tar"
    whole.write_bytes(tarred(members))
    broken.write_bytes(tarred([("other.json", b"{}\n" * 9)])[:1024] + b"x" * 512)
    case = tmp_path / "case"
    for _ in range(2):
        report = app.ingest([str(whole), str(broken)], settings(case), app.Silent())
        found = {entry.path.removeprefix(str(tmp_path) + "/"): entry for entry in report.inputs}
        assert found.keys() == {f"whole.tar/{name}" for name, _ in members} | {"broken.tar", "broken.tar/other.json"}
        assert found[f"whole.tar/{good.name}"].read > 0
        for name, why in {
            "whole.tar/notes.txt": "neither JSON nor CSV", "whole.tar/empty.json": "empty file",
            "whole.tar/x.rar": "a RAR archive", "broken.tar": "damaged there", "broken.tar/other.json": "no known log",
        }.items():
            assert why in found[name].unread


def test_a_7z_without_the_extra_is_tried_again(tiny: Estate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was unread for want of a library is read by the run after its installation."""
    archive, case = tmp_path / "export.7z", tmp_path / "case"
    archive.write_bytes(seven_zipped(_members(tiny)[-1:]))
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "py7zr", None)
        (entry,) = app.ingest([str(archive)], settings(case), app.Silent()).inputs
        assert "pip install" in entry.unread
    (entry,) = app.ingest([str(archive)], settings(case), app.Silent()).inputs
    assert (entry.unread, entry.read > 0) == ("", True)


def test_evidence_names_file_member_and_position(tiny: Estate, tmp_path: Path) -> None:
    """A record is found again by three things: the archive's hash, the path inside it, and its position."""
    archive, case = tmp_path / "export.zip", tmp_path / "case"
    archive.write_bytes(zipped(_members(tiny)))
    app.ingest([str(archive)], settings(case), app.Silent())
    hunted([archive], settings(case, tiny.scenario))
    (path, sha, position), *_ = app.sql(
        case,
        "SELECT path, archive, raw_position FROM evidence JOIN inputs ON raw_file = sha256 WHERE path LIKE '%.jsonl'"
        " ORDER BY ALL LIMIT 1",
    ).rows
    assert sha == hashlib.sha256(archive.read_bytes()).hexdigest()
    inside = tiny.logs / str(path).removeprefix(f"{archive}/")
    assert isinstance(position, int)
    assert inside.read_bytes().splitlines()[position - 1].startswith(b"{")
