"""The report for a terminal: what was read, what can be judged, what was found, what to do next.

One screen for an ordinary case; what does not fit is counted and the command that shows it is named.
Values from logs are never read as markup: they pass through `clean` and go into plain `Text`.
"""

from __future__ import annotations

import io
import shlex
from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from counterfoil.model.diagnosis import Diagnosis
from counterfoil.model.finding import Finding
from counterfoil.model.hunt import HuntReport, InputFile
from counterfoil.model.schema import Leg
from counterfoil.model.verdict import FindingVerdict, Verdict
from counterfoil.report import _clearance, _coverage, _document
from counterfoil.report._clearance import convicted
from counterfoil.report._intruders import intruder_words, intruders
from counterfoil.report._steps import steps
from counterfoil.report.clean import clean
from counterfoil.report.screen import Screen
from counterfoil.report.words import brief, listed, minute, number, series, some, span, tail, use_words

# How much of each list a screen holds.
MAX_SOURCES = 8
MAX_UNREAD = 4
MAX_REJECTS = 3
MAX_COVERAGE = 10
MAX_SILENT = 3
MAX_FULL_FINDINGS = 5
MAX_SUSPICIONS = 5
MAX_INTRUSIONS = 4
MAX_USES = 3  # of a finding
MAX_DONE = 10
MAX_DETAIL = 400
MAX_WIDTH = 160
MIN_WIDTH = 80
INDENT = 4
MIN_LAST = 30
_RECORDS = " records"

_NOUNS: dict[str, tuple[str, str]] = {
    Leg.KEY_USE: ("key use", "key uses"),
    Leg.ISSUANCE: ("issuance", "issuances"),
    Leg.SECONDARY_ISSUANCE: ("secondary issuance", "secondary issuances"),
    Leg.ACCEPTANCE: ("acceptance", "acceptances"),
    Leg.CONTEXT: ("other record", "other records"),
}
_STYLE: dict[str, str] = {
    FindingVerdict.FORGED: "bold red",
    FindingVerdict.CONTRADICTED: "bold red",
    FindingVerdict.TAINTED: "bold magenta",
    FindingVerdict.PROBABLY_FORGED: "bold yellow",
    FindingVerdict.SUSPICION: "cyan",
    Verdict.MINTED: "green",
}

COVERED = True


def render(report: HuntReport, screen: Screen) -> str:
    """Return the report for a screen."""
    width = _width(screen)
    parts: list[RenderableType] = [*_head(report), *_read(report)]
    if report.verdicts or report.coverage or report.findings:
        parts += [*_judged(report), *_found(report, width), *_intruders(report)]
    return _printed([*parts, *_next(report, width)], screen)


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], screen: Screen) -> str:
    """Return rows of a query, at most `screen.rows` of them; where columns do not fit, one line per value."""
    shown = rows if screen.rows is None else rows[: screen.rows]
    names = [clean(column) for column in columns]
    cells = [[_cell(value) for value in row] for row in shown]
    widths = [max([len(name), *(row[n].cell_len for row in cells)]) for n, name in enumerate(names)]
    # the last column may wrap, as long as enough of it stays
    least = [*widths[:-1], *(min(width, MIN_LAST) for width in widths[-1:])]
    fits = sum(least) + 2 * (len(least) - 1) <= _width(screen)
    more = len(rows) - len(shown)
    count = some(len(rows), "row") + (f", of which {number(more)} are not shown (--format csv has all)" if more else "")
    parts = [_grid(names, cells)] if fits else [_record(n, names, row) for n, row in enumerate(cells, 1)]
    return _printed([*parts, Text(count, style="dim")], screen)


def _grid(names: Sequence[str], cells: Sequence[Sequence[Text]]) -> Table:
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for place, name in enumerate(names, 1):
        grid.add_column(Text(name), no_wrap=place < len(names), overflow="fold")
    for row in cells:
        grid.add_row(*row)
    return grid


