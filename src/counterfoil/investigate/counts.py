"""Counts tokens by verdict, and the open ones by what they wait for: which logs, or no log at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from counterfoil.case.given import give
from counterfoil.case.results import rows
from counterfoil.model.coverage import ASSERTIONS, MAX_NAMED, REFUTED, RELIED, UNNAMED, CoverageRow, Needed
from counterfoil.model.hunt import SilentCalls, VerdictCount
from counterfoil.model.reason import LEAVES_NO_RECORD, Reason
from counterfoil.model.verdict import JUDGED, Verdict
from counterfoil.sources.registry import logs

# How many silent kinds of calls are told, and how many networks of each.
MAX_SILENT, MAX_NETWORKS = 20, 5
# Reasons that say that a log is missing, of which it can be told which.
_WAITING = frozenset({Reason.NO_ISSUER_LOG, Reason.NOT_DECLARED})


@dataclass(frozen=True)
class Counts:
    """The counts of a report: see `model.hunt.HuntReport`."""

    verdicts: tuple[VerdictCount, ...]
    needed: tuple[Needed, ...]
    silent: tuple[SilentCalls, ...]
    no_record: int
    before_log: int
    strangers: int
    foreign: tuple[str, ...]


def counts(con: duckdb.DuckDBPyConnection, coverage: Sequence[CoverageRow]) -> Counts:
    """Return the counts of the case whose results `con` holds."""
    give(con, "own_issuers", {"begins": "string"}, [[begins] for begins in sorted(set(logs().tenants.values()))])
    open_ = [_Group(row, coverage) for row in rows(con, _OPEN)]
    apart = [group for group in open_ if group.no_record or group.early]
    waiting = [group for group in open_ if group.own and group not in apart]
    return Counts(
        verdicts=_verdicts([_Group(row, ()) for row in rows(con, _SETTLED)] + open_),
        needed=tuple(_needed(waiting)),
        silent=tuple(_silent(row) for row in rows(con, _SILENT)),
        no_record=sum(group.tokens for group in apart if group.no_record),
        before_log=sum(group.tokens for group in apart if not group.no_record),
        strangers=rows(con, "SELECT count(*) AS n FROM strangers")[0]["n"],
        foreign=tuple(row["issuer"] for row in rows(con, _FOREIGN)),
    )


_COUNTED = "count(*) AS tokens, sum(acceptances)::BIGINT AS acceptances"
_LEFT = "verdict IN (" + ", ".join(f"'{verdict}'" for verdict in Verdict if verdict not in JUDGED) + ")"
_SETTLED = f"""SELECT verdict, reason, NULL AS issuer, NULL AS needs, false AS own, false AS silent, false AS early,
    {_COUNTED} FROM tokens WHERE NOT {_LEFT} GROUP BY verdict, reason"""  # noqa: S608  # our own names
# Issuers are told apart where a log of theirs is, or could be, in evidence: others are claims, as many as a forger
# likes. Own is the tenant whose services were used, and who else has a log here.
_OPEN = f"""WITH named AS (SELECT DISTINCT issuer AS name FROM coverage
    WHERE issuer <> '' AND source <> '{ASSERTIONS}'),
told AS (SELECT tokens.*, name IS NOT NULL AS known, begins, begins || resource_tenant AS tenant FROM tokens
    LEFT JOIN named ON issuer = name LEFT JOIN own_issuers ON starts_with(issuer, begins) WHERE {_LEFT}),
whose AS (SELECT *, coalesce(CASE WHEN begins IS NULL THEN known ELSE issuer = tenant END, false) AS own FROM told)
SELECT verdict, reason, needs, silent, early, own, CASE WHEN own OR known THEN issuer END AS issuer, {_COUNTED}
FROM whose GROUP BY ALL ORDER BY ALL"""  # noqa: S608  # our own names
_FOREIGN = f"""SELECT issuer FROM tokens WHERE {_LEFT} AND reason = '{Reason.NO_ISSUER_LOG}' AND issuer IS NOT NULL
    AND NOT coalesce(issuer IN (SELECT begins || resource_tenant FROM own_issuers), false)
    AND NOT starts_with(issuer, '{UNNAMED}')
