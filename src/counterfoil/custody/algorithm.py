"""The algorithms that keys are made for."""

from __future__ import annotations

from enum import StrEnum


class Algorithm(StrEnum):
    """JWS algorithms (RFC 7518, RFC 8037) that keys are made for; a key has exactly one (RFC 8725 section 3.1)."""

    RS256 = "RS256"
    PS256 = "PS256"
    ES256 = "ES256"
    EDDSA = "EdDSA"
