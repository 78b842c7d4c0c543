"""Rules 1.3 and 1.4: every acceptance, those included that another record implies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from counterfoil.expressions import ibis, ir
from counterfoil.expressions.values import bound
from counterfoil.model.logs import Logs
from counterfoil.model.schema import Leg, Outcome, TokenClass
from counterfoil.reconcile.engine import Engine
from counterfoil.reconcile.families import family
from counterfoil.reconcile.identity import crossing
from counterfoil.reconcile.log_parts import by_log, in_logs
from counterfoil.reconcile.own_logs import in_own_log

SAML = ("saml11", "saml20")
UNNAMED = "federated:"  # before a domain: its identity provider, which nobody named

# What a token, its verdict and the suspicions need of an acceptance.
COLUMNS = (
    "event_time", "issued_at", "source", "kind", "record_id", "raw_file", "raw_position",
    "issuer", "token_class", "token_id", "token_id_kind", "signing_input_digest", "key_id",
    "subject_id", "subject_name", "client_id", "resource", "token_tenant", "resource_tenant",
    "ip", "user_agent", "logon_type", "object_kind", "object_id", "object_parent", "operation",
)
# What receipts tell of a token that an own log names as shown.
_TUPLE = (
    "issuer", "issued_at", "subject_id", "subject_name", "token_tenant", "key_id", "signing_input_digest",
    "token_class",
)
_MORE = ("derived", "unknown_presentation", "child_id", "family")
_RECORDED = (*COLUMNS, *_MORE)


def recorded(records: ir.Table) -> ir.Table:
    """Return the acceptances that services recorded, with COLUMNS, `derived`, `family` and `network`."""
    let_in = records.filter(records.leg == Leg.ACCEPTANCE, records.outcome.isin([Outcome.SUCCESS, Outcome.DENIED]))
    return let_in.select(
        *COLUMNS,
        derived=ibis.literal(""), unknown_presentation=ibis.literal(False), child_id=ibis.null("string"),
        family=family(let_in), network=network(let_in.ip),
    )


def implied(
    records: ir.Table, exchanges: ir.Table, federated: ir.Table | None, logs: Logs, *, own_logs: bool
) -> ir.Table:
    """Return the acceptances that other records imply, with the same columns.

    `derived` tells by what: 'assertion' or 'exchange', '' of what was recorded. `child_id` is the token obtained with
    this one. `exchanges`: those that secondary issuances imply; `federated`: of `federated`; `logs`: what logs mean;
    `own_logs`: issuers have some in evidence.
    """
    shown = _as_presented(exchanges, records, logs) if own_logs else exchanges.select(*_RECORDED)
    both = ibis.union(_assertions(records, federated, logs), shown)
    return both.mutate(network=network(both.ip))


def network(ip: ir.StringValue) -> ir.StringValue:
    """Return the /24 of an IPv4 and the /48 of an IPv6 address as text, however it is written; NULL for NULL."""
    v4 = ip.re_extract(r"^(\d+\.\d+\.\d+)\.\d+$", 1)
    group = "0*([0-9a-f]+)"
    forms = ((rf"^{group}:{group}:{group}", 3), (rf"^{group}:{group}::", 2), (rf"^{group}::", 1), ("^::", 0))
    written = [
        (
            ip.re_search(form),
            ibis.literal(":").join([*(ip.re_extract(form, n + 1) for n in range(known)), *["0"] * (3 - known)]),
        )
        for form, known in forms
    ]
    return ibis.cases((v4 != "", v4), *written, else_=ip)


def _as_presented(exchanges: ir.Table, records: ir.Table, logs: Logs) -> ir.Table:
    """Rule 1.3 d: what was shown to an issuer with an own log is what services with receipts saw under that id.

    That log tells of the parent its id alone; the child may be another issuer's, and pseudonyms are by issuer. Where
    receipts tell two tokens of that id, or one that is not the one that was issued, nothing tells which of them it was.
    What is exchanged may be another issuer's token: of an id that nothing else in evidence knows, no issuer is known.
    """
    taken = recorded(records)
    seen = taken.filter(in_logs(taken, "receipts", logs.receipts))
    known = seen.group_by("token_id").agg(
        digests=seen.signing_input_digest.nunique(), **{f"{name}_seen": seen[name].max() for name in _TUPLE}
    )
    known = known.filter(known.digests == 1)
    issued = records.filter(
        records.leg.isin([Leg.ISSUANCE, Leg.SECONDARY_ISSUANCE]), records.outcome == Outcome.SUCCESS,
        in_own_log(records, logs),
    )
    same = known.semi_join(issued, [known.token_id == issued.token_id,
                                    known.signing_input_digest_seen == issued.signing_input_digest])
    told_by = ibis.union(same, known.anti_join(issued, "token_id"))
    somewhere = ibis.union(seen.select("token_id"), issued.select("token_id"), distinct=True)
    joined = exchanges.left_join(told_by, "token_id", rname="{name}_known").left_join(
        somewhere.mutate(somewhere=ibis.literal(True)), "token_id", rname="{name}_somewhere"
    )
    own = in_own_log(joined, logs)
    told = {name: ibis.ifelse(own, joined[f"{name}_seen"], joined[name]) for name in _TUPLE}
    at_home = (joined.source + "/" + joined.grant).isin(bound("own parents", logs.own_parents)).fill_null(False)
    guess = ibis.ifelse(joined.somewhere.fill_null(False) | at_home, joined.issuer, ibis.null("string"))
    told["issuer"] = ibis.ifelse(own, ibis.coalesce(joined.issuer_seen, guess), joined.issuer)
    return joined.mutate(**told).select(*_RECORDED)


def _signed_in(records: ir.Table, logs: Logs) -> ir.Table:
    """Return the sign-ins of logs that tell of assertions."""
    return records.filter(
        records.leg == Leg.ISSUANCE, in_logs(records, "federated logs", sorted(logs.federations)),
        records.outcome == Outcome.SUCCESS,
    )


def _assertions(records: ir.Table, federated: ir.Table | None, logs: Logs) -> ir.Table:
    """Rule 1.3 a, b: a sign-in that was given an assertion accepted it."""
    signins = _signed_in(records, logs)
    # most sign-ins were given something else; what it was is unknown of some
    told = signins.incoming_token.isin(SAML)
    signins = signins.filter(told if federated is None else told | signins.incoming_token.isnull())
    signins = signins.mutate(domain=domain_of(signins.subject_name))
    if federated is None:
        joined = signins.mutate(federation=ibis.null("string"))
    else:
        joined = signins.left_join(federated, "domain").drop("domain_right")
    # a guest's own organisation keeps the log of his identity provider
    own = joined.incoming_token.notnull() & ~_guest(joined)
    taken = joined.filter(joined.federation.notnull() | own)
    taken = taken.mutate(
        unknown_presentation=taken.incoming_token.isnull(), child_id=taken.token_id, family=family(taken)
    )
    # several successful versions of one sign-in were given one assertion
    version = ibis.row_number().over(
        group_by=ibis.coalesce(taken.token_id, taken.record_id),
        order_by=[taken.unknown_presentation, taken.event_time, taken.record_id, taken.raw_file, taken.raw_position],
    )
    taken = taken.mutate(version=version).filter(lambda t: t.version == 0)
    issuer = ibis.coalesce(taken.federation, ibis.literal(UNNAMED) + taken.domain)
    return taken.mutate(
        issuer=issuer,
        token_class=ibis.literal(str(TokenClass.ASSERTION)),
        token_id=ibis.null("string"),
        token_id_kind=ibis.null("string"),
        issued_at=ibis.null("timestamp(6)"),
        key_id=ibis.null("string"),
        signing_input_digest=ibis.null("string"),
        token_tenant=ibis.null("string"),
        resource=by_log(taken, logs.federations),
        operation=ibis.literal("assertion"),
        object_kind=ibis.null("string"),
        derived=ibis.literal("assertion"),
    ).select(*_RECORDED)


def domain_of(name: ir.StringValue) -> ir.StringValue:
    """Return what follows the last `@` of a user's name, NULL if there is none."""
    return name.re_extract(r"@([^@]+)$", 1).nullif("")


