"""The report on one screen, for who has to decide: what happened, how sure, what cannot be judged, what to do first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from counterfoil.model.coverage import ATTESTED
from counterfoil.model.dossier import Intruder, MailSum
from counterfoil.model.hunt import HuntReport
from counterfoil.model.schema import Leg
from counterfoil.model.verdict import CONVICTING, FindingVerdict, Verdict
from counterfoil.report._clearance import apart, convicted, grave, reason, whys
from counterfoil.report._incident import Card, Incident, headline, incident
from counterfoil.report._steps import Step, steps
from counterfoil.report.clean import clean
from counterfoil.report.words import brief, number, percent, series, some, span

MAX_FIRST = 3
MAX_REASONS = 3
MAX_WORDS = 400


class State(StrEnum):
    """The answer in one word; each has a shape of its own beside its colour."""

    ACCUSED = "accused"
    PROBABLE = "probable"
    SUSPICIOUS = "suspicious"
    BLIND = "blind"
    CLEAR = "clear"
    UNJUDGED = "unjudged"


@dataclass(frozen=True)
class Answer:
    """The first screen, as sentences. `incident`: where somebody broke in, with a timeline; else None."""

    state: State
    headline: str
    cards: tuple[Card, ...]
    first: tuple[str, ...]
    incident: Incident | None = None


KINDS: dict[str, tuple[str, str]] = {
    "mailbox": ("mailbox", "mailboxes"),
    "file": ("file", "files"),
    "chat": ("chat", "chats"),
    "team": ("team", "teams"),
    "directory": ("directory object", "directory objects"),
    "api": ("API path", "API paths"),
}
_SURE: dict[Verdict, str] = {
    Verdict.FORGED: (
        "Forged: the issuer's log is relied on for their time, nothing in evidence speaks against that, and"
        " none of them is in it."
    ),
    Verdict.CONTRADICTED: "Contradicted: the records cannot be true; no lost record or odd client explains them.",
    Verdict.TAINTED: "Tainted: they were obtained with tokens that are forged, or that no sign-in stands behind.",
}


def answer(report: HuntReport) -> Answer:
    """Return the answer that the report gives."""
    state = _state(report)
    first = tuple(in_words(step) for step in steps(report)[:MAX_FIRST])
    if report.stories and state in (State.ACCUSED, State.PROBABLE):
        told = incident(report)
        return Answer(state, headline(report), told.cards, first, told)
    cards = (
        Card("What happened", tuple(_happened(report)) or ("Nothing can be said yet.",)),
        Card("How sure", tuple(_sure(report, state))),
        Card("What could not be judged", tuple(_open(report))),
    )
    return Answer(state, _headline(report, state), cards, first)


def _state(report: HuntReport) -> State:
    claims = {finding.verdict for finding in report.findings}
    if report.accused or claims & CONVICTING:
        return State.ACCUSED
    if FindingVerdict.PROBABLY_FORGED in claims:
        return State.PROBABLE
    if not report.legs:
        return State.UNJUDGED
    if not report.judged:
        return State.BLIND
    if claims:
        return State.SUSPICIOUS
    return State.BLIND if whys(report) else State.CLEAR


def _headline(report: HuntReport, state: State) -> str:
    bad, found = convicted(report), some(grave(report), "finding")
    doubt = " What could not be judged is not cleared." if report.judged < report.total else ""
    withheld = " This is no all-clear." if whys(report) else doubt
    return {
        State.ACCUSED: f"Tokens were accepted that cannot be genuine: {bad}."
        if report.accused
        else f"Tokens were accepted that cannot all be genuine: {found}.",
        State.PROBABLE: f"Tokens were probably forged: {found}. The evidence does not convict.",
        State.SUSPICIOUS: f"No token is shown to be forged, but some are suspicious.{withheld}",
        State.BLIND: f"This is no all-clear: {'; '.join(whys(report)[:1])}.",
        State.CLEAR: f"No forged token among the {number(report.judged)} that could be judged.{doubt}",
        State.UNJUDGED: "The logs are read, and nothing is judged yet.",
    }[state]


def _happened(report: HuntReport) -> Iterator[str]:
    intruders = report.dossier.intruders if report.dossier else ()
    for each in intruders:
        if each.claim is not FindingVerdict.SUSPICION:
            yield _intrusion(each)
    mail = report.dossier.mail[0] if report.dossier and report.dossier.mail else None
    if mail and FindingVerdict.SUSPICION not in mail.claims and mail.mailbox_count:
        yield _mail(mail)
    others = [
        some(reach.objects, *KINDS.get(reach.kind, (clean(reach.kind, 24), clean(reach.kind, 24))))
        for reach in (report.dossier.reach if report.dossier else ())
        if reach.kind not in ("mailbox", "") and reach.objects
    ]
    if others:
        yield f"They reached {series(others)} besides."
    suspicions = [each for each in intruders if each.claim is FindingVerdict.SUSPICION]
    for each in suspicions:
        yield f"Suspicious, and neither cleared nor accused: {some(each.tokens, 'token')} of {_who(each)}."
    if suspicions and len(suspicions) == len(intruders):
        worst = report.findings[0]
        because = f", because: {clean(worst.detail, MAX_WORDS)}" if worst.detail else ""
        yield f"First of them: {brief(clean(worst.title, MAX_WORDS))}{because}".removesuffix("…") + "."
    if not intruders and report.legs and not report.judged:
        yield "Nothing was found, and nothing could be judged."
    elif not intruders and report.legs:
        yield "Nothing that the rules of this program look for was found in what could be judged."


def _intrusion(each: Intruder) -> str:
    if each.in_part:
        when = span(each.first_seen, each.last_seen)
        return f"Of {number(each.tokens)} more some are forged; which ones cannot be told, {when}: {_who(each)}."
    what = {
        FindingVerdict.FORGED: "that nobody issued (forged)",
        FindingVerdict.CONTRADICTED: "that contradict their own issuance (contradicted)",
        FindingVerdict.TAINTED: "obtained with one that nobody issued (tainted)",
    }.get(each.claim, "probably forged")
    were = "was" if each.tokens == 1 else "were"
    when = span(each.first_seen, each.last_seen)
    return f"{some(each.tokens, 'token')} {what} {were} accepted, {when}: {_who(each)}."


def _who(each: Intruder) -> str:
    parts = [some(each.subjects, "user"), some(each.ips, "address", "addresses"), some(each.clients, "application")]
    return series([part for part, count in zip(parts, (each.subjects, each.ips, each.clients), strict=True) if count])


def in_words(step: Step) -> str:
    """Return a step without its command, as a sentence; the findings that it is for come last."""
    if not step.findings:
        return step.text
    return f"{step.text.rstrip('.')} (finding{'s' if step.findings[1:] else ''} {step.places()})."


def _mail(mail: MailSum) -> str:
    why = series(sorted({words for box in mail.mailboxes for words in box.unbounded}))
    most = (
        f"no upper limit can be given ({why or 'see Messages reached'})"
        if mail.at_most is None
        else "that is all of them, as far as the log goes"
        if mail.at_most == mail.at_least
        else f"at most {number(mail.at_most)}"
    )
    boxes = some(mail.mailbox_count, "mailbox", "mailboxes")
    opened = f" and opened {some(mail.attachments, 'attachment')}" if mail.attachments else ""
    return f"They read mail in {boxes}: {some(mail.at_least, 'message')} at least{opened}; {most}."


def _sure(report: HuntReport, state: State) -> Iterator[str]:
    for verdict, words in _SURE.items():
        if report.tokens(verdict):
            yield words
    if any(finding.verdict is FindingVerdict.PROBABLY_FORGED for finding in report.findings):
        yield "Probably forged: it points to forging, and would not survive one lost record. Nobody is convicted by it."
    if state is State.SUSPICIOUS:
        yield "A suspicion is a sum of oddities, not proof. It ranks what to look at first."
    yield from (f"No all-clear: {why}." for why in whys(report))
    if not report.judged:
        yield "Not at all. Absence of findings says nothing here: the evidence to judge by is missing."
    else:
        yield (
            "A stolen token, and an exact copy of a real one, count as genuine here: they have an issuance."
            if state in (State.CLEAR, State.SUSPICIOUS, State.BLIND)
            else _custody(report)
        )
    believed = {(row.source, row.kind) for row in report.coverage if row.status == "accepted"}
    doubted = {(row.source, row.kind) for row in report.coverage if row.status in ("refused", "refuted")}
    if any(row.status == ATTESTED for row in report.coverage):
        yield "It rests on logs that verify, and of which another party keeps a checkpoint: see Coverage."
    if believed:
        parts = some(len(believed), "part of a log", "parts of logs")
        yield f"It rests on the word of whoever declared {parts} complete; checks found nothing against it."
    if doubted:
        yield f"{some(len(doubted), 'declaration')} of completeness did not survive the checks: see Coverage."


def _custody(report: HuntReport) -> str:
    if any(leg == Leg.KEY_USE and count for leg, count in report.legs):
        return "A custody log is in evidence: each trail says whether the key store signed the token."
    return "How they were signed cannot be told: no log of a key store is in evidence."


def _open(report: HuntReport) -> Iterator[str]:
    total, dark = report.total, report.tokens(Verdict.UNLINKABLE) + report.tokens(Verdict.UNCOVERED)
    if total and not dark:
        yield f"Every one of the {some(total, 'accepted token')} could be judged."
    elif total:
        yield f"{number(dark)} of {some(total, 'accepted token')} ({percent(dark, total)}), because:"
        rows = [row for row in report.verdicts if row.verdict in (Verdict.UNLINKABLE, Verdict.UNCOVERED)]
        rows.sort(key=lambda row: (-row.tokens, row.reason))
        yield from (f"{number(row.tokens)}: {reason(row)}" for row in rows[:MAX_REASONS])
        if rows[MAX_REASONS:]:
            yield f"{number(sum(row.tokens for row in rows[MAX_REASONS:]))}: other reasons, see Verdicts"
        yield from (f"{words}." for words in apart(report))
    else:
        yield "No acceptance is in evidence." if report.legs else "Everything: nothing is judged yet."
    unread = sum(bool(entry.unread) and not entry.byproduct for entry in report.inputs)
    rejected = sum(entry.rejected for entry in report.inputs)
    if unread:
        yield f"{some(unread, 'file was', 'files were')} not read at all."
    if rejected:
        yield f"{some(rejected, 'record was', 'records were')} rejected as damaged."
