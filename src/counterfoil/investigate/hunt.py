"""The main job on a case: reconcile what is in evidence, rank the rest, keep the results, sum them up."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, astuple

import msgspec
from duckdb import DuckDBPyConnection

from counterfoil.case.folder import CaseFolder
from counterfoil.case.manifest import Manifest
from counterfoil.case.results import write_results
from counterfoil.case.tables import Tables
from counterfoil.detect.decoy_key import planted, refused
from counterfoil.detect.rule import FIRST_USES, NETWORKS, SIGN_IN_PLACES
from counterfoil.detect.rule import Tables as RuleTables
from counterfoil.detect.suspicion import OPEN, suspects, suspicion
from counterfoil.expressions import ibis, ir
from counterfoil.expressions.values import bound
from counterfoil.investigate import groups as grouping
from counterfoil.investigate.changes import of_changes
from counterfoil.investigate.findings import Decoys, findings
from counterfoil.investigate.intrusions import found as intrusions
from counterfoil.investigate.key_watch import CLUE_COLUMNS, STORE_COLUMNS, clue_rows, of_clues, store_rows, watched
from counterfoil.investigate.log_findings import of_balances, of_logs, of_signatures, of_thefts
from counterfoil.investigate.replays import of_replays
from counterfoil.investigate.strange import with_strangeness
from counterfoil.model import schema
from counterfoil.model.coverage import CoverageRow, Offer
from counterfoil.model.finding import Finding, Use
from counterfoil.model.hosting import NetworkFile
from counterfoil.model.logs import Logs
from counterfoil.pipeline.asked import options
from counterfoil.pipeline.judge import judge
from counterfoil.pipeline.networks import networks as networks_of
from counterfoil.pipeline.offers import offered
from counterfoil.pipeline.progress import Progress
from counterfoil.pipeline.repeats import repeats
from counterfoil.pipeline.settled import state_after, state_table
from counterfoil.pipeline.standing import digest
from counterfoil.pipeline.store import Store, StoreOn
from counterfoil.reconcile.absent import absent, rootless
from counterfoil.reconcile.asked import Asked
from counterfoil.reconcile.balance import overdrawn
from counterfoil.reconcile.covered import needs
from counterfoil.reconcile.engine import Engine
from counterfoil.reconcile.farm_key import taken
from counterfoil.reconcile.literals import summed
from counterfoil.reconcile.measured import raised
from counterfoil.reconcile.policy import Policy
from counterfoil.reconcile.run import Reconciled
from counterfoil.reconcile.shapes import DIFFERENT, KEY, MERGED, TOKENS, TWINS, VARIANTS
from counterfoil.reconcile.unaccounted import unaccounted

# What `tokens` promises: one row per accepted token with verdict, reason and links.
TOKEN_COLUMNS = (
    "token_key", "verdict", "reason", "diagnosis", "issuer", "token_id", "subject", "subject_name", "token_tenant",
    "issued_at", "key_id", "signing_input_digest", "first_seen", "last_seen", "acceptances", "suspicion", "rules",
    "group_rule", "group_issuer", "group_client", "primary", "secondary", "interrupted", "failed", "ordinary",
    "explained", "route", "refuted", "silent", "outside_life", "law_broken", "uncompared", "early", "needs",
    "token_class", "client_id", "resource", "resource_tenant", "network", "ip", "user_agent", "object_kind",
    "object_id", "object_parent", "operation", "derived", "source", "kind", "record_id", "raw_file", "raw_position",
)


def investigate(
    con: DuckDBPyConnection, store_on: StoreOn, folder: CaseFolder, manifest: Manifest, asked: Asked, progress: Progress
) -> None:
    """Judge the case's evidence in a store, apply the rules, and write the results with the embedded engine, `con`."""
    judged = judge(con, store_on, folder, manifest, asked, progress)
    tables, found, policy = judged.tables, judged.found, judged.policy
    progress.stage("ranking")
    told = judged_tokens(tables, found, policy, asked.networks)
    paths = {entry.sha256: entry.path for entry in manifest.inputs if entry.source}
    twins = found.window(tables.piled(TWINS.name))
    thefts = taken(tables, found.records, asked.logs, asked.since, asked.until)
    keys = watched(tables, found, told, asked, paths, thefts)
    results = findings(tables.rows(grouping.groups(told)), tables.rows(grouping.disagreeing_ids(twins)), paths,
                       found.coverage, tables.rows(grouping.uses(told)), _decoys(tables, found.records, asked.logs),
                       [*_of_logs(tables, found, asked, policy), *of_thefts(thefts, paths), *of_clues(keys.clues),
                        *of_changes(tables, found.records, paths, asked.since, asked.until),
                        *of_replays(tables, found, paths, asked.since, asked.until)])
    progress.stage("writing results")
    state = state_after(folder, manifest, judged.plan, digest(manifest, asked))
    offers = offered(found.coverage, asked, found.facts, policy)
    here = Tables(con, folder.tmp)
    kept = _computed(tables, found, told) | _told(here, found, results, offers) | {
        "inputs": here.given("inputs_out", _INPUT, _input_rows(tables, manifest, asked.logs.accepting)),
        "key_watch": here.given("key_watch_out", CLUE_COLUMNS, clue_rows(keys)),
        "key_stores": here.given("key_stores_out", STORE_COLUMNS, store_rows(keys)),
        "asked": here.given("asked_out", _ASKED, [[n, *pair] for n, pair in enumerate(options(asked), 1)]),
        "settled": state_table(here, state),
        "generations": here.given("generations_out", {"place": "int64", "name": "string"},
                                    list(enumerate(state.generations))),
        "judged_window": here.given("window_out", {"since": "timestamp(6)", "until": "timestamp(6)"},
                                      [[asked.since, asked.until]]),
    }
    write_results(con, folder, manifest, kept, lambda: intrusions.kept(con))


