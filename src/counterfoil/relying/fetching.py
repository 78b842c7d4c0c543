"""Verification with keys that are fetched: from addresses in the configuration, never from one that a token names.

What a fetched key may sign comes from the policy, so that a key slipped into the document gets no more than that, and
nothing where the policy pins thumbprints. A key id that nobody knows asks for newer keys, at most once in a while.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import datetime

from counterfoil.errors import UsageError, VerifyError
from counterfoil.relying.cached import Ages, Cached
from counterfoil.relying.http import Endpoint
from counterfoil.tokens.flow import Flow
from counterfoil.tokens.limits import MAX_JWKS_BYTES
from counterfoil.tokens.policy import TokenPolicy, documents_of
from counterfoil.tokens.presentation import BEARER, Presentation
from counterfoil.tokens.verified import VerifiedToken
from counterfoil.tokens.verifier import Verifier

# Keys change seldom; a document that says nothing is asked for again after an hour.
KEY_AGES = Ages()


class FetchedPolicy:
    """A token policy some of whose key documents are fetched. Safe to share between threads."""

    def __init__(
        self, text: str, urls: Mapping[str, str], documents: Mapping[str, bytes] | None = None, *,
        file: str = "policy", ages: Ages = KEY_AGES,
    ) -> None:  # fmt: skip
        """Take the policy's text, and for each document that it names an address in `urls`, or its bytes.

        Raises UsageError for a document without either, or an address that cannot be; PolicyError for the text.
        """
        self._text, self._file, self._given = text, file, dict(documents or {})
        self._urls = {name: Endpoint(url) for name, url in urls.items()}
        self._names = documents_of(text, file)
        for name in self._names:
            if name not in self._urls and name not in self._given:
                raise UsageError(f"{file}: no address for {name!r}", hint="give its address, or its content")
        self._cached = Cached[bytes](ages)
        self._made: tuple[tuple[bytes, ...], TokenPolicy] | None = None
        self._lock = threading.Lock()

    def policy(self, *, newer: bool = False) -> TokenPolicy:
        """Return the policy over the keys as they are now; the same object while they are the same.

        `newer`: a key was missing. Raises InputError if keys cannot be had, PolicyError if they cannot be used.
        """
        found = {name: self._document(name, newer=newer) for name in self._names}
        key = tuple(found.values())
        with self._lock:
            if self._made is None or self._made[0] != key:
                self._made = key, TokenPolicy.from_toml(self._text, found, self._file)
            return self._made[1]

    def _document(self, name: str, *, newer: bool) -> bytes:
        if name not in self._urls:
            return self._given[name]
        return self._cached.get(name, lambda: self._fetch(name), newer=newer)

    def _fetch(self, name: str) -> tuple[bytes, float | None]:
        answer = self._urls[name].get(MAX_JWKS_BYTES, "application/jwk-set+json, application/json")
        return answer.body, answer.max_age


class FetchingVerifier:
    """Verifies the tokens of one flow with fetched keys; otherwise as `Verifier`."""

    def __init__(self, source: FetchedPolicy, flow: str | None = None) -> None:
        """Fetch the keys, and take the flow of this name (or the only one). Raises as `FetchedPolicy.policy`."""
        self._source, self._name = source, flow
        policy = source.policy()
        self._known = policy, Verifier(policy, flow)

    @property
    def flow(self) -> Flow:
        """What is accepted."""
        return self._known[1].flow

    def verify(
        self, token: str | bytes, *, at: float | datetime, shown: Presentation = BEARER
    ) -> VerifiedToken:
        """Return the verified token; raises VerifyError, and InputError if the keys are too old and cannot be had."""
        policy = self._source.policy()
        try:
            return self._by(policy).verify(token, at=at, shown=shown)
        except VerifyError as error:
            if (error.rule, error.check) != ("V2", "known"):
                raise
            newer = self._source.policy(newer=True)
            if newer is policy:
                raise
        return self._by(newer).verify(token, at=at, shown=shown)

    def _by(self, policy: TokenPolicy) -> Verifier:
        known, verifier = self._known
        if policy is not known:
            verifier = Verifier(policy, self._name)
            self._known = policy, verifier  # together, so that no thread sees the one without the other
        return verifier
