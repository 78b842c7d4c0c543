"""Block lists, fetched or handed in, for the verifier of `fetching`: bounded, never going back, also over a restart.

    source = FetchedPolicy(text, urls, documents)
    blocks = BlockLists(source.policy().blocklist, Path("blocks.state"), "https://issuer.example/blocks")
    verifier = FetchingVerifier(source, "mail", blocks)

The list that counts is kept in a file: whoever can only restart the service cannot make it forget a block. What cannot
be fetched leaves the last one in force; when that has ended, the policy says what happens (`missing`).
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType

from counterfoil import files
from counterfoil.errors import CounterfoilError, InputError, UsageError, VerifyError
from counterfoil.relying.cached import Ages, Cached
from counterfoil.relying.http import Endpoint
from counterfoil.tokens import blocklist
from counterfoil.tokens.blocklist import BlockList
from counterfoil.tokens.limits import MAX_BLOCK_LIST_BYTES, MAX_DIGESTS_BYTES
from counterfoil.tokens.policy import NO_DIGESTS, BlockRule, TokenPolicy

# A block must count soon; an event that tells of one asks at once (`refresh`).
BLOCK_AGES = Ages(least=5.0, usual=60.0, most=300.0, stale=0.0, pause=1.0, retry=5.0)
_MEDIA = "application/key-blocks+jwt, application/jwt"


class BlockLists:
    """The block list to go by. Safe to share between threads; one process has the state file."""

    def __init__(
        self, rule: BlockRule | None, state: Path, url: str = "", *, ages: Ages = BLOCK_AGES, allow_local: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Go by lists of the rule's signers, kept in `state`; fetched from `url`, if there is one (else `offer` them).

        Raises UsageError for no rule, or an address that cannot be; InputError if the state is no list of the signers.
        """
        if rule is None:
            raise UsageError("the policy has no [blocklist]", hint="docs/reference/token-policy.md")
        self._rule, self._path, self._clock = rule, state, clock
        self._endpoint = Endpoint(url, allow_local) if url else None
        self._digests = Endpoint(url + blocklist.DIGESTS_SUFFIX, allow_local) if url else None
        self._cached = Cached[None](ages)
        self._lock = threading.Lock()
        self._minted: Mapping[str, frozenset[bytes]] = NO_DIGESTS
        self._held = self._kept()
        self._made: tuple[TokenPolicy, BlockList, TokenPolicy] | None = None

    @property
    def held(self) -> BlockList | None:
        """The list in force, which may have ended."""
        return self._held

    @property
    def failed(self) -> CounterfoilError | None:
        """Why the last fetch failed; None if it did not: for health checks."""
        return self._cached.failed("list")

    def refresh(self) -> None:
        """Fetch the list now, at most once in `pause`; for whoever hears that a key is out. Raises InputError."""
        self._ask(newer=True)

    def offer(self, raw: bytes, digests: bytes | None = None) -> BlockList:
        """Go by this list from now on, and return it; raises VerifyError B1 if it may not be gone by.

        `digests`: the list of good tokens' digests that comes with it; without, none is good by it.
        """
        found = blocklist.read(raw.strip(), self._rule.signers)
        with self._lock:
            held = self._held
            blocklist.accepted(found, held, self._clock())
            named = [each for each in found.blocked if each.digests]
            minted = dict(self._minted) if held is not None and held.digest == found.digest else {}
            if digests is not None:
                minted |= {each.thumbprint: blocklist.digests_of(digests, each.digests) for each in named}
            if held is None or held.digest != found.digest:
                self._keep(raw.strip())
            self._minted, self._held, self._made = MappingProxyType(minted), found, None
        return found

    def applied(self, policy: TokenPolicy) -> TokenPolicy:
        """Return the policy by the list as it is now; the same object while both are the same."""
        if self._endpoint is not None and not self._cached.fresh("list"):
            with contextlib.suppress(CounterfoilError):  # kept: see `failed`; what is held counts until it ends
                self._ask(newer=False)
        with self._lock:
            held = self._held
            if held is None:
                return policy
            if self._made is None or self._made[0] is not policy or self._made[1] is not held:
                self._made = policy, held, policy.blocking(held, self._minted)
            return self._made[2]

    def _ask(self, *, newer: bool) -> None:
        if self._endpoint is None:
            return
        self._cached.get("list", partial(self._fetch, self._endpoint), newer=newer)

    def _fetch(self, endpoint: Endpoint) -> tuple[None, float | None]:
        answer = endpoint.get(MAX_BLOCK_LIST_BYTES, _MEDIA)
        try:
            found = self.offer(answer.body)
        except VerifyError as error:
            raise InputError(f"{endpoint.url}: {error}", hint=error.hint) from error
        named = [each for each in found.blocked if each.digests and each.thumbprint not in self._minted]
        if named and self._digests is not None:
            try:
                self.offer(answer.body, self._digests.get(MAX_DIGESTS_BYTES, "text/plain").body)
            except VerifyError as error:
                raise InputError(f"{self._digests.url}: {error}", hint=error.hint) from error
        return None, answer.max_age

    def _kept(self) -> BlockList | None:
        try:
            raw = self._path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise InputError(f"{self._path}: {error.strerror or error}") from error
        try:
            return blocklist.read(raw, self._rule.signers)
        except VerifyError as error:
            told = f"{self._path}: the block list that was seen last is none of the signers: {error}"
            raise InputError(told, hint="if the signers were changed on purpose, delete the file") from error

    def _keep(self, raw: bytes) -> None:
        try:
            with files.writing(self._path, durable=True) as file:
                file.write(raw)
        except OSError as error:
            raise files.unwritable(self._path, error) from error
