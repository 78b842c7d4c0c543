"""What a report to hand over holds beyond the summary: trails, days, mailboxes. Every list is cut at a named length.

Read from a case's results only when a format shows it; the counts beside the lists are whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from counterfoil.model.verdict import FindingVerdict, Verdict

# Trails in one report, and of one finding; of findings that accuse nobody, examples.
MAX_TRAILS = 200
MAX_TRAILS_OF_FINDING = 50
MAX_EXAMPLES = 5
# Records of one leg of one trail, and what one token reached.
MAX_RECORDS = 12
MAX_REACHED = 12
MAX_RELATIVES = 6
# Mailboxes in a report, and folders of one mailbox.
MAX_MAILBOXES = 50
MAX_FOLDERS = 12
# Rows of days: logs x days.
MAX_DAYS = 50_000


@dataclass(frozen=True)
class Record:
    """One record of evidence, as the trail of a token shows it. `path` and `position` name its place."""

    leg: str
    event_time: datetime | None
    source: str
    kind: str
    operation: str
    outcome: str
    issuer: str | None
    subject: str | None
    client_id: str | None
    ip: str | None
    user_agent: str | None
    object_name: str | None
    access_mode: str | None
    item_count: int | None
    path: str
    position: int


@dataclass(frozen=True)
class Relative:
    """A token that another was obtained with, or that was obtained with it. `verdict` is None if it was never used.

    `derived` is `assertion` for one that was presented at a sign-in, else as in `tokens`.
    """

    token_key: str | None
    derived: str
    token_id: str | None
    verdict: Verdict | None
    subject: str | None


@dataclass(frozen=True)
class Reached:
    """What a token reached: an object of a kind (mailbox, file, api...), by how many records, and items in it."""

    kind: str
    name: str
    records: int
    items: int


@dataclass(frozen=True)
class Trail:
    """One token with the records of its trail. `finding` is the id of the finding that tells of it.

    `accepted_records` counts all its acceptances; the tuples of records are cut at MAX_RECORDS.
    """

    token_key: str
    finding: str
    claim: FindingVerdict
    verdict: Verdict
    reason: str
    diagnosis: str | None
    derived: str
    token_id: str | None
    subject: str | None
    issuer: str | None
    issued_at: datetime | None
    key_id: str | None
    client_id: str | None
    resource: str | None
    ip: str | None
    first_seen: datetime
    last_seen: datetime
    accepted_records: int
    key_uses: tuple[Record, ...]
    issued: tuple[Record, ...]
    exchanged: tuple[Record, ...]
    accepted: tuple[Record, ...]
    reached: tuple[Reached, ...]
    parents: tuple[Relative, ...]
    children: tuple[Relative, ...]


@dataclass(frozen=True)
class Intruder:
    """The tokens of one claim together; counts of different values, and of acceptance records.

    `in_part`: only some of them are what the claim says, and which ones cannot be told.
    """

    claim: FindingVerdict
    in_part: bool
    tokens: int
    acceptances: int
    subjects: int
    ips: int
    clients: int
    first_seen: datetime
    last_seen: datetime


@dataclass(frozen=True)
class Reach:
    """What the tokens of grave findings reached together: different objects of a kind, and records."""

    kind: str
    objects: int
    records: int


@dataclass(frozen=True)
class LogDay:
    """Records of one part of a log on one day. `issuing`: records of issuance, else of acceptance or context."""

    source: str
    kind: str
    issuing: bool
    day: date
    records: int


@dataclass(frozen=True)
class JudgedDay:
    """Acceptance records of one log on one day whose tokens have one answer.

    `answer`: a value of FindingVerdict where a finding tells of each of them, else `minted` or `open` (cannot be
    judged).
    """

    source: str
    day: date
    answer: str
    acceptances: int


@dataclass(frozen=True)
class HourCount:
    """Accesses by tokens of grave findings, else of suspicions, by UTC hour and weekday (1 is Monday, 7 is Sunday)."""

    weekday: int
    hour: int
    acceptances: int


@dataclass(frozen=True)
class Mailbox:
    """Mail of one mailbox that tokens of findings reached. docs/reference/messages.md says what the numbers mean.

    `seen`: different messages that records name. `at_least`: what the records prove. `at_most` is None where no
    number can be given; `unbounded` then says why, in the words of messages.WHY.
    `attachments`: how often one was opened; `bytes`: of all that records give a size for.
    `throttled`: records, of anybody, after which this mailbox was not logged for 24 hours of the time in question.
    """

    mailbox: str
    mailbox_id: str | None
    tokens: int
    records: int
    binds: int
    syncs: int
    untold: int
    aggregated: int
    throttled: int
    unnamed: int
    attachments: int
    bytes: int
    seen: int
    at_least: int
    at_most: int | None
    unbounded: tuple[str, ...]
    folders: tuple[str, ...]
    first_seen: datetime
    last_seen: datetime


@dataclass(frozen=True)
class MailSum:
    """Mailboxes reached by tokens of findings of `claims`, the fullest first, at most MAX_MAILBOXES.

    `mailbox_count` is whole. `blind_elsewhere`: mailboxes without such a record that were not logged at some time
    in question.
    """

    claims: tuple[FindingVerdict, ...]
    mailboxes: tuple[Mailbox, ...]
    mailbox_count: int
    seen: int
    at_least: int
    at_most: int | None
    blind_elsewhere: int
    attachments: int = 0


@dataclass(frozen=True)
class Dossier:
    """Everything that a report to hand over adds. `asked`: the options of the run, name and value.

    `inputs_sha256`: SHA-256 over the sorted hashes of all inputs, one a line; equal for everybody who read the same.
    `manifest_sha256`: of this case's manifest file.
    """

    trails: tuple[Trail, ...]
    intruders: tuple[Intruder, ...]
    reach: tuple[Reach, ...]
    logs: tuple[LogDay, ...]
    judged: tuple[JudgedDay, ...]
    hours: tuple[HourCount, ...]
    mail: tuple[MailSum, ...]
    asked: tuple[tuple[str, str], ...]
    inputs_sha256: str
    manifest_sha256: str