def _decoys(tables: Store, records: ir.Table, logs: Logs) -> Decoys:
    """Return the decoy keys in evidence, and what was presented under them and refused."""
    places: dict[str, tuple[str, ...]] = {}
    for row in sorted(tables.rows(planted(records, logs)), key=lambda row: (row["key_id"], row["place"] or "")):
        places[row["key_id"]] = (*places.get(row["key_id"], ()), *([row["place"]] if row["place"] else ()))
    return Decoys(places, tuple(tables.rows(refused(records, logs))) if places else ())


def _of_logs(tables: Store, found: Reconciled, asked: Asked, policy: Policy) -> list[Finding]:
    """Return what own logs show of themselves, and of an issuer's signatures."""
    lost = unaccounted(tables, found.records, found.issued, found.coverage, asked.logs, policy)
    drawn = overdrawn(tables, found.records, tables.piled(TOKENS.name), found.coverage, policy)
    return [
        *of_logs(asked.attested),
        *of_signatures([] if lost is None else tables.rows(lost)),
        *of_balances([] if drawn is None else tables.rows(drawn)),
    ]


def judged_tokens(
    tables: Engine, found: Reconciled, policy: Policy, networks: NetworkFile | None = None
) -> ir.Table:
    """Return judged tokens with suspicion, raised clusters and the rule under which each is reported.

    `networks`: the user's own file, if there is one.
    """
    # the usual rate is that of the whole evidence, not of the window (rule 5.7)
    every = found.every.mutate(absent=absent(found.every, found.coverage, found.facts.logs))
    odd = raised(tables, found.cells, every, policy)
    told = found.told.mutate(rootless=rootless(found.told, found.coverage, found.facts.logs), needs=needs(found.told))
    named = tables.piled(TOKENS.name).filter(lambda tokens: tokens.has_id)
    kinds = tables.keep("of_kind", named.group_by("issuer", "kind").agg(peers=named.count()))
    told = told.left_join(kinds, ["issuer", "kind"], rname="{name}_k").select(*told.columns, "peers")
    told = tables.keep("told_all", grouping.described(told, odd, _score(tables, found, networks)).drop("rootless"))
    return tables.keep("told", with_strangeness(tables, told, found.plain, found.records, found.names))


