"""Who is registered at the issuer, and what it remembers: clients, people, codes, refresh tokens, revocations."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from authlib.oauth2.rfc6749 import ClientMixin
from authlib.oauth2.rfc6749.models import AuthorizationCodeMixin

from counterfoil.lab.estate.settings import DAEMON, MAIL_SERVICE, PASSWORD, USERS, WEB
from counterfoil.tokens.revoked import RevokedTokens

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
CODE_SECONDS = 60.0
# Memory of one run of a lab.
MAX_REMEMBERED = 100_000


@dataclass(frozen=True)
class Client(ClientMixin):  # type: ignore[misc]  # Authlib has no types
    """A registered client. Without a secret it is public and must use PKCE."""

    id: str
    secret: str = field(repr=False)
    grants: tuple[str, ...]
    redirect: str = "http://127.0.0.1/cb"
    scope: str = "openid mail.read files.read"

    def get_client_id(self) -> str:
        """Return its id."""
        return self.id

    def get_default_redirect_uri(self) -> str:
        """Return where codes go."""
        return self.redirect

    def get_allowed_scope(self, scope: str) -> str:
        """Return what of a scope it may ask for."""
        allowed = self.scope.split()
        return " ".join(part for part in (scope or "").split() if part in allowed)

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Tell whether codes may go there."""
        return redirect_uri == self.redirect

    def check_client_secret(self, client_secret: str) -> bool:
        """Tell whether it is the secret."""
        return bool(self.secret) and secrets.compare_digest(self.secret, client_secret)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:  # noqa: ARG002  # the same everywhere
        """Tell whether it may show itself so."""
        return method == ("client_secret_basic" if self.secret else "none")

    def check_response_type(self, response_type: str) -> bool:
        """Tell whether it may ask for that."""
        return response_type == "code" and "authorization_code" in self.grants

    def check_grant_type(self, grant_type: str) -> bool:
        """Tell whether it may use that grant."""
        return grant_type in self.grants


CLIENTS = {
    client.id: client
    for client in (
        Client(WEB, "", ("authorization_code", "refresh_token")),
        Client(DAEMON, PASSWORD, ("client_credentials",)),
        Client(MAIL_SERVICE, PASSWORD, (EXCHANGE,)),
    )
}


def person(name: str, password: str) -> str | None:
    """Return who signs in with that name and password."""
    return name if name in USERS and secrets.compare_digest(password.encode(), PASSWORD.encode()) else None


@dataclass(frozen=True)
class Code(AuthorizationCodeMixin):  # type: ignore[misc]  # Authlib has no types
    """An authorization code that waits."""

    client_id: str
    user: str
    redirect_uri: str
    scope: str
    audience: str
    code_challenge: str
    code_challenge_method: str
    until: float

    def get_redirect_uri(self) -> str:
        """Return where it was sent."""
        return self.redirect_uri

    def get_scope(self) -> str:
        """Return for what it is."""
        return self.scope


@dataclass(frozen=True)
class Session:
    """What a refresh token stands for; `last`: id of the access token that `issuer` gave with it."""

    client_id: str
    user: str
    scope: str
    audience: str
    sid: str
    last: str
    issuer: str = ""

    def get_scope(self) -> str:
        """Return for what it is."""
        return self.scope

    def check_client(self, client: Client) -> bool:
        """Tell whether it is that client's."""
        return client.id == self.client_id


@dataclass(frozen=True)
class Active:
    """An access token that was issued: what introspection tells of it."""

    jti: str
    claims: dict[str, Any]

    def check_client(self, client: Client) -> bool:
        """Tell whether it was given to that client."""
        return client.id == self.claims.get("client_id")

    def is_expired(self) -> bool:
        """Tell that it is not: a run is shorter than a token's life."""
        return False

    def is_revoked(self) -> bool:
        """Tell that it is not: the book drops those that are."""
        return False


NOTHING_REVOKED = RevokedTokens(frozenset(), frozenset())


class Book:
    """What the issuer remembers. Safe to share between threads."""

    def __init__(self, revoked: Callable[[], RevokedTokens] = lambda: NOTHING_REVOKED) -> None:
        """Remember nothing. `revoked`: the list of revoked tokens as it is now: what it names is refused."""
        self._revoked = revoked
        self._codes: dict[str, Code] = {}
        self._sessions: dict[str, Session] = {}
        self._active: dict[str, Active] = {}
        self._lock = threading.Lock()

    def add_code(self, code: str, held: Code) -> None:
        """Keep a code."""
        with self._lock:
            self._codes[code] = held

    def code(self, code: str, client: Client) -> Code | None:
        """Take the code of that client out, if its time is not over: it is good once."""
        with self._lock:
            held = self._codes.pop(code, None)
        return held if held is not None and held.client_id == client.id and held.until > time.time() else None

    def add_session(self, session: Session) -> str:
        """Keep a session and return its refresh token."""
        token = secrets.token_urlsafe(32)
        with self._lock:
            if len(self._sessions) < MAX_REMEMBERED:
                self._sessions[token] = session
        return token

    def session(self, token: str) -> Session | None:
        """Return what a refresh token stands for."""
        with self._lock:
            held = self._sessions.get(token)
        return None if held is None or self._revoked().holds(held.issuer, held.last, "") else held

    def drop_session(self, session: Session) -> None:
        """Forget it: its refresh token was used, or revoked."""
        with self._lock:
            self._sessions = {token: held for token, held in self._sessions.items() if held != session}

    def add_active(self, token: str, active: Active) -> None:
        """Keep what was issued."""
        with self._lock:
            if len(self._active) < MAX_REMEMBERED:
                self._active[token] = active

    def active(self, token: str) -> Active | None:
        """Return an access token that was issued and not revoked."""
        with self._lock:
            held = self._active.get(token)
        gone = held is not None and self._revoked().holds(str(held.claims.get("iss", "")), held.jti, "")
        return None if gone else held

    def drop_active(self, active: Active) -> None:
        """Revoke it."""
        with self._lock:
            self._active = {token: held for token, held in self._active.items() if held is not active}
