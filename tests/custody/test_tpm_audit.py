"""The TPM's command audit proves a complete key-use log, and shows the gap when a signature is hidden from it."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.custody import tpmaudit
from counterfoil.custody.algorithm import Algorithm
from counterfoil.custody.audit import Record, decode, encode
from counterfoil.custody.auditor import audited
from counterfoil.custody.custody import Custody
from counterfoil.errors import CounterfoilError
from counterfoil.tlog import replay
from counterfoil.tlog.filelog import open_log
from counterfoil.tlog.folder import Folder

from .backends import ORIGIN, Backend
from .test_custody import opened


@pytest.fixture
def tpm(started: dict[str, Backend]) -> Backend:
    """Return the TPM."""
    return started["tpm"]


def signing(held: Custody, count: int, key: str = "idp") -> None:
    """Sign that many inputs, and have the TPM attest them."""
    for place in range(count):
        held.sign(key, b"%s %d" % (key.encode(), place))
    held.checkpoint()


def windows(path: Path) -> list[tuple[int, bool]]:
    """Return how many signatures each window holds, and whether the TPM has exactly those."""
    return [(window.signatures, window.proven) for window in audited(path / "log").windows]


def test_a_complete_log_is_proven(tpm: Backend, tmp_path: Path) -> None:
    """Several keys and algorithms, several threads' worth of signatures, across a restart: all windows are proven."""
    path = tmp_path / "custody"
    with opened(tpm, path) as held:
        held.create("idp", Algorithm.ES256)
        held.create("other", Algorithm.RS256)
        held.create("third", Algorithm.PS256)
        for key, count in (("idp", 5), ("other", 2), ("third", 1)):
            signing(held, count, key)
        held.sign("idp", b"not attested before the restart")
    assert audited(path / "log").unattested == 1
    with opened(tpm, path) as held:
        signing(held, 3)
        signing(held, 0)
    found = audited(path / "log")
    assert windows(path) == [(5, True), (2, True), (1, True), (1, True), (3, True), (0, True)]
    assert (found.problems, found.unattested) == ((), 0)


def test_a_signature_behind_our_back_shows(tpm: Backend, tmp_path: Path) -> None:
    """Somebody uses the key through the same TPM without custody: the window does not add up, the next one does."""
    path = tmp_path / "custody"
    with opened(tpm, path) as held:
        held.create("idp", Algorithm.ES256)
        signing(held, 2)
        held._store.sign("idp", b"forged")  # the key store alone: no record
        signing(held, 2)
        signing(held, 1)
    assert windows(path) == [(2, True), (2, False), (1, True)]
    assert "other signatures than the log holds" in audited(path / "log").problems[0]


def test_a_digest_read_by_others_shows(tpm: Backend, tmp_path: Path) -> None:
    """Reading the digest resets it, which could hide signatures: the TPM's counter tells."""
    path = tmp_path / "custody"
    with opened(tpm, path) as held:
        held.create("idp", Algorithm.ES256)
        signing(held, 1)
        held._store.sign("idp", b"forged")
        held._store.audit_digest(b"")  # signed for nobody
        signing(held, 1)
    assert windows(path) == [(1, True), (1, False)]
    assert "somebody else read" in audited(path / "log").problems[0]


def test_an_audit_that_was_turned_off_shows(tpm: Backend, tmp_path: Path) -> None:
    """The owner stops auditing TPM2_Sign, signs, and starts it again: that is audited itself."""
    from tpm2_pytss import TPM2_ALG, TPM2_CC, TPML_CC

    path = tmp_path / "custody"
    with opened(tpm, path) as held:
        held.create("idp", Algorithm.ES256)
        signing(held, 1)
        device = held._store._driver._tpm  # type: ignore[attr-defined]
        device.set_command_code_audit_status(TPM2_ALG.NULL, TPML_CC([]), TPML_CC([TPM2_CC.Sign]))
        held._store.sign("idp", b"forged")
        device.set_command_code_audit_status(TPM2_ALG.NULL, TPML_CC([TPM2_CC.Sign]), TPML_CC([]))
        signing(held, 1)
    assert windows(path) == [(1, True), (1, False)]


def _rewritten(path: Path, target: Path, change: Callable[[int, Record], Record | None]) -> list[tuple[int, bool]]:
    """Write the log again with its own key, as whoever took over the signer could; returns the windows."""
    shutil.copytree(path, target)
    secret = (path / "log/log.key").read_bytes()
    told: list[Record] = []
    replay.replay(Folder(path / "log"), lambda index, raw: told.append(decode(raw, index)))
    shutil.rmtree(target / "log")
    log = open_log(target / "log", ORIGIN)
    assert secret != (target / "log/log.key").read_bytes()
    moved: dict[int, int] = {}
    for index, record in enumerate(told):
        changed = change(index, record)
        if changed is not None and (changed.of < 0 or changed.of in moved):
            moved[index] = log.append(encode(msgspec.structs.replace(changed, of=moved.get(changed.of, -1))))
    log.close()
    return windows(target)


def test_a_log_that_was_written_again_shows(tpm: Backend, tmp_path: Path) -> None:
    """Whoever holds the log's key can leave a record out, change a digest or swap two: the TPM's digest tells."""
    path = tmp_path / "custody"
    with opened(tpm, path) as held:
        held.create("idp", Algorithm.ES256)
        signing(held, 3)
    signs: list[int] = []
    replay.replay(
        Folder(path / "log"), lambda index, raw: signs.append(index) if b'"op":"sign","result":"begun"' in raw else None
    )

    def same(_: int, record: Record) -> Record:
        return record

    def left_out(index: int, record: Record) -> Record | None:
        return None if index == signs[1] else record

    def other_digest(index: int, record: Record) -> Record:
        return msgspec.structs.replace(record, digest="00" * 32) if index == signs[1] else record

    def swapped(_: int, record: Record) -> Record:
        order = record.evidence.get("tpm_order", "")
        if not order:
            return record
        other = {":2": ":3", ":3": ":2"}.get(order[-2:], order[-2:])
        return msgspec.structs.replace(record, evidence={**record.evidence, "tpm_order": order[:-2] + other})

    def forged(index: int, record: Record) -> Record:
        raw = bytearray(base64.b64decode(record.evidence.get("signature", "")))
        if not raw or index < signs[0]:
            return record
        raw[-1] ^= 1
        return msgspec.structs.replace(
            record, evidence={**record.evidence, "signature": base64.b64encode(raw).decode()}
        )

    assert _rewritten(path, tmp_path / "forged", forged) == [(3, False)]
    assert _rewritten(path, tmp_path / "same", same) == [(3, True)]
    assert _rewritten(path, tmp_path / "left out", left_out) == [(2, False)]
    assert _rewritten(path, tmp_path / "other digest", other_digest) == [(3, False)]
    assert _rewritten(path, tmp_path / "swapped", swapped) == [(3, False)]


@given(st.binary(max_size=200), st.binary(max_size=100), st.binary(max_size=100))
def test_nothing_but_our_own_error_comes_out(attested: bytes, signature: bytes, key: bytes) -> None:
    """Whatever stands in a record as an attestation."""
    with pytest.raises(CounterfoilError):
        tpmaudit.reading(attested, signature, key)
