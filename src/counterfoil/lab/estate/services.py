"""A service: `python -m counterfoil.lab.estate.services FOLDER AUDIENCE HANDLE`. Mail, which renews, or files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from counterfoil.lab.estate import policies
from counterfoil.lab.estate.founding import subject_key
from counterfoil.lab.estate.registered import EXCHANGE
from counterfoil.lab.estate.serving import serve
from counterfoil.lab.estate.settings import MAIL, MAIL_SERVICE, PASSWORD, Estate, Flaw, Realm
from counterfoil.lab.estate.unsigned import UnsignedActors
from counterfoil.model.receipt import Receipt
from counterfoil.relying.fetching import FetchedPolicy, FetchingVerifier
from counterfoil.relying.guard import Guard
from counterfoil.relying.middleware import KEY, Middleware
from counterfoil.relying.receipts import Receipts
from counterfoil.relying.sinks import FileSink, Sink
from counterfoil.tokens.policy import documents_of
from counterfoil.tokens.verified import VerifiedToken

RENEW = "/renew"
SAMPLE = 0.5


class Forgotten:
    """The sink of a service that keeps no receipts."""

    def put(self, receipt: Receipt) -> bool:  # noqa: ARG002  # forgotten
        """Forget it."""
        return True

    def close(self) -> None:
        """Do nothing."""


async def messages(request: Request) -> Response:
    """Return what the token's subject may read."""
    token: VerifiedToken = request.scope[KEY]
    return JSONResponse({"of": token.subject, "items": 3})


class Renewal:
    """Where a token that was shown becomes one for another resource, as GetAccessTokenForResource did."""

    def __init__(self, estate: Estate) -> None:
        """Ask the estate's issuer, as the mail service."""
        self._estate = estate

    async def answer(self, request: Request) -> Response:
        """Exchange the token that the middleware let in."""
        token = request.headers["authorization"].partition(" ")[2].strip()
        answer = await run_in_threadpool(self._exchanged, token, request.query_params.get("resource", MAIL))
        return JSONResponse(answer.json(), answer.status_code)

    def _exchanged(self, token: str, resource: str) -> httpx.Response:
        form = {
            "grant_type": EXCHANGE, "subject_token": token, "resource": resource,
            "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
        }
        url = f"{self._estate.issuer(Realm.SERVICE)}/token"
        return httpx.post(url, data=form, auth=(MAIL_SERVICE, PASSWORD), trust_env=False, timeout=30)


def main(path: Path, audience: str, handle: int) -> None:
    """Answer until standard input ends."""
    estate = Estate.read(path)
    text = policies.token_policy(estate, audience)
    urls = {name: f"{estate.issuer_url}/{name}/jwks" for name in documents_of(text)}
    name = "mail" if audience == MAIL else "files"
    kept = audience == MAIL or not estate.has(Flaw.NO_RECEIPTS)
    sink: Sink = FileSink(path / f"{name}.receipts.jsonl") if kept else Forgotten()
    receipts = Receipts(name, subject_key(path))
    sample = SAMPLE if estate.has(Flaw.SAMPLED) else 1.0
    guard = Guard(
        FetchingVerifier(FetchedPolicy(text, urls)), receipts, sink, sample=sample, clock=estate.clock.seconds
    )
    routes = [Route("/messages", messages)]
    if audience == MAIL:
        routes.append(Route(RENEW, Renewal(estate).answer, methods=["POST"]))
    inner: Any = Starlette(routes=routes)
    app: Any = Middleware(inner, guard, renewal_paths=(RENEW,))
    if audience != MAIL and estate.has(Flaw.UNSIGNED_ACTORS):
        app = UnsignedActors(inner, app, receipts, sink, guard.flow.name, estate.clock)
    try:
        serve(app, handle)
    finally:
        sink.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
