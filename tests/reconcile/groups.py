"""Runs many cases at once: each made apart from the others, those with the same settings in one run of the engine."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from counterfoil.model import known
from counterfoil.model.counterfoil import CUSTODY_LOG, ISSUER_LOG, LEDGER_LOG
from counterfoil.model.coverage import CoverageRow, Declaration
from counterfoil.model.receipt import RECEIPTS_LOG
from counterfoil.tokens.entitlement import Entitlement, IssuerPattern

from .cases import Case, Told
from .engine_run import Answer, differences, strata_differences, uses_differences
from .reference import Judgement, Policy, Settings, judge
from .reference_policy import ENTRA_LOGS, SIGN_IN_LOGS
from .rows import Row, background, numbered

OWN_LOGS = (LEDGER_LOG, CUSTODY_LOG, ISSUER_LOG)
NAMED_KINDS = ("adfs", "windows-security", RECEIPTS_LOG, *OWN_LOGS)  # whose kind is a name of one log
NAMES = (
    "issuer", "token_id", "signing_input_digest", "key_id", "subject_id", "subject_name", "client_id", "token_tenant",
    "resource_tenant", "home_tenant", "record_id", "session_id", "device_id", "raw_file", "object_parent",
)
LISTS = ("parent_token_ids", "item_ids")
TIMES = ("event_time", "issued_at", "expires_at", "ingested_at")
VENDORS_OWN = frozenset(
    value for values in vars(known).values() if isinstance(values, frozenset) for value in values
) | {known.CONSUMER_TENANT}
CLIENT_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-")
COUNTS = "strata count their tokens, and tokens their uses"
WEEKS_APART = timedelta(weeks=8)

WORD = len(".c0000")
# Where the names of its case stand in a row of the answer.
_TELLING: Mapping[str, Callable[[Any], tuple[str | None, ...]]] = {
    "tokens": lambda row: (row["record_id"],),
    "coverage": lambda row: (row.issuer, row.kind),
    "twins": lambda row: (row["token_id"],),
    "unaccounted": lambda row: (row["key_id"],),
    "overdrawn": lambda row: (row["key_id"],),
}

Key = tuple[Any, ...]
Doubles = Mapping[str, Judgement]


@dataclass(frozen=True)
class Placed:
    """A case made apart: its word, its rows and settings with the word in every name, and how far it was moved."""

    case: Case
    word: str
    rows: list[Row]
    settings: Settings
    moved: timedelta


@dataclass(frozen=True)
class Group:
    """Cases that one run of the engine judges."""

    placed: Mapping[str, Placed]  # by sentence

    @property
    def rows(self) -> list[Row]:
        """All records."""
        return [row for one in self.placed.values() for row in one.rows]

    @property
    def policy(self) -> Policy:
        """The constants, which are the same in all."""
        return next(iter(self.placed.values())).case.policy

    @property
    def settings(self) -> Settings:
        """What all the cases' settings say together."""
        every = [one.settings for one in self.placed.values()]
        return replace(
            every[0],
            declarations=tuple(dict.fromkeys(d for one in every for d in one.declarations)),
            federated={domain: farm for one in every for domain, farm in one.federated.items()},
            identities=tuple(pair for one in every for pair in one.identities),
            attested=tuple(log for one in every for log in one.attested),
            keys={name: key for one in every for name, key in one.keys.items()},
        )

    def told(self, answer: Answer) -> dict[str, Told]:
        """Return what the answer says of each case, in the case's own names and times."""
        parts = self._parts(answer)
        return {sentence: _told(one, parts[sentence]) for sentence, one in self.placed.items()}

    def _parts(self, answer: Answer) -> dict[str, Answer]:
        """Return the part of the answer that is about each case."""
        by_word = {name: _by_word(getattr(answer, name), of) for name, of in _TELLING.items()}
        parts: dict[str, Answer] = {}
        for sentence, one in self.placed.items():
            mine: dict[str, Any] = {name: found.get(one.word, []) for name, found in by_word.items()}
            parts[sentence] = _own(one, replace(answer, **mine))
        return parts

    def doubles(self) -> Doubles:
        """Return what the double says of each case."""
        return {
            sentence: judge(one.rows, one.settings, one.case.policy)
            for sentence, one in self.placed.items() if one.case.compared
        }

    def wrong(self, answer: Answer, doubles: Doubles | None = None) -> dict[str, list[str]]:
        """Return the cases of which the answer says something else than is wanted, or than the double says."""
        doubles = doubles or self.doubles()
        parts = self._parts(answer)
        found = {}
        for sentence, one in self.placed.items():
            wants = (one.case.wanted,) if callable(one.case.wanted) else one.case.wanted
            told = _told(one, parts[sentence])
            words = [words for wanted in wants for words in wanted(told)]
            if one.case.compared:
                double = doubles[sentence]
                words += differences(parts[sentence], one.rows, one.settings, one.case.policy, double)
            if words:
                found[sentence] = words
        words = [] if self.settings.since or self.settings.until else strata_differences(answer)
        if words := words + uses_differences(answer):
            found[COUNTS] = words
        return found


def grouped(cases: Mapping[str, Case]) -> list[Group]:
    """Return the cases in as few runs as their settings allow; the largest first."""
    groups: dict[Key, dict[str, Placed]] = {}
    for place, (sentence, case) in enumerate(cases.items()):
        own = groups.setdefault(_key(case), {})
        own[sentence] = placed(case, f".c{place:04}", _moved(case) * (len(own) + 1))
    return [Group(own) for own in sorted(groups.values(), key=len, reverse=True)]


