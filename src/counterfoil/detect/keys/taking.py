"""The private half of a key was asked for, let out, taken in from elsewhere, or its process's memory read."""

from __future__ import annotations

from counterfoil.detect.keys.activity import BASELINE_DAYS, CLUE, DAY, KEY, days, known_since
from counterfoil.detect.rule import KeyRule, KeyTables
from counterfoil.expressions import ibis, ir
from counterfoil.model.key_store import ATTACH, BACKUP, DUMP, TAKES

# A backup that one account makes on so many days over two weeks is a plan, and a program that so often opens the memory
# of the key's process looks for viruses: neither is told.
PLANNED_DAYS = 4


def _find(tables: KeyTables) -> ir.Table:
    taken = tables.activity.filter(tables.activity.operation.isin(TAKES))
    by = [*KEY, "principal", "process", "operation"]
    found = taken.mutate(day=days(taken.first_seen)).group_by(*by).agg(
        first_seen=taken.first_seen.min(), last_seen=taken.last_seen.max(), records=taken.records.sum(),
        done=taken.done.any(), on_days=days(taken.first_seen).nunique(), place=taken.place.min(),
    )
    planned = (
        found.operation.isin([BACKUP, DUMP]) & (found.on_days >= PLANNED_DAYS)
        & (days(found.last_seen) - days(found.first_seen) >= BASELINE_DAYS)
    )
    # a store is set up with the keys that there are
    store = ("source", "part")
    dated = found.mutate(planned=planned).join(known_since(tables.activity, store), list(store), rname="{name}_s")
    founding = (dated.operation == ATTACH) & (dated.first_seen - dated.known < BASELINE_DAYS * DAY)
    told = dated.filter(~dated.planned, ~founding)
    how = ibis.ifelse(told.done, "", " (did not succeed)")
    return told.mutate(
        what=told.operation + how, usual=ibis.literal("a private key stays in its store, and is never asked for")
    ).select(*CLUE)


KEY_RULE = KeyRule(
    id="key-taking",
    title="the private half of a signing key was asked for, let out, or brought in",
    severity="high",
    confidence="high",
    audience="issuer",
    attack=("T1552.004",),
    references=(
        "openbao.org/api-docs/secret/transit: export, backup, config",
        "Microsoft, Results of Major Technical Investigations for Storm-0558 Key Acquisition, 2023-09-06",
    ),
    why="Export, backup, making a key exportable, importing one and reading the memory of its process are the ways on"
    " which a private key leaves its store, or was elsewhere before. An attempt that was refused counts: nobody needs"
    " to make it.",
    innocent="A planned backup, a migration between stores, or taking one more key into custody looks the same. Not"
    " told is what the same account does with the same program on four days or more over two weeks: backups, and"
    " scanners for viruses that open the process.",
    needs="a log of the key store; of AD FS, Sysmon 1 and 10 or Security 4688 with command lines",
    blind="who reads the key's file or the machine's memory past the store's log; keys that are brought in during the"
    " first two weeks of a store",
    next_step="Ask who did it and where the copy is. If nobody can say, treat the key as out: counterfoil respond"
    " plan.",
    find=_find,
)
