"""Every file that is given is accounted for: read, or unread with the reason; and every record of those read."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from counterfoil import app
from counterfoil.case import ingest as writing
from counterfoil.case.ingest import FEW_BYTES
from counterfoil.case.manifest import read_manifest
from counterfoil.errors import UsageError
from counterfoil.model.hunt import HuntReport, InputFile
from counterfoil.pipeline.identities import read_identities
from counterfoil.pipeline.inputs import find
from counterfoil.read.texts import CHUNK_BYTES
from unpack.packing import zstd

from .conftest import Estate
from .estates import digest, ended, hunted, program
from .estates import settings as told


def _by_name(report: HuntReport) -> dict[str, InputFile]:
    return {Path(entry.path).name: entry for entry in report.inputs}


def _ingested(paths: list[Path], case: Path) -> HuntReport:
    return app.ingest([str(path) for path in paths], told(case), app.Silent())


def _adds_up(report: HuntReport) -> bool:
    return all(entry.read == entry.kept + entry.duplicates + entry.rejected for entry in report.inputs)


def test_few_records_are_read_as_many_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every column of every record and reject, whichever way the engine is given them."""
    log = tmp_path / "log.jsonl"
    good = json.dumps(_GOOD | {"Id": "x", "Subject": "\x00 it's"}).encode() + b"\n"
    log.write_bytes(good + b'{"no": "JSON\n\xff\n\n{"a": "it\'s \\u0000 nothing"}\n' + good[:300])
    evidence = []
    for few in (FEW_BYTES, 0):
        monkeypatch.setattr(writing, "FEW_BYTES", few)
        _ingested([log], tmp_path / str(few))
        files = tmp_path / str(few) / "evidence" / "*" / "*" / "*" / "*.parquet"
        evidence.append(duckdb.sql(f"FROM read_parquet('{files}', union_by_name = true) ORDER BY ALL").fetchall())
    assert evidence[0] == evidence[1]
    assert len(evidence[0]) == 5
    assert {"not JSON", "not UTF-8"} <= {cell for row in evidence[0] for cell in row if isinstance(cell, str)}


