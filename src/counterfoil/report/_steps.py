"""What to do next: a few steps drawn from the report, the most urgent first, with commands that can be copied."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from counterfoil.model.clearance import parts_of
from counterfoil.model.coverage import MAX_NAMED, REFUTED, Offer, named_parts
from counterfoil.model.hunt import HuntReport
from counterfoil.model.reason import LEAVES_NO_RECORD, Reason
from counterfoil.model.verdict import ACCUSING, JUDGED
from counterfoil.report._clearance import whys
from counterfoil.report.clean import clean
from counterfoil.report.words import series, some

MAX_STEPS = 5
MAX_FROM_FINDINGS = 3
MAX_TEXT = 400
MAX_PLACES = 5
# More parts than this are not typed by hand.
MAX_DECLARED = 8

_TENANT = "entra:"
_OF_MICROSOFT = "entra-signin/microsoft-service-principal"  # Graph has none of these
_SHOWN = "SELECT coalesce(subject_name, subject) AS who, ip, client_id, token_id, reason FROM"


@dataclass(frozen=True)
class Step:
    """One thing to do: a sentence, or what stands before the colon in front of a `command`, a line to type.

    `findings`: by their places, those that ask for it.
    """

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
    waiting = [*_not_judged(report, case), *_absent(report), *_undeclared(report, case)]
    farms = [*_unnamed(report), *_untold(report), *_unheard(report)]
    more = [*_lost(report, case), *_open(report), *_strangers(report, case), *_unread(report)]
    evidence = [*waiting, *farms, *more]
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
    if report.accused:
        verdicts = [f"'{verdict}'" for verdict in sorted(ACCUSING) if report.tokens(verdict)]
        which = f"= {verdicts[0]}" if len(verdicts) == 1 else f"IN ({', '.join(verdicts)})"
        yield Step(
            f"See the {some(report.accused, 'accused token')}, with reasons",
            f'counterfoil sql {case} "{_SHOWN} tokens WHERE verdict {which}"',
        )


def _not_judged(report: HuntReport, case: str) -> Iterator[Step]:
    if not report.legs and any(not entry.unread for entry in report.inputs):
        yield Step("Judge the tokens", f"counterfoil reconcile --case {case}")


def _undeclared(report: HuntReport, case: str) -> Iterator[Step]:
    """Yield what to declare, if it is complete: nothing that would be refused."""
    waiting = sum(row.tokens for row in report.verdicts if row.reason == Reason.NOT_DECLARED)
    if not waiting:
        return
    for dated in (False, True):
        mine = [offer for offer in report.offers if offer.dated is dated]
        if not mine:
            continue
        known = ", and you know when they were exported (records may come days late)" if dated else ""
        text = f"Up to {some(waiting, 'token')} could be judged if these logs{_whose(mine)} are complete for their time"
        options = " ".join(f"--complete {shlex.quote(_part(offer))}" for offer in mine[:MAX_DECLARED])
        options = f"--exported-at DATE {options}" if dated else options
        if report.options_given:  # a reconcile with these alone would forget the others
            yield Step(f"{text}{known}; if so, add to your options", options)
        else:
            yield Step(f"{text}{known}; if so, say it", f"counterfoil reconcile --case {case} {options}")


def _whose(offers: Sequence[Offer]) -> str:
    """Return whose logs these are, where they are tenants'."""
    issuers = dict.fromkeys(issuer for offer in offers for issuer in offer.issuers if issuer.startswith(_TENANT))
    names = [clean(issuer.removeprefix(_TENANT)) for issuer in issuers]
    return f" of tenant{'s' if names[1:] else ''} {series(names[:MAX_DECLARED])}" if names else ""


def _part(offer: Offer) -> str:
    return clean(f"{offer.source}/{offer.kind}")


