"""V11: who acts for the subject (RFC 8693 `act`; Entra's nested `actortoken`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from counterfoil.errors import VerifyError
from counterfoil.tokens import rules
from counterfoil.tokens.flow import Flow
from counterfoil.tokens.limits import MAX_ACTORS
from counterfoil.tokens.rules import quoted, refused
from counterfoil.tokens.verified import VerifiedToken

# Claims that name the actor, in this order: a client where one is named, else a subject.
_NAMES = ("client_id", "azp", "appid", "sub")


def v11_actors(
    claims: Mapping[str, Any], tenant: str | None, flow: Flow, verify: Callable[[str], VerifiedToken]
) -> None:
    """Refuse actors that the flow does not list, of other tenants, or without a signature where one is due.

    `verify` verifies a nested token under the flow's `actor_flow`.
    """
    if "act" in claims:
        _chain(claims["act"], claims["iss"], tenant, flow)
    if "actortoken" in claims:
        _token(claims["actortoken"], tenant, flow, verify)


def _chain(actor: object, issuer: str, tenant: str | None, flow: Flow) -> None:
    """Every actor of the chain must be allowed: the earlier ones are why the last one may act."""
    for _ in range(MAX_ACTORS):
        if not isinstance(actor, Mapping):
            raise refused(rules.V11, "act", "an actor as an object", quoted(actor))
        _allowed(actor, flow)
        if "iss" in actor and actor["iss"] != issuer:  # a name says who it is only beside its issuer
            raise refused(rules.V11, "issuer", f"an actor of {quoted(issuer)}", quoted(actor["iss"]))
        if "tid" in actor and actor["tid"] != tenant:
            raise refused(rules.V11, "tenant", f"an actor of tenant {tenant}", quoted(actor["tid"]))
        if "act" not in actor:
            return
        actor = actor["act"]
    raise refused(rules.V11, "chain", f"at most {MAX_ACTORS} actors", "more")


def _allowed(actor: Mapping[str, Any], flow: Flow) -> None:
    name = next((actor[claim] for claim in _NAMES if claim in actor), None)
    if not isinstance(name, str) or name not in flow.actors:
        raise refused(rules.V11, "actor", f"an actor of the flow: {rules.listed(flow.actors)}", quoted(name))


def _token(nested: object, tenant: str | None, flow: Flow, verify: Callable[[str], VerifiedToken]) -> None:
    if flow.actor_flow is None:
        raise refused(rules.V11, "actortoken", "no actor token, since the flow has no actor_flow", "one")
    if not isinstance(nested, str):
        raise refused(rules.V11, "actortoken", "an actor token as a text", quoted(nested))
    try:
        actor = verify(nested)
    except VerifyError as error:
        raise refused(rules.V11, "signed", "an actor token that verifies", f"one refused as {error.code}") from error
    _allowed(actor.claims, flow)
    if actor.tenant != tenant:
        raise refused(rules.V11, "tenant", f"an actor of tenant {tenant}", quoted(actor.tenant))