def _score(tables: Engine, found: Reconciled, networks: NetworkFile | None) -> ir.Table:
    """Return (token_key, suspicion, rules) of what the rules find odd."""
    suspected = tables.keep("suspects", suspects(found.told))
    open_ = found.told.filter(found.told.verdict.isin(OPEN))
    if not tables.rows(open_.limit(1)):
        return tables.given("suspicion", {"token_key": "string", "suspicion": "decimal(38, 1)", "rules": "string"}, [])
    every, variants = tables.piled(TOKENS.name), tables.piled(VARIANTS.name)
    kind = ["object_kind", "object_id", "resource_tenant", "client_id"]
    uses = ibis.union(every.select(*kind, event_time=every.first_seen), variants.select(*kind, "event_time"))
    mail = uses.filter(uses.object_kind == "mailbox")
    whose = suspected.select("subject").distinct()
    known = found.issued.select("subject", "ip").semi_join(whose, "subject")
    issued = SIGN_IN_PLACES.kept(tables, known.distinct())
    return suspicion(
        tables.keep,
        RuleTables(
            suspects=suspected,
            tokens=found.told,
            acceptances=FIRST_USES.kept(tables, mail.group_by(*kind).agg(event_time=mail.event_time.min())),
            issued=issued,
            records=found.records,
            networks=_networks(tables, ibis.union(suspected.select("ip"), issued.select("ip")), networks),
            logs=found.facts.logs,
        ),
    )


def _networks(tables: Engine, addresses: ir.Table, file: NetworkFile | None) -> ir.Table:
    """Return whose network each of these addresses is in, as the file knows it."""
    wanted = addresses.filter(addresses.ip.notnull()).distinct()
    known = {} if file is None else networks_of(file, sorted(row["ip"] for row in tables.rows(wanted)))
    told = [[ip, network.asn, network.name, network.hosting] for ip, network in known.items()]
    return tables.given("rule_networks", NETWORKS, told)


def _computed(tables: Store, found: Reconciled, told: ir.Table) -> dict[str, ir.Table]:
    """Return the tables of the results that the engine computed, by name, as the embedded engine has them.

    `evidence` is a view over Parquet and `merged`; `tokens` one over `judged` and the piles without the `caught`.
    """
    computed = {
        "judged": told.select(*TOKEN_COLUMNS),
        "caught": told.filter(told.plain).select("token_key"),
        "names": found.names,
        "strata": found.strata,
        "keys": _keys(tables),
        "rejects": tables.table("rejects_all").select("raw_file", "raw_position", "source", "reject"),
        "merged": _merged(tables, found),
        "legs": _legs(found),
    }
    return {name: tables.home(name, table) for name, table in computed.items()}


def _told(
    tables: Tables, found: Reconciled, results: Sequence[Finding], offers: Sequence[Offer]
) -> dict[str, ir.Table]:
    """Return the small tables of the results, by name; `offers`: what could be declared."""
    return {
        "findings": tables.given("findings_out", _FINDING, [_finding_row(finding) for finding in results]),
        "coverage": tables.given("coverage_out", _COVERAGE, [_coverage_row(row) for row in found.coverage]),
        "offers": tables.given("offers_out", _OFFER, [list(astuple(offer)) for offer in offers]),
        "lost": tables.given("lost_out", {"acceptances": "int64", "nameless": "int64"},
                             [[found.lost_acceptances, found.nameless]]),
        "unclaimed": tables.given("unclaimed_out", {"issuer": "string"}, [[issuer] for issuer in found.unclaimed]),
    }


def _legs(found: Reconciled) -> ir.Table:
    """Return how many records each leg has, and between which times things happened: a state is no event."""
    records = found.records
    happened = ~records.source.isin(bound("states", found.facts.logs.states))
    return records.group_by("leg").agg(
        records=records.count(),
        first=records.event_time.min(where=happened), last=records.event_time.max(where=happened),
    )