def _absent(report: HuntReport) -> Iterator[Step]:
    """Yield which logs to export, where open tokens wait for parts of which nothing is in evidence."""
    for issuer in dict.fromkeys(each.issuer for each in report.needed if each.missing):
        mine = [each for each in report.needed if each.issuer == issuer and each.missing]
        parts = parts_of(mine, "missing")
        waiting = some(sum(each.tokens for each in mine), "token")
        whose = f"tenant {issuer.removeprefix(_TENANT)}" if issuer.startswith(_TENANT) else issuer
        text = f"Export what is missing of the logs of {clean(whose)} ({named_parts(parts)}): {waiting} may be of it."
        wrapper = "azure-monitor" if _OF_MICROSOFT in parts else "graph"
        if {part.partition("/")[0] for part in parts} & set(report.refused_logs):
            text += (" The service refused it to the tool that collected (403): sign-ins want Entra ID P1 and somebody"
                     " who may read them.")
        yield Step(f"{text} How", f"counterfoil sources explain entra-signin-{wrapper}")
    if report.foreign:
        names = series([clean(issuer, 48) for issuer in report.foreign])
        yield Step(f"Tokens of {names} cannot be judged here: only their issuers have the logs. Ask them.")


def _unnamed(report: HuntReport) -> Iterator[Step]:
    """Yield how to tell who issues the assertions of a domain."""
    if report.unnamed_domains:
        domains = series([clean(domain) for domain in report.unnamed_domains[:MAX_DECLARED]])
        yield Step(f"Sign-ins of {domains} presented assertions. Find out who issues them, and name that issuer with"
                   " --federated DOMAIN=ISSUER.")


def _lost(report: HuntReport, case: str) -> Iterator[Step]:
    """Yield what to export again: logs of acceptances that are cut off or damaged, declared ones that lack records."""
    cut = [clean(entry.path, 200) for entry in report.inputs if entry.accepts and entry.truncated]
    if cut:
        yield Step(f"Export again in smaller pieces what was cut off: {series(cut[:MAX_NAMED])}.")
    if report.lost_acceptances:
        text = f"Export again what holds the {some(report.lost_acceptances, 'record')} that could not be read"
        yield Step(text, f'counterfoil sql {case} "SELECT * FROM rejects"')  # noqa: S608  # shown, not run
    parts = tuple(dict.fromkeys(f"{row.source}/{row.kind}" for row in report.coverage if row.status == REFUTED))
    if parts:
        yield Step(f"Export again what was declared complete and is not: {clean(named_parts(parts), MAX_TEXT)}.")


def _open(report: HuntReport) -> Iterator[Step]:
    """Yield what could be done about the reason for which most tokens are open, where no other step is about it."""
    told = {Reason.NOT_DECLARED, Reason.NO_ISSUER_LOG, Reason.DECLARATION_REFUTED} | LEAVES_NO_RECORD
    rows = [row for row in report.verdicts if row.verdict not in JUDGED and row.reason in set(Reason) - told]
    if rows and whys(report):
        most = max(rows, key=lambda row: row.tokens)
        yield Step(f"{some(most.tokens, 'token')} left open: {Reason(most.reason).act[0]}")


def _strangers(report: HuntReport, case: str) -> Iterator[Step]:
    if report.strangers and whys(report):
        yield Step(
            f"Look at the {some(report.strangers, 'token')} left open from places or programs that are not the user's",
            f'counterfoil sql {case} "{_SHOWN} strangers"',
        )


def _untold(report: HuntReport) -> Iterator[Step]:
    """Yield which export tells whether an assertion was presented."""
    untold = sum(row.tokens for row in report.verdicts if row.reason == Reason.PRESENTATION_UNKNOWN)
    if untold:
        yield Step(
            f"{some(untold, 'federated sign-in does', 'federated sign-ins do')} not say whether an assertion was"
            " presented. Export them with incomingTokenType",
            "counterfoil sources explain entra-signin-graph",
        )


def _unheard(report: HuntReport) -> Iterator[Step]:
    """Yield how the log of a farm tells more: whose assertions it issues, and who it is that it names."""
    for farm in report.unclaimed_farms[:MAX_DECLARED]:
        yield Step(
            f"{clean(farm)} issued assertions, and nobody said for whom. Name the domains",
            f"--federated {shlex.quote(f'DOMAIN={clean(farm)}')}",
        )
    if report.nameless_issuances:
        many = some(report.nameless_issuances, "issuance of AD FS names", "issuances of AD FS name")
        yield Step(f"{many} nobody who is known (DOMAIN\\sam): a CSV with id,name says who they are",
                   "--identities FILE")


def _unread(report: HuntReport) -> Iterator[Step]:
    unread = sum(bool(entry.unread) and not entry.byproduct for entry in report.inputs)
    if unread:
        text = f"{some(unread, 'file was', 'files were')} not read. Compare with what can be read"
        yield Step(text, "counterfoil sources")
