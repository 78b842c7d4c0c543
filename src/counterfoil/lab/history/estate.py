"""Writes the logs and the truth of one tenant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

from counterfoil.errors import UsageError
from counterfoil.lab.history.attack import Attack, Intrusion
from counterfoil.lab.history.clock import SLICE, midnight
from counterfoil.lab.history.federation import Federation
from counterfoil.lab.history.habits import Habits
from counterfoil.lab.history.life import Life
from counterfoil.lab.history.losses import Loss, LossRule
from counterfoil.lab.history.plan import Planner
from counterfoil.lab.history.settings import Tenant
from counterfoil.lab.history.truth import Truth
from counterfoil.lab.history.world import World


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: `legs` counts distinct records, `lines` what the files hold with duplicates and wrappers."""

    folder: Path
    truth: Path
    paths: tuple[Path, ...]  # log files, sorted
    legs: Mapping[str, int]  # issuance, secondary_issuance, acceptance, context
    labels: Mapping[str, int]  # acceptance records per truth label
    rows: Mapping[str, int]  # accepted tokens (rows of truth) per label
    records: int
    lines: int


def write_estate(
    tenant: Tenant,
    intrusions: Sequence[Intrusion],
    losses: Sequence[Loss],
    folder: Path,
    truth_path: Path,
    federation: Federation | None = None,
) -> Written:
    """Write the logs of `tenant` below `folder` and the truth, as JSON lines, to `truth_path` outside of it.

    Intrusions add records and change no other; losses remove issuance records and change no other. `federation`: the
    servers of the federated domains, if their log is there.
    """
    if folder.resolve() in truth_path.resolve().parents:
        raise UsageError(f"the truth must lie outside the logs: {truth_path} is inside {folder}")
    folder.mkdir(parents=True, exist_ok=True)
    truth = Truth(truth_path, write_genuine=tenant.genuine_truth)
    rule = LossRule(tuple(losses), tenant.seed, tenant.begins)
    world = World(tenant, rule, truth, folder, federation(tenant, rule, folder) if federation else None)
    habits = Habits(tenant, world.cast)
    planner, life = Planner(world, habits), Life(world)
    attacks: list[Attack] = [intrusion.at_work(world, habits, life) for intrusion in intrusions]
    for number in range(tenant.days):
        day = tenant.start + timedelta(days=number)
        for attack in attacks:
            attack.plan(day)
        life.begin(day)
        first = midnight(day) // SLICE
        for offset, moments in enumerate(planner.plan(day)):
            for moment in moments:
                life.act(moment)
            world.flush(first + offset)
    paths = world.close()
    truth.close()
    return Written(
        folder=folder,
        truth=truth_path,
        paths=paths,
        legs=MappingProxyType(dict(world.counts)),
        labels=MappingProxyType(dict(truth.acceptances)),
        rows=MappingProxyType(dict(truth.rows)),
        records=sum(world.counts.values()),
        lines=world.lines,
    )
