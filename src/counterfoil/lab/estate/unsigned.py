"""A flaw of its own: a service that lets in tokens with alg none, as if somebody else had checked them."""

from __future__ import annotations

from typing import Any

from counterfoil.errors import VerifyError
from counterfoil.lab.estate.clock import Clock
from counterfoil.model.receipt import ACCEPTED, Receipt, Signature
from counterfoil.relying.middleware import KEY, App, Receive, Scope, Send
from counterfoil.relying.receipts import Receipts
from counterfoil.relying.sinks import Sink
from counterfoil.tokens.decoded import decoded


class _Believed:
    """What the service behind it reads of a token that nobody verified."""

    def __init__(self, claims: Any) -> None:
        self.subject = str(claims.get("sub", ""))


class UnsignedActors:
    """Lets unsigned tokens in, with a receipt that says so; all others go to the guard."""

    def __init__(self, inner: App, guarded: App, receipts: Receipts, sink: Sink, flow: str, clock: Clock) -> None:
        """Wrap a service and its guarded form."""
        self._inner, self._guarded, self._receipts, self._sink, self._flow = inner, guarded, receipts, sink, flow
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        header = dict(scope.get("headers", ())).get(b"authorization", b"")
        token = header.decode("latin-1").partition(" ")[2].strip()
        try:
            parts = decoded(token)
        except VerifyError:
            parts = None
        if parts is None or parts.header.get("alg") != "none":
            await self._guarded(scope, receive, send)
            return
        told = self._receipts.claimed(token)
        made = Receipt(
            time=self._clock.now(), rp="files", outcome=ACCEPTED, signature=Signature.UNCHECKED, flow=self._flow,
            endpoint=str(scope.get("path", "")), method=str(scope.get("method", "")), **told,
        )
        self._sink.put(made)
        await self._inner({**scope, KEY: _Believed(parts.claims)}, receive, send)
