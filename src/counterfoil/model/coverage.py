"""Coverage: what the evidence can be relied on for, as declared and as measured."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

# The log of an issuer `entra:<tenant>`, and its kinds.
SIGN_INS, SIGN_IN_KINDS = "entra-signin", ("interactive", "non-interactive", "service-principal", "managed-identity")


@dataclass(frozen=True)
class Declaration:
    """One `--complete SOURCE/KIND[:from..to]`: the user says that this part of a log is complete.

    `start` and `end` are UTC; None means the first and last event of that part.
    """

    source: str
    kind: str
    start: datetime | None = None
    end: datetime | None = None

    def __str__(self) -> str:
        """Return the declaration as it is typed."""
        bounds = "" if self.start is None and self.end is None else f":{_iso(self.start)}..{_iso(self.end)}"
        return f"{self.source}/{self.kind}{bounds}"


ATTESTED = "attested"
# How many parts of logs a sentence names.
MAX_NAMED = 4
RELIED = ("accepted", ATTESTED)  # the statuses of a stretch in which absence convicts
REFUTED = "refuted"
# The reason of a row that nobody declared complete, and of which nothing else is known.
NOT_DECLARED = "not declared complete"
PARTIAL = "partial by nature"  # what nobody can declare complete
# The source of rows that name no log, but the assertions of a domain; the issuer of those of which no log is known
# begins with UNNAMED.
ASSERTIONS, UNNAMED = "assertions", "federated:"


@dataclass(frozen=True)
class AttestedLog:
    """What the checks of one exported log against a checkpoint that another party keeps have shown.

    `log`: `counterfoil-ledger` or `counterfoil-custody`; `origin`: the log's name, which is the `kind` of its records.
    `status`: `attested` or `refused`; `diagnosis`: of a refused one `ledger-rewritten`, `ledger-gap`, or empty;
    `reason`: why, in words. `start` and `end`: UTC, without zone: between them the log holds whatever happened; None
    means its first and last record. `entries`: how many are in evidence.
    """

    log: str
    origin: str
    status: str
    reason: str
    diagnosis: str = ""
    start: datetime | None = None
    end: datetime | None = None
    entries: int = 0


@dataclass(frozen=True)
class CoverageRow:
    """One stretch of one issuer's log: what is in evidence and whether absence there counts.

    `status`: `attested` (the log verifies, has no gap, and extends a checkpoint that another party keeps: absence
    convicts, and nothing that is missing from it refutes it), `accepted` (declared, and absence convicts), `refused`
    (declared or to be attested, but the export contradicts it), `refuted` (accepted, but ordinary use is missing from
    it), `hole` (a stretch without records inside an accepted one), `seen` (records are there, nobody declared them
    complete).
    """

    issuer: str
    source: str
    kind: str
    status: str
    start: datetime | None
    end: datetime | None
    records: int
    reason: str

    @property
    def note(self) -> str:
        """What has to be known of a stretch that is relied on: `reason` says first why it is, then this."""
        return self.reason.partition("; ")[2]


@dataclass(frozen=True)
class Offer:
    """A part of a log that nobody declared complete, and whose declaration would be accepted of these `issuers`.

    `dated`: only if it is said, too, when the log was exported.
    """

    source: str
    kind: str
    issuers: tuple[str, ...]
    dated: bool = False


@dataclass(frozen=True)
class Needed:
    """Open tokens of one class of an own issuer, and which parts of logs (`SOURCE/KIND`) they wait for.

    `missing`: nothing of it is in evidence; `unrelied`: it is, and no stretch of it is relied on.
    """

    issuer: str
    token_class: str
    tokens: int
    missing: tuple[str, ...]
    unrelied: tuple[str, ...]


def _iso(when: datetime | None) -> str:
    return "" if when is None else when.strftime("%Y-%m-%dT%H:%M:%SZ")


def named_parts(parts: tuple[str, ...]) -> str:
    """Return parts of logs (`SOURCE/KIND`) as a sentence names them; those of sign-ins by their kind.

    >>> named_parts(("entra-signin/interactive", "entra-signin/non-interactive"))
    'interactive, non-interactive'
    """
    own = SIGN_INS + "/"
    shown = [part.removeprefix(own) if all(p.startswith(own) for p in parts) else part for part in parts[:MAX_NAMED]]
    more = f" and {len(parts) - MAX_NAMED:,} more" if len(parts) > MAX_NAMED else ""
    return ", ".join(shown) + more