def _record(place: int, names: Sequence[str], row: Sequence[Text]) -> RenderableType:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(Text(f"row {number(place)}", style="bold"), "")
    for name, value in zip(names, row, strict=True):
        grid.add_row(Text(f"  {name}"), value)
    return grid


def _printed(parts: Iterable[RenderableType], screen: Screen) -> str:
    out = io.StringIO()
    console = Console(
        file=out,
        width=_width(screen),
        force_terminal=screen.colour,
        color_system="standard" if screen.colour else None,
        markup=False,
        highlight=False,
        emoji=False,
        legacy_windows=False,
        _environ={},
    )
    for part in parts:
        # a command that is too long for the line must stay one line, so that it can be copied
        console.print(part, soft_wrap=isinstance(part, Text) and part.no_wrap is True)
    return "".join(line.rstrip() + "\n" for line in out.getvalue().rstrip("\n").split("\n"))


def _width(screen: Screen) -> int:
    return max(MIN_WIDTH, min(screen.width, MAX_WIDTH))


def _cell(value: object) -> Text:
    simple = _document.plain(value)
    if simple is None:
        return Text("NULL", style="dim")
    if isinstance(simple, list | dict):
        return Text(clean(_document.encode(simple, indent=0)))
    return Text(clean(str(simple)))


def _title(word: str, rest: str) -> Text:
    return Text.assemble((word, "bold"), "  ", rest)


def _head(report: HuntReport) -> Iterator[RenderableType]:
    cover = report.cover
    told = [str(cover.tlp or ""), cover.title, cover.organisation, cover.author, str(cover.date or "")]
    if any(told):
        yield Text(" · ".join(clean(part, 200) for part in told if part), style="bold")
    events = span(report.first_event, report.last_event) if report.first_event else "no events"
    yield Text(f"counterfoil {clean(report.version)} · case {tail(report.case, 60)} · {events}", style="dim")
    if report.since or report.until:
        begin = f"from {minute(report.since)}" if report.since else ""
        end = f"before {minute(report.until)}" if report.until else ""
        yield Text(f"judged are acceptances {' '.join(filter(None, (begin, end)))} UTC only", style="dim")
    yield _answer(report)


def _answer(report: HuntReport) -> Text:
    """Return the whole report in one sentence."""
    if not report.total:
        return Text("No acceptance is in evidence." if report.legs else "Read, not judged yet.", style="bold")
    bad = convicted(report)
    dark = report.total - report.judged
    probable = sum(finding.verdict is FindingVerdict.PROBABLY_FORGED for finding in report.findings)
    return Text.assemble(
        (f"{some(report.total, 'accepted token')}: {bad or 'none shown to be forged'}", "bold red" if bad else "bold"),
        f", {number(report.tokens(Verdict.MINTED))} minted, {number(dark)} cannot be judged",
        (f"; {some(probable, 'finding')} probably forged" if probable else "", "bold yellow"),
        ".",
    )


def _read(report: HuntReport) -> Iterator[RenderableType]:
    files = [entry for entry in report.inputs if not entry.unread]
    unread = [entry for entry in report.inputs if entry.unread]
    yield Text()
    legs = [some(count, *_NOUNS.get(leg, (clean(leg), clean(leg)))) for leg, count in report.legs if count]
    yield _title("READ", series(legs) or some(len(files), "file"))
    if files:
        yield _sources(files)
    if merged := sum(entry.merged for entry in files):
        yield _item(f"{some(merged, 'record')} of those kept became one with another of the same id")
    yield from _unread(unread)
    for entry in [entry for entry in files if entry.truncated][:MAX_UNREAD]:
        yield _item(f"cut off: {tail(entry.path, 40)}: {clean(entry.truncated)}", "yellow")
    for entry in [entry for entry in files if entry.note][:MAX_UNREAD]:
        yield _item(f"note: {tail(entry.path, 40)}: {clean(entry.note)}")
    for reject in report.rejects[:MAX_REJECTS]:
        where = f"{tail(reject.path, 40)}, the first at record {number(reject.first_position)}"
        yield _item(f"rejected: {some(reject.count, 'record')} of {where}: {clean(reject.reason)}", "yellow")
    if len(report.rejects) > MAX_REJECTS:
        left = sum(reject.count for reject in report.rejects[MAX_REJECTS:])
        yield _item(f"rejected: {some(left, 'record')} more: table rejects of the case has all", "yellow")


