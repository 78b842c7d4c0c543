"""The two ends of a stream over HTTP, as plain ASGI: where SETs are pushed to (RFC 8935), and polled for (RFC 8936)."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec

from counterfoil.errors import CounterfoilError, InputError
from counterfoil.respond.receive import Receiver, Refused
from counterfoil.respond.transmit import MEDIA_TYPE, Outbox, read_poll
from counterfoil.tokens.limits import MAX_TOKEN_BYTES

MAX_POLL_REQUEST_BYTES = 256 * 1024

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class PushEndpoint:
    """Receives pushed SETs. A SET is believed for its signature; `authorization`, if given, must come with each."""

    def __init__(self, receiver: Receiver, authorization: str = "") -> None:
        """Give what comes to this receiver."""
        self._receiver, self._authorization = receiver, authorization.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (RFC 8935, 2.2 and 2.3)."""
        if scope["type"] != "http":
            return
        headers = dict(scope["headers"])
        kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        body = await _body(receive, MAX_TOKEN_BYTES)
        wrong: Refused | None
        if not _let_in(headers, self._authorization):
            wrong = Refused("authentication_failed", "this transmitter is not known")
        elif scope["method"] != "POST" or kind != MEDIA_TYPE.encode() or body is None:
            wrong = Refused("invalid_request", f"expected POST of {MEDIA_TYPE}")
        else:
            try:
                wrong = await asyncio.to_thread(self._receiver.take, body)
            except CounterfoilError:
                await _send(send, 503)  # it could not be acted on: it must come again
                return
        await (_send(send, 202) if wrong is None else _send(send, 400, wrong.told()))


class PollEndpoint:
    """Hands out what waits in an outbox to the one receiver that knows `authorization` (the header's whole value)."""

    def __init__(self, outbox: Outbox, authorization: str) -> None:
        """Hand out of this outbox."""
        self._outbox, self._authorization = outbox, authorization.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one poll (RFC 8936, 2). It never waits for events: `returnImmediately` is taken as true."""
        if scope["type"] != "http":
            return
        body = await _body(receive, MAX_POLL_REQUEST_BYTES)
        if not self._authorization or not _let_in(dict(scope["headers"]), self._authorization):
            await _send(send, 401)
            return
        try:
            if scope["method"] != "POST" or body is None:
                raise InputError("expected POST of a poll request")
            answer = await asyncio.to_thread(self._outbox.answer, read_poll(body))
        except InputError as error:
            await _send(send, 400, {"err": "invalid_request", "description": str(error)})
            return
        await _send(send, 200, answer)


def _let_in(headers: dict[bytes, bytes], wanted: bytes) -> bool:
    return not wanted or hmac.compare_digest(headers.get(b"authorization", b""), wanted)


async def _body(receive: Receive, most: int) -> bytes | None:
    """Return the body of a request; None if it is longer than `most` bytes, or its sender left."""
    parts, size = list[bytes](), 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > most:
            return None
        if not message.get("more_body"):
            return b"".join(parts)


async def _send(send: Send, status: int, told: object = None) -> None:
    body = b"" if told is None else msgspec.json.encode(told)
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")] if body else []
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
