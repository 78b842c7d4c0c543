"""What the issuer says of a token today: introspection (RFC 7662) and status lists, fetched for the verifier.

Nothing is believed here: what comes back goes into the token's `Presentation`, and rule S1 judges it. What cannot be
had is not shown, and S1 fails closed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from urllib.parse import urlencode

from counterfoil.errors import CounterfoilError, VerifyError
from counterfoil.relying.cached import Ages, Cached
from counterfoil.relying.http import Endpoint
from counterfoil.tokens.decoded import decoded
from counterfoil.tokens.limits import MAX_STATUS_LIST_BYTES, MAX_TOKEN_BYTES

MAX_INTROSPECTION_BYTES = 64 * 1024
# An answer is kept for seconds only: a revocation must count soon.
INTROSPECTION_AGES = Ages(least=0.0, usual=5.0, most=30.0, stale=0.0, pause=0.0, retry=0.0)
LIST_AGES = Ages(least=5.0, usual=300.0, most=43_200.0, stale=600.0, pause=5.0, retry=5.0)
# Tokens whose answers are kept.
MOST_ANSWERS = 10_000


class Introspection:
    """Asks the issuer's introspection endpoint. Safe to share between threads."""

    def __init__(
        self, url: str, headers: Mapping[str, str], *, ages: Ages = INTROSPECTION_AGES, allow_local: bool = False
    ) -> None:
        """Ask `url` with these headers: how this service proves who it is (RFC 7662, 2.1). Raises UsageError."""
        self._endpoint, self._headers = Endpoint(url, allow_local), dict(headers)
        self._cached = Cached[bytes](ages, MOST_ANSWERS)

    def of(self, token: str) -> bytes | None:
        """Return the answer about a token for `Presentation.introspection`; None if none can be had."""
        if len(token) > MAX_TOKEN_BYTES:
            return None
        name = sha256(token.encode("utf-8", "replace")).hexdigest()
        try:
            return self._cached.get(name, lambda: self._ask(token))
        except CounterfoilError:
            return None

    def _ask(self, token: str) -> tuple[bytes, float | None]:
        body = urlencode({"token": token, "token_type_hint": "access_token"}).encode()
        headers = {
            **self._headers,
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        }
        answer = self._endpoint.post(body, headers, MAX_INTROSPECTION_BYTES)
        return answer.body, answer.max_age


class StatusLists:
    """Fetches status list tokens, from the addresses of the configuration only. Safe to share between threads."""

    def __init__(self, urls: Sequence[str], *, ages: Ages = LIST_AGES, allow_local: bool = False) -> None:
        """Take the addresses that tokens may name. Raises UsageError."""
        self._endpoints = {url: Endpoint(url, allow_local) for url in urls}
        self._cached = Cached[bytes](ages)

    def of(self, token: str | bytes) -> bytes | None:
        """Return the list that a token points to for `Presentation.status_list`; None if it is not to be had."""
        try:
            status = decoded(token).claims.get("status")
        except VerifyError:
            return None
        named = status.get("status_list") if isinstance(status, Mapping) else None
        uri = named.get("uri") if isinstance(named, Mapping) else None
        if not isinstance(uri, str) or uri not in self._endpoints:
            return None
        try:
            return self._cached.get(uri, lambda: self._fetch(uri))
        except CounterfoilError:
            return None

    def _fetch(self, uri: str) -> tuple[bytes, float | None]:
        answer = self._endpoints[uri].get(MAX_STATUS_LIST_BYTES, "application/statuslist+jwt")
        return answer.body.strip(), answer.max_age
