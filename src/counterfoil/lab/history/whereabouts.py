"""Where people are on a day, and with what: most stay where they are, and a share of the tenant moves about.

Who moves has a telephone on a carrier's network (another address each day, a session of its own), programs that are
updated every week, one journey of three days on which everything comes from one foreign network, and from some day on
a new home and new devices, among them a telephone of another make. Through a VPN, many share few addresses.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from counterfoil.lab.history.cast import Person
from counterfoil.lab.history.ids import guid, seeded
from counterfoil.lab.history.names import carrier_address, home_address, vpn_address
from counterfoil.lab.history.settings import Tenant

_JOURNEY = 3  # days


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where a person is, and with what."""

    person: Person  # with the office, the home and the device of the day
    phone: str  # the telephone's address
    phone_session: str = ""  # the telephone's own; empty: the person's of the day
    release: int = 0  # updates of the programs since the beginning
    android: bool = False


def whereabouts(tenant: Tenant, person: Person, day: date) -> Whereabouts:
    """Return where `person` is on `day` (UTC), the same for the same tenant."""
    vpn = seeded(tenant.seed, "vpn", person.oid, day) if tenant.vpn_share else None
    if vpn is not None and vpn.random() < tenant.vpn_share:
        person = replace(person, office=vpn_address(vpn.getrandbits(2)))
    rng = seeded(tenant.seed, "moves", person.oid)
    if rng.random() >= tenant.moving_share:
        return Whereabouts(person, home_address(person.home_number))
    number = (day - tenant.start).days
    moved, left, updated = rng.randrange(tenant.days), rng.randrange(tenant.days), rng.randrange(7)
    home, hotel, device = rng.getrandbits(17), rng.getrandbits(17), guid(rng)
    if number >= moved:
        person = replace(person, home_number=home, device=device)
    if left <= number < left + _JOURNEY:
        person = replace(person, home_number=hotel, office=home_address(hotel))
    return Whereabouts(
        person,
        phone=carrier_address(seeded(tenant.seed, "carrier", person.oid, day).getrandbits(29)),
        phone_session=guid(seeded(tenant.seed, "telephone", person.device)),
        release=(number + updated) // 7,
        android=number >= moved,
    )
