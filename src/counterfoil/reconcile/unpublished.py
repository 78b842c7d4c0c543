"""Rule 4.8: logs of which nobody has published how complete they are, or whether their ids are always those of tokens.

A declaration of such a log rests on nothing but the case. So the case has to show it: enough tokens of the same sort
link there, and none of anybody's own is missing. With both, what is missing is forged; with one, probably.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from counterfoil.expressions import ibis, ir
from counterfoil.expressions.values import bound
from counterfoil.model.reason import Probable
from counterfoil.model.schema import Outcome
from counterfoil.reconcile.covered import Required
from counterfoil.reconcile.declared import LogFacts, seconds
from counterfoil.reconcile.engine import Engine
from counterfoil.reconcile.judge import sound_person
from counterfoil.reconcile.log_parts import in_logs
from counterfoil.reconcile.policy import Policy
from counterfoil.reconcile.quiet import within

_OF = ["log", "issuer", "sort"]
_SORT = ["issuer", "needs"]


def with_unpublished(
    engine: Engine, open_: ir.Table, linked: ir.Table, issued: ir.Table, parts: Sequence[Required], facts: LogFacts,
    policy: Policy,
) -> ir.Table:
    """Add `unproven`: such a log is needed to accuse the token, and the case does not show that it is complete.

    Complete `probable` of those that such a log lacks and nobody declared, though the case shows it.
    `linked`: every token that links to a primary issuance and is not contradicted, with `needs`.
    Tokens are of one sort if they need the same parts of logs.
    """
    names = facts.logs.unpublished
    mine = [part for part in parts if part[2] in names]
    issuers = bound("unpublished issuers", sorted({issuer for issuer, *_ in mine}))
    concerned = in_logs(open_, "unpublished logs", names) | open_.issuer.isin(issuers).fill_null(False)
    missed = ibis.or_(open_.missed, ~open_.has_id & ~open_.candidate & sound_person(open_))
    asked = open_.filter(concerned, missed, ~open_.silent, ~open_.agentic)
    asked = engine.keep("unpublished_asked", asked)
    if not engine.rows(asked.limit(1)):
        return open_.mutate(unproven=ibis.literal(False))
    sorts = _sorts(engine, parts)
    needed = engine.given("unpublished_parts", dict.fromkeys(("issuer", "needs", "log"), "string"),
                          sorted({(issuer, needs, source) for issuer, needs, source, *_ in mine}))
    seen = engine.keep("unpublished_within", within(engine, "unpublished_spans", asked, list(_spans(facts)), mine))
    doubtful = asked.filter(asked.relied, asked.published < asked.needed)
    accepted = asked.filter(in_logs(asked, "unpublished logs", names)).mutate(log=asked.source)
    by_issuance = ibis.union(doubtful, seen.filter(~seen.relied)).join(needed, _SORT)
    columns = ("token_key", "log", *_SORT, "ordinary", "route", "fresh")
    rests = ibis.union(by_issuance.select(*columns), accepted.select(*columns), distinct=True)
    rests = engine.keep("unpublished_rests", rests.join(sorts, _SORT))
    shown = _shown(engine, rests, linked.join(sorts, _SORT), issued, names, policy)
    lacking = rests.anti_join(shown, _OF).select("token_key").distinct()
    strange = seen.filter(~seen.relied, ~seen.ordinary, ~seen.explained, seen.has_id).anti_join(lacking, "token_key")
    strange = strange.select("token_key", undeclared=ibis.literal(str(Probable.UNPROVEN_LOG)))
    joined = open_.left_join(lacking.mutate(lacking=ibis.literal(True)), "token_key", rname="{name}_k")
    joined = joined.left_join(strange, "token_key", rname="{name}_u")
    return joined.select(
        *(name for name in open_.columns if name != "probable"),
        unproven=joined.lacking.fill_null(False),
        probable=ibis.coalesce(joined.probable, joined.undeclared),
    )


def _sorts(engine: Engine, parts: Sequence[Required]) -> ir.Table:
    """Return (issuer, needs, sort)."""
    slots: dict[tuple[str, str], set[str]] = {}
    for issuer, needs, _, _, slot in parts:
        slots.setdefault((issuer, needs), set()).add(slot)
    rows = [(*key, " ".join(sorted(mine))) for key, mine in sorted(slots.items())]
    return engine.given("sorts", dict.fromkeys(("issuer", "needs", "sort"), "string"), rows)


def _shown(
    engine: Engine, rests: ir.Table, linked: ir.Table, issued: ir.Table, names: Sequence[str], policy: Policy
) -> ir.Table:
    """Return (log, issuer, sort) of which enough tokens link, and no own use is missing.

    Tokens link there that it issued, or that were first let in there.
    """
    good = issued.filter(in_logs(issued, "unpublished logs", names), issued.outcome == str(Outcome.SUCCESS))
    keys = good.select("token_id", "token_id_kind", log=good.source).distinct()
    issued_there = linked.join(keys, ["token_id", "token_id_kind"]).select("token_key", *_OF)
    accepted_there = linked.filter(in_logs(linked, "unpublished logs", names)).mutate(log=linked.source)
    both = ibis.union(issued_there, accepted_there.select("token_key", *_OF), distinct=True)
    counted = both.group_by(*_OF).agg(links=both.count())
    own = rests.filter(rests.ordinary, ~rests.route, ~rests.fresh).select(*_OF).distinct()
    return engine.keep("unpublished_shown", counted.filter(counted.links >= policy.proving_links).anti_join(own, _OF))


def _spans(facts: LogFacts) -> Iterator[tuple[str, str, str, int, int]]:
    """Yield (issuer, source, kind, from, to) of what logs hold, less their lag: exports cut off hold nothing."""
    for part, extent in sorted(facts.extents.items(), key=str):
        if part.source not in facts.truncated and part.issuer in facts.own:
            lag = timedelta(seconds=facts.logs.lag(part.source, 0))
            yield part.issuer, part.source, part.kind, seconds(extent.first), seconds(extent.last - lag)
