"""Rule 5.3: tokens that may have been issued before a log begins, and were used when it had begun."""

from __future__ import annotations

from collections.abc import Iterable

from counterfoil.expressions import ir
from counterfoil.model.coverage import RELIED, CoverageRow
from counterfoil.model.logs import UNKNOWN_CLASS, Logs
from counterfoil.model.schema import TokenClass
from counterfoil.reconcile.declared import seconds
from counterfoil.reconcile.engine import Engine


def with_early(engine: Engine, open_: ir.Table, rows: Iterable[CoverageRow], logs: Logs) -> ir.Table:
    """Return `open_` with `early`: its window (`w_lo`) begins before all logs that it needs do, and its use after.

    What was used before the log begins is not early: no log speaks of that time at all.
    """
    begins = engine.given(
        "log_begins", {"issuer": "string", "needs": "string", "begin": "int64"}, list(_begins(rows, logs))
    )
    joined = open_.left_join(begins, ["issuer", "needs"], rname="{name}_b")
    early = (joined.w_lo < joined.begin) & (joined.begin <= joined.t_first)
    return joined.select(*open_.columns, early=early.fill_null(False))


def _begins(rows: Iterable[CoverageRow], logs: Logs) -> Iterable[tuple[str, str, int]]:
    """Yield (issuer, class, second): when the last of the logs that tokens of the class need begins to be relied on."""
    first: dict[str, dict[tuple[str, str], int]] = {}
    for row in rows:
        if row.status in RELIED and row.start:
            parts, part = first.setdefault(row.issuer, {}), (row.source, row.kind)
            parts[part] = min(parts.get(part, seconds(row.start)), seconds(row.start))
    for issuer, parts in sorted(first.items()):
        sources = {source for source, _ in parts}
        for name in (*TokenClass, UNKNOWN_CLASS):
            known = list(parts.values())
            if logs.of(issuer):
                either = logs.alternatives(issuer, str(name), sources).items()
                told = ([parts[log, kind] for log in there if (log, kind) in parts] for kind, there in either)
                known = [min(begins) for begins in told if begins]
            if known:
                yield issuer, str(name), max(known)
