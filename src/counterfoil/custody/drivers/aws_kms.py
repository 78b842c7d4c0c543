"""Keys in AWS KMS. CloudTrail records every Sign, outside our process; the request id links it with our record."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from counterfoil.custody.algorithm import EDWARDS, Algorithm
from counterfoil.custody.keys import Attestation, Capabilities, NewKey, OwnLog, Signed
from counterfoil.custody.settings import AwsKmsSettings, StoreSettings
from counterfoil.errors import KeyStoreError, KeyUnusableError, UsageError
from counterfoil.jose.algorithms import jws_form

MAX_CONNECTIONS = 64
# KMS signs messages of at most 4096 bytes; it takes the digest of longer ones, except for Ed25519.
MAX_RAW_MESSAGE = 4_096
# The shortest time that KMS waits before it deletes a key.
DELETION_DAYS = 7
_SPECS = {
    Algorithm.RS256: "RSA_2048", Algorithm.PS256: "RSA_2048", Algorithm.ES256: "ECC_NIST_P256",
    **dict.fromkeys(EDWARDS, "ECC_NIST_EDWARDS25519"),
}
_SIGNING = {
    Algorithm.RS256: "RSASSA_PKCS1_V1_5_SHA_256", Algorithm.PS256: "RSASSA_PSS_SHA_256",
    Algorithm.ES256: "ECDSA_SHA_256", **dict.fromkeys(EDWARDS, "ED25519_SHA_512"),
}
_REFUSALS = frozenset({
    "DisabledException", "NotFoundException", "KMSInvalidStateException", "InvalidKeyUsageException",
})


class AwsKms:
    """The keys of one account and region. A reference is the key's id."""

    capabilities = Capabilities(
        "aws-kms", frozenset(Algorithm), non_exportable=True, attests=False, enforces_disable=True, own_log=OwnLog.COUNT
    )

    def __init__(self, part: AwsKmsSettings) -> None:
        """Use the credentials that the AWS library finds (environment, profile, instance)."""
        config = Config(
            max_pool_connections=MAX_CONNECTIONS, connect_timeout=part.timeout_seconds,
            read_timeout=part.timeout_seconds, retries={"total_max_attempts": 2, "mode": "standard"},
        )
        with _calling("connect"):
            self._client: Any = boto3.client(
                "kms", region_name=part.region, endpoint_url=part.endpoint or None, config=config
            )

    def generate(self, label: str, algorithm: Algorithm) -> NewKey:
        """Make a key; KMS never hands out private keys of its own making."""
        with _calling(f"make key {label}"):
            made = self._client.create_key(
                KeySpec=_SPECS[algorithm], KeyUsage="SIGN_VERIFY", Description=f"counterfoil {label}",
                Tags=[{"TagKey": "counterfoil", "TagValue": label}],
            )
            return self._told(str(made["KeyMetadata"]["KeyId"]))

    def attach(self, label: str, reference: str) -> NewKey:
        """Take over a signing key by its id, ARN or alias/NAME."""
        del label
        with _calling(f"find key {reference}"):
            return self._told(reference)

    def sign(self, reference: str, algorithm: Algorithm, signing_input: bytes) -> Signed:
        """Sign in KMS."""
        kind, message = "RAW", signing_input
        if algorithm not in EDWARDS:
            kind, message = "DIGEST", hashlib.sha256(signing_input).digest()
        elif len(signing_input) > MAX_RAW_MESSAGE:
            raise UsageError(f"KMS signs at most {MAX_RAW_MESSAGE} bytes with Ed25519, got {len(signing_input)}")
        with _calling(f"sign with key {reference}"):
            told = self._client.sign(
                KeyId=reference, Message=message, MessageType=kind, SigningAlgorithm=_SIGNING[algorithm]
            )
            signature = bytes(told["Signature"])
            request = str(told["ResponseMetadata"].get("RequestId", ""))
        return Signed(jws_form(signature) if algorithm is Algorithm.ES256 else signature, {"request_id": request})

    def disable(self, reference: str) -> None:
        """Disable the key in KMS."""
        with _calling(f"disable key {reference}"):
            self._client.disable_key(KeyId=reference)

    def destroy(self, reference: str) -> None:
        """Schedule the deletion; until it comes, in 7 days, the key is unusable and the deletion can be cancelled."""
        with _calling(f"destroy key {reference}"):
            self._client.schedule_key_deletion(KeyId=reference, PendingWindowInDays=DELETION_DAYS)

    def attest(self, reference: str) -> Attestation:
        """Return KMS's word on the key."""
        with _calling(f"ask about key {reference}"):
            told = self._client.describe_key(KeyId=reference)["KeyMetadata"]
        words = ("Arn", "Origin", "KeyState", "KeySpec", "KeyUsage", "MultiRegion")
        stated = {word: told[word] for word in words if word in told}
        return Attestation({"held": "AWS KMS", **stated, "attested": False})

    def audit_digest(self, nonce: bytes) -> Attestation | None:  # noqa: ARG002  # CloudTrail signs its own digests
        """Return None: CloudTrail is a log of its own."""
        return None

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _told(self, reference: str) -> NewKey:
        told = self._client.describe_key(KeyId=reference)["KeyMetadata"]
        if told.get("KeyUsage") != "SIGN_VERIFY":
            raise KeyUnusableError(f"KMS key {reference} is for {told.get('KeyUsage')}, not for signatures")
        public = bytes(self._client.get_public_key(KeyId=told["KeyId"])["PublicKey"])
        return NewKey(str(told["KeyId"]), public, exportable=told.get("Origin") == "EXTERNAL")


def open_driver(settings: StoreSettings) -> AwsKms:
    """Return KMS as these settings reach it."""
    if settings.aws_kms is None:
        raise UsageError("custody.toml: the table [aws-kms] is missing")
    return AwsKms(settings.aws_kms)


@contextmanager
def _calling(what: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        told = error.response.get("Error", {})
        line = f"AWS KMS: {what}: {told.get('Code', 'error')}: {' '.join(str(told.get('Message', '')).split())[:300]}"
        kind = KeyUnusableError if told.get("Code") in _REFUSALS else KeyStoreError
        raise kind(line) from error
    except BotoCoreError as error:
        raise KeyStoreError(f"AWS KMS: {what}: {' '.join(str(error).split())[:300]}") from error
