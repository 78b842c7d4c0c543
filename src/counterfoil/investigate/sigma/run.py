"""Runs compiled rules over the raw records of a case's inputs, in the case's engine."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pyarrow as pa

from counterfoil.case.folder import PRIVATE, CaseFolder
from counterfoil.case.manifest import Manifest
from counterfoil.errors import InputError
from counterfoil.investigate.sigma.fields import LIST, THERE, select, shape
from counterfoil.investigate.sigma.loaded import Loaded
from counterfoil.pipeline.inputs import Candidate
from counterfoil.pipeline.members import Unopened, members
from counterfoil.pipeline.progress import Progress
from counterfoil.pipeline.stamps import recognised
from counterfoil.read.records import SCHEMA, Counter, InputText, stream
from counterfoil.read.sniff import sniff
from counterfoil.sources.registry import all_sources
from counterfoil.sources.source import Csv, Source
from counterfoil.unpack.walk import Member, Unpacker

RAN, NOT_HERE, REFUSED = "ran", "log not here", "refused"
_ORDER, _LEVELS = (RAN, NOT_HERE, REFUSED), ("critical", "high", "medium", "low", "informational")
_RECORDS = "CREATE TABLE sigma_records (log VARCHAR, path VARCHAR, position BIGINT, doc JSON)"


@dataclass(frozen=True)
class Result:
    """What became of a rule: how many records it holds for, and where the first of them stands.

    `status`: RAN, NOT_HERE where the case has no input of the rule's log, or REFUSED with the reason in `why`; of one
    that ran, `why` names fields that no record had.
    """

    rule: str
    title: str
    level: str
    log: str
    status: str
    records: int = 0
    first: str = ""
    why: str = ""


def run(
    con: duckdb.DuckDBPyConnection, folder: CaseFolder, manifest: Manifest, rules: Sequence[Loaded], progress: Progress
) -> tuple[tuple[Result, ...], tuple[str, ...]]:
    """Return what became of each rule, the gravest of those that hold first, and which inputs could not be read again.

    `con`: of `case.engine`; the records of logs for which there are rules are held in it meanwhile.
    """
    prepare(con)
    rules = [checked(con, rule) for rule in rules]
    sources = {source.name: source.log.name for source in all_sources()}
    here = {sources[entry.source] for entry in manifest.inputs if entry.source}
    logs = sorted({rule.log for rule in rules if rule.sql} & here)
    missing = _read(con, folder, manifest, frozenset(logs), progress) if logs else ()
    refused = [rule for rule in rules if not rule.sql]
    results = [Result(rule.id, rule.title, rule.level, rule.log, REFUSED, why=rule.why) for rule in refused]
    results += [
        Result(rule.id, rule.title, rule.level, rule.log, NOT_HERE, why=f"no record of {rule.log} is in the case")
        for rule in rules if rule.sql and rule.log not in here
    ]
    progress.stage("matching", len(logs) or None)
    for log in logs:
        results += matched(con, log, [rule for rule in rules if rule.sql and rule.log == log])
        progress.advance(1)
    return tuple(sorted(results, key=_rank)), missing


def _rank(one: Result) -> tuple[int, int, int, str, str]:
    level = _LEVELS.index(one.level) if one.level in _LEVELS else len(_LEVELS)
    return _ORDER.index(one.status), -min(one.records, 1), level, one.title, one.rule


def checked(con: duckdb.DuckDBPyConnection, rule: Loaded) -> Loaded:
    """Return the rule, refused if the engine does not take its condition: an expression that it cannot follow."""
    if not rule.sql:
        return rule
    columns = ", ".join(f"[]::VARCHAR[] AS {name}{LIST}" for name in rule.fields)
    try:
        con.execute(f"SELECT {rule.sql} FROM (SELECT '{{}}'::JSON AS doc, {columns or '0'})")  # noqa: S608  # compiled
    except duckdb.Error as error:
        return replace(rule, sql="", why=" ".join(str(error).split())[:200])
    return rule


def prepare(con: duckdb.DuckDBPyConnection) -> None:
    """Give the engine what conditions ask of it, and the table of records."""
    con.create_function("in_network", _in_network, ["VARCHAR", "VARCHAR"], "BOOLEAN")
    con.execute(_RECORDS)


def add(con: duckdb.DuckDBPyConnection, log: str, path: str, batches: Iterator[pa.RecordBatch]) -> None:
    """Add records of one file, what is no JSON left out."""
    con.register("sigma_batches", pa.RecordBatchReader.from_batches(SCHEMA, batches))
    try:
        con.execute("INSERT INTO sigma_records SELECT $log, $path, position, try_cast(text AS JSON) AS doc"
                    " FROM sigma_batches WHERE refused IS NULL AND doc IS NOT NULL", {"log": log, "path": path})
    finally:
        con.unregister("sigma_batches")


def _in_network(address: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(address.strip("[]")) in ipaddress.ip_network(network)
    except ValueError:
        return False


def matched(con: duckdb.DuckDBPyConnection, log: str, rules: Sequence[Loaded]) -> Iterator[Result]:
    """Yield what became of rules of one log, over the table of records."""
    query, conditions = compiled(con, log, rules)
    con.execute(f"CREATE OR REPLACE TABLE sigma_fields AS {query}")
    listed = {column: f"{column}{LIST}" in query for rule in rules for column in rule.fields}
    known = _met(con, listed)
    for rule, condition in zip(rules, conditions, strict=True):
        count, first = con.execute(
            f"SELECT count(*), min_by(path || ':' || position, (path, position)) FROM sigma_fields WHERE {condition}"  # noqa: S608
        ).fetchone() or (0, None)
        absent = [name for column, name in rule.fields.items() if column not in known]
        why = f"in no record: {', '.join(absent)}" if absent else ""
        yield Result(rule.id, rule.title, rule.level, log, RAN, int(count), first or "", why)


def compiled(con: duckdb.DuckDBPyConnection, log: str, rules: Sequence[Loaded]) -> tuple[str, list[str]]:
    """Return a query of the fields in the records of a log, and over its rows the condition of each rule."""
    fields = {column: name for rule in rules for column, name in rule.fields.items()}
    lie = shape(con, log, fields)
    plain = [all(map(lie.plain, rule.fields)) for rule in rules]
    lists = {column for rule, alone in zip(rules, plain, strict=True) if not alone for column in rule.fields}
    query = select(log, lie, lists, doc=any(rule.whole for rule in rules))
    return query, [rule.plain if alone else rule.sql for rule, alone in zip(rules, plain, strict=True)]


def _met(con: duckdb.DuckDBPyConnection, columns: Mapping[str, bool]) -> frozenset[str]:
    """Return the columns of fields that any record has; `columns`: whether a field has a list of values."""
    if not columns:
        return frozenset()
    told = ", ".join(
        f"coalesce(bool_or({f'len({name}{LIST}) > 0' if listed else f'{name}{THERE}'}), false)"
        for name, listed in columns.items()
    )
    row = con.execute(f"SELECT {told} FROM sigma_fields").fetchone() or ()  # noqa: S608  # our own names
    return frozenset(name for name, one in zip(columns, row, strict=True) if one)


def _read(
    con: duckdb.DuckDBPyConnection, folder: CaseFolder, manifest: Manifest, logs: frozenset[str], progress: Progress
) -> tuple[str, ...]:
    """Read the inputs of these logs again; return those that are no longer there as they were."""
    known = {entry.sha256: entry for entry in manifest.inputs if entry.source}
    sources = {source.name: source for source in all_sources()}
    wanted = {sha for sha, entry in known.items() if sources[entry.source].log.name in logs}
    paths = {known[sha].archive or sha for sha in wanted}
    places = {archive.sha256: archive.path for archive in manifest.archives} | {
        sha: entry.path for sha, entry in known.items() if not entry.archive}
    left = set(wanted)
    progress.stage("reading", len(wanted))
    spool = folder.tmp / "sigma"
    spool.mkdir(mode=PRIVATE)
    with Unpacker(spool) as unpacker:
        for sha in sorted(paths & places.keys()):
            try:
                candidate, _ = recognised(Path(places[sha]), {})
            except InputError:
                continue
            for member, digest in _members(unpacker, candidate):
                if digest in left:
                    left.discard(digest)
                    entry = known[digest]
                    _one(con, member, sources[entry.source], entry.path)
                    progress.advance(1)
    return tuple(sorted(known[sha].path for sha in left))


def _members(unpacker: Unpacker, candidate: Candidate) -> Iterator[tuple[Member, str]]:
    for found in members(unpacker, candidate):
        if not isinstance(found, Unopened):
            yield found.member, found.sha256


def _one(con: duckdb.DuckDBPyConnection, member: Member, source: Source, path: str) -> None:
    head = sniff(member)
    shape = source.csv or Csv(frozenset())
    text = InputText(0, member, head.container, shape.json_columns, encoding=head.encoding)
    add(con, source.log.name, path, stream([text], Counter(), lambda _: None))
