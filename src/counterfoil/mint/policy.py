"""What a mint may issue: a TOML file of rules, each for one issuer, key and class (docs/reference/mint.md)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import msgspec

from counterfoil.errors import PolicyError, UsageError
from counterfoil.model.counterfoil import Grant
from counterfoil.tokens.entitlement import IssuerPattern
from counterfoil.tokens.flow import CLASSES, DEFAULT_LIFETIME, TokenClass, check_tenants
from counterfoil.tokens.limits import MAX_LIFETIME, MAX_POLICY_BYTES
from counterfoil.tokens.policy_file import seconds

SCHEMA = "counterfoil.mint-policy/1"
_HINT = "docs/reference/mint.md lists every field"
# SAML assertions are no JWS.
_CLASSES = {name: known for name, known in CLASSES.items() if name != "saml"}


@dataclass(frozen=True)
class Rule:
    """One kind of token. `issuer`: as it stands in the token, or with {tenantid}; `lifetime`: seconds, at most.

    `key`: its name in custody. `audiences`, `clients`: None allows any. `tenants`: None where tokens have none, {"*"}
    for any. `required`: claims beyond the class's own, each a set of alternatives.
    """

    name: str
    issuer: IssuerPattern
    key: str
    token_class: TokenClass
    typ: str
    audiences: frozenset[str] | None
    clients: frozenset[str] | None
    tenants: frozenset[str] | None
    grants: frozenset[Grant]
    lifetime: float
    required: tuple[tuple[str, ...], ...]
    counterfoil: bool  # a counter-signature is made, and nothing is minted without


@dataclass(frozen=True)
class MintPolicy:
    """Rules by name."""

    rules: Mapping[str, Rule]

    @classmethod
    def from_toml(cls, text: str, file: str = "mint policy") -> MintPolicy:
        """Return the policy that a text describes; `file` is what errors call it. Raises PolicyError."""
        if len(text.encode("utf-8", "replace")) > MAX_POLICY_BYTES:
            raise PolicyError(f"{file}: larger than {MAX_POLICY_BYTES} bytes")
        try:
            document = msgspec.convert(tomllib.loads(text), _Document)
        except (tomllib.TOMLDecodeError, msgspec.ValidationError, RecursionError) as error:
            raise PolicyError(f"{file}: {error}", hint=_HINT) from error
        if document.policy != SCHEMA:
            raise PolicyError(f"{file}: schema: expected {SCHEMA!r}, got {document.policy[:80]!r}", hint=_HINT)
        rules: dict[str, Rule] = {}
        for table in document.mint:
            try:
                rule = _rule(table)
            except ValueError as error:
                raise PolicyError(f"{file}: [[mint]] {table.name[:80]!r}: {error}", hint=_HINT) from error
            if rule.name in rules:
                raise PolicyError(f"{file}: [[mint]] {rule.name!r}: the name of an earlier one")
            rules[rule.name] = rule
        if not rules:
            raise PolicyError(f"{file}: expected at least one [[mint]]", hint=_HINT)
        return cls(MappingProxyType(rules))

    def rule(self, name: str | None = None) -> Rule:
        """Return the rule of this name, or the only one; raises UsageError."""
        if name is None and len(self.rules) == 1:
            return next(iter(self.rules.values()))
        if name is None or name not in self.rules:
            problem = "the mint policy has several rules" if name is None else f"the mint has no rule {name[:80]!r}"
            raise UsageError(problem, hint=f"name one of {', '.join(self.rules)}")
        return self.rules[name]


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[[mint]]`."""

    name: str
    issuer: str
    key: str
    token_class: str = msgspec.field(name="class")
    typ: str | None = None
    audiences: list[str] | None = None
    clients: list[str] | None = None
    tenants: list[str] | None = None
    grants: tuple[Grant, ...] = (Grant.CODE, Grant.CLIENT, Grant.REFRESH)
    lifetime: str = ""
    required: list[str] = []
    counterfoil: bool = False


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    policy: str = msgspec.field(name="schema")
    mint: list[_Table]


def _rule(table: _Table) -> Rule:
    """Return the rule of a table; ValueError says the field and what is wrong."""
    token_class = _CLASSES.get(table.token_class)
    if token_class is None:
        raise ValueError(f"class: {table.token_class[:40]!r} is unknown; known: {', '.join(_CLASSES)}")
    typ = table.typ or max(token_class.typ, default="")
    if not typ:
        raise ValueError("typ: name the header type; this class has no default")
    issuer = _issuer(table)
    if token_class.addressed and table.audiences == []:
        raise ValueError("audiences: an empty list allows nothing; leave it out to allow any")
    if not table.grants:
        raise ValueError("grants: an empty list allows nothing")
    lifetime = seconds(table.lifetime) if table.lifetime else DEFAULT_LIFETIME
    if not 1 <= lifetime <= MAX_LIFETIME:
        raise ValueError(f"lifetime: {lifetime:g} seconds is not between 1 and {MAX_LIFETIME:g}")
    return Rule(
        name=table.name, issuer=issuer, key=table.key, token_class=token_class, typ=typ,
        audiences=_set(table.audiences), clients=_set(table.clients), tenants=_set(table.tenants),
        grants=frozenset(table.grants), lifetime=lifetime,
        required=tuple(tuple(text.split("|")) for text in table.required), counterfoil=table.counterfoil,
    )


def _issuer(table: _Table) -> IssuerPattern:
    """Return the issuer; ValueError if it and the tenants do not fit."""
    try:
        issuer = IssuerPattern.of(table.issuer)
    except ValueError as error:
        raise ValueError(f"issuer: expected {error}") from error
    if issuer.is_template and table.tenants is None:
        raise ValueError('tenants: name them, or ["*"] for any, since the issuer has {tenantid}')
    if table.tenants is not None:
        check_tenants(frozenset(table.tenants))
    return issuer


def _set(values: list[str] | None) -> frozenset[str] | None:
    return None if values is None else frozenset(values)
