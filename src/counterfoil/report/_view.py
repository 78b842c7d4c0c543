"""What the HTML page shows, prepared as values: the template only lays them out."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from counterfoil.model.advice import SUSPICIOUS
from counterfoil.model.diagnosis import Diagnosis
from counterfoil.model.dossier import Mailbox, MailSum, Record, Trail
from counterfoil.model.finding import Finding
from counterfoil.model.hunt import HuntReport, InputFile, RejectCount
from counterfoil.model.intrusion import Intrusion, Sort
from counterfoil.model.schema import Leg
from counterfoil.model.story import Story
from counterfoil.model.verdict import FindingVerdict
from counterfoil.report import _coverage, _plots, _strips
from counterfoil.report._answer import Answer, answer, in_words
from counterfoil.report._axis import Axis, axis, fitted
from counterfoil.report._clearance import ORDER, reason, silent, whys
from counterfoil.report._incident import mailboxes
from counterfoil.report._intruders import intruders
from counterfoil.report._sections import Section, sections
from counterfoil.report._steps import Step, steps
from counterfoil.report._trail import Link, links
from counterfoil.report.clean import clean
from counterfoil.report.words import client, number, some

# How much of each list a page holds; the counts beside them are whole, and a command shows the rest.
MAX_FINDINGS = 40
MAX_INTRUSIONS = 40
MAX_LINES = 30
MAX_VICTIMS = 24
MAX_INPUTS = 200
MAX_REJECTS = 60
MAX_COVERAGE = 60
MAX_VALUES = 10
MAX_PATH = 4096

_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Token:
    """One token with its trail drawn; `rows` are the records of all its links, in time."""

    trail: Trail
    links: tuple[Link, ...]
    rows: tuple[Record, ...]
    more: Step | None


@dataclass(frozen=True)
class Told:
    """One finding with those of its tokens that the page holds, and how to see the others."""

    place: int
    finding: Finding
    facts: tuple[tuple[str, str], ...]
    tokens: tuple[Token, ...]
    more: Step | None


@dataclass(frozen=True)
class VerdictRow:
    """One verdict and reason in words, with its counts; `verdict` is empty where it is that of the row above."""

    verdict: str
    because: str
    tokens: int
    acceptances: int


@dataclass(frozen=True)
class Intruder:
    """One intrusion in full: in words, mail by mailbox and day, tokens by lineage."""

    story: Story
    sections: tuple[Section, ...]
    axis: Axis
    mail: tuple[_strips.Strip, ...]
    lanes: tuple[_plots.Lane, ...]


@dataclass(frozen=True)
class Page:
    """The whole page."""

    report: HuntReport
    answer: Answer
    findings: tuple[Told, ...]
    suspicions: tuple[Told, ...]
    findings_left: int
    axis: Axis
    issuing: tuple[_strips.Strip, ...]
    accepting: tuple[_strips.Strip, ...]
    coverage: tuple[_coverage.Line, ...]
    coverage_left: int
    verdicts: tuple[VerdictRow, ...]
    silent: tuple[str, ...]
    withheld: tuple[str, ...]
    days: tuple[tuple[str, tuple[int, ...]], ...]
    timeline: _plots.Plot | None
    hours: _plots.Plot | None
    mail: tuple[MailSum, ...]
    intruders: tuple[Intrusion, ...]
    told: tuple[Intruder, ...]
    victims: tuple[Mailbox, ...]
    victims_left: int
    suspected: int
    steps: tuple[Step, ...]
    inputs: tuple[InputFile, ...]
    inputs_left: int
    rejects: tuple[RejectCount, ...]
    rejects_left: int
    sums: dict[str, int]
    repeat: str
    case: str


def page(report: HuntReport) -> Page:
    """Return the page of a report; without a dossier it holds what was read."""
    dossier = report.dossier
    custody = any(leg == Leg.KEY_USE and count for leg, count in report.legs)
    told = [_told(place, finding, report, custody=custody) for place, finding in enumerate(report.findings, 1)]
    grave = [each for each in told if each.finding.verdict is not FindingVerdict.SUSPICION]
    weak = [each for each in told if each.finding.verdict is FindingVerdict.SUSPICION]
    over = axis(report)
    days = _plots.days(dossier.judged, over) if dossier else ()
    coverage = _coverage.lines(report.coverage)
    return Page(
        report=report,
        answer=answer(report),
        findings=tuple(grave[:MAX_FINDINGS]),
        suspicions=tuple(weak[:MAX_FINDINGS]),
        findings_left=len(grave[MAX_FINDINGS:]) + len(weak[MAX_FINDINGS:]),
        axis=over,
        issuing=_strips.issuing(report, dossier, over) if dossier else (),
        accepting=_strips.accepting(dossier, over) if dossier else (),
        coverage=coverage[:MAX_COVERAGE],
        coverage_left=len(coverage[MAX_COVERAGE:]),
        verdicts=tuple(_verdicts(report)),
        silent=tuple(map(silent, report.silent)),
        withheld=whys(report),
        days=days,
        timeline=_plots.timeline(days, over),
        hours=_plots.hours(dossier.hours) if dossier else None,
        mail=dossier.mail if dossier else (),
        intruders=intruders(report)[:MAX_INTRUSIONS],
        told=tuple(map(_intruder, report.stories)),
        victims=mailboxes(report.stories)[:MAX_VICTIMS],
        victims_left=sum(story.whole.mail.mailbox_count for story in report.stories)
        - len(mailboxes(report.stories)[:MAX_VICTIMS]),
        suspected=sum(entry.sort is Sort.SUSPECTED for entry in report.intrusions),
        steps=tuple(Step(in_words(step), step.command) for step in steps(report)),
        inputs=tuple(sorted(report.inputs, key=_smooth)[:MAX_INPUTS]),
        inputs_left=len(report.inputs[MAX_INPUTS:]),
        rejects=report.rejects[:MAX_REJECTS],
        rejects_left=len(report.rejects[MAX_REJECTS:]),
        sums={name: sum(getattr(entry, name) for entry in report.inputs)
              for name in ("read", "kept", "duplicates", "rejected")},
        repeat=_repeat(report),
        case=_case(report),
    )


def _intruder(story: Story) -> Intruder:
    over = fitted(story.intrusion.first_seen.date(), story.intrusion.last_seen.date())
    return Intruder(
        story, tuple(sections(story, lines=MAX_LINES)), over, _strips.mail(story.picture.mail, over),
        _plots.lineage(story.picture.kin),
    )


def _smooth(entry: InputFile) -> int:
    """Return 0 for a file that was not read as a whole, 2 for what is no log: the former must not be cut off a list."""
    if entry.byproduct:
        return 2
    return 0 if entry.unread or entry.truncated or entry.rejected else 1


def _case(report: HuntReport) -> str:
    return shlex.quote(clean(report.case, MAX_PATH))


def _told(place: int, finding: Finding, report: HuntReport, *, custody: bool) -> Told:
    trails = report.dossier.trails if report.dossier else ()
    mine = [trail for trail in trails if trail.finding == finding.id]
    tokens = tuple(_token(trail, report, custody=custody) for trail in mine)
    left = finding.token_count - len(tokens)
    more = Step(f"{some(left, 'more token')}", _tokens_of(finding, report)) if left > 0 else None
    return Told(place, finding, tuple(_facts(finding)), tokens, more)


def _tokens_of(finding: Finding, report: HuntReport) -> str:
    """Return the command that lists a finding's tokens. What a log wrote gets into it only in the form of a GUID."""
    rule = str(SUSPICIOUS) if finding.verdict is FindingVerdict.SUSPICION else clean(finding.rule, 64)
    where = f"group_rule = '{rule}'" if re.fullmatch(r"[a-z0-9-]+", rule) else "group_rule IS NOT NULL"
    if len(finding.clients) == 1 and _GUID.fullmatch(finding.clients[0]):
        where += f" AND client_id = '{finding.clients[0]}'"
    columns = "token_id, subject_name, ip, verdict, reason, first_seen, acceptances"
    return f'counterfoil sql {_case(report)} "SELECT {columns} FROM tokens WHERE {where}"'  # noqa: S608  # shown, not run


