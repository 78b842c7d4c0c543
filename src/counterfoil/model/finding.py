"""Findings: what a person should look at, why, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from counterfoil.model.verdict import FindingVerdict

# Lists in a finding are cut at this many entries; the counts beside them are whole.
MAX_LISTED = 50


# Uses of tokens that a finding tells one by one.
MAX_USES = 10


@dataclass(frozen=True)
class Use:
    """The first use of one token of a finding. `strange`: what of it is new to its person (client, network, ...)."""

    time: datetime
    subject: str | None
    ip: str | None
    client: str | None
    token: str | None
    strange: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finding:
    """One answer of a rule, over one or many tokens.

    `severity`: critical, high, medium, low. `confidence`: high, medium, low. Both are words of Sigma's kind.
    `tokens`, `subjects`, ... hold at most MAX_LISTED entries; `token_count` and `acceptance_count` are whole.
    `evidence`: `raw file:position` references of the records that show it.
    `diagnosis`: where the trail of its tokens breaks (`model.diagnosis.Diagnosis`), what is wrong with a log, or empty.
    `at_least`: how many of its tokens are forged at least, where it cannot be told which; 0 otherwise.
    `ips` and `uses` (at most MAX_USES): the strange ones first. `subjects`: names before ids.
    `score`: for suspicions, the sum of weights that ranks them; 0 otherwise.
    """

    id: str
    rule: str
    verdict: FindingVerdict
    severity: str
    confidence: str
    title: str
    detail: str
    first_seen: datetime | None = None
    last_seen: datetime | None = None
    token_count: int = 0
    acceptance_count: int = 0
    subjects: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    clients: tuple[str, ...] = ()
    ips: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    attack: tuple[str, ...] = ()
    next_step: str = ""
    score: float = 0.0
    diagnosis: str = ""
    at_least: int = 0
    uses: tuple[Use, ...] = ()
