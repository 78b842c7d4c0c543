"""Asks every cell of every party, and holds the answers against the declared policy.

What is declared is what a strict verifier does by the token policy. Each party is shown a token that it must let in
first and last: where it refuses those, its refusals say nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from counterfoil.errors import UsageError, VerifyError
from counterfoil.mint.ledger import Ledger
from counterfoil.posture.matrix import cells, minting
from counterfoil.posture.matrix.asking import Asks, asks
from counterfoil.posture.matrix.cells import Cell
from counterfoil.posture.matrix.keys import TestKey
from counterfoil.posture.matrix.plan import Party, Plan
from counterfoil.posture.matrix.report import Answered, CellResult, Declared, MatrixReport
from counterfoil.respond.probe import Said, judged
from counterfoil.tokens import rules
from counterfoil.tokens.policy import TokenPolicy
from counterfoil.tokens.presentation import Presentation
from counterfoil.tokens.verifier import Verifier

_ANSWERED = {Said.ACCEPTS: Answered.ACCEPTED, Said.BLOCKED: Answered.REFUSED, Said.UNKNOWN: Answered.UNKNOWN}


def run(
    plan: Plan, policy: TokenPolicy, *, ledger: Ledger | None = None, clock: Callable[[], float] = time.time,
    asking: Callable[[Party], Asks] | None = None, note: Callable[[str], object] = lambda _: None,
) -> MatrixReport:
    """Return what each party does with each token. `asking`: how a party is asked, if otherwise than by its address.

    Raises UsageError where the policy lets no token of a party's in: there is nothing to hold refusals against.
    """
    made = datetime.fromtimestamp(clock(), UTC)
    whole = cells.plain(plan)
    desks = [_Desk(party, plan, policy, ledger, clock) for party in plan.parties]
    controls = [desk.control(whole) for desk in desks]
    found: list[CellResult] = []
    for desk, control in zip(desks, controls, strict=True):
        note(f"{desk.party.name}: {len(whole) + len(cells.forms(control))} tokens to {desk.party.place}")
        ask = asking(desk.party) if asking else asks(desk.party, plan.pause)
        found += _asked(desk, control, (*whole, *cells.forms(control)), ask)
    return MatrixReport(made, str(plan.policy), tuple(found))


@dataclass
class _Desk:
    """Tokens for one party, and what is declared of each."""

    party: Party
    plan: Plan
    policy: TokenPolicy
    ledger: Ledger | None
    clock: Callable[[], float]
    keys: Mapping[str, TestKey] = field(init=False)

    def __post_init__(self) -> None:
        flow = self.policy.flow(self.party.flow)
        self.keys = {key.name: key for key in self.plan.keys}
        self._verifier = Verifier(self.policy, flow.name)
        typ = flow.typ if flow.token_class.name == "access" else frozenset({self.party.shape.typ})
        self.party = replace(self.party, shape=replace(self.party.shape, typ=max(typ)))

    def token(self, cell: Cell, *, kept: bool = True) -> str:
        """Return a new token of a cell."""
        ledger = self.ledger if kept else None
        return minting.token(cell, self.party, self.keys[cell.key], self.clock(), ledger)

    def control(self, whole: Iterable[Cell]) -> Cell:
        """Return a cell that must be let in."""
        for cell in whole:
            if self.keys[cell.key].left is None and not self.refusal(cell):
                return cell
        told = f"party {self.party.name[:80]!r}: the policy lets none of its tokens in"
        raise UsageError(told, hint="name a test key that the policy trusts, its issuer, and the party's audience")

    def refusal(self, cell: Cell) -> str:
        """Return the rule by which the policy refuses a cell's token, empty if it lets it in."""
        try:
            shown = Presentation(renewal=self.party.renewal)
            self._verifier.verify(self.token(cell, kept=False), at=self.clock(), shown=shown)
        except VerifyError as error:
            return f"{error.rule} {error.code}"
        return ""

    def declared(self, cell: Cell) -> tuple[Declared, str, int | None]:
        """Return what should be done with a cell's token, by which rule, and how long ago its key left (minutes)."""
        rule = self.refusal(cell)
        left = self.keys[cell.key].left
        if left is None:
            return (Declared.REFUSE if rule else Declared.ACCEPT), rule, None
        since = self.clock() - left.timestamp()
        cached = since < self.party.cache and rule.startswith(f"{rules.V2.id} ")
        if cached and not self.refusal(replace(cell, key=self.keys[cell.key].was)):
            return Declared.EITHER, rule, int(since // 60)
        return (Declared.REFUSE if rule else Declared.ACCEPT), rule, int(since // 60)


def _asked(desk: _Desk, control: Cell, whole: Iterable[Cell], ask: Asks) -> list[CellResult]:
    twin = _status(desk, control, ask)
    found = list(_answers(desk, twin, whole, ask))
    last = _status(desk, control, ask)
    if last and judged(last, last)[0] is Said.ACCEPTS:
        return found
    why = "the token that must be let in was refused at the end: so many wrong ones may have had us locked out"
    return [
        replace(one, answered=Answered.UNKNOWN, why=why) if one.answered is Answered.REFUSED else one for one in found
    ]


def _answers(desk: _Desk, twin: int, whole: Iterable[Cell], ask: Asks) -> Iterator[CellResult]:
    for cell in whole:
        declared, rule, left = desk.declared(cell)
        status = _status(desk, cell, ask)
        said, why = judged(twin, status) if twin and status else (Said.UNKNOWN, "no answer")
        yield CellResult(desk.party.name, cell, declared, _ANSWERED[said], rule, why, left)


def _status(desk: _Desk, cell: Cell, ask: Asks) -> int:
    """Return the status of the answer to a cell's token, 0 if there is none."""
    try:
        return ask(desk.token(cell))
    except OSError:
        return 0
