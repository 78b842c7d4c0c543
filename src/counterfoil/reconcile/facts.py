"""Asks the evidence about its own logs: extents, gaps, whose they are, and where they break off."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime

from counterfoil.expressions import ibis, ir
from counterfoil.expressions.values import bound
from counterfoil.model.logs import Logs
from counterfoil.model.schema import Leg, Outcome
from counterfoil.reconcile.acceptances import federations
from counterfoil.reconcile.asked import Asked
from counterfoil.reconcile.clock import whole_seconds
from counterfoil.reconcile.declared import NO_ISSUER, Keepers, LogFacts, Part, Stretch
from counterfoil.reconcile.declared import Extent as _Extent
from counterfoil.reconcile.engine import Engine
from counterfoil.reconcile.hosts import Breaks, host_facts
from counterfoil.reconcile.literals import summed
from counterfoil.reconcile.log_parts import in_logs
from counterfoil.reconcile.own_logs import in_own_log
from counterfoil.reconcile.policy import HOUR, Policy


def log_facts(
    engine: Engine, evidence: ir.Table, records: ir.Table, issued: ir.Table, asked: Asked,
    unread: Mapping[Part, Stretch], policy: Policy,
) -> LogFacts:
    """Return what the evidence shows of the logs that issuances, and uses of keys, come from.

    `evidence` is taken with its duplicates: two events that are one record have two record numbers. `records`: each
    once. `unread`: what could not be read. A log of uses of keys has no issuer: it is the part of issuer "".
    """
    logs = asked.logs
    keepers = _keepers(engine, issued, logs)
    first_hand = issued.leg == Leg.ISSUANCE  # of an own log, renewals and exchanges too
    if keepers.issuers:
        first_hand |= in_own_log(issued, logs)
    primary = issued.filter(issued.issuer.notnull(), first_hand)
    servers = host_facts(engine, evidence, logs)
    used = records.leg == str(Leg.KEY_USE)
    # whatever else custody writes down shows as well that its log was kept then
    kept = in_logs(records, "key stores", logs.key_uses) & records.sequence.notnull()
    uses = records.filter(used | kept).mutate(issuer=ibis.literal(NO_ISSUER))
    extents = _extents(engine, primary, policy) | _extents(engine, uses, policy)
    own = _own(engine, primary, records, logs)
    nameless = _nameless(engine, issued, logs) if servers.farms else {}
    return LogFacts(
        extents=extents,
        own=own | {NO_ISSUER},
        truncated=asked.truncated,
        unread=unread,
        breaks={**servers.breaks, **_missing_entries(engine, evidence, logs)},
        hosts=servers.farms,
        notes=servers.notes,
        begins=servers.begins,
        nameless=nameless,
        unclaimed=frozenset(issuer for issuer, _ in nameless) - {issuer for _, issuer in asked.federated},
        anonymous=_anonymous(engine, issued, logs),
        keepers=keepers,
        logs=logs,
    )


def _keepers(engine: Engine, issued: ir.Table, logs: Logs) -> Keepers:
    """Return the issuers that keep a log of their own (rule 4.1)."""
    own = issued.filter(in_own_log(issued, logs), issued.issuer.notnull())
    told = engine.rows(own.group_by("issuer").agg(
        loose=(~own.source.isin(bound("dated logs", logs.dated))).any(),
        undigested=own.signing_input_digest.isnull().any(),
    ))
    return Keepers(
        frozenset(row["issuer"] for row in told),
        loose=frozenset(row["issuer"] for row in told if row["loose"]),
        undigested=frozenset(row["issuer"] for row in told if row["undigested"]),
        sound=logs.sound_in_whole,
    )


def _anonymous(engine: Engine, issued: ir.Table, logs: Logs) -> dict[tuple[str, str], int]:
    """Return how many issuances of each own log (source, kind) name no issuer."""
    found = issued.filter(in_own_log(issued, logs), issued.issuer.isnull())
    counted = found.group_by("source", "kind").agg(records=found.count())
    return {(row["source"], row["kind"]): int(row["records"]) for row in engine.rows(counted)}


def _nameless(engine: Engine, issued: ir.Table, logs: Logs) -> dict[tuple[str, str], tuple[int, int]]:
    """Return of each server of a farm (issuer, host) its issuances for sign-ins, and how many name nobody known."""
    given = issued.filter(
        in_logs(issued, "hosts", sorted(logs.hosts)), issued.leg == str(Leg.ISSUANCE),
        issued.outcome == str(Outcome.SUCCESS), issued.issuer.notnull(),
        issued.resource.isnull() | issued.resource.isin(federations(logs)),
    )
    counted = given.group_by("issuer", "kind").agg(n=given.count(), unknown=(~given.identified).cast("int64").sum())
    return {(row["issuer"], row["kind"]): (int(row["n"]), int(row["unknown"])) for row in engine.rows(counted)}


def _missing_entries(engine: Engine, evidence: ir.Table, logs: Logs) -> dict[tuple[str, str], Breaks]:
    """Return the own logs of which entries are missing between the first and the last: they are numbered."""
    entries = evidence.filter(evidence.source.isin(bound("numbered logs", logs.numbered)), evidence.sequence.notnull())
    counted = entries.group_by("source", "kind").agg(
        known=entries.sequence.nunique(), least=entries.sequence.min(), most=entries.sequence.max(),
        first=entries.event_time.min(), last=entries.event_time.max(),
    )
    found: dict[tuple[str, str], Breaks] = {}
    for row in engine.rows(counted):
        missing = row["most"] - row["least"] + 1 - row["known"]
        if missing:
            words = f"{missing:,} of the entries {row['least']:,} to {row['most']:,} are missing"
            found[row["source"], row["kind"]] = ((row["first"], row["last"], words),)
    return found


def _extents(engine: Engine, primary: ir.Table, policy: Policy) -> dict[Part, _Extent]:
    part = ["issuer", "source", "kind"]
    primary = primary.filter(primary.event_time.notnull())  # what has no date shows no extent
    # a gap is at least an hour, so that the first and last record of each hour tell of all gaps
    hourly = primary.group_by(*part, hour=primary.event_time.truncate("h")).agg(
        records=primary.count(), first=primary.event_time.min(), last=primary.event_time.max()
    )
    hourly = engine.keep("facts_hourly", hourly)
    daily = hourly.group_by(*part, day=hourly.hour.date()).agg(
        records=summed(hourly.records), first=hourly["first"].min(), last=hourly["last"].max()
    )
    days: dict[Part, dict[date, int]] = defaultdict(dict)
    spans: dict[Part, tuple[datetime, datetime]] = {}
    for row in engine.rows(daily):
        key = Part(row["issuer"], row["source"], row["kind"])
        days[key][row["day"]] = row["records"]
        first, last = spans.get(key, (row["first"], row["last"]))
        spans[key] = (min(first, row["first"]), max(last, row["last"]))
    gaps: dict[Part, list[tuple[datetime, datetime]]] = defaultdict(list)
    previous = hourly["last"].lag().over(group_by=[hourly[name] for name in part], order_by=hourly.hour)
    stepped = hourly.select(*part, "first", previous=previous)
    wide = stepped.filter(whole_seconds(stepped["first"]) - whole_seconds(stepped.previous) >= policy.gap_hours * HOUR)
    for row in engine.rows(wide):
        gaps[Part(row["issuer"], row["source"], row["kind"])].append((row["previous"], row["first"]))
    return {key: _Extent(*spans[key], days[key], tuple(sorted(gaps[key]))) for key in days}


def _own(engine: Engine, primary: ir.Table, records: ir.Table, logs: Logs) -> frozenset[str]:
    """Return the issuers whose own log is in evidence (rule 5.2): someone signed in at home there.

    Where logs name no home tenants at all, those are their own whose services accepted something; or every issuer
    in them, if nothing tells whose services these are.
    """
    shared = in_logs(primary, "logs of tenants", sorted(logs.tenants))
    named = primary.home_tenant.notnull() & primary.resource_tenant.notnull()
    at_home = (primary.home_tenant == primary.resource_tenant).fill_null(False)
    told = engine.rows(primary.group_by("issuer").agg(
        named=(shared & named).any(), at_home=at_home.any(), alone=(~shared).any()
    ))
    if any(row["named"] for row in told):
        return frozenset(row["issuer"] for row in told if row["alone"] or row["at_home"])
    served = _served(engine, records, logs)
    return frozenset(row["issuer"] for row in told if row["alone"] or not served or row["issuer"] in served)


def _served(engine: Engine, records: ir.Table, logs: Logs) -> frozenset[str]:
    """Return the issuers of the tenants whose services accepted something."""
    accepted = records.filter(records.leg == str(Leg.ACCEPTANCE), records.resource_tenant.notnull())
    tenants = [str(row["resource_tenant"]) for row in engine.rows(accepted.select("resource_tenant").distinct())]
    return frozenset(begins + tenant for begins in set(logs.tenants.values()) for tenant in tenants)
