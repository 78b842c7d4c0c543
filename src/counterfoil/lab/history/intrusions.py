"""The intrusions that can be planted, as values. How each is acted out: `storm`, `spray`, `golden`, `copied`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

CopyVariant = Literal["other-subject", "other-tenant", "other-issued-at", "exact"]
COPY_VARIANTS: tuple[CopyVariant, ...] = ("other-subject", "other-tenant", "other-issued-at", "exact")


@dataclass(frozen=True, slots=True, kw_only=True)
class Storm0558:
    """The intrusion of 2023: a forged seed per victim, renewed by the service itself, mail read with the renewals.

    Victims are numbered from 0 in the order of the tenant's people. Work is done Monday to Friday, 00:00-09:00 UTC.
    Renewals convict only in a tenant whose own secondary issuances are many more and have sign-ins.
    """

    start: datetime
    end: datetime
    victims: tuple[int, ...]
    name: str = "storm-0558"
    renewals_per_day: int = 3  # per victim
    reads_per_renewal: int = 4  # MailItemsAccessed records per renewed token
    client_id: str | None = None  # of the reading application; None: the tenant's calendar application
    consumer_realm: bool = False  # True: the forged seed names the consumer tenant, which contradicts itself
    claims_service: bool = False  # True: the seed claims to be Exchange itself, whose own calls never link


@dataclass(frozen=True, slots=True, kw_only=True)
class Spray:
    """`tokens` forged tokens with valid-looking ids, spread over the victims and over the interval."""

    tokens: int
    victims: tuple[int, ...]
    start: datetime
    end: datetime
    name: str = "spray"
    uses: int = 1  # acceptances per token
    addresses: tuple[str, ...] = ()  # that they come from in turn; none: some of the day's proxies
    agents: tuple[str, ...] = ()  # that they claim to be; none: those of 2023
    client_id: str = ""  # of the application that they claim; empty: the one that everybody uses


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenSaml:
    """Forged SAML assertions for federated people; `victims` counts among federated people only.

    `near` of the days are ones on which the assertion is presented within the hour after a genuine AD FS issuance to
    the same person, so that only the count of assertions convicts; on the others it is presented at night.
    """

    victims: tuple[int, ...]
    start: date
    days: int
    name: str = "golden-saml"
    near: int = 1  # per victim
    reads: int = 3  # mail records per forged sign-in


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiedId:
    """Forged tokens that carry the token id of a genuine one, taken from people numbered in `sources`."""

    sources: tuple[int, ...]
    start: date
    days: int
    per_variant: int = 3  # copies of each variant, over the whole interval
    variants: tuple[CopyVariant, ...] = COPY_VARIANTS
    name: str = "copied-id"


Intrusion = Storm0558 | Spray | GoldenSaml | CopiedId
