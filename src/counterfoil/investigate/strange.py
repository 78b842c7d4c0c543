"""What about a reported use is not its person's own, beside what the issuer recorded of that person: for people."""

from __future__ import annotations

from counterfoil.expressions import ibis, ir
from counterfoil.model.schema import Leg, Outcome
from counterfoil.model.verdict import NAME_PREFIX
from counterfoil.reconcile.acceptances import network
from counterfoil.reconcile.engine import Engine
from counterfoil.reconcile.habits import product
from counterfoil.reconcile.identity import with_subject
from counterfoil.reconcile.measured import key
from counterfoil.reconcile.shapes import KEY

TRAITS = ("client", "network", "agent", "device")


def with_strangeness(
    engine: Engine, told: ir.Table, plain: ir.Table, records: ir.Table, names: ir.Table
) -> ir.Table:
    """Return judged tokens with what is strange about those that are reported (`group_rule`).

    `new_client`, `new_network`, `new_agent`, `new_device`: in no successful sign-in of the subject, and the agent in no
    use of its `plain` tokens either (services log their own); NULL where it has none in evidence, or the record does
    not say. `nobodys`: no sign-in of anybody is through the client. `compared`:
    the subject has sign-ins. `shown`: the subject's name, else its id.
    """
    reported = told.filter(told.group_rule.notnull())
    asked = reported.select("token_key", "subject", "source", "record_id", "client_id", client=key(reported.client_id),
                            network=reported.network, agent=product(reported.user_agent))
    # only an assertion is known by a sign-in: where none is reported, devices and ids of sign-ins are not read
    asserted = reported.filter(reported.derived == "assertion").select(*KEY)
    any_asserted = bool(engine.rows(asserted.limit(1)))
    devices = _devices(records if any_asserted else records.filter(records.leg != Leg.ISSUANCE), asked)
    asked = asked.left_join(devices, KEY).drop("source_right", "record_id_right")
    asked = engine.keep("strange_asked", asked)
    good = records.filter(records.leg == Leg.ISSUANCE, records.outcome == Outcome.SUCCESS)
    good = good.select("source", "record_id", "token_id", "subject_id", "subject_name", "client_id", "ip", "user_agent",
                       "device_id", client=key(good.client_id))

    def genuine(signed: ir.Table) -> ir.Table:
        """Leave out what was issued for a forged assertion: it is no sign-in of its person."""
        named = signed.anti_join(reported, "token_id")
        return named.anti_join(asserted, KEY) if any_asserted else named

    # first of all those who are asked for: they are few
    signed = genuine(with_subject(good, names).semi_join(asked, "subject"))
    theirs = engine.keep("strange_signed", signed.select(
        "subject", "subject_name", "client", network=network(signed.ip), agent=product(signed.user_agent),
        device=signed.device_id,
    ).distinct())
    joined = asked.left_join(_yes(theirs.select("subject"), "compared"), "subject").drop("subject_right")
    for trait in TRAITS:
        own = theirs.select("subject", trait)
        if trait == "agent":
            used = plain.semi_join(asked, "subject")
            own = ibis.union(own, used.select("subject", agent=product(used.user_agent)))
        known = _yes(own, f"own_{trait}")
        joined = joined.left_join(known, ["subject", trait], rname=f"{{name}}_{trait}")
    # of all sign-ins, only for clients through which none of them signed in
    left = asked.select("client").distinct().anti_join(theirs, "client")
    heard = ibis.union(theirs.select("client"), genuine(good.semi_join(left, "client")).select("client"))
    joined = joined.left_join(_yes(heard, "heard"), "client", rname="{name}_h")
    named = ibis.union(theirs.select("subject", "subject_name"), reported.select("subject", "subject_name"))
    named = named.group_by("subject").agg(name=named.subject_name.min())
    joined = joined.left_join(named, "subject", rname="{name}_n")
    found = engine.keep("strange", joined.select(
        "token_key", "name", compared=joined.compared.fill_null(False),
        nobodys=joined.client_id.notnull() & joined.heard.isnull(),
        **{f"new_{trait}": _new(joined, trait) for trait in TRAITS},
    ))
    whole = told.left_join(found, "token_key", rname="{name}_s")
    bare = whole.subject.re_replace(f"^{NAME_PREFIX}", "")
    return whole.select(
        *told.columns, "compared", "nobodys", *(f"new_{trait}" for trait in TRAITS),
        shown=ibis.coalesce(whole.name, whole.subject_name, bare),
    )


def _devices(records: ir.Table, asked: ir.Table) -> ir.Table:
    """Return (source, record_id, device) of the records that are asked for."""
    theirs = records.filter(records.device_id.notnull()).select(*KEY, device="device_id").semi_join(asked, KEY)
    return theirs.group_by(*KEY).agg(device=theirs.device.min())


def _yes(table: ir.Table, name: str) -> ir.Table:
    return table.distinct().mutate(**{name: ibis.literal(True)})


def _new(joined: ir.Table, trait: str) -> ir.BooleanValue:
    """Tell whether the trait is known and not the subject's own; NULL where it cannot be told."""
    told = joined["client_id" if trait == "client" else trait].notnull()  # `client` has a value for NULL
    known = joined.compared.fill_null(False) & told
    return ibis.cases((known, joined[f"own_{trait}"].isnull()), else_=ibis.null("boolean"))
