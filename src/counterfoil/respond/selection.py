"""Which tokens are revoked: by key and window, subject, client, session, and by lineage. Pure.

What an issuer's log says of its tokens goes in, whether it is a ledger of ours or any log in a case; names come out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from counterfoil.errors import UsageError
from counterfoil.tokens.revoked import MAX_REVOKED, TokenName


@dataclass(frozen=True)
class IssuedToken:
    """A token as its issuer's log has it. Times are aware UTC; empty texts are unknown. `parents`: ids of its issuer.

    `canary`: made to probe who still accepts a key.
    """

    name: TokenName
    issued: datetime | None
    key: str = ""
    subject: str = ""
    client: str = ""
    session: str = ""
    parents: tuple[str, ...] = ()
    canary: bool = False


@dataclass(frozen=True)
class Asked:
    """What is to be revoked: all that is given must hold, and with `lineage` what was renewed from those as well.

    `since`, `until`: by time of issuance, half-open. `seeds`: ids or digests of tokens.
    """

    key: str = ""
    issuer: str = ""
    subject: str = ""
    client: str = ""
    session: str = ""
    since: datetime | None = None
    until: datetime | None = None
    seeds: frozenset[str] = frozenset()
    lineage: bool = False

    def __post_init__(self) -> None:
        """Refuse to revoke everything; raises UsageError."""
        if not (self.key or self.issuer or self.subject or self.client or self.session or self.seeds):
            raise UsageError(
                "nothing says which tokens to revoke", hint="give --key, --subject, --client, --session or --token"
            )

    def holds(self, token: IssuedToken) -> bool:
        """Tell whether a token is asked for by what it says itself. A token without a time is in every window."""
        name = token.name
        told = (
            (self.key, token.key), (self.issuer, name.iss), (self.subject, token.subject),
            (self.client, token.client), (self.session, token.session),
        )
        return (
            all(wanted in ("", value) for wanted, value in told)
            and (not self.seeds or name.jti in self.seeds or name.digest in self.seeds)
            and (self.since is None or token.issued is None or token.issued >= self.since)
            and (self.until is None or token.issued is None or token.issued < self.until)
        )


def selected(tokens: Iterable[IssuedToken], asked: Asked) -> tuple[TokenName, ...]:
    """Return the names of the tokens asked for, in their order, each once. Raises UsageError for too many.

    A seed that is in no log of issuance (a forged one) still has a lineage: what was obtained with it is.
    """
    held = tuple(tokens)
    chosen = {token.name: None for token in held if not token.canary and asked.holds(token)}
    if asked.lineage:
        chosen |= dict.fromkeys(_descendants(held, {name.jti for name in chosen if name.jti} | asked.seeds))
    if len(chosen) > MAX_REVOKED:
        raise UsageError(f"more than {MAX_REVOKED:,} tokens", hint="block the key instead of listing its tokens")
    return tuple(chosen)


def _descendants(tokens: Iterable[IssuedToken], seeds: set[str] | frozenset[str]) -> Iterable[TokenName]:
    """Return all that was obtained with these, directly or not; logs may be in any order."""
    children: dict[str, list[IssuedToken]] = {}
    for token in tokens:
        for parent in token.parents:
            children.setdefault(parent, []).append(token)
    waiting, seen, found = list(seeds), set(seeds), list[TokenName]()
    while waiting:
        for child in children.get(waiting.pop(), ()):
            found.append(child.name)
            if child.name.jti and child.name.jti not in seen:
                seen.add(child.name.jti)
                waiting.append(child.name.jti)
    return found
