"""Reconciles a case: the numbered rules, in order, each in its own module."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import ibis
import ibis.expr.types as ir

from counterfoil.model.coverage import CoverageRow
from counterfoil.model.verdict import Reason, Verdict
from counterfoil.reconcile import judge, measured
from counterfoil.reconcile.acceptances import acceptances
from counterfoil.reconcile.asked import Asked
from counterfoil.reconcile.declared import coverage
from counterfoil.reconcile.duplicates import records as unique_records
from counterfoil.reconcile.engine import Engine
from counterfoil.reconcile.facts import log_facts
from counterfoil.reconcile.identity import aliases, with_people, with_subject
from counterfoil.reconcile.lineage import exchanges, reached
from counterfoil.reconcile.links import contradiction, issuances, links
from counterfoil.reconcile.policy import Policy
from counterfoil.reconcile.tokens import tokens as claimed_tokens
from counterfoil.reconcile.tokens import with_key
from counterfoil.reconcile.unsettled import unsettled

_FLAGS = ("primary", "secondary", "interrupted", "failed", "by_digest", "law_known", "law_obeyed",
          "digest_differs", "key_differs", "tenant_differs", "subject_differs")  # fmt: skip

_KEPT = ("primary", "secondary", "interrupted", "failed", "by_digest")
_OPEN_FLAGS = ("ordinary", "route", "refuted", "silent", "relied", "outside_life")


@dataclass(frozen=True)
class Reconciled:
    """What came of it: tables for the rules and the report, and the coverage rows.

    `tokens` are those used in the window that was asked for; `every_token`, by which rates are measured, are all.
    """

    records: ir.Table
    acceptances: ir.Table
    issued: ir.Table
    tokens: ir.Table
    every_token: ir.Table
    strata: ir.Table
    coverage: tuple[CoverageRow, ...]


def reconcile(engine: Engine, evidence: ir.Table, asked: Asked, policy: Policy) -> Reconciled:
    """Judge every acceptance in `evidence` (columns of model.schema)."""
    records = unique_records(engine, evidence)  # 1.1
    names = aliases(engine, records, asked.identities)  # 1.2
    issued = engine.keep("issued", with_subject(issuances(records), names))
    accepted = with_subject(acceptances(engine, records, asked.federated), names)  # 1.3, 1.4
    accepted = engine.keep("accepted_records", with_key(accepted))
    tokens = engine.keep(
        "claimed", with_people(engine, claimed_tokens(accepted), issued, asked.identities)
    )  # 2.1, 4.2 c
    linked = _linked(engine, tokens, issued, policy)  # 2.2, 3
    facts = log_facts(engine, evidence, issued, asked.truncated, policy)
    rows = coverage(asked.declarations, asked.exported_at, facts, policy)  # 5.2, 5.3
    open_ = unsettled(engine, linked, accepted, issued, rows, facts, asked, policy)  # 4, 5
    judged = _judged(engine, linked, open_, accepted, issued)  # 6, 7
    window = _within(judged, asked.since, asked.until)
    strata = engine.keep("strata_all", measured.strata(linked))
    return Reconciled(records, accepted, issued, window, judged, strata, _refuted_rows(engine, rows, open_))


def _linked(engine: Engine, tokens: ir.Table, issued: ir.Table, policy: Policy) -> ir.Table:
    """Return tokens with the link flags, `contradiction` (reason or NULL), `linked`, `missed`, `law_broken`.

    Only what is new is kept, beside the tokens: copies of a wide table cost more than the join.
    """
    found = engine.keep("links", links(tokens, issued, policy))
    joined = tokens.left_join(found, "token_key").drop("token_key_right")
    joined = joined.mutate(**{flag: joined[flag].fill_null(False) for flag in _FLAGS})
    stratum = {f"s_{n}": measured.key(joined[n]) for n in measured.STRATUM}
    keyed = joined.mutate(**stratum)
    lawful = keyed.filter(keyed.law_known)
    laws = lawful.group_by(*stratum).agg(law_pairs=lawful.count(), law_obeying=lawful.law_obeyed.cast("int64").sum())
    whole = keyed.left_join(laws, list(stratum), rname="{name}_law")
    flags = engine.keep("link_flags", whole.select(
        "token_key", *_KEPT,
        contradiction=contradiction(whole, policy),
        missed=judge.sound_id(whole) & ~(whole.primary | whole.secondary | whole.interrupted | whole.failed),
        law_broken=whole.law_known & ~whole.law_obeyed,
    ))  # fmt: skip
    linked = flags.mutate(linked=flags.primary & flags.contradiction.isnull())
    return tokens.join(linked, "token_key")


def _judged(engine: Engine, linked: ir.Table, open_: ir.Table, accepted: ir.Table, issued: ir.Table) -> ir.Table:
    """Rules 6.4 and 7: return every token with `verdict`, `reason` and the flags of open ones."""
    told = open_.select("token_key", *_OPEN_FLAGS, "at_least", "open_reason")
    joined = linked.left_join(told, "token_key", rname="{name}_o")
    own = ibis.ifelse(joined.by_digest, str(Reason.BY_DIGEST), str(Reason.BY_ID))
    base = ibis.coalesce(joined.contradiction, ibis.ifelse(joined.primary, own, joined.open_reason))
    first = engine.keep("judged_base", joined.select(
        "token_key", "token_id", base=base, base_verdict=judge.verdict_of(base),
        issued=joined.primary | joined.secondary,
        **{n: joined[n].fill_null(False) for n in _OPEN_FLAGS}, at_least=joined.at_least.fill_null(0),
    ))  # fmt: skip
    tainted = _tainted(engine, first, accepted, issued).mutate(stained=ibis.literal(True))
    whole = first.left_join(tainted, first.token_id == tainted.id)
    stained = whole.stained.fill_null(False) & whole.issued & (whole.base_verdict != str(Verdict.CONTRADICTED))
    reason = ibis.ifelse(stained, str(Reason.FORGED_ANCESTOR), whole.base)
    verdicts = engine.keep("verdicts", whole.select(
        "token_key", *_OPEN_FLAGS, "at_least", reason=reason, verdict=judge.verdict_of(reason)
    ))  # fmt: skip
    return linked.join(verdicts, "token_key")


def _tainted(engine: Engine, judged: ir.Table, accepted: ir.Table, issued: ir.Table) -> ir.Table:
    """Return the ids that descend from a forged or contradicted token."""
    bad = judged.filter(judged.base_verdict.isin([str(Verdict.FORGED), str(Verdict.CONTRADICTED)]))
    born = accepted.filter(accepted.child_id.notnull())
    seeds = engine.keep("taint_seeds", born.semi_join(bad, "token_key").select(id=born.child_id).distinct())
    return reached(engine, "tainted", exchanges(issued), seeds)


def _within(tokens: ir.Table, since: datetime | None, until: datetime | None) -> ir.Table:
    """Return the tokens that were used in [since, until)."""
    if since is not None:
        tokens = tokens.filter(tokens.last_seen >= ibis.timestamp(since))
    if until is not None:
        tokens = tokens.filter(tokens.first_seen < ibis.timestamp(until))
    return tokens


def _refuted_rows(engine: Engine, rows: tuple[CoverageRow, ...], open_: ir.Table) -> tuple[CoverageRow, ...]:
    """Return the coverage rows with the accepted ones of refuted issuers marked so."""
    refuted = open_.filter(open_.refuted, open_.ordinary, open_.relied)
    subjects = refuted.group_by("issuer").agg(subjects=refuted.subject.nunique(), misses=refuted.count())
    found = {row["issuer"]: row for row in engine.rows(subjects)}
    return tuple(
        replace(row, status="refuted", reason=_why(found[row.issuer]))
        if row.status == "accepted" and row.issuer in found
        else row
        for row in rows
    )


def _why(row: Mapping[str, int]) -> str:
    return f"{row['misses']} ordinary uses by {row['subjects']} people are missing from it"
