"""Generates a case of N sign-ins and N acceptances as evidence Parquet, with forged tokens among them, by a seed.

Columnar, in the engine: the raw logs are left out, so that 100 million tokens take minutes. Every acceptance is of a
token of its own, the hardest case for a join; nobody's token is used twice. Each forged token bears an id that no
sign-in has, the name of one of the people, and an address and agent that are not theirs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb

from counterfoil.case.folder import locked
from counterfoil.case.ingest import ANY_BUCKET, BUCKET, destination
from counterfoil.case.manifest import Batch, Input, Manifest, write_manifest
from counterfoil.model import schema
from counterfoil.pipeline.ingest import BATCH_BYTES, PLAIN_BYTES

START = date(2025, 9, 1)
TENANT = "b81c513f-6706-4e0c-a985-9fb0a3cce047"
RECORD_BYTES = 2_100  # of a record of these logs as JSON, as `bench hunt` makes them
BATCH_ROWS = BATCH_BYTES // RECORD_BYTES
SIGNINS, MAIL = "a" * 64, "b" * 64  # stand for the hashes of the two logs
EXCHANGE = "00000002-0000-0ff1-ce00-000000000000"

_CLIENTS = (
    ("d3590ed6-52b3-4102-aeff-aad2292ab01c", "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.18025)"),
    ("27922004-5251-4030-b22d-91ecd9a37ea4", "Outlook-iOS/723.4027091.prod.iphone (4.28.0)"),
    ("9199bf20-a13f-4107-85dc-02114787ef48", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Edg/138.0.0.0"),
    ("f8d98a96-0999-43f5-8af3-69971c7bb423", "iOS/17.6.1 (21G93) dataaccessd/1.0"),
)


@dataclass(frozen=True)
class Made:
    """How much to make: `tokens` genuine ones over `days` days, and `forged` ones."""

    tokens: int
    forged: int = 100
    seed: int = 558

    @property
    def days(self) -> int:
        """Days over which the records lie: a longer log for more of them, as in life."""
        return 14 if self.tokens <= 2_000_000 else 28 if self.tokens <= 20_000_000 else 91

    @property
    def people(self) -> int:
        """People of the tenant, some 50 tokens a day each."""
        return max(50, self.tokens // (50 * self.days))

    @property
    def start(self) -> date:
        """The first day."""
        return START

    @property
    def end(self) -> date:
        """The day after the last."""
        return START + timedelta(days=self.days)


def make(root: Path, made: Made) -> None:
    """Write the case at `root`, ready to be reconciled: in batches and files such as `ingest` makes of so many logs."""
    with locked(root) as folder, duckdb.connect() as con:
        con.execute("SET preserve_insertion_order = false")
        con.execute("SET memory_limit = '1GB'")
        _macros(con, made)
        bucketed = 2 * made.tokens * RECORD_BYTES > PLAIN_BYTES
        batches: list[Batch] = []
        for lo in range(0, made.tokens, BATCH_ROWS):
            hi = min(lo + BATCH_ROWS, made.tokens)
            for leg, query in (("issuance", _issuances(lo, hi)), ("acceptance", _acceptances(lo, hi, made))):
                name = f"{len(batches):032}"
                rows = _write(con, folder.evidence / name, leg, query, bucketed=bucketed)
                batches.append(Batch(id=name, rows=rows))
        inputs = [
            Input(sha256=sha, path=name, size=0, source=source, log=log, read=rows)
            for sha, name, source, log, rows in (
                (SIGNINS, "signins.jsonl", "entra-signin-azure-monitor", "entra-signin", made.tokens),
                (MAIL, "mail.jsonl", "m365-ual-api", "m365-ual", made.tokens + made.forged),
            )
        ]
        write_manifest(folder.manifest, Manifest(inputs=tuple(inputs), batches=tuple(batches)))


def _macros(con: duckdb.DuckDBPyConnection, made: Made) -> None:
    """Define what is drawn from the number of a token."""
    clients = ", ".join(f"'{client}'" for client, _ in _CLIENTS)
    agents = ", ".join(f"'{agent}'" for _, agent in _CLIENTS)
    for macro in (
        f"drawn(what, i) AS hash(what || '{made.seed}', i)",
        f"guid(what, i) AS CAST(CAST(md5(what || '{made.seed}/' || i) AS UUID) AS VARCHAR)",
        f"person(i) AS drawn('p', i) % {made.people}",
        f"day(i) AS ((i + 1) * {made.days} - 1) // {made.tokens}",
        # in the first 22 hours of a day
        f"moment(day, i) AS TIMESTAMP '{START}' + to_days(day::INT)"
        " + to_microseconds((drawn('t', i) % 79200000000)::BIGINT)",
        "client_number(i) AS 1 + (drawn('c', i) % 100 >= 55)::INT + (drawn('c', i) % 100 >= 75)::INT"
        " + (drawn('c', i) % 100 >= 92)::INT",
        f"client(i) AS ([{clients}])[client_number(i)]",
        f"agent(i) AS ([{agents}])[client_number(i)]",
        # an office for every 500 people, and a home for each
        "address(i) AS CASE WHEN drawn('a', i) % 4 < 3 THEN '192.0.' || person(i) // 500 || '.' || drawn('h', i) % 250"
        " ELSE '100.' || 64 + person(i) // 65536 || '.' || person(i) // 256 % 256 || '.' || person(i) % 256 END",
    ):
        con.execute(f"CREATE OR REPLACE MACRO {macro}")
    con.execute(f"""CREATE TABLE people AS SELECT n, guid('p', n) AS person, guid('d', n) AS device,
        guid('m', n) AS mailbox, 'person' || n || '@contoso.com' AS name FROM range({made.people}) r(n)""")  # noqa: S608


def _whose(issuer: bool) -> dict[str, str]:
    return {
        "issuer": f"'entra:{TENANT}'",
        "token_class": "'user'",
        "token_id": "guid('t', i)",
        "token_id_kind": "'entra_uti'",
        "subject_id": "person",
        "subject_name": "name",
        "client_id": "client(i)",
        "token_tenant": f"'{TENANT}'" if issuer else "NULL",
        "resource_tenant": f"'{TENANT}'",
        "ip": "address(i)",
        "user_agent": "agent(i)",
        "outcome": "'success'",
        "fidelity": "1",
    }


def _issuances(lo: int, hi: int) -> str:
    return _rows(_whose(issuer=True) | {
        "event_time": "moment(day(i), i)",
        "ingested_at": "moment(day(i), i) + INTERVAL 40 SECOND",
        "source": "'entra-signin'",
        "kind": "CASE WHEN drawn('k', i) % 10 < 2 THEN 'interactive' ELSE 'non-interactive' END",
        "record_id": "guid('t', i) || '/0'",
        "raw_file": f"'{SIGNINS}'",
        "raw_position": "i + 1",
        "resource": f"'{EXCHANGE}'",
        "home_tenant": f"'{TENANT}'",
        "cross_tenant": "'none'",
        "incoming_token": "'none'",
        "asn": "64500",
        "device_id": "device",
        "operation": "'Sign-in activity'",
    }, f"range({lo}, {hi}) r(i)")


def _acceptances(lo: int, hi: int, made: Made) -> str:
    """Return acceptances, and the forged ones of their days: none on the first, which the log does not cover whole."""
    used = {
        "event_time": "moment(day(i), i) + to_microseconds((5000000 + drawn('u', i) % 3600000000)::BIGINT)",
        "issued_at": "date_trunc('second', moment(day(i), i)) - INTERVAL 300 SECOND",
        "source": "'m365-ual'",
        "kind": "'exchange'",
        "record_id": "guid('r', i)",
        "raw_file": f"'{MAIL}'",
        "raw_position": "i + 1",
        "operation": "'MailItemsAccessed'",
        "logon_type": "'owner'",
        "object_kind": "'mailbox'",
        "object_id": "mailbox",
        "object_parent": "name",
        "item_count": "1 + drawn('n', i) % 9",
        "access_mode": "'bind'",
        "aggregated": "false",
        "throttled": "false",
    }
    genuine = _whose(issuer=False) | used
    forged_day = f"1 + i % {made.days - 1}"
    stranger = {name: used[name].replace("day(i)", forged_day) for name in ("event_time", "issued_at")} | {
        "token_id": "guid('forged', i)",
        "record_id": "guid('forged-record', i)",
        "raw_position": f"{made.tokens} + i + 1",
        "ip": "'203.0.113.' || i % 5",
        "user_agent": "'Mozilla/5.0 (compatible; forged)'",
    }
    mine = f"""(SELECT i FROM range({made.forged}) r(i)
        WHERE ({forged_day}) * {made.tokens} // {made.days} BETWEEN {lo} AND {hi - 1})"""  # noqa: S608
    return (
        _rows(genuine, f"range({lo}, {hi}) r(i)")
        + " UNION ALL "
        + _rows(genuine | stranger, mine)
    )


def _rows(values: dict[str, str], source: str) -> str:
    columns = ", ".join(
        f"CAST({values.get(column.name, 'NULL')} AS {type_of(column.dtype)}) AS {column.name}"
        for column in schema.EVIDENCE
        if column.name != "leg"
    )
    return f"SELECT {columns}, CAST(NULL AS VARCHAR) AS reject FROM {source} JOIN people ON n = person(i)"  # noqa: S608


def type_of(dtype: str) -> str:
    """Return how the engine calls a type of a column of evidence."""
    names = {"string": "VARCHAR", "int64": "BIGINT", "boolean": "BOOLEAN", "array<string>": "VARCHAR[]"}
    return names.get(dtype, "TIMESTAMP")


def _write(con: duckdb.DuckDBPyConnection, batch: Path, leg: str, query: str, *, bucketed: bool) -> int:
    """Write a batch and return its number of records."""
    to = destination(batch, bucketed=bucketed)
    bucket = BUCKET if bucketed else f"'{ANY_BUCKET}'"
    rows = con.execute(
        f"COPY (SELECT *, '{leg}' AS leg, {bucket} AS bucket FROM ({query})) TO {to}"  # noqa: S608  # our own names
    ).fetchall()[0][0]
    private(batch)
    return int(rows)


def private(batch: Path) -> None:
    """Close the batch to others, as a case is."""
    for path in (batch, *batch.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)
