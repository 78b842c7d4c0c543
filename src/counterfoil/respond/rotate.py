"""The next step of a rotation that breaks nothing: prepare, wait, promote, drain, retire. Pure.

Asked again and again, by a person or by cron, it says for each key what may be done now, or what is waited for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from counterfoil.custody.keys import KeyState, KeyVersion
from counterfoil.custody.settings import LifeSettings
from counterfoil.errors import UsageError
from counterfoil.model.key_life import CLASSES
from counterfoil.respond.preflight import Flight, Objection, objections


class Act(StrEnum):
    """What comes next."""

    PREPARE = "prepare"  # make and publish the next version
    WAIT = "wait"  # until everybody has fetched it
    REFUSE = "refuse"  # somebody would refuse its tokens
    PROMOTE = "promote"  # let it sign
    DRAIN = "drain"  # until the last token of the previous version has expired
    RETIRE = "retire"  # take that out of the published set
    NOTHING = "nothing"


# What the program does by itself; the rest is waited for, or somebody must act.
DOES = frozenset({Act.PREPARE, Act.PROMOTE, Act.RETIRE})


@dataclass(frozen=True)
class Step:
    """What comes next for one key. `until`: when what is waited for has passed. `against`: who would refuse tokens."""

    key: str
    act: Act
    kid: str = ""
    until: datetime | None = None
    against: tuple[Objection, ...] = ()


def names(versions: Sequence[KeyVersion]) -> tuple[str, ...]:
    """Return the names of the keys that can be rotated: those of which a version signs, or was blocked."""
    alive = (KeyState.NEXT, KeyState.CURRENT, KeyState.PREVIOUS)
    latest = {version.name: version for version in sorted(versions, key=lambda each: each.version)}
    found = {version.name for version in versions if version.state in alive}
    return tuple(sorted(found | {name for name, last in latest.items() if last.state is KeyState.BLOCKED}))


def living(life: LifeSettings | None) -> LifeSettings:
    """Return how the keys of a store live; raises UsageError for a store that cannot rotate."""
    if life is None:
        hint = 'say in custody.toml: [life] jwks = "FILE", which your web server gives out'
        raise UsageError("this store cannot rotate: it does not say where its key set is published", hint=hint)
    return life


def check(versions: Sequence[KeyVersion], wanted: Sequence[str]) -> None:
    """Raise UsageError, before anything is done, for a key that cannot be rotated, or for none at all."""
    known = names(versions)
    for name in wanted:
        if name not in known:
            told = f"key {name[:80]!r} cannot be rotated: no version of it signs"
            raise UsageError(told, hint="counterfoil keys list")
    if not wanted:
        raise UsageError("the store has no key that can be rotated", hint="counterfoil keys create")


def due(versions: Sequence[KeyVersion], name: str, life: LifeSettings, now: datetime) -> bool:
    """Tell whether a key must begin to rotate now, so that it signs no longer than its class of keys may."""
    for version in versions:
        if (version.name, version.state) == (name, KeyState.CURRENT):
            age = now - (version.began or version.created)
            return age >= timedelta(seconds=CLASSES[life.kind].seconds - life.prepublish_seconds)
    return True


def step(
    versions: Sequence[KeyVersion], name: str, life: LifeSettings, flight: Flight, now: datetime, *,
    begin: bool = True, emergency: bool = False,
) -> Step:
    """Return what comes next for a key. `begin`: also a new rotation, if none is under way.

    `emergency`: the key is out, so that nobody is waited for: whoever would refuse the new one's tokens is only named.
    """
    mine = [version for version in versions if version.name == name]
    upcoming = next((version for version in mine if version.state is KeyState.NEXT), None)
    if upcoming is not None:
        return _promotion(upcoming, mine, life, flight, now, emergency=emergency)
    previous = [version for version in mine if version.state is KeyState.PREVIOUS]
    for version in previous:
        if now >= _drained(version, life):
            return Step(name, Act.RETIRE, version.kid)
    if emergency or not any(version.state is KeyState.CURRENT for version in mine):
        return Step(name, Act.PREPARE)
    if previous:
        return Step(name, Act.DRAIN, previous[0].kid, min(_drained(version, life) for version in previous))
    return Step(name, Act.PREPARE if begin else Act.NOTHING)


def _promotion(
    version: KeyVersion, mine: Sequence[KeyVersion], life: LifeSettings, flight: Flight, now: datetime, *,
    emergency: bool,
) -> Step:
    against = objections(version.kid, version.published, flight, now)
    signs = any(other.state is KeyState.CURRENT for other in mine)
    if emergency or not signs:  # where none signs, waiting is the outage
        return Step(version.name, Act.PROMOTE, version.kid, against=against)
    until = (version.published or now) + timedelta(seconds=life.prepublish_seconds)
    stuck = [told for told in against if told.until is None]
    if stuck:
        return Step(version.name, Act.REFUSE, version.kid, against=against)
    later = max([until, *(told.until for told in against if told.until is not None)])
    if version.published is None or now < later:
        return Step(version.name, Act.REFUSE if against else Act.WAIT, version.kid, later, against)
    return Step(version.name, Act.PROMOTE, version.kid)


def _drained(version: KeyVersion, life: LifeSettings) -> datetime:
    return (version.ended or version.since or version.created) + timedelta(seconds=life.drain_seconds)
