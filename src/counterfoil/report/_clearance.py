"""What a report without findings is worth, in words, one way for every format that people read."""

from __future__ import annotations

from collections.abc import Iterator

from counterfoil.model.clearance import MAX_OPEN_SHARE, counted, missing_logs, withheld
from counterfoil.model.hunt import HuntReport, SilentCalls, VerdictCount
from counterfoil.model.verdict import CONVICTING, FAIL_ON_DEFAULT, FindingVerdict, Verdict
from counterfoil.report.clean import clean
from counterfoil.report.words import because, client, number, percent, series, some

MAX_WHY = 300
MAX_NETWORKS = 3
# The accused first: what a reader looks for.
ORDER = (Verdict.FORGED, Verdict.CONTRADICTED, Verdict.TAINTED, Verdict.MINTED, Verdict.UNLINKABLE, Verdict.UNCOVERED)


def grave(report: HuntReport) -> int:
    """Return how many findings are more than suspicions."""
    return sum(finding.verdict in FAIL_ON_DEFAULT for finding in report.findings)


def convicted(report: HuntReport) -> str:
    """Return how many tokens cannot be genuine, by verdict; sets of which so many at least are forged count too.

    Empty if there are none, and no finding claims it of a log either.
    """
    parts = [f"{number(report.tokens(verdict))} {verdict}" for verdict in ORDER[:3] if report.tokens(verdict)]
    sets = sum(finding.at_least for finding in report.findings if finding.verdict is FindingVerdict.FORGED)
    if sets:
        parts.insert(0, f"at least {number(sets)} {'more ' if parts else ''}forged, which ones cannot be told")
    claims = {finding.verdict for finding in report.findings} & CONVICTING
    return series(parts) or ("not all can be genuine" if claims else "")


def whys(report: HuntReport) -> tuple[str, ...]:
    """Return why the report is no all-clear although nothing grave is found; empty if it is one, or if it found."""
    return () if grave(report) or not report.legs else tuple(clean(each.words, MAX_WHY) for each in withheld(report))


def nothing(report: HuntReport) -> str:
    """Return what it means that nothing was found: among how many tokens."""
    if not report.judged:
        return "nothing"
    if report.judged == report.total:
        return f"nothing among {some(report.total, 'token')}, all judged"
    return f"nothing among the {percent(report.judged, report.total)} of the tokens that could be judged"


def apart(report: HuntReport) -> Iterator[str]:
    """Yield how much was left open, and what of the open tokens is counted apart from that."""
    left, total = counted(report)
    if left + report.no_record + report.before_log:
        most = f"{MAX_OPEN_SHARE * 100:.0f} %"
        yield f"{number(left)} of {some(total, 'token')} left open (at most {most} for an all-clear)"
    if report.no_record:
        yield f"{some(report.no_record, 'token')} of calls known to leave no record at their issuer, counted apart"
    if report.before_log:
        yield f"{some(report.before_log, 'token')} that may have been issued before the log begins, counted apart"


def silent(calls: SilentCalls) -> str:
    """Return one kind of calls that leave no record: whose, from where, how many."""
    shown = calls.networks[:MAX_NETWORKS]
    where = ", ".join(clean(network, 48) for network in shown) or "no address"
    more = calls.network_count - len(shown)
    beyond = f" and {some(more, 'more network', 'more networks')}" if more > 0 else ""
    counts = f"{some(calls.tokens, 'token')} of {some(calls.subjects, 'subject')}"
    return f"{client(calls.client_id)}, {clean(calls.kind, 48)}: {counts}, from {where}{beyond}"


def reason(row: VerdictCount) -> str:
    """Return why tokens have their verdict, in a few words: which logs are missing, where some are."""
    return clean(missing_logs(row.missing), MAX_WHY) if row.missing else because(row.verdict, row.reason)
