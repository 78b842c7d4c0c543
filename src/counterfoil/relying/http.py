"""One bounded HTTP request to an address that the configuration names: no redirects, no bodies without end."""

from __future__ import annotations

import http.client
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from counterfoil.errors import InputError, UsageError

TIMEOUT_SECONDS = 5.0
# A whole answer may take so long; a server that drips bytes cannot hold a request longer.
DEADLINE_SECONDS = 15.0
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def connected(parts: SplitResult) -> http.client.HTTPConnection:
    """Return a connection to the host of an address, which opens when it is used."""
    host, port = parts.hostname or "", parts.port
    if parts.scheme == "https":
        return http.client.HTTPSConnection(host, port, timeout=TIMEOUT_SECONDS, context=ssl.create_default_context())
    return http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)


def target_of(parts: SplitResult) -> str:
    """Return what a request line asks for."""
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


@dataclass(frozen=True)
class Answer:
    """A body with status 200, and for how many seconds the server lets it be kept (None: it does not say)."""

    body: bytes
    max_age: float | None


@dataclass(frozen=True)
class Endpoint:
    """An address from the configuration, checked: https, or http on loopback."""

    url: str

    def __post_init__(self) -> None:
        """Refuse other schemes, user names and fragments; raises UsageError."""
        parts = urlsplit(self.url)
        if parts.scheme not in ("https", "http") or not parts.hostname or parts.username or parts.fragment:
            raise UsageError(f"expected https://host[:port]/path, got {self.url[:80]!r}")
        if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            raise UsageError(f"{self.url[:80]}: http is for loopback only", hint="keys and status come over https")

    def get(self, most: int, accept: str = "application/json") -> Answer:
        """Return the answer to GET, of at most `most` bytes; raises InputError."""
        return self._asked("GET", None, {"Accept": accept}, most)

    def post(self, body: bytes, headers: Mapping[str, str], most: int) -> Answer:
        """Return the answer to POST; raises InputError."""
        return self._asked("POST", body, headers, most)

    def _asked(self, method: str, body: bytes | None, headers: Mapping[str, str], most: int) -> Answer:
        parts, end = urlsplit(self.url), time.monotonic() + DEADLINE_SECONDS
        connection = connected(parts)
        try:
            connection.request(method, target_of(parts), body, dict(headers))
            answer = connection.getresponse()
            if answer.status != http.client.OK:
                hint = "redirects are not followed" if 300 <= answer.status < 400 else ""
                raise InputError(f"{self.url}: HTTP {answer.status}", hint=hint)
            return Answer(self._body(answer, most, end), _max_age(answer.headers.get("Cache-Control", "")))
        except (OSError, http.client.HTTPException) as error:
            raise InputError(f"{self.url}: {error or type(error).__name__}") from error
        finally:
            connection.close()

    def _body(self, answer: http.client.HTTPResponse, most: int, end: float) -> bytes:
        parts: list[bytes] = []
        left = most + 1
        while left and (part := answer.read1(min(left, 65_536))):
            parts.append(part)
            left -= len(part)
            if time.monotonic() > end:
                raise InputError(f"{self.url}: no whole answer within {DEADLINE_SECONDS:g} seconds")
        if not left:
            raise InputError(f"{self.url}: longer than {most} bytes")
        return b"".join(parts)


def _max_age(control: str) -> float | None:
    directives = [part.strip().lower() for part in control.split(",")]
    if "no-store" in directives or "no-cache" in directives:
        return 0.0
    for directive in directives:
        name, _, value = directive.partition("=")
        if name == "max-age" and value.isdigit() and len(value) < 10:
            return float(value)
    return None
