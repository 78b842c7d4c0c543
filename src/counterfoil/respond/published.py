"""What an issuer publishes of its keys besides the key set: how long that may be kept, and the keys it once had."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from counterfoil.custody.keys import KeyState, KeyVersion
from counterfoil.custody.settings import LifeSettings

# OpenID Federation 1.0, 8.7: the type of the signed document; the reasons of a revocation (8.7.2).
HISTORICAL_TYP = "jwk-set+jwt"
_REASONS: Mapping[KeyState, str] = {KeyState.BLOCKED: "compromised", KeyState.DISABLED: "unspecified"}
_PAST = (KeyState.RETIRED, KeyState.BLOCKED, KeyState.DISABLED, KeyState.DESTROYED)


def headers(life: LifeSettings) -> dict[str, str]:
    """Return the headers that go with the key set."""
    return {"Content-Type": "application/jwk-set+json", "Cache-Control": f"public, max-age={int(life.cache_seconds)}"}


def historical(versions: Iterable[KeyVersion], issuer: str, now: datetime) -> dict[str, Any]:
    """Return the claims of the historical-keys document: every key that is in the key set no longer, and why."""
    past = [version for version in versions if version.state in _PAST]
    return {"iss": issuer, "iat": int(now.timestamp()), "keys": [_member(version) for version in past]}


def _member(version: KeyVersion) -> dict[str, Any]:
    ended = version.ended or version.since or version.created
    told: dict[str, Any] = {**version.jwk(), "iat": int(version.created.timestamp()), "exp": int(ended.timestamp())}
    if version.began is not None:
        told["nbf"] = int(version.began.timestamp())
    reason = _REASONS.get(version.state, "compromised" if version.reason else "")
    if reason:
        told["revoked"] = {"revoked_at": int((version.since or ended).timestamp()), "reason": reason}
    return told
