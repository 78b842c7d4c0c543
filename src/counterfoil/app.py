"""The one place that wires the parts: what the command line and a library user call."""

from __future__ import annotations

import glob
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from counterfoil._version import __version__
from counterfoil.case.engine import engine
from counterfoil.case.folder import CaseFolder, existing, locked
from counterfoil.case.manifest import Manifest, read_manifest
from counterfoil.case.results import opened, query
from counterfoil.case.traits import index
from counterfoil.config import HuntSettings, read_bounded, read_token_policy
from counterfoil.errors import CaseError, UsageError
from counterfoil.files import file_name, new_folder, save, writing
from counterfoil.investigate import baseline as baselines
from counterfoil.investigate import indicator_files
from counterfoil.investigate import key_watch as watch
from counterfoil.investigate import messages as mail
from counterfoil.investigate import seal as sealing
from counterfoil.investigate.dossier import dossier
from counterfoil.investigate.hunt import investigate
from counterfoil.investigate.intrusions import found as intruders
from counterfoil.investigate.intrusions.reachable import Known, listed
from counterfoil.investigate.intrusions.story import story
from counterfoil.investigate.pivot import DEFAULT_LINES
from counterfoil.investigate.pivot import pivot as pivoted
from counterfoil.investigate.readiness import readiness as is_ready
from counterfoil.investigate.sightings import Sighting, sighted
from counterfoil.investigate.summary import last_event, summary
from counterfoil.leaks.finding import LeaksReport
from counterfoil.model.hosting import NetworkFile
from counterfoil.model.hunt import MAX_STORIES, HuntReport, InputFile
from counterfoil.model.indicators import Indicator, NotLookedFor, of_2023
from counterfoil.model.intrusion import Sort
from counterfoil.model.key_watch import KeyWatch
from counterfoil.model.pivot import Pivot, Trait
from counterfoil.model.readiness import Readiness
from counterfoil.model.story import Story
from counterfoil.model.verdict import FindingVerdict
from counterfoil.pipeline import leak_evidence
from counterfoil.pipeline.attested import attested, trust
from counterfoil.pipeline.engines import asked_there, lines_of, reader, stores
from counterfoil.pipeline.identities import read_identities
from counterfoil.pipeline.inputs import find
from counterfoil.pipeline.networks import named as network_file
from counterfoil.pipeline.progress import Progress, Silent
from counterfoil.pipeline.standing import stand
from counterfoil.reconcile.asked import Asked
from counterfoil.report.exports import registry as exports
from counterfoil.report.exports.registry import About
from counterfoil.report.redact import KEY_BYTES, Redactor
from counterfoil.report.registry import render
from counterfoil.respond import journal
from counterfoil.sources.registry import all_sources as sources
from counterfoil.sources.registry import logs
from counterfoil.tlog.note import MAX_NOTE_BYTES
from counterfoil.tokens.entitlement import Entitlement
from counterfoil.tokens.limits import MAX_JWKS_BYTES

if TYPE_CHECKING:
    from counterfoil.investigate.sigma.run import Result

__all__ = [
    "Progress", "QueryResult", "Silent", "baseline", "detailed", "hunt", "indicators", "ingest", "intrusions",
    "keep_leaks", "key_watch", "mailboxes", "messages", "pivot", "readiness", "ready", "reconcile", "redacted",
    "render", "report", "seal", "sightings", "sigma", "sources", "sql", "stories", "tell", "unsealed",
    "write_messages", "write_sheets",
]

_SILENT = Silent()
_Value = TypeVar("_Value")


@dataclass(frozen=True)
class QueryResult:
    """Columns and rows of a query."""

    columns: tuple[str, ...]
    rows: list[tuple[object, ...]]


def hunt(paths: Sequence[str], settings: HuntSettings, progress: Progress = _SILENT) -> HuntReport:
    """Read the logs that `paths` mean into the case, judge every accepted token, and return the report.

    Raises UsageError for paths, tables or settings that cannot be, CaseError for the case folder, EngineError for
    memory and disk.
    """
    return _run(paths, settings, progress)


