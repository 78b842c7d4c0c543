"""Runs the engine on the rows that the reference judges, and tells where the two differ."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from counterfoil.case.engine import engine
from counterfoil.case.folder import REJECTED
from counterfoil.case.tables import Tables
from counterfoil.expressions import ibis, ir
from counterfoil.investigate.groups import described, disagreeing_ids
from counterfoil.model.coverage import CoverageRow
from counterfoil.model.reason import SETS, Probable
from counterfoil.model.schema import EVIDENCE
from counterfoil.model.verdict import ACCUSING
from counterfoil.reconcile.absent import absent, rootless
from counterfoil.reconcile.asked import Asked
from counterfoil.reconcile.balance import overdrawn
from counterfoil.reconcile.engine import Engine
from counterfoil.reconcile.families import ANY_BUCKET, BUCKETS, bucket, family
from counterfoil.reconcile.measured import raised
from counterfoil.reconcile.run import Reconciled, minted, reconcile
from counterfoil.reconcile.shapes import TOKENS, TWINS, USES
from counterfoil.reconcile.touched import Added
from counterfoil.reconcile.unaccounted import unaccounted

from .reference import CoverageLine, Judged, Judgement, Policy, Settings, judge
from .reference_policy import logs_of
from .rows import Row

COLUMNS = {column.name: column.dtype for column in EVIDENCE}
CLAIMS = ("issuer", "token_id", "subject", "token_tenant", "issued_at", "key_id", "signing_input_digest")
WHOSE = ("source", "record_id", "derived")  # of a token without id and digest
TOLD = ("verdict", "reason", "acceptances", "first_seen", "last_seen")
STRATUM = ("issuer", "kind", "resource", "client_id")
FIGURES = ("ids", "linked", "subjects", "days", "first_seen", "rate", "rate_sd")
FLAGS = ("ordinary", "route", "silent", "refuted")  # both tell of tokens that nothing settles

Key = tuple[Any, ...]
Facts = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What the engine says: a row per token, with `group_rule`, the coverage, and what else results are made of.

    `numbers`: one row of what is said of the evidence as a whole.
    """

    tokens: list[Row]
    coverage: tuple[CoverageRow, ...]
    strata: list[Row]
    twins: list[Row]
    uses: list[Row]
    unaccounted: list[Row]
    overdrawn: list[Row]
    numbers: list[Row]


EngineOf = Callable[[duckdb.DuckDBPyConnection, Path, Sequence[Path]], Engine]  # works there, on top of these piles
JudgeSteps = Callable[[Sequence[Sequence[Row]], Settings, Policy, int], Answer]
Judge = Callable[[Sequence[Row], Settings, Policy], Answer]


@contextmanager
def judging(work: Path, tables: EngineOf = Tables) -> Iterator[Judge]:
    """Yield what judges rows as a run of the program would, in one engine."""
    with judging_in_steps(work, tables) as in_steps:

        def judged(rows: Sequence[Row], settings: Settings, policy: Policy) -> Answer:
            return in_steps([rows], settings, policy, 1)

        yield judged


@contextmanager
def judging_in_steps(work: Path, tables: EngineOf = Tables) -> Iterator[JudgeSteps]:
    """Yield what judges batches of rows as runs of the program would that find one more batch each.

    The first batch is settled in so many parts of the buckets.
    """
    with engine(work, memory=None, threads=1) as con:

        def judged(batches: Sequence[Sequence[Row]], settings: Settings, policy: Policy, parts: int = 1) -> Answer:
            shutil.rmtree(work / "piles", ignore_errors=True)
            folders = [work / "piles" / str(place) for place in range(len(batches))]
            generations = [tables(con, folder, folders[:place]) for place, folder in enumerate(folders)]
            return answered(generations[-1], reconciled(generations, batches, settings, policy, parts), policy)

        yield judged


