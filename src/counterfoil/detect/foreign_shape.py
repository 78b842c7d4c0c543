"""A token written as its issuer never writes: order of members and claims, spacing, form of the id."""

from __future__ import annotations

from counterfoil.detect.rule import Rule, Tables
from counterfoil.expressions import ir
from counterfoil.model.schema import Leg

# So many tokens of an issuer must show how it writes.
KNOWN = 50


def _find(tables: Tables) -> ir.Table:
    written = tables.records.filter(tables.records.token_shape.notnull(), tables.records.issuer.notnull())
    own = written.filter(written.leg.isin([str(Leg.ISSUANCE), str(Leg.SECONDARY_ISSUANCE)]))
    shapes = own.group_by("issuer", "token_shape").agg(n=own.count())
    known = shapes.group_by("issuer").agg(n=shapes.n.sum()).filter(lambda t: t.n >= KNOWN).select("issuer")
    shown = written.filter(written.leg == str(Leg.ACCEPTANCE), written.signing_input_digest.notnull())
    strange = shown.semi_join(known, "issuer").anti_join(shapes, ["issuer", "token_shape"])
    suspects = tables.suspects
    return suspects.semi_join(strange, ["issuer", "signing_input_digest"]).select("token_key")


RULE = Rule(
    id="foreign-shape",
    title="written as its issuer never writes tokens",
    weight=4.0,
    severity="high",
    confidence="medium",
    audience="issuer",
    attack=("T1606",),
    references=("counterfoil, tokens.shape",),
    why="An issuer writes all its tokens with one program: the members of the header, the order of the claims, the "
    "spacing and the form of the id are always the same few. This one's are none of them.",
    innocent="A new version of the issuer looks the same on its first day, until its tokens are in the ledger.",
    needs="a ledger and receipts that tell the shape",
    blind="a forger who writes as the issuer does",
    next_step="Ask who runs the issuer whether it was changed that day, and compare with other tokens of this shape.",
    find=_find,
)
