"""The keys that a verifier knows: JWKS documents and certificates, each key with what it may sign.

A key that is unfit, that nothing entitles or that shares its id with another of its document is left out with its
reason (`unusable`): providers publish keys of new kinds, and one must not stop a service. What is no key set, or is
over a bound, is refused as a whole.
"""

from __future__ import annotations

import binascii
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC
from types import MappingProxyType
from typing import Any

from cryptography import x509

from counterfoil.errors import PolicyError, VerifyError
from counterfoil.jose.algorithms import ALGORITHMS, Check, check
from counterfoil.jose.jwk import (
    MAX_KEY_ID,
    ExposedKeyError,
    PublicJwk,
    UnfitKeyError,
    from_certificate,
    public_jwk,
)
from counterfoil.tokens.encoding import json_object, numeric_date
from counterfoil.tokens.entitlement import Entitlement, IssuerPattern, KeyState, strictest
from counterfoil.tokens.limits import MAX_JWKS_BYTES, MAX_KEYS

PEM_BEGIN = b"-----BEGIN CERTIFICATE-----"


@dataclass(frozen=True)
class Key:
    """A public key, what it may sign, and how a signature of each of its algorithms is checked."""

    id: str
    jwk: PublicJwk = field(repr=False)
    entitlement: Entitlement
    checks: Mapping[str, Check] = field(repr=False)


@dataclass(frozen=True)
class KeySet:
    """Keys by id. `unusable`: ids of keys that were left out, with the reason.

    `namesakes`: all keys of an id that several documents use (RFC 7517, 4.5: it is unique within one). `keys` has the
    first of them. They are told apart by what they may sign: no document can take an id away from another.
    """

    keys: Mapping[str, Key]
    unusable: Mapping[str, str] = field(default_factory=dict)
    namesakes: Mapping[str, tuple[Key, ...]] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Key]:
        """Yield every key."""
        for name, first in self.keys.items():
            yield from self.namesakes.get(name, (first,))

    def of(self, kid: str, issuer: object, tenant: object) -> Key | None:
        """Return the key of this id, of several the first that may sign for this issuer and tenant; None for none."""
        for key in self.namesakes.get(kid, ()):
            if key.entitlement.forbids_issuer(str(issuer), None if tenant is None else str(tenant)) is None:
                return key
        return self.keys.get(kid)

    @classmethod
    def joined(cls, sets: Iterable[KeySet]) -> KeySet:
        """Return all keys of several sets."""
        named: dict[str, tuple[Key, ...]] = {}
        unusable: dict[str, str] = {}
        for held in sets:
            for key in held:
                named[key.id] = (*named.get(key.id, ()), key)
            unusable |= held.unusable
        keys = {name: same[0] for name, same in named.items()}
        namesakes = {name: same for name, same in named.items() if len(same) > 1}
        return cls(MappingProxyType(keys), MappingProxyType(unusable), MappingProxyType(namesakes))

    def entitled(self, change: Callable[[Key], Entitlement]) -> KeySet:
        """Return the same keys, each with the entitlement that `change` gives it."""
        def changed(key: Key) -> Key:
            return replace(key, entitlement=change(key))

        return KeySet(
            MappingProxyType({name: changed(key) for name, key in self.keys.items()}), self.unusable,
            MappingProxyType({name: tuple(map(changed, same)) for name, same in self.namesakes.items()}),
        )

    def without(self, others: KeySet, why: str) -> KeySet:
        """Return the keys that are not, by id or thumbprint, in another set; those that are become unusable."""
        held = {key.jwk.thumbprint for key in others}
        out = {key.id for key in self if key.id in others.keys or key.jwk.thumbprint in held}
        keys = {name: key for name, key in self.keys.items() if name not in out}
        return KeySet(MappingProxyType(keys), MappingProxyType({**self.unusable, **dict.fromkeys(out, why)}))


@dataclass(frozen=True)
class Grant:
    """What a policy grants to the keys of one document: to all of them, and less to some of them.

    `pinned`: thumbprints (RFC 7638) of the only keys that it means; None: whatever the document holds.
    """

    to_all: Entitlement
    to_key: Mapping[str, Entitlement] = field(default_factory=dict)
    pinned: frozenset[str] | None = None


def from_document(document: bytes, grant: Grant, where: str) -> KeySet:
    """Return the keys of a JWKS (RFC 7517, 5) or of PEM certificates, entitled by the policy and by themselves.

    `where` names the document in errors. Raises PolicyError as `entries`.
    """
    found = entries(document, where)
    ids = Counter(name for name, _ in found if name)
    keys: dict[str, Key] = {}
    unusable: dict[str, str] = {}
    for place, (name, made) in enumerate(found, 1):
        try:
            if ids[name] > 1:
                raise UnfitKeyError("another key of the document has the same id (RFC 7517, 4.5)")
            jwk = made()
            key_id = _named(jwk)
            if grant.pinned is not None and jwk.thumbprint not in grant.pinned:
                raise UnfitKeyError("it is not one of the keys that the policy pins")
            keys[key_id] = _key(key_id, jwk, grant)
        except (UnfitKeyError, ExposedKeyError) as error:
            unusable[name or f"#{place}"] = str(error)
    if unknown := sorted(set(grant.to_key) - set(keys) - set(unusable)):
        unusable |= dict.fromkeys(unknown, f"not in {where}")
    return KeySet(MappingProxyType(keys), MappingProxyType(unusable))