def _facts(finding: Finding) -> Iterable[tuple[str, str]]:
    lists = (
        ("users", finding.subjects), ("addresses", finding.ips), ("applications", finding.clients),
        ("reached", finding.objects), ("keys", finding.keys),
    )
    for label, values in lists:
        if values:
            shown = [client(value) if label == "applications" else clean(value, 96) for value in values[:MAX_VALUES]]
            left = len(values) - len(shown)
            yield label, ", ".join(shown) + (f", and {number(left)} more or above" if left else "")
    if finding.diagnosis in set(Diagnosis):
        told = Diagnosis(finding.diagnosis)
        yield "diagnosis", f"{told}: {told.meaning}"
    if finding.detail:
        yield "because", clean(finding.detail, 600)
    if finding.attack:
        yield "ATT&CK", ", ".join(clean(value, 24) for value in finding.attack)


def _token(trail: Trail, report: HuntReport, *, custody: bool) -> Token:
    records = [*trail.key_uses, *trail.issued, *trail.exchanged, *trail.accepted]
    rows = sorted(records, key=lambda row: (row.event_time or trail.first_seen, row.position))
    left = trail.accepted_records - len(trail.accepted)
    columns = "e.event_time, operation, ip, object_parent, item_count, e.raw_position"
    tables = "acceptances JOIN evidence e USING (source, record_id)"
    query = f"SELECT {columns} FROM {tables} WHERE token_key = '{trail.token_key}' ORDER BY ALL"  # noqa: S608  # shown, not run
    more = Step(f"{some(left, 'more record')}", f'counterfoil sql {_case(report)} "{query}"') if left > 0 else None
    return Token(trail, links(trail, custody=custody), tuple(rows), more)


def _verdicts(report: HuntReport) -> Iterable[VerdictRow]:
    said = None
    for row in sorted(report.verdicts, key=lambda row: ORDER.index(row.verdict)):
        yield VerdictRow(
            "" if row.verdict is said else row.verdict.value, reason(row), row.tokens, row.acceptances
        )
        said = row.verdict


# Options whose values are told by what their file held.
_FILES = ("--identities", "--networks", "--token-policy")


def _repeat(report: HuntReport) -> str:
    """Return the command that gives the same verdicts from the same files."""
    asked = report.dossier.asked if report.dossier else ()
    options = [f"{name} {shlex.quote(clean(value, MAX_PATH))}" for name, value in asked if name not in _FILES]
    named = [f"{name} FILE" for name, _ in asked if name in _FILES]
    return " ".join(["counterfoil hunt PATH... --case NEW", *options, *named])
