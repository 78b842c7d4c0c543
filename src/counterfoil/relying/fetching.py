"""Verification with keys that are fetched: from addresses in the configuration, never from one that a token names.

What a fetched key may sign comes from the policy, so that a key slipped into the document gets no more than that, and
nothing where the policy pins thumbprints. A key id that nobody knows asks for newer keys, at most once in a while.

An answer that is no key set never replaces one that is, and no issuer's answer touches another issuer's keys. A key
that a key set no longer holds is gone at once, also if it holds none any more.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime

from counterfoil.errors import CounterfoilError, UsageError, VerifyError
from counterfoil.relying.cached import Ages, Cached
from counterfoil.relying.http import Endpoint
from counterfoil.tokens.flow import Flow
from counterfoil.tokens.keyset import entries
from counterfoil.tokens.limits import MAX_JWKS_BYTES
from counterfoil.tokens.policy import TokenPolicy, documents_of
from counterfoil.tokens.presentation import BEARER, Presentation
from counterfoil.tokens.verified import VerifiedToken
from counterfoil.tokens.verifier import Verifier

# Keys change seldom; a document that says nothing is asked for again after an hour.
KEY_AGES = Ages()
_NO_KEYS = b'{"keys": []}'


class FetchedPolicy:
    """A token policy some of whose key documents are fetched. Safe to share between threads."""

    def __init__(
        self, text: str | bytes, urls: Mapping[str, str], documents: Mapping[str, str | bytes] | None = None, *,
        file: str = "policy", ages: Ages = KEY_AGES, allow_local: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        """Take the policy's text, and for each document that it names an address in `urls`, or its content.

        `allow_local`: as for `Endpoint`, for issuers within the own network. Raises UsageError for a document without
        either, or an address that cannot be; PolicyError for the text.
        """
        self._text, self._file, self._given = text, file, dict(documents or {})
        self._urls = {name: Endpoint(url, allow_local) for name, url in urls.items()}
        self._names = documents_of(text, file)
        for name in self._names:
            if name not in self._urls and name not in self._given:
                raise UsageError(f"{file}: no address for {name!r}", hint="give its address, or its content")
        self._cached = Cached[bytes](ages, clock=clock)
        self._made: tuple[tuple[str | bytes, ...], TokenPolicy] | None = None
        self._missing: Mapping[str, CounterfoilError] = {}
        self._lock = threading.Lock()

    def policy(self, *, newer: bool = False) -> TokenPolicy:
        """Return the policy over the keys as they are now; the same object while they are the same.

        A document that cannot be had counts as empty (`missing` says why), so that the other issuers' tokens are still
        verified. `newer`: a key was missing. Raises InputError or PolicyError if no document at all can be had.
        """
        found: dict[str, str | bytes] = {}
        missing: dict[str, CounterfoilError] = {}
        for name in self._names:
            try:
                found[name] = self._document(name, newer=newer)
            except CounterfoilError as error:
                found[name], missing[name] = _NO_KEYS, error
        if len(missing) == len(found):
            raise next(iter(missing.values()))
        key = tuple(found.values())
        with self._lock:
            self._missing = missing
            if self._made is None or self._made[0] != key:
                self._made = key, TokenPolicy.from_toml(self._text, found, self._file)
            return self._made[1]

    @property
    def missing(self) -> Mapping[str, CounterfoilError]:
        """The documents that could not be had when they were last asked for, with the reason: for health checks."""
        return self._missing

    def _document(self, name: str, *, newer: bool) -> str | bytes:
        if name not in self._urls:
            return self._given[name]
        return self._cached.get(name, lambda: self._fetch(name), newer=newer)

    def _fetch(self, name: str) -> tuple[bytes, float | None]:
        answer = self._urls[name].get(MAX_JWKS_BYTES, "application/jwk-set+json, application/json")
        entries(answer.body, self._urls[name].url)  # what is no key set is an answer that failed
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
        """Return the verified token; raises VerifyError, and InputError if keys that may be its own cannot be had."""
        try:
            return self._by(self._source.policy()).verify(token, at=at, shown=shown)
        except VerifyError as error:
            if not _unknown(error):
                raise
        newer = self._by(self._source.policy(newer=True))
        try:
            return newer.verify(token, at=at, shown=shown)
        except VerifyError as error:
            if _unknown(error):
                self._not_missing()
            raise

    def _not_missing(self) -> None:
        """Raise the error of a document that could not be had: the key that a token names may be in it."""
        for error in self._source.missing.values():
            raise error.with_traceback(None)

    def _by(self, policy: TokenPolicy) -> Verifier:
        known, verifier = self._known
        if policy is not known:
            verifier = Verifier(policy, self._name)
            self._known = policy, verifier  # together, so that no thread sees the one without the other
        return verifier


def _unknown(error: VerifyError) -> bool:
    """Tell whether a token was refused because nobody knows its key."""
    return (error.rule, error.check) == ("V2", "known")
