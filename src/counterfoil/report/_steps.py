"""What to do next: a few steps drawn from the report, the most urgent first, with commands that can be copied."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from counterfoil.model.advice import DECLARABLE
from counterfoil.model.coverage import SIGN_IN_KINDS, CoverageRow, sign_ins_seen
from counterfoil.model.hunt import HuntReport
from counterfoil.model.verdict import ACCUSING, Reason
from counterfoil.report._words import some
from counterfoil.report.clean import clean

MAX_STEPS = 5
MAX_FROM_FINDINGS = 3
MAX_TEXT = 400
MAX_PLACES = 5
# More parts than this are not typed by hand.
MAX_DECLARED = 8

_TOKENS = "SELECT subject_name, ip, token_id, reason FROM tokens"


@dataclass(frozen=True)
class Step:
    """One thing to do; `command` is a line to type, or empty; `findings`: by their places, those that ask for it."""

    text: str
    command: str = ""
    findings: tuple[int, ...] = ()

    def places(self) -> str:
        """Return the places of the findings, the first few.

        >>> Step("Block the key.", findings=(1, 2)).places()
        '1, 2'
        """
        return ", ".join(map(str, self.findings[:MAX_PLACES])) + (" …" if self.findings[MAX_PLACES:] else "")


def steps(report: HuntReport) -> tuple[Step, ...]:
    """Return at most MAX_STEPS steps."""
    case = shlex.quote(clean(report.case, 4096))
    found = [*_from_findings(report), *_accused(report, case)]
    waiting = [*_not_judged(report, case), *_undeclared(report, case), *_absent_kinds(report)]
    evidence = [*waiting, *_no_log(report), *_unnamed(report), *_untold(report), *_unread(report)]
    return tuple([*found, *evidence][:MAX_STEPS])


def _from_findings(report: HuntReport) -> Iterator[Step]:
    """Yield what the findings themselves advise, each advice once, with the findings that it is for."""
    advised: dict[str, list[int]] = {}
    for place, finding in enumerate(report.findings, 1):
        if finding.next_step:
            advised.setdefault(clean(finding.next_step, MAX_TEXT), []).append(place)
    for text, places in list(advised.items())[:MAX_FROM_FINDINGS]:
        yield Step(text, findings=tuple(places))


def _accused(report: HuntReport, case: str) -> Iterator[Step]:
    accused = sum(report.tokens(verdict) for verdict in ACCUSING)
    if accused:
        verdicts = [f"'{verdict}'" for verdict in sorted(ACCUSING) if report.tokens(verdict)]
        which = f"= {verdicts[0]}" if len(verdicts) == 1 else f"IN ({', '.join(verdicts)})"
        yield Step(
            f"See the {some(accused, 'accused token')}, with reasons:",
            f'counterfoil sql {case} "{_TOKENS} WHERE verdict {which}"',
        )


def _not_judged(report: HuntReport, case: str) -> Iterator[Step]:
    if not report.legs and any(not entry.unread for entry in report.inputs):
        yield Step("Judge the tokens:", f"counterfoil reconcile --case {case}")


def _undeclared(report: HuntReport, case: str) -> Iterator[Step]:
    waiting = sum(row.tokens for row in report.verdicts if row.reason == Reason.NOT_DECLARED)
    parts = list(dict.fromkeys(_declared(row) for row in report.coverage if _waits(row)))
    if waiting and parts:
        options = " ".join(f"--complete {shlex.quote(part)}" for part in parts[:MAX_DECLARED])
        text = f"Up to {some(waiting, 'token')} could be judged if these logs are complete for their time;"
        if any(row.status != "seen" for row in report.coverage):  # a reconcile with these alone would forget the others
            yield Step(f"{text} if so, add to your options:", options)
        else:
            yield Step(f"{text} if so, say it:", f"counterfoil reconcile --case {case} {options}")


def _absent_kinds(report: HuntReport) -> Iterator[Step]:
    """Yield which sign-ins to export, where tokens wait for kinds of which nothing is in evidence."""
    waiting = sum(row.tokens for row in report.verdicts if row.reason == Reason.NOT_DECLARED)
    seen = sign_ins_seen(report.coverage)
    absent = [kind for kind in SIGN_IN_KINDS if any(kind not in kinds for kinds in seen.values())]
    if waiting and absent:
        names = ", ".join(absent)
        yield Step(
            f"No sign-ins of these kinds are in evidence, and tokens may be of any ({names}). Export them, too:",
            "counterfoil sources explain entra-signin-graph",
        )


def _waits(row: CoverageRow) -> bool:
    return row.status == "seen" and row.source in DECLARABLE


def _declared(row: CoverageRow) -> str:
    return clean(f"{row.source}/{row.kind}")


def _no_log(report: HuntReport) -> Iterator[Step]:
    without = sum(row.tokens for row in report.verdicts if row.reason == Reason.NO_ISSUER_LOG)
    if without:
        yield Step(
            f"For {some(without, 'token')} the log of the issuer is missing. Export the sign-ins, and hunt with them;"
            " counterfoil sources lists the names:",
            "counterfoil sources explain NAME",
        )


def _unnamed(report: HuntReport) -> Iterator[Step]:
    """Yield how to tell who issues the assertions of a domain: what nobody said is not guessed."""
    if report.unnamed_domains:
        domains = [clean(domain) for domain in report.unnamed_domains[:MAX_DECLARED]]
        yield Step(
            f"Sign-ins of {', '.join(domains)} presented assertions. Who issues them? If it is yours, name it:",
            " ".join(f"--federated {shlex.quote(f'{domain}=ISSUER')}" for domain in domains),
        )


def _untold(report: HuntReport) -> Iterator[Step]:
    """Yield which export tells whether an assertion was presented."""
    untold = sum(row.tokens for row in report.verdicts if row.reason == Reason.PRESENTATION_UNKNOWN)
    if untold:
        yield Step(
            f"{some(untold, 'federated sign-in does', 'federated sign-ins do')} not say whether an assertion was"
            " presented. Export them with incomingTokenType:",
            "counterfoil sources explain entra-signin-graph",
        )


def _unread(report: HuntReport) -> Iterator[Step]:
    unread = sum(bool(entry.unread) and not entry.byproduct for entry in report.inputs)
    if unread:
        text = f"{some(unread, 'file was', 'files were')} not read. Compare with what can be read:"
        yield Step(text, "counterfoil sources")
