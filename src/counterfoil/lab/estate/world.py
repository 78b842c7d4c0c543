"""What people and attackers do in an estate: sign in, call services, renew. Everything presented is noted."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from counterfoil.errors import CounterfoilError
from counterfoil.jose import base64url
from counterfoil.lab.estate.founding import StolenKey
from counterfoil.lab.estate.notes import GENUINE, Kind, Notes
from counterfoil.lab.estate.settings import DAEMON, FILES, MAIL, PASSWORD, USERS, WEB, Estate, Realm

REDIRECT = "http://127.0.0.1/cb"
SCOPE = "openid mail.read files.read"
TIMEOUT_SECONDS = 60.0
# Between what one does and what is done next, by the estate's clock.
PAUSE_SECONDS = 20.0
ORDINARY = {"User-Agent": "lab-mail/1.0"}


@dataclass(frozen=True)
class World:
    """An estate that runs, seen from outside. `stolen`: what a thief has; `notes`: the truth."""

    estate: Estate
    stolen: Mapping[Realm, StolenKey]
    notes: Notes
    client: httpx.Client = field(repr=False)
    rogue: StolenKey  # a key of the attacker's that stands in the issuer's JWKS

    def sign_in(self, user: str, realm: Realm = Realm.ORG, audience: str = MAIL) -> dict[str, Any]:
        """Sign in with the authorization code and PKCE; return the token response."""
        verifier = secrets.token_urlsafe(48)
        challenge = base64url.encode(hashlib.sha256(verifier.encode()).digest())
        state = secrets.token_urlsafe(8)
        asked = {
            "response_type": "code", "client_id": WEB, "redirect_uri": REDIRECT, "scope": SCOPE, "state": state,
            "resource": audience, "code_challenge": challenge, "code_challenge_method": "S256",
        }
        base = self.estate.issuer(realm)
        sent = self.client.get(f"{base}/authorize", params=asked, auth=(user, PASSWORD))
        told = parse_qs(urlsplit(sent.headers.get("location", "")).query)
        if told.get("state") != [state] or "code" not in told:
            raise CounterfoilError(f"lab: {user} could not sign in (HTTP {sent.status_code})")
        return self._token(base, {
            "grant_type": "authorization_code", "code": told["code"][0], "redirect_uri": REDIRECT, "client_id": WEB,
            "code_verifier": verifier,
        })

    def refresh(self, held: Mapping[str, Any], realm: Realm = Realm.ORG) -> dict[str, Any]:
        """Use the refresh token of a token response."""
        form = {"grant_type": "refresh_token", "refresh_token": held["refresh_token"], "client_id": WEB}
        return self._token(self.estate.issuer(realm), form)

    def backup(self) -> dict[str, Any]:
        """Get a token as the nightly job does, with client credentials."""
        return self._token(
            self.estate.issuer(Realm.ORG), {"grant_type": "client_credentials", "resource": FILES},
            auth=(DAEMON, PASSWORD),
        )

    def show(self, token: str, audience: str = MAIL, kind: Kind = GENUINE, agent: str = "") -> int:
        """Call a service with a token; return the status."""
        headers = {**ORDINARY, "Authorization": f"Bearer {token}"} | ({"User-Agent": agent} if agent else {})
        answer = self.client.get(f"{self.estate.service(audience)}/messages", headers=headers)
        self._note(token, kind, answer)
        return answer.status_code

    def renew(self, token: str, resource: str = MAIL, kind: Kind = GENUINE) -> str | None:
        """Have the mail service turn a token into one for a resource; None if it does not."""
        answer = self.client.post(
            f"{self.estate.service(MAIL)}/renew", params={"resource": resource},
            headers={**ORDINARY, "Authorization": f"Bearer {token}"},
        )
        self._note(token, kind, answer)
        return str(answer.json()["access_token"]) if answer.is_success else None

    def ordinary(self, users: tuple[str, ...] = USERS) -> None:
        """Live an ordinary while: people read mail, refresh, renew for files, and the nightly job runs."""
        for place, user in enumerate(users):
            held = self.sign_in(user, Realm.CONSUMER if place % 4 == 3 else Realm.ORG)
            self.show(held["access_token"])
            if place % 2 == 0:
                again = self.refresh(held)
                self.show(again["access_token"])
                renewed = self.renew(again["access_token"], FILES)
                if renewed is not None:
                    self.show(renewed, FILES)
        self.show(self.backup()["access_token"], FILES)

    def _note(self, token: str, kind: Kind, answer: httpx.Response) -> None:
        self.notes.add(token, kind, self.estate.clock.now(), let_in=answer.is_success)
        self.estate.clock.pass_by(PAUSE_SECONDS)

    def _token(self, base: str, form: Mapping[str, str], auth: tuple[str, str] | None = None) -> dict[str, Any]:
        answer = self.client.post(f"{base}/token", data=dict(form), auth=auth or httpx.USE_CLIENT_DEFAULT)
        if not answer.is_success:
            raise CounterfoilError(f"lab: the issuer answers {answer.status_code} to {form['grant_type']}")
        told: dict[str, Any] = answer.json()
        return told
