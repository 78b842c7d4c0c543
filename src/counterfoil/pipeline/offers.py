"""Which parts of logs could be declared complete and would be accepted: by the very rules that judge a declaration."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from counterfoil.model.coverage import CoverageRow, Declaration, Offer
from counterfoil.reconcile.asked import Asked
from counterfoil.reconcile.declared import LogFacts, coverage
from counterfoil.reconcile.policy import Policy

_LATE = timedelta(days=366)  # longer than any lag


def offered(rows: Sequence[CoverageRow], asked: Asked, facts: LogFacts, policy: Policy) -> tuple[Offer, ...]:
    """Return what nobody declared and would be accepted of all own issuers, in the order of the rows.

    `dated`: only with `--exported-at`, since nothing is left before records may still come late.
    """
    found: list[Offer] = []
    late = max((extent.last for extent in facts.extents.values()), default=None)
    late = None if late is None else late + _LATE
    for row in rows:
        declaration = Declaration(row.source, row.kind)
        told = any((offer.source, offer.kind) == (row.source, row.kind) for offer in found)
        if row.status != "seen" or row.source not in facts.logs.declarable or told:
            continue
        for exported_at, dated in ((asked.exported_at, False), (late, True)):
            theirs = coverage([declaration], exported_at, facts, policy)
            mine = [one for one in theirs if (one.source, one.kind) == (row.source, row.kind) and one.status != "seen"]
            if mine and all(one.status in ("accepted", "hole") for one in mine):
                issuers = tuple(dict.fromkeys(one.issuer for one in mine))
                found.append(Offer(row.source, row.kind, issuers, dated))
                break
    return tuple(found)
