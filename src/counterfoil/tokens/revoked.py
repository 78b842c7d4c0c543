"""Tokens that were revoked one by one, and a verifier that refuses them (S1).

A token is named by issuer and id, or by the digest of its signing input. Never by the id alone: two issuers may give
one id. Never by a hash of its text: the text has other forms that verify (a second ECDSA signature of the same input).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from counterfoil.errors import InputError, UsageError, VerifyError
from counterfoil.tokens import rules
from counterfoil.tokens.flow import Flow
from counterfoil.tokens.presentation import BEARER, Presentation
from counterfoil.tokens.rules import refused
from counterfoil.tokens.verified import VerifiedToken, Verifying

SCHEMA = "counterfoil.revoked/1"
# What one list may hold, and take as JSON.
MAX_REVOKED = 1_000_000
MAX_REVOKED_BYTES = 256 * 1024 * 1024
_HEX = frozenset("0123456789abcdef")


class TokenName(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """One token. `iss` with `jti`, or `digest` (SHA-256 of the signing input, lower-case hex), or all three.

    `exp`: Unix seconds, after which no verifier accepts it anyway; 0 if nobody knows.
    """

    iss: str = ""
    jti: str = ""
    digest: str = ""
    exp: int = 0

    def __post_init__(self) -> None:
        """Refuse a name that names several tokens, or none; ValueError says why."""
        if self.jti and not self.iss:
            raise ValueError("an id without its issuer names tokens of others as well")
        if self.digest and (len(self.digest) != 64 or not _HEX.issuperset(self.digest)):
            raise ValueError("digest is no SHA-256 in lower-case hex")
        if not self.jti and not self.digest:
            raise ValueError("neither iss with jti nor digest")


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    schema: str
    tokens: tuple[TokenName, ...]


@dataclass(frozen=True)
class RevokedTokens:
    """Names of revoked tokens, for look-ups."""

    ids: frozenset[tuple[str, str]]
    digests: frozenset[str]

    @classmethod
    def of(cls, names: Iterable[TokenName]) -> RevokedTokens:
        """Return the set of these names; raises UsageError for too many."""
        listed = tuple(names)
        if len(listed) > MAX_REVOKED:
            raise UsageError(f"more than {MAX_REVOKED:,} tokens", hint="block the key instead of listing its tokens")
        return cls(
            frozenset((name.iss, name.jti) for name in listed if name.jti),
            frozenset(name.digest for name in listed if name.digest),
        )

    @classmethod
    def read(cls, raw: bytes) -> RevokedTokens:
        """Return the set in a document, as `written` makes it; raises InputError."""
        return cls.of(names_in(raw))

    def holds(self, issuer: str, token_id: str | None, digest: str) -> bool:
        """Tell whether a token is revoked. `digest`: lower-case hex."""
        return digest in self.digests or (token_id is not None and (issuer, token_id) in self.ids)


def names_in(raw: bytes) -> tuple[TokenName, ...]:
    """Return the names in a document, as `written` makes it; raises InputError."""
    try:
        found = msgspec.json.decode(raw, type=_Document)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise InputError(f"no list of revoked tokens: {error}") from error
    if found.schema != SCHEMA:
        raise InputError(f"no list of revoked tokens: expected {SCHEMA}, got {found.schema[:80]!r}")
    return found.tokens


def written(names: Iterable[TokenName]) -> bytes:
    """Return the document of these names, as `RevokedTokens.read` takes it."""
    return msgspec.json.encode(_Document(SCHEMA, tuple(names))) + b"\n"


class NotRevoked:
    """A verifier that also refuses tokens of a list. Otherwise as the verifier that it is given."""

    def __init__(self, verifier: Verifying, revoked: Callable[[], RevokedTokens]) -> None:
        """Verify by `verifier`; `revoked` returns the list as it is now, or raises: then nothing is let in."""
        self._verifier, self._revoked = verifier, revoked

    @property
    def flow(self) -> Flow:
        """What is accepted."""
        return self._verifier.flow

    def verify(
        self, token: str | bytes, *, at: float | datetime, shown: Presentation = BEARER
    ) -> VerifiedToken:
        """Return the verified token; raises VerifyError, S1 for one that was revoked."""
        found = self._verifier.verify(token, at=at, shown=shown)
        if self._revoked().holds(found.issuer, found.token_id, found.digest.hex()):
            error: VerifyError = refused(rules.STATUS, "revoked", "a token that was not revoked", "one that was")
            error.key_id, error.signature_verified = found.key_id, True
            raise error
        return found