def _sources(files: Sequence[InputFile]) -> Table:
    """Return one row per source, and their sum."""
    by_source: dict[str, list[InputFile]] = {}
    for entry in files:
        by_source.setdefault(entry.source, []).append(entry)
    ordered = sorted(by_source.items(), key=lambda pair: (-sum(entry.read for entry in pair[1]), pair[0]))
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    grid.add_column("  from", overflow="fold")
    for name in ("files", "read", "= kept", "+ duplicates", "+ rejected"):
        grid.add_column(name, justify="right", no_wrap=True)
    for name, entries in ordered[:MAX_SOURCES]:
        grid.add_row(Text("  " + clean(name, 40)), *_sums(entries))
    if left := ordered[MAX_SOURCES:]:
        grid.add_row(Text(f"  {len(left)} more"), *_sums([entry for _, entries in left for entry in entries]))
    if len(ordered) > 1:
        grid.add_row(Text("  all"), *_sums(files), style="bold")
    return grid


def _sums(files: Sequence[InputFile]) -> list[str]:
    counts = (
        len(files),
        sum(entry.read for entry in files),
        sum(entry.kept for entry in files),
        sum(entry.duplicates for entry in files),
        sum(entry.rejected for entry in files),
    )
    return [number(count) for count in counts]


def _unread(unread: Sequence[InputFile]) -> Iterator[RenderableType]:
    beside = sum(entry.byproduct for entry in unread)
    unread = [entry for entry in unread if not entry.byproduct]
    if beside:
        told = some(beside, "file is a by-product", "files are by-products")
        yield _item(f"{told} of the tool that exported, and no log")
    for entry in unread[:MAX_UNREAD]:
        near = f" (nearest shape: {clean(entry.nearest)})" if entry.nearest else ""
        yield _item(f"not read: {tail(entry.path, 40)}: {clean(entry.unread, 160)}{near}", "yellow")
    if len(unread) > MAX_UNREAD:
        yield _item(f"not read: {some(len(unread) - MAX_UNREAD, 'more file')} (--format json names all)", "yellow")


def _item(words: str, style: str = "") -> Padding:
    return Padding(Text(words, style=style), (0, 0, 0, 2))


