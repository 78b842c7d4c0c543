"""The grants of the issuer: Authlib checks them, and each names to the mint what it issues for, and its parents."""

from __future__ import annotations

import secrets
import time
from typing import Any

from authlib.oauth2.rfc6749 import grants
from authlib.oauth2.rfc6749.errors import InvalidGrantError, InvalidRequestError, UnauthorizedClientError
from authlib.oauth2.rfc6749.grants import BaseGrant, TokenEndpointMixin

from counterfoil.errors import VerifyError
from counterfoil.lab.estate.registered import CODE_SECONDS, EXCHANGE, Client, Code, Session
from counterfoil.lab.estate.settings import MAIL
from counterfoil.model.counterfoil import Grant

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105  # its type, RFC 8693, 3


def _audience(payload: Any) -> str:
    """Return for whom a token is asked (RFC 8707)."""
    return str(payload.data.get("resource") or MAIL)


class CodeGrant(grants.AuthorizationCodeGrant):  # type: ignore[misc]  # Authlib has no types
    """Authorization code; public clients prove themselves by PKCE."""

    TOKEN_ENDPOINT_AUTH_METHODS = ("none",)

    def save_authorization_code(self, code: str, request: Any) -> None:
        """Keep a code."""
        payload = request.payload
        self.server.book.add_code(code, Code(
            request.client.id, request.user, payload.redirect_uri or request.client.redirect, payload.scope or "",
            _audience(payload), payload.data.get("code_challenge", ""), payload.data.get("code_challenge_method", ""),
            time.time() + CODE_SECONDS,
        ))

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        """Take a code out."""
        found: Code | None = self.server.book.code(code, client)
        return found

    def delete_authorization_code(self, authorization_code: Code) -> None:
        """Do nothing: taking it out deleted it."""

    def authenticate_user(self, authorization_code: Code) -> str:
        """Return who signed in."""
        return authorization_code.user

    def generate_token(self, user: str = "", scope: str = "", **_: object) -> dict[str, Any]:
        """Have the mint issue."""
        code: Code = self.request.authorization_code
        session = Session(self.client.id, user, scope, code.audience, secrets.token_hex(8), "")
        answer: dict[str, Any] = self.server.issue_to(session, Grant.CODE)
        return answer


class RefreshGrant(grants.RefreshTokenGrant):  # type: ignore[misc]  # Authlib has no types
    """Refresh, with rotation. The parent is the access token that was given with the refresh token."""

    TOKEN_ENDPOINT_AUTH_METHODS = ("none",)

    def authenticate_refresh_token(self, refresh_token: str) -> Session | None:
        """Return what it stands for."""
        found: Session | None = self.server.book.session(refresh_token)
        return found

    def authenticate_user(self, refresh_token: Session) -> str:
        """Return whose it is."""
        return refresh_token.user

    def revoke_old_credential(self, refresh_token: Session) -> None:
        """Forget the one that was used."""
        self.server.book.drop_session(refresh_token)

    def generate_token(self, **_: object) -> dict[str, Any]:
        """Have the mint issue."""
        held: Session = self.request.refresh_token
        answer: dict[str, Any] = self.server.issue_to(held, Grant.REFRESH, parents=(held.last,))
        return answer


class ClientGrant(grants.ClientCredentialsGrant):  # type: ignore[misc]  # Authlib has no types
    """Client credentials: the client is its own subject."""

    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic",)

    def generate_token(self, scope: str = "", **_: object) -> dict[str, Any]:
        """Have the mint issue."""
        client: Client = self.client
        session = Session(client.id, client.id, scope or "", _audience(self.request.payload), "", "")
        answer: dict[str, Any] = self.server.issue_to(session, Grant.CLIENT)
        return answer


class ExchangeGrant(BaseGrant, TokenEndpointMixin):  # type: ignore[misc]  # Authlib has no types
    """Token exchange (RFC 8693), for services: what they were shown becomes a token of theirs for another resource."""

    GRANT_TYPE = EXCHANGE
    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic",)

    def validate_token_request(self) -> None:
        """Hold the request to RFC 8693, 2.1, and the subject token to the issuer's own guard."""
        client = self.authenticate_token_endpoint_client()
        if not client.check_grant_type(self.GRANT_TYPE):
            raise UnauthorizedClientError()
        data = self.request.payload.data
        if data.get("subject_token_type") != ACCESS_TOKEN or not data.get("subject_token"):
            raise InvalidRequestError("expected subject_token, of type access_token")
        try:
            self.shown = self.server.guard.check(data["subject_token"])
        except VerifyError as error:
            raise InvalidGrantError(error.code) from error
        self.request.client = client

    def create_token_response(self) -> tuple[int, dict[str, Any], Any]:
        """Answer as RFC 8693, 2.2 says."""
        claims = self.shown.claims
        session = Session(
            self.request.client.id,
            str(claims["sub"]),
            "",
            _audience(self.request.payload),
            str(claims.get("sid", "")),
            "",
        )
        answer = self.server.issue_to(session, Grant.EXCHANGE, parents=(str(claims["jti"]),))
        return 200, {**answer, "issued_token_type": ACCESS_TOKEN}, self.TOKEN_RESPONSE_HEADER
