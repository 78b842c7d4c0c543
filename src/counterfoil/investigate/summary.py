"""Sums up a case's results as one value for the reports."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import Any

import duckdb

from counterfoil._version import __version__
from counterfoil.case.results import rows
from counterfoil.investigate.counts import counts
from counterfoil.investigate.intrusions.found import stored
from counterfoil.model.coverage import CoverageRow, Offer
from counterfoil.model.finding import Finding, Use
from counterfoil.model.hunt import HuntReport, InputFile, RejectCount
from counterfoil.model.schema import Leg, Outcome
from counterfoil.model.verdict import FindingVerdict
from counterfoil.pipeline.asked import SINCE, UNTIL, moment, options_of


def summary(con: duckdb.DuckDBPyConnection, case: str) -> HuntReport:
    """Return the report of the case whose results `con` holds."""
    asked = options_of(con)
    legs = rows(con, "SELECT leg, records, first, last FROM legs ORDER BY leg")
    coverage = tuple(CoverageRow(**row) for row in rows(con, _COVERAGE))
    counted = counts(con, coverage)
    return HuntReport(
        version=__version__,
        case=case,
        since=moment(asked, SINCE),
        until=moment(asked, UNTIL),
        inputs=tuple(InputFile(**row) for row in rows(con, _INPUTS)),
        rejects=_rejects(con),
        legs=tuple((row["leg"], row["records"]) for row in legs),
        first_event=min((row["first"] for row in legs if row["first"]), default=None),
        last_event=max((row["last"] for row in legs if row["last"]), default=None),
        coverage=coverage,
        verdicts=counted.verdicts,
        findings=tuple(_finding(row) for row in rows(con, "SELECT * FROM findings")),
        lost_acceptances=rows(con, "SELECT acceptances FROM lost")[0]["acceptances"],
        nameless_issuances=rows(con, "SELECT nameless FROM lost")[0]["nameless"],
        unclaimed_farms=tuple(row["issuer"] for row in rows(con, "SELECT issuer FROM unclaimed ORDER BY issuer")),
        unnamed_domains=tuple(row["domain"] for row in rows(con, _UNNAMED)),
        needed=counted.needed,
        refused_logs=tuple(row["log"] for row in rows(con, _REFUSED)),
        offers=tuple(Offer(**(row | {"issuers": tuple(row["issuers"])})) for row in rows(con, "SELECT * FROM offers")),
        foreign=counted.foreign,
        options_given=bool(asked),
        silent=counted.silent,
        no_record=counted.no_record,
        before_log=counted.before_log,
        strangers=counted.strangers,
        intrusions=stored(con),
    )


def last_event(con: duckdb.DuckDBPyConnection) -> datetime | None:
    """Return the time of the last record of the case."""
    found: datetime | None = rows(con, "SELECT max(last) AS last FROM legs")[0]["last"]
    return found


_INPUTS = f"""SELECT {', '.join(f'"{column.name}"' for column in fields(InputFile))} FROM inputs ORDER BY path"""  # noqa: S608  # our own names
_UNNAMED = """SELECT DISTINCT issuer[11:] AS domain FROM tokens WHERE starts_with(issuer, 'federated:')
ORDER BY domain LIMIT 50"""
# What a collecting tool was refused: the messages of its own run are context, and name the log.
_REFUSED = f"""SELECT DISTINCT object_id AS log FROM evidence WHERE leg = '{Leg.CONTEXT}' AND object_kind = 'log'
AND outcome = '{Outcome.REFUSED}' AND object_id IS NOT NULL ORDER BY log"""  # noqa: S608  # constants
_COVERAGE = 'SELECT issuer, source, kind, status, start, "end", records, reason FROM coverage ORDER BY ALL'


def _rejects(con: duckdb.DuckDBPyConnection) -> tuple[RejectCount, ...]:
    found = rows(
        con,
        """SELECT coalesce(path, raw_file) AS path, reject AS reason, count(*) AS count,
            min(raw_position) AS first_position
        FROM rejects LEFT JOIN inputs ON raw_file = sha256 AND inputs.source <> '' GROUP BY ALL ORDER BY ALL""",
    )
    return tuple(RejectCount(**row) for row in found)


def _finding(row: dict[str, Any]) -> Finding:
    lists = {name: tuple(value or ()) for name, value in row.items() if isinstance(value, list)}
    uses = tuple(Use(**(use | {"strange": tuple(use["strange"])})) for use in row["uses"])
    return Finding(**(row | lists | {"verdict": FindingVerdict(row["verdict"]), "uses": uses}))
