"""Rules 5.7 and 6.3: tokens that may be of kinds of sign-in of which nothing is in evidence."""

from __future__ import annotations

from collections.abc import Iterable

from counterfoil.expressions import ibis, ir
from counterfoil.expressions.deferred import bound
from counterfoil.model.coverage import CoverageRow, sign_ins_seen
from counterfoil.model.logs import OWN_APPLICATION, Logs
from counterfoil.reconcile.covered import PERSONAL, needs


def absent(tokens: ir.Table, rows: Iterable[CoverageRow], logs: Logs) -> ir.BooleanValue:
    """Tell which tokens may be of a kind that is not in evidence at all: that all of them miss is no wonder.

    `rows`: the coverage of all logs. Of issuers whose kinds are not known beforehand, none is absent.
    """
    seen, needed = sign_ins_seen(rows), needs(tokens)
    told = ibis.literal(False)
    for name, kinds in (pair for log in logs.every for pair in log.parts.items()):
        if name == OWN_APPLICATION:
            continue  # nobody has that log: its own networks excuse such a call, and nothing else
        lacking = sorted(issuer for issuer, known in seen.items() if not known.issuperset(kinds))
        told |= (needed == str(name)) & tokens.issuer.isin(bound(f"without {name}", lacking))
    return told.fill_null(False)


def rootless(tokens: ir.Table, rows: Iterable[CoverageRow]) -> ir.BooleanValue:
    """Tell which tokens are of an issuer of which no sign-in of a person is in evidence: no exchange has a root."""
    bare = sorted(issuer for issuer, known in sign_ins_seen(rows).items() if known.isdisjoint(PERSONAL))
    return tokens.issuer.isin(bound("without persons", bare)).fill_null(False)
