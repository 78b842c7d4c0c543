"""Makes the event that a key is compromised, signed by another key in custody."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime

import msgspec

from counterfoil.errors import InputError, UsageError
from counterfoil.jose.jwk import thumbprint
from counterfoil.mint.signing import Signing, current_version
from counterfoil.respond.events import TYP, KeyCompromised, key_compromised
from counterfoil.respond.signing import signed


def key_event(
    jwk: bytes, *, store: Callable[[ExitStack], Signing], key: str, issuer: str, audience: str, since: datetime,
    reason: str, now: datetime,
) -> str:
    """Return the SET about a public key (JWK, as JSON). Raises InputError for what is none, UsageError for its own."""
    try:
        members = msgspec.json.decode(jwk, type=dict[str, object])
        print_ = thumbprint(members)
    except (msgspec.MsgspecError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError("no public key: expected one JWK as JSON") from error
    kid = members.get("kid")
    told = KeyCompromised(
        issuer, kid if isinstance(kid, str) else print_, print_, int(since.timestamp()), reason
    )
    with ExitStack() as stack:
        custody = store(stack)
        if current_version(custody, key, "which key signs events").kid == print_:
            raise UsageError("an event about a key is not signed by that key", hint="name another key of the store")
        claims = key_compromised(issuer, audience, told, int(now.timestamp()))
        return signed(custody, key, TYP, claims, "security event")
