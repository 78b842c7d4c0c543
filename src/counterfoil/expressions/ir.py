"""What expressions are, by the names that their types have in Ibis; one value is not told from another."""

from __future__ import annotations

from typing import TypeAlias

from counterfoil.expressions.tables import Table
from counterfoil.expressions.values import Value

__all__ = [
    "ArrayValue", "BooleanValue", "IntegerValue", "StringValue", "StructValue", "Table", "TimestampValue", "Value",
]

ArrayValue: TypeAlias = Value
BooleanValue: TypeAlias = Value
IntegerValue: TypeAlias = Value
StringValue: TypeAlias = Value
StructValue: TypeAlias = Value
TimestampValue: TypeAlias = Value
