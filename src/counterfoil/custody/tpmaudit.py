"""What a TPM's command audit proves about a log of key uses (TPM 2.0 Part 1, "Command audit"; Part 3, chapter 21).

The TPM extends a digest with every audited command: `digest = SHA-256(digest || cpHash || rpHash)`. cpHash covers the
key's name and what it signed, rpHash the signature. Reading the digest signed resets it, and the next extension
advances a counter. So from two signed readings that follow each other, and our records between them, one computes
what the TPM must have: equal means that these signatures, in this order, and no others were made by any key of this
TPM. Turning the audit off is audited itself, and changes the digest of the list of audited commands.

Pure; needs no TPM. Whether the attestation key is inside a genuine TPM is for its certificate, which is not checked.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from counterfoil.custody import spki
from counterfoil.errors import InputError, KeyUnusableError, LogTamperedError

CC_SET_AUDIT_STATUS = 0x140
CC_SIGN = 0x15D
ZERO = bytes(32)
# What `commandDigest` must be: SHA-256 over the codes of exactly these audited commands.
AUDITED = hashlib.sha256(struct.pack(">II", CC_SET_AUDIT_STATUS, CC_SIGN)).digest()
_GENERATED, _COMMAND_AUDIT = 0xFF544347, 0x8015
_SHA256, _ECDSA = 0x000B, 0x0018
# The key's own scheme, and the ticket of a digest from outside: constant in what our driver asks.
_SCHEME_AND_TICKET = bytes.fromhex("0010") + bytes.fromhex("8024" "40000007" "0000")


def response_hash(command: int, parameters: bytes) -> bytes:
    """Return rpHash of a command that succeeded."""
    return hashlib.sha256(struct.pack(">II", 0, command) + parameters).digest()


def sign_hash(name: bytes, digest: bytes) -> bytes:
    """Return cpHash of TPM2_Sign with the key of this name, as our driver calls it."""
    return hashlib.sha256(struct.pack(">I", CC_SIGN) + name + _sized(digest) + _SCHEME_AND_TICKET).digest()


def extended(digest: bytes, command: bytes, response: bytes) -> bytes:
    """Return the audit digest after one more command."""
    return hashlib.sha256(digest + command + response).digest()


@dataclass(frozen=True)
class Reading:
    """A signed reading of the audit digest; `digest` is empty if no audited command was executed since the last."""

    key: bytes
    nonce: bytes
    resets: int
    counter: int
    digest: bytes
    commands: bytes

    def follows(self, before: Reading) -> bool:
        """Tell whether nobody else read the digest, and the TPM was not reset, since `before`."""
        advanced = 1 if self.digest else 0
        return (self.key, self.resets, self.counter) == (before.key, before.resets, before.counter + advanced)


def reading(attested: bytes, signature: bytes, key: bytes) -> Reading:
    """Return what a TPM attested about its audit digest, after checking the signature by the attestation key."""
    check_signature(attested, signature, key)
    reader = _Reader(attested)
    nonce, resets = _header(reader, _COMMAND_AUDIT)
    counter, _ = reader.number(8), reader.number(2)
    digest, commands = reader.sized(), reader.sized()
    reader.end()
    return Reading(key, nonce, resets, counter, digest, commands)


def check_signature(attested: bytes, signature: bytes, key: bytes) -> None:
    """Check an ECDSA P-256 signature of an attestation; LogTamperedError if it is wrong."""
    try:
        public = spki.loaded(key)
    except KeyUnusableError as error:
        raise InputError("TPM attestation: the attestation key cannot be read") from error
    reader = _Reader(signature)
    algorithm, digest = reader.number(2), reader.number(2)
    r, s = int.from_bytes(reader.sized(), "big"), int.from_bytes(reader.sized(), "big")
    reader.end()
    if (algorithm, digest) != (_ECDSA, _SHA256) or not isinstance(public, ec.EllipticCurvePublicKey):
        raise InputError(f"TPM attestation: expected ECDSA with SHA-256, got {algorithm:#x} with {digest:#x}")
    try:
        public.verify(encode_dss_signature(r, s), attested, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature as error:
        raise LogTamperedError("TPM attestation: the signature of the attestation key is wrong") from error


def _header(reader: _Reader, kind: int) -> tuple[bytes, int]:
    """Read the head of a TPMS_ATTEST; return the nonce and how often the TPM was reset."""
    magic, found = reader.number(4), reader.number(2)
    if (magic, found) != (_GENERATED, kind):
        raise InputError(f"TPM attestation: expected one of kind {kind:#x}, got {found:#x}")
    reader.sized()  # the attestation key's qualified name: the key itself is known
    nonce = reader.sized()
    reader.number(8)  # clock
    resets = reader.number(4)
    reader.number(4 + 1 + 8)  # restarts, whether the clock is safe, firmware
    return nonce, resets


class _Reader:
    """Reads TPM structures: big-endian numbers, and bytes behind their length."""

    def __init__(self, raw: bytes) -> None:
        self._raw, self._place = raw, 0

    def number(self, size: int) -> int:
        """Return the next number."""
        return int.from_bytes(self._take(size), "big")

    def sized(self) -> bytes:
        """Return the next TPM2B."""
        return self._take(self.number(2))

    def end(self) -> None:
        """Refuse bytes that are left over."""
        if self._place != len(self._raw):
            raise InputError("TPM attestation: longer than its parts")

    def _take(self, size: int) -> bytes:
        found = self._raw[self._place : self._place + size]
        if len(found) != size:
            raise InputError("TPM attestation: cut off")
        self._place += size
        return found


def _sized(raw: bytes) -> bytes:
    return struct.pack(">H", len(raw)) + raw
