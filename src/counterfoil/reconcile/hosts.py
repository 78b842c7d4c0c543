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
from counterfoil.model.schema import Leg
from counterfoil.reconcile.declared import ADFS
from counterfoil.reconcile.engine import Engine

# Record numbers of a filtered export jump all the time and prove nothing; of a whole one they never do.
CONTIGUOUS = 0.9
WINDOWS = (ADFS, "windows-security")
# Events of the Security log about itself (object_kind event_log) after which records are missing.
# learn.microsoft.com, "Event 1101", "Event 1102", "Event 1104"
LOSSES = {
    "1101": "audit events were dropped (1101)",
    "1102": "the event log was cleared (1102)",
    "1104": "the Security log was full (1104)",
}
EVENT_LOG, AUDITING_OFF = "event_log", "auditing_off"
SWITCHED_OFF = "auditing of AD FS was switched off (4719)"
BASIC, VERBOSE = "1200", "299"

Breaks = tuple[tuple[datetime, datetime, str], ...]
Host = tuple[str, str]  # source and kind


@dataclass(frozen=True)
class HostFacts:
    """What the evidence shows of servers, as `LogFacts` has it."""

    farms: Mapping[str, frozenset[str]]
    breaks: Mapping[Host, Breaks]
    notes: Mapping[Host, str]
    begins: Mapping[Host, tuple[datetime, int | None]]


def host_facts(engine: Engine, evidence: ir.Table) -> HostFacts:
    """Return what the evidence, taken with its duplicates, shows of the servers of federations."""
    windows = evidence.filter(evidence.source.isin(WINDOWS))
    farms: dict[str, set[str]] = defaultdict(set)
    members = windows.filter(windows.source == ADFS, windows.issuer.notnull()).select("issuer", "kind").distinct()
    for row in engine.rows(members):
        farms[row["issuer"]].add(row["kind"])
    stepped = _stepped(windows)
    numbering = stepped.group_by("kind").agg(
        whole=(stepped.step == 1).cast("int64").sum(), steps=stepped.step.count(), least=stepped.sequence.min(),
        most=stepped.sequence.max(),
    )
    numbers = {row["kind"]: row for row in engine.rows(numbering)}
    solid = {kind for kind, row in numbers.items() if row["steps"] and row["whole"] >= CONTIGUOUS * row["steps"]}
    issued = (windows.source == ADFS) & (windows.leg == Leg.ISSUANCE)
    logs = engine.rows(windows.group_by("kind").agg(
        first=windows.event_time.min(),
        basic=windows.count(where=issued & (windows.operation == BASIC)),
        verbose=windows.count(where=issued & (windows.operation == VERBOSE)),
    ))
    return HostFacts(
        farms={farm: frozenset(hosts) for farm, hosts in farms.items()},
        breaks=_breaks(engine, windows, stepped, solid),
        notes={
            (ADFS, log["kind"]): "; ".join((_audits(log), _numbers(numbers.get(log["kind"]), log["kind"] in solid)))
            for log in logs
            if log["basic"] or log["verbose"]
        },
        begins={
            (ADFS, log["kind"]): (log["first"], numbers[log["kind"]]["least"] if log["kind"] in solid else None)
            for log in logs
        },
    )


def _stepped(windows: ir.Table) -> ir.Table:
    """Return the numbered records of each host, with `step` from the number before and `previous`, its time."""
    numbered = windows.filter(windows.sequence.notnull()).select("kind", "event_time", "sequence").distinct()
    by_number = {"group_by": numbered.kind, "order_by": [numbered.sequence, numbered.event_time]}
    return numbered.mutate(
        step=numbered.sequence - numbered.sequence.lag().over(**by_number),
        previous=numbered.event_time.lag().over(**by_number),
    )


def _audits(log: Mapping[str, Any]) -> str:
    """Return the level at which a server was audited."""
    if log["basic"]:
        return "audits 1200 and 299 (Verbose)" if log["verbose"] else "audit 1200 alone (Basic)"
    return "audit 299 alone, which names no user"


def _numbers(numbers: Mapping[str, Any] | None, solid: bool) -> str:
    if numbers is None or not numbers["steps"]:
        return "no record numbers, so that gaps cannot be seen"
    if not solid:
        return "record numbers jump throughout, as in a filtered export, so that gaps cannot be seen"
    return f"record numbers {numbers['least']:,} to {numbers['most']:,}"


def _breaks(engine: Engine, windows: ir.Table, stepped: ir.Table, solid: set[str]) -> dict[Host, Breaks]:
    """Return where a host's event log lost records or was switched off, or its record numbers jump."""
    found: dict[Host, list[tuple[datetime, datetime, str]]] = defaultdict(list)
    lossy = (windows.object_kind == EVENT_LOG) & windows.operation.isin(list(LOSSES))
    told = windows.filter(lossy | (windows.object_kind == AUDITING_OFF)).select("kind", "event_time", "operation")
    for row in engine.rows(told):
        when, what = row["event_time"], LOSSES.get(row["operation"], SWITCHED_OFF)
        found[ADFS, row["kind"]].append((when, when, f"{what} at {when:%Y-%m-%d %H:%M:%S}Z"))
    jumps = stepped.filter(stepped.step > 1, stepped.kind.isin(sorted(solid)) if solid else ibis.literal(False))
    for row in engine.rows(jumps):
        begin, end = sorted((row["previous"], row["event_time"]))
        last = row["sequence"] - 1
        first = row["sequence"] - row["step"] + 1
        what = f"records {first:,} to {last:,} are missing ({row['step'] - 1:,})" if last > first else (
            f"record {first:,} is missing")
        words = f"{what}, between {begin:%Y-%m-%d %H:%M:%S}Z and {end:%Y-%m-%d %H:%M:%S}Z"
        found[ADFS, row["kind"]].append((begin, end, words))
    return {host: tuple(sorted(times)) for host, times in found.items()}
