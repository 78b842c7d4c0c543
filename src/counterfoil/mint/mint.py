"""The mint: checks the policy, records the counterfoil, has custody sign, and only then hands out the token.

The counterfoil comes first (docs/adr/0013): a crash in between leaves a counterfoil of a token that never was, which
harms nobody. The other way round it would leave a signature that nobody accounts for, as an intruder does.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import msgspec

from counterfoil.custody.custody import utc_now
from counterfoil.custody.keys import KeyVersion
from counterfoil.errors import KeyUnusableError, UsageError
from counterfoil.jose import base64url
from counterfoil.mint.countersign import Countersigner
from counterfoil.mint.ledger import Ledger
from counterfoil.mint.policy import MintPolicy, Rule
from counterfoil.mint.signing import Signing, current_version
from counterfoil.model.counterfoil import SECONDARY, Counterfoil, Grant
from counterfoil.tokens import countersignature
from counterfoil.tokens.flow import ANY_TENANT
from counterfoil.tokens.limits import MAX_TOKEN_BYTES
from counterfoil.tokens.pseudonym import SubjectKey
from counterfoil.tokens.shape import shape_of
from counterfoil.tokens.subject_keys import SubjectKeys

# What the mint itself writes: a caller who could would mint tokens of another time, or twice with one id.
_OWN = ("jti", "iat", "nbf", "exp")
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True)
class Minted:
    """A token with its counterfoil, and the counterfoil's number in the ledger."""

    token: str = field(repr=False)
    counterfoil: Counterfoil
    index: int


