"""`ledger` and `keys export` as they are typed: an issuer exports and proves, somebody else checks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from counterfoil.mint.mint import Minted
from counterfoil.model.counterfoil import Grant
from mint.making import CLAIMS, making

from .run import run, start


@dataclass(frozen=True)
class Issuer:
    """An issuer that minted some tokens, and what another party keeps: a checkpoint after five of them."""

    path: Path
    minted: tuple[Minted, ...]

    @property
    def ledger(self) -> Path:
        """Its ledger."""
        return self.path / "ledger"

    @property
    def key(self) -> Path:
        """The ledger's public key."""
        return self.ledger / "log.vkey"

    @property
    def kept(self) -> Path:
        """The checkpoint that another party keeps."""
        return self.path / "kept"


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    """Yield an issuer of eight tokens."""
    path = tmp_path_factory.mktemp("issuer")
    with making(path) as made:
        some = [made.mint.issue(CLAIMS, grant=Grant.CLIENT) for _ in range(5)]
        (path / "kept").write_text(made.ledger.checkpoint().checkpoint.render())
        some += [made.mint.issue(CLAIMS, grant=Grant.CODE) for _ in range(3)]
    yield Issuer(path, tuple(some))


def test_an_export_is_what_hunt_reads(issuer: Issuer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Both logs, as lines with the checkpoint last; no secret is needed, and a file is its owner's."""
    for command, store in (("ledger", issuer.ledger), ("keys", issuer.path / "custody")):
        target = tmp_path / f"{command}.jsonl"
        assert run(capsys, command, "export", str(store), "--output", str(target)).code == 0
        lines = [json.loads(line) for line in target.read_text().splitlines()]
        assert lines[-1]["schema"] == "counterfoil.log-checkpoint/1"
        assert [line["index"] for line in lines[:-1]] == list(range(len(lines) - 1))
        assert target.stat().st_mode & 0o777 == 0o600
    assert len((tmp_path / "ledger.jsonl").read_text().splitlines()) == 9
    assert run(capsys, "ledger", "export", str(tmp_path)).code == 2


def test_a_ledger_is_verified_and_held_to_a_checkpoint(issuer: Issuer, capsys: pytest.CaptureFixture[str]) -> None:
    """It says how many there are, and that it extends what another party keeps."""
    told = run(capsys, "ledger", "verify", str(issuer.ledger), "--checkpoint", str(issuer.kept))
    assert told.code == 0
    assert "8 counterfoils, as they were recorded; it extends the checkpoint of 5" in told.out


def test_a_proof_is_checked_by_somebody_else(
    issuer: Issuer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Against the ledger's head, and against the checkpoint that somebody keeps; by id and by digest."""
    stub = issuer.minted[2].counterfoil
    proof = tmp_path / "proof.json"
    for wanted in (stub.jti, stub.digest):
        for more in ([], ["--checkpoint", str(issuer.kept)]):
            made = run(capsys, "ledger", "prove", str(issuer.ledger), wanted, *more)
            assert made.code == 0
            proof.write_text(made.out)
            told = run(capsys, "ledger", "check", str(proof), "--log-key", str(issuer.key), *more)
            assert (told.code, f"MINTED  {stub.jti}" in told.out) == (0, True)
    younger = issuer.minted[6].counterfoil.jti
    late = run(capsys, "ledger", "prove", str(issuer.ledger), younger, "--checkpoint", str(issuer.kept))
    assert late.code == 2
    assert "younger than a checkpoint" in late.err
    unknown = run(capsys, "ledger", "prove", str(issuer.ledger), "no-such-token")
    assert (unknown.code, unknown.out) == (1, "")


FALSE: list[tuple[str, Callable[[dict[str, Any]], object], str]] = [
    ("an entry that was changed", lambda proof: proof["entry"] | {"client": "another"}, "entry"),
    ("another place", lambda _: 3, "index"),
    ("a step of the path less", lambda proof: proof["path"][:-1], "path"),
    ("a checkpoint of another size", lambda proof: proof["checkpoint"].replace("\n8\n", "\n9\n"), "checkpoint"),
    ("another log's name", lambda _: "ledger.example/other", "log"),
]


@pytest.mark.parametrize(("what", "change", "member"), FALSE, ids=[row[0] for row in FALSE])
def test_a_false_proof_proves_nothing(
    issuer: Issuer, tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str,
    change: Callable[[dict[str, Any]], object], member: str,
) -> None:
    """Whatever is changed in it, it does not hold: exit code 1, and what is wrong."""
    made = json.loads(run(capsys, "ledger", "prove", str(issuer.ledger), issuer.minted[2].counterfoil.jti).out)
    proof = tmp_path / "proof.json"
    proof.write_text(json.dumps(made | {member: change(made)}))
    told = run(capsys, "ledger", "check", str(proof), "--log-key", str(issuer.key))
    assert (told.code, "NOT PROVEN" in told.out) == (1, True), what
    proof.write_text("{}")
    assert run(capsys, "ledger", "check", str(proof), "--log-key", str(issuer.key)).code == 2


def test_a_ledger_that_was_written_anew_is_found(
    issuer: Issuer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An insider who holds the log's key can write another history, but not the checkpoint that somebody else has."""
    from counterfoil.mint.ledger import FileLedger

    with making(tmp_path) as made:
        made.mint.issue(CLAIMS, grant=Grant.CLIENT)
    copied = tmp_path / "anew"
    copied.mkdir()
    with FileLedger.open(copied, "ledger.example/idp"):
        pass
    for name in ("log.key", "log.vkey"):
        (copied / name).write_bytes((issuer.ledger / name).read_bytes())
    told = run(capsys, "ledger", "verify", str(copied), "--checkpoint", str(issuer.kept))
    assert told.code == 1
    assert "NOT AS RECORDED" in told.out


def test_what_was_minted_is_counted(issuer: Issuer, capsys: pytest.CaptureFixture[str]) -> None:
    """By issuer, key and grant; within a window, of an issuer, under a key."""
    told = json.loads(run(capsys, "ledger", "count", str(issuer.ledger), "--format", "json").out)["rows"]
    assert [(row[2], row[3]) for row in told] == [("authorization_code", 3), ("client_credentials", 5), ("all", 8)]
    for more, count in (
        (["--since", "2026-06-01T12:00"], 8), (["--since", "2026-06-02"], 0), (["--until", "2026-06-01"], 0),
        (["--issuer", "https://other.example"], 0), (["--kid", issuer.minted[0].counterfoil.kid], 8),
    ):
        rows = json.loads(run(capsys, "ledger", "count", str(issuer.ledger), *more, "--format", "json").out)["rows"]
        assert rows[-1][3] == count


def test_a_ledger_is_made_and_witnessed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`init` prints the key for others; `witness` leaves a checkpoint where somebody else keeps it."""
    made = run(capsys, "ledger", "init", str(tmp_path / "ledger"), "--origin", "ledger.example/new")
    assert made.out.startswith("ledger.example/new+")
    (tmp_path / "drop").mkdir()
    told = run(capsys, "ledger", "witness", str(tmp_path / "ledger"), "--witness", str(tmp_path / "drop"))
    assert told.out.startswith("ledger.example/new\n0\n")
    kept = [path for path in (tmp_path / "drop").rglob("*") if path.is_file()]
    assert [path.read_text() for path in kept] == [told.out]


def test_an_export_whose_reader_went_away_ends_quietly(issuer: Issuer) -> None:
    """`ledger export | head` is no error of ours."""
    process = start("ledger", "export", str(issuer.ledger))
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() in ("", b"")
    assert process.wait() == 141
