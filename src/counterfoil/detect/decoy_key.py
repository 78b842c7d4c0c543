"""A token under a decoy key, which nothing is ever signed with: the ledger says where the key was left."""

from __future__ import annotations

from counterfoil.detect.rule import Rule, Tables
from counterfoil.expressions import ir
from counterfoil.expressions.values import bound
from counterfoil.model.logs import Logs
from counterfoil.model.schema import Leg, Outcome
from counterfoil.model.verdict import Claim, FindingVerdict

# Decoys that a case may know of: one is enough for each place.
MOST_DECOYS = 10_000


def planted(records: ir.Table, logs: Logs) -> ir.Table:
    """Return (key_id, place) of the decoys in evidence, each pair once."""
    # the leg is a folder of the evidence: all others need not be read
    context = records.leg == str(Leg.CONTEXT)
    decoys = records.filter(context, records.source.isin(bound("decoys", logs.decoys)), records.key_id.notnull())
    return decoys.select("key_id", place=decoys.object_id).distinct().limit(MOST_DECOYS)


def refused(records: ir.Table, logs: Logs) -> ir.Table:
    """Return what was presented under a decoy and refused, a row for each decoy: key_id, records, first, last.

    Refused tokens have no verdict, so no rule sees them; a verifier that knows the decoy refuses them all.
    """
    presented = records.filter(records.leg == str(Leg.ACCEPTANCE), records.outcome == str(Outcome.REFUSED))
    under = presented.semi_join(planted(records, logs), "key_id")
    return under.group_by("key_id").agg(
        records=under.count(), first_seen=under.event_time.min(), last_seen=under.event_time.max()
    )


def _find(tables: Tables) -> ir.Table:
    return tables.tokens.semi_join(planted(tables.records, tables.logs), "key_id").select("token_key")


RULE = Rule(
    id="decoy-key",
    title="a token under a decoy key, which signs nothing",
    weight=9.0,
    severity="critical",
    confidence="high",
    audience="issuer",
    attack=("T1606", "T1552.004"),
    references=("thinkst.com, canary tokens: the idea",),
    why="The key was made to be stolen: it was left in one place and never signs. Whoever presents a token under it "
    "took the key from there, and some service accepted it.",
    innocent="A test by those who left the decoy looks the same.",
    needs="the ledger of decoys, and acceptances with key ids",
    blind="a thief who tries other keys first",
    next_step="Close the place that the finding names to the intruder, find out what else lay there, and make the "
    "service that accepted the token check the policy of its keys.",
    find=_find,
)
# What a finding says of tokens that were presented under a decoy and refused: nobody innocent holds the key.
REFUSED = Claim(FindingVerdict.SUSPICION, "high", "high", RULE.attack)
