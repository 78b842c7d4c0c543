"""Exports of key stores: what they say of each key, and what cannot be told of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cli.run import run

from . import estates
from .making import write

NOW = datetime.now(UTC)
YOUNG, OLD = NOW - timedelta(days=20), NOW - timedelta(days=900)
EXPORTABLE, AGE, PURPOSE, HARD = ("store-exportable-keys", "store-key-age", "store-key-purpose", "store-hardware")


def custody(path: Path, **more: object) -> None:
    """Write an inventory as custody keeps it."""
    key = {"name": "tokens", "version": 1, "algorithm": "ES256", "state": "current", "reference": "r", "public": "AA==",
           "created": YOUNG.isoformat(), "attached": False, "exportable": False}
    write(path, {"schema": "counterfoil.key-inventory/1", "keys": [{**key, **more}]})


F, H, U, P = "fail", "partial", "cannot tell", "pass"
ROWS: Mapping[str, tuple[Callable[[Path], None], Mapping[str, str]]] = {
    "a good key in transit": (
        lambda path: estates.transit(path, YOUNG), {EXPORTABLE: P, AGE: P, PURPOSE: P, HARD: U}
    ),
    "an exportable key": (lambda path: estates.transit(path, YOUNG, exportable=True), {EXPORTABLE: F}),
    "a backup in clear": (lambda path: estates.transit(path, YOUNG, allow_plaintext_backup=True), {EXPORTABLE: F}),
    "an imported key": (lambda path: estates.transit(path, YOUNG, imported_key=True), {EXPORTABLE: H}),
    "an old key": (lambda path: estates.transit(path, OLD), {AGE: F}),
    "a key that rotates by hand": (lambda path: estates.transit(path, YOUNG, auto_rotate_period=0), {AGE: H}),
    "a key without its date": (lambda path: estates.transit(path, YOUNG, latest_version=7), {AGE: U}),
    "a key that signs and decrypts": (
        lambda path: estates.transit(path, YOUNG, supports_decryption=True), {PURPOSE: F}
    ),
    "a key for nothing": (lambda path: estates.transit(path, YOUNG, supports_signing=False), {PURPOSE: U, AGE: U}),
    "a key of KMS": (lambda path: estates.kms(path, YOUNG), {EXPORTABLE: P, AGE: H, PURPOSE: P, HARD: P}),
    "a key that KMS was given": (lambda path: estates.kms(path, OLD, "EXTERNAL"), {EXPORTABLE: H, AGE: F}),
    "a key in custody": (custody, {EXPORTABLE: P, AGE: P, PURPOSE: P, HARD: U}),
    "a key that custody was given": (lambda path: custody(path, attached=True), {EXPORTABLE: H}),
    "a key in a file": (lambda path: custody(path, exportable=True), {EXPORTABLE: F}),
    "custody whose keys are all past": (lambda path: custody(path, state="destroyed"), {EXPORTABLE: U, AGE: U}),
}


@pytest.mark.parametrize(("backend", "said"), [("file", F), ("tpm", P), ("aws-kms", P), ("pkcs11", U)])
def test_custody_says_where_its_keys_lie(
    backend: str, said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """By its settings, which stand beside its inventory; a token of PKCS#11 may be software."""
    custody(tmp_path / "inventory.json")
    (tmp_path / "custody.toml").write_text(f'backend = "{backend}"\norigin = "custody.example/idp"\n')
    told = json.loads(run(capsys, "posture", tmp_path, "--format", "json").out)
    assert {one["check"]: one["verdict"] for one in told["findings"]}[HARD] == said


@pytest.mark.parametrize(("make", "expected"), ROWS.values(), ids=ROWS)
def test_an_export_is_read(
    make: Callable[[Path], None], expected: Mapping[str, str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Each check says what the row says; the store is named by its file."""
    make(tmp_path / "store.json")
    told = json.loads(run(capsys, "posture", tmp_path / "store.json", "--format", "json").out)
    assert {finding["subject"] for finding in told["findings"]} == {str(tmp_path / "store.json")}
    found = {finding["check"]: finding["verdict"] for finding in told["findings"]}
    assert {check: found[check] for check in expected} == expected
