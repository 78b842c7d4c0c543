"""Somebody administered a key shortly before the first token under it that is not believed."""

from __future__ import annotations

from counterfoil.detect.keys.activity import CLUE, DAY, KEY
from counterfoil.detect.rule import KeyRule, KeyTables
from counterfoil.expressions import ibis, ir
from counterfoil.model.key_store import ADMINISTERS, TAKES

BEFORE_DAYS = 3


def _find(tables: KeyTables) -> ir.Table:
    activity, accused = tables.activity, tables.accused
    acts = activity.filter(activity.operation.isin(tuple(sorted({*ADMINISTERS, *TAKES}))))
    begun = accused.agg(forged=accused.seconds.min())
    near = acts.mutate(one=ibis.literal(1)).join(begun.mutate(one=ibis.literal(1)), "one")
    near = near.filter(near.first_seen <= near.forged, near.forged - near.last_seen <= BEFORE_DAYS * DAY)
    found = near.group_by(*KEY, "principal", "process", "forged").agg(
        first_seen=near.first_seen.min(), last_seen=near.last_seen.max(), records=near.records.sum(),
        what=ibis.literal(", ").join(near.operation.collect(distinct=True).sort()),
        place=near.place.min(),
    )
    hours = ((found.forged - found.last_seen) / 3_600).round().cast("int64").cast("string")
    return found.mutate(
        what=found.what + ", " + hours + " hours before the first token that is not believed",
        usual=ibis.literal("keys are administered on plan"),
    ).select(*CLUE)


KEY_RULE = KeyRule(
    id="key-administered-before-forgery",
    title="keys were administered within three days before the first token that is not believed",
    severity="high",
    confidence="medium",
    audience="issuer",
    attack=("T1552.004", "T1098"),
    references=("CSRB, Review of the Summer 2023 Microsoft Exchange Online Intrusion, 2024-03-20",),
    why="Whoever forges first needs the key, or a key of his own that services believe: both begin at the key store.",
    innocent="A rotation on plan that happens to lie there looks the same.",
    needs="a log of the key store, and tokens that are forged, contradicted or tainted",
    blind="a key that was taken long before it was used",
    next_step="Ask who did it, by which change request, and what else that account did on that day.",
    find=_find,
)
