"""What a history is made of: one frozen value per tenant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from counterfoil.errors import UsageError
from counterfoil.lab.history.clock import DAY, midnight
from counterfoil.lab.history.ids import guid, seeded
from counterfoil.lab.history.wrap_audit import AuditWrapper, management_api
from counterfoil.lab.history.wrap_signin import SigninWrapper, azure_monitor

IdEra = Literal["2025", "2023"]


_SHARES = ("cae_share", "service_share", "null_id_share", "federated_share", "moving_share")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """A tenant and the habits of its people.

    Rates are means per person and working day; shares lie between 0 and 1. The same values give the same bytes.
    """

    seed: int
    start: date
    days: int
    name: str = "contoso"  # the domain is NAME.com, or the first of federated_domains for federated people
    people: int = 40
    guests: int = 3
    delegates: int = 3  # people who also read another person's mailbox
    shared_mailboxes: int = 2
    apps: int = 4  # delegated third-party applications; the first reads calendars and never mail
    service_principals: int = 3  # applications that act as themselves and read mail or call Graph
    managed_identities: int = 2
    federated_domains: tuple[str, ...] = ()
    federated_share: float = 0.5  # share of people in federated domains, where there are any
    holidays: tuple[date, ...] = ()
    moving_share: float = 0.0  # share of people who move about, as `whereabouts` tells

    mail_per_person_day: float = 12.0  # MailItemsAccessed records
    files_per_person_day: float = 3.0  # SharePoint and OneDrive records
    chats_per_person_day: float = 2.0  # Teams records
    graph_per_person_day: float = 2.0  # Graph requests
    gatfr_per_person_day: float = 1.2  # secondary issuances (GetAccessTokenForResource)
    rules_per_person_day: float = 0.02  # New-InboxRule records
    directory_changes_per_day: float = 4.0
    tokens_per_principal_day: float = 8.0  # of service principals
    uses_per_token: float = 3.0  # mean acceptances per token, 1 or more
    interrupts: bool = True  # interrupted (50074 ...) and failed (50126) sign-ins
    logons_in_audit: bool = True  # the audit log's own UserLoggedIn records of interactive sign-ins
    cae_share: float = 0.2  # share of tokens that live 20 to 28 hours instead of 60 to 90 minutes
    act_as_share: float = 0.1  # share of people who use an application with act-as tokens
    service_share: float = 0.05  # share of mail records made by the services themselves, which no sign-in explains
    null_id_share: float = 0.0  # share of mail records that carry no token id

    id_era: IdEra = "2025"
    mail_audited: bool = True  # False: no mailbox has MailItemsAccessed in its audit set
    audit_wrappers: tuple[AuditWrapper, ...] = (management_api,)
    keeps_ids: bool = True  # whether any of these keeps the token ids
    signin_wrappers: tuple[SigninWrapper, ...] = (azure_monitor,)
    genuine_truth: bool = True  # False: the truth holds only what was planted (for histories of 10^8 records)

    def __post_init__(self) -> None:
        """Refuse settings that no history can have."""
        if self.days < 1 or self.people < 1:
            raise UsageError(f"a tenant needs at least one day and one person, got {self.days} and {self.people}")
        if self.uses_per_token < 1:
            raise UsageError(f"uses_per_token must be 1 or more, got {self.uses_per_token}")
        for name in _SHARES:
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"{name} must lie between 0 and 1, got {getattr(self, name)}")
        if not self.audit_wrappers or not self.signin_wrappers:
            raise UsageError("audit and sign-in records need a wrapper each")

    @property
    def tenant_id(self) -> str:
        """The tenant's GUID, derived from its name and seed."""
        return guid(seeded(self.seed, "tenant", self.name))

    @property
    def domain(self) -> str:
        """The tenant's own mail domain."""
        return f"{self.name}.com"

    @property
    def begins(self) -> int:
        """First microsecond of the history."""
        return midnight(self.start)

    @property
    def ends(self) -> int:
        """First microsecond after the history."""
        return self.begins + self.days * DAY

    @property
    def mail_has_ids(self) -> bool:
        """Whether mail, Teams and inbox-rule records carry token ids."""
        return self.id_era == "2025" and self.keeps_ids

    def is_working_day(self, day: date) -> bool:
        """Return whether most people work on `day`."""
        return day.weekday() < 5 and day not in self.holidays
