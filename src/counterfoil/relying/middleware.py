"""ASGI middleware: every request needs a token that the guard lets in; whatever is decided leaves a receipt.

    app = Middleware(app, guard)            # scope["counterfoil"] holds the VerifiedToken

Answers are those of RFC 6750 and RFC 9449: 401 with a challenge that says no more than the kind of error. Verifying and
fetching happen in a thread, so that the event loop never waits for them.
"""

from __future__ import annotations

import asyncio
import posixpath
import warnings
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import quote, unquote

from counterfoil.errors import CounterfoilError, VerifyError
from counterfoil.relying.guard import Guard
from counterfoil.relying.receipts import Request
from counterfoil.relying.replays import ProcessReplays
from counterfoil.relying.status import Introspection, StatusLists
from counterfoil.tokens.flow import Binding
from counterfoil.tokens.presentation import DpopRequest, Presentation
from counterfoil.tokens.replay import Replays

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

KEY = "counterfoil"
# Requests whose tokens are verified at once.
MOST_AT_ONCE = 64
# How often a path may be escaped before it is taken as it is.
MAX_ESCAPES = 3
UNSHARED = (
    "counterfoil: DPoP proofs are remembered by this process only: each is good once in every process that serves."
    " Pass replays=SharedReplays(path), or ProcessReplays() where there is one process"
)


