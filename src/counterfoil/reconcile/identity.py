"""Rule 1.2: who a record is about. Names become ids only where the evidence proves it."""

from __future__ import annotations

from collections.abc import Sequence

from counterfoil.expressions import ibis, ir
from counterfoil.model.logs import Logs
from counterfoil.model.schema import Leg
from counterfoil.model.verdict import NAME_PREFIX
from counterfoil.reconcile.engine import Engine
from counterfoil.reconcile.log_parts import in_parts
from counterfoil.reconcile.shapes import ALIASES, PEOPLE


def guest(records: ir.Table) -> ir.BooleanValue:
    """Tell whose account lives in another tenant: by tenants, or by the kind of access where no home is named."""
    told = (records.home_tenant != records.resource_tenant).fill_null(False)
    return told | (records.home_tenant.isnull() & crossing(records))


def crossing(records: ir.Table) -> ir.BooleanValue:
    """Tell which records say that somebody came from another tenant, in whatever way."""
    return ~records.cross_tenant.lower().isin(["", "none"]).fill_null(True)


def aliases(engine: Engine, records: ir.Table, identities: Sequence[tuple[str, str]]) -> ir.Table:
    """Return (subject_name, proven_id): names that stand for exactly one id, and the given pairs above all."""
    told = records.leg.isin([Leg.ISSUANCE, Leg.SECONDARY_ISSUANCE, Leg.CONTEXT])  # acceptances may be forged
    both = records.filter(told, records.subject_id.notnull(), ~guest(records))
    pairs = both.select("subject_name", "subject_id").distinct()
    proven = pairs.group_by("subject_name").agg(ids=pairs.count(), proven_id=pairs.subject_id.min())
    proven = proven.filter(proven.ids == 1).select("subject_name", "proven_id")
    if not identities:
        return ALIASES.kept(engine, proven)
    given = engine.given(
        "identities",
        {"subject_name": "string", "proven_id": "string"},
        sorted({name: id_ for id_, name in identities}.items()),
    )
    return ALIASES.kept(engine, ibis.union(proven.anti_join(given, "subject_name"), given))


def with_subject(table: ir.Table, names: ir.Table) -> ir.Table:
    """Return `table` with `subject` (id, `name:...`, or NULL) and `identified`."""
    # only who has no id is looked up by name
    asked = table.mutate(asked_name=ibis.ifelse(table.subject_id.isnull(), table.subject_name, ibis.null("string")))
    proven = names.select(asked_name=names.subject_name, proven_id=names.proven_id)
    joined = asked.left_join(proven, "asked_name").drop("asked_name_right")
    named = ibis.literal(NAME_PREFIX) + joined.subject_name
    known = ibis.coalesce(joined.subject_id, joined.proven_id)
    return joined.select(*table.columns, subject=ibis.coalesce(known, named), identified=known.notnull())


def people(engine: Engine, issued: ir.Table, identities: Sequence[tuple[str, str]], logs: Logs) -> ir.Table:
    """Rule 4.2 c: return (subject) of those who sign in as persons."""
    signed = issued.filter(in_parts(issued, "people", logs.people), issued.identified).select("subject")
    given = engine.given("given_people", {"subject": "string"}, sorted({(id_,) for id_, _ in identities}))
    return PEOPLE.kept(engine, ibis.union(signed, given, distinct=True))


def with_people(tokens: ir.Table, persons: ir.Table) -> ir.Table:
    """Rule 4.2 c: return tokens with `is_user`: the subject is one that signs in as a person."""
    joined = tokens.left_join(persons.mutate(person=ibis.literal(True)), "subject", rname="{name}_p")
    return joined.select(*tokens.columns, is_user=joined.person.fill_null(False))
