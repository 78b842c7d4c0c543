"""The middleware in a real server: who is let in, what the others are told, and what is written down."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import warnings
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request as Asked
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

from counterfoil.relying.guard import Guard
from counterfoil.relying.middleware import KEY, Middleware
from counterfoil.relying.receipts import Receipts
from counterfoil.relying.replays import ProcessReplays
from counterfoil.relying.status import Introspection
from tokens.making import NOW, SELF, token, verifier
from tokens.test_dpop import JKT, proof

from .serving import serving
from .test_receipts import SUBJECTS, Kept


@contextlib.contextmanager
def running(flow: str, kept: Kept, *, root: str = "", mount: str = "", **how: Any) -> Iterator[str]:
    """Yield the address of a service behind the middleware; the server is told `root`, or a router mounts it there."""

    async def who(request: Asked) -> JSONResponse:
        found = request.scope.get(KEY)
        return JSONResponse({"subject": found.subject if found else None})

    guard = Guard(verifier(flow), Receipts("mail", SUBJECTS), kept, clock=lambda: float(NOW))
    app = Starlette(routes=[Route("/{rest:path}", who, methods=["GET", "POST"])])
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
        wrapped: Any = Middleware(app, guard, **how)
        wrapped = Starlette(routes=[Mount(mount, app=wrapped)]) if mount else wrapped
        server = uvicorn.Server(uvicorn.Config(wrapped, log_level="error", lifespan="off", root_path=root))
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])), daemon=True)
        thread.start()
        while not server.started:
            pass
        yield origin
        server.should_exit = True
        thread.join()


def test_a_good_token_is_let_in_and_known_to_the_service() -> None:
    """The service reads who it is from the scope; open paths need no token."""
    kept = Kept()
    with running("mail", kept, open_paths=["/health"], renewal_paths=["/renew"]) as url, httpx.Client() as client:
        answer = client.get(f"{url}/messages", headers={"Authorization": f"Bearer {token()}", "User-Agent": "a/1"})
        assert (answer.status_code, answer.json()) == (200, {"subject": "alice"})
        assert client.get(f"{url}/health").json() == {"subject": None}
        assert client.post(f"{url}/renew", headers={"Authorization": f"bearer {token()}"}).status_code == 200
    first, renewed = kept.receipts
    assert (first.outcome, first.endpoint, first.ip, first.user_agent) == ("accepted", "/messages", "127.0.0.1", "a/1")
    assert (renewed.renewal, "V13" in renewed.checks) == (True, True)


@pytest.mark.parametrize(("where", "sent"), [({"root": "/api"}, ""), ({"mount": "/api"}, "/api")], ids=str)
def test_a_mounted_service_renews_no_token_of_its_own(where: dict[str, str], sent: str) -> None:
    """V13 holds behind a proxy that takes a prefix off, and under a router; other paths are as they were."""
    kept, own = Kept(), {"Authorization": f"Bearer {token('rsa-self', iss=SELF)}"}
    with running("mail", kept, renewal_paths=["/renew"], **where) as url, httpx.Client() as client:
        assert client.get(f"{url}{sent}/renew", headers=own).status_code == 401
        assert client.get(f"{url}{sent}/messages", headers=own).status_code == 200
    assert [(receipt.renewal, receipt.rule) for receipt in kept.receipts] == [(True, "V13"), (False, "")]


REFUSED = [
    ("no token", {}, None),
    ("another scheme", {"Authorization": "Basic YTpi"}, None),
    ("an empty token", {"Authorization": "Bearer"}, None),
    ("no token at all", {"Authorization": "Bearer hello"}, "token-malformed"),
    ("an expired token", {"Authorization": f"Bearer {token(exp=NOW - 100, iat=NOW - 600)}"}, "time-not-valid"),
    ("a token of another realm", {"Authorization": f"Bearer {token('rsa-consumer')}"}, "key-not-entitled"),
    ("a token that is bound, as a bearer token", {"Authorization": f"Bearer {token(cnf={'jkt': 'x'})}"},
     "binding-not-proven"),
]


@pytest.fixture(scope="module")
def mail() -> Iterator[tuple[str, Kept]]:
    """Yield one service for all refusals."""
    kept = Kept()
    with running("mail", kept) as url:
        yield url, kept


@pytest.mark.parametrize(("what", "headers", "code"), REFUSED, ids=[row[0] for row in REFUSED])
def test_whoever_is_refused_learns_nothing_and_is_written_down(
    mail: tuple[str, Kept], what: str, headers: dict[str, str], code: str | None
) -> None:
    """RFC 6750, 3: a challenge; why it was refused is in the receipt alone."""
    url, kept = mail
    before = len(kept.receipts)
    answer = httpx.get(f"{url}/messages", headers=headers)
    assert answer.status_code == 401, what
    assert answer.headers["www-authenticate"] == ("Bearer" if code is None else 'Bearer error="invalid_token"')
    assert answer.json() == {"error": "unauthorized" if code is None else "invalid_token"}
    assert [receipt.code for receipt in kept.receipts[before:]] == ([] if code is None else [code])


def test_two_authorization_headers_are_none(mail: tuple[str, Kept]) -> None:
    """A proxy and a service that read different ones would disagree."""
    url, _ = mail
    twice = [("Authorization", f"Bearer {token()}"), ("Authorization", "Bearer x")]
    assert httpx.get(f"{url}/messages", headers=twice).status_code == 401


def test_a_proof_is_good_once() -> None:
    """RFC 9449: bound to method and address, and not to be used again, also not at the same moment."""
    kept = Kept()
    how: dict[str, Any] = {"base_url": "https://mail.example", "replays": ProcessReplays()}
    with running("dpop", kept, **how) as url, httpx.Client() as client:
        text = token(cnf=JKT)
        one = {"Authorization": f"DPoP {text}", "DPoP": proof(text)}
        answers = [client.get(f"{url}/messages", headers=one).status_code for _ in range(2)]
        assert answers == [200, 401]
        other = {"Authorization": f"DPoP {text}", "DPoP": proof(text, jti="proof-2")}
        elsewhere = client.get(f"{url}/other", headers=other)
        assert elsewhere.status_code == 401
        assert elsewhere.headers["www-authenticate"] == 'DPoP error="invalid_dpop_proof"'
        missing = client.get(f"{url}/messages", headers={"Authorization": f"DPoP {text}"})
        assert missing.status_code == 401
    assert [receipt.rule for receipt in kept.receipts] == ["", "V12", "V12", "V12"]


PATHS = [
    ("/a%2Fb", "/a%2Fb", 200), ("/a%2Fb", "/a/b", 401), ("/a/b", "/a%2Fb", 401), ("/a%20b.txt", "/a%20b.txt", 200),
    ("/a%20b.txt?x=1", "/a%20b.txt", 200), ("/%7Ealice", "/~alice", 200), ("/a%23b", "/a%23b", 200),
    ("/a%23b", "/a", 401), ("/a%3Fb", "/a", 401), ("/%C3%A4", "/%c3%a4", 200),
]


def test_a_proof_is_held_to_the_path_as_it_was_sent() -> None:
    """An escaped slash is not a slash, a blank is itself, and the query does not count (RFC 9449, 4.3)."""
    kept = Kept()
    how: dict[str, Any] = {"base_url": "https://mail.example", "replays": ProcessReplays()}
    with running("dpop", kept, **how) as url, httpx.Client() as client:
        text = token(cnf=JKT)
        for number, (sent, proven, status) in enumerate(PATHS):
            made = proof(text, jti=f"path-{number}", htu=f"https://mail.example{proven}")
            answer = client.get(f"{url}{sent}", headers={"Authorization": f"DPoP {text}", "DPoP": made})
            assert answer.status_code == status, (sent, proven)


BEYOND = [
    (b".evil/messages", "https://mail.example.evil/messages"), (b":99/messages", "https://mail.example:99/messages"),
    (b"@evil.example/messages", "https://evil.example/messages"), (b"*", "https://mail.example*"),
    (b"\\evil/messages", "https://mail.example\\evil/messages"), (b"https://evil.example/m", "https://evil.example/m"),
    (b"//evil.example/messages", "https://evil.example/messages"), (b"#@evil.example/", "https://evil.example/"),
]


@pytest.mark.parametrize(("raw", "proven"), BEYOND)
def test_no_path_changes_the_origin_of_a_proof(raw: bytes, proven: str) -> None:
    """A proof for a server of somebody else's is none here, whatever stands in the request line."""
    text = token(cnf=JKT)
    told = [(b"authorization", f"DPoP {text}".encode()), (b"dpop", proof(text, htu=proven).encode())]
    scope = {"type": "http", "method": "GET", "path": unquote(raw.decode()), "raw_path": raw, "headers": told}
    how: dict[str, Any] = {"base_url": "https://mail.example", "replays": ProcessReplays()}
    kept = Kept()
    assert decided("dpop", kept, scope, **how) == 401
    assert [receipt.rule for receipt in kept.receipts] == ["V12"]


