"""Ways to read JSON lines into typed columns, measured side by side: the numbers of docs/adr/0003-reading.md.

    python -m bench reading --records 200000

Writes invented Unified Audit Log records (seeded, about 1.6 kB each, every 10,000th line cut short), then reads
them in each way, `--rounds` times in turn, and prints the best. All ways declare the same raw columns, those of the
source `m365-ual-api`. The first four count the values of every column, and keep nothing; the last two write Parquet.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import random
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from ibis import __version__ as ibis_version

import counterfoil
from counterfoil.case.engine import engine
from counterfoil.case.folder import CaseFolder
from counterfoil.case.ingest import write_batch
from counterfoil.expressions import ir
from counterfoil.model.ids import uti
from counterfoil.pipeline.routed import fit_of, shape_of
from counterfoil.read.records import SCHEMA, Counter, InputText, stream
from counterfoil.read.sniff import Container
from counterfoil.sources.m365.ual_api import SOURCE
from counterfoil.sources.source import RAW_TEXT
from counterfoil.unpack.walk import plain

SEED = 558
DAMAGED_EVERY = 10_000
DAYS = 7
PEOPLE = 200
ITEMS = 3


@dataclass(frozen=True)
class Yield:
    """What one way of reading gave: rows, those with a position in the file, and rejects that are named as such."""

    rows: int
    positions: bool
    rejects: int | None


@dataclass(frozen=True)
class Way:
    """One way of reading: what it is, and how it is done on a file, in a fresh folder, with so many threads."""

    name: str
    read: Callable[[Path, Path, int], Yield]


def record(rng: random.Random) -> dict[str, Any]:
    """Return one invented MailItemsAccessed record."""

    def guid() -> str:
        return str(uuid.UUID(int=rng.getrandbits(128), version=4))

    person = rng.randrange(PEOPLE)
    name = f"person{person:03d}@contoso.example"
    second = rng.randrange(DAYS * 86_400)
    when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(1_756_684_800 + second))
    tenant = "11111111-2222-4333-8444-555555555555"
    messages = [
        {"InternetMessageId": f"<{guid()}@contoso.example>", "SizeInBytes": rng.randrange(900, 90_000)}
        for _ in range(rng.randrange(1, 2 * ITEMS))
    ]
    return {
        "CreationTime": when, "Id": guid(), "Operation": "MailItemsAccessed", "OrganizationId": tenant,
        "RecordType": 50, "ResultStatus": "Succeeded", "UserKey": f"{person:016X}", "UserType": 0, "Version": 1,
        "Workload": "Exchange", "UserId": name, "AppId": "00000003-0000-0000-c000-000000000000",
        "ClientAppId": "4e439e3d-c4e5-4c2f-a737-1797f936231d", "ClientIPAddress": f"198.51.100.{person % 250}",
        "ClientInfoString": "Client=OWA;Action=ViaProxy", "ExternalAccess": False, "InternalLogonType": 0,
        "LogonType": 0, "LogonUserSid": f"S-1-5-21-1-2-3-{person}", "MailboxGuid": guid(), "MailboxOwnerUPN": name,
        "MailboxOwnerSid": f"S-1-5-21-1-2-3-{person}", "OrganizationName": "contoso.example",
        "OriginatingServer": "SERVER01 (15.20.0000.000)", "SessionId": guid(), "TokenObjectId": guid(),
        "TokenTenantId": tenant, "OperationCount": len(messages),
        "AppAccessContext": {"AADSessionId": guid(), "IssuedAtTime": when, "UniqueTokenId": uti(guid())},
        "OperationProperties": [
            {"Name": "MailAccessType", "Value": "Bind"}, {"Name": "IsThrottled", "Value": "False"},
        ],
        "Folders": [{"Path": "\\Inbox", "FolderItems": messages}],
    }


def write(path: Path, records: int) -> None:
    """Write the input."""
    rng = random.Random(SEED)  # noqa: S311  # invented data
    with path.open("w", encoding="utf-8") as file:
        for number in range(1, records + 1):
            line = json.dumps(record(rng), separators=(",", ":"))
            file.write((line[: len(line) // 2] if number % DAMAGED_EVERY == 0 else line) + "\n")


def structure(kind: Any) -> Any:
    """Return a raw type as json_transform takes it."""
    if isinstance(kind, str):
        return "VARCHAR"
    if isinstance(kind, Mapping):
        return {name: structure(inner) for name, inner in kind.items()}
    return [structure(kind[0])]


def sql_type(kind: Any) -> str:
    """Return a raw type as a column type."""
    if isinstance(kind, str):
        return "VARCHAR"
    if isinstance(kind, Mapping):
        return f"STRUCT({', '.join(f'{name} {sql_type(inner)}' for name, inner in kind.items())})"
    return f"{sql_type(kind[0])}[]"


STRUCTURE = json.dumps({name: structure(kind) for name, kind in SOURCE.raw.items()})
COLUMNS = "{" + ", ".join(f"{name}: '{sql_type(kind)}'" for name, kind in SOURCE.raw.items()) + "}"
COUNTS = ", ".join(f"count({name})" for name in SOURCE.raw)
OBJECTS = "read_ndjson_objects(?, ignore_errors = true, maximum_object_size = 16777216)"


def declared_columns(path: Path, work: Path, threads: int) -> Yield:
    """Let the engine read and type in one call."""
    del work
    query = f"FROM read_json(?, format = 'newline_delimited', ignore_errors = true, columns = {COLUMNS})"
    return Yield(_counted(query, path, threads), False, None)


def objects(path: Path, work: Path, threads: int) -> Yield:
    """Let the engine find the objects, then type them."""
    del work
    query = f"FROM (SELECT unnest(json_transform(json, '{STRUCTURE}')) FROM {OBJECTS})"  # noqa: S608
    return Yield(_counted(query, path, threads), False, None)


def numbered_objects(path: Path, work: Path, threads: int) -> Yield:
    """Do the same, and number the rows in the order of the file."""
    del work
    query = f"""FROM (SELECT n, unnest(json_transform(json, '{STRUCTURE}'))
        FROM (SELECT row_number() OVER () AS n, json FROM {OBJECTS}))"""  # noqa: S608
    return Yield(_counted(query, path, threads, ordered=True), True, None)


def lines(path: Path, work: Path, threads: int) -> Yield:
    """Find the lines in Python with vector operations, share them with the engine, test and type them there."""
    del work
    with duckdb.connect(config=_config(threads, ordered=False)) as con:
        texts = stream([InputText(0, plain(path), Container.LINES)], Counter(), _nobody)
        con.register("records", pa.RecordBatchReader.from_batches(SCHEMA, texts))
        found = con.execute(f"""SELECT count(*), count(*) FILTER (NOT ok), count(position), {COUNTS}
            FROM (SELECT position, ok, unnest(json_transform(CASE WHEN ok THEN text END, '{STRUCTURE}'))
            FROM (SELECT position, text, coalesce(json_valid(text), false) AS ok FROM records))""").fetchall()[0]  # noqa: S608
    return Yield(found[0], True, found[1])


def parquet(path: Path, work: Path, threads: int) -> Yield:
    """Read as counterfoil does: the same, hashed, mapped to evidence, written as Parquet by leg and day."""
    return _batch(path, work, threads, SOURCE.to_evidence)


def parquet_with_raw(path: Path, work: Path, threads: int) -> Yield:
    """Do the same, and keep the whole raw record in every row of evidence."""

    def keeping(raw: ir.Table) -> ir.Table:
        return SOURCE.to_evidence(raw.mutate(UserKey=raw[RAW_TEXT]))  # one of those that `extra` takes up

    return _batch(path, work, threads, keeping)


def _batch(path: Path, work: Path, threads: int, mapper: Callable[[ir.Table], ir.Table]) -> Yield:
    folder = CaseFolder(work / "case")
    folder.staging.mkdir(parents=True)
    folder.tmp.mkdir()
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    shape = replace(shape_of(SOURCE, fit_of(SOURCE)), to_evidence=mapper)
    with engine(folder.tmp, memory=None, threads=threads) as con:
        written = write_batch(con, folder, shape, [(digest, InputText(0, plain(path), Container.LINES))], _nobody)
    return Yield(written.rows, True, sum(file.rejected for file in written.files))


def _counted(query: str, path: Path, threads: int, *, ordered: bool = False) -> int:
    with duckdb.connect(config=_config(threads, ordered=ordered)) as con:
        number = "count(n)" if ordered else "count(*)"
        return int(con.execute(f"SELECT {number}, {COUNTS} {query}", [str(path)]).fetchall()[0][0])


def _config(threads: int, *, ordered: bool) -> dict[str, Any]:
    return {"threads": threads, "preserve_insertion_order": ordered}


def _nobody(amount: int) -> None:
    del amount


WAYS = (
    Way("read_json, declared columns", declared_columns),
    Way("read_ndjson_objects + json_transform", objects),
    Way("the same, with row_number", numbered_objects),
    Way("lines through Arrow, json_valid + json_transform", lines),
    Way("the same, mapped, to Parquet (what is shipped)", parquet),
    Way("the same, with the whole raw record kept", parquet_with_raw),
)


def main(arguments: Sequence[str]) -> None:
    """Write the input, read it in every way, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    told = parser.parse_args(arguments)
    best: dict[str, float] = {}
    gave: dict[str, Yield] = {}
    with tempfile.TemporaryDirectory(prefix="counterfoil-bench-") as name:
        path = Path(name) / "records.jsonl"
        write(path, told.records)
        size = path.stat().st_size
        for _ in range(told.rounds):
            for way in WAYS:
                with tempfile.TemporaryDirectory(dir=name) as work:
                    begin = time.perf_counter()
                    gave[way.name] = way.read(path, Path(work), told.threads)
                    best[way.name] = min(best.get(way.name, float("inf")), time.perf_counter() - begin)
    print(f"{told.records} records, {size / told.records:.0f} bytes each, seed {SEED}")
    print(f"{told.threads} threads, best of {told.rounds}; counterfoil {counterfoil.__version__}", end=", ")
    print(f"duckdb {duckdb.__version__}, ibis {ibis_version}, pyarrow {pa.__version__}", end=", ")
    print(f"Python {platform.python_version()}\n")
    print("| way | k records/s | MB/s | rows | position | rejects named |")
    print("| --- | ---: | ---: | ---: | --- | ---: |")
    for way in WAYS:
        seconds, found = best[way.name], gave[way.name]
        named = "none" if found.rejects is None else str(found.rejects)
        print(
            f"| {way.name} | {told.records / seconds / 1e3:.0f} | {size / seconds / 1e6:.0f} | {found.rows} "
            f"| {'yes' if found.positions else 'no'} | {named} |"
        )
