"""Signing and decryption keys of AD FS as its configuration holds them (EncryptedPfx), sealed under the DKM key.

The layout is that of Microsoft's SimuLand (github.com/Azure/SimuLand, decryptADFSCertificates): version and length in 8
bytes; in DER a GUID, the identifiers of derivation, MAC and cipher, a nonce and an IV; then the ciphertext behind a
header of four bytes, and a MAC. The key is the first block of NIST SP 800-108 in counter mode with HMAC-SHA256, whose
last field counts bytes where the standard counts bits; inside is a PKCS#12 store without a password.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from dataclasses import replace

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from counterfoil.leaks.forms.found import AHEAD, Found, Mark
from counterfoil.leaks.forms.stores import opened

# Version 1, 0, and the header of the GUID.
_HEAD = bytes.fromhex("00000001 00000000 0410")
_OID = bytes.fromhex("0609608648016503 04".replace(" ", ""))
_KDF, _MAC, _CIPHER, _NONCE, _IV, _BODY = 26, 37, 48, 61, 95, 115
_MAC_BYTES, _KEY_BYTES = 32, 16
_SEALED = "a key of AD FS, sealed under the DKM key in Active Directory"


def unsealed(found: Found, key: bytes) -> Found | None:
    """Return what the DKM key opens, None if it does not open this."""
    blob = found.sealed
    size = int.from_bytes(blob[_BODY - 2 : _BODY])
    body = blob[_BODY : _BODY + size]
    if len(body) != size or size % 16 or not size:
        return None
    label = blob[_CIPHER : _CIPHER + 11] + blob[_MAC:_CIPHER]
    fixed = label + b"\0" + blob[_NONCE : _NONCE + 32] + (_KEY_BYTES + _MAC_BYTES).to_bytes(4)
    derived = hmac.digest(key, b"\0\0\0\1" + fixed, "sha256")[:_KEY_BYTES]
    decryptor = Cipher(algorithms.AES(derived), modes.CBC(blob[_IV : _IV + 16])).decryptor()
    plain = decryptor.update(body) + decryptor.finalize()
    if plain[:1] != b"\x30" or not 1 <= plain[-1] <= 16:
        return None
    for inner in opened(plain[: -plain[-1]], found.start, found.end):
        if inner.key is not None:
            return replace(found, key=inner.key, note="opened with the DKM key")
    return None


def _read(data: bytes, at: int) -> Iterator[Found]:
    blob = _blob(data[at : at + AHEAD])
    if blob:
        yield Found("adfs-dkm", at, at + len(blob), note=_SEALED, sealed=blob)


def _blob(data: bytes) -> bytes:
    """Return the blob at the start of the data, as far as it is there; none if it is something else."""
    if any(data[at : at + len(_OID)] != _OID for at in (_KDF, _MAC, _CIPHER)) or len(data) < _BODY:
        return b""
    return data[: _BODY + int.from_bytes(data[_BODY - 2 : _BODY]) + _MAC_BYTES]


MARKS = (Mark(_HEAD, _read),)
