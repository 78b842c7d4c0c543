"""Rule 3.2, issued-at: a token may not lie off the law that all others of its stratum keep."""

from __future__ import annotations

from counterfoil.expressions import ibis, ir
from counterfoil.model.reason import Reason
from counterfoil.reconcile.engine import Engine
from counterfoil.reconcile.measured import STRATUM, key, same
from counterfoil.reconcile.policy import Policy


def with_law(engine: Engine, watched: ir.Table, every: ir.Table, lawless: ir.Table | None, policy: Policy) -> ir.Table:
    """Return the tokens with `contradiction` completed where the law of their stratum holds.

    `every`: all tokens with `law_known`, `law_obeyed`; `lawless`: (token_key, stratum, network, own) of those that
    break it. One that is a person's own shows that there is no law. Of the others, those of one network count once: a
    law that copies break is none the less one. The reasons that come before consumer-realm outrank it.
    """
    if lawless is None:
        return watched
    lawful = every.filter(every.law_known, every.law_obeyed)
    concerned = lawless.select(*STRATUM).distinct()
    obeying = lawful.semi_join(concerned, same(lawful, concerned, STRATUM))
    kept = obeying.group_by(*STRATUM).agg(law_obeying=obeying.count())
    broken = lawless.group_by(*STRATUM).agg(
        owned=lawless.own.any(), law_breaking=key(lawless.network).nunique()
    )
    joined = broken.join(kept, same(broken, kept, STRATUM), rname="{name}_k")
    share = joined.law_obeying >= policy.law_share * (joined.law_obeying + joined.law_breaking)
    laws = joined.filter(~joined.owned, joined.law_obeying >= policy.law_pairs, share).select(*STRATUM)
    caught = lawless.semi_join(laws, same(lawless, laws, STRATUM)).select("token_key", breaks=ibis.literal(True))
    told = watched.left_join(engine.keep("law_broken", caught), "token_key", rname="{name}_law")
    first = told.contradiction.isnull() | (told.contradiction == str(Reason.CONSUMER_REALM))
    reason = ibis.ifelse(told.breaks.fill_null(False) & first, str(Reason.ISSUED_AT_DIFFERS), told.contradiction)
    return told.select(*[name for name in watched.columns if name != "contradiction"], contradiction=reason)
