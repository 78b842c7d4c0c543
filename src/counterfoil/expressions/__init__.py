"""Ibis expressions that are written down first, and built only where their SQL is not known yet.

Ibis is imported by nothing else: `from counterfoil.expressions import ibis, ir`. To a type checker these are Ibis and
its types. When the program runs, a call only notes itself (`deferred`), which costs a hundredth of building the
expression, and the SQL of all that is written down is looked up in what was compiled before (`compiled`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ibis as ibis
    import ibis.expr.types as ir
else:
    from counterfoil.expressions import compiled  # noqa: F401  # it tells the columns of what is written down
    from counterfoil.expressions.deferred import IBIS as ibis  # noqa: N811
    from counterfoil.expressions.deferred import TYPES as ir  # noqa: N811

__all__ = ["ibis", "ir"]
