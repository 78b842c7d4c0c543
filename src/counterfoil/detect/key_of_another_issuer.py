"""A token of one issuer that was verified under a key with which another signs."""

from __future__ import annotations

from counterfoil.detect.rule import Rule, Tables
from counterfoil.expressions import ir
from counterfoil.expressions.values import bound
from counterfoil.model.receipt import Signature
from counterfoil.model.schema import Leg


def _find(tables: Tables) -> ir.Table:
    records = tables.records.filter(tables.records.key_id.notnull(), tables.records.issuer.notnull())
    issued = records.leg.isin([str(Leg.ISSUANCE), str(Leg.SECONDARY_ISSUANCE)])
    signed = records.filter(issued, records.source.isin(bound("own logs", tables.logs.whole)))
    keys = signed.select("key_id", "issuer").distinct()
    verified = records.filter(records.leg == str(Leg.ACCEPTANCE), records.signature == str(Signature.VERIFIED))
    strange = verified.select("key_id", "issuer").semi_join(keys, "key_id").anti_join(keys, ["key_id", "issuer"])
    return tables.suspects.semi_join(strange, ["key_id", "issuer"]).select("token_key")


RULE = Rule(
    id="key-of-another-issuer",
    title="verified under a key with which another issuer signs",
    weight=2.5,
    severity="high",
    confidence="medium",
    audience="issuer",
    attack=("T1606",),
    references=("Microsoft, Analysis of Storm-0558 techniques for unauthorized email access, 2023-07-14",),
    why="A service verified the signature under a key of one issuer, and the token names another.",
    innocent="One issuer may write its name in several forms, and two may have keys of one name: then both look like "
    "this.",
    needs="issuers' own logs with key ids, and receipts",
    blind="services that write no receipts",
    next_step="Ask which keys that service takes for that issuer, and from where it has them.",
    find=_find,
)
