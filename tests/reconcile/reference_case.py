"""What the rules pass to each other: settings, tokens, and the case that holds them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from counterfoil.model.counterfoil import ISSUER_LOG
from counterfoil.model.coverage import AttestedLog, Declaration
from counterfoil.model.reason import Reason
from counterfoil.model.schema import TokenClass
from counterfoil.tokens.entitlement import Entitlement

from .reference_policy import OWN_LOGS, SESSIONS, Known, Policy
from .reference_records import IdKey, Record

Window = tuple[datetime, datetime]


class Grade(StrEnum):
    """Rule 5.4: how much of a use is the person's own, the best first."""

    OWN = "own"
    EXPLAINED = "explained"
    FOREIGN = "foreign"


@dataclass(frozen=True)
class Settings:
    """What the user says beside the evidence. `truncated`: sources an input file of which shows truncation."""

    declarations: tuple[Declaration, ...] = ()
    exported_at: datetime | None = None
    since: datetime | None = None
    until: datetime | None = None
    federated: Mapping[str, str] = field(default_factory=dict)
    identities: tuple[tuple[str, str], ...] = ()
    truncated: frozenset[str] = frozenset()
    attested: tuple[AttestedLog, ...] = ()
    keys: Mapping[str, Entitlement] = field(default_factory=dict)  # 3.6: only the engine's own tests give any


@dataclass(eq=False)
class Token:
    """One claim tuple (rule 2.1), with what the rules find out about it, in their order."""

    acceptances: list[Record]  # in the order of `Record.order`
    issuances: list[Record] = field(default_factory=list)  # 3.1: the successful ones that it links to
    namesakes: list[Record] = field(default_factory=list)  # 3.2: those of its digest and those of its id
    by_digest: bool = False  # 3.1
    known_as: str = "nothing"  # 2.2: issued, interrupted, failed, nothing
    contradiction: Reason | None = None  # 3.2, 3.3
    doubt: Reason | None = None  # 3.2, 3.7, 3.8
    breaks_law: bool = False  # 3.2
    candidate: bool = False  # 4.2
    silent: bool = False  # 5.6
    agentic: bool = False  # 5.11
    stray: bool = False  # 5.11
    grade: Grade = Grade.FOREIGN  # 5.4
    route: bool = False  # 5.4
    new: bool = False  # 5.4
    lone: bool = False  # 4.6
    in_quiet_hole: bool = False  # 4.7
    unproven: bool = False  # 4.8 a
    undeclared: bool = False  # 4.8 b
    covered: bool = False  # 4.1 b-d, 4.2 a-b, 4.3 a-c
    proven: bool = False  # 4.1: covered, and by attested logs alone
    served: bool = False  # 4.3: an issuance lies in the assertion's window
    short: bool = False  # 4.3 e: in a run with more members than issuances, one that was posted twice counted once
    twice: bool = False  # 4.3 g: in such a run only if each post counts
    refuted: bool = False  # 5.5
    raised: bool = False  # 5.7

    @property
    def ordinary(self) -> bool:
        """Whether it is the person's own use."""
        return self.grade is Grade.OWN

    @property
    def first(self) -> Record:
        """The acceptance whose class, client, resource, network and agent are the token's."""
        return self.acceptances[0]

    @property
    def first_seen(self) -> datetime:
        """Time of the first acceptance."""
        return min(r.event_time for r in self.acceptances)

    @property
    def last_seen(self) -> datetime:
        """Time of the last acceptance."""
        return max(r.event_time for r in self.acceptances)

    @property
    def begins(self) -> datetime:
        """`first_seen` in whole seconds, as it is compared."""
        return self.first_seen.replace(microsecond=0)

    @property
    def ends(self) -> datetime:
        """`last_seen` in whole seconds, as it is compared."""
        return self.last_seen.replace(microsecond=0)

    @property
    def issued_at(self) -> datetime | None:
        """Part of the tuple, in whole seconds, as it is compared."""
        told = self.first.issued_at
        return None if told is None else told.replace(microsecond=0)

    @property
    def has_subject_id(self) -> bool:
        """Rule 2.1: whether any acceptance names the subject by id."""
        return any(r.subject_id is not None for r in self.acceptances)

    @property
    def issuer(self) -> str | None:
        """Part of the tuple."""
        return self.first.issuer

    @property
    def subject(self) -> str | None:
        """Part of the tuple."""
        return self.first.subject

    @property
    def token_id(self) -> str | None:
        """Part of the tuple."""
        return self.first.token_id

    @property
    def linked(self) -> bool:
        """Whether an issuance has its digest or id."""
        return bool(self.issuances)

    @property
    def primary(self) -> bool:
        """Whether it links to a primary issuance."""
        return any(r.leg == "issuance" for r in self.issuances)

    @property
    def cleared(self) -> bool:
        """Rule 5.4's linked token: linked to a primary issuance, and neither contradicted nor doubted."""
        return self.primary and self.contradiction is None and self.doubt is None

    @property
    def is_assertion(self) -> bool:
        """Whether rule 4.3 judges it."""
        return self.first.token_class == TokenClass.ASSERTION and self.token_id is None

    @property
    def stratum(self) -> tuple[str | None, ...]:
        """Rule 5.1."""
        return (self.issuer, self.first.kind, self.first.resource, self.first.client_id)

    @property
    def linked_ids(self) -> set[IdKey]:
        """The ids under which its issuances are known to the lineage."""
        return {r.id_key for r in self.issuances if r.id_key is not None}


