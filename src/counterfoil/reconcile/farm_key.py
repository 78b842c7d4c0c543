"""Evidence that the signing key of an AD FS farm was taken: read by another than the farm's own service.

The key lies in the farm's configuration, encrypted with a key that is derived from a contact object of the directory
(the DKM container). The service reads both. Whoever else does can sign assertions for anybody.
learn.microsoft.com/defender-for-identity, "Suspected AD FS DKM key read"; simulandlabs.com, "Export AD FS Token Signing
Certificate"
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from counterfoil.expressions import ibis, ir
from counterfoil.expressions.values import bound
from counterfoil.model.finding import MAX_LISTED
from counterfoil.model.logs import Hosts, KeyReads, Logs
from counterfoil.model.schema import Leg
from counterfoil.reconcile.engine import Engine
from counterfoil.reconcile.literals import bound_time
from counterfoil.reconcile.log_parts import in_logs

SIGNING_KEY, PIPE = "signing_key", "pipe"
# A farm has one such object or two. Where photos of more contacts are read, the directory audits its address book.
MAX_CONTACTS = 20
# Where nothing shows which account is the service's, one that reads on so many days is taken for it.
REGULAR_DAYS = 3
MAX_THEFTS = 50


def taken(
    engine: Engine, records: ir.Table, logs: Logs, since: datetime | None = None, until: datetime | None = None
) -> list[dict[str, Any]]:
    """Return who read the key where: account, host, what (operations, or an alert's title), addresses, times, evidence.

    At most MAX_THEFTS rows, the earliest first. `evidence`: `raw_file:raw_position` of at most MAX_LISTED records.
    """
    context = records.filter(records.leg == str(Leg.CONTEXT))
    titles = bound("titles", sorted({title for titles in logs.key_alerts.values() for title in titles}))
    alerts = context.filter(in_logs(context, "alerts", sorted(logs.key_alerts)), context.operation.lower().isin(titles))
    found = [alerts.select(
        "event_time", "raw_file", "raw_position", "ip", account=alerts.subject_name, host=alerts.device_id,
        what=alerts.operation,
    )]
    for name, hosts in logs.hosts.items():
        if hosts.key is not None:
            found += _reads(engine, context.filter(context.source.isin([name, *hosts.beside])), name, hosts, hosts.key)
    told = ibis.union(*found) if len(found) > 1 else found[0]
    if since is not None:
        told = told.filter(told.event_time >= bound_time("since", since))
    if until is not None:
        told = told.filter(told.event_time < bound_time("until", until))
    place = told.raw_file + ":" + told.raw_position.cast("string")
    grouped = told.group_by("account", "host", alert=ibis.ifelse(told.what.lower().isin(titles), told.what, "")).agg(
        records=told.count(), first_seen=told.event_time.min(), last_seen=told.event_time.max(),
        what=told.what.collect(distinct=True).sort(),
        ips=told.ip.collect(distinct=True).sort(),
        evidence=place.collect(distinct=True).sort()[:MAX_LISTED],
    )
    return engine.rows(grouped.order_by([grouped.first_seen, grouped.account, grouped.host]).limit(MAX_THEFTS))


def _with_account(events: ir.Table) -> ir.Table:
    """Add `sam`: the account's name without its domain."""
    name = events.subject_name.lower()
    return events.mutate(sam=name.re_replace(r"^.*\\", "").re_replace("@.*$", ""))


def _reads(engine: Engine, context: ir.Table, log: str, hosts: Hosts, key: KeyReads) -> list[ir.Table]:
    """Return who else than a farm's own service read the key, by the event logs of its servers; nothing of no read."""
    reads = engine.keep(f"farm_key_reads_{log}", _with_account(context.filter(context.object_kind == SIGNING_KEY)))
    if not engine.rows(reads.limit(1)):
        return []
    foreign = _foreign(engine, reads, context, log, hosts, key)
    return [foreign.select(
        "event_time", "raw_file", "raw_position", "ip", account=foreign.subject_name, host=foreign.kind,
        what=foreign.operation,
    )]


def _foreign(
    engine: Engine, reads: ir.Table, context: ir.Table, log: str, hosts: Hosts, key: KeyReads
) -> ir.Table:
    """Return the reads that are not the farm's own service's on its servers, with `ip` where a logon tells it."""
    contacts = reads.filter(reads.operation == key.directory)
    (counted,) = engine.rows(contacts.agg(n=contacts.object_id.nunique()))
    if counted["n"] > MAX_CONTACTS:
        reads = reads.filter(reads.operation != key.directory)
    farm = context.filter(context.source == log).select("kind").distinct()
    machines = farm.select(sam=farm.kind.re_replace(r"\..*$", "") + "$")
    here = _with_account(context.filter(context.source.isin(list(hosts.beside)))).filter(lambda t: t.sam.notnull())
    own = engine.keep(f"farm_key_accounts_{log}", ibis.union(machines, _services(here, farm, key), distinct=True))
    named = own.anti_join(machines, "sam")
    if not engine.rows(named.limit(1)):
        often = reads.filter(reads.operation != key.pipe).group_by("sam").agg(days=reads.event_time.date().nunique())
        own = engine.keep(f"farm_key_regulars_{log}", ibis.union(
            own, often.filter(often.days >= REGULAR_DAYS).select("sam"), distinct=True
        ))
    logons = here.filter(here.operation == key.logon, here.ip.notnull())
    places = logons.semi_join(machines, "sam").select(place=logons.ip).distinct()
    known = bool(engine.rows(places.limit(1)))
    sessions = logons.group_by("kind", logon=_logon(logons, key)).agg(place=logons.ip.max())
    met = reads.mutate(logon=_logon(reads, key)).left_join(sessions, ["kind", "logon"], rname="{name}_l")
    met = met.left_join(places.mutate(at_home=ibis.literal(True)), "place", rname="{name}_p")
    met = met.left_join(own.mutate(service=ibis.literal(True)), "sam", rname="{name}_o")
    elsewhere = met.place.notnull() & ~met.at_home.fill_null(False) if known else ibis.literal(False)
    # an opened pipe is one of these only if it was not the service that opened it
    strange = met.filter((met.operation == key.pipe) | ~met.service.fill_null(False) | elsewhere)
    columns = [name for name in reads.columns if name != "ip"]
    return strange.select(*columns, ip=ibis.coalesce(strange.ip, strange.place))


def _services(here: ir.Table, farm: ir.Table, key: KeyReads) -> ir.Table:
    """Return the accounts under which services run on the farm's servers, AD FS among them."""
    opened = here.filter(here.operation == key.pipe, here.object_kind == PIPE, here.extra.re_search(key.service))
    begun = here.filter(here.operation == key.logon, here.extra.contains(key.service_logon)).semi_join(farm, "kind")
    both = ibis.union(opened.select("sam"), begun.select("sam"), distinct=True)
    return both.filter(~both.sam.isin(key.anywhere))


def _logon(events: ir.Table, key: KeyReads) -> ir.StringValue:
    return events.extra.re_extract(key.logon_id, 1).lower().nullif("")
