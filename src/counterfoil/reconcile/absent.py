"""Rules 5.7 and 6.3: tokens that may be of kinds of sign-in of which nothing is in evidence."""

from __future__ import annotations

from collections.abc import Iterable

from counterfoil.expressions import ibis, ir
from counterfoil.expressions.values import bound
from counterfoil.model.coverage import CoverageRow
from counterfoil.model.logs import OWN_APPLICATION, Logs
from counterfoil.reconcile.covered import needs


def absent(tokens: ir.Table, rows: Iterable[CoverageRow], logs: Logs) -> ir.BooleanValue:
    """Tell which tokens may be of a kind that is not in evidence at all: that all of them miss is no wonder.

    `rows`: the coverage of all logs. Of issuers whose kinds are not known beforehand, none is absent.
    """
    seen, needed = _seen(rows, logs), needs(tokens)
    told = ibis.literal(False)
    for name in dict.fromkeys(cls for log in logs.tenants for cls in logs.parts(log)):
        if name == OWN_APPLICATION:
            continue  # nobody has that log: its own networks excuse such a call, and nothing else
        lacking = sorted(
            issuer for issuer, (log, kinds) in seen.items() if not kinds.issuperset(logs.parts(log).get(name, ()))
        )
        told |= (needed == str(name)) & tokens.issuer.isin(bound(f"without {name}", lacking))
    return told.fill_null(False)


def rootless(tokens: ir.Table, rows: Iterable[CoverageRow], logs: Logs) -> ir.BooleanValue:
    """Tell which tokens are of an issuer of which no sign-in of a person is in evidence: no exchange has a root."""
    told = ((issuer, kinds, logs.persons.get(log, ())) for issuer, (log, kinds) in _seen(rows, logs).items())
    bare = sorted(issuer for issuer, kinds, persons in told if kinds.isdisjoint(persons))
    return tokens.issuer.isin(bound("without persons", bare)).fill_null(False)


def _seen(rows: Iterable[CoverageRow], logs: Logs) -> dict[str, tuple[str, set[str]]]:
    """Return of each issuer whose parts are known beforehand its log, and which of its kinds are in evidence."""
    seen: dict[str, tuple[str, set[str]]] = {}
    for row in rows:
        if names := logs.of(row.issuer):
            _, kinds = seen.setdefault(row.issuer, (names[0], set()))
            kinds.update({row.kind} if row.source in names and row.records else ())
    return seen
