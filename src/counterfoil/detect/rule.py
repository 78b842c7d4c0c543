"""What a rule is, and the tables it may look at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from counterfoil.expressions import ir
from counterfoil.expressions.shape import Shape
from counterfoil.model.logs import Logs

FIRST_USES = Shape("first_uses", "a mailbox and a client: when it was first used through it", (
    "object_kind", "object_id", "resource_tenant", "client_id", "event_time",
))
SIGN_IN_PLACES = Shape("sign_in_places", "an address from which somebody was issued tokens", ("subject", "ip"))
# Of the addresses of suspects and of sign-in places; empty where the user named no file of networks.
NETWORKS: Mapping[str, str] = {"ip": "string", "asn": "int64", "name": "string", "hosting": "boolean"}


@dataclass(frozen=True)
class Tables:
    """The tables that rules read.

    `suspects`: tokens that are uncovered or unlinkable. `tokens`: all judged tokens but most of the minted ones, so
    that they are no measure of ordinary use. Both have the columns of `reconcile.shapes.DIAGNOSED`: token_key, subject,
    client_id, network, ip, user_agent, t_first and t_last (seconds since 1970), object_id, ... `acceptances`:
    FIRST_USES, of all tokens. `issued`: SIGN_IN_PLACES of the subjects of suspects. `records`: evidence
    (`model.schema`), each record once. `networks`: NETWORKS. `logs`: what logs mean.
    """

    suspects: ir.Table
    tokens: ir.Table
    acceptances: ir.Table
    issued: ir.Table
    records: ir.Table
    networks: ir.Table
    logs: Logs


@dataclass(frozen=True, kw_only=True)
class Described:
    """What every rule says of itself.

    `severity` (critical, high, medium, low) and `confidence` (high, medium, low): of what it finds, by itself.
    `audience`: who can answer it, `tenant` or `issuer`. `attack`: ids of techniques (ATT&CK v19). `references`: where
    the idea or the data is from. `why`: what it means. `innocent`: what looks the same and is lawful. `needs`: which
    evidence it reads. `blind`: what it does not see. `next_step`: what to do.
    """

    id: str
    title: str
    severity: str
    confidence: str
    audience: str
    attack: tuple[str, ...]
    references: tuple[str, ...]
    why: str
    innocent: str
    needs: str
    blind: str
    next_step: str


@dataclass(frozen=True, kw_only=True)
class Rule(Described):
    """A suspicion of tokens. `find` returns (token_key) of the suspects that it holds for.

    `weight` is what it adds to a token's suspicion.
    """

    weight: float
    find: Callable[[Tables], ir.Table]


@dataclass(frozen=True)
class KeyTables:
    """The tables that rules over key stores read.

    `activity`: what was done, by the hour (`detect.keys.activity`). `records`: evidence, each record once.
    `entries`: of logs whose entries have numbers, each number: source, part, sequence, seconds, place.
    `accused`: tokens that are not believed: issuer, key_id, seconds (first use). `logs`: what logs mean.
    """

    activity: ir.Table
    records: ir.Table
    entries: ir.Table
    accused: ir.Table
    logs: Logs


@dataclass(frozen=True, kw_only=True)
class KeyRule(Described):
    """A suspicion at a key store. `find` returns a row for each clue.

    Its columns: source, part and key (the store, and what of it), principal, process, first_seen and last_seen (seconds
    since 1970), records, what (what was done), usual (what is normal for them), place (`file:position` of one record).
    `of_files`: it is about what lies in files, which `what` names, and not about a log.
    """

    find: Callable[[KeyTables], ir.Table]
    of_files: bool = False


@dataclass(frozen=True, kw_only=True)
class ChangeRule(Described):
    """A suspicion of changes in the directory that name no token. `find`: of their records, the rows of a `KeyRule`."""

    find: Callable[[ir.Table], ir.Table]


MOVED = Shape("moved", "a way in which a genuine token was used that was used from several networks", (
    "token_key", "subject", "network", "user_agent", "seconds",
))
SEEN_AT = Shape("seen_at", "when somebody used a token from one of these networks first, with which program", (
    "subject", "network", "user_agent", "seconds",
))
HOMES = Shape("homes", "a network from which one of these people signed in", ("subject", "network"))


@dataclass(frozen=True)
class UseTables:
    """The tables that rules over genuine tokens read: MOVED, SEEN_AT (of their people and networks), HOMES.

    `begin`: when the log of what was accepted begins, in one row (seconds since 1970).
    """

    moved: ir.Table
    seen: ir.Table
    homes: ir.Table
    begin: ir.Table


@dataclass(frozen=True, kw_only=True)
class UseRule(Described):
    """A suspicion of genuine tokens by their uses. `find` returns (token_key, network, user_agent, seconds)."""

    find: Callable[[UseTables], ir.Table]
