"""What the samples of a key set show over time: when keys came, left for good, and came back. Pure.

Replicas of large issuers answer with different sets, so that one fetch is a sample. A key is new only if fetches of a
whole window before did not have it, and away only if fetches over a whole window miss it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from counterfoil.posture.baseline import Baseline
from counterfoil.posture.issuer import Issuer, PublishedKey, Sample


@dataclass(frozen=True)
class Absence:
    """The last fetch that had a key, and the next that had it again (None: none did)."""

    left: datetime
    back: datetime | None


@dataclass(frozen=True)
class Span:
    """A key's time in the published set.

    `new`: fetches of a whole window before it did not have it, so that `first` is when it came. `absences`: those that
    lasted a window.
    """

    key: PublishedKey
    first: datetime
    last: datetime
    new: bool
    absences: tuple[Absence, ...]

    @property
    def gone(self) -> bool:
        """Tell whether it left for good, as far as the fetches go."""
        return bool(self.absences) and self.absences[-1].back is None

    @property
    def returned(self) -> tuple[Absence, ...]:
        """The absences after which it was published again."""
        return tuple(absence for absence in self.absences if absence.back is not None)


def spans(issuer: Issuer, baseline: Baseline) -> tuple[Span, ...]:
    """Return the span of every key, in the order of their coming."""
    held: dict[str, list[int]] = {}
    for place, sample in enumerate(issuer.samples):
        for key in {key.id: key for key in sample.keys}.values():
            held.setdefault(key.id, []).append(place)
    latest = {key.id: key for key in issuer.keys}
    found = [_span(latest[name], places, issuer.samples, baseline) for name, places in held.items()]
    return tuple(sorted(found, key=lambda span: (span.first, span.key.name)))


def realms(found: Iterable[Span]) -> dict[str | None, list[Span]]:
    """Return the spans by realm: what rotates in one says nothing of another."""
    parted: dict[str | None, list[Span]] = {}
    for span in found:
        parted.setdefault(span.key.realm, []).append(span)
    return parted


def _span(key: PublishedKey, places: Sequence[int], samples: Sequence[Sample], baseline: Baseline) -> Span:
    gaps = [(before, after) for before, after in pairwise(places) if after > before + 1]
    absences = [
        Absence(samples[before].time, samples[after].time)
        for before, after in gaps if _long(samples[before + 1 : after], baseline)
    ]
    if _long(samples[places[-1] + 1 :], baseline):
        absences.append(Absence(samples[places[-1]].time, None))
    return Span(
        key, samples[places[0]].time, samples[places[-1]].time, _long(samples[: places[0]], baseline), tuple(absences)
    )


def _long(missing: Sequence[Sample], baseline: Baseline) -> bool:
    """Tell whether fetches that miss a key are enough, and over long enough, to say that it was not there."""
    return len(missing) >= baseline.fetches and missing[-1].time - missing[0].time >= baseline.window


def day(moment: datetime) -> str:
    """Return a moment as reports write it."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def days(length: timedelta) -> str:
    """Return a length for people: days, or hours if it is short."""
    whole = length.total_seconds() / 86_400
    count, unit = (whole, "day") if whole >= 2 else (whole * 24, "hour")
    return f"{count:.0f} {unit}{'' if round(count) == 1 else 's'}"
