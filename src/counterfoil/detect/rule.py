"""What a rule is, and the tables it may look at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import ibis.expr.types as ir


@dataclass(frozen=True)
class Tables:
    """The tables that rules read. `suspects`: tokens that are uncovered or unlinkable; the rest is whole.

    `records`: evidence, every record once. `acceptances`: with `token_key`, `subject`, `network`, `derived`.
    `issued`: issuances with `subject`. `tokens`: all judged tokens.
    """

    suspects: ir.Table
    tokens: ir.Table
    acceptances: ir.Table
    issued: ir.Table
    records: ir.Table


@dataclass(frozen=True)
class Rule:
    """A suspicion. `find` returns (token_key) of the suspects that it holds for.

    `weight` is what it adds to a token's suspicion; `attack` are ATT&CK technique ids; `why` says what it means
    and how an innocent may look the same; `next_step` what to do.
    """

    id: str
    title: str
    weight: float
    attack: tuple[str, ...]
    why: str
    next_step: str
    find: Callable[[Tables], ir.Table]
