"""An index of the evidence: what records can be joined by, as numbers, so that ten million are searched in a second.

    CASE/traits/VERSION/BATCH.parquet       a row per record: hashes of its traits, and where the record is

A batch never changes, so its index is made once, when it is first asked for. It holds nothing that the evidence does
not; if it is lost it is made anew. Hashes are the engine's own and differ between its versions, hence the folder.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

import duckdb

from counterfoil.case.engine import engine
from counterfoil.case.evidence import FILES, NAMES, is_whole, scan
from counterfoil.case.folder import PRIVATE, REJECTED, CaseFolder, pattern, quoted
from counterfoil.case.manifest import Manifest
from counterfoil.errors import CaseError

# Trait -> the column of the evidence that holds it. Of a user there are two: an id and a name.
COLUMNS: Mapping[str, str] = {
    "token": "token_id", "digest": "signing_input_digest", "session": "session_id", "ip": "ip",
    "subject": "subject_id", "subject_name": "subject_name", "client": "client_id", "agent": "user_agent",
    "device": "device_id", "key": "key_id", "object": "object_id",
}
VERSION = f"1-duckdb-{duckdb.__version__}"
SIGNED_IN = "leg = 'issuance' AND outcome = 'success'"
# What is one user's lies together, with his addresses, sessions and devices: most searches read a few groups.
_ORDER = "subject, subject_name, event_time"
ROW_GROUP = 61_440
ABANDONED_SECONDS = 86_400
_PRIVATE_FILE = 0o600


def traits_sql() -> str:
    """Return the columns of a row of the index, over evidence: without where the record is."""
    hashed = ", ".join(f"CASE WHEN {column} IS NOT NULL THEN hash({column}) END AS {name}"
                       for name, column in COLUMNS.items())
    return f"""leg, event_time, {SIGNED_IN} AS signed_in, {hashed},
        list_transform(parent_token_ids, lambda p: hash(p)) AS parents,
        hash(source || chr(31) || record_id) AS record"""


def index(folder: CaseFolder, manifest: Manifest) -> None:
    """Make what is missing of the index; raises CaseError if it cannot be written."""
    home = folder.traits / VERSION
    missing = [batch.id for batch in manifest.batches if not _file(home, batch.id).is_file()]
    if not missing:
        return
    try:
        for level in (folder.traits, home):
            level.mkdir(exist_ok=True, mode=PRIVATE)
        with engine(home, memory=None, threads=None) as con:
            for batch in missing:
                _write(con, folder, home, batch)
        _sweep(folder, home, {batch.id for batch in manifest.batches})
    except OSError as error:
        raise CaseError(
            f"cannot write the index of the case {folder.root}: {error.strerror}",
            hint="it is kept in the case; copy the case to a disk that can be written to",
        ) from error


def index_sql(folder: CaseFolder, manifest: Manifest) -> str:
    """Return a query over the index of every record: `traits_sql`, its file in the evidence, its place in that.

    `batch` and `row`: where the row of the index itself lies.
    """
    home = folder.traits / VERSION
    files = [f"'{quoted(pattern(_file(home, batch.id)))}'" for batch in manifest.batches]
    if not files:
        nothing = ", ".join(f"NULL::UBIGINT AS {name}" for name in (*COLUMNS, "record"))
        return f"""SELECT ''::VARCHAR AS leg, NULL::TIMESTAMP AS event_time, false AS signed_in, {nothing},
            NULL::UBIGINT[] AS parents, ''::VARCHAR AS file, 0::BIGINT AS place, 0::BIGINT AS batch, 0::BIGINT AS row
            WHERE false"""
    return f"""SELECT *, file_index::BIGINT AS batch, file_row_number AS row
        FROM read_parquet([{', '.join(files)}])"""  # noqa: S608  # our own names


def at_sql(folder: CaseFolder, files: list[str]) -> str:
    """Return a query over the evidence in these files of the index, with `at_file` and `at_place` as the index has."""
    paths = [(is_whole(folder.evidence / Path(name).parts[0]), pattern(folder.evidence / name)) for name in files]
    return scan(paths, f"{NAMES}, {_relative(folder)} AS at_file, file_row_number AS at_place")


def _write(con: duckdb.DuckDBPyConnection, folder: CaseFolder, home: Path, batch: str) -> None:
    """Write the index of a batch beside, and put it in place in one step: two runs may do so at once."""
    new = home / f"{batch}.{os.getpid()}.new"
    evidence = folder.evidence / batch
    columns = f"{traits_sql()}, {_relative(folder)} AS file, file_row_number AS place"
    query = scan([(is_whole(evidence), pattern(evidence) / FILES)], columns, f"WHERE leg <> '{REJECTED}'")
    con.execute(
        f"""COPY ({query} ORDER BY {_ORDER})
        TO '{quoted(new)}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE {ROW_GROUP})"""
    )
    new.chmod(_PRIVATE_FILE)
    new.replace(_file(home, batch))


def _sweep(folder: CaseFolder, home: Path, batches: set[str]) -> None:
    """Remove what other versions left, and batches that are no more."""
    for other in folder.traits.iterdir():
        if other != home:
            shutil.rmtree(other)
    for file in home.glob("*.parquet"):
        if file.stem not in batches:
            file.unlink()
    for file in home.glob("*.new"):  # of a run that was killed, if no run writes it any more
        if time.time() - file.stat().st_mtime > ABANDONED_SECONDS:
            file.unlink(missing_ok=True)


def _relative(folder: CaseFolder) -> str:
    return f"filename[{len(str(folder.evidence)) + 2}:]"


def _file(home: Path, batch: str) -> Path:
    return home / f"{batch}.parquet"