@dataclass(frozen=True)
class Declared:
    """One declaration as it stands for one issuer (rules 5.2 and 5.3). `refused` is empty when it is accepted."""

    issuer: str
    source: str
    kind: str
    start: datetime | None
    end: datetime | None
    refused: str
    holes: tuple[Window, ...] = ()
    attested: bool = False

    @property
    def pieces(self) -> list[Window]:
        """What is left of an accepted interval without its holes."""
        if self.refused or self.start is None or self.end is None:
            return []
        left, at = [], self.start
        for begin, end in self.holes:
            left.append((at, begin))
            at = end
        return [(a, b) for a, b in [*left, (at, self.end)] if a < b]

    def contains(self, window: Window) -> bool:
        """Whether one piece holds the whole window, bounds included."""
        return any(begin <= window[0] and window[1] <= end for begin, end in self.pieces)


@dataclass(frozen=True)
class Broken:
    """Rule 5.10: a record that could not be read: of which parts it may be, when it lies, and what it shows."""

    parts: frozenset[tuple[str | None, str, str]]
    span: Window | None  # None: any time
    time: datetime | None
    token_id: str | None
    guids: frozenset[str]
    subject: str | None
    records: int


@dataclass
class Case:
    """Everything a rule may look at."""

    records: list[Record]
    tokens: list[Token]
    settings: Settings
    policy: Policy
    known: Known
    names: Mapping[str, str] = field(default_factory=dict)  # 1.2
    declared: list[Declared] = field(default_factory=list)
    broken: Sequence[Broken] = ()  # 5.10

    @property
    def issuances(self) -> list[Record]:
        """Primary issuances, whatever became of them; of an own log all, since any tells that the log is kept."""
        return [
            r
            for r in self.records
            if r.leg == "issuance" or (r.leg == "secondary_issuance" and r.source in OWN_LOGS)
        ]

    def own_log(self, issuer: str | None) -> list[Record]:
        """Rule 4.1: what the issuer writes down of its own tokens."""
        return [r for r in self.issuances if issuer is not None and r.issuer == issuer and r.source in OWN_LOGS]

    def is_loose(self, issuer: str | None) -> bool:
        """Rule 4.1: whether the issuer's own log is no ledger."""
        return any(r.source == ISSUER_LOG for r in self.own_log(issuer))

    @property
    def issued(self) -> list[Record]:
        """Successful issuances, primary and secondary."""
        return [r for r in self.records if r.leg in ("issuance", "secondary_issuance") and r.outcome == "success"]

    def has_log_of(self, issuer: str | None) -> bool:
        """Whether any issuance record of the issuer is in evidence (4.1 b, 4.2 a, 4.3 a)."""
        return issuer is not None and any(r.issuer == issuer for r in self.issuances)

    def life(self, token: Token) -> timedelta:
        """Return the longest life of the token's class, or of what its service goes on accepting."""
        of_service = SESSIONS.get((token.first.source, token.first.kind), self.policy.default_life)
        seconds = self.policy.life.get(token.first.token_class or "", of_service)
        return timedelta(seconds=seconds)

    def accepted(self, issuer: str | None, source: str, kind: str) -> list[Declared]:
        """Return the accepted declarations that speak for this part of the issuer's log."""
        return [d for d in self.declared if (d.issuer, d.source, d.kind) == (issuer, source, kind) and not d.refused]
