"""What a log of issuances means: what a record in it shows, and what its absence does. Sources say it of their log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from counterfoil.model.ids import IdKind

# Beside the classes of tokens (`schema.TokenClass`): a token that does not show its class, and an app-only one of the
# provider's own applications.
UNKNOWN_CLASS = "unknown"
OWN_APPLICATION = "own application"


@dataclass(frozen=True)
class IssuanceLog:
    """One log in which issuers, or their key stores, write down what they issue.

    `name`: as `source` in evidence has it. `ids`: the kinds of token ids of which every genuine acceptance has a record
    here, so that absence can convict; none: the log clears, and convicts nobody.
    `whole`: the issuer writes down each of its tokens itself, whatever its class (rule 4.1). `dated`: the time of such
    a record and the token's issued-at are of one clock. `numbered`: its entries have numbers without a gap.
    `parts`: the parts (`kind` in evidence) any of which may have issued a token of a class, for issuers whose name
    begins with `issuers`; none: any part that names the issuer.
    `kinds`: the parts that `--complete` can name; none: each is one log by its name, or one `host`.
    `lag`: longest delay between an event and its record, in seconds; None: as of any log.
    """

    name: str
    ids: tuple[IdKind, ...] = ()
    whole: bool = False
    dated: bool = False
    numbered: bool = False
    issuers: str = ""
    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    kinds: tuple[str, ...] = ()
    host: bool = False
    lag: int | None = None


@dataclass(frozen=True)
class Logs:
    """All logs of issuances that there are."""

    every: tuple[IssuanceLog, ...] = ()

    @cached_property
    def whole(self) -> tuple[str, ...]:
        """The names of those in which an issuer writes down each of its tokens."""
        return tuple(log.name for log in self.every if log.whole)

    @cached_property
    def dated(self) -> tuple[str, ...]:
        """The names of those whose times are those of issued-at."""
        return tuple(log.name for log in self.every if log.whole and log.dated)

    @cached_property
    def numbered(self) -> tuple[str, ...]:
        """The names of those whose entries have numbers."""
        return tuple(log.name for log in self.every if log.numbered)

    @cached_property
    def named(self) -> frozenset[str]:
        """The names of those whose parts are one log, or one host, each: no issuer has another's."""
        return frozenset(log.name for log in self.every if not log.kinds)

    @cached_property
    def sound(self) -> tuple[str, ...]:
        """The kinds of ids of which every genuine token has a record, in logs that several issuers share."""
        return tuple(sorted({str(kind) for log in self.every if not log.whole for kind in log.ids}))

    @cached_property
    def sound_in_whole(self) -> tuple[str, ...]:
        """The kinds of ids of which every genuine token has a record in its own issuer's log."""
        return tuple(sorted({str(kind) for log in self.every if log.whole for kind in log.ids}))

    def lag(self, name: str, usual: int) -> int:
        """Return the longest delay of a record in seconds; `usual`: that of a log of which nothing is known."""
        return next((log.lag for log in self.every if log.name == name and log.lag is not None), usual)

    @cached_property
    def declarable(self) -> Mapping[str, tuple[str, ...]]:
        """What `--complete` can name: the parts of each log; none listed: its parts are its own to name."""
        return {log.name: log.kinds for log in self.every}

    def of(self, issuer: str) -> IssuanceLog | None:
        """Return the log that says which of its parts hold the issuer's tokens of a class, None if none does."""
        return next((log for log in self.every if log.parts and issuer.startswith(log.issuers)), None)
