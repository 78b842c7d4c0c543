"""Runs the rules over genuine tokens, and puts what they find into words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from counterfoil.detect.registry import use_rules
from counterfoil.detect.rule import HOMES, MOVED, SEEN_AT, UseRule, UseTables
from counterfoil.expressions import ibis, ir
from counterfoil.investigate.changes import SCORES
from counterfoil.investigate.findings import finding_id, reference
from counterfoil.model.finding import Finding
from counterfoil.model.networks import is_microsoft_365
from counterfoil.model.verdict import FindingVerdict
from counterfoil.reconcile.acceptances import network
from counterfoil.reconcile.clock import whole_seconds
from counterfoil.reconcile.engine import Engine
from counterfoil.reconcile.run import Reconciled
from counterfoil.reconcile.shapes import TOKENS, USES, VARIANTS

# Findings of one rule in one case: more tokens than this that move are how people work here.
MAX_REPLAYS = 100
MAX_PROGRAMS = 3  # that a finding names


def of_replays(
    tables: Engine, found: Reconciled, paths: Mapping[str, str], since: datetime | None, until: datetime | None
) -> list[Finding]:
    """Return a finding for every genuine token that was used in a second hand, in the window that was asked for."""
    ways = tables.piled(VARIANTS.name)
    spread = ways.group_by("token_key").agg(least=ways.network.min(), most=ways.network.max())
    several = tables.keep("replay_several", spread.filter(spread.least != spread.most).select("token_key"))
    if not tables.rows(several.limit(1)):
        return []
    every = tables.piled(TOKENS.name)
    genuine = every.filter(every.primary, every.contradiction.isnull(), every.has_id, every.subject.notnull())
    held = tables.keep("replay_tokens", genuine.semi_join(several, "token_key").select(
        "token_key", "token_id", "subject", "subject_name", "issuer",
    ))
    seen = _seen(tables, ways.semi_join(held, "token_key").select(
        "token_key", "subject", "network", "user_agent", seconds=whole_seconds(ways.event_time),
    ), found)
    told: list[Finding] = []
    for rule in use_rules():
        rows = tables.rows(_uses(tables, rule.find(seen), held))
        # services of the provider work on with the user's token
        strange = (row for row in rows if not is_microsoft_365(row["network"]))
        told += [_finding(rule, row, paths) for row in islice(strange, MAX_REPLAYS)]
    return [
        one for one in told
        if (since is None or (one.last_seen or since) >= since) and (until is None or (one.first_seen or until) < until)
    ]


def _seen(tables: Engine, moved: ir.Table, found: Reconciled) -> UseTables:
    """Return what the rules read: these uses, and what else is known of their people and networks."""
    moved = MOVED.kept(tables, moved)
    people, places = moved.select("subject").distinct(), moved.select("network").distinct()
    issued = found.issued.semi_join(people, "subject").mutate(network=network(found.issued.ip))
    every, ways = tables.piled(TOKENS.name), tables.piled(VARIANTS.name)
    uses = ibis.union(
        every.select("subject", "network", "user_agent", seconds=whole_seconds(every.first_seen)),
        ways.select("subject", "network", "user_agent", seconds=whole_seconds(ways.event_time)),
    )
    here = ibis.union(uses.semi_join(places, "network"), uses.semi_join(people, "subject"))
    first = here.group_by("subject", "network", "user_agent").agg(seconds=here.seconds.min())
    return UseTables(
        moved=moved,
        seen=SEEN_AT.kept(tables, first),
        homes=HOMES.kept(tables, issued.filter(issued.network.notnull()).select("subject", "network").distinct()),
        begin=tables.keep("replay_begin", every.agg(begin=whole_seconds(every.first_seen.min()))),
    )


def _uses(tables: Engine, odd: ir.Table, held: ir.Table) -> ir.Table:
    """Return a row for each network in which a token was in a second hand, first uses first."""
    here = odd.join(held, "token_key")
    uses = tables.piled(USES.name).semi_join(odd, "token_key")
    at = uses.select("token_key", seconds=whole_seconds(uses.event_time),
                     place=uses.raw_file + ":" + uses.raw_position.cast("string"))
    placed = here.left_join(at, ["token_key", "seconds"], rname="{name}_u")
    by = ["token_key", "token_id", "subject", "subject_name", "issuer", "network"]
    told = placed.group_by(*by).agg(
        uses=placed.count(), first_seen=placed.seconds.min(), last_seen=placed.seconds.max(), place=placed.place.min(),
        programs=placed.user_agent.collect(distinct=True).sort(),
    )
    return told.order_by([told.first_seen, told.token_key, told.network])


def _finding(rule: UseRule, row: Mapping[str, Any], paths: Mapping[str, str]) -> Finding:
    first, last = (datetime.fromtimestamp(row[name], UTC).replace(tzinfo=None) for name in ("first_seen", "last_seen"))
    who = row["subject_name"] or row["subject"]
    programs = " and ".join(row["programs"][:MAX_PROGRAMS])
    return Finding(
        id=finding_id(rule.id, row["issuer"], row["token_key"], row["network"]), rule=rule.id,
        verdict=FindingVerdict.SUSPICION, severity=rule.severity, confidence=rule.confidence,
        title=f"a genuine token of {who} in other hands, from {row['network']}: theft, not forgery",
        detail=f"token {row['token_id']} by {programs}, which its owner has nowhere; its issuance is in evidence, and"
        " agrees",
        first_seen=first, last_seen=last, token_count=1, acceptance_count=int(row["uses"]), subjects=(who,),
        tokens=(row["token_id"],),
        evidence=(reference(row["place"], paths),) if row["place"] else (), attack=rule.attack,
        next_step=rule.next_step.replace("ID", row["token_id"]), score=SCORES[rule.severity],
    )
