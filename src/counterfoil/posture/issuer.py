"""An issuer as a check sees it: its metadata, and its key set as it was at one time or many. Values, no I/O."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509

from counterfoil.jose import base64url
from counterfoil.jose.jwk import ExposedKeyError, UnfitKeyError, public_jwk, thumbprint
from counterfoil.tokens.encoding import numeric_date

# Characters of a value from a document that a report shows.
MAX_SHOWN = 80


@dataclass(frozen=True)
class PublishedKey:
    """A key as a document has it. `id`: RFC 7638 thumbprint, else the kid, else its place.

    `unfit`: why a strict verifier refuses it, empty if it does not. `ends`: the earliest of its certificate's end and
    `exp`. `born`: the latest beginning that the document states (`iat`, `nbf`, certificate), None for none.
    """

    id: str
    kid: str | None
    members: Mapping[str, Any] = field(repr=False)
    unfit: str = ""
    exposed: bool = False
    modulus: int | None = field(default=None, repr=False)
    exponent: int | None = None
    born: datetime | None = None
    ends: datetime | None = None

    @property
    def number(self) -> int | None:
        """What makes it this key: the modulus, or x of a point (RFC 7518, 6.2.1.2); None for what has neither."""
        return self.modulus if self.modulus is not None else _value(self.members.get("x"))

    @property
    def name(self) -> str:
        """What people call it."""
        return (self.kid or self.id)[:MAX_SHOWN]

    @property
    def realm(self) -> str | None:
        """What Microsoft's member `issuer` says; None where it is not there."""
        told = self.members.get("issuer")
        return told[:256] if isinstance(told, str) else None

    @property
    def signs(self) -> bool:
        """Tell whether it is meant for signatures (RFC 7517, 4.2)."""
        return bool(self.members.get("use", "sig") == "sig")


@dataclass(frozen=True)
class Sample:
    """A key set as one fetch gave it. `max_age`: seconds that its headers let it be kept; None: not known."""

    time: datetime
    keys: tuple[PublishedKey, ...]
    max_age: float | None = None


@dataclass(frozen=True)
class KeyUse:
    """What a case's records show of one key: the first token under it, the longest life, and the record."""

    kid: str
    first: datetime
    longest: timedelta | None
    record: str


@dataclass(frozen=True)
class Issuer:
    """One issuer. `samples` in order of time. `uses`: of its keys, by the records of a case.

    `others`: keys of the other issuers of this run, each with its issuer's name.
    """

    name: str
    metadata: Mapping[str, Any] | None = field(default=None, repr=False)
    samples: tuple[Sample, ...] = ()
    uses: tuple[KeyUse, ...] = ()
    others: tuple[tuple[str, PublishedKey], ...] = field(default=(), repr=False)

    @property
    def keys(self) -> tuple[PublishedKey, ...]:
        """Every key of every sample, each once, the latest form of it."""
        return tuple({key.id: key for sample in self.samples for key in sample.keys}.values())

    def lately(self, window: timedelta) -> tuple[PublishedKey, ...]:
        """Return the keys of the samples within a window before the last one: one fetch is a sample of replicas."""
        if not self.samples:
            return ()
        since = self.samples[-1].time - window
        return tuple({key.id: key for one in self.samples if one.time >= since for key in one.keys}.values())

    @property
    def observed(self) -> timedelta:
        """From the first fetch to the last."""
        return self.samples[-1].time - self.samples[0].time if self.samples else timedelta()


def published(members: object, place: int) -> PublishedKey:
    """Return what there is to know of one entry of a key set, however unfit it is."""
    if not isinstance(members, dict):
        return PublishedKey(f"#{place}", None, {}, "it is no object")
    kid = members.get("kid") if isinstance(members.get("kid"), str) else None
    unfit, exposed = _refused(members)
    certificate = _certificate(members)
    return PublishedKey(
        id=_thumbprint(members) or kid or f"#{place}", kid=kid, members=members, unfit=unfit, exposed=exposed,
        modulus=_number(members, "n"), exponent=_number(members, "e"),
        born=_latest(certificate.not_valid_before_utc if certificate else None, members, ("iat", "nbf")),
        ends=_earliest(certificate.not_valid_after_utc if certificate else None, members),
    )


def _refused(members: Mapping[str, Any]) -> tuple[str, bool]:
    try:
        public_jwk(members)
    except UnfitKeyError as error:
        return str(error), False
    except ExposedKeyError as error:
        return str(error), True
    return "", False


def _thumbprint(members: Mapping[str, Any]) -> str:
    try:
        return thumbprint(members)
    except (KeyError, TypeError):
        return ""


def _certificate(members: Mapping[str, Any]) -> x509.Certificate | None:
    chain = members.get("x5c")
    try:
        return x509.load_der_x509_certificate(base64.b64decode(chain[0])) if isinstance(chain, list) else None
    except (ValueError, IndexError, TypeError, binascii.Error):
        return None


def _number(members: Mapping[str, Any], name: str) -> int | None:
    return _value(members.get(name)) if members.get("kty") == "RSA" else None


def _value(value: object) -> int | None:
    if not isinstance(value, str):
        return None
    try:
        return int.from_bytes(base64url.decode_leniently(value), "big")
    except (ValueError, binascii.Error):
        return None


def _dates(members: Mapping[str, Any], names: Iterable[str]) -> list[datetime]:
    told = (numeric_date(members.get(name)) for name in names)
    return [datetime.fromtimestamp(value, UTC) for value in told if value is not None]


def _latest(begins: datetime | None, members: Mapping[str, Any], names: Iterable[str]) -> datetime | None:
    return max([*([begins] if begins else []), *_dates(members, names)], default=None)


def _earliest(ends: datetime | None, members: Mapping[str, Any]) -> datetime | None:
    return min([*([ends] if ends else []), *_dates(members, ("exp",))], default=None)
