"""A tenant as a check sees it: what other scanners found, what exports say, and what records prove."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from counterfoil.posture.check import Verdict
from counterfoil.posture.records import DirectoryChange, Records


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
class Application:
    """A service principal with what it signs in with. `owner`: the tenant that its application is of, None: not told.

    `credentials`: each with its kind, its name and its end (None: not told).
    """

    app_id: str
    name: str
    owner: str | None
    credentials: tuple[tuple[str, str, datetime | None], ...]


@dataclass(frozen=True)
class FederatedDomain:
    """A domain whose users are asserted by another. `issuer`: who asserts. `ends`: of each certificate that may sign.

    `mfa`: what `federatedIdpMfaBehavior` says, empty: not told.
    """

    name: str
    issuer: str
    ends: tuple[datetime | None, ...]
    mfa: str = ""


@dataclass(frozen=True)
class Tenant:
    """A tenant. `records`: None where no case was named. `applications`, `domains`: None where no export was named.

    `read`: when the exports were looked at.
    """

    name: str
    imports: tuple[ImportedRun, ...] = ()
    mailboxes: tuple[MailboxAudit, ...] = ()
    records: Records | None = None
    applications: tuple[Application, ...] | None = None
    domains: tuple[FederatedDomain, ...] | None = None
    read: datetime | None = None

    def about(self, topic: str) -> tuple[ImportedResult, ...]:
        """Return what other scanners say of a topic."""
        return tuple(result for run in self.imports for result in run.results if result.topic == topic)

    def changes(self, operations: Collection[str]) -> tuple[DirectoryChange, ...]:
        """Return the changes of the directory by these operations that records show."""
        directory = self.records.directory if self.records else ()
        return tuple(change for change in directory if change.operation in operations)
