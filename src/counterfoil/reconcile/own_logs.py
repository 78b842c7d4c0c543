"""Logs in which an issuer writes down each of its tokens itself (rule 4.1)."""

from __future__ import annotations

from counterfoil.expressions import ir
from counterfoil.expressions.values import bound
from counterfoil.model.logs import Logs


def in_own_log(records: ir.Table, logs: Logs) -> ir.BooleanValue:
    """Tell which records are of such a log."""
    return records.source.isin(bound("own logs", logs.whole))
