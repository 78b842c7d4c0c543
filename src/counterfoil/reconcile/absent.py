"""Rule 5.7: tokens that a kind of sign-in may have issued of which nothing is in evidence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import ibis
import ibis.expr.types as ir

from counterfoil.model.coverage import CoverageRow
from counterfoil.reconcile.covered import ENTRA, ENTRA_NEEDS, needs


def absent(tokens: ir.Table, rows: Iterable[CoverageRow]) -> ir.BooleanValue:
    """Tell which tokens may be of a kind that is not in evidence at all: that all of them miss is no wonder.

    `rows`: the coverage of all logs. Of issuers whose kinds are not known beforehand, none is absent.
    """
    seen: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if row.issuer.startswith("entra:"):
            seen[row.issuer] |= {row.kind} if row.source == ENTRA and row.records else set()
    told = ibis.literal(False)
    for name, kinds in ENTRA_NEEDS.items():
        lacking = sorted(issuer for issuer, known in seen.items() if not known.issuperset(kinds))
        if lacking:
            told |= (needs(tokens) == str(name)) & tokens.issuer.isin(lacking)
    return told.fill_null(False)
