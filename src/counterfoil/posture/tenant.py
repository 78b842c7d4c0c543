"""A tenant as a check sees it: what other scanners found, what exports say, and what records prove."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from counterfoil.posture.check import Verdict
from counterfoil.posture.records import Records


@dataclass(frozen=True)
class ImportedResult:
    """One result of another scanner, as it gave it. `id`: its own, `topic`: the question of ours that it bears on."""

    tool: str
    id: str
    title: str
    verdict: Verdict
    told: str
    severity: str = ""
    subject: str = ""
    topic: str = ""

    @property
    def name(self) -> str:
        """Tool and id in one."""
        return f"{self.tool} {self.id}"


@dataclass(frozen=True)
class ImportedRun:
    """A run of another scanner. `time`: when it ran, None where it does not say."""

    tool: str
    version: str
    tenant: str
    time: datetime | None
    file: str
    results: tuple[ImportedResult, ...]


@dataclass(frozen=True)
class MailboxAudit:
    """A row of Get-MailboxAuditStatus. `default_set`: whose sets of actions are Microsoft's own (Admin, Owner...)."""

    mailbox: str
    enabled: bool | None
    bypassed: bool | None
    default_set: frozenset[str]
    owner: frozenset[str]
    delegate: frozenset[str]
    admin: frozenset[str]


@dataclass(frozen=True)
class Tenant:
    """A tenant. `records`: None where no case was named."""

    name: str
    imports: tuple[ImportedRun, ...] = ()
    mailboxes: tuple[MailboxAudit, ...] = ()
    records: Records | None = None

    def about(self, topic: str) -> tuple[ImportedResult, ...]:
        """Return what other scanners say of a topic."""
        return tuple(result for run in self.imports for result in run.results if result.topic == topic)
