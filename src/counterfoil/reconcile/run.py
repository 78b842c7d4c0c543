"""Reconciles a case: the numbered rules, in order, each in its own module.

What lies within a family of tokens (rules 1.3 to 3) is settled part by part and piled up outside memory. What the
whole evidence decides (law, coverage, habits, lineage) is judged on the tokens that this leaves open or odd; of the
plain ones, linked without any contradiction, counts suffice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from counterfoil.expressions import ibis, ir
from counterfoil.model.coverage import CoverageRow
from counterfoil.model.reason import Probable, Reason
from counterfoil.model.verdict import ACCUSING, Verdict
from counterfoil.reconcile import judge, measured, parts, shapes
from counterfoil.reconcile.acceptances import exchanged, federated
from counterfoil.reconcile.asked import Asked
from counterfoil.reconcile.custody import custody_of, not_signed
from counterfoil.reconcile.declared import Keepers, LogFacts, coverage
from counterfoil.reconcile.diagnosis import diagnosed
from counterfoil.reconcile.doubts import Known, with_doubts
from counterfoil.reconcile.duplicates import records as unique_records
from counterfoil.reconcile.duplicates import repeated
from counterfoil.reconcile.engine import Engine
from counterfoil.reconcile.entitled import barred
from counterfoil.reconcile.facts import log_facts
from counterfoil.reconcile.habits import graded
from counterfoil.reconcile.hidden import doubted
from counterfoil.reconcile.identity import aliases, people, with_people, with_subject
from counterfoil.reconcile.law import with_law
from counterfoil.reconcile.lineage import exchanges, reached, swapped, with_issued_id
from counterfoil.reconcile.links import issuances
from counterfoil.reconcile.literals import bound_time, number, whole
from counterfoil.reconcile.misspelt import misspelt
from counterfoil.reconcile.own_logs import in_own_log
from counterfoil.reconcile.policy import Policy
from counterfoil.reconcile.refuted import refuted_rows
from counterfoil.reconcile.sets import of_sets
from counterfoil.reconcile.shapes import FLAGS
from counterfoil.reconcile.touched import Added, touched
from counterfoil.reconcile.unnamed import assertion_rows, suspected
from counterfoil.reconcile.unread import Unread, unread
from counterfoil.reconcile.unsettled import Seen, known_habits, unsettled


@dataclass(frozen=True)
class Reconciled:
    """What came of it: tables for the rules and the report, and the coverage rows.

    `names` is what `touched.Added` asks for when more evidence has come.

    `told`: judged tokens, all but the plain ones; `plain`: the tokens that are minted and nothing else, by the pile's
    columns; both of the window that was asked for. `every`: those of `told`, whatever their time, before taint: by
    them and the `cells` of linked tokens rates are measured. `window` keeps tokens of the window that was asked for.
    `lost_acceptances`: records that could not be read and may have been acceptances. `nameless`: issuances of farms
    that name nobody who is known; `unclaimed`: farms of which nobody said whose assertions they issue.
    `facts`: what logs show of themselves.
    """

    records: ir.Table
    names: ir.Table
    issued: ir.Table
    told: ir.Table
    plain: ir.Table
    every: ir.Table
    cells: ir.Table
    strata: ir.Table
    window: Callable[[ir.Table], ir.Table]
    coverage: tuple[CoverageRow, ...]
    lost_acceptances: int
    nameless: int
    unclaimed: tuple[str, ...]
    facts: LogFacts


def reconcile(
    engine: Engine, evidence: ir.Table, asked: Asked, policy: Policy, *,
    buckets: Sequence[Sequence[str]] = ((),), added: Added | None = None, rejects: ir.Table | None = None,
    step: Callable[[int], None] = lambda _: None,
) -> Reconciled:
    """Judge every acceptance in `evidence` (columns of model.schema, and `bucket` if it is worked on in `buckets`).

    `added`: what the piles do not hold yet; None: all of it, or nothing. No `buckets`: all is on the piles. `rejects`:
    what could not be read (`unread`). `step` is told after each part how many are settled.
    """
    whole = _survey(engine, evidence, asked)
    families = None
    if buckets and added is not None:
        families = shapes.TOUCHED.piled(engine, touched(engine, whole, evidence, added))
    for done, some in enumerate(buckets, 1):
        if families is None:
            parts.settle_buckets(engine, whole, some, policy)  # 1.3 to 3
        else:
            parts.settle_families(engine, whole, families, some, policy)
        step(done)
    lost = unread(engine, evidence, rejects, whole.names, asked.logs, policy)
    return _verdicts(engine, whole, evidence, lost, asked, policy)


def _survey(engine: Engine, evidence: ir.Table, asked: Asked) -> parts.Whole:
    """Return what every part needs of the whole evidence."""
    keys = repeated(engine, evidence, asked.logs)
    records = unique_records(engine, evidence, keys)  # 1.1
    names = aliases(engine, records, asked.identities)  # 1.2
    issued = with_subject(issuances(records), names)
    digests = engine.keep("run_digests", issued.filter(issued.signing_input_digest.notnull()))
    return parts.Whole(
        records=records,
        repeated=keys,
        exchanges=engine.keep("run_exchanged", exchanged(records)),
        digests=digests if engine.rows(digests.limit(1)) else None,
        own_logs=bool(engine.rows(issued.filter(in_own_log(issued, asked.logs)).limit(1))),
        logs=asked.logs,
        federated=federated(engine, records, asked.federated, asked.logs),
        names=names,
        people=people(engine, issued, asked.identities, asked.logs),
    )


def _verdicts(
    engine: Engine, whole: parts.Whole, evidence: ir.Table, lost: Unread, asked: Asked, policy: Policy
) -> Reconciled:
    """Judge the tokens on the piles."""
    issued = with_subject(issuances(whole.records), whole.names)
    every, variants = engine.piled(shapes.TOKENS.name), engine.piled(shapes.VARIANTS.name)
    plain = every.filter(every.plain)
    facts = log_facts(engine, evidence, whole.records, issued, asked, lost.parts, policy)
    rows = coverage(asked.declarations, asked.exported_at, facts, policy, asked.attested)  # 5.2, 5.3
    custody = custody_of(engine, whole.records, issued, rows)  # 8.1
    unsigned = not_signed(engine, every, custody, policy)
    tried = {
        Reason.KEY_NOT_ENTITLED: barred(engine, every, asked.keys),  # 3.6
        Reason.NOT_SIGNED_IN_CUSTODY: unsigned.issued,  # 3.5
    }
    against = {reason: found for reason, found in tried.items() if found is not None}
    vague = misspelt(engine, every, whole.records, issued, asked.logs) if facts.keepers.issuers else None  # 3.8
    for found in (*against.values(), *([] if vague is None else [vague])):
        plain = plain.anti_join(found, "token_key")
    known = Known(whole.records, issued, whole.names, whole.people, asked.logs)
    odd = with_doubts(engine, _odd(every, against, vague), known)
    usual = shapes.CELLS.kept(engine, measured.cells(plain.mutate(linked=ibis.literal(True))))
    days = shapes.DAYS.kept(engine, measured.days(every))
    seen = Seen(usual, every, _used(plain), variants, issued, whole.records, whole.names, whole.people, asked.logs)
    watched = _watched(engine, seen, _against(odd, against), facts.keepers, policy)
    cells = ibis.union(usual, measured.cells(watched).select(*usual.columns))
    seen = replace(seen, cells=cells, linked=ibis.union(seen.linked, _used(watched.filter(watched.linked))))
    open_ = _with_never(watched.filter(~watched.primary, watched.contradiction.isnull()), unsigned.unissued)  # 4.4
    settled = unsettled(engine, open_, seen, rows, facts, policy)  # 4, 5
    open_ = doubted(engine, settled.tokens, lost.hidden, rows, facts)  # 5.10
    judged = _judged(engine, watched, open_)  # 7
    judged = suspected(engine, judged, issued, rows, asked.logs)  # 4.5
    tainted = _tainted(engine, judged, issued, facts, Reason.NOT_SIGNED_IN_CUSTODY in against)  # 6.4
    told, left = _stained(engine, judged, plain, issued, whole.people, tainted, of_sets(engine, judged, issued))
    told = shapes.DIAGNOSED.kept(engine, diagnosed(engine, told, whole.records, custody, policy))  # 8.3
    strata = shapes.STRATA.kept(engine, measured.strata(cells, days))

    def window(tokens: ir.Table) -> ir.Table:
        return _within(tokens, asked.since, asked.until)

    return Reconciled(
        whole.records, whole.names, issued, window(told), window(left), judged, usual, strata, window,
        (*refuted_rows(engine, rows, settled.refuted), *assertion_rows(engine, judged)),
        lost.acceptances, sum(unknown for _, unknown in facts.nameless.values()), tuple(sorted(facts.unclaimed)), facts,
    )


def _used(tokens: ir.Table) -> ir.Table:
    traits = ("client_id", "network", "user_agent")
    return tokens.select("token_key", "subject", "identified", *traits, t=whole(tokens.t_first))


def _odd(every: ir.Table, against: Mapping[Reason, ir.Table], vague: ir.Table | None) -> ir.Table:
    """Return the tokens that are not plain, and those that something holds against them; `vague`: rule 3.8."""
    odd = every.filter(~every.plain)
    found = [*against.values(), *([] if vague is None else [vague])]
    if found:
        keys = ibis.union(*found) if len(found) > 1 else found[0]
        odd = ibis.union(odd, every.filter(every.plain).semi_join(keys, "token_key"))
    if vague is None:
        return odd
    held = _held(odd, vague)
    code = ibis.ifelse(held.held, str(Probable.ISSUER_MISSPELT), ibis.null("string"))
    return held.mutate(doubt=code, probable=code).select(*odd.columns)


def _against(odd: ir.Table, against: Mapping[Reason, ir.Table]) -> ir.Table:
    """Return the tokens with `contradiction` of those that nothing else contradicts, the first reason first."""
    for reason, found in against.items():
        marked = _held(odd, found)
        told = ibis.ifelse(marked.held, str(reason), ibis.null("string"))
        odd = marked.mutate(contradiction=ibis.coalesce(marked.contradiction, told)).select(*odd.columns)
    return odd


def _held(tokens: ir.Table, found: ir.Table) -> ir.Table:
    """Return the tokens with `held`: they are among those found."""
    joined = tokens.left_join(found.distinct().mutate(held=ibis.literal(True)), "token_key", rname="{name}_u")
    return joined.select(*tokens.columns, held=joined.held.fill_null(False))


def _watched(engine: Engine, seen: Seen, odd: ir.Table, keepers: Keepers, policy: Policy) -> ir.Table:
    """Return the odd tokens with `is_user`, `linked`, and `contradiction` by the law of their stratum.

    `seen`: what plain tokens show. `keepers`: issuers with a log of their own, of which an id that is in no issuance is
    `missed` too.
    """
    if keepers.issuers:
        unknown = ~(odd.secondary | odd.interrupted | odd.failed)
        odd = odd.mutate(missed=odd.missed | (judge.sound_in_own_log(odd, keepers) & unknown))
    watched = shapes.WATCHED.kept(engine, with_people(odd, seen.people))
    told = with_law(engine, watched, seen.every, _lawless(engine, seen, watched, policy), policy)
    told = told.mutate(linked=told.primary & told.contradiction.isnull() & told.doubt.isnull())
    return shapes.LINKED.kept(engine, told)


def _lawless(engine: Engine, seen: Seen, watched: ir.Table, policy: Policy) -> ir.Table | None:
    """Rule 3.2, issued-at: return (token_key, stratum, network, own) of those that break its law, None if none does.

    Only then it is asked how many obey it.
    """
    breaking = engine.keep("run_breaking", watched.filter(watched.law_broken))
    if not engine.rows(breaking.limit(1)):
        return None
    grades = graded(engine, "breaking", breaking, known_habits(engine, "breaking", breaking, seen, policy), None)
    joined = breaking.left_join(grades, "token_key", rname="{name}_g")
    return engine.keep("run_lawless", joined.select(
        "token_key", *measured.STRATUM, "network", own=joined.own.fill_null(False)
    ))


def _with_never(open_: ir.Table, never: ir.Table | None) -> ir.Table:
    """Return the tokens with `never`: rule 4.4 holds of them."""
    if never is None:
        return open_.mutate(never=ibis.literal(False))
    joined = open_.left_join(never.mutate(held=ibis.literal(True)), "token_key", rname="{name}_n")
    return joined.select(*open_.columns, never=joined.held.fill_null(False))


def _judged(engine: Engine, watched: ir.Table, open_: ir.Table) -> ir.Table:
    """Rule 7 but for taint: return the tokens with `base` (reason), `base_verdict` and the flags of open ones."""
    told = open_.select("token_key", *FLAGS, "at_least", "open_reason", "never", "probable")
    joined = watched.left_join(told, "token_key", rname="{name}_o")
    unissued = ibis.cases(
        (joined.never & ~joined.open_reason.isin(judge.FORGED), str(Reason.NEVER_SIGNED)),
        else_=joined.open_reason,
    )
    settled = ibis.ifelse(joined.primary, _own_reason(joined), unissued)
    cleared = settled.isin(judge.CLEARED)
    base = ibis.coalesce(joined.contradiction, ibis.ifelse(cleared, ibis.coalesce(joined.doubt, settled), settled))
    return shapes.JUDGED.kept(engine, joined.select(
        *(name for name in watched.columns if name != "probable"),
        probable=ibis.coalesce(joined.probable, joined.probable_o), base=base, base_verdict=judge.verdict_of(base),
        **{n: joined[n].fill_null(False) for n in FLAGS}, at_least=joined.at_least.fill_null(0).cast("int64"),
    ))


def _own_reason(tokens: ir.Table) -> ir.StringValue:
    return ibis.ifelse(tokens.by_digest, str(Reason.BY_DIGEST), str(Reason.BY_ID))


def _tainted(
    engine: Engine, judged: ir.Table, issued: ir.Table, facts: LogFacts, altered: bool
) -> ir.Table | None:
    """Rule 6.4: return the ids that descend from a forged or contradicted token, None if there are none.

    `altered`: some issuer's log holds what no key store signed. Of an id whose issuance has no digest, the genuine
    token bears it too: what was obtained with it is not accused.
    """
    keepers = facts.keepers
    bad = judged.filter(
        judged.base_verdict.isin([str(Verdict.FORGED), str(Verdict.CONTRADICTED)]),
        judged.base != str(Reason.NEVER_SIGNED),  # its id may be a copy, of which no log here holds the issuance
    ).select("token_key")
    if keepers.issuers:
        # an exchange names its parent's id and nothing else of it: what that id is, other uses of it tell
        own = judged.filter(judged.issuer.isin(keepers.named))
        unissued = own.filter(own.base == str(Reason.ID_NOT_ISSUED)).select("issuer", "token_id").distinct()
        alike = own.semi_join(unissued, ["issuer", "token_id"])
        bad = engine.keep("run_taint_tokens", ibis.union(bad, alike.select("token_key"), distinct=True))
    uses = engine.piled(shapes.USES.name)
    seeds = uses.semi_join(bad, "token_key").select(id=uses.child_id)
    edges = exchanges(issued)
    if keepers.issuers:
        seeds = ibis.union(seeds, swapped(issued, facts.logs))
    if altered:
        never = judged.filter(judged.by_digest, judged.base == str(Reason.NOT_SIGNED_IN_CUSTODY))
        never = never.select(parent=never.token_id)
        seeds = ibis.union(seeds, edges.semi_join(never, "parent").select(id=edges.child))
    seeds = engine.keep("run_taint_seeds", seeds.distinct())
    if not engine.rows(seeds.limit(1)):
        return None
    return reached(engine, "tainted", shapes.EDGES.kept(engine, edges), seeds)


def _stained(
    engine: Engine, judged: ir.Table, plain: ir.Table, issued: ir.Table, persons: ir.Table,
    tainted: ir.Table | None, of_set: ir.Table | None,
) -> tuple[ir.Table, ir.Table]:
    """Rules 6.4, 6.5, 7: return the judged tokens with `verdict` and `reason`, and the plain ones that are left.

    `of_rule` and `of_issuer` name the set of which an ancestor of theirs is (6.5).
    """
    none = {"of_rule": ibis.null("string"), "of_issuer": ibis.null("string")}
    forged = ibis.literal(str(Reason.FORGED_ANCESTOR))
    stains = [] if tainted is None else [tainted.select(issued_id=tainted.id, by=forged, **none)]
    if of_set is not None:
        rest = of_set if tainted is None else of_set.anti_join(tainted, "id")
        stains.append(rest.select(issued_id=rest.id, by=ibis.literal(str(Reason.ANCESTOR_IN_SET)), of_rule=rest.of_rule,
                                  of_issuer=rest.of_issuer))
    if not stains:
        return shapes.VERDICTS.kept(engine, _final(judged.mutate(by=ibis.null("string"), **none))), plain
    marks = engine.keep("run_stains", ibis.union(*stains) if len(stains) > 1 else stains[0])
    named = with_issued_id(plain, issued)
    caught = named.filter(named.issued_id.notnull()).semi_join(marks, "issued_id").drop("issued_id")
    caught = with_people(caught, persons)
    quiet = {name: ibis.literal(False) for name in FLAGS}
    moved = engine.keep("run_caught", caught.mutate(
        linked=ibis.literal(True), base=_own_reason(caught), base_verdict=ibis.literal(str(Verdict.MINTED)),
        at_least=number(0), **quiet,
    ))
    both = ibis.union(judged, moved.select(*judged.columns))
    both = engine.keep("run_issued_ids", with_issued_id(both, issued))
    marked = both.left_join(marks, "issued_id", rname="{name}_t")
    holds = (marked.primary | marked.secondary) & (marked.base_verdict != str(Verdict.CONTRADICTED))
    # who is accused by himself is so whatever his ancestor is
    holds &= (marked.by == str(Reason.FORGED_ANCESTOR)) | ~marked.base_verdict.isin(sorted(map(str, ACCUSING)))
    told = {name: ibis.ifelse(holds, marked[name], ibis.null("string")) for name in ("by", "of_rule", "of_issuer")}
    told_of = marked.select(*both.columns, **told)
    return shapes.VERDICTS.kept(engine, _final(told_of)), plain.anti_join(moved, "token_key")


def _final(judged: ir.Table) -> ir.Table:
    reason = ibis.coalesce(judged.by, judged.base)
    kept = [name for name in judged.columns if name not in ("base", "base_verdict", "by", "issued_id")]
    return judged.select(*kept, reason=reason, verdict=judge.verdict_of(reason))


def minted(plain: ir.Table) -> ir.Table:
    """Return plain tokens with `verdict`, `reason` and the flags of judged ones."""
    reason = _own_reason(plain)
    quiet = {name: ibis.literal(False) for name in FLAGS}
    return plain.mutate(
        reason=reason, verdict=judge.verdict_of(reason), diagnosis=ibis.null("string"), linked=ibis.literal(True),
        at_least=number(0), of_rule=ibis.null("string"), of_issuer=ibis.null("string"), **quiet,
    )


def _within(tokens: ir.Table, since: datetime | None, until: datetime | None) -> ir.Table:
    """Return the tokens that were used in [since, until)."""
    if since is not None:
        tokens = tokens.filter(tokens.last_seen >= bound_time("since", since))
    if until is not None:
        tokens = tokens.filter(tokens.first_seen < bound_time("until", until))
    return tokens