@pytest.mark.parametrize("replays", [None, "process"])
def test_a_memory_that_is_not_shared_says_so(replays: str | None) -> None:
    """A flow that asks for proofs, without a word on who remembers them, warns; one that was told does not."""
    guard = Guard(verifier("dpop"), Receipts("mail"), Kept())
    app: Any = None
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        Middleware(app, guard, replays=None if replays is None else ProcessReplays())
        Middleware(app, Guard(verifier("mail"), Receipts("mail"), Kept()))
    assert [("this process only" in str(one.message)) for one in told] == ([True] if replays is None else [])


RENEWALS = [
    "/renew", "/renew/", "//renew", "/./renew", "/x/../renew", "/%72enew", "/%2572enew", "/renew;a=b", "/RENEW",
    "/renew%2F", "/renew%00", "/renew%20", "\\renew", "/renew/.",
]


def decided(flow: str, kept: Kept, scope: dict[str, Any], **how: Any) -> int:
    """Return the status with which a request is refused."""
    guarded = Guard(verifier(flow), Receipts("mail"), kept, clock=lambda: float(NOW))
    sent_back: list[Any] = []

    async def app(*_: Any) -> None:
        raise AssertionError("it was let in")

    async def send(message: Any) -> None:
        sent_back.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    asyncio.run(Middleware(app, guarded, **how)(scope, receive, send))
    return int(sent_back[0]["status"])