def test_what_breaks_off_in_mid_stream_ends_with_one_line(tiny: Estate, tmp_path: Path) -> None:
    """Compressed logs that end after megabytes, while the engine reads: code 2 and one line, no end of the process."""
    logs, case = tmp_path / "logs", tmp_path / "case"
    logs.mkdir()
    lines = tiny.written.paths[-1].read_bytes()
    long = lines * (3 * CHUNK_BYTES // len(lines) + 1)
    for name, packed in (("a.gz", gzip.compress(long, 1)), ("b.zst", zstd(long))):
        (logs / name).write_bytes(packed[: len(packed) * 9 // 10])
    code, out, err = ended(program("hunt", logs, "--case", case, "--quiet"))
    assert (code, out) == (2, "")
    assert err.startswith("counterfoil: nothing readable; ")
    assert len(err.splitlines()) <= 2
    assert not any(case.glob("evidence/*"))
    assert all(entry.unread and not entry.read for entry in read_manifest(case / "manifest.json").inputs)


def test_what_cannot_be_read_is_named_and_the_rest_is_read(tiny: Estate, tmp_path: Path) -> None:
    """Each kind of file that is no log is listed once with its reason, also when the run is repeated."""
    logs = tmp_path / "logs"
    (logs / "sub").mkdir(parents=True)
    good = tiny.written.paths[0]
    shutil.copy(good, logs / "good.jsonl")
    (logs / "empty.json").write_bytes(b"")
    (logs / "binary.bin").write_bytes(b"\x7fELF" + bytes(range(256)) * 8)
    (logs / "excel.json").write_text('[{"a":1}]', encoding="utf-16")
    (logs / "half.gz").write_bytes(gzip.compress(good.read_bytes())[:2000])
    (logs / "other.json").write_text('{"CreationTime":"2025-01-01","Whatever":1}')
    (logs / "other.csv").write_text("a,b\n1,2\n")
    (logs / "prose.txt").write_text("hello\n")
    (logs / "vanished").symlink_to(tmp_path / "nowhere")
    (logs / "itself").symlink_to(logs / "itself")
    (logs / "sub" / "circle").symlink_to(logs)
    os.mkfifo(logs / "pipe")
    expected = {
        "empty.json": "empty file",
        "binary.bin": "binary file",
        "excel.json": "JSON of no known log",
        "half.gz": "Compressed file ended",
        "other.json": "",
        "other.csv": "CSV with columns of no known export",
        "prose.txt": "neither JSON nor CSV",
        "vanished": "No such file",
        "itself": "Too many levels of symbolic links",
        "circle": "a link to a folder is not followed",
        "pipe": "neither a file nor a folder",
    }
    report = _ingested([logs], tmp_path / "case")
    inputs = _by_name(report)
    assert inputs.keys() == {*expected, "good.jsonl"}
    for name, why in expected.items():
        assert why in inputs[name].unread, name
        assert inputs[name].unread, name
        assert (inputs[name].source, inputs[name].read) == ("", 0)
    assert (inputs["good.jsonl"].unread, inputs["good.jsonl"].read) == ("", len(good.read_bytes().splitlines()))
    manifest = digest(tmp_path / "case" / "manifest.json")
    _ingested([logs], tmp_path / "case")
    assert digest(tmp_path / "case" / "manifest.json") == manifest


def test_a_file_that_breaks_late_does_not_take_the_others_with_it(tiny: Estate, tmp_path: Path) -> None:
    """An archive whose end is damaged is unread as a whole; files read in the same batch are kept."""
    good = next(path for path in tiny.written.paths if path.name == "MicrosoftGraphActivityLogs.jsonl")
    shutil.copy(good, tmp_path / "good.jsonl")
    packed = gzip.compress(good.read_bytes() * 12, 1)
    (tmp_path / "bad.gz").write_bytes(packed[:-8] + b"\0" * 8)
    report = _ingested([tmp_path / "good.jsonl", tmp_path / "bad.gz"], tmp_path / "case")
    inputs = _by_name(report)
    assert "CRC check failed" in inputs["bad.gz"].unread
    assert inputs["good.jsonl"].read == len(good.read_bytes().splitlines())
    assert list((tmp_path / "case" / "staging").iterdir()) == []


def test_the_same_content_twice_is_read_once_and_told(tiny: Estate, tmp_path: Path) -> None:
    """A second file of the same content is no second evidence: it is listed as a copy, once, and counts stay right."""
    good = tiny.written.paths[-1]
    for name in ("a.json", "b.json"):
        shutil.copy(good, tmp_path / name)
    (tmp_path / "alias").symlink_to(tmp_path / "a.json")
    case = tmp_path / "case"
    once = _ingested([tmp_path / "a.json"], case)
    report = hunted([tmp_path / "a.json", tmp_path / "a.json", tmp_path / "b.json", tmp_path / "alias"], told(case))
    inputs = _by_name(report)
    assert len(report.inputs) == 3
    for name in ("b.json", "alias"):
        assert inputs[name].unread == f"same content as {tmp_path / 'a.json'}"
        assert (inputs[name].sha256, inputs[name].read, inputs[name].kept) == (inputs["a.json"].sha256, 0, 0)
    assert (inputs["a.json"].read, inputs["a.json"].duplicates) == (once.inputs[0].read, 0)
    assert _adds_up(report)
    manifest = digest(case / "manifest.json")
    app.ingest([str(tmp_path)], told(case), app.Silent())
    assert digest(case / "manifest.json") == manifest


def test_a_file_that_could_not_be_opened_is_tried_again(tiny: Estate, tmp_path: Path) -> None:
    """What was unreadable in one run is read by the next, and listed once."""
    path = tmp_path / "late.json"
    path.symlink_to(tmp_path / "late")
    assert _ingested([path], tmp_path / "case").inputs[0].unread
    shutil.copy(tiny.written.paths[-1], tmp_path / "late")
    (entry,) = _ingested([path], tmp_path / "case").inputs
    assert (entry.unread, entry.read > 0) == ("", True)


def test_nothing_at_a_path_is_bad_usage(tmp_path: Path) -> None:
    """A path or pattern that means nothing is an error that names it: a typing mistake is no all-clear."""
    for pattern in (tmp_path / "nothing", tmp_path / "*.json"):
        with pytest.raises(UsageError, match="nothing found at"):
            find([str(pattern)])
    (tmp_path / ".hidden").touch()
    with pytest.raises(UsageError, match="nothing to read in the folder"):
        find([str(tmp_path)])


def test_folders_globs_and_hidden_files(tmp_path: Path) -> None:
    """A folder means all below it, in a stable order; hidden files and other cases are no inputs."""
    for name in ("b/2.json", "b/1.json", "a.json", ".hidden", ".git/x.json", "case/.counterfoil.lock", "case/x.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}")
    (tmp_path / "b" / "manifest.json").write_text("{}")  # not every folder with a manifest is ours
    names = [str(path.relative_to(tmp_path)) for path in find([str(tmp_path), str(tmp_path / "**" / "1.json")])]
    assert names == ["a.json", "b/1.json", "b/2.json", "b/manifest.json"]


def test_a_closed_folder_is_named(tmp_path: Path) -> None:
    """A folder that may not be listed is an input that cannot be read, not one that is not there."""
    if os.geteuid() == 0:
        pytest.skip("the superuser may list every folder")
    (tmp_path / "open.json").write_text("")
    (tmp_path / "closed").mkdir(mode=0)
    assert [path.name for path in find([str(tmp_path)])] == ["closed", "open.json"]


_GOOD = {
    "CreationTime": "2025-09-01T08:00:00", "Operation": "MailItemsAccessed", "RecordType": 50, "Workload": "Exchange",
    "OrganizationId": "11111111-0000-0000-0000-000000000001", "UserId": "a@example.com", "UserType": 0, "Version": 1,
}
_MIXED = st.lists(
    st.one_of(
        st.integers(1, 4).map(lambda n: json.dumps(_GOOD | {"Id": f"00000000-0000-0000-0000-00000000000{n}"}).encode()),
        st.sampled_from([
            json.dumps(_GOOD | {"Id": "x", "CreationTime": "yesterday"}).encode(), b"{", b"[1]", b"7", b"null", b"",
            b'{"a":"\xff"}', b"   ", json.dumps({"Id": "y"}).encode(), b'{"Id":"\\ud800"}', b'{"Id":"\\u0000"}',
        ]),
    ),
    max_size=20,
)


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.too_slow], phases=[Phase.generate])
@given(mixtures=st.lists(_MIXED, min_size=2, max_size=4))
def test_read_is_kept_and_duplicates_and_rejected(
    tmp_path_factory: pytest.TempPathFactory, mixtures: list[list[bytes]]
) -> None:
    """Whatever lines files hold, each that is not blank is kept, a duplicate, or rejected with its position."""
    folder = tmp_path_factory.mktemp("mixed")
    head = json.dumps(_GOOD | {"Id": "00000000-0000-0000-0000-000000000000"}).encode()
    expected: dict[str, int] = {}
    for number, lines in enumerate(mixtures):
        whole = [head, *lines, str(number).encode()]
        (folder / f"{number}.jsonl").write_bytes(b"\n".join(whole))
        expected[f"{number}.jsonl"] = sum(bool(line.strip()) for line in whole)
    report = hunted([folder], told(folder / "case"))
    assert {name: entry.read for name, entry in _by_name(report).items()} == expected
    assert _adds_up(report)
    ids = {json.loads(line)["Id"] for lines in mixtures for line in [head, *lines] if b"T08:00:00" in line}
    assert sum(entry.kept for entry in report.inputs) == len(ids)
    assert sum(reject.count for reject in report.rejects) == sum(entry.rejected for entry in report.inputs)
    assert sum(count for _, count in report.legs) == len(ids)


def test_a_mixed_stream_is_read_by_all_its_sources(tiny: Estate, tmp_path: Path) -> None:
    """One file with records of several logs is read whole; a category that nobody knows is rejected and counted."""
    logs = [path for path in tiny.written.paths if path.suffix == ".jsonl"]
    lines = [line for path in logs for line in path.read_bytes().splitlines()]
    alien = json.dumps(json.loads(lines[0]) | {"category": "RiskyBusiness"}).encode()
    (tmp_path / "mixed.jsonl").write_bytes(b"\n".join([lines[0], alien, b"{broken", b"", *lines[1:]]))
    (entry,) = _ingested([tmp_path / "mixed.jsonl"], tmp_path / "case").inputs
    assert (entry.read, entry.rejected) == (len(lines) + 2, 2)


def _page(records: list[Any], **more: Any) -> bytes:
    return json.dumps({"@odata.context": "https://graph.microsoft.com/beta/$metadata#auditLogs/signIns", **more,
                       "value": records}).encode()


_SIGN_IN = {
    "createdDateTime": "2025-09-01T08:00:00Z", "appId": "00000000-0000-4000-8000-000000000002",
    "userId": "00000000-0000-4000-8000-000000000003", "userPrincipalName": "a@example.com",
    "resourceId": "00000000-0000-4000-8000-000000000004", "status": {"errorCode": 0}, "isInteractive": True,
    "signInEventTypes": ["interactiveUser"], "correlationId": "00000000-0000-4000-8000-000000000005",
    "ipAddress": "198.51.100.7",
}


def _pages(folder: Path, count: int, *, of: int) -> None:
    """Write the first `count` of `of` pages, as an export writes them."""
    for number in range(1, count + 1):
        record = _SIGN_IN | {"id": f"00000000-0000-4000-8000-0000000001{number:02}"}
        follows = {"@odata.nextLink": f"https://graph.microsoft.com/?$skiptoken={number}"} if number < of else {}
        (folder / f"signins-2025-09-{number}.json").write_bytes(_page([record], **follows))


def test_a_set_of_pages_without_its_last_is_cut_off(tmp_path: Path) -> None:
    """Where the last page of a set names another, records are missing; once that one is added, they are not."""
    _pages(tmp_path, 10, of=11)
    cut = [entry for entry in _ingested([tmp_path], tmp_path / "case").inputs if entry.truncated]
    assert [(Path(entry.path).name, entry.truncated) for entry in cut] == [
        ("signins-2025-09-10.json", "the last page is missing (@odata.nextLink)")
    ]
    _pages(tmp_path, 11, of=11)
    report = _ingested([tmp_path], tmp_path / "case")
    assert [entry.truncated for entry in report.inputs] == [""] * 11


def test_pages_of_other_sets_do_not_complete_a_set(tmp_path: Path) -> None:
    """A last page in another folder, or under another name, says nothing of this set."""
    for folder, count in (("a", 2), ("b", 1)):
        (tmp_path / folder).mkdir()
        _pages(tmp_path / folder, count, of=2)
    record = _SIGN_IN | {"id": "00000000-0000-4000-8000-000000000200"}
    (tmp_path / "b" / "other-9.json").write_bytes(_page([record]))
    # the first pages of both folders are the same bytes: the second of them is a copy
    report = _ingested([tmp_path / "b", tmp_path / "a"], tmp_path / "case")
    assert [Path(e.path).name for e in report.inputs if e.truncated] == ["signins-2025-09-1.json"]


def test_a_row_of_identities_with_one_column_is_one_clear_line(tmp_path: Path) -> None:
    """The line is named, and nothing of it is shown."""
    names = tmp_path / "names.csv"
    names.write_text("id,name\na0,ada\nonly-this\n")
    with pytest.raises(UsageError, match=r"line 3 of .*names\.csv has no second column"):
        read_identities(names)


def test_different_records_of_one_id_are_both_kept(tmp_path: Path) -> None:
    """Nothing of one is told of the other; the same record in a second file is a duplicate all the same."""
    common = {"Id": "11111111-2222-3333-4444-555555555555", "Version": 1, "UserType": 0, "UserKey": "u",
              "OrganizationId": "a59fc703-72db-43e0-8a21-0494303b7220"}
    rule = common | {"CreationTime": "2025-03-01T10:00:00", "Operation": "New-InboxRule", "RecordType": 1,
                     "UserId": "ann@contoso.example"}
    file = common | {"CreationTime": "2025-03-09T10:00:00", "Operation": "FileAccessed", "RecordType": 6,
                     "UserId": "bob@contoso.example"}
    other = rule | {"Id": "21111111-2222-3333-4444-555555555555"}
    (tmp_path / "one.jsonl").write_text("".join(json.dumps(record) + "\n" for record in (rule, file, other)))
    (tmp_path / "two.jsonl").write_text(json.dumps(other) + "\n")
    report = app.hunt([str(tmp_path / "one.jsonl"), str(tmp_path / "two.jsonl")], told(tmp_path / "case"), app.Silent())
    one, two = sorted(report.inputs, key=lambda entry: entry.path)
    assert (one.read, two.read, one.kept + two.kept, one.duplicates + two.duplicates) == (3, 1, 3, 1)
    assert (one.note, two.note) == ("2 of its records share their id with a different record: each is kept", "")
    found = app.sql(tmp_path / "case", "SELECT operation, subject_name FROM evidence ORDER BY event_time, record_id")
    assert [tuple(row) for row in found.rows] == [
        ("New-InboxRule", "ann@contoso.example"), ("New-InboxRule", "ann@contoso.example"),
        ("FileAccessed", "bob@contoso.example"),
    ]
