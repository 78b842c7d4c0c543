"""What a key may sign: issuers, tenants, audiences, classes, algorithms, when, and whether it still may.

A JWK says nothing of this by itself; the failure of 2023 was that nothing else did either. Entitlements come from the
policy, from members of the JWK, or from both. All must allow a token, so that the stricter one wins.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import reduce

from counterfoil.model.known import CONSUMER_TENANT

TENANT_PLACE = "{tenantid}"
# Lower case only: the comparisons are of texts, and Entra writes GUIDs so.
GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

FOREVER = float("inf")


class KeyState(StrEnum):
    """Where a key is in its life; ordered from harmless to final, and the later one wins."""

    CURRENT = "current"  # signs
    PREVIOUS = "previous"  # signs no more; tokens of its time are still good
    NEXT = "next"  # published, does not sign yet
    RETIRED = "retired"  # nothing signed by it is good any more
    BLOCKED = "blocked"  # known or feared to be out


VERIFYING = frozenset({KeyState.CURRENT, KeyState.PREVIOUS})
_ORDER = list(KeyState)


@dataclass(frozen=True)
class IssuerPattern:
    """An issuer, literally, or with `{tenantid}` in the place of the token's tenant."""

    text: str
    prefix: str
    suffix: str | None

    @classmethod
    def of(cls, text: str) -> IssuerPattern:
        """Return the pattern; raises ValueError for an empty one or one with two places."""
        if not text or text.count(TENANT_PLACE) > 1 or "*" in text:
            raise ValueError(f"an issuer in full, with {TENANT_PLACE} at most once and no *")
        prefix, place, suffix = text.partition(TENANT_PLACE)
        return cls(text, prefix, suffix if place else None)

    def matches(self, issuer: str, tenant: str | None) -> bool:
        """Tell whether the issuer is this one for this tenant.

        The realm of personal accounts only ever matches literally: it is a realm of its own, with keys of its own.

        >>> pattern = IssuerPattern.of("https://login.example/{tenantid}/v2.0")
        >>> pattern.matches("https://login.example/a/v2.0", "a"), pattern.matches("https://login.example/a/v2.0", "b")
        (True, False)
        """
        if self.suffix is None:
            return issuer == self.prefix
        return tenant is not None and tenant != CONSUMER_TENANT and issuer == self.prefix + tenant + self.suffix

    @property
    def is_template(self) -> bool:
        """Tell whether it stands for many issuers."""
        return self.suffix is not None


@dataclass(frozen=True)
class Entitlement:
    """What a key may sign. None: not restricted by this source. Times are Unix seconds; the window is half-open.

    `issuers`: sets of patterns, in each of which one must match. Empty: no source restricts it, so that the key must
    not be used (KeySet sees to that).
    """

    issuers: tuple[tuple[IssuerPattern, ...], ...] = ()
    tenants: frozenset[str] | None = None
    audiences: frozenset[str] | None = None
    classes: frozenset[str] | None = None
    algorithms: frozenset[str] | None = None
    sign_from: float = -FOREVER
    sign_until: float = FOREVER
    state: KeyState = KeyState.CURRENT
    why: str = ""  # of the state, such as a reason of revocation
    # Of a key that a block list names: tokens that were provably minted before are good, and these digests are.
    cut_off: float | None = None
    minted: frozenset[bytes] = frozenset()

    def forbids_issuer(self, issuer: str, tenant: str | None) -> tuple[IssuerPattern, ...] | None:
        """Return a set of patterns none of which matches this issuer and tenant; None if the key may sign for them."""
        for patterns in self.issuers:
            for pattern in patterns:
                if pattern.matches(issuer, tenant):
                    break
            else:
                return patterns
        return None


def _both(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    if one is None or other is None:
        return one if other is None else other
    return one & other


def _stricter(one: Entitlement, other: Entitlement) -> Entitlement:
    later = max(one, other, key=lambda known: _ORDER.index(known.state))
    return Entitlement(
        issuers=one.issuers + other.issuers,
        tenants=_both(one.tenants, other.tenants),
        audiences=_both(one.audiences, other.audiences),
        classes=_both(one.classes, other.classes),
        algorithms=_both(one.algorithms, other.algorithms),
        sign_from=max(one.sign_from, other.sign_from),
        sign_until=min(one.sign_until, other.sign_until),
        state=later.state,
        why=later.why,
    )


def strictest(entitlements: Iterable[Entitlement]) -> Entitlement:
    """Return what all of them allow."""
    return reduce(_stricter, entitlements, Entitlement())