class Middleware:
    """Wraps an ASGI 3 application (Starlette, FastAPI, Django's ASGI, Quart...)."""

    def __init__(
        self, app: App, guard: Guard, *, open_paths: Iterable[str] = (), renewal_paths: Iterable[str] = (),
        base_url: str = "", introspection: Introspection | None = None, status_lists: StatusLists | None = None,
        replays: Replays | None = None,
    ) -> None:
        """Guard every path but `open_paths`. `renewal_paths`: where tokens are renewed or exchanged (rule V13).

        A path is open only if it is written just so, and one of renewal also if it is written in another way, with the
        place where the service is mounted (`root_path`) or without.
        `base_url`: the service's origin as clients see it, such as https://mail.example: DPoP proofs are held to it;
        without it to the Host header, which suffices only where a proxy sets that. `replays`: remembers the proofs that
        were used. Without it this process does, on its own, and a flow that asks for proofs warns of that.
        """
        self._app, self._guard, self._base = app, guard, base_url.rstrip("/")
        self._open, self._renewal = frozenset(open_paths), frozenset(map(_settled, renewal_paths))
        self._introspection, self._lists = introspection, status_lists
        if replays is None and guard.flow.binding in (Binding.DPOP, Binding.REQUIRED):
            warnings.warn(UNSHARED, RuntimeWarning, stacklevel=2)
        self._replays: Replays = ProcessReplays() if replays is None else replays
        self._slots = asyncio.Semaphore(MOST_AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection; websockets without a token that is let in are closed.

        Connections of other kinds than these two do not get through, whatever the server learns to speak.
        """
        kind = scope["type"]
        if kind == "lifespan" or (kind in ("http", "websocket") and scope.get("path") in self._open):
            await self._app(scope, receive, send)
            return
        if kind not in ("http", "websocket"):
            return
        headers = _headers(scope)
        scheme, token = _credential(headers)
        if token is None:
            await self._refuse(scope, send, 401, "")
            return
        try:
            async with self._slots:
                found = await asyncio.to_thread(self._checked, scope, headers, scheme, token)
        except VerifyError as error:
            proof = scheme == "dpop" and _about_proof(error)
            await self._refuse(scope, send, 401, "invalid_dpop_proof" if proof else "invalid_token")
            return
        except CounterfoilError:
            await self._refuse(scope, send, 503, "")  # the keys cannot be had: nothing is let in
            return
        await self._app({**scope, KEY: found}, receive, send)

    def _checked(self, scope: Scope, headers: Mapping[bytes, Sequence[bytes]], scheme: str, token: str) -> object:
        path, method = str(scope.get("path", "")), str(scope.get("method", "GET"))
        client = scope.get("client") or ("",)
        request = Request(
            method=method, endpoint=path, ip=str(client[0]), user_agent=_first(headers, b"user-agent"),
            renewal=not self._renewal.isdisjoint(_places(path, str(scope.get("root_path") or ""))),
        )
        shown = Presentation(
            dpop=self._proof(scope, headers, method) if scheme == "dpop" else None,
            certificate=_certificate(scope), renewal=request.renewal,
            status_list=partial(self._lists.of, token) if self._lists else None,
            introspection=partial(self._introspection.of, token) if self._introspection else None,
        )
        return self._guard.check(token, request, shown)

    def _proof(self, scope: Scope, headers: Mapping[bytes, Sequence[bytes]], method: str) -> DpopRequest:
        proofs = headers.get(b"dpop", ())
        origin = self._base or f"{scope.get('scheme', 'https')}://{_first(headers, b'host')}"
        proof = proofs[0].decode("latin-1") if len(proofs) == 1 else ""  # RFC 9449, 4.3: not more than one
        return DpopRequest(proof, method, f"{origin}{_as_sent(scope)}", replays=self._replays)

    async def _refuse(self, scope: Scope, send: Send, status: int, error: str) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        scheme = "DPoP" if self._guard.flow.binding is Binding.DPOP else "Bearer"
        headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
        if status == 401:
            headers.append((b"www-authenticate", (f'{scheme} error="{error}"' if error else scheme).encode()))
        body = b'{"error":"%b"}' % (error or ("unauthorized" if status == 401 else "unavailable")).encode()
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _as_sent(scope: Scope) -> str:
    """Return the path as the client wrote it: `/a%2Fb` is not `/a/b`.

    It begins with a slash also where the client wrote none: `.evil/a` must not become a part of the origin before it.
    """
    raw = scope.get("raw_path")
    if isinstance(raw, bytes):
        path = raw.partition(b"?")[0].decode("latin-1").replace("#", "%23")
    else:
        path = quote(str(scope.get("path", "")), safe="/:@!$&'()*+,;=~", errors="replace")
    return path if path.startswith("/") else f"/{path}"


def _places(path: str, root: str) -> frozenset[str]:
    """Return each place that a path may stand for: some servers put `root_path` before it, others leave it out."""
    place, mount = _settled(path), _settled(root)
    inside = {place.removeprefix(mount)} if place.startswith(f"{mount}/") else set()
    return frozenset({place, _settled(f"{root}/{path}")} | inside)


def _settled(path: str) -> str:
    """Return one spelling for all paths that some router or file system takes for the same."""
    for _ in range(MAX_ESCAPES):
        path = unquote(path)
    path = "".join(sign for sign in path if sign > " ")
    parts = [part.partition(";")[0] for part in path.replace("\\", "/").split("/")]
    return posixpath.normpath("/" + "/".join(part for part in parts if part)).casefold()


def _headers(scope: Scope) -> dict[bytes, list[bytes]]:
    found: dict[bytes, list[bytes]] = {}
    for name, value in scope.get("headers", ()):
        found.setdefault(bytes(name).lower(), []).append(bytes(value))
    return found


def _first(headers: Mapping[bytes, Sequence[bytes]], name: bytes) -> str:
    values = headers.get(name, ())
    return values[0].decode("latin-1") if values else ""


def _credential(headers: Mapping[bytes, Sequence[bytes]]) -> tuple[str, str | None]:
    """Return scheme and token of the one Authorization header; two of them are none (RFC 9110, 5.3)."""
    values = headers.get(b"authorization", ())
    if len(values) != 1:
        return "", None
    scheme, _, token = values[0].decode("latin-1").partition(" ")
    scheme, token = scheme.lower(), token.strip(" ")
    return (scheme, token) if scheme in ("bearer", "dpop") and token else ("", None)


def _certificate(scope: Scope) -> bytes | None:
    """Return the client's certificate (DER) where the server gives it (ASGI TLS extension)."""
    from ssl import PEM_cert_to_DER_cert

    told = (scope.get("extensions") or {}).get("tls") or {}
    chain = told.get("client_cert_chain") or ()
    try:
        return PEM_cert_to_DER_cert(chain[0]) if chain and isinstance(chain[0], str) else None
    except ValueError:
        return None


def _about_proof(error: VerifyError) -> bool:
    return error.rule == "V12" and error.check != "certificate"
