"""Rule 4.7: a stranger's token in a hole of a log from which nothing of anybody's own is missing.

A hole is not relied on: it may be lost records. Were they lost, people's own would be among them. Where none is
missing, the log was only quiet, as over a weekend.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from counterfoil.expressions import ibis, ir
from counterfoil.model.coverage import RELIED, CoverageRow
from counterfoil.model.reason import Probable
from counterfoil.reconcile.covered import REQUIRED, Required
from counterfoil.reconcile.declared import Keepers, seconds
from counterfoil.reconcile.engine import Engine


def with_quiet_holes(
    engine: Engine, open_: ir.Table, rows: Sequence[CoverageRow], parts: Sequence[Required], keepers: Keepers,
) -> ir.Table:
    """Complete `probable` of such tokens; `parts`: of `covered.required`."""
    if not any(row.status == "hole" for row in rows):
        return open_
    asked = open_.filter(
        open_.missed, ~open_.relied, ~open_.silent, ~open_.agentic, ~open_.issuer.isin(keepers.named).fill_null(False)
    )
    inside = engine.keep("quiet_holes", within(engine, "with_holes", asked, list(_with_holes(rows)), parts))
    lossy = inside.filter(inside.ordinary).select("issuer").distinct()
    strange = inside.filter(~inside.explained).anti_join(lossy, "issuer")
    marked = strange.select("token_key", in_hole=ibis.literal(str(Probable.LONE_MISS)))
    joined = open_.left_join(marked, "token_key", rname="{name}_h")
    kept = [name for name in open_.columns if name != "probable"]
    return joined.select(*kept, probable=ibis.coalesce(joined.probable, joined.in_hole))


def within(
    engine: Engine, name: str, asked: ir.Table, spans: Sequence[tuple[str, str, str, int, int]],
    parts: Sequence[Required],
) -> ir.Table:
    """Return the tokens whose windows lie in spans (issuer, source, kind, from, to) of all the parts that they need."""
    text, number = "string", "int64"
    spanned = engine.given(
        name, {"issuer": text, "source": text, "kind": text, "lo": number, "hi": number}, spans
    )
    needed = engine.given("needed_parts", REQUIRED, parts)
    wanted = asked.select("token_key", "issuer", "needs", "w_lo", "w_hi").join(needed, ["issuer", "needs"])
    met = wanted.left_join(spanned, ["issuer", "source", "kind"], rname="{name}_s")
    holds = ((met.lo <= met.w_lo) & (met.hi >= met.w_hi)).fill_null(False)
    counted = met.group_by("token_key").agg(needed=met.slot.nunique(), held=met.slot.nunique(where=holds))
    return asked.semi_join(counted.filter(counted.held == counted.needed), "token_key")


def _with_holes(rows: Sequence[CoverageRow]) -> Iterator[tuple[str, str, str, int, int]]:
    """Yield (issuer, source, kind, from, to) of what is relied on, the holes in it included."""
    pieces: dict[tuple[str, str, str], list[tuple[int, int]]] = {}
    for row in rows:
        if row.status in (*RELIED, "hole") and row.start and row.end:
            pieces.setdefault((row.issuer, row.source, row.kind), []).append((seconds(row.start), seconds(row.end)))
    for part, stretches in sorted(pieces.items()):
        lo, hi = min(stretches)
        for start, end in sorted(stretches)[1:]:
            if start > hi:
                yield (*part, lo, hi)
                lo = start
            hi = max(hi, end)
        yield (*part, lo, hi)