def renewing(sent: str, root: str = "", path: str = "/renew") -> bool:
    """Tell whether a request to this place is refused as one that renews what must not be renewed."""
    scope: dict[str, Any] = {
        "type": "http", "method": "GET", "path": unquote(sent), "raw_path": sent.encode(), "root_path": root,
        "headers": [(b"authorization", f"Bearer {token('rsa-self', iss=SELF)}".encode())],
    }
    kept = Kept()
    assert decided("mail", kept, scope, renewal_paths=[path], open_paths=["/renewal"]) == 401
    return [receipt.renewal for receipt in kept.receipts] == [True]


@pytest.mark.parametrize("sent", RENEWALS)
def test_a_path_of_renewal_is_one_however_it_is_written(sent: str) -> None:
    """V13 fails closed, whatever a router may take for the place; an open path is open only as it is written."""
    assert renewing(sent)


@pytest.mark.parametrize("sent", RENEWALS)
@pytest.mark.parametrize("root", ["/api", "/api/", "api", "/API", "/v1/api", "/%61pi"])
def test_a_path_of_renewal_is_one_wherever_the_service_is_mounted(root: str, sent: str) -> None:
    """Servers put the mount before the path, or leave it out; the configuration names the place with it or without."""
    full = f"{root}/{sent.lstrip('/')}"
    for written in (sent, full):
        for path in ("/renew", f"{root}/renew"):
            assert renewing(written, root, path), (written, path)


def test_the_issuer_is_asked_only_of_tokens_that_held() -> None:
    """Introspection costs the issuer a request: nobody without a signed token can cause one."""
    kept = Kept()
    with serving(b'{"active": true}') as issuer:
        asks = Introspection(issuer.url("/introspect"), {})
        with running("asked", kept, introspection=asks) as url, httpx.Client() as client:
            forged = token()[:-8] + "AAAAAAAA"
            for text, status in ((forged, 401), (token("rsa-consumer"), 401), (token(), 200)):
                assert client.get(f"{url}/m", headers={"Authorization": f"Bearer {text}"}).status_code == status
        assert len(issuer.requests) == 1


ODD: list[dict[str, Any]] = [
    {"type": "webtransport"}, {"type": "http", "path": None}, {"type": "http", "path": "/\ud800", "headers": "dpop"},
    {"type": "http", "extensions": {"tls": None}}, {"type": "http", "extensions": {"tls": {"client_cert_chain": [7]}}},
    {"type": "http", "extensions": {"tls": {"client_cert_chain": ["rubbish"]}}}, {"type": "http", "client": None},
    {"type": "http", "path": "/x", "raw_path": b"\xff#?", "headers": "dpop"}, {"type": "http", "path": "//health"},
    {"type": "http", "path": "/health/"}, {"type": "websocket", "path": "/health/.."},
]


@pytest.mark.parametrize("odd", ODD, ids=str)
def test_what_servers_and_strangers_come_up_with_lets_nobody_in(odd: dict[str, Any]) -> None:
    """Other kinds of connection, paths that are no text, rubbish for a certificate: no way round, and no exception."""
    bearer = (b"authorization", f"Bearer {token(exp=NOW - 100, iat=NOW - 600)}".encode())
    dpop = [(b"authorization", f"DPoP {token(cnf=JKT)}".encode()), (b"dpop", b"\xff\xfe"), (b"host", b"[::1")]
    scope = {"method": "GET", "path": "/x", **odd, "headers": dpop if odd.get("headers") == "dpop" else [bearer]}
    sent: list[Any] = []

    async def app(*_: Any) -> None:
        raise AssertionError("it was let in")

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    guarded = Guard(verifier("dpop"), Receipts("mail"), Kept(), clock=lambda: float(NOW))
    middleware = Middleware(app, guarded, open_paths=["/health"], replays=ProcessReplays())
    asyncio.run(middleware(scope, receive, send))
    assert [one.get("status", one.get("code")) for one in sent[:1]] in ([], [401], [1008])


def test_a_websocket_without_a_token_is_closed() -> None:
    """Other protocols than HTTP do not slip through."""
    sent: list[Any] = []

    async def app(*_: Any) -> None:
        raise AssertionError("it was let in")

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    kept = Kept()
    guard = Guard(verifier(), Receipts("mail"), kept, clock=lambda: float(NOW))
    asyncio.run(Middleware(app, guard)({"type": "websocket", "path": "/", "headers": []}, receive, send))
    assert sent == [{"type": "websocket.close", "code": 1008}]