def reconcile(settings: HuntSettings, progress: Progress = _SILENT) -> HuntReport:
    """Judge again what is in the case, with these settings, and return the report."""
    existing(settings.case)
    return _run((), settings, progress)


def ingest(paths: Sequence[str], settings: HuntSettings, progress: Progress = _SILENT) -> HuntReport:
    """Read the logs that `paths` mean into the case and return a report of what was read."""
    from counterfoil.pipeline.ingest import ingest as read_inputs  # what reads files: looking does without

    files = find(paths)
    with (
        locked(settings.case) as folder,
        engine(folder.tmp, memory=settings.memory, threads=settings.threads) as con,
        reader(settings.engine, folder) as spark,
    ):
        files += lines_of(spark, folder, settings.tables, progress)
        manifest = read_inputs(con, folder, files, progress, rehash=settings.rehash, spark=spark)
    return _reading(settings, manifest)


def report(settings: HuntSettings) -> HuntReport:
    """Return the report of the case's last reconciliation."""
    folder = existing(settings.case)
    return _summary(folder, settings)


def detailed(result: HuntReport, case: Path) -> HuntReport:
    """Return the report of a judged case with its dossier: what formats such as html show beyond the summary."""
    folder = existing(case)
    with opened(folder, read_manifest(folder.manifest)) as con:
        told = [entry for entry in result.intrusions if entry.sort is Sort.INTRUSION][:MAX_STORIES]
        return replace(
            result, dossier=dossier(con, folder.manifest),
            stories=tuple(story(con, entry, intruders.records(None), Known()) for entry in told),
        )


def redacted(case: Path, value: _Value) -> _Value:
    """Return a report, or a tuple of stories, with pseudonyms: the same for the same case, and for no other.

    The key is made when it is first asked for, and stays in the case: whoever has it can test guesses.
    """
    path = existing(case).redaction_key
    if not path.exists():
        with writing(path) as file:
            file.write(secrets.token_bytes(KEY_BYTES))
    return Redactor(read_bounded(path, KEY_BYTES), tuple(logs().hosts)).redact(value)


def write_sheets(result: HuntReport, into: Path) -> int:
    """Write a page for each mailbox that a detailed report's intruders read, into a new or empty folder.

    Return how many; raises UsageError if that cannot be.
    """
    from counterfoil.report.sheets import sheets  # templates: other commands do without

    new_folder(into)
    count = 0
    for count, (name, page) in enumerate(sheets(result), 1):
        save(into / file_name(count, name, "html"), [page])
    return count


def mailboxes(case: Path, claims: frozenset[FindingVerdict]) -> QueryResult:
    """Return one row per mailbox whose mail tokens of findings of these claims read: seen, at least, at most."""
    folder = existing(case)
    with opened(folder, read_manifest(folder.manifest)) as con:
        mail.read(con, claims)
        return QueryResult(mail.SUM_COLUMNS, [mail.sum_row(box) for box in mail.mailboxes(con)])


def messages(case: Path, claims: frozenset[FindingVerdict], mailbox: str) -> QueryResult:
    """Return every message of that mailbox that such tokens read; raises UsageError if there is none."""
    folder = existing(case)
    with opened(folder, read_manifest(folder.manifest)) as con:
        mail.read(con, claims)
        named = mail.named(con, mailbox)
        return QueryResult(mail.ITEM_COLUMNS, [row for box in named for chunk in mail.items(con, box) for row in chunk])


def write_messages(case: Path, claims: frozenset[FindingVerdict], into: Path) -> int:
    """Write `mailboxes.csv` and a CSV of messages per mailbox into a new or empty folder; return how many files."""
    folder = existing(case)
    with opened(folder, read_manifest(folder.manifest)) as con:
        mail.read(con, claims)
        return mail.write(con, into)


def key_watch(case: Path) -> KeyWatch:
    """Return what the rules over key stores found in the case's last reconciliation, and which stores they saw."""
    folder = existing(case)
    with opened(folder, read_manifest(folder.manifest)) as con:
        return watch.read(con)


