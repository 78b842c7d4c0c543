"""Verification with keys that are fetched: from addresses in the configuration, never from one that a token names.

What a fetched key may sign comes from the policy, so that a key slipped into the document gets no more than that, and
nothing where the policy pins thumbprints. A key id that nobody knows asks for newer keys, at most once in a while.

An answer that is no key set never replaces one that is, no issuer's answer touches another issuer's keys, and no token
waits for another issuer's answer. A key that a key set no longer holds is gone at once, also if it holds none any more.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial

from counterfoil.errors import CounterfoilError, UsageError, VerifyError
from counterfoil.relying.blocklist import BlockLists
from counterfoil.relying.cached import Ages, Cached
from counterfoil.relying.http import Endpoint
from counterfoil.tokens.decoded import decoded
from counterfoil.tokens.flow import Flow
from counterfoil.tokens.keyset import entries
from counterfoil.tokens.limits import MAX_JWKS_BYTES
from counterfoil.tokens.policy import TokenPolicy, issuers_of
from counterfoil.tokens.presentation import BEARER, Presentation
from counterfoil.tokens.verified import VerifiedToken
from counterfoil.tokens.verifier import Verifier

# Keys change seldom; a document that says nothing is asked for again after an hour.
KEY_AGES = Ages()
# Documents that are fetched at once.
MOST_AT_ONCE = 8
_NO_KEYS = b'{"keys": []}'


class FetchedPolicy:
    """A token policy some of whose key documents are fetched. Safe to share between threads."""

    def __init__(
        self, text: str | bytes, urls: Mapping[str, str], documents: Mapping[str, str | bytes] | None = None, *,
        file: str = "policy", ages: Ages = KEY_AGES, allow_local: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the policy's text, and for each document that it names an address in `urls`, or its content.

        `allow_local`: as for `Endpoint`, for issuers within the own network. Raises UsageError for a document without
        either, or an address that cannot be; PolicyError for the text.
        """
        self._text, self._file, self._given = text, file, dict(documents or {})
        self._urls = {name: Endpoint(url, allow_local) for name, url in urls.items()}
        self._issuers = issuers_of(text, file)
        self._names = tuple(self._issuers)
        for name in self._names:
            if name not in self._urls and name not in self._given:
                raise UsageError(f"{file}: no address for {name!r}", hint="give its address, or its content")
        self._fetched = tuple(name for name in self._names if name in self._urls)
        self._cached = Cached[bytes](ages, max(len(self._names), 1), clock=clock)
        self._made: tuple[tuple[str | bytes, ...], TokenPolicy] | None = None
        self._lock = threading.Lock()

    def policy(self, token: str | bytes | None = None, *, newer: bool = False) -> TokenPolicy:
        """Return the policy over the keys as they are now; the same object while they are the same.

        A document that cannot be had counts as empty (`missing` says why), so that the other issuers' tokens are still
        verified. `token`: only documents that its issuer's keys may be in are asked for, and of others what is held
        counts: no token waits for another issuer's server. `newer`: a key was missing. Raises InputError or
        PolicyError if no document at all can be had.
        """
        at = self._cached.now()  # one for all: what was not due a moment ago must not have ended by now
        self._ask(self._due(token, newer, at), newer, behind=token is not None and len(self._names) > 1)
        found = {name: self._held(name, at) for name in self._names}
        missing = self._missing(at)
        if len(missing) == len(found):
            raise next(iter(missing.values())).with_traceback(None)
        key = tuple(found.values())
        with self._lock:
            if self._made is None or self._made[0] != key:
                self._made = key, TokenPolicy.from_toml(self._text, found, self._file)
            return self._made[1]

    @property
    def missing(self) -> Mapping[str, CounterfoilError]:
        """The documents that could not be had when they were last asked for, with the reason: for health checks."""
        return self._missing(self._cached.now())

    def missing_of(self, token: str | bytes) -> CounterfoilError | None:
        """Return why a document that this token's key may be in could not be had; None if none is missing."""
        missing = self.missing
        concerned = self._concerned(missing, token) if missing else ()
        return missing[concerned[0]] if concerned else None

    def _missing(self, at: float) -> Mapping[str, CounterfoilError]:
        return {name: error for name in self._fetched
                if (error := self._cached.failed(name)) is not None and self._cached.held(name, at) is None}

    def _held(self, name: str, at: float) -> str | bytes:
        held = self._cached.held(name, at) if name in self._urls else self._given[name]
        return _NO_KEYS if held is None else held

    def _due(self, token: str | bytes | None, newer: bool, at: float) -> Sequence[str]:
        due = [name for name in self._fetched if newer or not self._cached.fresh(name, at)]
        return self._concerned(due, token) if due and token is not None else due

    def _concerned(self, names: Iterable[str], token: str | bytes) -> Sequence[str]:
        """Return those of the documents that a key for the token's issuer, or its actor's, may be in."""
        claimed = _issuers_in(token)
        return [name for name in names if (allowed := self._issuers[name]) is None
                or any(pattern.matches(*one) for pattern in allowed for one in claimed)]

    def _ask(self, names: Sequence[str], newer: bool, *, behind: bool) -> None:
        """Fetch what may be fetched now. `behind`: whose document nobody can tell, and failed, is asked for behind it.

        That one may be another issuer's. It was waited for once; from then on it is tried again by itself.
        """
        now = []
        for name in names:
            if behind and self._issuers[name] is None and self._cached.failed(name) is not None:
                self._cached.retry(name, partial(self._fetch, name))
            else:
                now.append(name)
        if len(now) > 1:  # no longer than the slowest of them
            with ThreadPoolExecutor(min(len(now), MOST_AT_ONCE)) as pool:
                list(pool.map(lambda name: self._get(name, newer), now))
        elif now:
            self._get(now[0], newer)

    def _get(self, name: str, newer: bool) -> None:
        with contextlib.suppress(CounterfoilError):  # it is kept: see `missing`
            self._cached.get(name, partial(self._fetch, name), newer=newer)

    def _fetch(self, name: str) -> tuple[bytes, float | None]:
        answer = self._urls[name].get(MAX_JWKS_BYTES, "application/jwk-set+json, application/json")
        entries(answer.body, self._urls[name].url)  # what is no key set is an answer that failed
        return answer.body, answer.max_age


