"""Ready settings, by name: what `demo`, the tests and the benchmarks write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from counterfoil.config import HuntSettings
from counterfoil.errors import UsageError
from counterfoil.lab.history.cast import cast_of
from counterfoil.lab.history.estate import Written, write_estate
from counterfoil.lab.history.intrusions import CopiedId, GoldenSaml, Intrusion, Spray, Storm0558
from counterfoil.lab.history.losses import SIGNIN_KINDS, ClientLoss, IntervalLoss, Kind, Loss, RandomLoss
from counterfoil.lab.history.settings import Tenant
from counterfoil.model.coverage import Declaration

_START = date(2025, 9, 1)  # a Monday
# Shares of the acceptances of a usual day: mail, files, chats, Graph.
_MIX = (0.62, 0.16, 0.11, 0.11)
# Mail records per person and day in benchmarks: fewer people need less memory for the same number of records.
_BENCH_MAIL = 40.0
_BENCH_TRUTH_LIMIT = 5_000_000


@dataclass(frozen=True, slots=True)
class Scenario:
    """A tenant with its intrusions and losses."""

    name: str
    tenant: Tenant
    intrusions: tuple[Intrusion, ...] = ()
    losses: tuple[Loss, ...] = field(default=())

    def write(self, folder: Path, truth_path: Path) -> Written:
        """Write the logs below `folder` and the truth to `truth_path`."""
        return write_estate(self.tenant, self.intrusions, self.losses, folder, truth_path)

    @property
    def exported_at(self) -> datetime:
        """When the logs were exported: four days after the end, later than any record arrives."""
        return _at(self.tenant.start) + timedelta(days=self.tenant.days + 4)

    def settings(self, case: Path, *, threads: int | None = None) -> HuntSettings:
        """Return the settings of an analyst who knows the logs: declared, exported late enough, issuers named."""
        return HuntSettings(
            case=case,
            complete=self.declarations(),
            exported_at=_naive(self.exported_at),
            federated=self.federated(),
            threads=threads,
        )

    def identities(self) -> tuple[tuple[str, str], ...]:
        """Return (object id, name) of all people, for user@domain and for the account name."""
        people = cast_of(self.tenant).people
        return tuple((person.oid, name) for person in people for name in (person.upn, person.sam))

    def federated(self) -> tuple[tuple[str, str], ...]:
        """Return (domain, issuer) of each federated domain."""
        return tuple((domain, f"adfs:{domain}") for domain in self.tenant.federated_domains)

    def declarations(self) -> tuple[Declaration, ...]:
        """Return what an analyst would declare complete: all but the intervals known to be lost.

        Random and per-client losses are not known to the analyst: those declarations are false.
        """
        kinds: tuple[Kind, ...] = (*SIGNIN_KINDS, "adfs") if self.tenant.federated_domains else SIGNIN_KINDS
        return tuple(item for kind in kinds for item in self._declared(kind))

    def _declared(self, kind: Kind) -> list[Declaration]:
        begins, ends = _at(self.tenant.start), _at(self.tenant.start) + timedelta(days=self.tenant.days)
        source = "adfs" if kind == "adfs" else "entra-signin"
        name = f"adfs01.{self.tenant.federated_domains[0]}" if kind == "adfs" else kind
        gaps = sorted(
            (loss.start, loss.end) for loss in self.losses if isinstance(loss, IntervalLoss) and kind in loss.kinds
        )
        out = []
        for start, end in gaps:
            if begins < start:
                out.append(Declaration(source, name, _naive(begins), _naive(start)))
            begins = max(begins, end)
        if begins < ends:
            out.append(Declaration(source, name, _naive(begins), _naive(ends)))
        return out


def _naive(when: datetime) -> datetime:
    return when.astimezone(UTC).replace(tzinfo=None)


def _at(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def demo(seed: int = 558) -> Scenario:
    """Return a small tenant of 2025, with Storm-0558 in the third week and two days of sign-ins lost in the second."""
    tenant = Tenant(
        seed=seed, start=_START, days=21, people=40, null_id_share=0.02, audit_wrappers=("management-api",),
        holidays=(date(2025, 9, 12),),
    )  # fmt: skip
    storm = Storm0558(start=_at(date(2025, 9, 15)), end=_at(date(2025, 9, 20)), victims=(4, 11, 17))
    gap = IntervalLoss(_at(date(2025, 9, 9)), _at(date(2025, 9, 11)))
    return Scenario("demo", tenant, (storm,), (gap,))


def demo_2023(seed: int = 558) -> Scenario:
    """Return the same intrusion in June 2023: no token ids in mail records, published addresses of the attackers."""
    tenant = Tenant(
        seed=seed, name="fabrikam", start=date(2023, 6, 5), days=21, people=40, id_era="2023",
        audit_wrappers=("search-csv",), signin_wrappers=("log-analytics",),
    )  # fmt: skip
    storm = Storm0558(start=_at(date(2023, 6, 19)), end=_at(date(2023, 6, 24)), victims=(4, 11, 17))
    return Scenario("demo-2023", tenant, (storm,))


def complete(acceptances: int = 100_000, forged: int = 10, victims: int = 1, seed: int = 1) -> Scenario:
    """Return complete logs of about `acceptances` genuine acceptances with `forged` tokens over `victims` people."""
    if victims < 1 or forged < 1:
        raise UsageError(f"at least one victim and one forged token are needed, got {victims} and {forged}")
    people = max(victims, min(250, max(20, acceptances // 200)))
    tenant = Tenant(seed=seed, start=_START, days=14, people=people, delegates=people // 20)
    each = acceptances / (people * tenant.working_days())
    mail, files, chats, graph = (each * share for share in _MIX)
    tenant = replace(
        tenant, mail_per_person_day=mail, files_per_person_day=files, chats_per_person_day=chats,
        graph_per_person_day=graph, gatfr_per_person_day=min(0.3, each / 60),
        tokens_per_principal_day=min(8.0, acceptances / 10_000),
    )  # fmt: skip
    spray = Spray(tokens=forged, victims=tuple(range(victims)), start=_at(date(2025, 9, 8)), end=_at(date(2025, 9, 13)))
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
        adfs_names="upn",
    )
    golden = GoldenSaml(victims=(1, 6, 13, 20), start=date(2025, 9, 15), days=5)
    return Scenario("federated-golden-saml", tenant, (golden,))


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
        uses_per_token=1.0, interrupts=False, logons_in_audit=False, service_share=0.0, enum_text_share=0.0,
        audit_wrappers=("management-lines",), genuine_truth=records <= _BENCH_TRUTH_LIMIT,
    )  # fmt: skip
    per_person = tenant.working_days() * _BENCH_MAIL
    people = max(1, round(records / 2 / per_person))
    mail = records / 2 / people / tenant.working_days()
    tenant = replace(tenant, people=people, mail_per_person_day=mail)
    spray = Spray(
        tokens=forged, victims=tuple(range(min(people, forged))), start=_at(date(2025, 9, 8)),
        end=_at(date(2025, 9, 13)),
    )  # fmt: skip
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
    )  # fmt: skip
    return Scenario("moving", tenant, tuple(intrusions))


def tiny(seed: int = 1, intrusions: Sequence[Intrusion] = ()) -> Scenario:
    """Return one week of eight people, for tests that read every byte."""
    return Scenario("tiny", Tenant(seed=seed, start=_START, days=7, people=8, guests=1), tuple(intrusions))
