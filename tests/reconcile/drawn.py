"""A hundred drawn histories, and what becomes of them when records are lost, copied, found, or delivered again.

They are drawn by the same numbers each time, and judged in two runs of the engine: with the real constants, and with
constants so small that a few records reach every rule. Every history lies in weeks of its own.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import cache

from counterfoil.model.coverage import Declaration
from counterfoil.model.ids import IdKind
from counterfoil.model.schema import TokenClass

from . import scenes
from .cases import REAL, TINY, Case
from .groups import Group, grouped
from .histories import History, Rolled, history
from .reference import Policy, Settings
from .reference_policy import CONSUMER_TENANT
from .rows import KINDS, Row, at, sign_in

COUNT = {"real": 40, "tiny": 60}
VARIED = 12  # histories of each run that are told otherwise, too
HARMLESS = (scenes.genuine, scenes.app_only, scenes.interrupted, scenes.busy)
ISSUANCES = ("issuance", "secondary_issuance")
NAMED = sign_in(-2900, "named", "zoe")  # its tenants show whose the log is: there is none without such a record
FOR_APPLICATIONS: Mapping[object, Row] = {  # what sign-ins say that get a token of this class
    TokenClass.APPLICATION: {"kind": "service-principal", "token_class": TokenClass.APPLICATION},
    TokenClass.ACT_AS: {"kind": "service-principal", "token_class": TokenClass.APPLICATION},
    TokenClass.MANAGED_IDENTITY: {"kind": "managed-identity", "token_class": TokenClass.MANAGED_IDENTITY},
}
DECLARED = tuple(Declaration("entra-signin", kind) for kind in KINDS)


@cache
def drawn() -> Mapping[str, list[History]]:
    """Return the histories, by the run that they are for: `real`, `tiny`, and `harmless`, of honest people."""
    return {
        "real": _drawn(COUNT["real"], 1, scenes.SCENES),
        "tiny": _drawn(COUNT["tiny"], 2, scenes.SCENES),
        "harmless": _drawn(VARIED, 3, HARMLESS, spoil=False),
    }


def _drawn(count: int, number: int, of: tuple[scenes.Scene, ...], *, spoil: bool = True) -> list[History]:
    return [history(Rolled(f"{number} {place}"), of, spoil=spoil) for place in range(count)]


def case(history: History, policy: Policy, rows: list[Row] | None = None, *, compared: bool = True) -> Case:
    """Return the history as a case: what it says of hosts, domains and identities stands."""
    said = history.settings
    hosts = tuple(d for d in said.declarations if d.source != "entra-signin")
    settings = Settings((*DECLARED, *hosts), at(43200), federated=said.federated, identities=said.identities)
    told = [*(history.rows if rows is None else rows), NAMED | {"record_id": "named", "fidelity": 0, "raw_file": "n"}]
    return Case("1 to 7", told, (), settings, policy, around=[], compared=compared, drawn=True)


Telling = Callable[[History], list[Row]]


def again(history: History) -> list[Row]:
    """Deliver some records again in worse wrappers, and all in another order."""
    chance = random.Random(len(history.rows))  # noqa: S311  # no secret
    worse = [row | {"fidelity": 9, "raw_file": "z"} for row in history.rows if chance.random() < 0.2]
    return chance.sample([*history.rows, *worse], len(history.rows) + len(worse))


def copied(history: History) -> list[Row]:
    """Use every token that has an id once more, with the same claims."""
    used = [row for row in history.rows if row["leg"] == "acceptance"]
    with_id = {row["record_id"] for row in used if row.get("token_id")}
    return [*history.rows, *(row | {"record_id": f"s{row['record_id']}"} for row in used
                             if row["record_id"] in with_id)]


def lost(history: History) -> list[Row]:
    """Lose every issuance."""
    return [row for row in history.rows if row["leg"] not in ISSUANCES]


def found(history: History) -> list[Row]:
    """Find an issuance that agrees with every known claim of a token, the first that there is."""
    token = lost_token(history.rows)
    return [*history.rows, *(counterfoil_of(token) if token else [])]


def lost_token(rows: Iterable[Row]) -> Row | None:
    """Return the first use of a token with an id, in a realm of organisations."""
    used = [row for row in rows if row["leg"] == "acceptance" and row.get("token_id")]
    return next((row for row in used if row.get("token_tenant") != CONSUMER_TENANT), None)


def counterfoil_of(token: Row) -> list[Row]:
    """Return issuances, with ids of each kind, that agree with every known claim of this use of a token."""
    claims = ("issuer", "key_id", "signing_input_digest", "subject_id", "subject_name", "token_id")
    issued = sign_in(0, None, None, subject_name=None) | {name: token.get(name) for name in claims}
    issued |= FOR_APPLICATIONS.get(token.get("token_class"), {})
    told = token.get("issued_at")
    issued["event_time"] = token["event_time"] if told is None else told + timedelta(seconds=300)
    issued["home_tenant"] = issued["resource_tenant"] = token.get("token_tenant")
    more = {"fidelity": 0, "raw_file": "g", "raw_position": 1}
    return [issued | more | {"token_id_kind": kind, "record_id": f"found-{kind}"} for kind in IdKind]


TELLINGS: Mapping[str, Telling] = {"again": again, "copied": copied, "lost": lost, "found": found}


@cache
def groups() -> Mapping[str, Group]:
    """Return the runs: each with its histories ("real 7"), and some of them told otherwise ("real 7 copied")."""
    runs: dict[str, dict[str, Case]] = {"real": {}, "tiny": {}}
    for name, policy in (("real", REAL), ("tiny", TINY)):
        cases = runs[name]
        for place, one in enumerate(drawn()[name]):
            cases[f"{name} {place}"] = case(one, policy)
            if place % (COUNT[name] // VARIED) == 1:
                for word, telling in TELLINGS.items():
                    cases[f"{name} {place} {word}"] = case(one, policy, telling(one), compared=False)
    runs["real"] |= {f"harmless {place}": case(h, REAL) for place, h in enumerate(drawn()["harmless"])}
    told = {name: grouped(cases) for name, cases in runs.items()}
    assert all(len(made) == 1 for made in told.values())
    return {name: made[0] for name, made in told.items()}


@cache
def undeclared() -> Group:
    """Return the histories under real constants as if nobody had declared anything."""
    cases = {f"real {place}": case(h, REAL, compared=False) for place, h in enumerate(drawn()["real"])}
    bare = {name: replace(c, settings=replace(c.settings, declarations=())) for name, c in cases.items()}
    (group,) = grouped(bare)
    return group
