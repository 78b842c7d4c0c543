"""Logs of key stores of others: OpenBao's audit device, CloudTrail; and what Windows events say in the same words."""

from __future__ import annotations

import json

import pytest

from .expecting import Promise, Rows, at, by_position, read_samples

BAO, TRAIL = "openbao-audit.jsonl", "cloudtrail.json"
KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"

PROMISES = (
    Promise("a signature is a key use of the transit key, by the name of the login", BAO, 4, {
        "leg": "key_use", "source": "vault-audit", "kind": "audit", "key_operation": "sign", "key_id": "k1",
        "object_kind": "signing_key", "object_id": "k1", "subject_name": "userpass-idp", "ip": "192.0.2.10",
        "subject_id": "11df8803-c0ef-ccbc-fc7c-0edb58945d9a", "outcome": "success", "signing_input_digest": None,
        "record_id": "b48dd388-0af3-f766-25c0-3b04ee7f0002", "fidelity": 1,
        "extra": '{"process":"idp-signer/1.4","tokenType":"service","mount":"transit/"}',
    }),
    Promise("its request is a version of it that knows less", BAO, 3,
            {"leg": "key_use", "record_id": "b48dd388-0af3-f766-25c0-3b04ee7f0002", "fidelity": 2}),
    Promise("a key is made", BAO, 2, {"leg": "context", "key_operation": "create", "object_id": "k1"}),
    Promise("a private key is exported", BAO, 6, {"leg": "context", "key_operation": "export", "object_id": "k1"}),
    Promise("a backup that was not allowed failed", BAO, 8, {"key_operation": "backup", "outcome": "failed"}),
    Promise("a key is made exportable", BAO, 10, {"key_operation": "allow-export", "object_id": "k1"}),
    Promise("an audit device was nearly removed", BAO, 12, {
        "key_operation": "audit-off", "outcome": "refused", "object_kind": "audit_device",
        "object_id": "sys/audit/file",
    }),
    Promise("a rotation", BAO, 14, {"key_operation": "rotate", "object_id": "k1"}),
    Promise("a key that exists elsewhere is imported", BAO, 16, {"key_operation": "attach", "object_id": "k2"}),
    Promise("a look at all keys is of none", BAO, 18, {"key_operation": "list", "object_kind": None}),
    Promise("a policy was written", BAO, 20, {"key_operation": "policy", "object_id": "sys/policies/acl/custody"}),
    Promise("another secret is nothing of a key", BAO, 22, {"leg": "context", "key_operation": None}),
    Promise("a setting that lets nothing out is a change of policy", BAO, 24, {"key_operation": "policy"}),
    Promise("a line without a request is a reject", BAO, 25, {"reject": "no request of a client"}),
    Promise("a signature of KMS is a key use under the key's ARN, by the role and not by its session", TRAIL, 1, {
        "leg": "key_use", "source": "aws-cloudtrail", "kind": "111122223333", "key_operation": "sign", "key_id": KEY,
        "object_id": KEY, "subject_name": "arn:aws:iam::111122223333:role/idp", "algorithm": "ECDSA_SHA_256",
        "event_time": at("2026-11-30T09:01:00"), "ip": "192.0.2.20", "outcome": "success",
        "user_agent": "Boto3/1.43.106 md/Botocore#1.43.106", "record_id": "38411a91-999d-4ed1-9413-a64e9cc05801",
    }),
    Promise("a key's policy was changed", TRAIL, 2,
            {"leg": "context", "key_operation": "policy", "subject_name": "arn:aws:iam::111122223333:user/carol"}),
    Promise("what was denied is refused", TRAIL, 3, {"key_operation": "destroy", "outcome": "refused"}),
    Promise("a trail was stopped", TRAIL, 4, {
        "key_operation": "audit-off", "object_id": "arn:aws:cloudtrail:eu-west-1:111122223333:trail/main",
    }),
    Promise("a trail was told to leave KMS out", TRAIL, 5, {"key_operation": "audit-off", "object_id": "main"}),
    Promise("and so by an advanced selector", TRAIL, 6, {"key_operation": "audit-off"}),
    Promise("selectors that leave nothing out are none of this", TRAIL, 7, {"key_operation": None}),
    Promise("an object of a bucket is a file", TRAIL, 8, {
        "leg": "context", "object_kind": "file", "object_id": "s3://crash-store/2026/11/signer-7.dmp.gz",
    }),
    Promise("another call is context", TRAIL, 9, {"leg": "context", "key_operation": None, "object_id": None}),
    Promise("an emulator's spelling of the key's id is read", TRAIL, 10,
            {"key_operation": "sign", "key_id": "da12079d-0d79-4c0c-8e11-b6bfad445007"}),
    Promise("an event of two accounts has one id", TRAIL, 11, {"record_id": "shared-1"}),
)


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    """Return all rows of the samples."""
    return by_position(read_samples("keystores", [BAO, TRAIL], tmp_path_factory.mktemp("keystores") / "case"))


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.sentence)
def test_records(promise: Promise, rows: Rows) -> None:
    """Each record gives these columns."""
    promise.hold(rows)


def test_secrets_of_a_raw_audit_log_stay_in_it(rows: Rows) -> None:
    """What was signed, signatures and tokens are in no column: a log that holds them in clear is not copied."""
    told = json.dumps([{name: str(value) for name, value in row.items()} for row in rows.values()])
    assert "hmac-sha256" not in told