def entries(document: bytes, where: str) -> list[tuple[str, _Maker]]:
    """Return the keys of a document that is a key set, each with its id ("" for none) and what makes it.

    Raises PolicyError for what is no key set, or over a bound: such a document says nothing about any key.
    """
    if len(document) > MAX_JWKS_BYTES:
        raise PolicyError(f"{where}: larger than {MAX_JWKS_BYTES} bytes", hint="a key set is a few kilobytes")
    found = _certificates(document, where) if document.lstrip().startswith(PEM_BEGIN) else _jwks(document, where)
    if len(found) > MAX_KEYS:
        raise PolicyError(f"{where}: expected at most {MAX_KEYS} keys, got {len(found)}")
    return found


def _named(jwk: PublicJwk) -> str:
    if jwk.key_id is None:
        raise UnfitKeyError("it has no kid")
    return jwk.key_id


class _Maker:
    """Makes a key when it is called, so that one failure is one key's."""

    def __init__(self, source: object) -> None:
        self.source = source

    def __call__(self) -> PublicJwk:
        if isinstance(self.source, x509.Certificate):
            return from_certificate(self.source)
        if not isinstance(self.source, dict):
            raise UnfitKeyError("it is no object")
        return public_jwk(self.source)


def _jwks(document: bytes, where: str) -> list[tuple[str, _Maker]]:
    try:
        members = json_object(document, "the document").get("keys")
    except VerifyError as error:
        raise PolicyError(f"{where}: expected a JWKS: {error.expected}, got {error.got}") from error
    if not isinstance(members, list):
        raise PolicyError(f"{where}: expected a JWKS with a list named keys", hint='such as {"keys": [{"kty": ...}]}')
    return [(str(one.get("kid", ""))[:MAX_KEY_ID] if isinstance(one, dict) else "", _Maker(one)) for one in members]


def _certificates(document: bytes, where: str) -> list[tuple[str, _Maker]]:
    try:
        found = x509.load_pem_x509_certificates(document)
    except (ValueError, binascii.Error) as error:
        raise PolicyError(f"{where}: expected certificates in PEM form") from error
    return [("", _Maker(certificate)) for certificate in found]


def _key(key_id: str, jwk: PublicJwk, grant: Grant) -> Key:
    granted = [grant.to_all, stated(jwk)]
    if key_id in grant.to_key:
        granted.append(grant.to_key[key_id])
    allowed = strictest(granted)
    _check_entitled(allowed, jwk)
    algorithms = jwk.algorithms if allowed.algorithms is None else jwk.algorithms & allowed.algorithms
    if not algorithms:
        raise UnfitKeyError("no algorithm is allowed by the policy and suits the key")
    checks = {name: check(jwk.key, ALGORITHMS[name]) for name in sorted(algorithms)}
    return Key(key_id, jwk, allowed, MappingProxyType(checks))


def _check_entitled(allowed: Entitlement, jwk: PublicJwk) -> None:
    """Refuse a key that nobody restricts, or that the sources restrict to nothing."""
    if not allowed.issuers:
        raise UnfitKeyError("neither the policy nor the key says which issuer it signs for")
    if allowed.algorithms is None and "alg" not in jwk.members and jwk.kty == "RSA":
        raise UnfitKeyError("neither the policy nor the key says which algorithm it signs with")
    for name in ("tenants", "audiences", "classes"):
        if getattr(allowed, name) == frozenset():
            raise UnfitKeyError(f"policy and key have no {name} in common")


def stated(jwk: PublicJwk) -> Entitlement:
    """Return what a JWK says of itself.

    `issuer`: Microsoft's member, literal or with `{tenantid}`. `iat`, `nbf`, `exp`, `revoked`: OpenID Federation 1.0,
    8.7.2. The validity of the first certificate of `x5c`: RFC 5280, 4.1.2.5.
    """
    members = jwk.members
    starts = [_date(members, name) for name in ("iat", "nbf") if name in members]
    ends = [_date(members, "exp")] if "exp" in members else []
    if jwk.certificate is not None:
        starts.append(jwk.certificate.not_valid_before_utc.astimezone(UTC).timestamp())
        ends.append(jwk.certificate.not_valid_after_utc.astimezone(UTC).timestamp())
    state, why = _revoked(members)
    return Entitlement(
        issuers=_issuer(members),
        sign_from=max(starts, default=Entitlement.sign_from),
        sign_until=min(ends, default=Entitlement.sign_until),
        state=state,
        why=why,
    )


def _issuer(members: Mapping[str, Any]) -> tuple[tuple[IssuerPattern, ...], ...]:
    if "issuer" not in members:
        return ()
    try:
        return ((IssuerPattern.of(str(members["issuer"] if isinstance(members["issuer"], str) else "")),),)
    except ValueError as error:
        raise UnfitKeyError("issuer is no issuer") from error


def _date(members: Mapping[str, Any], name: str) -> float:
    value = numeric_date(members[name])
    if value is None:
        raise UnfitKeyError(f"{name} is not a time in seconds")
    return value


def _revoked(members: Mapping[str, Any]) -> tuple[KeyState, str]:
    if members.get("revoked") is None:
        return KeyState.CURRENT, ""
    told = members["revoked"]
    reason = told.get("reason") if isinstance(told, dict) else None
    return KeyState.BLOCKED, f"revoked: {str(reason)[:40]}" if reason else "revoked"