def _judged(report: HuntReport) -> Iterator[RenderableType]:
    yield Text()
    lines = _coverage.lines(report.coverage)
    yield _title("CAN BE JUDGED", "where the issuer's log is complete, a token missing from it is forged")
    if not lines:
        yield _item("no record of issuance is in evidence: no token can be convicted by absence", "yellow")
    shown = lines[:MAX_COVERAGE]
    parts = max((len(line.part) for line in shown), default=0)
    numbers = max((len(number(line.records)) for line in shown), default=0)
    for issuer in dict.fromkeys(line.issuer for line in shown):
        name = brief(tail(issuer, 60)).ljust(INDENT // 2 + parts + 2 + numbers - len(_RECORDS))
        yield _item(f"{name}{_RECORDS}")
        yield _parts([line for line in shown if line.issuer == issuer], parts, numbers)
    if len(lines) > MAX_COVERAGE:
        yield _item(f"and {some(len(lines) - MAX_COVERAGE, 'more part')}: table coverage of the case")
    if report.verdicts:
        yield _verdicts(report)
        yield from map(_item, _clearance.apart(report))
        silent = map(_clearance.silent, report.silent[:MAX_SILENT])
        yield from (_item(f"leaves no record: {calls}", "dim") for calls in silent)
        if len(report.silent) > MAX_SILENT:
            yield _item(f"and {number(len(report.silent) - MAX_SILENT)} more such calls: --format json", "dim")


def _parts(lines: Sequence[_coverage.Line], width: int, numbers: int) -> Table:
    """Return what is known of each part of one issuer's log, in columns of these widths."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(min_width=INDENT + width, no_wrap=True)
    grid.add_column(justify="right", no_wrap=True, min_width=numbers)
    grid.add_column()
    for line in lines:
        style = "yellow" if line.broken else "" if line.sound else "dim"
        grid.add_row(Text(" " * INDENT + line.part), number(line.records), Text(line.words, style=style))
    return grid


def _verdicts(report: HuntReport) -> Table:
    """Return tokens and acceptances per verdict and reason, and their sums."""
    rows = sorted(report.verdicts, key=lambda row: (_clearance.ORDER.index(row.verdict), -row.tokens, row.reason))
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    grid.add_column("  verdict", no_wrap=True)
    grid.add_column("tokens", justify="right", no_wrap=True)
    grid.add_column("acceptances", justify="right", no_wrap=True)
    grid.add_column("because")
    said = None
    for row in rows:
        verdict = Text(f"  {row.verdict}" if row.verdict is not said else "", style=_STYLE.get(row.verdict, ""))
        said = row.verdict
        grid.add_row(verdict, number(row.tokens), number(row.acceptances), Text(_clearance.reason(row)))
    tokens, acceptances = sum(row.tokens for row in rows), sum(row.acceptances for row in rows)
    grid.add_row("  all", number(tokens), number(acceptances), style="bold")
    return grid


def _found(report: HuntReport, width: int) -> Iterator[RenderableType]:
    yield Text()
    strong = [(n, f) for n, f in enumerate(report.findings, 1) if f.verdict is not FindingVerdict.SUSPICION]
    weak = [(n, f) for n, f in enumerate(report.findings, 1) if f.verdict is FindingVerdict.SUSPICION]
    counts = [some(len(them), noun) for them, noun in ((strong, "finding"), (weak, "suspicion")) if them]
    if not strong:
        counts = [f"{_clearance.nothing(report)}{f', but {counts[0]}' if counts else ''}"]
    yield _title("FOUND", series(counts))
    yield from (_item(f"no all-clear: {why}", "yellow") for why in _clearance.whys(report))
    for place, finding in strong[:MAX_FULL_FINDINGS]:
        yield _headline(place, finding)
        yield Padding(Text(_when(finding)), (0, 0, 0, INDENT))
        if where := _broken(finding):
            yield Padding(Text(where), (0, 0, 0, INDENT))
        if finding.token_count and finding.detail:
            yield Padding(Text(f"because: {clean(finding.detail, MAX_DETAIL)}"), (0, 0, 0, INDENT))
        if who := _who(finding, width - INDENT):
            yield Padding(Text(who), (0, 0, 0, INDENT))
        for use in finding.uses[:MAX_USES] if finding.token_count > 1 else ():
            yield Padding(Text(use_words(use)), (0, 0, 0, INDENT + 2))
        if finding.token_count > MAX_USES and finding.uses:
            more = f"and {number(finding.token_count - MAX_USES)} more: counterfoil explain {clean(finding.id, 12)}"
            yield Padding(Text(f"{more} --case {shlex.quote(clean(report.case, 4096))}"), (0, 0, 0, INDENT + 2))
    for place, finding in weak[:MAX_SUSPICIONS]:
        yield _headline(place, finding)
    left = max(0, len(strong) - MAX_FULL_FINDINGS) + max(0, len(weak) - MAX_SUSPICIONS)
    if left:
        yield _item(f"and {some(left, 'more', 'more')}: --format json has all of them, ranked")


def _intruders(report: HuntReport) -> Iterator[RenderableType]:
    """Yield a line per intrusion where that says more than the findings do: several of one, or one of several."""
    every = intruders(report)
    told = [entry for entry in every if entry.tokens > 1]
    places = {finding.id: place for place, finding in enumerate(report.findings, 1)}
    if len(told) < 2 and not any(len(entry.findings) > 1 or entry.beside for entry in told):
        return
    yield Text()
    yield _title("WHO", some(len(told), "intrusion"))
    for entry in told[:MAX_INTRUSIONS]:
        of = series([str(places[name]) for name in entry.findings if name in places])
        yield _item(f"{clean(entry.id, 12)}  {intruder_words(entry)}{f' (finding {of})' if of else ''}")
    if alone := len(every) - len(told):
        yield _item(f"{some(alone, 'token')} of findings that join nothing: one intruder's, or several's")
    if len(told) > MAX_INTRUSIONS:
        yield _item(f"and {number(len(told) - MAX_INTRUSIONS)} more: table intrusions of the case")


def _headline(place: int, finding: Finding) -> RenderableType:
    style = _STYLE.get(finding.verdict, "")
    return _hanging(place, Text.assemble((finding.verdict.value, style), "  ", brief(clean(finding.title, 240))))


def _when(finding: Finding) -> str:
    """Return when, how many and how grave; confidence is named where it is not high."""
    if not finding.token_count:  # of a log, not of tokens
        when = f"{span(finding.first_seen, finding.last_seen)} · " if finding.first_seen else ""
        return f"{when}{clean(finding.severity, 12)}: {clean(finding.detail, 240)}"
    counts = f"{some(finding.token_count, 'token')}, {some(finding.acceptance_count, 'acceptance')}"
    doubt = "" if finding.confidence == "high" else f", {clean(finding.confidence, 12)} confidence"
    when = span(finding.first_seen, finding.last_seen)
    return f"{when} · {counts} · {clean(finding.severity, 12)}{doubt} · {clean(finding.id, 12)}"


def _broken(finding: Finding) -> str:
    """Return where the trail breaks, if that says more than the verdict does."""
    telling = set(Diagnosis) - {Diagnosis.CUSTODY_UNKNOWN, Diagnosis.LAUNDERED}
    if not finding.token_count or finding.diagnosis not in telling:
        return ""
    diagnosis = Diagnosis(finding.diagnosis)
    return f"{diagnosis}: {diagnosis.brief}"


def _who(finding: Finding, width: int) -> str:
    """Return who, from where and by what, with as many examples as fit one line."""
    words = ""
    for show, each in ((3, 48), (2, 48), (1, 48), (1, 36)):
        lists = (("", finding.subjects), ("from ", finding.ips), ("by ", finding.clients))
        words = " ".join(f"{word}{listed(values, show, each)}" for word, values in lists if values)
        if len(words) <= width:
            break
    return words


def _hanging(place: int, words: Text) -> Table:
    grid = Table.grid()
    grid.add_column(width=INDENT, no_wrap=True)
    grid.add_column()
    grid.add_row(f"{place:>3}", words)
    return grid


def _done(report: HuntReport) -> Iterator[RenderableType]:
    if not report.response:
        return
    yield Text()
    yield _title("DONE", some(len(report.response), "entry", "entries") + " in the journal of the response")
    for entry in report.response[-MAX_DONE:]:
        told = [clean(entry.step, 40), *(clean(text, 80) for text in (entry.who, entry.note) if text)]
        yield _item(f"{minute(entry.time)}  {': '.join(told)}")


def _next(report: HuntReport, width: int) -> Iterator[RenderableType]:
    yield from _done(report)
    todo = steps(report)
    if not todo:
        return
    yield Text()
    yield _title("NEXT", "")
    for place, step in enumerate(todo, 1):
        command = Text(step.command, style="bold")
        words = f"({step.places()}) {step.text}" if step.findings else step.text + (":" if step.command else "")
        if INDENT + len(words) + 1 + len(step.command) <= width:
            yield _hanging(place, Text.assemble(words, " ", command))
            continue
        yield _hanging(place, Text(words))
        if step.command:
            yield Text.assemble(" " * INDENT, command, no_wrap=True)
