"""The life of a key: next, current, previous, retired; blocked from any of them. Pure: versions in, versions out.

Nothing else changes a version's state. What may never be, under no name and for no moment: two versions that sign, and
(where the store publishes its keys) one that signs and that nobody could know.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from counterfoil.custody.keys import KeyState, KeyVersion
from counterfoil.errors import KeyStoreError, KeyUnusableError, UsageError

# What may follow. OpenID Federation 1.0, 8.7.1; NIST SP 800-57 part 1, 7 (states of keys).
STEPS: Mapping[KeyState, frozenset[KeyState]] = {
    KeyState.NEXT: frozenset({KeyState.CURRENT, KeyState.RETIRED, KeyState.BLOCKED, KeyState.DISABLED}),
    KeyState.CURRENT: frozenset({KeyState.PREVIOUS, KeyState.BLOCKED, KeyState.DISABLED}),
    KeyState.PREVIOUS: frozenset({KeyState.RETIRED, KeyState.BLOCKED, KeyState.DISABLED}),
    KeyState.RETIRED: frozenset({KeyState.BLOCKED, KeyState.DESTROYED}),
    KeyState.DISABLED: frozenset({KeyState.BLOCKED, KeyState.DESTROYED}),
    KeyState.BLOCKED: frozenset({KeyState.DESTROYED}),
    KeyState.DESTROYED: frozenset(),
}
# What is in the published key set, and whose tokens are therefore verified.
PUBLISHED = frozenset({KeyState.NEXT, KeyState.CURRENT, KeyState.PREVIOUS})
# What the back-end would still sign with.
USABLE = PUBLISHED
_BLOCK_FIRST = "block it, or rotate first"


def find(versions: Iterable[KeyVersion], kid: str) -> KeyVersion:
    """Return the version of a key id; KeyUnusableError if there is none."""
    found = [version for version in versions if version.kid == kid]
    if found:
        return found[-1]  # one that was destroyed may have been attached again
    raise KeyUnusableError(f"no key {kid[:80]!r} in custody", hint="counterfoil keys list shows what there is")


def moved(
    versions: Sequence[KeyVersion], kid: str, to: KeyState, at: datetime, reason: str = ""
) -> list[KeyVersion]:
    """Return the versions with one of them in another state; KeyUnusableError if that state cannot follow."""
    version = find(versions, kid)
    if to not in STEPS[version.state]:
        told = f"key {version.name} v{version.version} is {version.state}, and cannot become {to}"
        raise KeyUnusableError(told, hint=_BLOCK_FIRST if version.state is KeyState.CURRENT else "keys list shows it")
    ended = at if version.state is KeyState.CURRENT else version.ended
    began = at if to is KeyState.CURRENT else version.began
    after = replace(version, state=to, since=at, began=began, ended=ended, reason=reason or version.reason)
    return [after if found is version else found for found in versions]


def promoted(
    versions: Sequence[KeyVersion], kid: str, at: datetime, *, published_only: bool
) -> list[KeyVersion]:
    """Return the versions with a next one as the one that signs, and the one before it as previous: in one step.

    `published_only`: refuse (KeyUnusableError) a version that is in no published key set yet.
    """
    version = find(versions, kid)
    if published_only and version.published is None:
        told = f"key {version.name} v{version.version} is not published, so that nobody could verify its tokens"
        raise KeyUnusableError(told, hint="open custody again: it publishes what is missing")
    whole = list(versions)
    for signing in versions:
        if (signing.name, signing.state) == (version.name, KeyState.CURRENT):
            whole = moved(whole, signing.kid, KeyState.PREVIOUS, at)
    return moved(whole, kid, KeyState.CURRENT, at)


def marked_published(versions: Sequence[KeyVersion], at: datetime) -> list[KeyVersion]:
    """Return the versions, of those in the published key set each with the time since when it has been there."""
    return [
        replace(found, published=at) if found.state in PUBLISHED and found.published is None else found
        for found in versions
    ]


def check(versions: Iterable[KeyVersion]) -> None:
    """Raise KeyStoreError if two versions of one name sign: no change may leave that behind."""
    signing = Counter(found.name for found in versions if found.state is KeyState.CURRENT)
    for name, count in signing.items():
        if count > 1:
            raise KeyStoreError(f"key {name}: {count} versions would sign", hint="this is a mistake of ours")


def one_of(versions: Iterable[KeyVersion], name: str, state: KeyState) -> KeyVersion:
    """Return the newest version of a name in that state; UsageError if there is none."""
    found = [version for version in versions if (version.name, version.state) == (name, state)]
    if not found:
        raise UsageError(f"key {name} has no version that is {state}", hint="counterfoil keys list shows what there is")
    return max(found, key=lambda version: version.version)
