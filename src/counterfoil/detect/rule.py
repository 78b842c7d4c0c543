"""What a rule is, and the tables it may look at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from counterfoil.expressions import ir
from counterfoil.expressions.shape import Shape
from counterfoil.model.logs import Logs

FIRST_USES = Shape("first_uses", "a mailbox and a client: when it was first used through it", (
    "object_kind", "object_id", "resource_tenant", "client_id", "event_time",
))
SIGN_IN_PLACES = Shape("sign_in_places", "an address from which somebody was issued tokens", ("subject", "ip"))


@dataclass(frozen=True)
class Tables:
    """The tables that rules read.

    `suspects`: tokens that are uncovered or unlinkable. `tokens`: all judged tokens but most of the minted ones, so
    that they are no measure of ordinary use. Both have the columns of `reconcile.shapes.DIAGNOSED`: token_key, subject,
    client_id, network, ip, user_agent, t_first and t_last (seconds since 1970), object_id, ... `acceptances`:
    FIRST_USES, of all tokens. `issued`: SIGN_IN_PLACES of the subjects of suspects. `records`: evidence
    (`model.schema`), each record once. `logs`: what logs mean.
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
