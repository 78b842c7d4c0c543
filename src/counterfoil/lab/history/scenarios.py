"""A tenant with what befalls it, ready to be written; and the two that `demo` writes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from counterfoil.config import HuntSettings
from counterfoil.lab.history.attack import Intrusion
from counterfoil.lab.history.estate import Written, write_estate
from counterfoil.lab.history.federation import Federation
from counterfoil.lab.history.losses import SIGNIN_KINDS, IntervalLoss, Kind, Loss
from counterfoil.lab.history.settings import Tenant
from counterfoil.lab.history.storm import Storm0558
from counterfoil.lab.history.wrap_audit import search_csv
from counterfoil.lab.history.wrap_signin import log_analytics
from counterfoil.model.coverage import Declaration

_START = date(2025, 9, 1)  # a Monday


@dataclass(frozen=True, slots=True)
class Scenario:
    """A tenant with its intrusions and losses."""

    name: str
    tenant: Tenant
    intrusions: tuple[Intrusion, ...] = ()
    losses: tuple[Loss, ...] = ()
    federation: Federation | None = None

    def write(self, folder: Path, truth_path: Path) -> Written:
        """Write the logs below `folder` and the truth to `truth_path`."""
        return write_estate(self.tenant, self.intrusions, self.losses, folder, truth_path, self.federation)

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
        seed=seed, start=_START, days=21, people=40, null_id_share=0.02,
        holidays=(date(2025, 9, 12),),
    )
    storm = Storm0558(start=_at(date(2025, 9, 15)), end=_at(date(2025, 9, 20)), victims=(4, 11, 17))
    gap = IntervalLoss(_at(date(2025, 9, 9)), _at(date(2025, 9, 11)))
    return Scenario("demo", tenant, (storm,), (gap,))


def demo_2023(seed: int = 558) -> Scenario:
    """Return the same intrusion in June 2023: no token ids in mail records, published addresses of the attackers."""
    tenant = Tenant(
        seed=seed, name="fabrikam", start=date(2023, 6, 5), days=21, people=40, id_era="2023",
        audit_wrappers=(search_csv,), signin_wrappers=(log_analytics,),
    )
    storm = Storm0558(start=_at(date(2023, 6, 19)), end=_at(date(2023, 6, 24)), victims=(4, 11, 17))
    return Scenario("demo-2023", tenant, (storm,))
