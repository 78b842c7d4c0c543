"""Rules 8.1 and 8.2: what logs of key custody tell of a token: that its key store signed it, or that it did not.

Presence of a digest tells in any log. Absence tells only where a log with digests is relied on (rule 5), from when on
it knows the key, and until the token can have been signed no more.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir

from counterfoil.model.coverage import RELIED, CoverageRow
from counterfoil.model.schema import Leg, Outcome
from counterfoil.reconcile.clock import whole_seconds
from counterfoil.reconcile.declared import seconds
from counterfoil.reconcile.engine import Engine
from counterfoil.reconcile.policy import Policy

# Operations that make a key inside custody: no signature is older.
BIRTHS = ("create", "prepare", "rotate")
# Keys that custody logs of one case may know of; an issuer has a few.
MAX_KEYS = 100_000
_SPAN = {"key_id": "string", "log": "string", "logs": "int64", "lo": "int64", "hi": "int64"}
_ISSUER = {"issuer": "string", "lo": "int64", "hi": "int64"}
_LONG_AGO = -(2**62)


@dataclass(frozen=True)
class Custody:
    """What is known of the uses of keys.

    `signed`: (digest) of everything that some key store signed. `spans`: (key_id, log, logs, lo, hi), seconds: that
    `log`, one of so many `logs` that know the key, holds all its uses then. `issuers`: (issuer, lo, hi): all keys of
    the issuer's issuances have all their uses in evidence then. `relied`: there is a span at all.
    """

    signed: ir.Table
    spans: ir.Table
    issuers: ir.Table
    relied: bool


def custody_of(
    engine: Engine, records: ir.Table, issued: ir.Table, rows: Sequence[CoverageRow]
) -> Custody | None:  # fmt: skip
    """Return what custody logs in evidence tell; None if there is no use of a key in evidence.

    `records`: each once; `issued`: issuances; `rows`: the coverage of all logs.
    """
    uses = _uses(records)
    logs, relied = _logs(engine, uses, rows)
    if not logs:
        return None
    blind = _without_digests(engine, uses)
    spans = _spans(engine, records, logs, [row for row in relied if (row.source, row.kind) not in blind])
    made = uses.filter(uses.outcome == str(Outcome.SUCCESS), uses.signing_input_digest.notnull())
    return Custody(
        signed=engine.keep("custody_signed", made.select(digest=made.signing_input_digest).distinct()),
        spans=engine.given("custody_spans", _SPAN, [[span[name] for name in _SPAN] for span in spans]),
        issuers=engine.given("custody_issuers", _ISSUER, _issuers(engine, issued, spans)),
        relied=bool(spans),
    )


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
    ]  # fmt: skip


def _uses(records: ir.Table) -> ir.Table:
    return records.filter(records.leg == str(Leg.KEY_USE))


def _logs(
    engine: Engine, uses: ir.Table, rows: Sequence[CoverageRow]
) -> tuple[set[tuple[str, str]], list[CoverageRow]]:  # fmt: skip
    """Return the logs of key uses (source, kind) in evidence, and the stretches of them that are relied on."""
    logs = {(row["source"], row["kind"]) for row in
            engine.rows(uses.select("source", "kind").distinct().limit(MAX_KEYS))}  # fmt: skip
    relied = [row for row in rows if row.status in RELIED and (row.source, row.kind) in logs and row.start and row.end]
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
    known = named.group_by("source", "kind", "key_id").agg(
        first=named.event_time.min(), born=named.operation.isin(BIRTHS).any()
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
    """Return a row of _SPAN: from when on the log knows the key, or from ever if the key was made in it."""
    start, end, first = log.start or key["first"], log.end or key["first"], key["first"]
    lo = _LONG_AGO if key["born"] and first >= start else max(seconds(start), seconds(first))
    name = f"{log.source}/{log.kind}"
    return {"key_id": key["key_id"], "log": name, "logs": logs, "lo": lo, "hi": seconds(end)}


def _issuers(engine: Engine, issued: ir.Table, spans: Sequence[dict[str, Any]]) -> list[list[Any]]:
    """Return rows of _ISSUER."""
    if not spans:
        return []
    used = issued.filter(issued.issuer.notnull(), issued.outcome == str(Outcome.SUCCESS))
    keys: dict[str, set[str | None]] = {}
    for row in engine.rows(used.select("issuer", "key_id").distinct().limit(MAX_KEYS)):
        keys.setdefault(row["issuer"], set()).add(row["key_id"])
    latest = _latest(spans)
    told: list[list[Any]] = []
    for issuer, names in sorted(keys.items()):
        if names <= latest.keys():
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
    """Return tokens with `signed` (a key store signed these bytes), `unsigned` (none did) and `in_custody`.

    Neither of the first two: it cannot be told. `in_custody`: the key that the token names is in a custody log.
    """
    no = ibis.literal(False)
    if custody is None:
        return tokens.mutate(signed=no, unsigned=no, in_custody=no)
    told = tokens.left_join(custody.signed.mutate(found=ibis.literal(True)), tokens.signing_input_digest ==
                            custody.signed.digest, rname="{name}_c")  # fmt: skip
    told = engine.keep("with_uses", told.select(*tokens.columns, signed=told.found.fill_null(False)))
    if not custody.relied:
        return told.mutate(unsigned=no, in_custody=no)
    # of a token that the issuer recorded, its record says when it was signed; of any other, its use says until when
    issued_at = whole_seconds(told.issued_at)
    w_lo = ibis.ifelse(told.issued_at.notnull(), issued_at - policy.mint_lag, told.t_first - policy.default_life)
    dated = told.by_digest & (issued_at <= told.t_first + policy.mint_lag).fill_null(False)
    w_hi = ibis.ifelse(dated, issued_at, told.t_first) + policy.mint_lag
    told = told.mutate(c_lo=w_lo, c_hi=w_hi)
    spans, issuers = custody.spans, custody.issuers
    by_key = told.filter(told.key_id.notnull()).select("token_key", "key_id", "c_lo", "c_hi").join(spans, "key_id")
    keyed = by_key.group_by("token_key").agg(
        inside=by_key.log.nunique(where=_inside(by_key)) >= by_key.logs.max()
    )
    by_issuer = told.select("token_key", "issuer", "c_lo", "c_hi").join(issuers, "issuer")
    owned = by_issuer.group_by("token_key").agg(inside=_inside(by_issuer).any())
    joined = told.left_join(keyed, "token_key", rname="{name}_k").left_join(owned, "token_key", rname="{name}_i")
    known = joined.inside.notnull()
    covered = ibis.ifelse(known, joined.inside, joined.inside_i.fill_null(False))
    unsigned = ~joined.signed & joined.signing_input_digest.notnull() & covered
    return engine.keep(
        "with_custody", joined.select(*tokens.columns, signed=joined.signed, unsigned=unsigned, in_custody=known)
    )


def _inside(spans: ir.Table) -> ir.BooleanValue:
    return (spans.lo <= spans.c_lo) & (spans.hi >= spans.c_hi)


def not_signed(engine: Engine, every: ir.Table, custody: Custody | None, policy: Policy) -> ir.Table | None:
    """Rule 3.5: return (token_key) of tokens that an issuer recorded by digest and no key store signed; None if none.

    Only of tokens whose key is in a relied custody log, so that nothing is joined where there is none.
    """
    if custody is None or not custody.relied:
        return None
    keyed = every.filter(every.by_digest, every.signing_input_digest.notnull())
    keyed = keyed.semi_join(custody.spans, "key_id").anti_join(
        custody.signed, keyed.signing_input_digest == custody.signed.digest
    )
    told = with_custody(engine, engine.keep("maybe_unsigned", keyed), custody, policy)
    found = engine.keep("not_signed", told.filter(told.unsigned).select("token_key"))
    return found if engine.rows(found.limit(1)) else None
