"""Functions that make values and tables, by the names that they have in Ibis."""

from __future__ import annotations

from counterfoil.expressions.tables import union
from counterfoil.expressions.values import function

__all__ = [
    "array", "cases", "coalesce", "greatest", "ifelse", "least", "literal", "map", "null", "or_", "random",
    "row_number", "struct", "timestamp", "union", "window",
]

array = function("array")
cases = function("cases")
coalesce = function("coalesce")
greatest = function("greatest")
ifelse = function("ifelse")
least = function("least")
literal = function("literal")
map = function("map")  # as Ibis calls it
null = function("null")
or_ = function("or_")
random = function("random")
row_number = function("row_number")
struct = function("struct")
timestamp = function("timestamp")
window = function("window")
