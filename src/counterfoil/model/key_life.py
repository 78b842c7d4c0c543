"""How long keys live, are published ahead, and drain: figures, each with its source. A store's settings may differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

DAY = 86_400.0


@dataclass(frozen=True)
class Span:
    """A duration and where it comes from."""

    seconds: float
    source: str


_DRAFT = "NIST IR 8587, initial public draft of 2025-12-22 (draft: the final text may differ)"
# The largest age of a key that signs, by who relies on it.
CLASSES: Mapping[str, Span] = {
    "multi-tenant": Span(14 * DAY, f"{_DRAFT}: keys of a cloud provider for many tenants"),
    "tenant": Span(91 * DAY, f"{_DRAFT}: keys of one tenant, three months"),
    "own": Span(365 * DAY, f"{_DRAFT}: an organisation's own issuer on its premises"),
}
DEFAULT_CLASS = "own"
_ROLLOVER = "Microsoft identity platform, signing key rollover, keys metadata caching (2024-10-28)"
CACHE = Span(3_600.0, f"{_ROLLOVER}: keys are refreshed every hour; Logto's post-mortem of 2026-01-08 has an hour, too")
PREPUBLISH = Span(DAY, f"{_ROLLOVER}: a cached key lives for 24 hours")
DRAIN = Span(28 * 3_600.0 + 300.0, "the longest life of an access token (Entra ID, 28 h), and skew")
