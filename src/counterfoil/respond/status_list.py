"""Status lists as an issuer writes them (draft-ietf-oauth-status-list, 4 and 5.1). `tokens.status` reads them."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from counterfoil.errors import InputError, UsageError
from counterfoil.jose import base64url
from counterfoil.tokens.limits import MAX_STATUS_LIST_INFLATED
from counterfoil.tokens.revoked import TokenName

TYP = "statuslist+jwt"
REVOKED = 1  # 7.1: INVALID
WIDTHS = (1, 2, 4, 8)
# How long a verifier may keep a list, and how long it holds: revocations must count soon.
TTL_SECONDS, LIFE_SECONDS = 300, 3_600
# Bytes of the table that says which token has which place.
MAX_PLACES_BYTES = 256 * 1024 * 1024


def read_places(raw: bytes) -> dict[str, int]:
    """Return the places that an issuer gave its tokens: a JSON object, by token id or digest. Raises InputError."""
    try:
        return msgspec.json.decode(raw, type=dict[str, int])
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise InputError(f"no table of places: expected a JSON object of token ids and numbers ({error})") from error


def placed(
    names: Iterable[TokenName], issuer: str, places: Mapping[str, int]
) -> tuple[dict[int, int], tuple[TokenName, ...]]:
    """Return the statuses of revoked tokens by place, and the tokens that a list of this issuer cannot hold."""
    statuses, left = dict[int, int](), list[TokenName]()
    for name in names:
        place = places.get(name.digest) if name.digest else None
        if place is None and name.jti and name.iss == issuer:  # an id alone may be another issuer's
            place = places.get(name.jti)
        if place is None:
            left.append(name)
        else:
            statuses[place] = REVOKED
    return statuses, tuple(left)


def packed(statuses: Mapping[int, int], size: int, bits: int = 1) -> dict[str, Any]:
    """Return `bits` and `lst` (4.2) of a list with room for `size` tokens; places that are not named are 0 (valid).

    Raises UsageError for a width, place or status that cannot be.
    """
    if bits not in WIDTHS:
        raise UsageError(f"a status takes 1, 2, 4 or 8 bits, not {bits}")
    if not 0 < size <= MAX_STATUS_LIST_INFLATED * 8 // bits:
        raise UsageError(f"a status list has room for 1 to {MAX_STATUS_LIST_INFLATED * 8 // bits:,} tokens, not {size}")
    octets = bytearray((size * bits + 7) // 8)
    for place, status in statuses.items():
        if not (0 <= place < size and 0 <= status < 1 << bits):
            raise UsageError(f"status {status} at place {place} fits no list of {size} places and {bits} bits")
        octets[place * bits // 8] |= status << (place * bits % 8)  # 4.1: from the least significant bit on
    return {"bits": bits, "lst": base64url.encode(zlib.compress(bytes(octets), 9))}


def claims(issuer: str, uri: str, listed: Mapping[str, Any], now: int) -> dict[str, Any]:
    """Return the claims of a status list token (5.1) whose address is `uri`; `now`: Unix seconds."""
    return {
        "iss": issuer, "sub": uri, "iat": now, "exp": now + LIFE_SECONDS, "ttl": TTL_SECONDS,
        "status_list": dict(listed),
    }
