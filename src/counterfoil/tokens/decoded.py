"""What a token says, unverified: for a person to look at. Nothing of the signature, and no nested token, comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from counterfoil.jose.algorithms import digest_of
from counterfoil.tokens import jws
from counterfoil.tokens.encoding import from_translated, frozen, json_object
from counterfoil.tokens.limits import MAX_STATUS_LIST_BYTES
from counterfoil.tokens.looks import holds_token

HIDDEN = "(a token, not shown)"


@dataclass(frozen=True)
class DecodedToken:
    """Header and claims as the token has them; nobody vouches for them. `digest`: SHA-256 of the signing input."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    digest: bytes
    signature_bytes: int


def decoded(token: str | bytes) -> DecodedToken:
    """Return what a token says; raises VerifyError for one that cannot be taken apart (F1, F2, F3)."""
    parts = jws.compact(token, MAX_STATUS_LIST_BYTES)
    header = frozen(json_object(from_translated(parts.header, "the header"), "the header"), "the header")
    claims = frozen(json_object(from_translated(parts.payload, "the claims"), "the claims"), "the claims")
    return DecodedToken(header, claims, digest_of(parts.signing_input), len(parts.signature) * 3 // 4)


def showable(value: Any) -> Any:
    """Return a value of a token in plain lists and dictionaries, with every token inside it left out."""
    if isinstance(value, Mapping):
        return {name: showable(inner) for name, inner in value.items()}
    if isinstance(value, tuple | list):
        return [showable(inner) for inner in value]
    return HIDDEN if isinstance(value, str) and holds_token(value) else value
