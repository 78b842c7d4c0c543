"""ASGI middleware that lets no byte of a known private key out: for services that touch a key store, and debug APIs.

    app = EgressGate(app, known(["jwks.json"], []))

Answers are scanned as they are sent, by the forms of the leak scanner: what is written (PEM, JWK, dumps, Base64 of any
of them...) and bare numbers that belong to a known key. What goes out was scanned together with what follows it, so
that nothing of a key has left when the key is found. Put it inside of whatever compresses: an answer that is encoded
is refused, since nobody can look into it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from typing import Any

from counterfoil.errors import EgressRefusedError, UsageError
from counterfoil.leaks.chunks import Chunk
from counterfoil.leaks.effort import Effort
from counterfoil.leaks.engine import Engine
from counterfoil.leaks.finding import Leak
from counterfoil.leaks.forms.found import AHEAD, BACK
from counterfoil.leaks.kernel import best
from counterfoil.leaks.known import KnownKeys

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

# Bytes that are scanned at a time, beside what follows them.
STEP_BYTES = 256 << 10
# Processor seconds for what is written in one answer; an answer that takes longer is refused.
ANSWER_SECONDS = 10.0
# Ways of servers to send files past the application: they are not offered to it.
_PAST = ("http.response.pathsend", "http.response.zerocopysend")
_LIVE = b"text/event-stream"
_IDENTITY = (b"", b"identity")
_LOG = logging.getLogger("counterfoil.egress")


class EgressGate:
    """Wraps an ASGI 3 application. An answer that holds a known key becomes 500, or breaks off where it has begun.

    `refuse_any`: other private keys, too, as far as they hold together. `on_refused` is told each finding (or None,
    where an answer could not be looked into) and the path; without it, it is logged to `counterfoil.egress`.

    Headers, trailers and messages of websockets are scanned as well. Of live streams (server-sent events, websockets)
    each message goes out at once: a key that is spread over several is stopped at its last part.
    """

    def __init__(
        self, app: App, known: KnownKeys, *, refuse_any: bool = False,
        on_refused: Callable[[Leak | None, str], None] | None = None,
    ) -> None:
        """Guard the application; raises UsageError without a key to look for."""
        if not known.keys and not refuse_any:
            raise UsageError("no key to keep in: give public keys", hint='known(["jwks.json"], [])')
        self._app, self._engine, self._any = app, Engine(best(), known), refuse_any
        self._told = on_refused or _logged

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        extensions = {name: value for name, value in (scope.get("extensions") or {}).items() if name not in _PAST}
        answer = _Answer(self._stream(scope), send)
        try:
            await self._app({**scope, "extensions": extensions}, receive, answer.send)
        except Exception:
            if answer.refused is None:
                raise
        # applications catch what is raised in them, and answer in their own way
        if answer.refused is not None:
            self._told(answer.refused.leak, str(scope.get("path", "")))
            await answer.refuse()

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        stream = self._stream(scope)
        refused: list[_WithheldError] = []

        async def checked(message: Message) -> None:
            if refused:
                raise refused[0]
            text = message.get("text") if message["type"] == "websocket.send" else None
            data = text.encode("utf-8", "surrogatepass") if text is not None else message.get("bytes") or b""
            try:
                await asyncio.to_thread(stream.whole, data)
                await asyncio.to_thread(stream.headers, message.get("headers") or ())
            except _WithheldError as why:
                refused.append(why)
                raise
            await send(message)

        try:
            await self._app(scope, receive, checked)
        except Exception:
            if not refused:
                raise
        if refused:
            self._told(refused[0].leak, str(scope.get("path", "")))
            await send({"type": "websocket.close", "code": 1011})

    def _stream(self, scope: Scope) -> _Stream:
        return _Stream(self._engine, str(scope.get("path", "")), refuse_any=self._any)


class _WithheldError(EgressRefusedError):
    """Why an answer is refused: what was found, or None where it could not be looked into."""

    def __init__(self, message: str, leak: Leak | None = None) -> None:
        super().__init__(message, hint="docs/leaks.md says how to find what put it there")
        self.leak = leak


class _Answer:
    """One HTTP response: its start is held until the first bytes may go out."""

    def __init__(self, stream: _Stream, send: Send) -> None:
        self._stream, self._send = stream, send
        self._start: Message | None = None
        self._begun = self._live = False
        self.refused: _WithheldError | None = None

    async def send(self, message: Message) -> None:
        """Pass a message of the application on, once it was looked into; raises EgressRefusedError."""
        if self.refused is not None:
            raise self.refused  # an application that goes on after that
        try:
            await asyncio.to_thread(self._stream.headers, message.get("headers") or ())
            await self._pass(message)
        except _WithheldError as refused:
            self.refused = refused
            raise

    async def _pass(self, message: Message) -> None:
        kind = message["type"]
        if kind == "http.response.start":
            self._take(message)
        elif kind == "http.response.body":
            await self._body(message.get("body", b""), more=bool(message.get("more_body", False)))
        elif kind in ("http.response.trailers", "http.response.early_hint", "http.response.push"):
            await self._send(message)
        else:
            raise _WithheldError(f"an answer of kind {kind} cannot be looked into")

    def _take(self, start: Message) -> None:
        headers = [(bytes(name).lower(), bytes(value).strip().lower()) for name, value in start.get("headers") or ()]
        if any(name == b"content-encoding" and value not in _IDENTITY for name, value in headers):
            raise _WithheldError("an encoded answer cannot be looked into")
        self._live = any(name == b"content-type" and value.startswith(_LIVE) for name, value in headers)
        self._start = start

    async def _body(self, data: bytes, *, more: bool) -> None:
        if self._live and more:
            await asyncio.to_thread(self._stream.whole, data)
            await self._out(data, more=True)
            return
        ready = self._stream.feed(data, more=more)
        while (part := await asyncio.to_thread(next, ready, None)) is not None:
            await self._out(part, more=True)
        if not more:
            await self._out(b"", more=False)

    async def _out(self, data: bytes, *, more: bool) -> None:
        if self._start is not None:
            start, self._start = self._start, None
            self._begun = True
            await self._send(start)
        await self._send({"type": "http.response.body", "body": data, "more_body": more})

    async def refuse(self) -> None:
        """Answer with 500; raises where an answer has begun, so that the server breaks it off."""
        if self._begun:
            raise EgressRefusedError("the answer was broken off: it held a private key, or could not be looked into")
        headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
        await self._send({"type": "http.response.start", "status": 500, "headers": headers})
        await self._send({"type": "http.response.body", "body": b'{"error":"withheld"}'})


class _Stream:
    """Bytes in order; what may go out was scanned, with what follows it."""

    def __init__(self, engine: Engine, path: str, *, refuse_any: bool) -> None:
        self._engine, self._path, self._any = engine, path, refuse_any
        self._effort = Effort(ANSWER_SECONDS)
        self._back, self._held, self._offset = b"", b"", 0

    def feed(self, data: bytes, *, more: bool) -> Iterator[bytes]:
        """Yield what may go out, after `data` was added; all that is left, if there is no `more`."""
        self._held += data
        while len(self._held) > AHEAD + STEP_BYTES or (not more and self._held):
            size = STEP_BYTES if len(self._held) > AHEAD + STEP_BYTES else len(self._held)
            seen = self._back + self._held[: size + AHEAD]
            self._scan(Chunk(seen, self._offset - len(self._back), len(self._back), len(self._back) + size))
            part, self._held = self._held[:size], self._held[size:]
            self._back, self._offset = (self._back + part)[-BACK:], self._offset + size
            yield part

    def whole(self, data: bytes) -> None:
        """Look into a message together with what went out before it."""
        seen = self._back + data
        self._scan(Chunk(seen, self._offset - len(self._back), 0, len(seen)))
        self._back, self._offset = seen[-(BACK + AHEAD):], self._offset + len(data)

    def headers(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Look into headers."""
        if text := b"\n".join(bytes(value) for _, value in headers):
            self._scan(Chunk(text, 0, 0, len(text)))

    def _scan(self, chunk: Chunk) -> None:
        try:
            found = self._engine.scan(chunk, self._path, self._effort)
        except Exception as error:  # a mistake of ours costs the answer, and never lets a key out
            raise _WithheldError("an answer could not be looked into") from error
        leak = next((leak for leak in found if leak.proven or self._any), None)
        if leak is not None:
            raise _WithheldError(f"an answer holds a private key: {leak.form}", leak)
        if self._effort.told():
            raise _WithheldError("an answer could not be looked into to its end")


def _logged(leak: Leak | None, path: str) -> None:
    fields = {"path": path[:200], "form": leak.form if leak else "", "kid": leak.kid if leak else ""}
    _LOG.error("egress refused", extra=fields)
