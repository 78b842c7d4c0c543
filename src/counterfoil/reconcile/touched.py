"""Which families of tokens new records concern: what must be settled again when records are added to a case.

A token depends on the records of its family, on exchanges that name its id as parent, on issuances with its digest,
and on what its subject's name stands for. A family in which none of these changed is settled as it was.
"""

from __future__ import annotations

from dataclasses import dataclass

from counterfoil.expressions import ibis, ir
from counterfoil.model.schema import Leg
from counterfoil.reconcile.engine import Engine
from counterfoil.reconcile.families import family
from counterfoil.reconcile.parts import Whole
from counterfoil.reconcile.shapes import KEY

_NEEDED = (
    "leg", "source", "record_id", "token_id", "signing_input_digest", "subject_id", "subject_name", "parent_token_ids",
)


@dataclass(frozen=True)
class Added:
    """What came since the piles were made: `evidence`, and the `names` of that time."""

    evidence: ir.Table
    names: ir.Table


def touched(engine: Engine, whole: Whole, evidence: ir.Table, added: Added) -> ir.Table:
    """Return (family), each once."""
    copies = engine.keep("touched_copies", _copies(engine, evidence, added.evidence, whole.repeated))
    names = engine.keep("touched_names", _changed(added.names, whole.names, "subject_name", "proven_id"))
    records = [added.evidence.select(*_NEEDED), copies]
    if engine.rows(names.limit(1)):
        nameless = evidence.filter(evidence.subject_id.isnull(), evidence.subject_name.notnull())
        records.append(nameless.semi_join(names, "subject_name").select(*_NEEDED))
    affected = engine.keep("touched_records", ibis.union(*records))
    parents = affected.filter(affected.parent_token_ids.length() > 0)
    found = [
        affected.select(family=family(affected)),
        parents.select(family=parents.parent_token_ids.unnest()),
        _by_digest(engine, evidence, affected),
    ]
    return engine.keep("touched_families", ibis.union(*found, distinct=True))


def _copies(engine: Engine, evidence: ir.Table, added: ir.Table, repeated: ir.Table) -> ir.Table:
    """Return every copy of the records that the new evidence repeats."""
    again = engine.keep("touched_again", added.select(*KEY).distinct().semi_join(repeated, KEY))
    if not engine.rows(again.limit(1)):
        return added.limit(0).select(*_NEEDED)
    return evidence.semi_join(again, KEY).select(*_NEEDED)


def _changed(before: ir.Table, now: ir.Table, *columns: str) -> ir.Table:
    """Return the first column of the rows that only one of the tables has."""
    gone, came = before.select(*columns), now.select(*columns)
    either = ibis.union(gone.anti_join(came, columns), came.anti_join(gone, columns))
    return either.select(columns[0]).distinct()


def _by_digest(engine: Engine, evidence: ir.Table, affected: ir.Table) -> ir.Table:
    """Return the families of acceptances whose digest an affected issuance has."""
    issued = affected.filter(affected.leg.isin([Leg.ISSUANCE, Leg.SECONDARY_ISSUANCE]))
    digests = engine.keep("touched_digests", issued.filter(issued.signing_input_digest.notnull()).select(
        "signing_input_digest").distinct())
    if not engine.rows(digests.limit(1)):
        return affected.limit(0).select(family=family(affected))
    used = evidence.filter(evidence.leg == Leg.ACCEPTANCE, evidence.signing_input_digest.notnull())
    hit = used.semi_join(digests, "signing_input_digest")
    return hit.select(family=family(hit))
