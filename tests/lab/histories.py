"""Histories that tests and benchmarks write: what each is of, by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from counterfoil.errors import UsageError
from counterfoil.lab.history.attack import Intrusion
from counterfoil.lab.history.cast import cast_of
from counterfoil.lab.history.losses import IntervalLoss, Loss
from counterfoil.lab.history.scenarios import Scenario
from counterfoil.lab.history.settings import Tenant

from .adfs import Farm
from .copied import CopiedId
from .golden import GoldenSaml
from .losses import ClientLoss, RandomLoss
from .spray import Spray
from .wrappers import management_lines

_START = date(2025, 9, 1)  # a Monday
_BEGIN, _END = datetime(2025, 9, 8, tzinfo=UTC), datetime(2025, 9, 13, tzinfo=UTC)  # of what is sprayed
# Shares of the acceptances of a usual day: mail, files, chats, Graph.
_MIX = (0.62, 0.16, 0.11, 0.11)
# Mail records per person and day in benchmarks: fewer people need less memory for the same number of records.
_BENCH_MAIL = 40.0
_BENCH_TRUTH_LIMIT = 5_000_000


def complete(acceptances: int = 100_000, forged: int = 10, victims: int = 1, seed: int = 1) -> Scenario:
    """Return complete logs of about `acceptances` genuine acceptances with `forged` tokens over `victims` people."""
    if victims < 1 or forged < 1:
        raise UsageError(f"at least one victim and one forged token are needed, got {victims} and {forged}")
    people = max(victims, min(250, max(20, acceptances // 200)))
    tenant = Tenant(seed=seed, start=_START, days=14, people=people, delegates=people // 20)
    each = acceptances / (people * working_days(tenant))
    mail, files, chats, graph = (each * share for share in _MIX)
    tenant = replace(
        tenant, mail_per_person_day=mail, files_per_person_day=files, chats_per_person_day=chats,
        graph_per_person_day=graph, gatfr_per_person_day=min(0.3, each / 60),
        tokens_per_principal_day=min(8.0, acceptances / 10_000),
    )
    spray = Spray(tokens=forged, victims=tuple(range(victims)), start=_BEGIN, end=_END)
    return Scenario("complete", tenant, (spray,))


def federated_golden_saml(seed: int = 1) -> Scenario:
    """Return a tenant with a federated domain whose signing certificate was stolen, attacked in the third week."""
    tenant = Tenant(
        seed=seed,
        start=_START,
        days=21,
        people=60,
        federated_domains=("fabrikam.com",),
        federated_share=0.7,
    )
    golden = GoldenSaml(victims=(1, 6, 13, 20), start=date(2025, 9, 15), days=5)
    return Scenario("federated-golden-saml", tenant, (golden,), federation=Farm(names="upn"))


def copied_ids(seed: int = 1) -> Scenario:
    """Return a tenant in which token ids of six people were copied into forged tokens, five of each variant."""
    tenant = Tenant(seed=seed, start=_START, days=21, people=60)
    copied = CopiedId(sources=(0, 7, 14, 21, 28, 35), start=date(2025, 9, 15), days=5, per_variant=5)
    return Scenario("copied-ids", tenant, (copied,))


def bench(records: int = 1_000_000, seed: int = 1, *, forged: int = 100) -> Scenario:
    """Return about `records` records, half mail access and half sign-ins, one sign-in for each mail record."""
    days = 14 if records <= 2_000_000 else 28 if records <= 20_000_000 else 91
    tenant = Tenant(
        seed=seed, start=_START, days=days, people=1, guests=0, delegates=0, shared_mailboxes=0,
        service_principals=1, managed_identities=1, act_as_share=0.0, files_per_person_day=0, chats_per_person_day=0,
        graph_per_person_day=0, gatfr_per_person_day=0, rules_per_person_day=0, directory_changes_per_day=0,
        uses_per_token=1.0, interrupts=False, logons_in_audit=False, service_share=0.0,
        audit_wrappers=(management_lines,), genuine_truth=records <= _BENCH_TRUTH_LIMIT,
    )
    per_person = working_days(tenant) * _BENCH_MAIL
    people = max(1, round(records / 2 / per_person))
    mail = records / 2 / people / working_days(tenant)
    tenant = replace(tenant, people=people, mail_per_person_day=mail)
    spray = Spray(tokens=forged, victims=tuple(range(min(people, forged))), start=_BEGIN, end=_END)
    return Scenario("bench", tenant, (spray,))


def lost(
    *,
    rate: float | None = None,
    client_id: str | None = None,
    interval: tuple[datetime, datetime] | None = None,
    acceptances: int = 20_000,
    forged: int = 20,
    victims: int = 10,
    seed: int = 1,
) -> Scenario:
    """Return `complete` with sign-in records lost at random, of one client, or of one interval; any of the three."""
    losses: list[Loss] = []
    if rate is not None:
        losses.append(RandomLoss(rate))
    if client_id is not None:
        losses.append(ClientLoss(client_id))
    if interval is not None:
        losses.append(IntervalLoss(*interval))
    if not losses:
        raise UsageError("a loss is needed: rate, client_id or interval")
    return replace(complete(acceptances, forged, victims, seed), name="lost", losses=tuple(losses))


def moving(seed: int = 1, intrusions: Sequence[Intrusion] = ()) -> Scenario:
    """Return two weeks of twelve people who all move about; tenants of different seeds share no name."""
    tenant = Tenant(
        seed=seed, name=f"tenant-{seed}", start=_START, days=14, people=12, moving_share=1.0, mail_per_person_day=4,
        files_per_person_day=1, chats_per_person_day=1, graph_per_person_day=1, gatfr_per_person_day=0.5,
        tokens_per_principal_day=2, uses_per_token=1.2,
    )
    return Scenario("moving", tenant, tuple(intrusions))


def tiny(seed: int = 1, intrusions: Sequence[Intrusion] = ()) -> Scenario:
    """Return one week of eight people, for tests that read every byte."""
    return Scenario("tiny", Tenant(seed=seed, start=_START, days=7, people=8, guests=1), tuple(intrusions))


def working_days(tenant: Tenant) -> int:
    """Return how many days of a history are working days."""
    return sum(tenant.is_working_day(tenant.start + timedelta(days=n)) for n in range(tenant.days))


def identities(tenant: Tenant) -> tuple[tuple[str, str], ...]:
    """Return (object id, name) of all people, for user@domain and for the account name."""
    return tuple((person.oid, name) for person in cast_of(tenant).people for name in (person.upn, person.sam))
