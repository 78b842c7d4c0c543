"""Everything that is known of one intrusion, as one value: what reports and exports of it render."""

from __future__ import annotations

from dataclasses import dataclass

from counterfoil.model.blast import Blast, Reachable
from counterfoil.model.habits import Habits
from counterfoil.model.intrusion import Intrusion
from counterfoil.model.picture import Picture
from counterfoil.model.timeline import Line


@dataclass(frozen=True)
class Story:
    """One intrusion. `lines_left`: lines of the timeline beyond those here."""

    intrusion: Intrusion
    habits: Habits
    whole: Blast
    victims: tuple[Blast, ...]
    keys: tuple[Blast, ...]
    reachable: tuple[Reachable, ...]
    lines: tuple[Line, ...]
    lines_left: int
    picture: Picture
