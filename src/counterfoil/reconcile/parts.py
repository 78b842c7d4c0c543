"""Rules 1.3 to 3 on one part of the evidence: its acceptances, its tokens, and what issuances say of them.

A part is a set of buckets (`families`): no token, link or disagreement reaches beyond it. What comes of it is piled
up outside memory; what depends on all parts together is `run`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from counterfoil.expressions import ibis, ir
from counterfoil.expressions.values import bound
from counterfoil.model.logs import Logs
from counterfoil.reconcile import judge, shapes
from counterfoil.reconcile.acceptances import implied, recorded
from counterfoil.reconcile.engine import Engine
from counterfoil.reconcile.families import ANY_BUCKET, BUCKETS, bucket, family
from counterfoil.reconcile.identity import with_subject
from counterfoil.reconcile.links import contradiction, issuances, linked, several_issuances
from counterfoil.reconcile.policy import Policy
from counterfoil.reconcile.tokens import seen_again, shared, tokens, used_once, variants, with_key


@dataclass(frozen=True)
class Whole:
    """What every part needs of the whole evidence.

    `records`: each once; `repeated`: the keys of those that came more than once; `exchanges`: acceptances that
    secondary issuances imply; `digests`: issuances with a digest, None if there are none; `own_logs`: issuers have
    some (subjects there, or in receipts, may be pseudonyms); `logs`: what logs mean; `federated`: (domain, federation),
    None if nobody was named; `names`: aliases; `people`: who signs in.
    """

    records: ir.Table
    repeated: ir.Table
    exchanges: ir.Table
    digests: ir.Table | None
    own_logs: bool
    logs: Logs
    federated: ir.Table | None
    names: ir.Table
    people: ir.Table


def settle_buckets(engine: Engine, whole: Whole, buckets: Sequence[str], policy: Policy) -> None:
    """Add the tokens of these buckets, or parts of buckets, to the piles; none: of all the evidence."""
    records, exchanges = whole.records, whole.exchanges
    if buckets and len(buckets) < len(BUCKETS):
        digits, files = len(buckets[0]), sorted({name[0] for name in buckets})  # others are not opened
        records = records.filter(records.bucket.isin(bound("files", [*files, ANY_BUCKET])))
        told = bucket(family(records), digits).isin(bound("buckets", buckets))
        records = records.filter(told if digits > 1 else (records.bucket != ANY_BUCKET) | told)
        # of what is asked twice in a statement, the engine would write down all columns
        records = engine.viewed("parts_bucket", records)
        exchanges = exchanges.filter(bucket(exchanges.family, digits).isin(bound("buckets", buckets)))
    _settle(engine, whole, records, exchanges, policy)


def settle_families(
    engine: Engine, whole: Whole, families: ir.Table, buckets: Sequence[str], policy: Policy
) -> None:
    """Add the tokens of those of these families that are in the buckets, as `settle_buckets` has them, to the piles."""
    if buckets and len(buckets) < len(BUCKETS):
        families = families.filter(bucket(families.family, len(buckets[0])).isin(bound("buckets", buckets)))
    named = whole.records.mutate(family=family(whole.records))
    records = engine.keep("parts_records", named.semi_join(families, "family").drop("family"))
    _settle(engine, whole, records, whole.exchanges.semi_join(families, "family"), policy)


def _settle(engine: Engine, whole: Whole, records: ir.Table, exchanges: ir.Table, policy: Policy) -> None:
    issued = with_subject(issuances(records), whole.names)
    several = several_issuances(engine, issued)
    direct = recorded(records)
    derived = implied(records, exchanges, whole.federated, whole.logs, own_logs=whole.own_logs)
    asked = shared(engine, several.select(family=several.token_id), direct, derived)
    lone, others = _parted(direct, asked, digests=whole.digests is not None)
    beside = ibis.union(others, derived)
    accepted = shapes.ACCEPTED.kept(engine, with_key(with_subject(beside, whole.names)))
    again = seen_again(engine, accepted)
    told = linked(  # 2, 3
        engine, tokens(accepted, again), used_once(with_key(with_subject(lone, whole.names))), issued, several,
        whole.digests, policy, whole.logs, hidden=whole.own_logs,
    )
    known = told.secondary | told.interrupted | told.failed
    told = told.mutate(
        contradiction=contradiction(told),
        missed=judge.sound_id(told, whole.logs.sound) & ~known,
        law_broken=told.law_known & ~told.law_obeyed,
        doubt=ibis.null("string"),
        probable=ibis.null("string"),
    )
    settled = told.primary & told.contradiction.isnull() & ~told.law_broken
    plain = settled & ~told.subject_open & ~told.elsewhere  # what these mean, all of the evidence decides
    added = shapes.TOKENS.piled(engine, told.mutate(plain=plain))
    shapes.VARIANTS.piled(engine, variants(accepted, again))
    concluded = accepted.filter(accepted.derived != "")
    repeated = accepted.filter(accepted.derived == "").semi_join(again, "token_key")
    uses = shapes.USES.columns
    shapes.USES.piled(engine, ibis.union(concluded.select(*uses), repeated.select(*uses)))
    shapes.TWINS.piled(engine, _twins(added, asked))
    shapes.ACCEPTED.kept(engine, accepted.limit(0))  # wide, and of no more use


def _parted(direct: ir.Table, asked: ir.Table, *, digests: bool) -> tuple[ir.Table, ir.Table]:
    """Return the acceptances that are alone, of one use and one issuance, and those that are asked several times.

    Of the former a table would take as long to write as all that is done with it. `asked`: of `shared`; `digests`: by
    these some link.
    """
    hashed = direct.mutate(h=direct.family.hash())
    lone, others = hashed.anti_join(asked, "h"), hashed.semi_join(asked, "h")
    if digests:
        others = ibis.union(others, lone.filter(lone.signing_input_digest.notnull()))
        lone = lone.filter(lone.signing_input_digest.isnull())
    return lone.drop("h"), others.drop("h")


def _twins(told: ir.Table, asked: ir.Table) -> ir.Table:
    """Return the tokens whose id some other token bears too (candidates for rule 3.4). `asked`: of `shared`.

    What has an id is of the family that is called so.
    """
    ids = told.filter(told.token_id.notnull(), told.derived == "")
    hashed = ids.select(*shapes.TWINS.columns, h=ids.token_id.hash()).semi_join(asked, "h")
    several = hashed.group_by("h").agg(n=hashed.count()).filter(lambda t: t.n > 1)
    return hashed.semi_join(several, "h").drop("h")