def reconciled(
    engines: Sequence[Engine], batches: Sequence[Sequence[Row]], settings: Settings, policy: Policy, parts: int = 1
) -> Reconciled:
    """Reconcile the first batch, then again with each further one, and return what came of it last.

    `engines`: one for each batch, whose piles lie on top of those of the engines before it.
    """
    rows: list[Row] = []
    added: Added | None = None
    buckets: tuple[tuple[str, ...], ...] = tuple(tuple(BUCKETS[place::parts]) for place in range(parts))
    if parts == 1:
        buckets = ((),)  # no bucket is named where all is settled at once
    for tables, batch in zip(engines, batches, strict=True):
        rows += batch
        good = [row for row in rows if row["leg"] != REJECTED]
        if added is not None:
            added = replace(added, evidence=_given(tables, "evidence_added", batch))
        evidence = _given(tables, "evidence_in", good)
        broken = _rejects(tables, [row for row in rows if row["leg"] == REJECTED])
        out = reconcile(tables, evidence, asked(settings, policy), policy, buckets=buckets, added=added, rejects=broken)
        added = Added(evidence, tables.keep("names_before", out.names))
    return out


def answered(tables: Engine, out: Reconciled, policy: Policy) -> Answer:
    """Return what the engine says of what it reconciled, without suspicions."""
    every = out.every.mutate(absent=absent(out.every, out.coverage, out.facts.logs))
    odd = raised(tables, out.cells, every, policy)
    tokens = ibis.union(out.told, minted(out.plain).mutate(is_user=False).select(*out.told.columns))
    tokens = tokens.mutate(rootless=rootless(tokens, out.coverage, out.facts.logs))
    score = tables.given("score", {"token_key": "string", "suspicion": "float64", "rules": "string"}, [])
    twins = tables.rows(disagreeing_ids(out.window(tables.piled(TWINS.name))))
    uses = tables.piled(USES.name).select("token_key", "source", "record_id", "derived", "child_id")
    lost = unaccounted(tables, out.records, out.issued, out.coverage, out.facts.logs, policy)
    drawn = overdrawn(tables, out.records, tables.piled(TOKENS.name), out.coverage, policy)
    return Answer(
        tables.rows(described(tokens, odd, score)), out.coverage, tables.rows(out.strata), twins, tables.rows(uses),
        [] if lost is None else tables.rows(lost), [] if drawn is None else tables.rows(drawn),
        [{name: getattr(out, name) for name in ("lost_acceptances", "nameless", "unclaimed")}],
    )


def _given(tables: Engine, name: str, rows: Sequence[Row]) -> ir.Table:
    given = tables.given(f"{name}_given", COLUMNS, [[row.get(column) for column in COLUMNS] for row in rows])
    by_bucket = ibis.ifelse(given.raw_position % 2 == 0, ANY_BUCKET, bucket(family(given)))
    return tables.keep(name, given.mutate(bucket=by_bucket))


def _rejects(tables: Engine, rows: Sequence[Row]) -> ir.Table:
    columns = COLUMNS | {"reject": "string"}
    return tables.given("rejects_all", columns, [[row.get(column) for column in columns] for row in rows])


def asked(settings: Settings, policy: Policy) -> Asked:
    """Return what the user says, as the engine takes it."""
    return Asked(
        declarations=settings.declarations,
        exported_at=settings.exported_at,
        since=settings.since,
        until=settings.until,
        federated=tuple(sorted(settings.federated.items())),
        identities=settings.identities,
        truncated=dict.fromkeys(settings.truncated, "cut"),
        attested=settings.attested,
        keys=settings.keys,
        logs=logs_of(policy),
    )


def differences(
    engine_says: Answer, rows: Sequence[Row], settings: Settings, policy: Policy, told: Judgement | None = None
) -> list[str]:
    """Return in words where the engine and the reference do not agree about these rows.

    `told`: what the reference says, where that is known already.
    """
    told = told or judge(rows, settings, policy)
    wanted = {
        _key(vars(t)): _wanted(t) for t in told.tokens
        if t.last_seen >= (settings.since or t.last_seen) and (settings.until is None or t.first_seen < settings.until)
    }
    found = {_key(row): row for row in engine_says.tokens}
    words = [f"only the reference has {key}" for key in wanted.keys() - found.keys()]
    words += [f"only the engine has {key}" for key in found.keys() - wanted.keys()]
    for key in wanted.keys() & found.keys():
        got = _found(found[key])
        words += [
            f"{key}: {name} is {got[name]}, the reference says {value}"
            for name, value in wanted[key].items()
            if got[name] != value
        ]
    parts = {(row.get("issuer"), row["source"], row["kind"]) for row in rows if row["leg"] != REJECTED}
    return words + _coverage_differences(engine_says.coverage, told.coverage, parts)