def baseline(
    case: Path, *, days: int = baselines.DEFAULT_DAYS, groups: Path | None = None, since: datetime | None = None,
    until: datetime | None = None,
) -> baselines.Baseline:
    """Return who reaches mailboxes through what in a judged case, the rarest first. Raises UsageError."""
    named = baselines.groups(_text(groups, baselines.MAX_GROUP_BYTES), str(groups)) if groups else {}
    asked = baselines.Asked(days, named, since, until)
    folder = existing(case)
    with opened(folder, read_manifest(folder.manifest)) as con:
        return baselines.baseline(con, folder.tmp, asked)


def sigma(
    case: Path, rules: Sequence[Path], progress: Progress = _SILENT, *, memory: str | None = None
) -> tuple[tuple[Result, ...], tuple[str, ...]]:
    """Return what rules of Sigma hold for in the raw records of the case's inputs, and the inputs that are gone.

    Needs the extra `sigma`. Raises UsageError for paths without rules, CaseError for the case.
    """
    try:
        from counterfoil.investigate.sigma.rules import load
    except ImportError as error:
        raise UsageError("rules of Sigma need pySigma", hint="pip install 'counterfoil[sigma]'") from error
    from counterfoil.investigate.sigma.run import run

    loaded = load(rules)
    manifest = read_manifest(existing(case).manifest)
    with locked(case) as folder, engine(folder.tmp, memory=memory, threads=None) as con:
        return run(con, folder, manifest, loaded, progress)


def sightings(
    case: Path, paths: Sequence[Path], valid: timedelta | None = None
) -> tuple[list[Sighting], list[NotLookedFor]]:
    """Return which indicators of these files the case's evidence holds, and those that are not looked for.

    Without a file, the published ones of 2023. `valid`: how long those count that have no end. Raises InputError.
    """
    given, left = indicators(paths, valid) if paths else (tuple(of_2023()), [])
    folder = existing(case)
    with opened(folder, read_manifest(folder.manifest)) as con:
        return sighted(con, given), left


def indicators(
    paths: Sequence[Path], valid: timedelta | None = None
) -> tuple[tuple[Indicator, ...], list[NotLookedFor]]:
    """Return the indicators of files, and those that are not looked for. `valid`: how long those count without an end.

    Raises InputError for a file that holds none.
    """
    given: list[Indicator] = []
    left: list[NotLookedFor] = []
    for path in paths:
        found, refused = indicator_files.read(read_bounded(path, indicator_files.MAX_FILE_BYTES), str(path))
        given += found if valid is None else indicator_files.ended(found, valid)
        left += refused
    return tuple(given), left


def intrusions(case: Path, given: Sequence[Indicator] | None = None, *, redact: bool = False) -> QueryResult:
    """Return one row per intrusion: those that the case keeps, or those found with indicators of others."""
    folder = existing(case)
    with opened(folder, read_manifest(folder.manifest)) as con:
        told = intruders.found(con, given)
    if redact:
        told = redacted(case, told)
    return QueryResult(tuple(intruders.COLUMNS), [astuple(entry) for entry in told])


@dataclass(frozen=True)
class AskedStories:
    """Which intrusions are told: all that are taken for one, or those of these ids.

    `jwks`: (name, file) of key sets.
    """

    ids: tuple[str, ...] = ()
    indicators: tuple[Indicator, ...] | None = None
    token_policy: Path | None = None
    jwks: tuple[tuple[str, Path], ...] = ()
    redact: bool = False


