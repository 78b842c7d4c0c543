"""Expressions over what logs say of themselves (`model.logs`): bound values, so that one log more changes no SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from counterfoil.expressions import ibis, ir
from counterfoil.expressions.values import bound


def in_parts(records: ir.Table, name: str, parts: Sequence[str]) -> ir.BooleanValue:
    """Tell which records are of these parts (`SOURCE/KIND`); `name`: what the parts are, one name for one value."""
    return (records.source + "/" + records.kind).isin(bound(name, parts))


def in_logs(records: ir.Table, name: str, logs: Sequence[str]) -> ir.BooleanValue:
    """Tell which records are of these logs; `name`: what the logs are."""
    return records.source.isin(bound(name, logs))


def by_log(records: ir.Table, values: Mapping[str, str]) -> ir.StringValue:
    """Return what a record's log has for a value, NULL if it has none."""
    told = [(records.source == log, value) for log, value in sorted(values.items())]
    return ibis.cases(*told, else_=ibis.null("string")) if told else ibis.null("string")
