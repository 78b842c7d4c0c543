"""Before a next key signs: who would refuse its tokens, and why. Pure; what was fetched and read comes in."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec

from counterfoil.custody.keys import KeyVersion
from counterfoil.errors import UsageError
from counterfoil.model.receipt import Receipt
from counterfoil.tokens import rules

MAX_PARTIES_BYTES = 1024 * 1024
MAX_PARTIES = 10_000


class Party(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A relying party. `jwks`: where it fetches the key set (a proxy's or CDN's address, if it asks one).

    `cache_seconds`: for how long it keeps keys, if that is known; `pinned`: thumbprints (RFC 7638), if it fetches none.
    """

    name: str
    jwks: str = ""
    cache_seconds: float = 0.0
    pinned: tuple[str, ...] | None = None


class _Parties(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    party: tuple[Party, ...] = ()


@dataclass(frozen=True)
class Seen:
    """What came from a party's address: thumbprints, and for how long it lets them be kept (seconds); or a problem."""

    thumbprints: frozenset[str] = frozenset()
    max_age: float | None = None
    problem: str = ""


@dataclass(frozen=True)
class Objection:
    """Why good tokens would be refused, and by whom. `until`: when it passes by itself; None: somebody must act."""

    party: str
    why: str
    until: datetime | None = None

    def __str__(self) -> str:
        """Return it as a line."""
        return f"{self.party}: {self.why}"


@dataclass(frozen=True)
class Flight:
    """What is known of the relying parties: who they are, what each is shown, how long each was seen to lag (seconds).

    `names` are unique.
    """

    parties: tuple[Party, ...] = ()
    seen: Mapping[str, Seen] = field(default_factory=dict)
    lags: Mapping[str, float] = field(default_factory=dict)


def read_parties(raw: bytes, file: str) -> tuple[Party, ...]:
    """Return the parties of a TOML file of [[party]] tables; raises UsageError."""
    try:
        found = msgspec.convert(tomllib.loads(raw.decode()), _Parties).party
    except (msgspec.ValidationError, tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        told = f"{file}: {error}"
        raise UsageError(told, hint="[[party]] has name, jwks, cache_seconds, pinned: docs/respond-keys.md") from error
    if len(found) > MAX_PARTIES or len({each.name for each in found}) < len(found):
        raise UsageError(f"{file}: expected at most {MAX_PARTIES} parties, each with a name of its own")
    for each in found:
        if bool(each.jwks) == (each.pinned is not None):
            raise UsageError(f"{file}: party {each.name[:80]!r} needs either jwks or pinned")
        if not each.cache_seconds >= 0:
            raise UsageError(f"{file}: party {each.name[:80]!r}: cache_seconds is no duration")
    return found


def lags(receipts: Iterable[Receipt], versions: Sequence[KeyVersion]) -> dict[str, float]:
    """Return for each relying party how long after its publication a key of ours was still unknown there, at most.

    From receipts of refusals: the key was published, the token named it, the party did not know it.
    """
    published = {key.kid: key.published for key in versions if key.published is not None}
    found: dict[str, float] = {}
    for receipt in receipts:
        since = published.get(receipt.kid)
        if receipt.code == rules.V2.code and since is not None and receipt.signature == "unchecked":
            lag = (receipt.time.replace(tzinfo=receipt.time.tzinfo or UTC) - since).total_seconds()
            found[receipt.rp] = max(found.get(receipt.rp, 0.0), lag)
    return found


def objections(
    thumbprint: str, published: datetime | None, flight: Flight, now: datetime
) -> tuple[Objection, ...]:
    """Return who would refuse a next key's tokens if it signed now. `published`: since when it is; None: now."""
    since = published or now
    told = (_objection(thumbprint, since, party, flight, now) for party in flight.parties)
    return tuple(each for each in told if each is not None)


def _objection(
    thumbprint: str, published: datetime, party: Party, flight: Flight, now: datetime
) -> Objection | None:
    if party.pinned is not None:
        if thumbprint in party.pinned:
            return None
        return Objection(party.name, f"it pins its keys, and {thumbprint} is not among them: have it added")
    seen = flight.seen.get(party.name, Seen(problem="nobody asked"))
    if seen.problem:
        return Objection(party.name, f"cannot tell what it fetches: {seen.problem}")
    if thumbprint not in seen.thumbprints:
        return Objection(party.name, f"{party.jwks} does not show the next key {thumbprint}")
    kept = max(party.cache_seconds, seen.max_age or 0.0, flight.lags.get(party.name, 0.0))
    until = published + timedelta(seconds=kept)
    if now < until:
        return Objection(party.name, f"it keeps keys for {kept:g} seconds: until {until:%Y-%m-%dT%H:%M:%SZ}", until)
    return None