def _key(case: Case) -> Key:
    """Return what cases of one run must have in common."""
    s, policy = case.settings, case.policy
    shared = tuple(d for d in s.declarations if d.source in ENTRA_LOGS)
    constants = tuple(sorted((name, str(value)) for name, value in vars(policy).items()))
    own_logs = any(row["source"] in OWN_LOGS for row in _around(case))
    window = (s.exported_at, s.since, s.until)
    return (shared, window, s.truncated, constants, own_logs, _moved(case), case.alone and id(case))


def _moved(case: Case) -> bool:
    """Tell whether somebody in these rows may be anybody (rule 4.2): what is unknown of one case concerns all."""
    relied = bool(case.settings.declarations) and not case.settings.truncated
    return relied and (case.drawn or any(
        row.get("subject_id") is None
        and (row["source"] in SIGN_IN_LOGS if row["leg"] == "issuance" else row["leg"] == "acceptance")
        and not (row["leg"] == "acceptance" and row.get("token_id"))
        for row in case.rows
    ))


def _around(case: Case) -> list[Row]:
    return [*(background() if case.around is None else case.around), *case.rows]


def placed(case: Case, word: str, place: int = 0) -> Placed:
    """Return the case with this word in every name, moved so many times into the past."""
    moved = place * WEEKS_APART
    rows = [_apart(row, word, moved) for row in numbered(_around(case))]
    return Placed(case, word, rows, _settings(case.settings, word, moved), moved)


def _apart(row: Row, word: str, moved: timedelta) -> Row:
    told: Row = {name: _named(name, row[name], word) for name in NAMES if row.get(name) is not None}
    told |= {name: row[name] - moved for name in TIMES if row.get(name) is not None}
    told |= {name: [f"{one}{word}" for one in row[name]] for name in LISTS if row.get(name)}
    if row["source"] in NAMED_KINDS and row.get("kind"):
        told["kind"] = row["kind"] + word
    return row | told


def _named(name: str, value: str, word: str) -> str:
    if value.removeprefix("entra:") in VENDORS_OWN or (name == "client_id" and CLIENT_GUID.match(value)):
        return value
    if value.startswith("ps1:"):
        head, key, rest = value.split(":")
        return f"{head}:{key}{word[1:]}:{rest}"
    return _issuer(value, word) if name == "issuer" else value + word


def _issuer(value: str, word: str) -> str:
    """Return the issuer with the word behind its host, so that its ends stay: their spelling is a matter of rules."""
    host = re.search(r"(?i)\.example(?![\w.])", value)
    if host is None or value.startswith(("entra:", "adfs:", "federated:")):
        return value + word
    more = word.upper() if host.group().isupper() else word
    return value[: host.end()] + more + value[host.end() :]


def _settings(settings: Settings, word: str, moved: timedelta) -> Settings:
    def then(when: datetime | None) -> datetime | None:
        return when and when - moved

    return replace(
        settings,
        declarations=tuple(
            Declaration(d.source, d.kind + word * (d.source in NAMED_KINDS), then(d.start), then(d.end))
            for d in settings.declarations
        ),
        federated={domain + word: farm + word for domain, farm in settings.federated.items()},
        identities=tuple((one + word, name + word) for one, name in settings.identities),
        attested=tuple(
            replace(log, origin=log.origin + word, start=then(log.start), end=then(log.end))
            for log in settings.attested
        ),
        keys={name + word: _key_of(key, word) for name, key in settings.keys.items()},
    )


def _key_of(key: Entitlement, word: str) -> Entitlement:
    """Return what a key may sign with the word in it."""
    return replace(
        key,
        issuers=tuple(
            tuple(IssuerPattern.of(_issuer(one.text, word)) for one in patterns) for patterns in key.issuers
        ),
        tenants=key.tenants and frozenset(tenant + word for tenant in key.tenants),
    )


def _by_word(rows: Iterable[Any], named: Callable[[Any], tuple[str | None, ...]]) -> dict[str, list[Any]]:
    """Return the rows by the words of the cases in which their names end."""
    found: dict[str, list[Any]] = {}
    for row in rows:
        words = {name[-WORD:] for name in named(row) if name}
        for word in words:
            found.setdefault(word, []).append(row)
    return found


def _own(one: Placed, answer: Answer) -> Answer:
    """Return what is about this case of the rows in which its word occurs."""
    asked = {d.end for d in one.settings.declarations}
    return replace(answer, coverage=tuple(
        # the declarations of cases that were moved elsewhere are refused here
        row for row in answer.coverage if row.status != "refused" or row.source not in ENTRA_LOGS or row.end in asked
        or None in asked
    ))


def _told(one: Placed, own: Answer) -> Told:
    def plain(value: Any) -> Any:
        if isinstance(value, str):
            return value.replace(one.word, "")
        return value + one.moved if isinstance(value, datetime) else value

    def rows(given: Sequence[Row]) -> list[Row]:
        return [{name: plain(value) for name, value in row.items()} for row in given]

    return Told(
        sorted(rows(own.tokens), key=lambda token: (token["first_seen"], token["derived"] == "")),
        [CoverageRow(*(plain(value) for value in vars(row).values())) for row in own.coverage],
        rows(own.twins), rows(own.unaccounted), rows(own.overdrawn),
    )