def stories(case: Path, asked: AskedStories) -> tuple[tuple[Story, ...], About]:
    """Return everything about intrusions of the case (habits, what was reached, timeline), and about the case.

    Raises UsageError for an id that none of them has.
    """
    folder = existing(case)
    documents = [(name, read_bounded(path, MAX_JWKS_BYTES)) for name, path in asked.jwks]
    known = Known(_keys(asked.token_policy), listed(documents))
    with opened(folder, read_manifest(folder.manifest)) as con:
        told = intruders.found(con, asked.indicators)
        records = intruders.records(asked.indicators)
        whole = tuple(story(con, entry, records, known) for entry in intruders.chosen(told, asked.ids))
        return whole, About(
            case=str(case), version=__version__, last_event=last_event(con),
            suspected=sum(entry.sort is Sort.SUSPECTED for entry in told),
            single=sum(entry.sort is Sort.SINGLE for entry in told),
        )


def tell(case: Path, asked: AskedStories, form: str) -> str:
    """Return intrusions of the case in one of the formats of `report.exports`."""
    told = stories(case, asked)
    return exports.render(form, *(redacted(case, told) if asked.redact else told))


def _text(path: Path, most: int) -> str:
    return read_bounded(path, most).decode("utf-8", "replace")


def sql(case: Path, text: str, spark: str | None = None) -> QueryResult:
    """Run one query over the case's tables; raises UsageError for what is wrong in it.

    `spark`: the address of one that answers in the embedded engine's place; nobody else works on the case meanwhile.
    """
    folder = existing(case)
    if spark is not None:
        return QueryResult(*asked_there(spark, case, text))
    with opened(folder, read_manifest(folder.manifest)) as con:
        return QueryResult(*query(con, text))


def seal(case: Path, signed: Callable[[Mapping[str, Any]], str], at: datetime, *, replace_old: bool = False) -> Path:
    """Write the seal of a judged case into it, as `signed` signs it; return where. Raises CaseError."""
    existing(case)
    with locked(case) as folder:
        path = folder.root / sealing.NAME
        if path.exists() and not replace_old:
            raise CaseError(f"{case} is sealed already", hint="check it: counterfoil case verify; or seal with --again")
        with opened(folder, manifest := read_manifest(folder.manifest)) as con:
            claims = sealing.contents(con, folder, manifest, at)
        save(path, [f"{signed(msgspec.to_builtins(claims))}\n"])
    return path


def unsealed(
    case: Path, keys: Path, progress: Progress = _SILENT
) -> tuple[sealing.Sealed, str, tuple[sealing.Checked, ...]]:
    """Return what the seal of a case says, the id of the key that signed it, and what became of all that it names."""
    folder = existing(case)
    if not (path := folder.root / sealing.NAME).is_file():
        raise CaseError(f"{case} is not sealed", hint="counterfoil case seal --case DIR --store STORE")
    text = read_bounded(path, sealing.MAX_SEAL_BYTES)
    was, kid = sealing.read(text, read_bounded(keys, MAX_JWKS_BYTES), str(keys))
    with opened(folder, manifest := read_manifest(folder.manifest)) as con:
        now = sealing.contents(con, folder, manifest, datetime.now(UTC))
    return was, kid, tuple(sealing.checked(was, now, manifest, progress))


def pivot(case: Path, asked: Mapping[Trait, Sequence[str]], limit: int = DEFAULT_LINES) -> Pivot:
    """Return all records that touch what is asked, each with how it is joined, and where to look next.

    Each trait must hold, of each any of its values. Keeps an index in the case, which the first call makes. Raises
    UsageError for values that cannot be, CaseError for a case without results, or one that cannot be written to.
    """
    folder = existing(case)
    manifest = read_manifest(folder.manifest)
    index(folder, manifest)
    with opened(folder, manifest) as con:
        return pivoted(con, folder, manifest, asked, limit)


def readiness(case: Path, exports: Sequence[str] = ()) -> Readiness:
    """Return whether a forged token could be judged with the logs of the case, and what is missing, most gain first.

    It goes by the last reconciliation. `exports`: what the case was made of, if it will not stay: then commands name
    these. Raises CaseError for a case without results.
    """
    folder = existing(case)
    with opened(folder, read_manifest(folder.manifest)) as con:
        return is_ready(con, str(case), exports)


def ready(case: Path) -> None:
    """Make the case folder if there is none; raises CaseError or CaseBusyError if it cannot be written to."""
    with locked(case):
        pass