def federations(logs: Logs) -> Any:
    """Return as whom identity providers know the services that take their assertions, as `isin` takes them."""
    return bound("federations", sorted(set(logs.federations.values())))


def federated(
    engine: Engine, records: ir.Table, named: Sequence[tuple[str, str]], logs: Logs
) -> ir.Table | None:
    """Return (domain, federation): who was named for each domain, or else for the next domain above it.

    `named`: (domain, federation); None if there are none.
    """
    if not named:
        return None
    given = engine.given("federated", {"domain": "string", "federation": "string"}, named)
    signins = _signed_in(records, logs)
    asked = signins.select(domain=domain_of(signins.subject_name)).distinct()
    above = given.select(above=given.domain, federation=given.federation)
    met = asked.join(above, (asked.domain == above.above) | asked.domain.endswith(ibis.literal(".") + above.above))
    return engine.keep(
        "acceptances_federated", met.group_by("domain").agg(federation=met.federation.argmax(met.above.length()))
    )


def _guest(signins: ir.Table) -> ir.BooleanValue:
    """Tell whose account lives in another tenant, by tenants or by the kind of access."""
    away = (signins.home_tenant != signins.resource_tenant).fill_null(False)
    return away | crossing(signins)


def exchanged(records: ir.Table) -> ir.Table:
    """Rule 1.3 c: whoever exchanged a token for another accepted it; `grant`: by which operation."""
    exchanges = records.filter(records.leg == Leg.SECONDARY_ISSUANCE, records.outcome == Outcome.SUCCESS)
    single = exchanges.parent_token_ids.unique().length() == 1  # with several, each may be another's
    return exchanges.mutate(
        child_id=exchanges.token_id,
        token_id=exchanges.parent_token_ids.unique().unnest(),
        issued_at=ibis.null("timestamp(6)"),
        key_id=ibis.null("string"),
        signing_input_digest=ibis.null("string"),
        token_class=ibis.null("string"),
        token_tenant=ibis.null("string"),
        subject_id=ibis.ifelse(single, exchanges.subject_id, ibis.null("string")),
        subject_name=ibis.ifelse(single, exchanges.subject_name, ibis.null("string")),
        operation=ibis.literal("exchange"),
        grant=exchanges.operation,
        derived=ibis.literal("exchange"),
        unknown_presentation=ibis.literal(False),
    ).mutate(family=lambda t: ibis.coalesce(t.token_id, family(t))).select(*_RECORDED, "grant")
