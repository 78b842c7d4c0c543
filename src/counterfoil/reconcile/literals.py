"""Numbers whose type survives in a kept table."""

from __future__ import annotations

from datetime import datetime

from counterfoil.expressions import ibis, ir
from counterfoil.expressions.values import bound


def number(value: int) -> ir.IntegerValue:
    """Return a small number as int64. Ibis writes a bare literal, which engines read as their smallest type."""
    return ibis.literal(value, "int8").cast("int64")


def real(value: float) -> ir.Value:
    """Return a number as float64. Ibis writes a bare literal, which engines read, and divide by, as a decimal."""
    return ibis.literal(str(value)).cast("float64")


def bound_time(name: str, value: datetime) -> ir.TimestampValue:
    """Return a time that differs from run to run."""
    return ibis.literal(bound(name, value.isoformat())).cast("timestamp(6)")


def summed(counts: ir.IntegerValue, where: ir.BooleanValue | None = None) -> ir.IntegerValue:
    """Return the sum of counts as int64 (0 of none), exact below 2**53.

    Ibis takes a sum for int64 already and drops a cast to it; engines make it wider.
    """
    return counts.sum(where=where).fill_null(0).cast("float64").cast("int64")


def whole(value: ir.Value) -> ir.IntegerValue:
    """Return a number of seconds as int64. Ibis takes it for a small integer, engines for a float."""
    return value.cast("float64").cast("int64")
