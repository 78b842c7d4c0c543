"""What one place of a service accepts: a flow. And the classes of tokens, with what their standards demand.

Nothing is accepted by default: a flow without issuers, audiences or a class cannot be built.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from counterfoil.tokens.entitlement import GUID, IssuerPattern
from counterfoil.tokens.limits import MAX_LEEWAY, MAX_LIFETIME, MAX_PROOF_AGE

ANY_TENANT = "*"
# Registered claims that are texts where they occur (RFC 7519, 4.1; RFC 8693, 4; RFC 9068, 2.2; Entra).
TEXTS = ("sub", "jti", "sid", "client_id", "tid", "uti", "azp", "appid", "oid")


class Binding(StrEnum):
    """What a flow wants of tokens bound to their sender. A token that says it is bound must always prove it."""

    OPTIONAL = "optional"
    REQUIRED = "required"
    DPOP = "dpop"
    MTLS = "mtls"


class StatusCheck(StrEnum):
    """How the issuer's word on a token's status is asked for."""

    OFF = "off"
    LIST = "list"
    INTROSPECTION = "introspection"


class CounterfoilCheck(StrEnum):
    """Whether a flow wants tokens to be counter-signed. One that is there is verified in any case."""

    OFF = "off"
    REQUIRED = "required"


@dataclass(frozen=True)
class TokenClass:
    """A class of tokens. `typ`: header types in lower case without "application/"; "" stands for none.

    `required`: claims beyond `iss` and `iat`; each entry is a set of alternatives. `expires`: it must have `exp`
    (else it ends with the flow's longest lifetime). `addressed`: it must have `aud`. `event`: what must be among its
    `events` ("": any). `never`: claims that only tokens of other classes have.
    """

    name: str
    typ: frozenset[str]
    required: tuple[tuple[str, ...], ...]
    source: str
    expires: bool = True
    addressed: bool = True
    event: str | None = None
    never: tuple[str, ...] = ()


BACKCHANNEL_LOGOUT = "http://schemas.openid.net/event/backchannel-logout"
CLASSES: Mapping[str, TokenClass] = {
    known.name: known
    for known in (
        TokenClass("access", frozenset({"at+jwt"}), (("sub",), ("client_id",), ("jti",)), "RFC 9068, 2"),
        TokenClass(
            "entra-access", frozenset({"jwt"}), (("sub",), ("tid",), ("ver",), ("uti",), ("azp", "appid")),
            "Microsoft identity platform, access token claims",
        ),
        TokenClass("id", frozenset({"jwt", ""}), (("sub",),), "OpenID Connect Core 1.0, 2"),
        TokenClass("logout", frozenset({"logout+jwt"}), (("jti",), ("events",), ("sub", "sid")),
                   "OpenID Connect Back-Channel Logout 1.0, 2.4", event=BACKCHANNEL_LOGOUT, never=("nonce",)),
        TokenClass("event", frozenset({"secevent+jwt"}), (("jti",), ("events",)), "RFC 8417, 2.2", expires=False,
                   event=""),
        TokenClass("status-list", frozenset({"statuslist+jwt"}), (("sub",), ("status_list",)),
                   "Token Status List, 5.1", expires=False, addressed=False),
        TokenClass("actor", frozenset({"jwt", "at+jwt"}), (("sub",),), "RFC 8693, 4.1"),
        TokenClass("other", frozenset(), (), "the policy alone"),
        TokenClass("saml", frozenset(), (("sub",), ("jti",), ("nbf",)), "SAML 2.0 Core, 2.3.3"),
    )
}

DEFAULT_LIFETIME = 3600.0  # NIST IR 8587: access and ID tokens, at most an hour
DEFAULT_LEEWAY = 60.0
DEFAULT_PROOF_AGE = 60.0


@dataclass(frozen=True)
class Flow:
    """What is accepted. Durations are seconds.

    `tenants`: accepted tenants; None where the issuers have none, {"*"} for any. `claims`: fixed values, such as
    {"ver": {"2.0"}}, that tell the class. `actors`: who may act for a subject (`act`, `actortoken`); `actor_flow`: the
    flow that verifies a nested `actortoken`. `renewal_issuers`: whose tokens may be renewed or exchanged here.
    `status_flow`: the flow that verifies status list tokens. `recipients`: assertion consumer URLs, for SAML.
    """

    name: str
    token_class: TokenClass
    issuers: tuple[IssuerPattern, ...]
    audiences: frozenset[str]
    typ: frozenset[str]
    tenants: frozenset[str] | None = None
    claims: Mapping[str, frozenset[str]] = field(default_factory=dict)
    required: tuple[tuple[str, ...], ...] = ()
    max_lifetime: float = DEFAULT_LIFETIME
    leeway: float = DEFAULT_LEEWAY
    actors: frozenset[str] = frozenset()
    actor_flow: str | None = None
    binding: Binding = Binding.OPTIONAL
    proof_age: float = DEFAULT_PROOF_AGE
    renewal_issuers: tuple[IssuerPattern, ...] = ()
    status: StatusCheck = StatusCheck.OFF
    status_flow: str | None = None
    recipients: frozenset[str] = frozenset()
    counterfoil: CounterfoilCheck = CounterfoilCheck.OFF
    issuer_tenants: Mapping[str, str] = field(init=False, repr=False)
    # Rule V10, laid out once: texts that must be there, that may be, and other claims, each in one of several names.
    needed_texts: tuple[str, ...] = field(init=False, repr=False)
    other_texts: tuple[str, ...] = field(init=False, repr=False)
    needed: tuple[tuple[str, ...], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse what would accept everything, or nothing can pass; ValueError says the field and what is wrong."""
        if not self.issuers:
            raise ValueError("issuers: name at least one")
        if self.token_class.addressed and not self.audiences:
            raise ValueError("audiences: name at least one")
        if not self.typ and self.token_class.name != "saml":
            raise ValueError("typ: name at least one header type; this class has no default")
        if self.token_class.name == "saml" and not self.recipients:
            raise ValueError("recipients: name at least one assertion consumer URL")
        if self.tenants is None and any(pattern.is_template for pattern in self.issuers):
            raise ValueError('tenants: name those that are served, or ["*"] for any, since an issuer has {tenantid}')
        if self.tenants is not None:
            check_tenants(self.tenants)
        _between("max_lifetime", self.max_lifetime, 1, MAX_LIFETIME)
        _between("leeway", self.leeway, 0, MAX_LEEWAY)
        _between("proof_age", self.proof_age, 1, MAX_PROOF_AGE)
        if self.status is StatusCheck.LIST and self.status_flow is None:
            raise ValueError("status_flow: name the flow that verifies status list tokens")
        literal = [pattern.text for pattern in self.issuers if not pattern.is_template]
        found = {text: match.group() for text in literal if (match := _ONE_GUID.search(text))}
        object.__setattr__(self, "issuer_tenants", MappingProxyType(found))
        needed = dict.fromkeys(self.token_class.required + self.required)
        texts = tuple(name for name in TEXTS if (name,) in needed)
        object.__setattr__(self, "needed_texts", texts)
        object.__setattr__(self, "other_texts", tuple(name for name in TEXTS if name not in texts))
        object.__setattr__(self, "needed", tuple(names for names in needed if names[0] not in texts or names[1:]))


_ONE_GUID = re.compile(rf"(?<![0-9a-f-]){GUID.pattern}(?![0-9a-f-])")


def check_tenants(tenants: frozenset[str]) -> None:
    """Refuse what are no tenants, an empty list, and any beside others; ValueError says which."""
    if not tenants or (ANY_TENANT in tenants and len(tenants) > 1):
        raise ValueError('tenants: a list of GUIDs, or ["*"] alone')
    for tenant in tenants - {ANY_TENANT}:
        if not GUID.fullmatch(tenant):
            raise ValueError(f"tenants: {tenant!r} is not a GUID in lower case")


def _between(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise ValueError(f"{name}: {value:g} seconds is not between {least:g} and {most:g}")
