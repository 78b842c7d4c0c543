"""Results stand for as long as nothing changes that verdicts follow from; then a hunt does not judge again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from counterfoil import app
from counterfoil.case.manifest import Batch, Manifest
from counterfoil.model.coverage import ATTESTED, AttestedLog, Declaration
from counterfoil.model.hosting import NetworkFile
from counterfoil.model.logs import Logs
from counterfoil.pipeline import standing
from counterfoil.reconcile.asked import Asked
from counterfoil.sources.registry import logs
from counterfoil.tokens.entitlement import Entitlement, IssuerPattern

from .conftest import Estate
from .estates import hunted, settings, tables

_MANIFEST = Manifest(batches=(Batch(id="a", rows=1),))
_ASKED = Asked(logs=logs())
_KEY = Entitlement(issuers=((IssuerPattern.of("https://issuer.example"),),), tenants=frozenset("abc"))

# What of the question is another one: each field of `Asked` has a row.
_OTHERS: dict[str, Any] = {
    "declarations": (Declaration("entra-signin", "interactive", None, None),),
    "exported_at": datetime(2026, 1, 1),  # noqa: DTZ001  # times of evidence are UTC
    "since": datetime(2026, 1, 1),  # noqa: DTZ001
    "until": datetime(2026, 1, 1),  # noqa: DTZ001
    "federated": (("example.com", "https://farm.example"),),
    "identities": (("id", "name"),),
    "truncated": {"entra-signin": "exactly 100,000 rows"},
    "attested": (AttestedLog("counterfoil-ledger", "log.example", ATTESTED, ""),),
    "keys": {"key": _KEY},
    "logs": Logs(),
    "networks": NetworkFile("networks.csv", "0" * 64),
}


@pytest.mark.parametrize("name", [field.name for field in fields(Asked)])
def test_another_question_is_another_judgement(name: str) -> None:
    """Whatever is asked otherwise."""
    assert standing.digest(_MANIFEST, replace(_ASKED, **{name: _OTHERS[name]})) != standing.digest(_MANIFEST, _ASKED)


def test_a_key_that_ends_is_another_key() -> None:
    """A key without end, one that never begins, and one that ended are three."""
    keys = [_KEY, replace(_KEY, sign_until=0.0), replace(_KEY, sign_from=_KEY.sign_until)]
    assert len({standing.digest(_MANIFEST, replace(_ASKED, keys={"key": key})) for key in keys}) == len(keys)


def test_more_evidence_is_another_judgement() -> None:
    """A batch more."""
    more = Manifest(batches=(*_MANIFEST.batches, Batch(id="b", rows=1)))
    assert standing.digest(more, _ASKED) != standing.digest(_MANIFEST, _ASKED)


def test_the_question_is_known_again_in_another_process() -> None:
    """The order in which a process happens to keep its sets tells nothing."""
    told = (
        "from counterfoil.case.manifest import Batch, Manifest; from counterfoil.pipeline.standing import digest;"
        "from counterfoil.reconcile.asked import Asked; from counterfoil.sources.registry import logs;"
        "print(digest(Manifest(batches=(Batch(id='a', rows=1),)), Asked(logs=logs())))"
    )
    for seed in "12":
        ran = subprocess.run(  # noqa: S603  # our own
            [sys.executable, "-c", told], check=True, capture_output=True, text=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
        assert ran.stdout.strip() == standing.digest(_MANIFEST, _ASKED)


def _lose_a_file(case: Path, patch: pytest.MonkeyPatch) -> None:
    del patch
    next((case / "settled").rglob("tokens/*.parquet")).unlink()


def _become_another_program(case: Path, patch: pytest.MonkeyPatch) -> None:
    del case
    patch.setattr(standing, "_program", lambda: "another")


def test_nothing_new_is_not_judged_again(tiny: Estate, tmp_path: Path) -> None:
    """The results stay the file that they are, and the report says the same; what nobody named is swept away."""
    case = tmp_path / "case"
    shutil.copytree(tiny.case, case)
    told = settings(case, tiny.scenario)
    before, said = (case / "case.duckdb").stat(), app.report(told)
    (case / "settled" / "0123").mkdir()
    assert hunted([tiny.logs], told) == said
    after = (case / "case.duckdb").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert not (case / "settled" / "0123").exists()


@pytest.mark.parametrize("change", [_lose_a_file, _become_another_program])
def test_what_does_not_stand_is_judged_again(
    tiny: Estate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path, pytest.MonkeyPatch], None]
) -> None:
    """A file of what was settled is lost, or the program is another: the results are new, and the same."""
    case = tmp_path / "case"
    shutil.copytree(tiny.case, case)
    change(case, monkeypatch)
    before = (case / "case.duckdb").stat()
    hunted([tiny.logs], settings(case, tiny.scenario))
    assert (case / "case.duckdb").stat().st_ino != before.st_ino
    assert tables(case) == tables(tiny.case)


def test_results_of_an_earlier_version_do_not_stand(tiny: Estate, tmp_path: Path) -> None:
    """They do not say what they follow from."""
    case = tmp_path / "case"
    shutil.copytree(tiny.case, case)
    with duckdb.connect(str(case / "case.duckdb")) as con:
        con.execute("UPDATE settled SET state = json_merge_patch(state, '{\"judged\": \"\"}')")
    before = (case / "case.duckdb").stat()
    hunted([tiny.logs], settings(case, tiny.scenario))
    assert (case / "case.duckdb").stat().st_ino != before.st_ino