class Mint:
    """Issues tokens. Safe to share between threads."""

    def __init__(
        self, custody: Signing, ledger: Ledger, policy: MintPolicy, subject_key: SubjectKey | SubjectKeys, *,
        countersigner: Countersigner | None = None, clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """Use these parts. Raises UsageError if a rule wants a counter-signature and nobody makes them."""
        wanting = next((rule.name for rule in policy.rules.values() if rule.counterfoil), None)
        if wanting is not None and countersigner is None:
            raise UsageError(f"rule {wanting!r} wants a counter-signature", hint="give the mint a countersigner")
        self._custody, self._ledger, self._policy, self._subjects = custody, ledger, policy, subject_key
        self._countersigner, self._clock = countersigner, clock
        self._versions: dict[str, KeyVersion] = {}
        self._lock = threading.Lock()

    def issue(
        self, claims: Mapping[str, Any], rule: str | None = None, *, grant: Grant = Grant.OTHER,
        parents: Sequence[str] = (), client: str = "", session: str = "", lifetime: float | None = None,
    ) -> Minted:
        """Return a token with these claims by the rule of that name (or the only one).

        The mint writes `iss`, `jti`, `iat` and `exp`; `client` becomes `client_id`, `session` becomes `sid`. `parents`:
        ids of the tokens that were shown, which refresh and exchange need. `lifetime`: seconds, at most the rule's.
        Raises UsageError for what the rule does not allow; LogError, KeyStoreError: nothing was handed out.
        """
        by = self._policy.rule(rule)
        now = self._clock()
        whole = _claims(claims, by, now, client, session, lifetime)
        _check(whole, by, grant, parents)
        payload = _encode(whole)
        try:
            return self._made(by, whole, payload, grant, tuple(parents), now)
        except KeyUnusableError:
            if not self._forget(by.key):
                raise
        return self._made(by, whole, payload, grant, tuple(parents), now)  # the key was rotated meanwhile

    def _made(
        self, by: Rule, claims: Mapping[str, Any], payload: bytes, grant: Grant, parents: tuple[str, ...], now: datetime
    ) -> Minted:
        version = self._version(by.key)
        header = {"alg": str(version.algorithm), "kid": version.kid, "typ": by.typ}
        counter_key = ""
        if by.counterfoil and self._countersigner is not None:
            counter_key = self._countersigner.key_id
            header[countersignature.MEMBER] = self._countersigner.header(payload, version.kid, header["alg"], by.typ)
        signing_input = f"{base64url.encode(_encode(header))}.{base64url.encode(payload)}".encode()
        if len(signing_input) > MAX_TOKEN_BYTES * 3 // 4:
            raise UsageError("the token would be too large for any verifier", hint="leave claims out")
        stub = Counterfoil(
            time=now, jti=claims["jti"], digest=sha256(signing_input).hexdigest(), kid=version.kid, alg=header["alg"],
            typ=by.typ, iss=claims["iss"], aud=_audience(claims), tid=claims.get("tid", ""),
            subject=self._subject(claims) if "sub" in claims else "",
            token_class=by.token_class.name, client=claims.get("client_id") or claims.get("azp") or "",
            iat=datetime.fromtimestamp(claims["iat"], UTC), exp=datetime.fromtimestamp(claims["exp"], UTC),
            sid=claims.get("sid", ""), grant=grant, parents=parents, policy=by.name,
            shape=shape_of(header, claims, payload), counter_key=counter_key,
        )
        index = self._ledger.record(stub)
        signed = self._custody.sign(by.key, signing_input, kid=version.kid, purpose=f"mint {by.name} {stub.jti}")
        return Minted(f"{signing_input.decode()}.{base64url.encode(signed.signature)}", stub, index)

    def _subject(self, claims: Mapping[str, Any]) -> str:
        """Return the pseudonym under the key for the token's `iat`, which is what a relying party goes by."""
        key = self._subjects
        if isinstance(key, SubjectKeys):
            key = key.at(datetime.fromtimestamp(claims["iat"], UTC))
        return key.pseudonym(claims["iss"], claims["sub"])

    def _version(self, key: str) -> KeyVersion:
        """Return the version that signs. Custody records every look at its keys, so this one is remembered."""
        with self._lock:
            if key not in self._versions:
                self._versions[key] = current_version(self._custody, key, "mint: which key signs")
            return self._versions[key]

    def _forget(self, key: str) -> bool:
        with self._lock:
            return self._versions.pop(key, None) is not None


def _claims(
    given: Mapping[str, Any], by: Rule, now: datetime, client: str, session: str, lifetime: float | None
) -> dict[str, Any]:
    """Return all claims of a token, in the order in which this mint writes them."""
    for name in _OWN:
        if name in given:
            raise UsageError(f"claim {name!r} is the mint's to write", hint="leave it out")
    seconds = by.lifetime if lifetime is None else lifetime
    if not 1 <= seconds <= by.lifetime:
        raise UsageError(f"rule {by.name!r} gives tokens of at most {by.lifetime:g} seconds, not {seconds:g}")
    issued = int(now.timestamp())
    whole: dict[str, Any] = {"iss": _issuer(given, by)}
    whole |= {name: given[name] for name in ("sub", "aud") if name in given}
    whole |= {"exp": issued + int(seconds), "iat": issued, "jti": str(uuid.uuid4())}
    for name, value in (("client_id", client), ("sid", session)):
        if value and given.get(name, value) != value:
            raise UsageError(f"claim {name!r} says something else than what it is issued for")
        if value or name in given:
            whole[name] = value or given[name]
    return whole | {name: value for name, value in given.items() if name not in whole}


def _issuer(given: Mapping[str, Any], by: Rule) -> str:
    """Return the issuer that the rule speaks for, in the tenant of the claims where it has tenants."""
    tenant = given.get("tid")
    if by.tenants is not None and (not isinstance(tenant, str) or not (by.tenants & {tenant, ANY_TENANT})):
        raise UsageError(f"rule {by.name!r} does not issue for this tenant", hint="its tenants are in the mint policy")
    issuer = by.issuer.prefix + (f"{tenant}{by.issuer.suffix}" if by.issuer.is_template else "")
    if not by.issuer.matches(issuer, tenant) or given.get("iss", issuer) != issuer:
        raise UsageError(f"rule {by.name!r} issues for {by.issuer.text} only", hint="leave the claim iss out")
    return issuer


def _check(claims: Mapping[str, Any], by: Rule, grant: Grant, parents: Sequence[str]) -> None:
    """Hold claims, grant and parents to the rule; raises UsageError."""
    if grant not in by.grants:
        raise UsageError(f"rule {by.name!r} does not issue for {grant}", hint=f"it does for {', '.join(by.grants)}")
    if grant in SECONDARY and not parents:
        raise UsageError(f"{grant} needs the ids of the tokens that were shown", hint="give them as parents")
    for names in (*by.token_class.required, *by.required):
        if not any(name in claims for name in names):
            raise UsageError(f"rule {by.name!r} needs the claim {' or '.join(names)}")
    for name in ("sub", "tid", "sid", "client_id", "azp"):
        if not isinstance(claims.get(name, ""), str):
            raise UsageError(f"claim {name!r} must be a text")
    audience = _audience(claims)
    if by.token_class.addressed and not audience:
        raise UsageError(f"rule {by.name!r} needs an audience (aud)")
    if by.audiences is not None and not by.audiences.issuperset(audience):
        raise UsageError(f"rule {by.name!r} does not issue for this audience", hint="its audiences are in the policy")
    client = claims.get("client_id") or claims.get("azp")
    if by.clients is not None and client not in by.clients:
        raise UsageError(f"rule {by.name!r} does not issue to this client", hint="its clients are in the mint policy")


def _audience(claims: Mapping[str, Any]) -> tuple[str, ...]:
    given = claims.get("aud", ())
    told = (given,) if isinstance(given, str) else tuple(given) if isinstance(given, list | tuple) else (None,)
    if not all(isinstance(one, str) and one for one in told):
        raise UsageError("claim 'aud' must be a text or a list of texts")
    return tuple(one for one in told if isinstance(one, str))
