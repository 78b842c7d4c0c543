"""What glues evidence together, and how strongly: traits, each worth the more the fewer people of the estate show it.

Pure but for `RECORDS`, which is the SQL that gives every record its traits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

from counterfoil.model.schema import Leg

# What two pieces of evidence must be worth together to be one intruder's; and what a record that no finding tells of
# must share with an intrusion to be taken for a part of it.
GLUE, BESIDE = 1.2, 1.5
# A common program is still worth something where all else fits; a common place, device or key is worth nothing.
FLOOR = 0.25
# For how long an address is the same tenant's. Rented ones change hands within about two weeks (docs/intrusions.md).
LEASE_DAYS = 14
BAND_HOURS = 4  # of the bands of a day, in UTC


@dataclass(frozen=True)
class Trait:
    """A kind of trait: a column of RECORDS, what it is of, and its worth where nobody of the estate shows it.

    Of an `aspect` one trait counts, the worthier. `floor`: the least share of the worth that is left. `means`: it is
    something that he works with; without one shared, nothing is glued.
    """

    kind: str
    aspect: str
    worth: float
    words: str
    floor: float = 0.0
    means: bool = False


# An address alone is not enough, as two may rent it; neither is a program, as many use it.
TRAITS: tuple[Trait, ...] = (
    Trait("ip", "place", 1.0, "address"),
    Trait("network", "place", 0.8, "network"),
    Trait("agent", "agent", 0.85, "agent", FLOOR, means=True),
    Trait("app", "application", 0.85, "application", FLOOR, means=True),
    Trait("device_id", "device", 1.0, "device", means=True),
    Trait("key_id", "key", 0.6, "signing key", means=True),
    Trait("person", "victim", 0.15, "victim"),
    Trait("band", "hours", 0.1, "hours of the day"),
)
SESSION = Trait("session_id", "session", 2.0, "session")
BY_KIND: Mapping[str, Trait] = {trait.kind: trait for trait in (*TRAITS, SESSION)}
# Traits that people of the estate may show as well, and by which a record is taken for an intruder's: not whom he hit.
SHOWN: tuple[Trait, ...] = tuple(trait for trait in BY_KIND.values() if trait.kind != "person")
# What is the same by itself: several uses of one token, a token and what was obtained with it.
TOKEN_WORTH = LINEAGE_WORTH = 3.0


@lru_cache(maxsize=65_536)
def worth(kind: str, people: int) -> float:
    """Return what a trait of that kind is worth that so many people of the estate show.

    >>> worth("ip", 0), worth("ip", 1), worth("agent", 40)
    (1.0, 0.5, 0.2125)
    """
    trait = BY_KIND[kind]
    return trait.worth * max(trait.floor, 1 / (1 + people))


def worth_sql(kind: str, people: str) -> str:
    """Return `worth` as SQL, by the names of two columns."""
    whens = " ".join(
        f"WHEN '{trait.kind}' THEN {trait.worth} * greatest({trait.floor}, 1.0 / (1 + {people}))"
        for trait in BY_KIND.values()
    )
    return f"CASE {kind} {whens} END"


@lru_cache(maxsize=65_536)
def enough(worths: tuple[float, ...]) -> tuple[tuple[int, ...], ...]:
    """Return the smallest choices of TRAITS (places in it) that are worth GLUE together, 0 standing for unknown."""
    aspects: dict[str, list[int]] = {}
    for place, trait in enumerate(TRAITS):
        if worths[place]:
            aspects.setdefault(trait.aspect, []).append(place)
    found: list[tuple[int, ...]] = []
    for choice in product(*([None, *places] for places in aspects.values())):
        taken = tuple(place for place in choice if place is not None)
        if _glues(worths, taken) and not any(
            _glues(worths, tuple(place for place in taken if place != left)) for left in taken
        ):
            found.append(taken)
    return tuple(found)


def _glues(worths: tuple[float, ...], taken: tuple[int, ...]) -> bool:
    return any(TRAITS[place].means for place in taken) and reaches(sum(worths[place] for place in taken))


def reaches(value: float, least: float = GLUE) -> bool:
    """Tell whether a sum of worths is as much as that: sums of fractions are not exact."""
    return value >= least - 1e-9


_GROUP = "0*([0-9a-f]+)"
_FORMS = ((f"^{_GROUP}:{_GROUP}:{_GROUP}", 3), (f"^{_GROUP}:{_GROUP}::", 2), (f"^{_GROUP}::", 1))


def network_sql(ip: str) -> str:
    """Return the /24 or /48 of an address as SQL, as `tokens.network` has it."""
    v6 = " ".join(
        f"WHEN regexp_matches({ip}, '{form}') THEN "
        + " || ':' || ".join([*(f"regexp_extract({ip}, '{form}', {n + 1})" for n in range(known)),
                              *["'0'"] * (3 - known)])
        for form, known in _FORMS
    )
    v4 = "'^([0-9]+[.][0-9]+[.][0-9]+)[.][0-9]+$'"
    return f"CASE WHEN regexp_matches({ip}, {v4}) THEN regexp_extract({ip}, {v4}, 1) {v6} ELSE {ip} END"


def place_sql(ip: str) -> str:
    """Return what is a person's own of an address, as SQL.

    A neighbour in a hoster's network is anybody's; one IPv6 address is as good as the next in the same network.
    """
    return f"CASE WHEN contains({ip}, ':') THEN {network_sql(ip)} ELSE {ip} END"


# Exchange writes down the program of its own that a client spoke to, and the client's own agent among what it says of
# the actor: a text of which there are as many as clients. To make an agent of it costs far more than to find it.
ACTOR = f"""CASE WHEN e.leg <> '{Leg.ISSUANCE}' AND contains(e.extra, '"ActorInfoString"')
    THEN json_extract_string(e.extra, '$.ActorInfoString') END"""


def agent_sql(actor: str, user_agent: str) -> str:
    """Return the agent of a client as SQL: what ACTOR found of it, or else what the record calls so."""
    own = rf"regexp_extract({actor}, '(?s)UserAgent=(.*?)(\[AppId=|;?$)', 1)"
    return f"coalesce(nullif({own}, ''), {user_agent})"


_APP = f"""CASE WHEN e.leg = '{Leg.ACCEPTANCE}'
    THEN e.client_id || ' for ' || coalesce(e.object_kind, 'anything') END"""
# Whose a record `e` is; a name is looked up only where the record has no id.
PERSON = "coalesce(e.subject_id, n.proven_id, 'name:' || e.subject_name)"
PROVEN = """LEFT JOIN (SELECT subject_name, min(proven_id) AS proven_id FROM names GROUP BY ALL) n
    ON n.subject_name = CASE WHEN e.subject_id IS NULL THEN e.subject_name END"""


def of_record(kind: str) -> str:
    """Return a trait of a record `e` of the evidence as SQL: an application, or one that is a column."""
    return {"app": _APP}.get(kind, f"e.{kind}")


def records_sql(of: str) -> str:
    """Return these records of the evidence, each with its traits, as SQL.

    An application is one for a kind of object: one that plans meetings is strange at mail.
    """
    return f"""SELECT e.source, e.record_id, e.leg, e.outcome, e.event_time, e.operation, e.token_id, e.object_kind,
    {PERSON} AS person,
    e.ip, e.client_id, {network_sql('e.ip')} AS network,
    {place_sql('e.ip')} AS place, {agent_sql(ACTOR, 'e.user_agent')} AS agent,
    {_APP} AS app,
    e.device_id, e.key_id, e.session_id, e.kind, e.object_id, e.object_parent, e.item_count, e.aggregated, e.throttled,
    e.signing_input_digest AS digest, coalesce(e.subject_name, e.subject_id) AS shown, e.raw_file, e.raw_position,
    (hour(e.event_time) // {BAND_HOURS})::VARCHAR AS band
FROM {of} e {PROVEN}"""  # noqa: S608  # our own names


# What is kept of a record in question, beside its source and id: its traits, and what is told of it.
KNOWN = ("leg", "event_time", "token_id", "person", *(trait.kind for trait in SHOWN), "shown", "client_id",
         "object_kind", "object_id", "object_parent", "raw_file", "raw_position")

# Every record with its traits.
RECORDS = records_sql("evidence")
