"""Coverage in words: one line per issuer, log and kind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from counterfoil.model.counterfoil import CUSTODY_LOG, LEDGER_LOG
from counterfoil.model.coverage import ATTESTED, NOT_DECLARED, PARTIAL, RELIED, CoverageRow
from counterfoil.report.clean import clean
from counterfoil.report.words import bound, minute, series, some

MAX_REASON = 160
MAX_NOTE = 240  # what is said beside an accepted stretch
MAX_GAPS = 2

# Logs that a checkpoint of another party can attest.
ATTESTABLE = (LEDGER_LOG, CUSTODY_LOG)

# Reasons that say no more than that absence proves nothing.
_PLAIN = (NOT_DECLARED, PARTIAL)


@dataclass(frozen=True)
class Line:
    """What is known of one part of one issuer's log. `sound`: absence there convicts; `broken`: it was declared so."""

    issuer: str
    part: str
    records: int
    words: str
    sound: bool
    broken: bool


def lines(rows: Iterable[CoverageRow]) -> tuple[Line, ...]:
    """Return the lines, issuers and parts in the order in which they first occur."""
    grouped: dict[tuple[str, str, str], list[CoverageRow]] = {}
    for row in rows:
        grouped.setdefault((row.issuer, row.source, row.kind), []).append(row)
    ordered = sorted(grouped, key=lambda key: list(dict.fromkeys(k[0] for k in grouped)).index(key[0]))
    return tuple(_line(*key, grouped[key]) for key in ordered)


def issuer_name(issuer: str, source: str) -> str:
    """Return the issuer of a log as reports say it; a log of uses of keys has none."""
    return clean(issuer) or ("uses of keys" if source == CUSTODY_LOG else "not in evidence")


def _line(issuer: str, source: str, kind: str, rows: Sequence[CoverageRow]) -> Line:
    accepted = [row for row in rows if row.status in RELIED]
    doubted = [row for row in rows if row.status not in (*RELIED, "hole", "seen")]
    sentences = [_accepted(accepted)] if accepted else []
    sentences += dict.fromkeys(note for row in accepted if (note := clean(row.note, MAX_NOTE)))
    if any(row.status == ATTESTED for row in accepted) and len(sentences) == 1:
        sentences.append("attested by a checkpoint that another party keeps")
    own = "to be attested" if source in ATTESTABLE else "declared"
    sentences += [f"{own}, but {clean(row.status, 20)}: {_reason(row)}" for row in doubted]
    return Line(
        issuer=issuer_name(issuer, source),
        part=clean(f"{source}/{kind}" if kind else source, 48),
        records=sum(row.records for row in rows),
        words="; ".join(sentences) or _seen(rows),
        sound=bool(accepted) and not doubted,
        broken=bool(doubted),
    )


def _seen(rows: Sequence[CoverageRow]) -> str:
    """Return what a log proves that nobody declared complete: its own reason, the graver one first."""
    own = sorted((_reason(row) for row in rows if row.reason), key=_PLAIN.__contains__)
    words = own[0] if own else _PLAIN[0]
    return f"{words}: absence proves nothing" if words in _PLAIN else words


def _accepted(rows: Sequence[CoverageRow]) -> str:
    """Return from when to when absence convicts, and what lies between the pieces: holes, or not declared."""
    pieces = sorted(rows, key=lambda row: (minute(row.start), minute(row.end)))
    gaps = [(a.end, b.start) for a, b in pairwise(pieces) if a.end and b.start and a.end < b.start]
    whole = f"complete {bound(pieces[0].start)} to {bound(pieces[-1].end)}"
    year = pieces[0].start.year if pieces[0].start else 0
    if len(gaps) > MAX_GAPS:
        longest = max(gaps, key=lambda gap: gap[1] - gap[0])
        return f"{whole}, except {some(len(gaps), 'gap')}, the longest {_span(longest, year)}"
    return whole + (f", except {series([_span(gap, year) for gap in gaps])}" if gaps else "")


def _span(gap: tuple[datetime, datetime], year: int) -> str:
    """Return a gap; the year is said only where it is not that of the stretch."""
    return " to ".join(bound(when).removeprefix(f"{year}-") for when in gap)


def _reason(row: CoverageRow) -> str:
    return clean(row.reason, MAX_REASON) or "no reason recorded"
