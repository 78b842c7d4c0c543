"""Key, issuer, tenant, audience and class: of all cells, only those that the policy entitles pass.

The policy is drawn at random. Who is entitled is computed here a second time, from the drawn policy by its words, so
that the verifier and this page must agree on every cell.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.errors import VerifyError
from counterfoil.tokens.policy import TokenPolicy
from counterfoil.tokens.verifier import Verifier

from .making import CONSUMERS, LOGIN, NOW, OTHER_TENANT, TENANT, claims, header, jwk, key, signed

KEYS = ("ec-a", "ec-b", "ec-c")
TENANTS = (TENANT, OTHER_TENANT, CONSUMERS)
OTHER = "https://other.example"
PATTERNS = (LOGIN, LOGIN.replace("{tenantid}", TENANT), LOGIN.replace("{tenantid}", CONSUMERS), OTHER)
AUDIENCES = ("api://mail", "api://files")
CLASSES: Mapping[str, str] = {"access": "at+jwt", "actor": "jwt"}


@dataclass(frozen=True)
class Rights:
    """What one source grants a key; None: it does not speak of that."""

    issuers: frozenset[str] | None
    tenants: frozenset[str] | None
    audiences: frozenset[str] | None
    classes: frozenset[str] | None

    def allow(self, issuer: str, tenant: str, audience: str, kind: str) -> bool:
        """Tell whether this source has nothing against the cell."""
        return (
            (self.issuers is None or any(stands_for(pattern, issuer, tenant) for pattern in self.issuers))
            and (self.tenants is None or tenant in self.tenants)
            and (self.audiences is None or audience in self.audiences)
            and (self.classes is None or kind in self.classes)
        )


def stands_for(pattern: str, issuer: str, tenant: str) -> bool:
    """Tell whether a pattern means this issuer; the consumers' realm is meant literally only."""
    if "{tenantid}" in pattern:
        return tenant != CONSUMERS and pattern.replace("{tenantid}", tenant) == issuer
    return pattern == issuer


def some(values: tuple[str, ...]) -> st.SearchStrategy[frozenset[str]]:
    """Return a strategy of sets that are not empty."""
    return st.frozensets(st.sampled_from(values), min_size=1)


def rights(*, issuers: st.SearchStrategy[frozenset[str] | None]) -> st.SearchStrategy[Rights]:
    """Return a strategy of what a source grants."""
    maybe = [st.none() | some(values) for values in (TENANTS, AUDIENCES, tuple(CLASSES))]
    return st.builds(Rights, issuers, *maybe)


DOCUMENT = rights(issuers=some(PATTERNS))
OF_KEY = rights(issuers=st.none() | some(PATTERNS))
MEMBER = st.none() | st.sampled_from(PATTERNS)


def table(name: str, granted: Rights, more: str) -> str:
    """Return a table of the policy."""
    lines = [f"[[{name}]]", more]
    for field in ("issuers", "tenants", "audiences", "classes"):
        values = getattr(granted, field)
        if values is None and field == "classes" and name == "keys":
            values = frozenset(CLASSES)
        if values is not None:
            lines.append(f"{field} = {json.dumps(sorted(values))}")
    return "\n".join(lines)


def flow(kind: str) -> str:
    """Return a flow that accepts every issuer, tenant and audience there is, so that only the key decides."""
    return f"""[[flow]]
name = "{kind}"
class = "{kind}"
issuers = {json.dumps(PATTERNS)}
tenants = ["*"]
audiences = {json.dumps(AUDIENCES)}
"""


def cells() -> list[tuple[str, str, str, str, str]]:
    """Return every key, issuer, tenant, audience and class."""
    issuers = [LOGIN.replace("{tenantid}", tenant) for tenant in TENANTS] + [OTHER]
    return list(itertools.product(KEYS, issuers, TENANTS, AUDIENCES, CLASSES))


TOKENS = {
    (kid, issuer, tenant, audience, kind): signed(
        key(kid), header(kid, alg="ES256", typ=CLASSES[kind]), claims(iss=issuer, tid=tenant, aud=audience)
    )
    for kid, issuer, tenant, audience, kind in cells()
}


@settings(max_examples=60, deadline=None)
@given(st.tuples(DOCUMENT, OF_KEY, OF_KEY, st.tuples(MEMBER, MEMBER, MEMBER)))
def test_only_the_entitled_cells_pass(drawn: tuple[Rights, Rights, Rights, tuple[str | None, ...]]) -> None:
    """Policy for the document, for two of the keys, and the keys' own `issuer` members: all must allow the cell."""
    document, first, second, members = drawn
    jwks = [jwk(kid) if member is None else jwk(kid, issuer=member) for kid, member in zip(KEYS, members, strict=True)]
    text = "\n".join([
        'schema = "counterfoil.token-policy/1"', table("keys", document, 'file = "k"'),
        table("keys.key", first, 'kid = "ec-a"'), table("keys.key", second, 'kid = "ec-b"'), *map(flow, CLASSES),
    ])
    policy = TokenPolicy.from_toml(text, {"k": json.dumps({"keys": jwks}).encode()})
    verifiers = {kind: Verifier(policy, kind) for kind in CLASSES}
    said = dict(zip(KEYS, members, strict=True))
    own = {"ec-a": first, "ec-b": second}
    for kid, issuer, tenant, audience, kind in cells():
        cell = (issuer, tenant, audience, kind)
        entitled = document.allow(*cell) and (kid not in own or own[kid].allow(*cell))
        member = said[kid]
        entitled = entitled and (member is None or stands_for(member, issuer, tenant))
        consistent = any(stands_for(pattern, issuer, tenant) for pattern in PATTERNS) and (
            issuer == OTHER or issuer == LOGIN.replace("{tenantid}", tenant)
        )
        assert passes(verifiers[kind], TOKENS[(kid, *cell)]) == (entitled and consistent), (kid, cell)


def passes(verifier: Verifier, token: str) -> bool:
    """Tell whether the token is accepted."""
    try:
        verifier.verify(token, at=NOW)
    except VerifyError:
        return False
    return True
