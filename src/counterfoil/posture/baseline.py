"""Baselines: the figures that checks hold values to, as data with a version and a source for each."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from counterfoil.errors import UsageError
from counterfoil.model.key_life import CLASSES, DEFAULT_CLASS, DRAIN, PREPUBLISH
from counterfoil.posture.documents import content

MAX_BASELINE_BYTES = 256 * 1024
_SHIPPED = Path(__file__).with_name("baseline.toml")


@dataclass(frozen=True)
class Figure:
    """A figure and the clause or measurement that it comes from."""

    value: float
    source: str


@dataclass(frozen=True)
class Baseline:
    """A named set of figures. `key_class`: who relies on the keys, which decides how old they may get."""

    name: str
    version: str
    figures: Mapping[str, Figure]
    key_class: str = DEFAULT_CLASS

    @property
    def id(self) -> str:
        """Name and version in one word."""
        return f"{self.name}/{self.version}"

    def number(self, name: str) -> float:
        """Return a figure."""
        return self.figures[name].value

    @property
    def key_age(self) -> timedelta:
        """The largest age of a key that signs."""
        return timedelta(seconds=CLASSES[self.key_class].seconds)

    @property
    def published_age(self) -> timedelta:
        """For how long a key may stand in the set: ahead of its use, in use, and until its last token has ended."""
        return self.key_age + self.prepublish + timedelta(seconds=DRAIN.seconds)

    @property
    def prepublish(self) -> timedelta:
        """For how long a key stands in the set before it may be the only one."""
        return timedelta(seconds=PREPUBLISH.seconds)

    @property
    def window(self) -> timedelta:
        """Over how long fetches are joined, and for how long a key must stay away until it is gone."""
        return timedelta(days=self.number("sample-window-days"))

    @property
    def fetches(self) -> int:
        """In how many fetches a key must be missing until it is gone."""
        return int(self.number("sample-fetches"))


@cache
def shipped() -> Baseline:
    """Return the baseline that comes with the program."""
    return _parsed(_SHIPPED.read_bytes(), _SHIPPED.name)


def load(path: Path | None, key_class: str = DEFAULT_CLASS) -> Baseline:
    """Return the shipped baseline, with the figures of a file of the same form in their place.

    Raises InputError for a file that cannot be read, UsageError for one that is no baseline, or an unknown class.
    """
    if key_class not in CLASSES:
        raise UsageError(f"--key-class: unknown class {key_class[:40]!r}", hint=f"one of {', '.join(CLASSES)}")
    base = shipped()
    if path is not None:
        own = _parsed(content(path, MAX_BASELINE_BYTES), str(path))
        if unknown := sorted(set(own.figures) - set(base.figures)):
            told = f"{path}: unknown figure {unknown[0][:40]!r}"
            raise UsageError(told, hint=f"figures: {', '.join(sorted(base.figures))}")
        base = Baseline(own.name, own.version, MappingProxyType({**base.figures, **own.figures}))
    return Baseline(base.name, base.version, base.figures, key_class)


def _parsed(raw: bytes, where: str) -> Baseline:
    try:
        told: dict[str, Any] = tomllib.loads(raw.decode())
        figures = {
            name: Figure(float(figure["value"]), str(figure["source"]))
            for name, figure in told.get("figures", {}).items()
        }
        return Baseline(str(told["name"]), str(told["version"]), MappingProxyType(figures))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        hint = 'name = "...", version = "...", and [figures.NAME] with value and source'
        raise UsageError(f"{where}: no baseline: {error}", hint=hint) from error
