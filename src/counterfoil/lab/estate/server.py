"""The issuer's authorization server of one realm: Authlib's, with tokens from the mint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from authlib.oauth2.rfc6749 import AuthorizationServer, OAuth2Request
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from starlette.responses import JSONResponse, Response

from counterfoil.lab.estate.grants import ClientGrant, CodeGrant, ExchangeGrant, RefreshGrant
from counterfoil.lab.estate.registered import CLIENTS, Active, Book, Client, Session
from counterfoil.lab.estate.settings import Realm
from counterfoil.mint.mint import Mint, Minted
from counterfoil.model.counterfoil import Grant
from counterfoil.relying.guard import Guard


@dataclass(frozen=True)
class Asked:
    """A request as a value: its form or query, each name once."""

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    form: Mapping[str, str] = field(repr=False)


class _Request(OAuth2Request):  # type: ignore[misc]  # Authlib has no types
    def __init__(self, asked: Asked) -> None:
        super().__init__(asked.method, asked.url, headers=asked.headers)
        self._form = dict(asked.form)
        self.payload = BasicOAuth2Payload(self._form)

    @property
    def args(self) -> dict[str, str]:
        """Return the query."""
        return self._form

    @property
    def form(self) -> dict[str, str]:
        """Return the form."""
        return self._form


class RealmServer(AuthorizationServer):  # type: ignore[misc]  # Authlib has no types
    """The authorization server of one realm."""

    def __init__(self, realm: Realm, mint: Mint, book: Book, guard: Guard) -> None:
        """Issue through this mint. `guard`: what is shown for an exchange must pass it."""
        super().__init__()
        self.realm, self.book, self.guard, self._mint = realm, book, guard, mint
        if realm is Realm.SERVICE:
            self.register_grant(ExchangeGrant)
        else:
            self.register_grant(CodeGrant, [CodeChallenge(required=True)])
            self.register_grant(RefreshGrant)
            self.register_grant(ClientGrant)
        self.register_endpoint(_Revocation)
        self.register_endpoint(_Introspection)

    def query_client(self, client_id: str) -> Client | None:
        """Return a registered client."""
        return CLIENTS.get(client_id)

    def save_token(self, token: Mapping[str, Any], request: object) -> None:
        """Do nothing: the ledger has it already."""

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """Tell nobody."""

    def create_oauth2_request(self, request: Asked | _Request) -> _Request:
        """Return the request in Authlib's form."""
        return request if isinstance(request, _Request) else _Request(request)

    def handle_response(self, status: int, body: object, headers: Any) -> Response:
        """Return an answer in Starlette's form."""
        told = dict(headers)
        if isinstance(body, dict):
            return JSONResponse(body, status, {name: value for name, value in told.items() if name != "Content-Type"})
        return Response(str(body or ""), status, told)

    def issue_to(self, session: Session, grant: Grant, parents: Sequence[str] = ()) -> dict[str, Any]:
        """Mint an access token for a session, with a refresh token and an ID token where they belong."""
        claims = {"sub": session.user, "aud": session.audience}
        if session.scope:
            claims["scope"] = session.scope
        minted = self._mint.issue(
            claims, str(self.realm), grant=grant, parents=parents, client=session.client_id, session=session.sid
        )
        stub = minted.counterfoil
        self.book.add_active(minted.token, Active(stub.jti, {**claims, **_told(minted)}))
        lasts = int((stub.exp - stub.iat).total_seconds())
        answer: dict[str, Any] = {"access_token": minted.token, "token_type": "Bearer", "expires_in": lasts}
        if grant in (Grant.CODE, Grant.REFRESH):
            answer["refresh_token"] = self.book.add_session(replace(session, last=stub.jti, issuer=stub.iss))
        if grant is Grant.CODE and "openid" in session.scope.split():
            answer["id_token"] = self._id_token(session)
        return answer

    def _id_token(self, session: Session) -> str:
        claims = {"sub": session.user, "aud": session.client_id}
        return self._mint.issue(claims, f"{self.realm}-id", grant=Grant.CODE, session=session.sid).token


class _Revocation(RevocationEndpoint):  # type: ignore[misc]  # Authlib has no types
    CLIENT_AUTH_METHODS = ("client_secret_basic", "none")

    def query_token(self, token_string: str, token_type_hint: str | None) -> Session | Active | None:  # noqa: ARG002
        """Return what is to be revoked."""
        found: Session | Active | None = self.server.book.session(token_string) or self.server.book.active(token_string)
        return found

    def revoke_token(self, token: Session | Active, request: object) -> None:  # noqa: ARG002  # Authlib's signature
        """Revoke it."""
        if isinstance(token, Session):
            self.server.book.drop_session(token)
        else:
            self.server.book.drop_active(token)


class _Introspection(IntrospectionEndpoint):  # type: ignore[misc]  # Authlib has no types
    CLIENT_AUTH_METHODS = ("client_secret_basic",)

    def query_token(self, token_string: str, token_type_hint: str | None) -> Active | None:  # noqa: ARG002
        """Return what was issued and stands."""
        found: Active | None = self.server.book.active(token_string)
        return found

    def check_permission(self, token: Active, client: Client, request: object) -> bool:  # noqa: ARG002
        """Tell whether a client may ask: all that have a secret."""
        return bool(client.secret)

    def introspect_token(self, token: Active) -> dict[str, Any]:
        """Return what is told (RFC 7662, 2.2)."""
        return {"active": True, **token.claims}


def _told(minted: Minted) -> dict[str, Any]:
    stub = minted.counterfoil
    times = {"iat": int(stub.iat.timestamp()), "exp": int(stub.exp.timestamp())}
    return {"iss": stub.iss, "jti": stub.jti, "client_id": stub.client, **times}
