"""Expressions in the words of Ibis, written down first, and built with it only where their SQL is not known yet.

`from counterfoil.expressions import ibis, ir`: the functions and the types. A call only notes itself (`deferred`),
which costs a hundredth of building the expression, and the SQL of all that is written down is looked up in what was
compiled before (`compiled`). Which operations there are (`values`, `tables`) is what the rules need, and no more.
"""

from __future__ import annotations

from counterfoil.expressions import ibis, ir

__all__ = ["ibis", "ir"]
