"""Asks the evidence about the servers of a federation: which there are, and whether their event logs are whole.

A log of Windows counts its records. So a hole in it shows, as long as the whole log was exported: record numbers that
jump now and then are a loss, those that jump all the time are a filter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from counterfoil.expressions import ibis, ir
from counterfoil.model.logs import Hosts, Logs
from counterfoil.model.schema import Leg
from counterfoil.reconcile.engine import Engine

# Record numbers of a filtered export jump all the time and prove nothing; of a whole one they never do.
CONTIGUOUS = 0.9
EVENT_LOG, AUDITING_OFF = "event_log", "auditing_off"

Breaks = tuple[tuple[datetime, datetime, str], ...]
Host = tuple[str, str]  # source and kind


@dataclass(frozen=True)
class HostFacts:
    """What the evidence shows of servers, as `LogFacts` has it."""

    farms: Mapping[str, frozenset[Host]]
    breaks: Mapping[Host, Breaks]
    notes: Mapping[Host, str]
    begins: Mapping[Host, tuple[datetime, int | None]]


def host_facts(engine: Engine, evidence: ir.Table, logs: Logs) -> HostFacts:
    """Return what the evidence, taken with its duplicates, shows of the servers of federations."""
    farms: dict[str, frozenset[Host]] = {}
    breaks: dict[Host, Breaks] = {}
    notes: dict[Host, str] = {}
    begins: dict[Host, tuple[datetime, int | None]] = {}
    for name, told in logs.hosts.items():
        of_log = _of_log(engine, evidence, name, told)
        farms, breaks = {**farms, **of_log.farms}, {**breaks, **of_log.breaks}  # names of farms tell their log
        notes, begins = {**notes, **of_log.notes}, {**begins, **of_log.begins}
    return HostFacts(farms, breaks, notes, begins)


def _of_log(engine: Engine, evidence: ir.Table, name: str, told: Hosts) -> HostFacts:
    events = evidence.filter(evidence.source.isin([name, *told.beside]))
    farms: dict[str, set[Host]] = defaultdict(set)
    members = events.filter(events.issuer.notnull()).select("issuer", "kind").distinct()
    for row in engine.rows(members):
        farms[row["issuer"]].add((name, row["kind"]))
    stepped = _stepped(events)
    numbering = stepped.group_by("kind").agg(
        whole=(stepped.step == 1).cast("int64").sum(), steps=stepped.step.count(), least=stepped.sequence.min(),
        most=stepped.sequence.max(),
    )
    numbers = {row["kind"]: row for row in engine.rows(numbering)}
    solid = {kind for kind, row in numbers.items() if row["steps"] and row["whole"] >= CONTIGUOUS * row["steps"]}
    issued = events.leg == Leg.ISSUANCE
    logs = engine.rows(events.group_by("kind").agg(
        first=events.event_time.min(),
        full=events.count(where=issued & (events.operation == told.full)),
        bare=events.count(where=issued & (events.operation == told.bare)),
    ))
    return HostFacts(
        farms={farm: frozenset(hosts) for farm, hosts in farms.items()},
        breaks={(name, host): times for host, times in _breaks(engine, events, stepped, solid, told).items()},
        notes={
            (name, log["kind"]): f"{_audits(log, told)}; {_numbers(numbers.get(log['kind']), log['kind'] in solid)}"
            for log in logs
        },
        begins={
            (name, log["kind"]): (log["first"], numbers[log["kind"]]["least"] if log["kind"] in solid else None)
            for log in logs
        },
    )


def _stepped(events: ir.Table) -> ir.Table:
    """Return the numbered records of each host, with `step` from the number before and `previous`, its time."""
    numbered = events.filter(events.sequence.notnull()).select("kind", "event_time", "sequence").distinct()
    by_number = {"group_by": numbered.kind, "order_by": [numbered.sequence, numbered.event_time]}
    return numbered.mutate(
        step=numbered.sequence - numbered.sequence.lag().over(**by_number),
        previous=numbered.event_time.lag().over(**by_number),
    )


def _audits(log: Mapping[str, Any], told: Hosts) -> str:
    """Return the level at which a server was audited."""
    both, full, bare, none = told.audited
    if log["full"]:
        return both if log["bare"] else full
    return bare if log["bare"] else none


def _numbers(numbers: Mapping[str, Any] | None, solid: bool) -> str:
    if numbers is None or not numbers["steps"]:
        return "no record numbers, so that gaps cannot be seen"
    if not solid:
        return "record numbers jump throughout, as in a filtered export, so that gaps cannot be seen"
    return f"record numbers {numbers['least']:,} to {numbers['most']:,}"


def _breaks(
    engine: Engine, events: ir.Table, stepped: ir.Table, solid: set[str], told: Hosts
) -> dict[str, Breaks]:
    """Return where a host's event log lost records or was switched off, or its record numbers jump."""
    found: dict[str, list[tuple[datetime, datetime, str]]] = defaultdict(list)
    lossy = (events.object_kind == EVENT_LOG) & events.operation.isin(list(told.losses))
    lost = events.filter(lossy | (events.object_kind == AUDITING_OFF)).select("kind", "event_time", "operation")
    for row in engine.rows(lost):
        when, what = row["event_time"], told.losses.get(row["operation"], told.switched_off)
        found[row["kind"]].append((when, when, f"{what} at {when:%Y-%m-%d %H:%M:%S}Z"))
    jumps = stepped.filter(stepped.step > 1, stepped.kind.isin(sorted(solid)) if solid else ibis.literal(False))
    for row in engine.rows(jumps):
        begin, end = sorted((row["previous"], row["event_time"]))
        last = row["sequence"] - 1
        first = row["sequence"] - row["step"] + 1
        what = f"records {first:,} to {last:,} are missing ({row['step'] - 1:,})" if last > first else (
            f"record {first:,} is missing")
        words = f"{what}, between {begin:%Y-%m-%d %H:%M:%S}Z and {end:%Y-%m-%d %H:%M:%S}Z"
        found[row["kind"]].append((begin, end, words))
    return {host: tuple(sorted(times)) for host, times in found.items()}
