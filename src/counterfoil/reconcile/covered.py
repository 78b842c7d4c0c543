"""Rules 4.1 a-d and 5.3: whether everything that could hold a token's issuance is relied on for its time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from counterfoil.expressions import ibis, ir
from counterfoil.expressions.values import bound
from counterfoil.model.coverage import ATTESTED, RELIED, CoverageRow
from counterfoil.model.logs import OWN_APPLICATION, UNKNOWN_CLASS, Logs
from counterfoil.model.schema import TokenClass
from counterfoil.reconcile.declared import NO_ISSUER, Keepers, LogFacts, Part, seconds
from counterfoil.reconcile.engine import Engine
from counterfoil.reconcile.judge import sound_id, sound_in_own_log
from counterfoil.reconcile.policy import Policy
from counterfoil.reconcile.services import of_microsoft

# Issuer, class, source, kind and slot of `required`.
Required = tuple[str, str, str, str, str]
REQUIRED = dict.fromkeys(("issuer", "needs", "source", "kind", "slot"), "string")
_COUNTS = ("needed", "declared", "contained", "proven", "published")


def windowed(tokens: ir.Table, policy: Policy, facts: LogFacts) -> ir.Table:
    """Return tokens with `w_lo`, `w_hi` (seconds): when their issuance must lie, and `outside_life` (rule 4.1).

    `sound` says whether absence of their id can tell anything; `tokens` has
    `began`: the first use of the session that the token belongs to.
    """
    life = ibis.cases(
        *((tokens.token_class == name, span) for name, span in policy.life.items()),
        *(((tokens.source == source) & (tokens.kind == kind), span)
          for (source, kind), span in facts.logs.sessions.items()),
        else_=policy.default_life,
    )
    keepers = facts.keepers
    late = tokens.t_last - life
    floor = ibis.ifelse(late <= tokens.t_first, late, tokens.t_first - life)
    floor = ibis.ifelse(tokens.began < tokens.t_first, tokens.began - life, floor)
    inside = (tokens.t_issued >= floor) & (tokens.t_issued <= tokens.t_first + policy.skew)
    lo = ibis.ifelse(inside.fill_null(False), tokens.t_issued, floor)
    assertion = tokens.derived == "assertion"
    told = tokens.mutate(
        sound=sound_id(tokens, facts.logs.sound),
        w_lo=lo - ibis.ifelse(assertion, 0, policy.backdate) - policy.skew,
        w_hi=tokens.t_first + ibis.ifelse(assertion, policy.skew, policy.event_lag),
        outside_life=~inside.fill_null(True),
    )
    if not keepers.issuers:
        return told
    own, dated = sound_in_own_log(told, keepers), inside.fill_null(False)
    loose = told.issuer.isin(bound("loose", sorted(keepers.loose))).fill_null(False)
    lag = ibis.ifelse(loose, policy.log_lag, policy.mint_lag)
    # a genuine token with this issued-at was recorded then, by the same clock: whatever its maker's clock says
    return told.mutate(
        sound=told.sound | own,
        w_lo=ibis.ifelse(own, ibis.ifelse(dated, told.t_issued - lag, floor - policy.skew), told.w_lo),
        w_hi=ibis.ifelse(
            own & (dated | ~loose), ibis.ifelse(dated, told.t_issued + lag, told.t_first + policy.skew), told.w_hi
        ),
    )


def needs(tokens: ir.Table, keepers: Keepers | None = None) -> ir.StringValue:
    """Rule 4.1: return the class by which it is told what could have issued the token; see `IssuanceLog.parts`."""
    return ibis.cases(
        (tokens.derived == "assertion", str(TokenClass.ASSERTION)),
        *([(tokens.issuer.isin(keepers.named), UNKNOWN_CLASS)] if keepers and keepers.issuers else []),
        (of_microsoft(tokens), OWN_APPLICATION),
        (~tokens.has_id, str(TokenClass.USER)),
        (tokens.token_class.isnull() & tokens.is_user & tokens.subject_id.notnull(), str(TokenClass.USER)),
        else_=tokens.token_class.fill_null(UNKNOWN_CLASS),
    )


def with_coverage(engine: Engine, open_: ir.Table, rows: Sequence[CoverageRow], facts: LogFacts) -> ir.Table:
    """Return `open_` with `needed`, `declared`, `contained`, `proven`, `published`: counts of what the token needs.

    That is a part of a log, or of several logs either of which will do. `contained`: those that are relied on for its
    time; of them, `proven`: those that are attested; `published`: those of which it is known how complete they are.
    `needed` 0 means that no issuance record of the issuer is in evidence. `late`: its window ends after the latest
    record of all parts that could have issued it. `needs`: of `needs`. `relied`: all parts that it needs are.
    """
    parts = required(facts, rows)
    needed = engine.given("required", REQUIRED, parts)
    latest = engine.given("latest", {"issuer": "string", "needs": "string", "until": "int64"}, _latest(facts, parts))
    accepted = engine.given(
        "accepted",
        {"issuer": "string", "source": "string", "kind": "string", "lo": "int64", "hi": "int64", "proof": "boolean",
         "published": "boolean"},
        [(r.issuer, r.source, r.kind, seconds(r.start), seconds(r.end), r.status == ATTESTED,
          r.source not in facts.logs.unpublished) for r in rows if r.status in RELIED and r.start and r.end],
    )
    declared = engine.given(
        "declared",
        {"issuer": "string", "source": "string", "kind": "string", "told": "boolean"},
        sorted({(r.issuer, r.source, r.kind, True) for r in rows if r.status in (*RELIED, "hole")}),
    )
    open_ = open_.mutate(needs=needs(open_, facts.keepers))
    asked = open_.select("token_key", "issuer", "w_lo", "w_hi", "needs")
    wanted = asked.join(needed, ["issuer", "needs"])
    told = wanted.left_join(declared, ["issuer", "source", "kind"], rname="{name}_d")
    met = told.left_join(accepted, ["issuer", "source", "kind"], rname="{name}_a")
    inside = ((met.lo <= met.w_lo) & (met.hi >= met.w_hi)).fill_null(False)
    counted = met.group_by("token_key").agg(
        needed=met.slot.nunique(),
        declared=met.slot.nunique(where=met.told.notnull()),
        contained=met.slot.nunique(where=inside),
        proven=met.slot.nunique(where=inside & met.proof.fill_null(False)),
        published=met.slot.nunique(where=inside & met.published.fill_null(False)),
    )
    joined = open_.left_join(counted, "token_key").drop("token_key_right")
    joined = joined.left_join(latest, ["issuer", "needs"], rname="{name}_l")
    counts = {name: joined[name].fill_null(0) for name in _COUNTS}
    return joined.select(
        *open_.columns, **counts, late=(joined.w_hi > joined.until).fill_null(False),
        relied=(counts["needed"] > 0) & (counts["contained"] >= counts["needed"]),
    )


def _latest(facts: LogFacts, parts: Sequence[Required]) -> list[tuple[str, str, int]]:
    """Return (issuer, needs, seconds): the latest record of any part that could have issued such a token."""
    found: dict[tuple[str, str], int] = {}
    for issuer, cls, source, kind, _ in parts:
        extent = facts.extents.get(Part(issuer, source, kind))
        if extent is not None:
            found[issuer, cls] = max(found.get((issuer, cls), 0), seconds(extent.last))
    return [(*key, last) for key, last in sorted(found.items())]


def required(facts: LogFacts, told: Sequence[CoverageRow]) -> list[Required]:
    """Return (issuer, class, source, kind, slot): what must be covered for a token of that class of that issuer.

    Of the parts of one slot, any will do: they are of several logs that tell of the same.
    Of a farm, every server: `told` has a row for those that issued something, those that evidence knows otherwise, and
    those declared.
    """
    rows: list[Required] = []
    for issuer in sorted({part.issuer for part in facts.extents} - {NO_ISSUER}):
        mine = [part for part in facts.extents if part.issuer == issuer]
        if names := facts.logs.of(issuer):
            held = {part.source for part in mine}
            rows += [(issuer, str(cls), log, kind, kind) for cls in facts.logs.parts(names[0])
                     for kind, there in facts.logs.alternatives(issuer, cls, held).items() for log in there]
            continue
        parts = {(part.source, part.kind) for part in mine}
        parts |= {(row.source, row.kind) for row in told if row.issuer == issuer}
        each = [(*part, "/".join(part)) for part in sorted(parts)]
        rows += [(issuer, str(cls), *part) for cls in (*TokenClass, UNKNOWN_CLASS) for part in each]
    return rows


def personal_stretches(rows: Iterable[CoverageRow], logs: Logs) -> list[tuple[str, int, int]]:
    """Return (issuer, from, to) in seconds: where all parts in which people of the issuer sign in are relied on."""
    spans: dict[tuple[str, str], dict[str, list[tuple[int, int]]]] = {}
    for row in rows:
        if row.status == "accepted" and row.kind in logs.persons.get(row.source, ()) and row.start and row.end:
            of_log = spans.setdefault((row.issuer, row.source), {})
            of_log.setdefault(row.kind, []).append((seconds(row.start), seconds(row.end)))
    found: list[tuple[str, int, int]] = []
    for (issuer, log), of_log in sorted(spans.items()):
        first, *others = (of_log.get(kind, []) for kind in logs.persons[log])
        for other in others:
            first = [(max(lo, a), min(hi, b)) for lo, hi in first for a, b in other]  # many hold nothing
        found += [(issuer, lo, hi) for lo, hi in first]
    return found
