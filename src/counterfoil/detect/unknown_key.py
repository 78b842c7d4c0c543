"""A token that was verified under a key with which its issuer, by its own log, never signed."""

from __future__ import annotations

from counterfoil.detect.rule import Rule, Tables
from counterfoil.expressions import ibis, ir
from counterfoil.expressions.values import bound
from counterfoil.model.key_store import PUBLISHED, WORDS
from counterfoil.model.receipt import Signature
from counterfoil.model.schema import Leg


def _find(tables: Tables) -> ir.Table:
    records = tables.records
    issued = records.leg.isin([str(Leg.ISSUANCE), str(Leg.SECONDARY_ISSUANCE)])
    own = records.filter(
        issued, records.source.isin(bound("own logs", tables.logs.whole)), records.key_id.notnull(),
        records.issuer.notnull(),
    )
    stored = records.filter(records.key_operation.isin(bound("words", WORDS)), records.key_id.notnull())
    served = records.filter(records.key_operation == PUBLISHED)
    known = ibis.union(
        own.select("key_id"), stored.select("key_id"), served.select(key_id=served.item_ids.unnest()), distinct=True
    )
    verified = records.filter(
        records.leg == str(Leg.ACCEPTANCE), records.signature == str(Signature.VERIFIED), records.key_id.notnull()
    )
    # an issuer whose log names no keys is held against nothing
    strange = verified.semi_join(own, "issuer").anti_join(known, "key_id").select("key_id", "issuer").distinct()
    return tables.suspects.semi_join(strange, ["key_id", "issuer"]).select("token_key")


RULE = Rule(
    id="unknown-key-verified",
    title="verified under a key with which its issuer never signed",
    weight=3.0,
    severity="high",
    confidence="medium",
    audience="issuer",
    attack=("T1606", "T1556"),
    references=("counterfoil, reconciliation: what own logs show of keys",),
    why="A service verified the signature under a key that the issuer's log, its key store and its published key set "
    "do not know: it takes keys from somewhere else.",
    innocent="A key of another region of the issuer, whose log was not exported, looks the same.",
    needs="the issuer's own log with key ids, and receipts that say what was verified",
    blind="a token that merely names a strange key: a wrong kid alone proves nothing, some services leave it out or "
    "make it up",
    next_step="Ask that service from where it has the key, and compare its key set with the published one.",
    find=_find,
)
