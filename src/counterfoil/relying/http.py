"""An address that the configuration names, and one bounded request to it."""

from __future__ import annotations

import http.client
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from counterfoil.errors import InputError, UsageError
from counterfoil.exchange import exchange

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_URL = re.compile(r"[!-~]{1,2048}")  # RFC 3986: visible ASCII


@dataclass(frozen=True)
class Answer:
    """A body with status 200, and for how many seconds the server lets it be kept (None: it does not say)."""

    body: bytes
    max_age: float | None


@dataclass(frozen=True)
class Endpoint:
    """An address from the configuration, checked: https, or http on loopback.

    `allow_local`: its name may stand for an address of this machine or network. Without it such a name is refused:
    whoever controls the name could have the service ask what only it can reach (rfc8725bis).
    """

    url: str
    allow_local: bool = False

    def __post_init__(self) -> None:
        """Refuse other schemes, user names and fragments; raises UsageError."""
        told = f"{self.url!r:.82}"
        try:
            if not _URL.fullmatch(self.url):
                raise ValueError(told)
            parts = urlsplit(self.url)
            fits = parts.port != 0 and parts.hostname and parts.username is None and "#" not in self.url
        except (TypeError, ValueError) as error:
            raise UsageError(f"expected https://host[:port]/path, got {told}") from error
        if parts.scheme not in ("https", "http") or not fits:
            raise UsageError(f"expected https://host[:port]/path, got {told}")
        if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            raise UsageError(f"{self.url[:80]}: http is for loopback only", hint="keys and status come over https")

    def get(self, most: int, accept: str = "application/json") -> Answer:
        """Return the answer to GET, of at most `most` bytes; raises InputError."""
        return self._asked("GET", None, {"Accept": accept}, most)

    def post(self, body: bytes, headers: Mapping[str, str], most: int) -> Answer:
        """Return the answer to POST; raises InputError."""
        return self._asked("POST", body, headers, most)

    def _asked(self, method: str, body: bytes | None, headers: Mapping[str, str], most: int) -> Answer:
        try:
            answer = exchange(method, urlsplit(self.url), body, headers, most, local=self.allow_local)
        except OSError as error:
            raise InputError(f"{self.url}: {error or type(error).__name__}") from error
        if answer.status != http.client.OK:
            hint = "redirects are not followed" if 300 <= answer.status < 400 else ""
            raise InputError(f"{self.url}: HTTP {answer.status}", hint=hint)
        return Answer(answer.body, max_age(answer.cache_control))


def max_age(control: str) -> float | None:
    """Return for how many seconds a Cache-Control header lets an answer be kept; None where it does not say."""
    directives = [part.strip().lower() for part in control.split(",")]
    if "no-store" in directives or "no-cache" in directives:
        return 0.0
    for directive in directives:
        name, _, value = directive.partition("=")
        if name == "max-age" and re.fullmatch("[0-9]{1,9}", value):
            return float(value)
    return None
