"""Constants whose type survives in a kept table."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir


def number(value: int) -> ir.IntegerValue:
    """Return a small number as int64. Ibis writes a bare literal, which engines read as their smallest type."""
    return ibis.literal(value, "int8").cast("int64")
