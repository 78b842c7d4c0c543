"""Base64url without padding (RFC 7515, 2): written, read exactly, and read as lenient software does."""

from __future__ import annotations

import base64

import msgspec

# base64url to base64. Dots stay; every other octet becomes one that no alphabet has, quotes and padding included.
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
TO_BASE64 = bytes(octet if octet in _ALPHABET else ord("!") for octet in range(256)).translate(
    bytes.maketrans(b"-_", b"+/")
)
# By length mod 4: the padding, and the closing quote.
_CLOSING = (b'"', b'"', b'=="', b'="')
# By length mod 4: the last characters whose unused bits are zero (RFC 4648, 3.5).
_LAST: tuple[frozenset[int], ...] = (
    frozenset(), frozenset(), frozenset(b"AQgw"), frozenset(b"AEIMQUYcgkosw048"),
)
# Strict, and twice as fast as binascii; a property test holds the two to each other. What it is given is in quotes.
_decode_base64 = msgspec.json.Decoder(bytes).decode


class InexactError(ValueError):
    """The text is not what base64url makes of any octets; it says what was expected, and what was found."""

    def __init__(self, expected: str, got: str) -> None:
        super().__init__(f"expected {expected}, got {got}")
        self.expected, self.got = expected, got


def encode(data: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def encode_number(value: int, size: int = 0) -> str:
    """Return a number, big-endian in as few octets as it needs, or in `size` if it needs fewer (RFC 7518, 2)."""
    return encode(value.to_bytes(max(size, (value.bit_length() + 7) // 8), "big"))


def decode(text: bytes) -> bytes:
    """Return what base64url without padding encodes; raises InexactError for any other text.

    >>> decode(b"eyJhbGci")
    b'{"alg"'
    """
    return decode_translated(text.translate(TO_BASE64))


def decode_translated(text: bytes) -> bytes:
    """Return the same for a text that went through `TO_BASE64` (which leaves no quote in it) and has no dot."""
    spare = len(text) & 3
    if spare and text[-1] not in _LAST[spare]:
        raise InexactError("canonical base64url", "unused bits that are not zero")
    try:
        return _decode_base64(b'"' + text + _CLOSING[spare])
    except msgspec.MsgspecError as error:
        raise InexactError("base64url without padding", "other text") from error


def decode_leniently(text: str | bytes) -> bytes:
    """Return what base64 or base64url encodes, padded or not; what is in neither alphabet is passed over."""
    octets = text if isinstance(text, bytes) else str.encode(text, "ascii")
    return base64.urlsafe_b64decode(octets.rstrip(b"=") + b"==")
