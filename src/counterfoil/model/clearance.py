"""What "nothing found" needs before it is an all-clear, and why a run withholds it: exit codes 0 and 3."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from counterfoil.model.coverage import ASSERTIONS, REFUTED, SIGN_IN_KINDS, SIGN_INS, UNNAMED, Needed, named_parts
from counterfoil.model.hunt import HuntReport
from counterfoil.model.reason import Reason
from counterfoil.model.verdict import NAME_PREFIX

# The share of tokens that may be left open in an all-clear. Calls known to leave no record, and tokens that may have
# been issued before the log begins, are counted apart.
MAX_OPEN_SHARE = 0.1

# Of these reasons a token is left open although its issuer's log is there.
_ANSWERABLE = (
    Reason.OUTSIDE_COVERAGE, Reason.MAY_BE_UNREAD, Reason.DECLARATION_REFUTED, Reason.INTERRUPT_ONLY,
    Reason.FAILURE_ONLY,
)
# SQL of any engine: which rows of `tokens` are open tokens of such a reason, and foreign to the person whose they are.
STRANGERS = (
    f"reason IN ({', '.join(repr(str(reason)) for reason in _ANSWERABLE)}) AND NOT (ordinary OR explained OR route OR"
    f" early) AND derived <> 'assertion' AND left(subject, {len(NAME_PREFIX)}) <> '{NAME_PREFIX}'"
)


class Why(StrEnum):
    """Why an all-clear is withheld."""

    NO_ACCEPTANCE = "no-acceptance"
    LOG_MISSING = "log-missing"
    LOG_NOT_RELIED_ON = "log-not-relied-on"
    LEFT_OPEN = "left-open"
    STRANGERS = "strangers-left-open"
    ACCEPTANCES_LOST = "acceptances-lost"
    DECLARATION_REFUTED = "declaration-refuted"
    NO_IDENTITY_PROVIDER = "no-identity-provider"


@dataclass(frozen=True)
class Withheld:
    """One reason why nothing found is no all-clear; `words` is half a sentence, its values as logs have them."""

    why: Why
    words: str


def withheld(report: HuntReport) -> tuple[Withheld, ...]:
    """Return why a report without findings is no all-clear; empty if it is one."""
    if not report.total:
        return (Withheld(Why.NO_ACCEPTANCE, "no acceptance is in evidence"),)
    return (*_logs(report), *_open(report), *_strangers(report), *_lost(report), *_coverage(report))


def counted(report: HuntReport) -> tuple[int, int]:
    """Return how many tokens count as left open, and of how many: without those that are counted apart."""
    apart = report.no_record + report.before_log
    return report.total - report.judged - apart, report.total - apart


def missing_logs(parts: tuple[str, ...], issuer: str = "") -> str:
    """Return in words that nothing of these parts of logs is in evidence; `issuer` where it has to be told."""
    return _logs_in_words(parts, issuer, "missing")


def _logs_in_words(parts: tuple[str, ...], issuer: str, what: str) -> str:
    logs = "sign-in logs" if all(part.startswith(SIGN_INS + "/") for part in parts) else "logs"
    return f"{logs}{f' of {issuer}' if issuer else ''} {what}: {named_parts(parts)}"


def _logs(report: HuntReport) -> Iterator[Withheld]:
    """Yield the logs that some class of an own issuer's open tokens needs, and that cannot be relied on."""
    several = len({each.issuer for each in report.needed}) > 1
    for issuer in dict.fromkeys(each.issuer for each in report.needed):
        mine = [each for each in report.needed if each.issuer == issuer]
        missing, unrelied = parts_of(mine, "missing"), parts_of(mine, "unrelied")
        named = issuer if several else ""
        if missing:
            yield Withheld(Why.LOG_MISSING, missing_logs(missing, named))
        if unrelied:
            yield Withheld(Why.LOG_NOT_RELIED_ON, _logs_in_words(unrelied, named, "not relied on as complete"))


def parts_of(needed: Iterable[Needed], name: str) -> tuple[str, ...]:
    """Return the parts of logs that these lack (`name`: `missing` or `unrelied`), those of sign-ins in their order."""
    order = [f"{SIGN_INS}/{kind}" for kind in SIGN_IN_KINDS]
    parts = {part for each in needed for part in getattr(each, name)}
    return (*(part for part in order if part in parts), *sorted(parts.difference(order)))


def _open(report: HuntReport) -> Iterator[Withheld]:
    left, total = counted(report)
    if left > MAX_OPEN_SHARE * total or not report.judged:
        tokens = "token" if total == 1 else "tokens"
        words = f"{left:,} of {total:,} {tokens} left open; an all-clear allows {MAX_OPEN_SHARE * 100:.0f} %"
        yield Withheld(Why.LEFT_OPEN, words if report.judged else "no acceptance could be judged")


def _strangers(report: HuntReport) -> Iterator[Withheld]:
    if report.strangers:
        what = "token left open comes" if report.strangers == 1 else "tokens left open come"
        yield Withheld(Why.STRANGERS, f"{report.strangers:,} {what} from places or programs that are not the user's")


def _lost(report: HuntReport) -> Iterator[Withheld]:
    if report.lost_acceptances:
        what = "record" if report.lost_acceptances == 1 else "records"
        yield Withheld(Why.ACCEPTANCES_LOST, f"{report.lost_acceptances:,} {what} of acceptances could not be read")
    if cut := sum(entry.accepts and bool(entry.truncated) for entry in report.inputs):
        what = "log of acceptances was" if cut == 1 else "logs of acceptances were"
        yield Withheld(Why.ACCEPTANCES_LOST, f"{cut:,} {what} cut off")


def _coverage(report: HuntReport) -> Iterator[Withheld]:
    parts = tuple(dict.fromkeys(f"{row.source}/{row.kind}" for row in report.coverage if row.status == REFUTED))
    refuted = sum(row.tokens for row in report.verdicts if row.reason == Reason.DECLARATION_REFUTED)
    if parts:
        yield Withheld(Why.DECLARATION_REFUTED, f"declared complete, and refuted by the evidence: {named_parts(parts)}")
    elif refuted:
        what = "token is" if refuted == 1 else "tokens are"
        yield Withheld(Why.DECLARATION_REFUTED, f"{refuted:,} {what} of programs whose sign-ins are missing throughout")
    for row in report.coverage:
        if row.source == ASSERTIONS and row.issuer.startswith(UNNAMED):
            yield Withheld(Why.NO_IDENTITY_PROVIDER, f"{row.source} for {row.kind}: {row.reason}")
