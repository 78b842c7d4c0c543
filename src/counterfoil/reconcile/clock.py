"""Times as whole seconds, on which every rule compares."""

from __future__ import annotations

from counterfoil.expressions import ir


def whole_seconds(when: ir.TimestampValue) -> ir.IntegerValue:
    """Return the seconds since 1970, rounded down: the engine's own conversion rounds half a second up."""
    return when.truncate("s").epoch_seconds()
