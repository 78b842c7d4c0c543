"""Rules 3.5, 4.4, 8.1, 8.2: what logs of key custody tell of a token: its key store signed it, or it did not.

Presence of a digest tells in any log. Absence tells only where a log with digests is relied on (rule 5), from when on
it knows the key, and until the token can have been signed no more.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from counterfoil.expressions import ibis, ir
from counterfoil.model.coverage import ATTESTED, RELIED, CoverageRow
from counterfoil.model.schema import Leg, Outcome
from counterfoil.reconcile.clock import whole_seconds
from counterfoil.reconcile.declared import seconds
from counterfoil.reconcile.engine import Engine
from counterfoil.reconcile.policy import Policy

# Operations that make a key inside custody: no signature is older.
BIRTHS = ("create", "prepare", "rotate")
# Keys that custody logs of one case may know of; an issuer has a few.
MAX_KEYS = 100_000
_SPAN = {
    "key_id": "string", "log": "string", "logs": "int64", "lo": "int64", "since": "int64", "hi": "int64",
    "proof": "boolean",
}
_ISSUER = {"issuer": "string", "lo": "int64", "hi": "int64"}
_LONG_AGO, _NEVER = -(2**62), 2**62


@dataclass(frozen=True)
class Custody:
    """What is known of the uses of keys.

    `signed`: (digest) of everything that some key store signed. `spans`: (key_id, log, logs, lo, since, hi, proof),
    seconds: that `log`, one of so many `logs` that know the key, holds all its uses from `lo` to `hi`; `since`: its
    first one; `proof`: the log is attested. `issuers`: (issuer, lo, hi): all keys of the issuer's issuances have all
    their uses in evidence then. `relied`: there is a span at all. `own`: (issuer, key_id) of which some token was
    signed in custody: key ids are names, and two issuers may use one.
    """

    signed: ir.Table
    spans: ir.Table
    issuers: ir.Table
    relied: bool
    own: ir.Table


def custody_of(
    engine: Engine, records: ir.Table, issued: ir.Table, rows: Sequence[CoverageRow]
) -> Custody | None:
    """Return what custody logs in evidence tell; None if there is no use of a key in evidence.

    `records`: each once; `issued`: issuances; `rows`: the coverage of all logs.
    """
    uses = _uses(records)
    logs, relied = _logs(engine, uses, rows)
    if not logs:
        return None
    blind = _without_digests(engine, uses)
    spans = _spans(engine, records, logs, [row for row in relied if (row.source, row.kind) not in blind])
    made = uses.filter(uses.outcome == str(Outcome.SUCCESS))
    return Custody(
        signed=engine.keep("custody_signed", made.select(digest=made.signing_input_digest).distinct()),
        spans=engine.given("custody_spans", _SPAN, [[span[name] for name in _SPAN] for span in spans]),
        issuers=engine.given("custody_issuers", _ISSUER, _issuers(engine, issued, spans)),
        relied=bool(spans),
        own=_own(engine, records, made),
    )


def _own(engine: Engine, records: ir.Table, made: ir.Table) -> ir.Table:
    """Return (issuer, key_id) under which a token is in evidence that a key store signed with that key."""
    told = records.filter(records.leg != str(Leg.KEY_USE)).semi_join(made, ["key_id", "signing_input_digest"])
    return engine.keep("custody_own", told.select("issuer", "key_id").distinct())


def counting_spans(engine: Engine, records: ir.Table, rows: Sequence[CoverageRow]) -> list[list[Any]]:
    """Return (key_id, lo, hi) of keys some log of which only counts, where all its logs are relied on."""
    uses = _uses(records)
    logs, relied = _logs(engine, uses, rows)
    blind = {f"{source}/{kind}" for source, kind in _without_digests(engine, uses)} if relied else set()
    if not blind:
        return []
    of_key = _latest(_spans(engine, records, logs, relied))
    return [
        [key, max(span["lo"] for span in held.values()), min(span["hi"] for span in held.values())]
        for key, held in sorted(of_key.items(), key=str) if held.keys() & blind
    ]


def _uses(records: ir.Table) -> ir.Table:
    return records.filter(records.leg == str(Leg.KEY_USE))


def _logs(
    engine: Engine, uses: ir.Table, rows: Sequence[CoverageRow]
) -> tuple[set[tuple[str, str]], list[CoverageRow]]:
    """Return the logs of key uses (source, kind) in evidence, and the stretches of all logs that are relied on."""
    logs = {(row["source"], row["kind"]) for row in
            engine.rows(uses.select("source", "kind").distinct().limit(MAX_KEYS))}
    relied = [row for row in rows if row.status in RELIED and row.start and row.end]
    return logs, relied


def _without_digests(engine: Engine, uses: ir.Table) -> set[tuple[str, str]]:
    """Return the logs (source, kind) that hold a use without its digest: absence of one there tells nothing."""
    blind = uses.filter(uses.outcome == str(Outcome.SUCCESS), uses.signing_input_digest.isnull())
    return {(row["source"], row["kind"]) for row in engine.rows(blind.select("source", "kind").distinct())}


def _spans(
    engine: Engine, records: ir.Table, logs: Collection[tuple[str, str]], relied: Sequence[CoverageRow]
) -> list[dict[str, Any]]:
    """Return rows of _SPAN. A key that a log knows which is not relied on has none: that log may hold its uses."""
    if not relied:
        return []
    named = records.filter(records.source.isin(sorted({source for source, _ in logs})), records.key_id.notnull())
    used = (named.leg == str(Leg.KEY_USE)) & (named.outcome == str(Outcome.SUCCESS))
    known = named.group_by("source", "kind", "key_id").agg(
        first=named.event_time.min(), born=named.operation.isin(BIRTHS).any(), used=named.event_time.min(where=used)
    )
    by_log: dict[tuple[str, str], list[CoverageRow]] = {}
    for row in relied:
        by_log.setdefault((row.source, row.kind), []).append(row)
    of_key: dict[str, list[dict[str, Any]]] = {}
    for key in engine.rows(known.limit(MAX_KEYS)):
        of_key.setdefault(key["key_id"], []).append(key)
    spans: list[dict[str, Any]] = []
    for keys in of_key.values():
        if all((key["source"], key["kind"]) in by_log for key in keys):
            spans += [_span(key, log, len(keys)) for key in keys for log in by_log[key["source"], key["kind"]]]
    return spans


def _span(key: dict[str, Any], log: CoverageRow, logs: int) -> dict[str, Any]:
    """Return a row of _SPAN: from when on the log knows the key, or from ever if the key was made in it.

    `since`: from its first use on. A key that was taken in is used elsewhere until its users have changed over.
    """
    start, end, first = log.start or key["first"], log.end or key["first"], key["first"]
    born = key["born"] and first >= start
    lo = _LONG_AGO if born else max(seconds(start), seconds(first))
    since = _LONG_AGO if born else _NEVER if key["used"] is None else max(lo, seconds(key["used"]))
    name = f"{log.source}/{log.kind}"
    return {
        "key_id": key["key_id"], "log": name, "logs": logs, "lo": lo, "since": since, "hi": seconds(end),
        "proof": log.status == ATTESTED,
    }


def _issuers(engine: Engine, issued: ir.Table, spans: Sequence[dict[str, Any]]) -> list[list[Any]]:
    """Return rows of _ISSUER."""
    if not spans:
        return []
    used = issued.filter(issued.outcome == str(Outcome.SUCCESS), issued.issuer.notnull())
    keys: dict[str, set[str | None]] = {}
    for row in engine.rows(used.select("issuer", "key_id").distinct().limit(MAX_KEYS)):
        keys.setdefault(row["issuer"], set()).add(row["key_id"])
    latest = _latest(spans)
    told: list[list[Any]] = []
    for issuer, names in sorted(keys.items()):
        if all(name in latest for name in names):
            all_of = [span for name in names for span in latest[name].values()]
            told.append([issuer, max(span["lo"] for span in all_of), min(span["hi"] for span in all_of)])
    return told


def _latest(spans: Sequence[dict[str, Any]]) -> dict[str | None, dict[str, dict[str, Any]]]:
    """Return the last span of each key and log."""
    latest: dict[str | None, dict[str, dict[str, Any]]] = {}
    for span in sorted(spans, key=lambda span: int(span["hi"])):
        latest.setdefault(span["key_id"], {})[span["log"]] = span
    return latest


def with_custody(engine: Engine, tokens: ir.Table, custody: Custody | None, policy: Policy) -> ir.Table:
    """Return tokens with `signed` (a key store signed these bytes), `unsigned` (none did), `denied` and `in_custody`.

    Neither of the first two: it cannot be told. `in_custody`: the key that the token names is in a custody log;
    `denied`: it is unsigned by the word of attested logs that know this key, whatever clocks say.
    """
    no = ibis.literal(False)
    if custody is None:
        return tokens.mutate(signed=no, unsigned=no, denied=no, in_custody=no)
    told = tokens.left_join(custody.signed.mutate(found=ibis.literal(True)), tokens.signing_input_digest ==
                            custody.signed.digest, rname="{name}_c")
    told = engine.keep("custody_uses", told.select(*tokens.columns, signed=told.found.fill_null(False)))
    if not custody.relied:
        return told.mutate(unsigned=no, denied=no, in_custody=no)
    # of a token that the issuer recorded, its record says when it was signed; of any other, its use says until when
    issued_at = whole_seconds(told.issued_at)
    early = ibis.least(issued_at, told.t_first)  # it cannot be signed later than it was used
    w_lo = ibis.ifelse(told.issued_at.notnull(), early - policy.mint_lag, told.t_first - policy.default_life)
    w_hi = ibis.ifelse(told.by_digest, early, told.t_first) + policy.mint_lag
    # the word of custody alone: two clocks may disagree, and nothing but issued-at tells when a token began
    late = ibis.greatest(issued_at, told.t_first)
    told = told.mutate(c_lo=w_lo, c_hi=w_hi, d_lo=issued_at - policy.skew, d_hi=late + policy.skew)
    spans, issuers = custody.spans, custody.issuers
    by_key = told.select("token_key", "key_id", "c_lo", "c_hi", "d_lo", "d_hi")
    by_key = by_key.join(spans, "key_id")
    keyed = by_key.group_by("token_key").agg(
        inside=by_key.log.nunique(where=_inside(by_key)) >= by_key.logs.max(),
        proven=by_key.log.nunique(where=_wholly_inside(by_key) & by_key.proof) >= by_key.logs.max(),
    )
    by_issuer = told.select("token_key", "issuer", "c_lo", "c_hi").join(issuers, "issuer")
    owned = by_issuer.group_by("token_key").agg(inside=_inside(by_issuer).any())
    joined = told.left_join(keyed, "token_key", rname="{name}_k").left_join(owned, "token_key", rname="{name}_i")
    known = joined.inside.notnull()
    covered = ibis.ifelse(known, joined.inside, joined.inside_i.fill_null(False))
    absent = ~joined.signed & joined.signing_input_digest.notnull()
    return engine.keep("custody_told", joined.select(
        *tokens.columns, signed=joined.signed, unsigned=absent & covered,
        denied=absent & joined.proven.fill_null(False), in_custody=known,
    ))


def _inside(spans: ir.Table) -> ir.BooleanValue:
    return (spans.lo <= spans.c_lo) & (spans.hi >= spans.c_hi)


def _wholly_inside(spans: ir.Table) -> ir.BooleanValue:
    """Tell whether the span holds all the time in which the token can have been signed, whatever clocks say."""
    return ((spans.since == _LONG_AGO) | (spans.since <= spans.d_lo)).fill_null(False) & (spans.hi >= spans.d_hi)


@dataclass(frozen=True)
class Unsigned:
    """Tokens (token_key) that no key store signed; None: there are none.

    `issued`: rule 3.5, those with an issuance; `unissued`: rule 4.4, those without.
    """

    issued: ir.Table | None = None
    unissued: ir.Table | None = None


def not_signed(engine: Engine, every: ir.Table, custody: Custody | None, policy: Policy) -> Unsigned:
    """Rules 3.5 and 4.4: return the tokens that no key store signed.

    Only of those whose key is in a relied custody log, so that nothing is joined where there is none. Without its
    digest in an issuance, some other token must show that it is the issuer's key, and attested logs must say so.
    """
    if custody is None or not custody.relied:
        return Unsigned()
    keyed = every.filter(every.signing_input_digest.notnull()).semi_join(custody.spans, "key_id")
    keyed = keyed.anti_join(custody.signed, keyed.signing_input_digest == custody.signed.digest)
    told = with_custody(engine, engine.keep("custody_maybe_unsigned", keyed), custody, policy)
    owners = custody.own.mutate(owned=ibis.literal(True))
    told = told.left_join(owners, ["issuer", "key_id"], rname="{name}_o")
    shared = custody.own.select("key_id").distinct().mutate(shared=ibis.literal(True))
    told = told.left_join(shared, "key_id", rname="{name}_s")
    own, linked = told.owned.fill_null(False), told.primary | told.secondary
    another = told.shared.fill_null(False) & ~own  # the key of this id is other issuers'
    told = engine.keep("custody_unsigned", told.select(
        "token_key", linked=linked, recorded=told.by_digest & told.unsigned & ~another, denied=told.denied & own
    ))
    return Unsigned(
        _found(engine, "not_signed", told.filter(told.linked, told.recorded | told.denied)),
        _found(engine, "never_signed", told.filter(~told.linked, told.denied)),
    )


def _found(engine: Engine, name: str, tokens: ir.Table) -> ir.Table | None:
    found = engine.keep(f"custody_{name}", tokens.select("token_key"))
    return found if engine.rows(found.limit(1)) else None
