"""What a log means: what a record in it shows, and what its absence does. Sources say it of their log."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from counterfoil.model.ids import IdKind

# Beside the classes of tokens (`schema.TokenClass`): a token that does not show its class, and an app-only one of the
# provider's own applications.
UNKNOWN_CLASS = "unknown"
OWN_APPLICATION = "own application"


@dataclass(frozen=True)
class Issuance:
    """Issuers, or their key stores, write down in the log what they issue.

    `ids`: the kinds of token ids of which every genuine acceptance has a record here, so that absence can convict;
    none: the log clears, and convicts nobody.
    `whole`: the issuer writes down each of its tokens itself, whatever its class (rule 4.1). `dated`: the time of such
    a record and the token's issued-at are of one clock. `numbered`: its entries have numbers without a gap.
    `accounts`: each signature of a key that signs its tokens has an entry here (rule 8.4).
    `own_parents`: the grants for which an issuer takes its own tokens alone, so that it names ids of its own there.
    `key_uses`: it is a key store's, and a record is a use of a key.
    `issuers`: how the names of its issuers begin; a tenant's id, or a domain, follows.
    `parts`: the parts (`kind` in evidence) any of which may have issued a token of a class, for its `issuers`; none:
    any part that names the issuer.
    `kinds`: the parts that `--complete` can name; none: each is one log by its name.
    `lag`: longest delay between an event and its record, in seconds; None: as of any log.
    """

    ids: tuple[IdKind, ...] = ()
    whole: bool = False
    dated: bool = False
    numbered: bool = False
    accounts: bool = False
    own_parents: tuple[str, ...] = ()
    key_uses: bool = False
    issuers: str = ""
    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    kinds: tuple[str, ...] = ()
    lag: int | None = None


@dataclass(frozen=True)
class SignIns:
    """Records of the log say who signed in, and from where.

    `people`: the parts in which persons sign in; none: all are persons', and no record says so of itself.
    `interactive`: the part of those in which somebody was there. `addressed`: addresses are written down, wherever
    there is one; `placeless`: parts that never have one.
    `lawful`: a sign-in's time tells the issued-at of its token (rule 3.2).
    `federation`: as whom identity providers know the service that takes their assertions; empty: it takes none.
    """

    people: tuple[str, ...] = ()
    interactive: str = ""
    addressed: bool = False
    placeless: tuple[str, ...] = ()
    lawful: bool = False
    federation: str = ""


@dataclass(frozen=True)
class KeyReads:
    """How the event logs of a farm and of its directory show who read the farm's signing key.

    Operations: `directory` (the object that the key is derived from was read), `pipe` (the configuration database was
    opened by its pipe), `logon`. Patterns in `extra`: `service` (the farm's program), `service_logon`, `logon_id`
    (group 1). `anywhere`: accounts, in lower case, that every computer has.
    """

    directory: str
    pipe: str
    logon: str
    service: str
    service_logon: str
    logon_id: str
    anywhere: tuple[str, ...] = ()


@dataclass(frozen=True)
class Hosts:
    """Each part of the log is a server's, and any server of a farm may have issued for it.

    `beside`: other logs of the same servers, numbered together with this one. `full`: the operation of issuances that
    name the user; `bare`: of those that name nobody. `audited`: what is said of a server with `full` and `bare`, with
    `full` alone, with `bare` alone, and with none in evidence. `losses`: operation of a record of the event log about
    itself (`object_kind` event_log) -> why records are missing after it; `switched_off`: the same of `auditing_off`.
    `key`: how the reading of the signing key shows.
    """

    beside: tuple[str, ...] = ()
    full: str = ""
    bare: str = ""
    audited: tuple[str, str, str, str] = ("", "", "", "nothing that this server issued is in evidence")
    losses: Mapping[str, str] = field(default_factory=dict)
    switched_off: str = "auditing was switched off"
    key: KeyReads | None = None

    @property
    def silent(self) -> str:
        """What is said of a server of which no issuance is in evidence."""
        return self.audited[3]


@dataclass(frozen=True)
class Log:
    """One log, by its `name` (`source` in evidence), and what its records mean; without more: nothing by themselves.

    `accepts`: services write down in it which tokens they let in. `receipts`: they do so for each token that they
    see, with issuer, key and digest as the token has them. `sessions`: for how many seconds after its last use a
    service (`kind`) goes on without a new token. `events`: a record is one event under an id that the service gave it;
    other logs have versions of a record under one id, or ids that are made of a record's parts.
    `unpublished`: nobody has published how complete it is, or whether its ids are those of tokens (rule 4.8).
    `issuers`: of services of one tenant, which records do not name: how the name of its issuer begins.
    `decoys`: a record says where a key was left that nothing is ever signed with.
    `key_alerts`: titles, in lower case, of alerts that say that a farm's signing key was read.
    `states`: a record is no event, but says how something is; its time is that of the last change it tells of, if any.
    """

    name: str
    accepts: bool = False
    receipts: bool = False
    sessions: Mapping[str, int] = field(default_factory=dict)
    events: bool = False
    unpublished: bool = False
    issuers: str = ""
    decoys: bool = False
    key_alerts: tuple[str, ...] = ()
    states: bool = False
    issuance: Issuance | None = None
    sign_ins: SignIns | None = None
    hosts: Hosts | None = None


@dataclass(frozen=True)
class Logs:
    """All logs that there are. Names, and parts (`SOURCE/KIND`), come in order."""

    every: tuple[Log, ...] = ()

    @cached_property
    def _issuances(self) -> tuple[tuple[str, Issuance], ...]:
        return tuple((log.name, log.issuance) for log in self.every if log.issuance)

    @cached_property
    def _sign_ins(self) -> tuple[tuple[str, SignIns], ...]:
        return tuple((log.name, log.sign_ins) for log in self.every if log.sign_ins)

    @cached_property
    def whole(self) -> tuple[str, ...]:
        """The names of those in which an issuer writes down each of its tokens."""
        return tuple(name for name, log in self._issuances if log.whole)

    @cached_property
    def dated(self) -> tuple[str, ...]:
        """The names of those whose times are those of issued-at."""
        return tuple(name for name, log in self._issuances if log.whole and log.dated)

    @cached_property
    def numbered(self) -> tuple[str, ...]:
        """The names of those whose entries have numbers."""
        return tuple(name for name, log in self._issuances if log.numbered)

    @cached_property
    def named(self) -> frozenset[str]:
        """The names of those whose parts are one log, or one host, each: no issuer has another's."""
        return frozenset(name for name, log in self._issuances if not log.kinds)

    @cached_property
    def accounting(self) -> tuple[str, ...]:
        """The names of those in which each signature of their keys has an entry."""
        return tuple(name for name, log in self._issuances if log.accounts)

    @cached_property
    def own_parents(self) -> tuple[str, ...]:
        """Log and grant (`SOURCE/GRANT`) for which an issuer takes its own tokens alone."""
        return tuple(f"{name}/{grant}" for name, log in self._issuances for grant in log.own_parents)

    @cached_property
    def key_uses(self) -> tuple[str, ...]:
        """The names of those of key stores."""
        return tuple(name for name, log in self._issuances if log.key_uses)

    @cached_property
    def sound(self) -> tuple[str, ...]:
        """The kinds of ids of which every genuine token has a record, in logs that several issuers share."""
        return tuple(sorted({str(kind) for _, log in self._issuances if not log.whole for kind in log.ids}))

    @cached_property
    def sound_in_whole(self) -> tuple[str, ...]:
        """The kinds of ids of which every genuine token has a record in its own issuer's log."""
        return tuple(sorted({str(kind) for _, log in self._issuances if log.whole for kind in log.ids}))

    @cached_property
    def declarable(self) -> Mapping[str, tuple[str, ...]]:
        """What `--complete` can name: the parts of each log; none listed: its parts are its own to name."""
        return {name: log.kinds for name, log in self._issuances}

    @cached_property
    def tenants(self) -> Mapping[str, str]:
        """Logs in which several tenants' issuers stand, and how the names of those begin."""
        return {name: log.issuers for name, log in self._issuances if log.parts and log.issuers}

    @cached_property
    def hosts(self) -> Mapping[str, Hosts]:
        """Logs of servers, and what their records show of those."""
        return {log.name: log.hosts for log in self.every if log.hosts}

    @cached_property
    def farms(self) -> Mapping[str, str]:
        """Logs of farms' servers, and how the names of farms begin."""
        return {name: log.issuers for name, log in self._issuances if name in self.hosts}

    def lag(self, name: str, usual: int) -> int:
        """Return the longest delay of a record in seconds; `usual`: that of a log of which nothing is known."""
        return next((log.lag for known, log in self._issuances if known == name and log.lag is not None), usual)

    def parts(self, name: str) -> Mapping[str, tuple[str, ...]]:
        """Return which parts of that log may have issued tokens of which class; none: any."""
        return next((log.parts for known, log in self._issuances if known == name), {})

    def of(self, issuer: str) -> tuple[str, ...]:
        """Return the logs that say in which of their `parts` the issuer's tokens are: of each part, any may hold it.

        They have the same parts. That of which is known how complete it is comes first.
        """
        found = (name for name, log in self._issuances if log.parts and issuer.startswith(log.issuers))
        return tuple(sorted(found, key=lambda name: (name in self.unpublished, name)))

    def alternatives(self, issuer: str, name: str, among: Container[str]) -> Mapping[str, tuple[str, ...]]:
        """Return each part that may have issued a token of the class `name`, and those `among` its logs that have it.

        Where none of them is there, it is looked for in the first.
        """
        logs = self.of(issuer)
        there = tuple(log for log in logs if log in among) or logs[:1]
        return dict.fromkeys((self.parts(logs[0]) if logs else {}).get(name, ()), there)

    @cached_property
    def unpublished(self) -> tuple[str, ...]:
        """The names of those of which nobody knows how complete they are, or what their ids are."""
        return tuple(log.name for log in self.every if log.unpublished)

    @cached_property
    def of_one_tenant(self) -> Mapping[str, str]:
        """Logs whose records may not name the tenant of the case, and how the names of its issuers begin."""
        return {**self.tenants, **{log.name: log.issuers for log in self.every if log.issuers}}

    @cached_property
    def receipts(self) -> tuple[str, ...]:
        """The names of those in which services write down each token as they saw it."""
        return tuple(log.name for log in self.every if log.receipts)

    @cached_property
    def accepting(self) -> frozenset[str]:
        """The names of those in which services write down what they let in."""
        return frozenset(log.name for log in self.every if log.accepts)

    @cached_property
    def events(self) -> tuple[str, ...]:
        """The names of those of which a record is one event."""
        return tuple(log.name for log in self.every if log.events)

    @cached_property
    def sessions(self) -> Mapping[tuple[str, str], int]:
        """For how long each service (source, kind) goes on without a new token, in seconds."""
        return {(log.name, kind): life for log in self.every for kind, life in log.sessions.items()}

    @cached_property
    def decoys(self) -> tuple[str, ...]:
        """The names of those of decoy keys."""
        return tuple(log.name for log in self.every if log.decoys)

    @cached_property
    def key_alerts(self) -> Mapping[str, tuple[str, ...]]:
        """Logs of alerts, and the titles that tell that a signing key was read."""
        return {log.name: log.key_alerts for log in self.every if log.key_alerts}

    @cached_property
    def states(self) -> tuple[str, ...]:
        """The names of those whose records tell how things are."""
        return tuple(log.name for log in self.every if log.states)

    @cached_property
    def sign_ins(self) -> tuple[str, ...]:
        """The names of those of sign-ins."""
        return tuple(name for name, _ in self._sign_ins)

    @cached_property
    def persons(self) -> Mapping[str, tuple[str, ...]]:
        """Logs that tell people's sign-ins from others, and the parts in which those are."""
        return {name: log.people for name, log in self._sign_ins if log.people}

    @cached_property
    def people(self) -> tuple[str, ...]:
        """The parts in which people sign in."""
        return tuple(f"{name}/{kind}" for name, kinds in self.persons.items() for kind in kinds)

    @cached_property
    def of_people_alone(self) -> tuple[str, ...]:
        """The names of those of sign-ins of people that no record tells so."""
        return tuple(name for name, log in self._sign_ins if not log.people)

    @cached_property
    def interactive(self) -> tuple[str, ...]:
        """The parts of sign-ins at which somebody was there."""
        return tuple(f"{name}/{log.interactive}" for name, log in self._sign_ins if log.interactive)

    @cached_property
    def addressed(self) -> tuple[str, ...]:
        """The names of those that write down where somebody signed in, wherever it can be told."""
        return tuple(name for name, log in self._sign_ins if log.addressed)

    @cached_property
    def placeless(self) -> tuple[str, ...]:
        """The parts of which no record has an address."""
        return tuple(f"{name}/{kind}" for name, log in self._sign_ins for kind in log.placeless)

    @cached_property
    def lawful(self) -> tuple[str, ...]:
        """The names of those whose times tell the issued-at of tokens."""
        return tuple(name for name, log in self._sign_ins if log.lawful)

    @cached_property
    def federations(self) -> Mapping[str, str]:
        """Logs of sign-ins that take assertions, and as whom identity providers know their service."""
        return {name: log.federation for name, log in self._sign_ins if log.federation}
