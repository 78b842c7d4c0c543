"""Small histories for property tests: hypothesis strategies of evidence rows, settings and policies.

A history is made of scenes, each a few records long, drawn in any order into one case, then spoiled: records
lost, fields lost, records delivered twice in other wrappers, everything shuffled. People, clients, networks and
minutes come from small pools, and the policies are small, so that five to sixty records reach every rule and
its bounds.

`histories(SCENES)` draws from all scenes; pass a part of `SCENES` to leave some out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from counterfoil.model.coverage import Declaration
from counterfoil.model.schema import TokenClass

from .reference_case import Settings
from .reference_policy import Policy
from .rows import FARM, KINDS, OTHER_TENANT, Row, numbered
from .scenes import MOMENTS, SCENES, Pen, Scene

__all__ = ["SCENES", "History", "histories", "policies", "settings"]

MAX_RECORDS = 60
HOUR = 3600
MINUTE = 60


@dataclass(frozen=True)
class History:
    """One case: evidence rows (missing columns are NULL), what the user said, and the constants."""

    rows: list[Row]
    settings: Settings
    policy: Policy


def policies() -> st.SearchStrategy[Policy]:
    """Draw constants small enough for small histories; the real ones among them."""
    small = st.builds(
        Policy,
        life=st.sampled_from([{TokenClass.ASSERTION: 65 * MINUTE}, {TokenClass.ASSERTION: 20 * MINUTE}]),
        default_life=st.sampled_from([30 * MINUTE, 60 * MINUTE, 4 * HOUR]),
        event_lag=st.sampled_from([0, 10 * MINUTE]),
        default_lag=st.sampled_from([0, 10 * MINUTE]),
        law_pairs=st.integers(1, 3),
        law_share=st.sampled_from([0.5, 0.75, 0.99]),
        rooted_pairs=st.integers(1, 2),
        rooted_share=st.sampled_from([0.5, 0.75, 0.9]),
        silent_days=st.integers(1, 2),
        silent_subjects=st.integers(1, 2),
        refuting_subjects=st.integers(1, 3),
        raise_nats=st.sampled_from([0.5, 2.0, 5.0]),
        raise_misses=st.integers(1, 3),
        thin=st.integers(1, 10),
        gap_hours=st.sampled_from([24, 4, 1]),
        gap_records=st.sampled_from([20, 20, 6, 3, 1]),
    )
    return st.one_of(small, small, st.just(Policy()))


def _declarations() -> st.SearchStrategy[tuple[Declaration, ...]]:
    known = [("entra-signin", kind) for kind in KINDS] + [("adfs", "sts1"), ("adfs", "sts2")]
    # a server by its records, one by its domain, one of another farm
    kinds = [*known, ("adfs", "sts3"), ("adfs", "new.sts.example.org"), ("adfs", "new.example.net")]
    early, late = MOMENTS[0] - timedelta(days=3), MOMENTS[-1] + timedelta(days=3)
    starts = st.sampled_from([None, early, early, *MOMENTS[:40:4]])
    ends = st.sampled_from([None, late, late, *MOMENTS[-40::4]])
    one = st.builds(lambda part, a, b: Declaration(part[0], part[1], a, b), st.sampled_from(kinds), starts, ends)
    whole = st.just(tuple(Declaration(*part, early, late) for part in known))
    return st.one_of(whole, whole, st.lists(one, max_size=8).map(tuple))


def settings() -> st.SearchStrategy[Settings]:
    """Draw what the user says beside the evidence: most often that every log is complete."""
    identities = st.sampled_from([(), (), (("alice", "bob@example.com"),), (("alice", "shared"), ("bob", "shared"))])
    drawn = st.builds(
        Settings,
        declarations=_declarations(),
        exported_at=st.sampled_from([None, MOMENTS[-1] + timedelta(days=30), MOMENTS[-1], *MOMENTS[::20]]),
        since=st.sampled_from([None, None, *MOMENTS[::20]]),
        federated=st.sampled_from([{}, {"example.com": FARM}]),
        identities=identities,
        truncated=st.sampled_from([frozenset[str](), frozenset[str](), frozenset[str](), frozenset({"entra-signin"})]),
    )
    return st.one_of(st.just(clean_settings()), drawn, st.just(clean_settings()))


@st.composite
def histories(
    draw: st.DrawFn, scenes: Iterable[Scene] = SCENES, *, spoil: bool = True, shuffle: bool = True
) -> History:
    """Draw a history from these scenes. Without `spoil`, nothing is lost or comes twice."""
    pen = Pen(draw)
    pool = sorted(scenes, key=lambda scene: scene.__name__)
    if draw(st.sampled_from([True, True, True, False])):
        pen.everybody()
    for _ in range(draw(st.integers(1, 9))):
        if len(pen.rows) < MAX_RECORDS - 8:
            draw(st.sampled_from(pool))(pen)
    rows = numbered(pen.rows)
    if spoil:
        rows = [_spoiled(draw, row) for row in rows if not _lost(draw)]
        rows += [_again(draw, row) for row in rows if draw(st.integers(0, 11)) == 0]
    if shuffle:
        rows = draw(st.permutations(rows))
    return History(rows, draw(settings()), draw(policies()))


def _lost(draw: st.DrawFn) -> bool:
    return draw(st.integers(0, 14)) == 0


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


def _spoiled(draw: st.DrawFn, row: Row) -> Row:
    """Forget a field of some rows, and stamp some between two seconds."""
    if draw(st.integers(0, 9)) == 0:
        row = row | {"event_time": row["event_time"] + timedelta(microseconds=600_000)}
    if draw(st.integers(0, 5)):
        return row
    gone = draw(st.sampled_from(FORGETTABLE))
    return {k: v for k, v in row.items() if k != gone and (gone, k) != ("token_id", "token_id_kind")}


def _again(draw: st.DrawFn, row: Row) -> Row:
    """Deliver a record again in another wrapper, which may lack a field or hold another value."""
    more: dict[str, Any] = {"fidelity": draw(st.integers(0, 2)), "raw_file": draw(st.sampled_from("eg"))}
    change: Callable[[], Row] = draw(
        st.sampled_from(
            [
                lambda: row,
                lambda: {k: v for k, v in row.items() if k not in ("token_id", "token_id_kind", "issued_at")},
                lambda: row | {"ip": "192.0.2.200"},
                lambda: row | {"token_tenant": OTHER_TENANT},
            ]
        )
    )
    return change() | more


def clean_settings() -> Settings:
    """Return settings under which everything is declared complete, far beyond the history."""
    span: tuple[datetime, datetime] = (MOMENTS[0] - timedelta(days=9), MOMENTS[-1] + timedelta(days=9))
    parts = [("entra-signin", kind) for kind in KINDS] + [("adfs", "sts1"), ("adfs", "sts2")]
    return Settings(
        tuple(Declaration(*part, *span) for part in parts),
        exported_at=span[1] + timedelta(days=30),
        federated={"example.com": FARM},
    )
