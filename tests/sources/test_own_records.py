"""counterfoil's own records: keys that `leaks` found, and decoys that it left; context, under their key ids."""

from __future__ import annotations

import hashlib
import json

import pytest

from .expecting import Promise, Rows, at, by_position, read_samples
from .reading import Read

LEAKS, DECOYS, JWKS = "leaks.jsonl", "decoys.jsonl", "jwks.jsonl"
LEDGER, CUSTODY, RECEIPTS, ISSUANCES = "ledger.jsonl", "custody.jsonl", "receipts.jsonl", "issuances.jsonl"
SOURCES = {
    LEAKS: "counterfoil-leaks",
    DECOYS: "counterfoil-decoys",
    JWKS: "jwks-log",
    LEDGER: "counterfoil-ledger",
    CUSTODY: "counterfoil-custody",
    RECEIPTS: "counterfoil-receipts",
    ISSUANCES: "issuer-log",
}
TENANT, SUBJECT = "5a7e1e00-0000-4000-8000-00000000000a", "ps1:k1:" + "a" * 32


def digest(token_id: str) -> str:
    """Return the digest of a token of the samples."""
    return hashlib.sha256(token_id.encode()).hexdigest()


PROMISES = (
    Promise("a found key stands at the earliest time before which it was there", LEAKS, 1, {
        "leg": "context", "source": "counterfoil-leaks", "kind": "known-key", "key_id": "signing-2026",
        "event_time": at("2026-03-02T09:00:00"), "object_id": "/var/crash/signer.dmp", "item_count": 3,
        "key_operation": "found", "outcome": "success", "token_id": None, "issuer": None,
    }),
    Promise("a key of no known id is told by its thumbprint", LEAKS, 2,
            {"kind": "private-key", "key_id": "Vd2b0cJxw0YqkT8n3rPzq1mQm0c1dVtB4kJw3nP2sXo"}),
    Promise("a finding of no known kind is a reject", LEAKS, 3, {"reject": "kind of no known finding"}),
    Promise("a decoy stands under its key id at its place", DECOYS, 1, {
        "leg": "context", "source": "counterfoil-decoys", "kind": "decoy", "key_id": "spare-2025",
        "event_time": at("2026-01-15T12:00:00"), "object_id": "backup server, /srv/old", "key_operation": "planted",
    }),
    Promise("a decoy without a key id is a reject", DECOYS, 2, {"reject": "no key id"}),
    Promise("a key set as it was served is context, with the ids of its keys", JWKS, 1, {
        "leg": "context", "source": "jwks-log", "kind": "https://idp.example/jwks", "key_operation": "published",
        "item_ids": ["k1", "k2"], "event_time": at("2026-06-01T12:00:00"), "object_id": "https://IDP.example/jwks",
    }),
    Promise("who fetched it is context", JWKS, 2, {
        "leg": "context", "key_operation": "fetched", "ip": "192.0.2.9", "user_agent": "curl/8.5", "item_ids": None,
    }),
    Promise("a snapshot that names no keys is a reject", JWKS, 3, {"reject": "a snapshot without key ids"}),
    Promise("a counterfoil is an issuance", LEDGER, 1, {
        "leg": "issuance", "source": "counterfoil-ledger", "kind": "ledger.example/idp", "issuer": "https://login.example",
        "token_id": "t-1", "token_id_kind": "jti", "signing_input_digest": digest("t-1"), "key_id": "k1",
        "algorithm": "ES256", "subject_id": SUBJECT, "client_id": "mail-client", "resource": "api://mail",
        "token_tenant": TENANT, "resource_tenant": TENANT, "session_id": "s-1", "token_class": "user", "sequence": 0,
        "event_time": at("2026-06-01T12:00:00.123456"), "issued_at": at("2026-06-01T12:00:00"),
        "expires_at": at("2026-06-01T13:00:00"), "operation": "authorization_code", "outcome": "success",
        "record_id": "ledger.example/IDP:0",
    }),
    Promise("a counterfoil of a refresh is a secondary issuance with its parents", LEDGER, 2,
            {"leg": "secondary_issuance", "token_id": "t-2", "parent_token_ids": ["t-1"], "token_class": None}),
    Promise("a counterfoil without most fields is one all the same", LEDGER, 3,
            {"leg": "issuance", "token_class": "application", "subject_id": None, "resource": None, "client_id": None}),
    Promise("a counterfoil without its key is a reject", LEDGER, 4,
            {"reject": "a counterfoil without digest, iss or kid"}),
    Promise("a counterfoil without a time still clears its token", LEDGER, 5, {"reject": None, "event_time": None}),
    Promise("the checkpoint of an export is context", LEDGER, 6, {
        "leg": "context", "operation": "checkpoint of the export", "token_id": None, "token_id_kind": None,
        "event_time": at("2026-06-02T00:00:00"), "sequence": None,
    }),
    Promise("that custody was opened is context", CUSTODY, 1,
            {"leg": "context", "source": "counterfoil-custody", "operation": "open"}),
    Promise("a signature is a key use with the digest of what was signed", CUSTODY, 3, {
        "leg": "key_use", "kind": "custody.example/idp", "key_operation": "sign", "key_id": "k1", "algorithm": "ES256",
        "signing_input_digest": digest("t-1"), "subject_name": "user:idp", "object_id": "idp",
        "object_kind": "signing_key", "outcome": "success", "record_id": "custody.example/idp:2", "fidelity": 2,
    }),
    Promise("its end is a version of it that comes first", CUSTODY, 4, {
        "leg": "key_use", "record_id": "custody.example/idp:2", "fidelity": 1, "outcome": "success",
        "signing_input_digest": None,
    }),
    Promise("a signature that was refused is none", CUSTODY, 6,
            {"leg": "key_use", "record_id": "custody.example/idp:4", "outcome": "refused"}),
    Promise("a refused export of a key is context", CUSTODY, 7, {"leg": "context", "operation": "export"}),
    Promise("an operation with no known result is a reject", CUSTODY, 8,
            {"reject": "no operation of custody, or no result"}),
    Promise("an accepted token is an acceptance", RECEIPTS, 1, {
        "leg": "acceptance", "source": "counterfoil-receipts", "kind": "mail-api", "outcome": "success",
        "issuer": "https://login.example", "token_id": "t-1", "token_id_kind": "jti", "key_id": "k1",
        "signing_input_digest": digest("t-1"), "subject_id": SUBJECT, "client_id": "mail-client",
        "resource": "api://mail api://files", "token_tenant": TENANT, "session_id": "s-1", "ip": "192.0.2.7",
        "user_agent": "Agent/1", "operation": "GET", "object_id": "/messages", "record_id": "e1:1", "sequence": 1,
        "event_time": at("2026-06-01T12:00:05.000001"), "issued_at": at("2026-06-01T12:00:00"),
    }),
    Promise("a refused token is one that was refused", RECEIPTS, 2,
            {"leg": "acceptance", "outcome": "refused", "key_id": "k0", "signing_input_digest": digest("t-6")}),
    Promise("a receipt of what was no token has no id", RECEIPTS, 3,
            {"outcome": "refused", "token_id": None, "token_id_kind": None, "issuer": None}),
    Promise("a receipt without a known outcome is a reject", RECEIPTS, 4,
            {"reject": "outcome is neither accepted nor refused"}),
    Promise("times of a receipt may be seconds, as in the claims", RECEIPTS, 6,
            {"issued_at": at("2026-06-01T12:00:00")}),
    Promise("a receipt whose issued-at is no time is a reject: without it a copied id would pass", RECEIPTS, 7,
            {"reject": "iat or exp that is no time (seconds since 1970, or ISO 8601)"}),
    Promise("so is such an issuance", ISSUANCES, 10,
            {"reject": "iat or exp that is no time (seconds since 1970, or ISO 8601)"}),
    Promise("a line of an issuer's own log is an issuance", ISSUANCES, 1, {
        "leg": "issuance", "source": "issuer-log", "kind": "idp.example/tokens", "issuer": "https://op.example",
        "token_id": "o-1", "token_id_kind": "jti", "signing_input_digest": hashlib.sha256(b"foo").hexdigest(),
        "key_id": "k1", "algorithm": "RS256", "subject_id": "alice", "client_id": "desk", "scopes": "read",
        "resource": "api://mail api://files", "token_tenant": TENANT, "resource_tenant": TENANT, "session_id": "s-1",
        "token_class": "user", "ip": "192.0.2.7", "user_agent": "Agent/1", "operation": "authorization_code",
        "event_time": at("2026-06-01T12:00:00.25"), "issued_at": at("2026-06-01T12:00:00"),
        "expires_at": at("2026-06-01T13:00:00"), "outcome": "success", "record_id": "IDP.example/tokens:17:o-1",
    }),
    Promise("times may be seconds, an audience one text; a refresh is a secondary issuance", ISSUANCES, 2, {
        "leg": "secondary_issuance", "event_time": at("2026-06-01T12:01:00"), "issued_at": None, "resource": "api://mail",
        "parent_token_ids": ["o-1"], "signing_input_digest": None, "token_class": None,
    }),
    Promise("an exchange by the name of RFC 8693 is one", ISSUANCES, 9,
            {"leg": "secondary_issuance", "operation": "token_exchange", "parent_token_ids": ["p-1"]}),
    Promise("a token without id is told by its digest", ISSUANCES, 3, {
        "leg": "issuance", "token_id": None, "token_id_kind": None, "operation": "other",
        "signing_input_digest": hashlib.sha256(b"bar").hexdigest(),
    }),
    Promise("one without id and digest is a reject", ISSUANCES, 4, {"reject": "neither jti nor digest"}),
    Promise("one of no named log is a reject", ISSUANCES, 5, {"reject": "no name of its log"}),
    Promise("a digest in another form is a reject, as it would match nothing", ISSUANCES, 6,
            {"reject": "a digest that is no SHA-256 in hex"}),
    Promise("an issuance without a time still clears its token", ISSUANCES, 7, {"reject": None, "event_time": None}),
    Promise("one without an issuer is a reject", ISSUANCES, 8, {"reject": "no issuer"}),
)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Read]:
    """Read the samples once."""
    return read_samples("counterfoil", SOURCES, tmp_path_factory.mktemp("own"))


@pytest.fixture(scope="module")
def rows(found: dict[str, Read]) -> Rows:
    """Return the evidence by sample and position."""
    return by_position(found)


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.sentence)
def test_promise(promise: Promise, rows: Rows) -> None:
    """The record gives these columns."""
    promise.hold(rows)


def test_each_is_read_by_its_source(found: dict[str, Read]) -> None:
    """By content, and by no other."""
    assert {name: one.source.name for name, one in found.items()} == SOURCES


def test_all_bounds_are_kept(rows: Rows) -> None:
    """Every time, and what it is by, is in the record: the earliest is not the only one."""
    assert "2026-03-04T10:00:00Z by the modification" in json.loads(rows[LEAKS, 1]["extra"])["bounds"]


def test_what_a_receipt_says_beyond_the_columns_is_kept(rows: Rows) -> None:
    """What was checked, how the token is written, and what is missing: rules ask for it."""
    accepted, refused = (json.loads(rows[RECEIPTS, place]["extra"]) for place in (1, 2))
    assert accepted["checks"] == "F5 V4"
    assert (refused["code"], refused["dropped"], refused["sample"]) == ("key-not-entitled", "3", "0.1")
