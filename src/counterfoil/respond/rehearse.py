"""A rotation rehearsed: simulated relying parties, each with a cache, a clock and habits of its own. Deterministic.

They fetch the key set when their cache ends, some at a key id that they do not know, some much later than they were
told to; some pin. The rehearsal tells how many good tokens each kind would refuse, and for how long a retired key is
still accepted. Nothing is asked, and no key is touched.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from counterfoil.custody.settings import LifeSettings

PARTIES, TOKENS = 1_000, 60
# Clocks differ by at most so much: RFC 7519, 4.1.4, "usually no more than a few minutes".
MAX_SKEW = 120.0
LEEWAY = 120.0
# Of a hundred parties: how many fetch at an unknown key id, ignore how long they may keep keys, and pin.
REFETCHING, STALE, PINNING = 60, 3, 1
# How much longer a stale one keeps keys than it may, at most.
STALE_FACTOR = 24.0
CACHING_KIND, STALE_KIND, PINNING_KIND = "caches as it may", "caches longer than it may", "pins its keys"


@dataclass(frozen=True)
class Simulated:
    """A party. Seconds: `keeps` keys, from `phase` on; its clock is ahead by `skew`. `refetches` at unknown key ids."""

    name: str
    kind: str
    keeps: float
    phase: float
    skew: float
    refetches: bool


@dataclass(frozen=True)
class Outcome:
    """What came of it. `refused`: good tokens, by kind of party; `who`: parties that refused any.

    `latest`: for how many seconds after its retirement the old key was accepted at last, by kind of party.
    """

    parties: int
    good: int
    refused: Mapping[str, int]
    who: tuple[str, ...]
    latest: Mapping[str, float]


def parties(life: LifeSettings, seed: int, count: int = PARTIES) -> tuple[Simulated, ...]:
    """Return parties as they are found: of each kind by its share, drawn by the seed."""
    draw = random.Random(seed)  # noqa: S311  # a rehearsal, that must give the same twice

    def one(number: int) -> Simulated:
        place, keeps = draw.random() * 100, draw.uniform(0.1, 1.0) * life.cache_seconds
        kind = CACHING_KIND
        if place < PINNING:
            kind, keeps = PINNING_KIND, float("inf")
        elif place < PINNING + STALE:
            kind, keeps = STALE_KIND, draw.uniform(1.0, STALE_FACTOR) * life.cache_seconds
        return Simulated(
            f"party-{number:04}", kind, keeps, draw.random() * (0.0 if keeps == float("inf") else keeps),
            draw.uniform(-MAX_SKEW, MAX_SKEW), kind is CACHING_KIND and draw.random() * 100 < REFETCHING,
        )

    return tuple(one(number) for number in range(count))


def rehearse(life: LifeSettings, lifetime: float, seed: int, count: int = PARTIES) -> Outcome:
    """Rotate once among parties: published at 0, promoted and retired as `life` says; tokens live so many seconds."""
    promoted = life.prepublish_seconds
    retired = promoted + life.drain_seconds
    known = parties(life, seed, count)
    refused: Counter[str] = Counter()
    who: list[str] = []
    latest: dict[str, float] = {}
    draw = random.Random(seed + 1)  # noqa: S311  # as above
    good = 0
    for party in known:
        bad = 0
        for minted, shown in _tokens(draw, promoted, retired, lifetime, life):
            if shown - minted > lifetime + LEEWAY - party.skew:
                continue  # by its clock it has expired: a refusal that is right
            good += 1
            bad += not _knows(party, shown, new=minted >= promoted, retired=retired)
        refused[party.kind] += bad
        who += [party.name] * bool(bad)
        latest[party.kind] = max(latest.get(party.kind, 0.0), _forgets(party, retired) - retired)
    return Outcome(len(known), good, {kind: n for kind, n in refused.items() if n}, tuple(who), latest)


def _tokens(
    draw: random.Random, promoted: float, retired: float, lifetime: float, life: LifeSettings
) -> Iterator[tuple[float, float]]:
    """Yield when tokens are minted and shown: before, at and after each change."""
    for moment in (promoted, retired):
        for _ in range(TOKENS // 2):
            minted = moment + draw.uniform(-1.5, 1.0) * max(lifetime, life.cache_seconds)
            yield minted, minted + draw.uniform(0.0, lifetime)
    yield promoted - 1.0, promoted + lifetime - 1.0  # the old key's last token, at its last moment
    yield promoted, promoted  # the new key's first


def _fetched(party: Simulated, at: float) -> float:
    """Return when the party fetched the key set last."""
    if party.keeps == float("inf"):
        return -1.0
    return party.phase + (at - party.phase) // party.keeps * party.keeps if party.keeps else at


def _knows(party: Simulated, at: float, *, new: bool, retired: float) -> bool:
    """Tell whether a party has the key of a token: the new one (published at 0), or the old one (until retired)."""
    fetched = _fetched(party, at)
    if new:
        return fetched >= 0.0 or (party.refetches and at >= 0.0)
    return fetched < retired


def _forgets(party: Simulated, retired: float) -> float:
    """Return when a party drops the old key: at its first fetch after the retirement."""
    return float("inf") if party.keeps == float("inf") else _fetched(party, retired) + party.keeps
