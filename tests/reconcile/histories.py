"""Small histories for property tests: evidence rows, settings and policies, by what dice decide.

A history is made of scenes, each a few records long, drawn in any order into one case, then spoiled: records
lost, fields lost, records delivered twice in other wrappers, everything shuffled. People, clients, networks and
minutes come from small pools, and the policies are small, so that five to sixty records reach every rule and
its bounds.

`histories(SCENES)` draws from all scenes; pass a part of `SCENES` to leave some out.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hypothesis import strategies as st

from counterfoil.model.coverage import Declaration
from counterfoil.model.schema import TokenClass

from .reference_case import Settings
from .reference_policy import Policy
from .rows import FARM, KINDS, OTHER_TENANT, Row, numbered
from .scenes import MOMENTS, SCENES, Dice, Pen, Scene, T

MAX_RECORDS = 60
HOUR = 3600
MINUTE = 60


@dataclass(frozen=True)
class History:
    """One case: evidence rows (missing columns are NULL), what the user said, and the constants."""

    rows: list[Row]
    settings: Settings
    policy: Policy


class Drawn:
    """Dice of hypothesis."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    def of(self, values: Sequence[T]) -> T:
        """Return one of these values; the first is the simplest."""
        return self._draw(st.sampled_from(values))

    def upto(self, most: int) -> int:
        """Return a number from 0 to `most`."""
        return self._draw(st.integers(0, most))


class Rolled:
    """Dice that fall alike whenever they are given the same seed."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)  # noqa: S311  # no secret

    def of(self, values: Sequence[T]) -> T:
        """Return one of these values."""
        return self._random.choice(values)

    def upto(self, most: int) -> int:
        """Return a number from 0 to `most`."""
        return self._random.randint(0, most)


def _policy(dice: Dice) -> Policy:
    """Return constants small enough for small histories; the real ones among them."""
    if not dice.upto(2):
        return Policy()
    return Policy(
        life=dice.of([{TokenClass.ASSERTION: 65 * MINUTE}, {TokenClass.ASSERTION: 20 * MINUTE}]),
        default_life=dice.of([30 * MINUTE, 60 * MINUTE, 4 * HOUR]),
        event_lag=dice.of([0, 10 * MINUTE]),
        default_lag=dice.of([0, 10 * MINUTE]),
        law_pairs=1 + dice.upto(2),
        law_share=dice.of([0.5, 0.75, 0.99]),
        rooted_pairs=1 + dice.upto(1),
        rooted_share=dice.of([0.5, 0.75, 0.9]),
        silent_days=1 + dice.upto(1),
        silent_subjects=1 + dice.upto(1),
        refuting_subjects=1 + dice.upto(2),
        raise_nats=dice.of([0.5, 2.0, 5.0]),
        raise_misses=1 + dice.upto(2),
        thin=1 + dice.upto(9),
        gap_hours=dice.of([24, 4, 1]),
        gap_records=dice.of([20, 20, 6, 3, 1]),
    )


def _declarations(dice: Dice) -> tuple[Declaration, ...]:
    known = [("entra-signin", kind) for kind in KINDS] + [("adfs", "sts1"), ("adfs", "sts2")]
    # a server by its records, one by its domain, one of another farm
    kinds = [*known, ("adfs", "sts3"), ("adfs", "new.sts.example.org"), ("adfs", "new.example.net")]
    early, late = MOMENTS[0] - timedelta(days=3), MOMENTS[-1] + timedelta(days=3)
    starts = [None, early, early, *MOMENTS[:40:4]]
    ends = [None, late, late, *MOMENTS[-40::4]]
    if dice.upto(2):
        return tuple(Declaration(*part, early, late) for part in known)
    return tuple(Declaration(*dice.of(kinds), dice.of(starts), dice.of(ends)) for _ in range(dice.upto(8)))


def _said(dice: Dice) -> Settings:
    """Return what the user says beside the evidence: most often that every log is complete."""
    if dice.upto(2):
        return clean_settings()
    none = frozenset[str]()
    return Settings(
        declarations=_declarations(dice),
        exported_at=dice.of([None, MOMENTS[-1] + timedelta(days=30), MOMENTS[-1], *MOMENTS[::20]]),
        since=dice.of([None, None, *MOMENTS[::20]]),
        federated=dice.of([{}, {"example.com": FARM}]),
        identities=dice.of([(), (), (("alice", "bob@example.com"),), (("alice", "shared"), ("bob", "shared"))]),
        truncated=dice.of([none, none, none, frozenset({"entra-signin"})]),
    )


def history(dice: Dice, scenes: Iterable[Scene] = SCENES, *, spoil: bool = True) -> History:
    """Return a history of these scenes. Without `spoil`, nothing is lost or comes twice."""
    pen = Pen(dice)
    pool = sorted(scenes, key=lambda scene: scene.__name__)
    if dice.upto(3):
        pen.everybody()
    for _ in range(1 + dice.upto(8)):
        if len(pen.rows) < MAX_RECORDS - 8:
            dice.of(pool)(pen)
    rows = numbered(pen.rows)
    if spoil:
        rows = [_spoiled(dice, row) for row in rows if dice.upto(14)]
        rows += [_again(dice, row) for row in rows if not dice.upto(11)]
    for place in range(len(rows) - 1, 0, -1):
        other = dice.upto(place)
        rows[place], rows[other] = rows[other], rows[place]
    return History(rows, _said(dice), _policy(dice))


@st.composite
def histories(draw: st.DrawFn, scenes: Iterable[Scene] = SCENES) -> History:
    """Draw a history from these scenes."""
    return history(Drawn(draw), scenes)


FORGETTABLE = (
    "issued_at",
    "token_class",
    "subject_id",
    "subject_name",
    "client_id",
    "ip",
    "user_agent",
    "resource",
    "token_tenant",
    "resource_tenant",
    "home_tenant",
    "incoming_token",
    "logon_type",
    "object_kind",
    "signing_input_digest",
    "key_id",
    "parent_token_ids",
    "token_id",
)


def _spoiled(dice: Dice, row: Row) -> Row:
    """Forget a field of some rows, and stamp some between two seconds."""
    if not dice.upto(9):
        row = row | {"event_time": row["event_time"] + timedelta(microseconds=600_000)}
    if dice.upto(5):
        return row
    gone = dice.of(FORGETTABLE)
    return {k: v for k, v in row.items() if k != gone and (gone, k) != ("token_id", "token_id_kind")}


def _again(dice: Dice, row: Row) -> Row:
    """Deliver a record again in another wrapper, which may lack a field or hold another value."""
    nameless = {k: v for k, v in row.items() if k not in ("token_id", "token_id_kind", "issued_at")}
    changed = dice.of([row, nameless, row | {"ip": "192.0.2.200"}, row | {"token_tenant": OTHER_TENANT}])
    return changed | {"fidelity": dice.upto(2), "raw_file": dice.of("eg")}


def clean_settings() -> Settings:
    """Return settings under which everything is declared complete, far beyond the history."""
    span: tuple[datetime, datetime] = (MOMENTS[0] - timedelta(days=9), MOMENTS[-1] + timedelta(days=9))
    parts = [("entra-signin", kind) for kind in KINDS] + [("adfs", "sts1"), ("adfs", "sts2")]
    return Settings(
        tuple(Declaration(*part, *span) for part in parts),
        exported_at=span[1] + timedelta(days=30),
        federated={"example.com": FARM},
    )
