"""DER keys in base64, base64url or hex, without a header: as configuration, databases and JSON hold them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from counterfoil.leaks.forms.der import key_in
from counterfoil.leaks.forms.found import Found, Mark
from counterfoil.leaks.forms.pem import MOST_PEM_BYTES, decoded, unwrapped

_BASE64 = re.compile(rb"(?:[A-Za-z0-9+/_=-]|[\r\n\t ]|\\+[nrt/]|\\+u00[0-9a-fA-F]{2}|%[0-9a-fA-F]{2})*")
_HEX = re.compile(rb"(?:[0-9a-fA-F]{2}[\r\n\t :-]*)*")
_NOT_HEX = re.compile(rb"[^0-9a-fA-F]+")
# A key starts this many signs before its mark at most: the header of its DER.
_BACK_BASE64, _BACK_HEX = 9, 10


def _read_base64(data: bytes, at: int) -> Iterator[Found]:
    for back in range(_BACK_BASE64 + 1):
        start = at - back
        if start < 0 or data[start : start + 1] != b"M":  # 0x30, a sequence
            continue
        run = _BASE64.match(data, start, start + MOST_PEM_BYTES)
        held = key_in(decoded(unwrapped(run[0]))) if run else None
        if held is not None:
            # where it ends is a matter of line breaks: close enough to know what lies inside
            yield Found(f"base64-der-{held.form}", start, start + held.end * 4 // 3, held.key)
            return


def _read_hex(data: bytes, at: int) -> Iterator[Found]:
    for back in (8, 6, 4, 10):
        start = at - back
        if start < 0 or data[start : start + 2] != b"30":
            continue
        run = _HEX.match(data, start, start + 2 * MOST_PEM_BYTES)
        digits = _NOT_HEX.sub(b"", run[0]) if run else b""
        held = key_in(bytes.fromhex(digits[: len(digits) // 2 * 2].decode()))
        if held is not None:
            yield Found(f"hex-der-{held.form}", start, start + held.end * 2, held.key)
            return


_BASE64_MARKS = (
    b"IBAAKC",  # PKCS#1: ..02 01 00 02 82; the marks of forms/der.py, as base64 writes them behind their headers
    b"IBAAKB",
    b"IBAAJB",
    b"IBADANBgkqhkiG9w0BAQEF",  # PKCS#8, RSA
    b"IBADALBgkqhkiG9w0BAQo",
    b"AgEAMBMGByqGSM49AgE",  # PKCS#8, EC, behind a header of three bytes ...
    b"AgEAMBAGByqGSM49AgE",
    b"CAQAwEwYHKoZIzj0CAQ",  # ... and of two
    b"CAQAwEAYHKoZIzj0CAQ",
    b"CAQAwBQYDK2Vw",  # PKCS#8, Ed25519
    b"CAQEwBQYDK2Vw",
    b"MHcCAQEEI",  # SEC 1
    b"MDECAQEEI",
    b"MCUCAQEEI",
    b"AgEBBDA",
    b"AgEBBEI",
)
_HEX_MARKS = (
    b"0201000282",
    b"0201000281",
    b"020100300d06092a864886f70d0101",
    b"020100300D06092A864886F70D0101",
    b"020100301306072a8648ce3d0201",
    b"020100301306072A8648CE3D0201",
    b"020100301006072a8648ce3d0201",
    b"020100301006072A8648CE3D0201",
    b"020100300506032b6570",
    b"020100300506032B6570",
    b"0201010420",
    b"0201010430",
    b"0201010442",
)
MARKS = tuple(
    Mark(literal, reader, text=True)
    for literals, reader in ((_BASE64_MARKS, _read_base64), (_HEX_MARKS, _read_hex))
    for literal in literals
)
