"""What a key store holds and states: frozen values."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from counterfoil.custody.algorithm import Algorithm


class KeyState(StrEnum):
    """What a version of a key may do."""

    NEXT = "next"  # published, so that relying parties know it when it begins to sign
    CURRENT = "current"  # signs
    PREVIOUS = "previous"  # rotated: signs no more, its tokens are still verified
    RETIRED = "retired"  # out of the published key set: the last of its tokens has expired
    BLOCKED = "blocked"  # known or feared to be out: its tokens must be refused, whatever they say
    DISABLED = "disabled"  # no version of its name signs any more, its tokens must be refused
    DESTROYED = "destroyed"  # gone


class OwnLog(StrEnum):
    """What a back-end's own log, outside our process, can prove about the use of keys."""

    NOTHING = "nothing"
    COUNT = "count"
    DIGEST = "digest"
    ATTESTED = "attested count and digest"


@dataclass(frozen=True)
class Capabilities:
    """What a back-end can do and what it keeps to; stated by its driver, and held to it by the contract tests."""

    backend: str
    algorithms: frozenset[Algorithm]
    non_exportable: bool  # it never hands out a private key that it made
    attests: bool  # a statement about a key is signed by the device, not merely reported
    enforces_disable: bool  # a disabled key is refused by the back-end itself
    own_log: OwnLog


@dataclass(frozen=True)
class NewKey:
    """A key as a back-end knows it: how it refers to it, its public key (DER SubjectPublicKeyInfo), what it states."""

    reference: str
    public: bytes
    exportable: bool


@dataclass(frozen=True)
class KeyVersion:
    """One key pair under a name. `kid` is the RFC 7638 thumbprint of the public key.

    Moments are None as long as they have not come, and of keys older than their record: `published` in the key set,
    `began` and `ended` to sign, `since` in its state. `reason`: why it was blocked.
    """

    name: str
    version: int
    kid: str
    algorithm: Algorithm
    state: KeyState
    reference: str
    public: bytes
    created: datetime
    attached: bool  # existed before custody: what was signed with it earlier is in no log
    exportable: bool
    published: datetime | None = None
    began: datetime | None = None
    ended: datetime | None = None
    since: datetime | None = None
    reason: str = ""

    def jwk(self) -> dict[str, str]:
        """Return the public key as a JWK (RFC 7517) with kid, alg and use."""
        from counterfoil.custody.spki import public_jwk

        return {**public_jwk(self.public), "kid": self.kid, "alg": str(self.algorithm), "use": "sig"}


@dataclass(frozen=True)
class Signed:
    """A signature in the form that JWS wants, and what the back-end tells about having made it."""

    signature: bytes
    evidence: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Attestation:
    """What a back-end states about a key. `signed` holds what a device signed: attested bytes, signature, its key."""

    statement: Mapping[str, Any]
    signed: Mapping[str, str] = field(default_factory=dict)


def encoded(raw: bytes) -> str:
    """Return base64 (RFC 4648 section 4)."""
    return base64.b64encode(raw).decode()
