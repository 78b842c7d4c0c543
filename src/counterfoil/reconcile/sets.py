"""Rules 4.3 e and 5.10: what was issued for members of a set of which some are forged, nobody can tell which."""

from __future__ import annotations

from counterfoil.expressions import ibis, ir
from counterfoil.model.reason import SETS
from counterfoil.reconcile.engine import Engine
from counterfoil.reconcile.lineage import exchanges, reached
from counterfoil.reconcile.shapes import USES

_SETS = tuple(str(reason) for reason in SETS)


def of_sets(engine: Engine, judged: ir.Table, issued: ir.Table) -> ir.Table | None:
    """Return (id, of_rule, of_issuer): ids that descend from members of sets, with reason and issuer of these.

    None if there are none. An id that descends from several sets is told with one of them.
    """
    members = judged.filter(judged.base.isin(_SETS)).select("token_key", of_rule=judged.base, of_issuer=judged.issuer)
    uses = engine.piled(USES.name)
    born = uses.filter(uses.child_id.notnull()).select("token_key", id=uses.child_id)
    seeds = engine.keep("sets_seeds", born.join(members, "token_key").select("id", "of_rule", "of_issuer").distinct())
    if not engine.rows(seeds.limit(1)):
        return None
    found = reached(engine, "of_sets", engine.keep("sets_edges", exchanges(issued)), seeds, "of_rule", "of_issuer")
    place = ibis.row_number().over(group_by=found.id, order_by=[found.of_rule, found.of_issuer])
    return found.mutate(place=place).filter(lambda t: t.place == 0).drop("place")
