"""Rule 5.10: what is missing may be a record that could not be read; but each of these hides one issuance at most.

So of more misses than such records some are forged. Which ones they may be is told as of assertions (rule 4.3): all
those that some assignment of misses to records leaves out. A miss that alone convicts nobody makes no set forged
either: it is uncovered while a record is left for it, and stays what it was where none is.
"""

from __future__ import annotations

from collections.abc import Sequence

from counterfoil.expressions import ibis, ir
from counterfoil.model.coverage import CoverageRow
from counterfoil.model.reason import Reason
from counterfoil.reconcile.assigned import left_out
from counterfoil.reconcile.covered import REQUIRED, needs, required
from counterfoil.reconcile.declared import LogFacts
from counterfoil.reconcile.engine import Engine
from counterfoil.reconcile.literals import number, summed

# Pairs of a miss and a record that may hide it that are looked at one by one. Beyond, all misses of an issuer are
# held against all records together: a bound that accuses less.
MAX_PAIRS = 100_000

# Reasons that say that an issuance is missing: those that convict, and those that alone do not.
_CONVICTS = tuple(map(str, (Reason.ID_NOT_ISSUED, Reason.SUBJECT_NOT_SIGNED_IN, Reason.ASSERTION_NOT_ISSUED)))
_WEAK = tuple(map(str, (Reason.LONE_MISS, Reason.UNPROVEN_LOG)))
_UNROOTED = str(Reason.UNROOTED)
_SAID = {"node": "string", "said": "string", "number": "int64"}


def doubted(
    engine: Engine, open_: ir.Table, hidden: ir.Table | None, coverage: Sequence[CoverageRow], facts: LogFacts
) -> ir.Table:
    """Return the open tokens with `open_reason` and `at_least` changed where an issuance may be unread.

    `hidden`: of `unread.Unread`.
    """
    missing = open_.filter(open_.open_reason.isin([*_CONVICTS, *_WEAK, _UNROOTED]))
    if hidden is None or not engine.rows(missing.limit(1)):
        return open_
    pairs = engine.keep("hidden_pairs", _pairs(engine, missing, hidden, coverage, facts))
    # several tokens may descend from one root, so that the unrooted are not counted
    unrooted = pairs.filter(pairs.reason == _UNROOTED)
    uncertain = unrooted.select("token_key").distinct().mutate(uncertain=ibis.literal(True))
    counted = pairs.filter(pairs.reason != _UNROOTED)
    tokens = counted.select("token_key", "node").distinct()
    place = ibis.row_number().over(group_by=tokens.node, order_by=tokens.token_key)
    told = tokens.mutate(place=place).join(_said(engine, counted), "node")  # of others nothing changes
    joined = open_.left_join(told, "token_key", rname="{name}_u").left_join(uncertain, "token_key", rname="{name}_r")
    reason = ibis.ifelse(joined.uncertain.fill_null(False), str(Reason.UNROOTED_UNCOVERED), joined.open_reason)
    return engine.keep("hidden_told", joined.select(
        *(name for name in open_.columns if name not in ("open_reason", "at_least")),
        open_reason=ibis.coalesce(joined.said, reason),
        # the number of a node stands on one token alone, so that sums are right
        at_least=ibis.ifelse(joined.place == 0, joined.number, joined.at_least).fill_null(joined.at_least),
    ))


def _pairs(
    engine: Engine, missing: ir.Table, hidden: ir.Table, coverage: Sequence[CoverageRow], facts: LogFacts
) -> ir.Table:
    """Return (token_key, node, issuer, reason, row, n): which record may hold the issuance that a token misses.

    `node`: what one issuance serves. That is an id, an assertion, or whatever a person does without an id.
    """
    bare = missing.open_reason == str(Reason.SUBJECT_NOT_SIGNED_IN)
    node = ibis.cases((missing.has_id, missing.token_id), (bare, missing.subject), else_=missing.token_key)
    asked = missing.select(
        "token_key", "issuer", "token_id", "subject", "identified", "w_lo", "w_hi",
        reason=missing.open_reason, needs=needs(missing, facts.keepers), node=missing.issuer + " " + node,
    )
    wanted = asked.join(engine.given("unread_needs", REQUIRED, required(facts, coverage)), ["issuer", "needs"])
    met = wanted.join(hidden, ["issuer", "source", "kind"], rname="{name}_u")
    inside = (met.lo <= met.w_hi) & (met.hi >= met.w_lo)
    inside |= ((met.t >= met.w_lo) & (met.t <= met.w_hi)).fill_null(False)
    own = ((met.token_id == met.token_id_u) | met.item_ids.contains(met.token_id)).fill_null(False)
    another = met.identified & met.identified_u & (met.subject != met.subject_u).fill_null(False)
    another |= (met.token_id != met.token_id_u).fill_null(False)
    may = met.filter(own | (inside & ~(another & (met.n == 1))))
    return may.select("token_key", "node", "issuer", "reason", "row", "n").distinct()


def _said(engine: Engine, pairs: ir.Table) -> ir.Table:
    """Return (node, said, number): the reason, and numbers whose sum is how many at least are forged.

    A node of which every token is weak, and for which no record is left, is not among them.
    """
    strong = ~pairs.reason.isin(_WEAK)
    edges = engine.keep("hidden_edges", pairs.group_by("node", "issuer", "row", "n").agg(strong=strong.any()))
    (size,) = engine.rows(edges.agg(n=edges.count()))
    if int(size["n"]) > MAX_PAIRS:
        return _together(edges)
    rows = engine.rows(edges.select("node", "row", "n", "strong"))
    strongly = {row["node"] for row in rows if row["strong"]}
    surplus = left_out((row["node"], row["row"], int(row["n"])) for row in rows if row["node"] in strongly)
    weak = {row["node"] for row in rows} - strongly
    weak -= left_out((row["node"], row["row"], int(row["n"])) for row in rows).keys() if weak else set()
    few, many = str(Reason.MAY_BE_UNREAD), str(Reason.MORE_THAN_UNREAD)
    return engine.given("unread_said", _SAID, [
        [node, many if node in surplus else few, surplus.get(node, 0)] for node in sorted(strongly | weak)
    ])


def _together(edges: ir.Table) -> ir.Table:
    """Return the same of all misses of an issuer as one set."""
    nodes = edges.group_by("issuer", "node").agg(strong=edges.strong.any())
    rows = edges.select("issuer", "row", "n").distinct()
    room = rows.group_by("issuer").agg(room=summed(rows.n))
    place = ibis.row_number().over(group_by=[nodes.issuer, nodes.strong], order_by=nodes.node)
    convicting = summed(nodes.strong.cast("int64")).over(group_by=nodes.issuer)
    size = nodes.count().over(group_by=nodes.issuer)
    met = nodes.mutate(place=place, convicting=convicting, size=size).join(room, "issuer")
    beyond = met.convicting - met.room
    return met.filter(met.strong | (met["size"] <= met.room)).select(
        "node",
        said=ibis.ifelse(beyond > 0, str(Reason.MORE_THAN_UNREAD), str(Reason.MAY_BE_UNREAD)),
        number=ibis.ifelse((met.place == 0) & (beyond > 0), beyond, number(0)),
    )
