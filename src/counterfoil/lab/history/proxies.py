"""Where the attackers of 2023 came from: the published addresses while they were in use, else invented hosting.

Outside its days an address says nothing, so it is not used.
"""

from __future__ import annotations

import random
from datetime import date

from counterfoil.lab.history.names import hosting_address
from counterfoil.model.storm_0558 import BLOCKED, PANELS, TABLE


def proxies(day: date, *, new_panels: bool = False) -> tuple[str, ...]:
    """Return the addresses that the attackers of 2023 used on `day`, or ten of an invented provider.

    `new_panels`: the panels alone that were first seen after the block.
    """
    among = [panel for panel in PANELS if panel.first > BLOCKED] if new_panels else TABLE
    known = tuple(seen.ip for seen in among if seen.first.date() <= day <= seen.last.date())
    return known or tuple(hosting_address(n) for n in range(20, 30))


def pick(rng: random.Random, day: date, *, new_panels: bool = False) -> str:
    """Return one of the proxies of `day`."""
    choices = proxies(day, new_panels=new_panels)
    return choices[rng.randrange(len(choices))]
