"""Those of the algorithms (`jose.algorithms`) that keys are made for."""

from __future__ import annotations

from enum import StrEnum


class Algorithm(StrEnum):
    """JWS algorithms that keys are made for; a key has exactly one (RFC 8725 section 3.1).

    RFC 7518; RFC 9864, whose `Ed25519` says the curve; and `EdDSA` (RFC 8037), which that RFC deprecates, for relying
    parties that know no other name.
    """

    RS256 = "RS256"
    PS256 = "PS256"
    ES256 = "ES256"
    ED25519 = "Ed25519"
    EDDSA = "EdDSA"


EDWARDS = frozenset({Algorithm.ED25519, Algorithm.EDDSA})
