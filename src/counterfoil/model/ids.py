"""Token ids: typed, normalised to one canonical form per kind, with null forms that never link.

The canonical form of an Entra token id (`uti`) is the lower-case GUID of the sign-in request. The same
id is logged as that GUID, as base64url of its 16 bytes in .NET order (with or without `==`), and, in
exports of 2022, as base64 of the GUID's ASCII text. See docs/reference/token-ids.md.

A text in none of these forms is kept as it stands: whoever forges a token chooses its id, and an odd id
must not turn into "no id". The engine's version of this function (`case.canonical`) is held to this one
by a property test.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import uuid
from enum import StrEnum

# Longer ids are replaced by their hash: an id is a key, and a megabyte is no key.
MAX_ID_CHARS = 256


class IdKind(StrEnum):
    """What kind of id a token id is."""

    ENTRA_UTI = "entra_uti"
    JTI = "jti"
    SAML_ASSERTION = "saml_assertion_id"
    AWS_ACCESS_KEY = "aws_access_key_id"


# Values that services write when there is no id (seen in real exports). Compared after trimming.
NULL_FORMS: frozenset[str] = frozenset(
    {
        "",
        "AAAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAA==",
        "0000000000000000000000",
        "00000000-0000-0000-0000-000000000000",
        "ANONYMIZED",
        "{}",
        "null",
    }
)

_GUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")
# 16 bytes are 22 base64 characters, of which the last carries four zero bits (A, Q, g or w).
_UTI = re.compile(r"[A-Za-z0-9_\-+/]{21}[AQgw](==)?")
# base64 of 36 ASCII characters is exactly 48 characters, without padding.
_ASCII_GUID = re.compile(r"[A-Za-z0-9_\-+/]{48}")


def canonical(kind: IdKind, text: str | None) -> str | None:
    """Return the canonical form of a token id, or None for an absent id or a null form.

    >>> canonical(IdKind.ENTRA_UTI, "c874WMifAk-OqBkIlk-ELg")
    '58f8ce73-9fc8-4f02-8ea8-1908964f842e'
    """
    if text is None:
        return None
    trimmed = text.strip(" ")
    if trimmed in NULL_FORMS:
        return None
    if kind is IdKind.ENTRA_UTI:
        guid = _entra_guid(trimmed)
        if guid is not None:
            return None if guid in NULL_FORMS else guid
    if len(trimmed) > MAX_ID_CHARS:
        return "sha256:" + hashlib.sha256(trimmed.encode("utf-8", "surrogatepass")).hexdigest()
    return trimmed


def uti(guid: str) -> str:
    """Return the `uti` form of a GUID: base64url of its 16 bytes in .NET order, without padding."""
    return base64.urlsafe_b64encode(uuid.UUID(guid).bytes_le).decode("ascii").rstrip("=")


def _entra_guid(text: str) -> str | None:
    if _GUID.fullmatch(text):
        return text.lower()
    if _UTI.fullmatch(text):
        return str(uuid.UUID(bytes_le=_decode(text[:22] + "==")))
    if _ASCII_GUID.fullmatch(text):
        try:
            inner = _decode(text).decode("ascii")
        except (UnicodeDecodeError, binascii.Error):
            return None
        return inner.lower() if _GUID.fullmatch(inner) else None
    return None


def _decode(text: str) -> bytes:
    return base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
