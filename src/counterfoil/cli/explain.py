"""`sources` and `explain`: what is read and how to export it; what a code means and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.cli import options, params, rules, terminal
from counterfoil.cli.explain_finding import finding_text
from counterfoil.cli.paragraphs import LABEL, paragraph, points
from counterfoil.errors import UsageError
from counterfoil.model import advice
from counterfoil.model.reason import Reason, reasons_of
from counterfoil.model.verdict import Verdict
from counterfoil.report import registry
from counterfoil.tokens import rules as refusals

if TYPE_CHECKING:
    from counterfoil.detect.rule import Described
    from counterfoil.sources.source import Source

MAX_KNOWN = 8  # findings that an error names
_FINDING_ID = re.compile("[0-9a-f]{12}")


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    group = typer.Typer(help="What is read, and how each log is exported.", rich_markup_mode=None)
    group.callback(invoke_without_command=True)(sources)
    group.command("explain")(explain_source)
    app.add_typer(group, name="sources")
    app.command()(explain)


def sources(context: typer.Context, format: params.OutputFormat = "text") -> None:
    """List the logs and wrappers that are read."""
    if context.invoked_subcommand is not None:
        return
    form = options.one_of(format, registry.formats(), "--format: unknown", "formats")
    from counterfoil import app

    rows = [(source.name, source.log.name, source.title) for source in app.sources()]
    terminal.write(registry.table(form, ("name", "log", "what"), rows, terminal.screen()))


def explain_source(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A name or log that `counterfoil sources` lists.")],
) -> None:
    """Tell what a log holds, how to export it, how long it is kept, and its traps."""
    from counterfoil import app

    known = app.sources()
    wanted = options.one_of(name, _names(known), "unknown source", "`counterfoil sources` lists them")
    terminal.write("\n".join(_source_text(source) for source in known if wanted in (source.name, source.log.name)))


def explain(
    code: Annotated[
        str | None,
        typer.Argument(
            metavar="[CODE]",
            help="A verdict, a reason, a rule, a reason of refusal, the name of a source, or the id of a finding.",
            show_default=False,
        ),
    ] = None,
    case: params.Case = params.DEFAULT_CASE,
    format: params.OutputFormat = "text",
) -> None:
    """Tell what a code of a report or a refusal means, why it may be believed, and what to do; or list all codes.

    The id of a finding is looked up in the case.
    """
    form = options.one_of(format, registry.formats(), "--format: unknown", "formats")
    if code is None:
        rows = [(known.code, known.sort, known.meaning) for known in _every()]
        terminal.write(registry.table(form, ("code", "sort", "meaning"), rows, terminal.screen()))
        return
    if form != "text":
        raise UsageError("--format is for the list of all codes", hint="leave the code out, or the format")
    if _FINDING_ID.fullmatch(code):
        terminal.write(_finding_text(code, case))
        return
    refusal = refusals.explanation(code)
    known = advice.EXPLAINED.get(code if refusal is None else refusal.code)  # a refusal may be asked for by its number
    told = [_text(one) for one in (known, refusal, _evictions().get(code)) if one is not None]
    if told and code not in set(Reason):
        terminal.write("\n".join(told))
        return
    from counterfoil import app

    # a reason and a rule of suspicion may share a code
    told += [rules.text(rule) for rule in _suspicions() if rule.id == code]
    told += [_source_text(source) for source in app.sources() if code in (source.name, source.log.name)]
    if not told:
        codes = [*(one.code for one in _every()), *_names(app.sources())]
        options.one_of(code, dict.fromkeys(codes), "unknown code", "codes")
    terminal.write("\n".join(told))


def _finding_text(code: str, case: Path) -> str:
    """Return all that the case knows of a finding, and what its verdict and rule mean; raises UsageError."""
    from counterfoil import app
    from counterfoil.config import HuntSettings

    findings = app.report(HuntSettings(case=case)).findings
    found = [finding for finding in findings if finding.id == code]
    if not found:
        known = ", ".join(finding.id for finding in findings[:MAX_KNOWN]) or "there are none"
        hint = f"--case DIR names the case; its findings: {known}"
        raise UsageError(f"no finding {code} in the case {case}", hint=hint)
    told = [finding_text(found[0], case)]
    for name in dict.fromkeys((str(found[0].verdict), found[0].rule, found[0].diagnosis)):
        known_of = advice.EXPLAINED.get(name)
        told += [_text(known_of)] if known_of is not None else [rules.text(r) for r in _suspicions() if r.id == name]
    return "\n".join(told)


def _suspicions() -> Sequence[Described]:
    """Return every rule of suspicion, of tokens and of key stores."""
    from counterfoil.detect.registry import all_rules, key_rules

    return (*all_rules(), *key_rules())


def _every() -> Iterator[advice.Explanation]:
    """Yield what is known of every code, each once for each sort: the names of sources are not among them."""
    yield from advice.EXPLAINED.values()
    for rule in _suspicions():
        yield advice.Explanation(rule.id, rules.sort_of(rule), rule.title, rule.why, (rule.next_step,))
    for code in refusals.BY_CODE:
        if (known := refusals.explanation(code)) is not None:
            yield known
    yield from _evictions().values()


def _evictions() -> Mapping[str, advice.Explanation]:
    from counterfoil.respond.reasons import EXPLAINED

    return EXPLAINED


def _names(known: Sequence[Source]) -> list[str]:
    """Return what a source may be called: each name, and each log."""
    return list(dict.fromkeys([source.name for source in known] + [source.log.name for source in known]))


def _text(known: advice.Explanation) -> str:
    lines = [f"{known.code}  ({known.sort})", *paragraph("means", known.meaning), *paragraph("why", known.why)]
    lines += points("do", known.act)
    if known.code in set(Verdict):
        reasons = reasons_of(Verdict(known.code))
        lines += points("reasons", [f"{reason}: {reason.meaning}" for reason in reasons])
    return "\n".join(lines) + "\n"


def _source_text(source: Source) -> str:
    told = source.explain
    lines = [f"{source.name}  ({source.title})", *paragraph("log", source.log.name), *paragraph("holds", told.what)]
    # one line each, however long: a command that is wrapped inside its quotes does not survive being copied
    lines += [f"{'' if place > 1 else 'export':<{LABEL}}{place}. {step}" for place, step in enumerate(told.export, 1)]
    lines += [*paragraph("kept", told.retention), *paragraph("caps", told.caps), *points("traps", told.traps)]
    lines += paragraph("complete", told.complete or "It cannot be declared complete with --complete.")
    return "\n".join(lines) + "\n"
