"""The intrusion of 2023 in a tenant whose logs are like somebody's: the same forms, the same kinds, nothing more.

A small invented tenant of three weeks; the intruder works in the third. What the other one does not export is not
written either, so that whatever is found here is found in logs of that kind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from counterfoil.lab.history.losses import SIGNIN_KINDS
from counterfoil.lab.history.scenarios import Scenario
from counterfoil.lab.history.settings import Tenant
from counterfoil.lab.history.storm import Storm0558
from counterfoil.lab.history.wrap_audit import AuditWrapper, management_api, search_csv
from counterfoil.lab.history.wrap_signin import CATEGORIES, TABLES, SigninWrapper, azure_monitor, log_analytics
from counterfoil.model.coverage import Declaration
from counterfoil.model.readiness import Shape

START, FIRST_DAY, DAYS = date(2025, 9, 1), date(2025, 9, 15), 5  # Mondays; he works from Monday to Friday
PEOPLE, VICTIMS = 40, (4, 11, 17)
SEED = 558

# Sources whose form the lab writes, too; what is exported in another form is replayed in the first of these.
_AUDIT: Mapping[str, AuditWrapper] = {"m365-ual-api": management_api, "m365-ual-search": search_csv}
_SIGN_INS: Mapping[str, SigninWrapper] = {
    "entra-signin-azure-monitor": azure_monitor, "entra-signin-log-analytics": log_analytics,
}


@dataclass(frozen=True)
class Replayed:
    """The logs up to a day of the intrusion, counted from 1. `truth`: what was planted; `kinds`: of sign-ins."""

    folder: Path
    truth: Path
    kinds: tuple[str, ...]
    day: int

    @property
    def declared(self) -> tuple[Declaration, ...]:
        """That all sign-ins in these logs are complete."""
        begin, end = (datetime.combine(when, time()) for when in (START, FIRST_DAY + timedelta(days=self.day)))
        return tuple(Declaration("entra-signin", kind, begin, end) for kind in self.kinds)

    @property
    def exported_at(self) -> datetime:
        """When these logs are whole: later than any record arrives."""
        return datetime.combine(FIRST_DAY + timedelta(days=self.day + 4), time())


def words(shape: Shape) -> tuple[str, ...]:
    """Return what is written, in words."""
    audit = "no audit log of Microsoft 365"
    if shape.audit:
        mail = f"mail access {'with' if shape.ids else 'without'} token ids" if shape.mail else "no mail access"
        audit = f"audit log of Microsoft 365, {mail}"
    kinds = ", ".join(_kinds(shape))
    graph = "requests to Graph" if shape.graph else "no requests to Graph"
    if kinds and not any(name.startswith("entra-") for name in shape.sign_ins):
        kinds += " (written as Entra ID exports them itself)"
    return audit, f"sign-ins: {kinds}" if kinds else "no sign-ins", graph


def write(shape: Shape, folder: Path, day: int) -> Replayed:
    """Write the logs that a tenant of this shape would have had after that day, and the truth beside."""
    tenant = Tenant(
        seed=SEED, start=START, days=(FIRST_DAY - START).days + day, people=PEOPLE, name="replay",
        id_era="2025" if shape.ids or not shape.mail else "2023", mail_audited=shape.mail,
        audit_wrappers=(next((_AUDIT[name] for name in shape.audit if name in _AUDIT), management_api),),
        signin_wrappers=(next((_SIGN_INS[name] for name in shape.sign_ins if name in _SIGN_INS), azure_monitor),),
    )
    begin = datetime.combine(FIRST_DAY, time(), UTC)
    storm = Storm0558(start=begin, end=begin + timedelta(days=DAYS), victims=VICTIMS)
    logs, truth = folder / "logs", folder / "truth.jsonl"
    Scenario("replay", tenant, (storm,)).write(logs, truth)
    for path in _unwanted(shape, logs):
        path.unlink()
    return Replayed(logs, truth, _kinds(shape), day)


def _kinds(shape: Shape) -> tuple[str, ...]:
    return tuple(kind for kind in SIGNIN_KINDS if kind in shape.kinds)


def _unwanted(shape: Shape, logs: Path) -> Iterator[Path]:
    """Yield the files of logs that the tenant does not have."""
    without = {name[kind] for name in (CATEGORIES, TABLES) for kind in SIGNIN_KINDS if kind not in shape.kinds}
    if not shape.graph:
        without.add("MicrosoftGraphActivityLogs")
    for path in sorted(path for path in logs.rglob("*") if path.is_file()):
        if path.stem in without or (path.parent.name == "m365" and not shape.audit):
            yield path
