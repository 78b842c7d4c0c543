"""Which class acts out which intrusion."""

from __future__ import annotations

from counterfoil.lab.history.attack import Attack
from counterfoil.lab.history.copied import CopiedAttack
from counterfoil.lab.history.golden import GoldenAttack
from counterfoil.lab.history.habits import Habits
from counterfoil.lab.history.intrusions import CopiedId, GoldenSaml, Intrusion, Spray, Storm0558
from counterfoil.lab.history.life import Life
from counterfoil.lab.history.spray import SprayAttack
from counterfoil.lab.history.storm import StormAttack
from counterfoil.lab.history.world import World


def attack_for(intrusion: Intrusion, world: World, habits: Habits, life: Life) -> Attack:
    """Return the intrusion at work in `world`; some watch genuine life to imitate it."""
    if isinstance(intrusion, Storm0558):
        return StormAttack(intrusion, world, habits)
    if isinstance(intrusion, Spray):
        return SprayAttack(intrusion, world, habits)
    if isinstance(intrusion, GoldenSaml):
        return GoldenAttack(intrusion, world, habits)
    if isinstance(intrusion, CopiedId):
        return CopiedAttack(intrusion, world, habits, life.uses)
    raise TypeError(f"expected an intrusion, got {type(intrusion).__name__}")
