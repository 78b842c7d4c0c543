"""Somebody reads crash dumps and debug data in bulk."""

from __future__ import annotations

from counterfoil.detect.keys.activity import CLUE, days
from counterfoil.detect.rule import KeyRule, KeyTables
from counterfoil.expressions import ibis, ir

# Crash dumps, core files and memory images by their names, packed or not, and what lies in folders for them.
DUMPS = (
    r"(?i)(\.(m|h|w)?dmp|\.vmem|\.core|/core\.\d+|\.crash|\.hprof)(\.(gz|xz|zst|zip|bz2|7z))?$"
    r"|/(crash|crashes|crashdumps?|crash-?store|coredumps?|minidumps?|memory-?dumps?)/"
)
# So many different files a day are bulk, and three times as many as on any of this person's days before.
FILES = 20
TIMES = 3


def _find(tables: KeyTables) -> ir.Table:
    records = tables.records
    reads = records.filter(records.object_kind == "file", records.object_id.re_search(DUMPS))
    seconds = reads.event_time.truncate("s").epoch_seconds().cast("int64")
    reads = reads.select(
        "source", "object_id", part=ibis.coalesce(reads.kind, ""), seconds=seconds, day=days(seconds),
        principal=ibis.coalesce(reads.subject_name, reads.subject_id, ""),
        process=ibis.coalesce(reads.user_agent.re_extract(r"^\S+", 0), ""),
        place=reads.raw_file + ":" + reads.raw_position.cast("string"),
    )
    who = ["source", "part", "principal"]
    daily = reads.group_by(*who, "day").agg(
        files=reads.object_id.nunique(), process=reads.process.argmin(reads.seconds), first_seen=reads.seconds.min(),
        last_seen=reads.seconds.max(), records=reads.count(), place=reads.place.min(),
    )
    before = ibis.window(group_by=[daily[name] for name in who], order_by=daily.day, preceding=(None, 1))
    held = daily.mutate(most=daily.files.max().over(before).fill_null(0))
    bulk = held.filter(held.files >= FILES, held.files > TIMES * held.most)
    return bulk.mutate(
        key=ibis.literal(""), what=bulk.files.cast("string") + " crash dumps or debug files in a day",
        usual=ibis.literal("at most ") + bulk.most.cast("string") + " a day until then",
    ).select(*CLUE)


KEY_RULE = KeyRule(
    id="debug-store-bulk-read",
    title="crash dumps or debug files were read in bulk",
    severity="medium",
    confidence="low",
    audience="issuer",
    attack=("T1552.001", "T1005"),
    references=(
        "Microsoft, Results of Major Technical Investigations for Storm-0558 Key Acquisition, 2023-09-06: a crash dump"
        " of the signing system was thought to have left its network",
    ),
    why="A dump of a program that held a key may hold it too, and debug stores are open to many. Who looks for keys"
    " reads many of them, and nobody has a bug in twenty places on one day.",
    innocent="Whoever analyses crashes for a living, or moves the store, looks the same on the first such day.",
    needs="a log of the store's files: the audit log of Microsoft 365, data events of S3",
    blind="stores that log no reading; a single dump, if it is the right one",
    next_step="Scan what was read: counterfoil leaks PATH --jwks URL says which of the files hold a key.",
    find=_find,
)
