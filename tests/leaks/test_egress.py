"""The egress gate: an answer of an application that holds a known key does not leave, in whatever form or pieces."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from counterfoil.errors import EgressRefusedError, UsageError
from counterfoil.leaks.egress import STEP_BYTES, EgressGate
from counterfoil.leaks.finding import Leak
from counterfoil.leaks.forms.found import AHEAD
from counterfoil.leaks.known import KnownKeys

from .planting import known_of, pem_of, rsa_keys

KEY, OTHER = rsa_keys(2)
PEM = pem_of(KEY)
CURVE = ec.generate_private_key(ec.SECP256R1())
KNOWN = known_of(KEY, CURVE)
PRIME = KEY.private_numbers().p.to_bytes(128, "big")
FILLER = b"nothing to see here, move along. " * 64


def der(key: rsa.RSAPrivateKey) -> bytes:
    """Return a key in DER, not encrypted."""
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def scalar() -> bytes:
    """Return the curve's private scalar."""
    return CURVE.private_numbers().private_value.to_bytes(32, "big")


BODIES: dict[str, bytes] = {
    "a key in PEM": PEM,
    "a key in JSON": json.dumps({"config": {"key": PEM.decode()}}).encode(),
    "a key in Base64": base64.b64encode(der(KEY)),
    "a key in hex": der(KEY).hex().encode(),
    "a prime in a dump of memory": bytes(range(256)) * 8 + PRIME + bytes(range(256)) * 8,
    "a scalar of a curve": bytes(64) + scalar() + bytes(64),
    "a key behind a megabyte": FILLER * 500 + PEM,
    "a key over the border of what is scanned at once": b"x" * (STEP_BYTES - 400) + b"\n" + PEM + FILLER * 100,
}


def app_of(body: Sequence[bytes], headers: Sequence[tuple[bytes, bytes]] = ()) -> Callable[..., Awaitable[None]]:
    """Return an application that answers with these parts."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        del scope, receive
        await send({"type": "http.response.start", "status": 200, "headers": list(headers)})
        for place, part in enumerate(body):
            await send({"type": "http.response.body", "body": part, "more_body": place < len(body) - 1})

    return app


def asked(app: Any, kind: str = "http", **scope: Any) -> tuple[list[Any], Exception | None]:
    """Return the messages that leave, and what is raised to the server."""
    out: list[Any] = []

    async def send(message: Any) -> None:
        out.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def call() -> Exception | None:
        try:
            await app({"type": kind, "path": "/debug", "headers": [], **scope}, receive, send)
        except EgressRefusedError as error:
            return error
        return None

    return out, asyncio.run(call())


def gate(app: Any, known: KnownKeys = KNOWN, **more: Any) -> tuple[EgressGate, list[Leak | None]]:
    """Return the application behind the gate, and what the gate tells."""
    told: list[Leak | None] = []
    return EgressGate(app, known, on_refused=lambda leak, _: told.append(leak), **more), told


def left(out: Sequence[Any]) -> bytes:
    """Return the bytes of the body that left."""
    return b"".join(message.get("body", b"") for message in out)


@pytest.mark.parametrize("size", [0, 700, 64 << 10], ids=["whole", "in small parts", "in large parts"])
@pytest.mark.parametrize("body", BODIES.values(), ids=list(BODIES))
def test_no_byte_of_the_key_leaves(body: bytes, size: int) -> None:
    """What stands before it may have; the answer is 500, or is broken off where it has begun."""
    parts = [body[at : at + size] for at in range(0, len(body), size)] if size else [body]
    app, told = gate(app_of(parts))
    out, error = asked(app)
    (leak,) = told
    assert leak is not None
    assert leak.proven
    assert body.startswith(left(out)) or left(out) == b'{"error":"withheld"}'
    assert len(left(out)) <= leak.offset or out[0]["status"] == 500
    assert (out[0]["status"] == 500) == (error is None)


def test_an_innocent_answer_is_what_it_was() -> None:
    """Of any size, in any parts, with its status and headers; a public key and another's private one, too."""
    public = json.dumps({"keys": [{"kid": "k0", "n": str(KEY.public_key().public_numbers().n)}]}).encode()
    for body in (b"", b"ok", public, pem_of(OTHER), FILLER * 1_000):
        for size in (1 << 10, 1 << 20):
            parts = [body[at : at + size] for at in range(0, len(body), size)] or [b""]
            app, told = gate(app_of(parts, [(b"content-type", b"text/plain")]))
            out, error = asked(app)
            assert (left(out), told, error) == (body, [], None)
            assert (out[0]["status"], out[0]["headers"]) == (200, [(b"content-type", b"text/plain")])
            assert [message["more_body"] for message in out[1:]].count(False) == 1


