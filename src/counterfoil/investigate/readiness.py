"""Readiness of a judged case: per issuer and service, whether a forged token could be judged with these logs.

It goes by what records prove: a mailbox of which one mail access is recorded is audited, whatever a setting says; a
service writes token ids if its records have them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from duckdb import DuckDBPyConnection

from counterfoil.case.results import rows
from counterfoil.investigate.counts import log_parts
from counterfoil.investigate.gaps import gaps
from counterfoil.investigate.summary import summary
from counterfoil.model.coverage import RELIED, CoverageRow
from counterfoil.model.hunt import HuntReport
from counterfoil.model.readiness import Judged, LegReadiness, Readiness, ServiceReadiness, Shape
from counterfoil.model.reason import LEAVES_NO_RECORD, Reason
from counterfoil.model.schema import Leg
from counterfoil.model.verdict import JUDGED
from counterfoil.sources.registry import all_sources

# The share of a service's tokens beyond which what they lack decides the answer.
MAX_MISSING = 0.1
AUDIT = "m365-ual"
SIGN_INS, GRAPH = ("entra-signin", "defender-signin"), ("graph-activity", "defender-graph")
MAIL = "MailItemsAccessed"


def readiness(con: DuckDBPyConnection, case: str, exports: Sequence[str] = ()) -> Readiness:
    """Return the readiness that the case's evidence and its last reconciliation show. `con`: of `results.opened`.

    `exports`: what was read, if the case will not stay; it is named, and commands read it again.
    """
    report = summary(con, case)
    strengths = {(row["source"], row["kind"]): row["strength"] for row in rows(con, _STRENGTHS)}
    services = tuple(_services(rows(con, _TOKENS), report.coverage, strengths))
    shape = _shape(con, report)
    (mail,) = rows(con, _MAILBOXES, [MAIL])
    return Readiness(
        case=" ".join(exports) or case,
        services=services,
        legs=tuple(_legs(con, report)),
        gaps=gaps(con, report, services, shape, exports),
        mailboxes=mail["mailboxes"],
        shape=shape,
    )


_TOKENS = f"""SELECT coalesce(issuer, '') AS issuer, source, kind, verdict, reason, needs,
    silent OR reason IN ({', '.join(f"'{reason}'" for reason in sorted(LEAVES_NO_RECORD))}) AS apart,
    token_id IS NOT NULL OR signing_input_digest IS NOT NULL AS named, count(*) AS tokens,
    min(first_seen) AS first, max(last_seen) AS last
FROM tokens WHERE derived <> 'assertion' GROUP BY ALL"""  # noqa: S608  # our own names
_STRENGTHS = f"""WITH told AS (SELECT source, kind, CASE WHEN signing_input_digest IS NOT NULL THEN 'digest'
    WHEN token_id IS NOT NULL THEN 'token id' WHEN session_id IS NOT NULL THEN 'session'
    WHEN coalesce(subject_id, subject_name) IS NOT NULL THEN 'name' ELSE 'nothing' END AS strength
    FROM evidence WHERE leg = '{Leg.ACCEPTANCE}')
SELECT source, kind, mode(strength) AS strength FROM told GROUP BY ALL"""  # noqa: S608  # our own names
_MAILBOXES = f"""SELECT count(DISTINCT coalesce(object_id, object_parent)) AS mailboxes FROM evidence
WHERE leg = '{Leg.ACCEPTANCE}' AND operation = $1"""  # noqa: S608  # our own names


def _services(
    tokens: Iterable[dict[str, Any]], coverage: Sequence[CoverageRow], strengths: dict[tuple[str, str], str]
) -> Iterator[ServiceReadiness]:
    grouped: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for row in tokens:
        grouped.setdefault((row["issuer"], row["source"], row["kind"]), []).append(row)
    for (issuer, source, kind), mine in sorted(grouped.items(), key=lambda item: -sum(r["tokens"] for r in item[1])):
        of_issuer = [row for row in coverage if row.issuer == issuer and row.records]
        sums = dict.fromkeys(("judged", "waiting", "missing", "nameless", "apart"), 0)
        for row in mine:
            sums[_place(row, issuer, of_issuer)] += row["tokens"]
        yield ServiceReadiness(
            issuer=issuer,
            service=f"{source}/{kind}",
            answer=_answer(sums, of_issuer),
            strength=strengths.get((source, kind), "nothing"),
            tokens=sum(sums.values()),
            first=min(row["first"] for row in mine),
            last=max(row["last"] for row in mine),
            **sums,
        )


def _place(row: dict[str, Any], issuer: str, coverage: Sequence[CoverageRow]) -> str:
    """Return which of the sums of a service the tokens belong to."""
    if row["verdict"] in JUDGED:
        return "judged"
    if row["apart"]:
        return "apart"
    if not row["named"]:
        return "nameless"
    seen = {f"{each.source}/{each.kind}" for each in coverage}
    parts = log_parts(issuer, row["needs"] or "", coverage)
    lacks = row["reason"] == Reason.NO_ISSUER_LOG or not seen or any(seen.isdisjoint(either) for either in parts)
    return "missing" if lacks else "waiting"


def _answer(sums: dict[str, int], coverage: Sequence[CoverageRow]) -> Judged:
    counted = sum(sums.values()) - sums["apart"]
    if sums["nameless"] > counted / 2:
        return Judged.RANKED
    if not coverage:
        return Judged.NO
    if sums["missing"] > MAX_MISSING * counted:
        return Judged.IN_PART
    return Judged.YES if any(row.status in RELIED for row in coverage) else Judged.ONCE_DECLARED


def _legs(con: DuckDBPyConnection, report: HuntReport) -> Iterator[LegReadiness]:
    """Yield the parts of logs that hold the legs before an acceptance."""
    for row in rows(con, _PARTS):
        last = report.last_event
        days = (last - row["first"]).days + 1 if last and row["first"] else 0
        yield LegReadiness(row["leg"], row["issuer"], row["part"], row["records"], row["first"], days)


_PARTS = f"""SELECT leg, coalesce(issuer, '') AS issuer, source || '/' || kind AS part, count(*) AS records,
    min(event_time) AS first FROM evidence WHERE leg NOT IN ('{Leg.ACCEPTANCE}', '{Leg.CONTEXT}')
GROUP BY ALL ORDER BY issuer, leg, part"""  # noqa: S608  # our own names


def _shape(con: DuckDBPyConnection, report: HuntReport) -> Shape:
    (mail,) = rows(con, """SELECT count(*) AS records, count(token_id) AS named FROM evidence
        WHERE leg = 'acceptance' AND operation = $1""", [MAIL])
    logs = {row["source"] for row in rows(con, "SELECT DISTINCT source FROM evidence WHERE leg = 'acceptance'")}
    kinds = rows(con, "SELECT DISTINCT kind FROM evidence WHERE leg = 'issuance' AND list_contains($1, source)"
                      " ORDER BY 1", [list(SIGN_INS)])
    inputs = sorted({entry.source for entry in report.inputs if entry.source and entry.kept + entry.duplicates})
    return Shape(
        audit=tuple(name for name in inputs if _log(name) == AUDIT) if AUDIT in logs else (),
        sign_ins=tuple(name for name in inputs if _log(name) in SIGN_INS),
        kinds=tuple(row["kind"] for row in kinds),
        mail=bool(mail["records"]),
        ids=mail["named"] * 2 > mail["records"],
        graph=not logs.isdisjoint(GRAPH),
    )


def _log(source: str) -> str:
    return next((each.log.name for each in all_sources() if each.name == source), "")