def keep_leaks(case: Path, found: LeaksReport, progress: Progress = _SILENT) -> int:
    """Take the keys and tokens that a scan found into the case as evidence; return how many records that are."""
    lines = leak_evidence.lines(found)
    if not lines:
        return 0
    with locked(case) as folder:
        path = leak_evidence.write(folder, lines)
    ingest([glob.escape(str(path))], HuntSettings(case), progress)
    return len(lines)


def _run(paths: Sequence[str], settings: HuntSettings, progress: Progress) -> HuntReport:
    identities = read_identities(settings.identities)
    networks = None if settings.networks is None else network_file(settings.networks)
    trusted = trust(settings.log_keys, [read_bounded(path, MAX_NOTE_BYTES) for path in settings.checkpoints])
    files = find(paths)
    with (
        locked(settings.case) as folder,
        engine(folder.tmp, memory=settings.memory, threads=settings.threads) as con,
        stores(settings.engine, con, folder) as store_on,
    ):
        manifest = read_manifest(folder.manifest)
        if files or settings.tables:
            from counterfoil.pipeline.ingest import ingest as read_inputs

            with reader(settings.engine, folder) as spark:
                files += lines_of(spark, folder, settings.tables, progress)
                manifest = read_inputs(con, folder, files, progress, rehash=settings.rehash, spark=spark)
        if not any(entry.source for entry in manifest.inputs):
            raise UsageError(_unreadable(manifest), hint="counterfoil sources lists what can be read")
        asked = _asked(settings, manifest, identities, networks)
        asked = replace(asked, attested=attested(con, folder, manifest, trusted))
        if not files or not stand(con, folder, manifest, asked):
            investigate(con, store_on, folder, manifest, asked, progress)
    return _summary(folder, settings)


def _summary(folder: CaseFolder, settings: HuntSettings) -> HuntReport:
    with opened(folder, read_manifest(folder.manifest)) as con:
        found = summary(con, str(settings.case))
    return replace(found, response=journal.done(folder))


def _asked(
    settings: HuntSettings, manifest: Manifest, identities: tuple[tuple[str, str], ...], networks: NetworkFile | None
) -> Asked:
    return Asked(
        declarations=settings.complete,
        exported_at=settings.exported_at,
        since=settings.since,
        until=settings.until,
        federated=settings.federated,
        identities=identities,
        keys=_keys(settings.token_policy),
        logs=logs(),
        networks=networks,
        truncated={
            log: f"{entry.truncated} ({entry.path})"
            for entry in manifest.inputs if entry.truncated for log in (entry.log, *entry.logs)
        },
    )


def _keys(policy: Path | None) -> dict[str, Entitlement]:
    """Return what the keys of a token policy may sign, by key id."""
    known = None if policy is None else read_token_policy(policy).keys
    # an id that several issuers use says nothing in a log that does not say whose it is
    return {} if known is None else {key.id: key.entitlement for key in known if key.id not in known.namesakes}


def _unreadable(manifest: Manifest) -> str:
    whys = [f"{entry.path}: {entry.unread}" for entry in manifest.inputs if entry.unread]
    return "nothing readable" + (f"; {whys[0]}" if whys else "")


def _reading(settings: HuntSettings, manifest: Manifest) -> HuntReport:
    """Return a report that holds what was read and nothing else."""
    inputs = tuple(
        InputFile(
            path=e.path,
            sha256=e.sha256,
            size=e.size,
            source=e.source,
            read=e.read,
            kept=e.read - e.rejected,
            duplicates=0,
            rejected=e.rejected,
            truncated=e.truncated,
            unread=e.unread,
            nearest=e.nearest,
            archive=e.archive,
            accepts=e.log in logs().accepting,
            note=e.note,
        )
        for e in manifest.inputs
    )
    return HuntReport(
        version=__version__, case=str(settings.case), since=None, until=None, inputs=inputs, rejects=(), legs=(),
        first_event=None, last_event=None, coverage=(), verdicts=(), findings=(),
    )