def test_nothing_is_held_longer_than_is_needed() -> None:
    """A long answer goes out while it comes in: what is kept back is one step and what follows it."""
    part = FILLER * 64
    app, _ = gate(app_of([part] * 40))
    out, _ = asked(app)
    assert len(out) > 10
    assert max(len(message.get("body", b"")) for message in out) <= STEP_BYTES + AHEAD + len(part)


def test_any_private_key_is_refused_if_asked_for() -> None:
    """Also without a known one."""
    app, told = gate(app_of([pem_of(OTHER)]), KnownKeys(), refuse_any=True)
    assert asked(app)[0][0]["status"] == 500
    assert [leak and leak.proven for leak in told] == [False]


@pytest.mark.parametrize("answer", [
    pytest.param(app_of([b"ok"], [(b"x-key", base64.b64encode(der(KEY)))]), id="in a header"),
    pytest.param(app_of([gzip.compress(PEM)], [(b"Content-Encoding", b"gzip")]), id="compressed"),
    pytest.param(app_of([b"data: x\n\n", PEM[:900], PEM[900:], b"end"], [(b"content-type", b"text/event-stream")]),
                 id="in events of a live stream"),
])
def test_what_is_not_a_plain_body_is_looked_into_or_refused(answer: Any) -> None:
    """And never passes as a whole."""
    app, told = gate(answer)
    out, _ = asked(app)
    assert len(told) == 1
    assert PEM not in left(out)
    assert b"end" not in left(out)


def test_files_are_not_sent_past_the_gate() -> None:
    """A server's way to send a file by itself is not offered, and not passed on."""
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        del receive
        seen.append(scope["extensions"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.pathsend", "path": "/srv/custody/key.pem"})

    gated, told = gate(app)
    out, _ = asked(gated, extensions={"http.response.pathsend": {}, "tls": {}})
    assert seen == [{"tls": {}}]
    assert out[0]["status"] == 500
    assert told == [None]


def test_a_websocket_is_closed_before_the_last_part() -> None:
    """A key in one message does not leave; one in two stops at its second part."""
    for parts in ([PEM], [PEM[:800], PEM[800:]]):

        async def app(scope: Any, receive: Any, send: Any, parts: Sequence[bytes] = parts) -> None:
            del scope, receive
            await send({"type": "websocket.accept"})
            for part in parts:
                await send({"type": "websocket.send", "text": part.decode()})

        gated, told = gate(app)
        out, error = asked(gated, "websocket")
        assert error is None
        assert out[-1] == {"type": "websocket.close", "code": 1011}
        assert PEM.decode() not in "".join(message.get("text", "") for message in out)
        assert len(told) == 1


def test_in_a_real_application_inside_of_compression() -> None:
    """Starlette's own handling of errors does not let it out either; what is innocent is compressed as ever."""

    async def config(request: Request) -> Response:
        return JSONResponse({"key": PEM.decode() if request.query_params else "none", "more": "x" * 2_000})

    async def dump(request: Request) -> Response:
        del request
        return StreamingResponse(iter([FILLER * 400, PEM]))

    told: list[str] = []
    app = Starlette(
        routes=[Route("/config", config), Route("/dump", dump)],
        middleware=[Middleware(GZipMiddleware), Middleware(
            EgressGate, known=KNOWN, on_refused=lambda _, path: told.append(path))],
    )

    async def get(path: str) -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            return await client.get(path)

    assert asyncio.run(get("/config")).headers["content-encoding"] == "gzip"
    assert asyncio.run(get("/config?all=1")).json() == {"error": "withheld"}
    with pytest.raises(EgressRefusedError, match="broken off"):
        asyncio.run(get("/dump"))
    assert told == ["/config", "/dump"]


def test_without_a_key_there_is_no_gate() -> None:
    """A gate that looks for nothing is a mistake of whoever set it up."""
    with pytest.raises(UsageError, match="no key to keep in"):
        EgressGate(app_of([b""]), KnownKeys())


def test_a_refusal_is_logged_without_the_key(caplog: pytest.LogCaptureFixture) -> None:
    """One static line, with the path, the form and the key's id."""
    asked(EgressGate(app_of([PEM]), KNOWN))
    (record,) = caplog.records
    assert (record.getMessage(), vars(record)["kid"], vars(record)["path"]) == ("egress refused", "k0", "/debug")
    assert "PRIVATE" not in str(vars(record))
