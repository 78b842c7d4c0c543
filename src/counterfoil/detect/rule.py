"""What a rule is, and the tables it may look at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from counterfoil.expressions import ir
from counterfoil.model.logs import Logs


@dataclass(frozen=True)
class Tables:
    """The tables that rules read. `suspects`: tokens that are uncovered or unlinkable.

    `tokens`: all judged tokens but those that are minted without any doubt. `acceptances`: the first use
    (`event_time`) of each object by each client: object_kind, object_id, resource_tenant, client_id. `issued`: from
    which `ip` the `subject` of each suspect was issued tokens. `records`: evidence, each record once.
    `logs`: what logs mean.
    """

    suspects: ir.Table
    tokens: ir.Table
    acceptances: ir.Table
    issued: ir.Table
    records: ir.Table
    logs: Logs


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
