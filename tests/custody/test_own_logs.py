"""What a back-end's own log proves, as docs/reference/custody.md says: tied to our records, and to what was signed."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from counterfoil.custody.algorithm import Algorithm
from counterfoil.custody.auditor import entries
from counterfoil.custody.secrets import read_secret
from sources.reading import read

from .backends import Backend
from .test_contract import INPUT
from .test_custody import opened


def _signed(backend: Backend, path: Path) -> str:
    """Sign once, and return the request id that our record holds."""
    with opened(backend, path) as held:
        held.create("idp", Algorithm.ES256)
        held.sign("idp", INPUT)
    ((_, end),) = entries(path / "log", hashlib.sha256(INPUT).hexdigest())
    assert end is not None
    return end.evidence["request_id"]


def test_openbao_tells_who_signed_what(started: dict[str, Backend], tmp_path: Path) -> None:
    """Its audit log holds our request id, and an HMAC of the signing input that sys/audit-hash makes again."""
    import hvac

    backend = started["openbao"]
    request = _signed(backend, tmp_path / "custody")
    (line,) = [line for line in backend.log() if line["type"] == "request" and line["request"].get("id") == request]
    settings = backend.settings(tmp_path / "custody")
    assert settings.openbao is not None
    token = read_secret(settings.openbao.token, settings.path).text()
    client = hvac.Client(url=settings.openbao.address, token=token)
    told: Any = client.adapter.post("/v1/sys/audit-hash/audit", json={"input": base64.b64encode(INPUT).decode()})
    assert line["request"]["data"]["input"] == told["data"]["hash"]


def test_logs_of_servers_that_run_are_evidence(started: dict[str, Backend], tmp_path: Path) -> None:
    """What OpenBao's audit device and CloudTrail write of a signature is recognised, and is a use of its key."""
    used = {}
    for name, source in (("openbao", "openbao-audit"), ("aws-kms", "aws-cloudtrail")):
        request = _signed(started[name], tmp_path / name)
        log = tmp_path / f"{name}.jsonl"
        log.write_text("".join(json.dumps(line) + "\n" for line in started[name].log()))
        (found,) = read([log], tmp_path / f"{name}-case")
        assert found.source.name == source
        ids = [(row["record_id"], json.loads(row["extra"]).get("requestID")) for row in found.rows]
        used[name] = [row for row, known in zip(found.rows, ids, strict=True) if request in known]
    every = [row for rows in used.values() for row in rows]
    assert {(row["leg"], row["key_operation"]) for row in every} == {("key_use", "sign")}
    assert all(row["key_id"] and row["subject_name"] for row in every)
    assert len(used["openbao"]) == 2  # request and response
    assert len(used["aws-kms"]) == 1


def test_cloudtrail_has_one_event_a_signature(started: dict[str, Backend], tmp_path: Path) -> None:
    """The event has the request id of our record: counts can be compared, and single uses be found."""
    backend = started["aws-kms"]
    request = _signed(backend, tmp_path / "custody")
    assert [event["eventName"] for event in backend.log() if event["requestID"] == request] == ["Sign"]


def test_a_passphrase_comes_from_the_keyring(tmp_path: Path) -> None:
    """The entry SERVICE/USER of the keyring; a missing one is told with the command that makes it."""
    import keyring
    from keyring.backend import KeyringBackend

    from counterfoil.errors import KeyStoreError

    class InMemory(KeyringBackend):
        priority = 1
        held = {("counterfoil", "idp"): "word"}  # noqa: RUF012  # a test's own

        def get_password(self, service: str, username: str) -> str | None:
            """Return the entry."""
            return self.held.get((service, username))

        def set_password(self, service: str, username: str, password: str) -> None:
            """Do nothing."""

    before = keyring.get_keyring()
    keyring.set_keyring(InMemory())  # type: ignore[no-untyped-call]
    try:
        assert read_secret("keyring:counterfoil/idp", tmp_path).text() == "word"
        with pytest.raises(KeyStoreError, match="no such entry") as error:
            read_secret("keyring:counterfoil/other", tmp_path)
        assert error.value.hint == "keyring set counterfoil other"
    finally:
        keyring.set_keyring(before)
