"""Keys in the transit engine of OpenBao or HashiCorp Vault.

The server keeps its own audit log, outside our process, with an HMAC of every signing input: see `digest`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import hvac
import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hvac.exceptions import Forbidden, InvalidPath, InvalidRequest, VaultError
from requests.adapters import HTTPAdapter

from counterfoil.custody import spki
from counterfoil.custody.algorithm import EDWARDS, Algorithm
from counterfoil.custody.keys import Attestation, Capabilities, NewKey, OwnLog, Signed
from counterfoil.custody.secrets import read_secret
from counterfoil.custody.settings import OpenBaoSettings, StoreSettings
from counterfoil.errors import KeyStoreError, KeyUnusableError, UsageError
from counterfoil.jose import base64url

# Connections kept open; more threads wait for one.
MAX_CONNECTIONS = 64
_TYPES = {
    Algorithm.RS256: "rsa-2048", Algorithm.PS256: "rsa-2048", Algorithm.ES256: "ecdsa-p256",
    **dict.fromkeys(EDWARDS, "ed25519"),
}
_OPTIONS: dict[Algorithm, dict[str, str]] = {
    Algorithm.RS256: {"hash_algorithm": "sha2-256", "signature_algorithm": "pkcs1v15"},
    Algorithm.PS256: {"hash_algorithm": "sha2-256", "signature_algorithm": "pss", "salt_length": "hash"},
    Algorithm.ES256: {"hash_algorithm": "sha2-256"},
    **{name: {} for name in EDWARDS},
}


class OpenBaoTransit:
    """The keys of one transit mount. A reference is the key's name there; one key of ours is one key there."""

    capabilities = Capabilities(
        "openbao", frozenset(Algorithm), non_exportable=True, attests=False, enforces_disable=True,
        own_log=OwnLog.DIGEST,
    )

    def __init__(self, part: OpenBaoSettings, token: str) -> None:
        """Use the server with this token."""
        session = requests.Session()
        adapter = HTTPAdapter(pool_connections=1, pool_maxsize=MAX_CONNECTIONS, pool_block=True)
        session.mount("http://", adapter)
        session.mount("https://", adapter)
        self._client = hvac.Client(
            url=part.address, token=token, session=session, timeout=part.timeout_seconds, verify=part.ca_file or True
        )
        self._mount = part.mount
        with _calling("log in"):
            self._client.lookup_token()

    def generate(self, label: str, algorithm: Algorithm) -> NewKey:
        """Make a key that the server never exports."""
        with _calling(f"make key {label}"):
            self._write(f"keys/{label}", {"type": _TYPES[algorithm], "exportable": False})
            return self._told(label)

    def attach(self, label: str, reference: str) -> NewKey:
        """Take over a transit key that has one version only."""
        del label
        with _calling(f"find key {reference}"):
            return self._told(reference)

    def sign(self, reference: str, algorithm: Algorithm, signing_input: bytes) -> Signed:
        """Sign in the server; its request id links our record with its own."""
        data = {"input": base64.b64encode(signing_input).decode(), "marshaling_algorithm": "jws", "key_version": 1}
        with _calling(f"sign with key {reference}"):
            told = self._write(f"sign/{reference}", {**data, **_OPTIONS[algorithm]})
            text = str(told["data"]["signature"]).rpartition(":")[2]
            signature = base64url.decode_leniently(text)
            return Signed(signature, {"request_id": str(told.get("request_id", ""))})

    def disable(self, reference: str) -> None:
        """Soft-delete the key: the server refuses it until an operator restores it (Vault has no such call)."""
        with _calling(f"disable key {reference}"):
            self._client.delete(f"{self._mount}/keys/{reference}/soft-delete")

    def destroy(self, reference: str) -> None:
        """Delete the key."""
        with _calling(f"destroy key {reference}"):
            self._client.adapter.delete(f"/v1/{self._mount}/keys/{reference}/soft-delete")
            self._write(f"keys/{reference}/soft-delete-restore", {})
            self._write(f"keys/{reference}/config", {"deletion_allowed": True})
            self._client.delete(f"{self._mount}/keys/{reference}")

    def attest(self, reference: str) -> Attestation:
        """Return the server's word on the key."""
        with _calling(f"ask about key {reference}"):
            told = self._read(reference)
        words = ("type", "exportable", "allow_plaintext_backup", "imported_key", "deletion_allowed", "soft_deleted")
        return Attestation(
            {"held": "transit engine", **{word: told[word] for word in words if word in told}, "attested": False}
        )

    def audit_digest(self, nonce: bytes) -> Attestation | None:  # noqa: ARG002  # its log is not signed
        """Return None: the server's log is a file of its own."""
        return None

    def close(self) -> None:
        """Close the connections. The token stays valid until it expires."""
        self._client.session.close()

    def _told(self, reference: str) -> NewKey:
        told = self._read(reference)
        if told.get("latest_version") != 1:
            raise KeyUnusableError(f"transit key {reference} has several versions", hint="attach keys with one version")
        text = str(told["keys"]["1"]["public_key"])
        exportable = bool(told["exportable"] or told.get("allow_plaintext_backup"))
        return NewKey(reference, _public_der(text), exportable)

    def _read(self, reference: str) -> Mapping[str, Any]:
        found = self._client.read(f"{self._mount}/keys/{reference}")
        if found is None:
            raise KeyUnusableError(f"no transit key {reference!r} in {self._mount}")
        told: Mapping[str, Any] = found["data"]
        return told

    def _write(self, path: str, data: Mapping[str, Any]) -> Mapping[str, Any]:
        told = self._client.adapter.post(f"/v1/{self._mount}/{path}", json=data)
        return told if isinstance(told, dict) else {}


def open_driver(settings: StoreSettings) -> OpenBaoTransit:
    """Return the transit engine of these settings."""
    part = settings.openbao
    if part is None:
        raise UsageError("custody.toml: the table [openbao] is missing")
    return OpenBaoTransit(part, read_secret(part.token, settings.path).text())


@contextmanager
def _calling(what: str) -> Iterator[None]:
    try:
        yield
    except InvalidPath as error:
        raise KeyUnusableError(f"OpenBao: {what}: no such key") from error
    except Forbidden as error:
        raise KeyStoreError(f"OpenBao: {what}: permission denied", hint="the token's policy must allow it") from error
    except InvalidRequest as error:
        raise KeyUnusableError(f"OpenBao: {what}: {_line(error)}") from error
    except (VaultError, requests.RequestException) as error:
        if "soft-deleted" in str(error):
            raise KeyUnusableError(f"OpenBao: {what}: the key is disabled") from error
        raise KeyStoreError(f"OpenBao: {what}: {_line(error)}", hint="is the server up and unsealed?") from error
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise KeyStoreError(f"OpenBao: {what}: an answer that is not understood") from error


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]


def _public_der(text: str) -> bytes:
    """Return the SubjectPublicKeyInfo: the server gives PEM, and raw base64 for Ed25519."""
    if not text.startswith("-----"):
        return spki.der(Ed25519PublicKey.from_public_bytes(base64.b64decode(text)))
    return spki.der_of_pem(text.encode())