def _merged(tables: Store, found: Reconciled) -> ir.Table:
    """Return the merged duplicates, an empty table if nothing repeats."""
    if tables.has(MERGED.name):
        return tables.table(MERGED.name)
    return MERGED.kept(tables, found.records.limit(0).select(*schema.NAMES))


def _keys(tables: Store) -> ir.Table:
    """Return every signing key that a record names, with the use seen of it."""
    every = tables.piled(TOKENS.name)
    used = every.filter(every.key_id.notnull())
    return used.group_by("key_id", "issuer").agg(
        tokens=used.count(),
        acceptances=summed(used.acceptances),
        first_seen=used.first_seen.min(),
        last_seen=used.last_seen.max(),
    )


_FINDING = {
    "id": "string", "rule": "string", "verdict": "string", "severity": "string", "confidence": "string",
    "title": "string", "detail": "string", "first_seen": "timestamp(6)", "last_seen": "timestamp(6)",
    "token_count": "int64", "acceptance_count": "int64", "subjects": "array<string>", "tokens": "array<string>",
    "keys": "array<string>", "clients": "array<string>", "ips": "array<string>", "objects": "array<string>",
    "evidence": "array<string>", "attack": "array<string>", "next_step": "string", "score": "float64",
    "diagnosis": "string", "at_least": "int64",
    "uses": "array<struct<time: timestamp(6), subject: string, ip: string, client: string, token: string,"
            " strange: array<string>>>",
}
_COVERAGE = {
    "issuer": "string", "source": "string", "kind": "string", "status": "string", "start": "timestamp(6)",
    "end": "timestamp(6)", "records": "int64", "reason": "string",
}
_OFFER = {"source": "string", "kind": "string", "issuers": "array<string>", "dated": "boolean"}
_ASKED = {"place": "int64", "name": "string", "value": "string"}
_INPUT = {
    "path": "string", "sha256": "string", "size": "int64", "source": "string", "read": "int64", "kept": "int64",
    "duplicates": "int64", "rejected": "int64", "truncated": "string", "unread": "string", "nearest": "string",
    "archive": "string", "accepts": "boolean", "note": "string", "merged": "int64",
}


def _finding_row(finding: Finding) -> list[object]:
    return [_plain(getattr(finding, name)) for name in _FINDING]


def _coverage_row(row: CoverageRow) -> list[object]:
    return [getattr(row, name) for name in _COVERAGE]


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return [asdict(each) if isinstance(each, Use) else each for each in value]
    return value


def _input_rows(tables: Store, manifest: Manifest, accepting: Collection[str]) -> list[list[object]]:
    """Return a row per input; a duplicate is a record of which others say all that it says (rule 1.1)."""
    again, different = repeats(tables), _different(tables)
    rows: list[list[object]] = []
    for entry in manifest.inputs:
        good = entry.read - entry.rejected
        duplicates, merged = again.get(entry.sha256, (0, 0)) if entry.source else (good, 0)
        values = msgspec.structs.asdict(entry)
        values |= {"kept": good - duplicates, "duplicates": duplicates, "merged": merged,
                   "accepts": entry.log in accepting}
        if many := different.get(entry.sha256, 0):
            shared = f"{many:,} of its records share their id with a different record: each is kept"
            values["note"] = "; ".join(filter(None, [entry.note, shared]))
        rows.append([values[name] for name in _INPUT])
    return rows


def _different(tables: Store) -> dict[str, int]:
    """Return per input how many of its records stand under one id with a different record."""
    keys = tables.table(DIFFERENT.name)
    if not tables.rows(keys.limit(1)):
        return {}
    found = tables.table("evidence_all").semi_join(keys, KEY)
    counted = found.group_by("raw_file").agg(records=found.count())
    return {row["raw_file"]: int(row["records"]) for row in tables.rows(counted)}
