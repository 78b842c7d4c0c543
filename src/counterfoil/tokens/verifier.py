"""The verifier: a token in, its verified claims out, or one error. docs/reference/verification.md has the plan.

The order: F1 F2 F3 F4 (form), V14 V1 V2 (header and key), F5 (signature), V2 (state of the key), V10 V3 V5 V4 V6 V7 V8
V9 V13 (claims), V11 (actors), V12 (binding), V15 (counter-signature), S1 (status). What is cheap and needs no trust
comes first; whatever follows F5 is known to be signed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from types import MappingProxyType

from counterfoil.errors import UsageError, VerifyError
from counterfoil.tokens import actors, binding, claims, countersignature, jws, status
from counterfoil.tokens.encoding import from_translated, frozen_inside, json_object
from counterfoil.tokens.flow import Binding, CounterfoilCheck, Flow, StatusCheck
from counterfoil.tokens.limits import (
    MAX_CACHED_HEADERS,
    MAX_CACHED_LISTS,
    MAX_CACHED_REALMS,
    MAX_STATUS_LIST_BYTES,
    MAX_TOKEN_BYTES,
)
from counterfoil.tokens.policy import TokenPolicy
from counterfoil.tokens.presentation import BEARER, Presentation
from counterfoil.tokens.status import StatusList
from counterfoil.tokens.verified import VerifiedToken


def unix_seconds(at: float | datetime) -> float:
    """Return a time in Unix seconds; raises UsageError for a datetime without offset, and for what is no time."""
    if not isinstance(at, datetime):
        if not isinstance(at, int | float) or isinstance(at, bool):
            raise UsageError(f"at: {type(at).__name__} is no time", hint="give Unix seconds, or a datetime with tzinfo")
        return at
    if at.tzinfo is None:
        raise UsageError("at: a time without offset", hint="give a datetime with tzinfo, or Unix seconds")
    return at.timestamp()


NOTHING_MORE: tuple[str, ...] = ()


class Verifier:
    """Verifies the tokens of one flow of a policy. Safe to share between threads.

    `Verifier(policy, "mail-api").verify(token, at=time.time()).claims["sub"]` is whom the token is about.
    """

    def __init__(self, policy: TokenPolicy, flow: str | None = None) -> None:
        """Take the flow of this name (or the only one); raises UsageError if there is none, or if it is for SAML."""
        self._policy = policy
        self._flow = policy.flow(flow)
        if self._flow.token_class.name == "saml":
            raise UsageError(f"flow {self._flow.name!r} is of class saml", hint="use tokens.saml.SamlVerifier")
        # Headers that verified need not be read again; the state of their keys is looked at each time.
        self._headers: dict[bytes, jws.KnownHeader] = {}
        self._lists: dict[str | bytes, StatusList] = {}
        self._most = MAX_STATUS_LIST_BYTES if self._flow.token_class.name == "status-list" else MAX_TOKEN_BYTES

    @property
    def flow(self) -> Flow:
        """What is accepted."""
        return self._flow

    def verify(
        self, token: str | bytes, *, at: float | datetime, shown: Presentation = BEARER
    ) -> VerifiedToken:
        """Return the token's verified claims. Raises VerifyError, and nothing else, for whatever is wrong with it.

        `at`: the present, in Unix seconds or as a datetime with offset. `shown`: what came with the token.
        """
        moment = at if type(at) is float else unix_seconds(at)
        parts = jws.compact(token, self._most)
        known = self._headers.get(parts.header) or jws.known_header(parts, self._policy.keys)
        digest = jws.signed(parts, known.check, known.key.id)
        try:
            found = self._entitled(parts, known, digest, moment, shown)
        except VerifyError as error:
            error.key_id, error.signature_verified = known.key.id, True
            raise
        if countersignature.MEMBER in known.header or known.key.id in self._policy.keys.namesakes:
            return found  # another counter-signature in every token; another key for every issuer
        if len(self._headers) >= MAX_CACHED_HEADERS:
            self._headers.clear()
        self._headers[parts.header] = known
        return found

    def _entitled(
        self, parts: jws.Compact, known: jws.KnownHeader, digest: bytes, at: float, shown: Presentation
    ) -> VerifiedToken:
        """V2 to V13: return the claims of a signed token, if its key and its flow allow them."""
        flow, key = self._flow, known.key
        claims.v2_state(key, digest, shown.minted)
        if self._policy.must_hold:
            claims.v2_blocks(self._policy.blocks_until, at)
        said = frozen_inside(json_object(from_translated(parts.payload, "the claims"), "the claims"), "the claims")
        claims.v10_required(said, flow)
        issued, end = claims.v10_times(said, flow)
        audience = claims.v10_audience(said, flow)
        issuer = said["iss"]
        claims.v3_window(key, issued)
        tenant = said.get("tid")
        passed = (issuer, tenant, audience)
        if passed not in known.passed:  # what these rules look at, and nothing else
            claims.v5_tenant(said, flow)
            claims.v4_entitled(key, issuer, tenant, audience, flow)
            claims.v6_issuer(issuer, tenant, flow)
            claims.v7_audience(audience, flow)
            claims.v8_header(known.header, flow)
            if len(known.passed) >= MAX_CACHED_REALMS:
                known.passed.clear()
            known.passed.add(passed)
        claims.v8_claims(said, flow)
        claims.v9_times(said, issued, end, flow, at)
        proof_id, also = None, NOTHING_MORE
        if shown.renewal:
            claims.v13_renewal(issuer, tenant, flow)
            also += ("V13",)
        if "act" in said or "actortoken" in said:
            actors.v11_actors(said, tenant, flow, self._other(flow.actor_flow, at))
            also += ("V11",)
        if "cnf" in said or shown.dpop is not None or flow.binding is not Binding.OPTIONAL:
            proof_id = binding.v12_binding(said, parts, flow, shown, at)
            also += ("V12",)
        if flow.counterfoil is CounterfoilCheck.REQUIRED or (
            countersignature.MEMBER in known.header and self._policy.countersign.keys
        ):
            countersignature.v15_counterfoil(
                known.header, from_translated(parts.payload, "the claims"), said, issued, tenant, audience, flow, key,
                self._policy.countersign,
            )
            also += ("V15",)
        if flow.status is not StatusCheck.OFF:
            status.s1_status(said, flow, shown, at, self._status_list(at))
            also += ("S1",)
        return VerifiedToken(
            MappingProxyType(said), known.header, key.id, known.algorithm, flow.token_class.name, tenant, audience,
            end, digest, proof_id, also,
        )

    def _status_list(self, at: float) -> Callable[[str | bytes], StatusList]:
        """Return what verifies a status list token: once, and again when its time is over."""

        def verified(token: str | bytes) -> StatusList:
            held = self._lists.get(token)
            if held is None or not held.verified_at <= at < held.until:
                found = self._other(self._flow.status_flow, at)(token)
                held = StatusList.of(found, at, self._policy.flow(self._flow.status_flow).leeway)
                if len(self._lists) >= MAX_CACHED_LISTS:
                    self._lists.clear()
                self._lists[token] = held
            return held

        return verified

    def _other(self, flow: str | None, at: float) -> Callable[[str | bytes], VerifiedToken]:
        """Return what verifies a token under a flow that this one refers to; the policy made sure that it exists."""
        return lambda token: Verifier(self._policy, flow).verify(token, at=at)
