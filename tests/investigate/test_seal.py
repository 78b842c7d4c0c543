"""The seal of a case through the program: what a second run finds, and what shows when somebody changes something."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cli.run import Ran, run
from counterfoil.cli.main import main

SAMPLES = Path(__file__).parents[1] / "samples" / "m365"
LOGS = ("api-blob.json", "search.csv", "search.json")
Run = Callable[..., Ran]


@pytest.fixture
def asked(capsys: pytest.CaptureFixture[str]) -> Run:
    """Return what runs the program."""
    return partial(run, capsys)


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with logs, a custody, public keys, and a sealed case over these logs."""
    folder = tmp_path_factory.mktemp("sealed")
    (folder / "logs").mkdir()
    for name in LOGS:
        shutil.copy(SAMPLES / name, folder / "logs")
    for store in ("store", "strangers"):
        assert main(["keys", "init", str(folder / store), "--origin", f"{store}.example/seals"]) == 0
        assert main(["keys", "create", str(folder / store), "seals", "--algorithm", "ES256"]) == 0
    assert main(["hunt", str(folder / "logs"), "--case", str(folder / "case"), "--quiet"]) in (0, 1, 3)
    assert main(["case", "seal", "--store", str(folder / "store"), "--case", str(folder / "case")]) == 0
    return folder


@pytest.fixture
def place(origin: Path, tmp_path: Path, asked: Run) -> Path:
    """Return a copy of it whose inputs lie where the case says."""
    shutil.copytree(origin, tmp_path / "all")
    for store in ("store", "strangers"):
        text = asked("keys", "list", tmp_path / "all" / store, "--jwks").out
        (tmp_path / "all" / f"{store}.json").write_text(text)
    return tmp_path / "all"


def claims(seal: Path) -> dict[str, Any]:
    """Return what a seal says."""
    part = seal.read_text().split(".")[1]
    told: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return told


def checked(asked: Run, place: Path, keys: str = "store.json") -> Ran:
    """Check the seal of the case there."""
    return asked("case", "verify", "--keys", place / keys, "--case", place / "case", "--quiet")


def test_what_nobody_touched_is_as_sealed(origin: Path, place: Path, asked: Run) -> None:
    """The copy of a case, its inputs where the hunt found them: everything is named, and exit code 0."""
    ran = checked(asked, place)
    assert ran.code == 0, ran.out
    assert "as sealed  manifest" in ran.out
    assert f"as sealed  inputs  ({len(LOGS)} of {len(LOGS)} files)" in ran.out
    told = json.loads(asked("case", "verify", "--keys", place / "store.json", "--case", origin / "case", "--quiet",
                            "--format", "json").out)
    assert {each["state"] for each in told["checked"]} == {"as sealed"}
    assert told["seal"] == claims(origin / "case" / "seal.jwt")


def test_two_runs_find_the_same(origin: Path, tmp_path: Path) -> None:
    """Another case over the same logs, read by another number of threads: its seal differs in its time alone."""
    case = str(tmp_path / "again")
    assert main(["hunt", str(origin / "logs"), "--case", case, "--quiet", "--threads", "1"]) in (0, 1, 3)
    assert main(["case", "seal", "--store", str(origin / "store"), "--case", case]) == 0
    one, other = claims(origin / "case" / "seal.jwt"), claims(tmp_path / "again" / "seal.jwt")
    assert one.pop("sealed_at") <= other.pop("sealed_at")
    assert one == other


def _change_evidence(place: Path, _: Path) -> None:
    files = sorted((place / "case" / "evidence").rglob("*.parquet"))
    shutil.copy(files[0], files[0].with_name("data_9.parquet"))  # records that no input holds


def _judge_again(place: Path, _: Path) -> None:
    assert main(["reconcile", "--case", str(place / "case"), "--since", "2030-01-01", "--quiet"]) in (0, 1, 3)


CHANGES: dict[str, tuple[Callable[[Path, Path], object], int, tuple[str, ...]]] = {
    "a line was added to an input": (
        lambda _, logs: (logs / LOGS[0]).write_bytes((logs / LOGS[0]).read_bytes() + b"\n"), 1, ("changed    input",),
    ),
    "an input is not there": (lambda _, logs: (logs / LOGS[1]).unlink(), 3, ("not there  input",)),
    "records were put into the evidence": (_change_evidence, 1, ("changed    table evidence",)),
    "it was judged again with other options": (_judge_again, 1, ("changed    options", "changed    table tokens")),
    "the manifest was written anew": (
        lambda place, _: (place / "case" / "manifest.json").open("a").write("\n"), 1, ("changed    manifest",),
    ),
}


@pytest.mark.parametrize("sentence", CHANGES)
def test_what_was_changed_is_named(sentence: str, origin: Path, place: Path, asked: Run) -> None:
    """And the exit code says whether something differs, or could not be looked at."""
    act, code, told = CHANGES[sentence]
    kept = {name: (origin / "logs" / name).read_bytes() for name in LOGS}
    try:
        act(place, origin / "logs")
        ran = checked(asked, place)
    finally:
        for name, content in kept.items():
            (origin / "logs" / name).write_bytes(content)
    assert ran.code == code, ran.out
    assert all(line in ran.out for line in told), ran.out



REFUSED: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "the keys are a stranger's": (lambda _: None, "strangers.json", "the seal does not verify"),
    "a claim was changed": (
        lambda place: (place / "case" / "seal.jwt").write_text(
            (place / "case" / "seal.jwt").read_text().replace(".ey", ".fy", 1)), "store.json",
        "the seal does not verify",
    ),
    "there is no seal": (lambda place: (place / "case" / "seal.jwt").unlink(), "store.json", "is not sealed"),
    "there are no such keys": (lambda _: None, "nowhere.json", "No such file"),
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_what_is_no_seal_of_theirs_is_refused(sentence: str, place: Path, asked: Run) -> None:
    """One line, and a hint."""
    act, keys, words = REFUSED[sentence]
    act(place)
    ran = checked(asked, place, keys)
    assert ran.code == 2
    assert words in ran.err
    assert ran.err.count("\n") <= 2
    assert not ran.out


def test_a_seal_is_replaced_only_when_asked(place: Path, asked: Run) -> None:
    """So that nobody seals what was changed by mistake."""
    seal = ("case", "seal", "--store", place / "store", "--case", place / "case")
    assert asked(*seal).code == 2
    assert asked(*seal, "--again").code == 0
    assert checked(asked, place).code == 0


def test_a_paper_of_another_kind_is_no_seal(place: Path, asked: Run) -> None:
    """A statement that the same key signed, put in its place, is told for what it is."""
    asked("respond", "verify", "--case", place / "case", "--store", place / "store", "--sign-key", "seals",
          "--since", "2025-09-18", "--key", "k", "--output", place / "case" / "seal.jwt")
    ran = checked(asked, place)
    assert ran.code == 2
    assert "no seal" in ran.err