class FetchingVerifier:
    """Verifies the tokens of one flow with fetched keys; otherwise as `Verifier`."""

    def __init__(
        self, source: FetchedPolicy, flow: str | None = None, blocks: BlockLists | None = None
    ) -> None:
        """Fetch the keys, and take the flow of this name (or the only one). Raises as `FetchedPolicy.policy`.

        `blocks`: the block lists that the policy's [blocklist] asks for.
        """
        self._source, self._name, self._blocks = source, flow, blocks
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
            return self._by(self._source.policy(token)).verify(token, at=at, shown=shown)
        except VerifyError as error:
            if not _unknown(error):
                raise
        newer = self._by(self._source.policy(token, newer=True))
        try:
            return newer.verify(token, at=at, shown=shown)
        except VerifyError as error:
            missing = self._source.missing_of(token) if _unknown(error) else None
            if missing is None:
                raise
        raise missing.with_traceback(None)  # the key that the token names may be in that document

    def _by(self, policy: TokenPolicy) -> Verifier:
        if self._blocks is not None:
            policy = self._blocks.applied(policy)
        known, verifier = self._known
        if policy is not known:
            verifier = Verifier(policy, self._name)
            self._known = policy, verifier  # together, so that no thread sees the one without the other
        return verifier


def _unknown(error: VerifyError) -> bool:
    """Tell whether a token was refused because nobody knows its key."""
    return (error.rule, error.check) == ("V2", "known")


def _issuers_in(token: str | bytes) -> Sequence[tuple[str, str | None]]:
    """Return issuer and tenant that a token claims, and those of the actor's token inside. Nobody vouches for them.

    They only tell whose keys are worth asking for; none for what is no token, which needs no key to be refused.
    """
    try:
        claims = decoded(token).claims
    except VerifyError:
        return ()
    issuer, tenant, actor = (claims.get(name) for name in ("iss", "tid", "actortoken"))
    # V11: an actor's token holds no other
    inside = _issuers_in(actor)[:1] if isinstance(actor, str) else ()
    return [(str(issuer), tenant if isinstance(tenant, str) else None), *inside]