GROUP BY ALL ORDER BY count(*) DESC, issuer LIMIT {MAX_NAMED}"""  # noqa: S608  # our own names
_UNRECORDED = ", ".join(f"'{reason}'" for reason in sorted(LEAVES_NO_RECORD))
_SILENT = f"""WITH quiet AS (SELECT client_id, kind, network, subject FROM tokens
    WHERE {_LEFT} AND (silent OR reason IN ({_UNRECORDED}))),
places AS (SELECT client_id, kind, network, count(*) AS n FROM quiet WHERE network IS NOT NULL GROUP BY ALL),
listed AS (SELECT client_id, kind, list(network ORDER BY n DESC, network)[:{MAX_NETWORKS}] AS networks,
    count(*) AS network_count FROM places GROUP BY ALL),
counted AS (SELECT client_id, kind, count(*) AS tokens, count(DISTINCT subject) AS subjects FROM quiet GROUP BY ALL)
SELECT counted.*, networks, coalesce(network_count, 0) AS network_count FROM counted LEFT JOIN listed
    ON counted.client_id IS NOT DISTINCT FROM listed.client_id AND counted.kind = listed.kind
ORDER BY tokens DESC, kind, counted.client_id LIMIT {MAX_SILENT}"""  # noqa: S608  # our own names


def _silent(row: Mapping[str, Any]) -> SilentCalls:
    return SilentCalls(**{**row, "networks": tuple(row["networks"] or ())})


class _Group:
    """Tokens alike in verdict, reason, issuer and class; `own`: their issuer's log could be in evidence."""

    def __init__(self, row: Mapping[str, Any], coverage: Iterable[CoverageRow]) -> None:
        self.verdict, self.reason, self.issuer = Verdict(row["verdict"]), row["reason"], row["issuer"]
        self.token_class = row["needs"] or ""
        self.tokens, self.acceptances = row["tokens"], row["acceptances"]
        self.no_record = row["silent"] or row["reason"] in LEAVES_NO_RECORD
        self.early = row["early"]
        self.own = row["own"]
        of_issuer = [row for row in coverage if row.issuer == self.issuer and row.source != ASSERTIONS]
        parts = log_parts(self.issuer, self.token_class, of_issuer) if self.issuer else ()
        seen = {f"{row.source}/{row.kind}" for row in of_issuer if row.records}
        relied = {f"{row.source}/{row.kind}" for row in of_issuer if row.status in (*RELIED, REFUTED)}
        self.missing = tuple(either[0] for either in parts if seen.isdisjoint(either))
        self.unrelied = tuple(part for either in parts if relied.isdisjoint(either) for part in either if part in seen)


def log_parts(issuer: str, token_class: str, coverage: Iterable[CoverageRow]) -> tuple[tuple[str, ...], ...]:
    """Return the parts of logs that could hold the issuance of a token of the class (rule 4.1).

    Of parts that stand together, any will do.
    """
    rows = tuple(coverage)
    if logs().of(issuer):
        either = logs().alternatives(issuer, token_class, {row.source for row in rows if row.records})
        return tuple(tuple(f"{log}/{kind}" for log in there) for kind, there in either.items())
    return tuple((part,) for part in dict.fromkeys(f"{row.source}/{row.kind}" for row in rows))


def _verdicts(groups: Iterable[_Group]) -> tuple[VerdictCount, ...]:
    summed: dict[tuple[Verdict, str, tuple[str, ...]], tuple[int, int]] = {}
    for group in groups:
        key = (group.verdict, group.reason, group.missing if group.reason in _WAITING else ())
        tokens, acceptances = summed.get(key, (0, 0))
        summed[key] = (tokens + group.tokens, acceptances + group.acceptances)
    told = [VerdictCount(verdict, reason, *found, missing) for (verdict, reason, missing), found in summed.items()]
    order = list(Verdict)
    return tuple(sorted(told, key=lambda row: (order.index(row.verdict), -row.tokens, row.reason, row.missing)))


def _needed(waiting: Iterable[_Group]) -> Iterable[Needed]:
    """Return what the open tokens of each issuer and class wait for, where that is anything."""
    tokens: dict[tuple[str, str], int] = {}
    logs: dict[tuple[str, str], _Group] = {}
    for group in waiting:
        key = (group.issuer, group.token_class)
        tokens[key] = tokens.get(key, 0) + group.tokens
        logs[key] = group
    for (issuer, token_class), group in logs.items():
        if group.missing or group.unrelied:
            yield Needed(issuer, token_class, tokens[issuer, token_class], group.missing, group.unrelied)
