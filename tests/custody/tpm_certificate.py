"""What a TPM certifies of a key (TPM 2.0 Library, Part 2, 10.12: TPMS_ATTEST, TPMS_CERTIFY_INFO)."""

from __future__ import annotations

import hashlib
import struct

from counterfoil.custody.tpmaudit import check_signature

_CERTIFY = bytes.fromhex("ff5443478017")  # made by a TPM; a certificate of an object
_CLOCK_AND_FIRMWARE = 8 + 4 + 4 + 1 + 8
_SHA256 = 0x000B


def certified_name(attested: bytes, signature: bytes, key: bytes) -> bytes:
    """Return the name of the key that a TPM certified, after checking the signature by the attestation key."""
    check_signature(attested, signature, key)
    assert attested.startswith(_CERTIFY)
    _, place = _sized(attested, len(_CERTIFY))  # the attestation key's qualified name
    _, place = _sized(attested, place)  # the nonce
    name, place = _sized(attested, place + _CLOCK_AND_FIRMWARE)
    _, place = _sized(attested, place)  # the key's qualified name
    assert place == len(attested)
    return name


def name_of(public_area: bytes) -> bytes:
    """Return the name of a public area: its hash algorithm and SHA-256."""
    return struct.pack(">H", _SHA256) + hashlib.sha256(public_area).digest()


def _sized(raw: bytes, place: int) -> tuple[bytes, int]:
    """Return the TPM2B at a place, and the place behind it."""
    (size,) = struct.unpack_from(">H", raw, place)
    end = place + 2 + size
    assert end <= len(raw)
    return raw[place + 2 : end], end
