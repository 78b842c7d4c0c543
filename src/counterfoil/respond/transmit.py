"""Sends security events: pushed (RFC 8935), or kept in an outbox until they are polled for (RFC 8936)."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from counterfoil.errors import InputError, UsageError
from counterfoil.exchange import exchange
from counterfoil.files import writing
from counterfoil.relying.http import Endpoint
from counterfoil.tokens.decoded import decoded

MEDIA_TYPE = "application/secevent+jwt"
MAX_ANSWER_BYTES = 64 * 1024
# SETs in one outbox, and in one answer to a poll.
MAX_WAITING, MAX_AT_ONCE = 10_000, 100


def push(url: str, token: str, headers: Mapping[str, str] | None = None, *, allow_local: bool = False) -> None:
    """Deliver one SET (RFC 8935, 2). Returns once it is acknowledged (202); raises UsageError, InputError.

    `headers`: how this transmitter proves who it is. What the receiver says of a SET that it refuses is in the error.
    """
    endpoint = Endpoint(url, allow_local)
    sent = {**(headers or {}), "Content-Type": MEDIA_TYPE, "Accept": "application/json"}
    try:
        answer = exchange("POST", urlsplit(endpoint.url), token.encode(), sent, MAX_ANSWER_BYTES, local=allow_local)
    except OSError as error:
        told = f"{url}: {error or type(error).__name__}"
        raise InputError(told, hint="push it again, or have it polled for") from error
    if answer.status == http.client.ACCEPTED:
        return
    raise InputError(f"{url}: {_refusal(answer.status, answer.body)}", hint="push it again once the receiver is mended")


def _refusal(status: int, body: bytes) -> str:
    """Return what a receiver says (2.3): its code and words are not ours, so they are cut and quoted."""
    try:
        told = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return f"HTTP {status}"
    return f"HTTP {status}, {str(told.get('err', ''))[:40]!r}: {str(told.get('description', ''))[:160]!r}"


class PollRequest(msgspec.Struct, frozen=True, rename="camel"):
    """What a poll asks (RFC 8936, 2.2). Members that it does not define are ignored."""

    max_events: int | None = None
    return_immediately: bool = True
    ack: tuple[str, ...] = ()
    set_errs: dict[str, dict[str, str]] = {}


@dataclass(frozen=True)
class Outbox:
    """SETs that wait for one receiver, a file each, until they are acknowledged. Survives a restart."""

    folder: Path

    def put(self, token: str) -> None:
        """Keep a SET until it is acknowledged; raises UsageError if too many wait, InputError for what is no SET."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if sum(1 for _ in self.folder.glob("*.set")) >= MAX_WAITING:
            raise UsageError(f"{self.folder}: {MAX_WAITING:,} events wait already", hint="nobody polls for them")
        jti = decoded(token).claims.get("jti")
        if not isinstance(jti, str):
            raise InputError("a security event without jti")
        with writing(self._file(jti), durable=True) as file:
            file.write(token.encode())

    def waiting(self) -> dict[str, str]:
        """Return what waits, by jti, the oldest first."""
        files = sorted(self.folder.glob("*.set"), key=lambda file: (file.stat().st_mtime_ns, file.name))
        tokens = [file.read_text() for file in files]
        return {str(decoded(token).claims["jti"]): token for token in tokens}

    def answer(self, asked: PollRequest) -> dict[str, Any]:
        """Forget what was taken or refused, and return what waits (RFC 8936, 2.3 and 2.4)."""
        for jti in (*asked.ack, *asked.set_errs):
            self._file(jti).unlink(missing_ok=True)
        waiting = self.waiting()
        most = MAX_AT_ONCE if asked.max_events is None else max(0, min(asked.max_events, MAX_AT_ONCE))
        given = dict(list(waiting.items())[:most])
        return {"sets": given, "moreAvailable": len(given) < len(waiting)}

    def _file(self, jti: str) -> Path:
        return self.folder / f"{sha256(jti.encode('utf-8', 'replace')).hexdigest()}.set"  # a jti may hold anything


def read_poll(body: bytes) -> PollRequest:
    """Return what a poll asks; raises InputError."""
    try:
        return msgspec.json.decode(body or b"{}", type=PollRequest)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise InputError("no poll request (RFC 8936, 2.2)") from error
