"""An intrusion: what findings tell, put together by intruder. Times are naive UTC, lists are cut at a named length."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from counterfoil.model.verdict import FindingVerdict

# Values that an intrusion lists of each kind; the counts beside them are whole.
MAX_VALUES = 50


class Sort(StrEnum):
    """What a cluster is taken for."""

    INTRUSION = "intrusion"  # tokens that are convicted, or several that are probably forged
    SUSPECTED = "suspected"  # several suspicious tokens, which may be an innocent's
    SINGLE = "single"  # one token that nothing convicts and that joins nothing


@dataclass(frozen=True)
class Intrusion:
    """One intruder's evidence, as far as traits join it.

    `claim`: the gravest of its findings, None if indicators alone tell of it. `records` counts all its records;
    of these `beside` are in no finding and share enough traits. `joined`: why its parts are one intruder's, in words.
    """

    id: str
    sort: Sort
    claim: FindingVerdict | None
    confidence: str
    first_seen: datetime
    last_seen: datetime
    tokens: int
    records: int
    beside: int
    subject_count: int
    subjects: tuple[str, ...]
    mailbox_count: int
    mailboxes: tuple[str, ...]
    ip_count: int
    ips: tuple[str, ...]
    networks: tuple[str, ...]
    agents: tuple[str, ...]
    clients: tuple[str, ...]
    sessions: int
    keys: tuple[str, ...]
    findings: tuple[str, ...]
    joined: tuple[str, ...]
