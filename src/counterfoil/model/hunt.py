"""The result of a hunt as one frozen value: what every report format renders."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from counterfoil.model.cover import Cover
from counterfoil.model.coverage import CoverageRow, Needed, Offer
from counterfoil.model.dossier import Dossier
from counterfoil.model.finding import Finding
from counterfoil.model.intrusion import Intrusion
from counterfoil.model.story import Story
from counterfoil.model.verdict import ACCUSING, JUDGED, FindingVerdict, Verdict

# Intrusions that a report to hand over tells in full.
MAX_STORIES = 6
NO_COVER = Cover()
# How the reason of an unread file begins that a tool wrote beside the logs: no log, and no error.
BYPRODUCT = "by-product"


@dataclass(frozen=True)
class InputFile:
    """What became of one input file. `read` = `kept` + `duplicates` + `rejected`.

    A duplicate says nothing that others of its id do not say. `merged`: how many of those kept became one with another
    record: they fill in what it lacks, or are a further entry about the same event (begun and done, in custody).

    `source` is empty for a file that was not read; then `unread` says why and `nearest` names the closest shape.
    `truncated` says how the export shows that it was cut off, or is empty. `archive` is the SHA-256 of the archive on
    disk in which it is; `path` then goes on inside it. `accepts`: its log holds acceptances. `note` says what else
    there is to know: records of other logs, records without a date, different records of one id.
    """

    path: str
    sha256: str
    size: int
    source: str
    read: int
    kept: int
    duplicates: int
    rejected: int
    truncated: str
    unread: str
    nearest: str
    archive: str = ""
    accepts: bool = False
    note: str = ""
    merged: int = 0

    @property
    def byproduct(self) -> bool:
        """Tell whether the file is unread because it is no log: a tool wrote it beside the logs."""
        return self.unread.startswith(BYPRODUCT)


@dataclass(frozen=True)
class RejectCount:
    """How many records of a file were rejected for one reason, and where the first one is."""

    path: str
    reason: str
    count: int
    first_position: int


@dataclass(frozen=True)
class VerdictCount:
    """Tokens and acceptance records of one verdict and reason.

    `missing`: parts of logs (`SOURCE/KIND`) that could hold their issuance and of which nothing is in evidence.
    """

    verdict: Verdict
    reason: str
    tokens: int
    acceptances: int
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class SilentCalls:
    """Calls of one client in one part of a log that are known to leave no record at their issuer.

    `networks`: the most frequent of `network_count`; none where the records hold no address.
    """

    client_id: str | None
    kind: str
    tokens: int
    subjects: int
    networks: tuple[str, ...]
    network_count: int


@dataclass(frozen=True)
class Done:
    """What was done about a case, as the journal of its response has it. `time` is naive UTC, as all of a report."""

    time: datetime
    step: str
    who: str = ""
    note: str = ""


@dataclass(frozen=True)
class HuntReport:
    """Everything that a report shows. `verdicts` has one row per verdict, reason and missing logs that occur.

    `needed`: what the open tokens of own issuers wait for. Of those that are counted apart, `no_record` are calls known
    to leave no record at their issuer (`silent`: the most frequent), and `before_log` may have been issued before its
    log begins. `strangers` were left open although a log could tell, and are not the user's own (rule 5.4).
    """

    version: str
    case: str
    since: datetime | None
    until: datetime | None
    inputs: tuple[InputFile, ...]
    rejects: tuple[RejectCount, ...]
    legs: tuple[tuple[str, int], ...]
    first_event: datetime | None
    last_event: datetime | None
    coverage: tuple[CoverageRow, ...]
    verdicts: tuple[VerdictCount, ...]
    findings: tuple[Finding, ...]
    # records that could not be read and may have been acceptances: nobody knows what they told
    lost_acceptances: int = 0
    # issuances of AD FS that name nobody who is known (DOMAIN\\sam), and farms that nobody named for any domain
    nameless_issuances: int = 0
    unclaimed_farms: tuple[str, ...] = ()
    # domains whose sign-ins presented an assertion of an issuer that nobody named (--federated)
    unnamed_domains: tuple[str, ...] = ()
    # what was done, in the order in which it was written down
    response: tuple[Done, ...] = ()
    needed: tuple[Needed, ...] = ()
    # logs that the service did not give to the tool that collected (403), as its messages say
    refused_logs: tuple[str, ...] = ()
    # what could be declared complete; issuers of tokens of which no log is in evidence, nor could be; options given
    offers: tuple[Offer, ...] = ()
    foreign: tuple[str, ...] = ()
    options_given: bool = False
    silent: tuple[SilentCalls, ...] = ()
    no_record: int = 0
    before_log: int = 0
    strangers: int = 0
    # what the findings tell, by intruder
    intrusions: tuple[Intrusion, ...] = ()
    # what a report to hand over adds; read only for the formats that show it
    dossier: Dossier | None = None
    # intrusions told in full, the gravest first; read with the dossier
    stories: tuple[Story, ...] = ()
    # whose report it is, as its options said
    cover: Cover = NO_COVER

    def tokens(self, verdict: Verdict) -> int:
        """Return how many tokens have the verdict."""
        return sum(row.tokens for row in self.verdicts if row.verdict is verdict)

    def acceptances(self, verdict: Verdict) -> int:
        """Return how many acceptance records have the verdict."""
        return sum(row.acceptances for row in self.verdicts if row.verdict is verdict)

    @property
    def total(self) -> int:
        """All tokens."""
        return sum(row.tokens for row in self.verdicts)

    @property
    def accused(self) -> int:
        """Tokens that are forged, contradicted or tainted."""
        return sum(self.tokens(verdict) for verdict in ACCUSING)

    @property
    def judged(self) -> int:
        """Tokens about which the evidence says something: accused, or minted."""
        return sum(self.tokens(verdict) for verdict in JUDGED)

    def found(self, fail_on: frozenset[FindingVerdict]) -> bool:
        """Tell whether a finding is at or above what the caller wants to fail on."""
        return any(finding.verdict in fail_on for finding in self.findings)
