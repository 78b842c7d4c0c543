"""Decides what of a case has to be settled: all of it, what was added since the last run, or nothing.

What a run settled (`case.piles`) serves the next one if it was made by the same version with the same options that
settling depends on, from batches that the case still holds, and if its files are as they were left. So do the parts
that a run had settled when it was ended. Everything else is made anew from the evidence.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import msgspec

from counterfoil._version import __version__
from counterfoil.case.folder import CaseFolder
from counterfoil.case.manifest import Manifest
from counterfoil.case.piles import intact, parts_settled, sizes, sweep
from counterfoil.case.results import attached
from counterfoil.expressions import ir
from counterfoil.pipeline.store import Store
from counterfoil.reconcile.asked import Asked
from counterfoil.reconcile.engine import Engine
from counterfoil.reconcile.families import BUCKETS
from counterfoil.reconcile.policy import Policy

PILES = 4  # raised whenever what settling writes, or how, changes
# Records that are settled at once: what memory holds of them at a time. A power of two of buckets comes near it.
PART_ROWS = 4_000_000
# Each generation costs every reader a join: after so many, all is settled anew.
MAX_GENERATIONS = 8


class State(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the results tell of their piles. `files`: sizes by path; `batches`: the evidence that they were made of.

    `judged`: the hash of all that verdicts follow from (pipeline.standing).
    """

    fingerprint: str
    generations: tuple[str, ...]
    files: dict[str, int]
    batches: dict[str, int]
    judged: str = ""


@dataclass(frozen=True)
class Plan:
    """What to settle, part by part. `added`: batches that earlier generations lack, None to settle everything.

    `buckets`: of the parts that are left; `settled`: how many a run that was ended had settled.
    """

    fingerprint: str
    earlier: tuple[str, ...]
    generation: str
    added: tuple[str, ...] | None
    buckets: tuple[tuple[str, ...], ...]
    settled: int


def fingerprint(asked: Asked, policy: Policy, tenant: str | None) -> str:
    """Return a hash of everything but the evidence that settling depends on."""
    told = (__version__, PILES, repr(policy), sorted(asked.federated), sorted(asked.identities), tenant)
    return hashlib.sha256(repr(told).encode()).hexdigest()


def plan(
    con: duckdb.DuckDBPyConnection, folder: CaseFolder, manifest: Manifest, made_with: str, form: str
) -> Plan:
    """Return what has to be settled, and sweep away what no run will use again.

    `form`: how the engine writes piles (`store.Store`); what was begun in another is begun anew.
    """
    batches = {batch.id: batch.rows for batch in manifest.batches}
    last = state(con, folder)
    before = last.generations if last else ()
    if last is not None and _serves(folder, last, made_with, batches):
        earlier, added = before, tuple(sorted(batches.keys() - last.batches.keys()))
    else:
        earlier, added = (), None
    name = _name(form, made_with, *earlier, *(sorted(batches) if added is None else added))
    sweep(folder.settled, (*before, name))
    if added == ():
        return Plan(made_with, earlier, name, added, (), 0)
    buckets = divided(sum(batches[batch] for batch in (batches if added is None else added)))
    settled = parts_settled(folder.settled / name)
    return Plan(made_with, earlier, name, added, buckets[settled:], settled)


def divided(rows: int) -> tuple[tuple[str, ...], ...]:
    """Return the buckets to settle one after the other: so many that each has some PART_ROWS records.

    Beyond the buckets that evidence is written in, parts of a bucket, so that memory holds each: the bucket is then
    read once for each of them.
    """
    names = list(BUCKETS)
    if rows > len(BUCKETS) * PART_ROWS:
        names = [first + second for first in BUCKETS for second in BUCKETS]
    count = 1
    while count < len(names) and rows > count * PART_ROWS:
        count *= 2
    size = len(names) // count
    return tuple(tuple(names[place : place + size]) for place in range(0, len(names), size))


def _serves(folder: CaseFolder, last: State, made_with: str, batches: dict[str, int]) -> bool:
    added = batches.keys() - last.batches.keys()
    return (
        last.fingerprint == made_with
        and last.batches.items() <= batches.items()
        and (not added or len(last.generations) < MAX_GENERATIONS)
        and sum(batches[name] for name in added) <= sum(last.batches.values())
        and intact(folder.settled, last.generations, last.files)
    )


def _name(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def state(con: duckdb.DuckDBPyConnection, folder: CaseFolder) -> State | None:
    """Return what the last results tell of their piles; None if there are none, or they cannot be read."""
    try:
        with attached(con, folder) as name:
            if name is None:
                return None
            (text,) = con.execute(f"SELECT state FROM {name}.settled").fetchall()[0]  # noqa: S608  # our own name
            return msgspec.json.decode(text, type=State)
    except (duckdb.Error, msgspec.MsgspecError, IndexError):
        return None


def state_after(folder: CaseFolder, manifest: Manifest, plan: Plan, judged: str) -> State:
    """Return what the results of this run tell the next one."""
    made = plan.generation if (folder.settled / plan.generation).is_dir() else None
    generations = (*plan.earlier, *([made] if made else []))
    files: dict[str, int] = {}
    for name in generations:
        files |= sizes(folder.settled / name)
    batches = {batch.id: batch.rows for batch in manifest.batches}
    return State(
        fingerprint=plan.fingerprint, generations=generations, files=files, batches=batches, judged=judged
    )


def state_table(tables: Engine, told: State) -> ir.Table:
    """Return the state as a table of the results."""
    return tables.given("settled_out", {"state": "string"}, [[msgspec.json.encode(told).decode()]])


def before(con: duckdb.DuckDBPyConnection, folder: CaseFolder, tables: Store, names: Sequence[str]) -> list[ir.Table]:
    """Return copies of these tables of the last results."""
    with attached(con, folder) as results:
        return [tables.copied(f"{name}_before", f"SELECT * FROM {results}.{name}") for name in names]  # noqa: S608


def folders(folder: CaseFolder, plan: Plan) -> tuple[Path, tuple[Path, ...]]:
    """Return the folder of the generation to be made, and those of the earlier ones."""
    return folder.settled / plan.generation, tuple(folder.settled / name for name in plan.earlier)
