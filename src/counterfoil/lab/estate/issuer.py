"""The issuer: `python -m counterfoil.lab.estate.issuer FOLDER HANDLE`. OAuth 2.0 and OpenID Connect by realm."""

from __future__ import annotations

import base64
import binascii
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from authlib.oauth2 import OAuth2Error
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from counterfoil.custody.client import SignerClient
from counterfoil.custody.settings import read_settings
from counterfoil.lab.estate import policies
from counterfoil.lab.estate.founding import COUNTER_KEY, subject_key
from counterfoil.lab.estate.registered import EXCHANGE, NOTHING_REVOKED, Book, person
from counterfoil.lab.estate.server import Asked, RealmServer
from counterfoil.lab.estate.serving import serve
from counterfoil.lab.estate.settings import MAIL, Estate, Realm
from counterfoil.mint.countersign import Countersigner
from counterfoil.mint.ledger import FileLedger
from counterfoil.mint.mint import Mint
from counterfoil.mint.policy import MintPolicy
from counterfoil.relying.guard import Guard
from counterfoil.relying.receipts import Receipts
from counterfoil.relying.sinks import FileSink
from counterfoil.respond import published
from counterfoil.respond.rotate import living
from counterfoil.tokens.policy import TokenPolicy, documents_of
from counterfoil.tokens.revoked import MAX_REVOKED_BYTES, RevokedTokens
from counterfoil.tokens.verifier import Verifier

MAX_FORM_BYTES = 64 * 1024
MAX_FIELDS = 32
# What an administrator revoked, as `counterfoil respond revoke` writes it.
REVOKED_FILE = "revoked.json"


class Issuer:
    """The endpoints of all realms."""

    def __init__(
        self, estate: Estate, servers: Mapping[str, RealmServer], keys: Mapping[str, list[Any]],
        headers: Mapping[str, str],
    ) -> None:
        """Answer for these servers.

        `keys`: the public keys by document: the realms, `common`, `counter`; `headers`: what goes with each.
        """
        self._estate, self._servers, self._keys, self._headers = estate, servers, keys, headers

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/{document}/jwks", self.jwks),
            Route("/{realm}/.well-known/openid-configuration", self.discovery),
            Route("/{realm}/authorize", self.authorize),
            Route(
                "/{realm}/token",
                self._endpoint(lambda server, asked: server.create_token_response(asked)),
                methods=["POST"],
            ),
            Route("/{realm}/revoke", self._endpoint(_named("revocation")), methods=["POST"]),
            Route("/{realm}/introspect", self._endpoint(_named("introspection")), methods=["POST"]),
        ]

    async def jwks(self, request: Request) -> Response:
        """Publish keys. What somebody slipped in is read anew each time."""
        document = request.path_params["document"]
        if document not in self._keys:
            return Response(status_code=404)
        slipped = self._estate.path / f"{document}.slipped.json"
        more = [msgspec.json.decode(slipped.read_bytes())] if slipped.exists() else []
        return JSONResponse({"keys": [*self._keys[document], *more]}, headers=self._headers)

    async def discovery(self, request: Request) -> Response:
        """Tell where everything is (OpenID Connect Discovery 1.0, 4.2; RFC 8414)."""
        realm = request.path_params["realm"]
        if realm not in self._servers:
            return Response(status_code=404)
        base = f"{self._estate.issuer_url}/{realm}"
        grants = [EXCHANGE] if realm == Realm.SERVICE else ["authorization_code", "refresh_token", "client_credentials"]
        return JSONResponse({
            "issuer": base, "authorization_endpoint": f"{base}/authorize", "token_endpoint": f"{base}/token",
            "jwks_uri": f"{base}/jwks", "revocation_endpoint": f"{base}/revoke",
            "introspection_endpoint": f"{base}/introspect", "response_types_supported": ["code"],
            "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["ES256"],
            "scopes_supported": ["openid", "mail.read", "files.read"], "grant_types_supported": grants,
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "none"],
            "code_challenge_methods_supported": ["S256"],
        })

    async def authorize(self, request: Request) -> Response:
        """Let a person sign in (HTTP Basic stands for the page with the password), and send the code back."""
        server = self._servers.get(request.path_params["realm"])
        user = _signed_in(request.headers.get("authorization", ""))
        if server is None or user is None:
            return Response(status_code=404 if server is None else 401, headers={"WWW-Authenticate": "Basic"})
        asked = Asked(request.method, str(request.url), request.headers, dict(request.query_params))
        try:
            grant = server.get_consent_grant(asked, end_user=user)
        except OAuth2Error as error:
            return server.handle_response(*error())
        return await run_in_threadpool(server.create_authorization_response, asked, grant_user=user, grant=grant)

    def _endpoint(self, act: Callable[[RealmServer, Asked], Response]) -> Callable[[Request], Any]:
        async def answer(request: Request) -> Response:
            server = self._servers.get(request.path_params["realm"])
            if server is None:
                return Response(status_code=404)
            body = await request.body()
            if len(body) > MAX_FORM_BYTES:
                return Response(status_code=413)
            form = dict(parse_qsl(body.decode("utf-8", "replace"), max_num_fields=MAX_FIELDS))
            asked = Asked(request.method, str(request.url), request.headers, form)
            return await run_in_threadpool(act, server, asked)

        return answer


def _named(endpoint: str) -> Callable[[RealmServer, Asked], Response]:
    return lambda server, asked: server.create_endpoint_response(endpoint, server.create_oauth2_request(asked))


def _bounded(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(MAX_REVOKED_BYTES)


def _revoked(path: Path) -> RevokedTokens:
    """Return what an administrator revoked: the list in `revoked.json`, read anew each time."""
    file = path / REVOKED_FILE
    return RevokedTokens.read(_bounded(file)) if file.exists() else NOTHING_REVOKED


def _signed_in(header: str) -> str | None:
    scheme, _, told = header.partition(" ")
    try:
        name, _, password = base64.b64decode(told, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    return person(name, password) if scheme.lower() == "basic" else None


def main(path: Path, handle: int) -> None:
    """Answer until standard input ends."""
    estate = Estate.read(path)
    signing, counter = SignerClient(estate.socket), SignerClient(estate.counter_socket)
    keys: dict[str, list[Any]] = {str(realm): [] for realm in Realm}
    for version in signing.keys(purpose="to publish them"):
        keys[version.name].append(version.jwk())
    keys["common"] = [key for realm in Realm for key in keys[realm]]
    countersigner = None
    if estate.countersigned:
        keys["counter"] = [version.jwk() for version in counter.keys(purpose="to publish them")]
        countersigner = Countersigner(counter, COUNTER_KEY, signing)
    text = policies.token_policy(estate, MAIL)
    documents = {name: msgspec.json.encode({"keys": keys[name]}) for name in documents_of(text)}
    with FileLedger.open(path / "ledger") as ledger, FileSink(path / "issuer.receipts.jsonl") as sink:
        subjects = subject_key(path)
        policy = MintPolicy.from_toml(policies.mint_policy(estate))
        mint = Mint(signing, ledger, policy, subjects, countersigner=countersigner, clock=estate.clock.now)
        verifier = Verifier(TokenPolicy.from_toml(text, documents))
        guard = Guard(verifier, Receipts("issuer", subjects), sink, clock=estate.clock.seconds)
        book = Book(lambda: _revoked(path))
        servers = {str(realm): RealmServer(realm, mint, book, guard) for realm in Realm}
        life = living(read_settings(path / "custody").life)
        serve(Starlette(routes=Issuer(estate, servers, keys, published.headers(life)).routes()), handle)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
