"""A verified token, the one value that verification gives back; and what gives it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

import msgspec

from counterfoil.tokens.encoding import thawed
from counterfoil.tokens.flow import Flow
from counterfoil.tokens.presentation import BEARER, Presentation


class VerifiedToken(msgspec.Struct, frozen=True):
    """What a token was found to say. Claims and header cannot be changed, at any depth.

    A struct of msgspec instead of a dataclass, since one is made for every token: it takes a fourth of the time.

    `digest`: the SHA-256 of the signing input, which names the token without holding it. `proof_id`: the id of the
    DPoP proof that was accepted with it; whoever gave no `replays` has to remember it. `also`: the rules that
    were looked at beyond those for every token, of V11 (actors), V12 (binding), V13 (renewal), S1 (status).
    """

    claims: Mapping[str, Any]
    header: Mapping[str, Any]
    key_id: str
    algorithm: str
    token_class: str
    tenant: str | None
    audience: tuple[str, ...]
    expires_at: float
    digest: bytes
    proof_id: str | None = None
    also: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Return key, class and digest: claims may hold names, and tokens inside the token."""
        return f"VerifiedToken({self.token_class} by {self.key_id!r}, {self.algorithm}, digest {self.digest.hex()})"

    def plain_claims(self) -> dict[str, Any]:
        """Return the claims as dictionaries and lists of the caller's own, as they were in the token's JSON."""
        return dict(thawed(self.claims))

    @property
    def issuer(self) -> str:
        """The `iss` claim."""
        return str(self.claims["iss"])

    @property
    def subject(self) -> str | None:
        """The `sub` claim."""
        return self.claims.get("sub")

    @property
    def token_id(self) -> str | None:
        """The id that logs know the token by: `uti` (Entra), else `jti`."""
        return self.claims.get("uti") or self.claims.get("jti")


class Verifying(Protocol):
    """What verifies tokens of one flow: a `Verifier`, or one that fetches its keys, or that wraps another."""

    @property
    def flow(self) -> Flow:
        """What is accepted."""

    def verify(
        self, token: str | bytes, *, at: float | datetime, shown: Presentation = BEARER
    ) -> VerifiedToken:
        """Return the verified token, or raise VerifyError."""