def strata_differences(engine_says: Answer) -> list[str]:
    """Return in words which strata (5.1) are not what the tokens with an id say."""
    found: dict[Key, list[Row]] = {}
    for token in engine_says.tokens:
        if token["has_id"]:
            found.setdefault(tuple(token[name] for name in STRATUM), []).append(token)
    wanted = {key: _stratum(tokens) for key, tokens in found.items()}
    got = {tuple(row[name] for name in STRATUM): {name: row[name] for name in FIGURES} | {
        name: round(row[name], 9) for name in ("rate", "rate_sd")} for row in engine_says.strata}
    words = [f"stratum {key} is only told by one" for key in wanted.keys() ^ got.keys()]
    return words + [f"stratum {key} is {got[key]}, not {wanted[key]}" for key in wanted.keys() & got.keys()
                    if got[key] != wanted[key]]


def uses_differences(engine_says: Answer) -> list[str]:
    """Return in words which tokens do not have all their uses told: of one that was used once, the token itself is."""
    told = Counter(row["token_key"] for row in engine_says.uses)
    wanted = {token["token_key"]: token["acceptances"] * (token["acceptances"] > 1 or token["derived"] != "")
              for token in engine_says.tokens}
    return [f"{told[key]} uses are told of a token that has {count}" for key, count in wanted.items()
            if told[key] != count]


def _stratum(tokens: Sequence[Row]) -> Facts:
    """Return the figures of tokens of one stratum: the rate is the mean of Beta(linked + 0.5, misses + 0.5)."""
    links = sum(bool(token["linked"]) for token in tokens)
    a, b = links + 0.5, len(tokens) - links + 0.5
    return {
        "ids": len(tokens), "linked": links, "subjects": len({token["subject"] for token in tokens} - {None}),
        "days": len({token["first_seen"].date() for token in tokens}),
        "first_seen": min(token["first_seen"] for token in tokens),
        "rate": round(a / (a + b), 9), "rate_sd": round((a * b / ((a + b) ** 2 * (a + b + 1))) ** 0.5, 9),
    }


def _key(token: Mapping[str, Any]) -> Key:
    claims = tuple(token[name] for name in CLAIMS)
    nameless = token["token_id"] is None and token["signing_input_digest"] is None
    return claims + tuple(token[name] for name in WHOSE) if nameless else claims


def _wanted(token: Judged) -> Facts:
    facts: Facts = {name: getattr(token, name) for name in TOLD}
    if not token.settled:
        facts |= {name: getattr(token, name) for name in ("silent", "refuted")}
        facts["outside_life"] = token.issued_at_outside_life
    if token.miss and not token.settled:
        facts |= {"ordinary": token.ordinary, "explained": token.explained, "route": token.route}
    accused = token.verdict in ACCUSING or token.reason in SETS
    facts |= {"uncompared": token.uncompared, "law_broken": token.breaks_law}
    facts["probably"] = bool(token.probably_forged) and not accused
    return facts


def _found(row: Row) -> Facts:
    return row | {"probably": row["group_rule"] in set(Probable) and row["verdict"] not in set(map(str, ACCUSING))}


def _coverage_differences(got: Sequence[CoverageRow], wanted: Sequence[CoverageLine], parts: set[Key]) -> list[str]:
    """Compare what is relied on and what not, of parts that are in evidence. A refusal's bounds are mere words."""

    def line(row: CoverageRow | CoverageLine) -> Key:
        bounds = (None, None) if row.status == "refused" else (_whole(row.start), _whole(row.end))
        return (row.issuer, row.source, row.kind, row.status, *bounds)

    def lines(rows: Iterable[CoverageRow | CoverageLine]) -> set[Key]:
        told = {line(row) for row in rows if row.status != "seen"}
        return {row for row in told if row[:3] in parts and (row[3] == "refused" or row[4] != row[5])}

    ours, theirs = lines(wanted), lines(got)
    words = [f"coverage: only the reference has {row}" for row in sorted(ours - theirs, key=str)]
    return words + [f"coverage: only the engine has {row}" for row in sorted(theirs - ours, key=str)]


def _whole(when: datetime | None) -> datetime | None:
    return when and when.replace(microsecond=0)
