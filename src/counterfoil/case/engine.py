"""The engine: DuckDB, opened with this run's limits."""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from counterfoil.case.functions import install
from counterfoil.errors import EngineError, UsageError

# What the process takes beside the engine, whatever the input: the interpreter, the libraries, batches of records on
# their way. Measured in docs/performance.md.
BESIDE = 450 << 20
# Of the rest, what the engine may count as its own: writers and the allocator take some that it does not count.
SHARE = 0.7
_UNITS = {"K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "": 1}
_SIZE = re.compile(r"([0-9.]+)\s*([KMGT]?)B?", re.IGNORECASE)

# Rows that a thread holds of a partitioned write; the engine's own 524,288 cost 1.5 GB on wide rows.
FLUSH_ROWS = 30_720

# Expressions are a million small objects, most of which live on: at the interpreter's own 700 it looks through them
# again and again for what is garbage.
YOUNG_OBJECTS = 100_000


def engine_limit(memory: str) -> str:
    """Return the engine's own limit for a process that may take `memory`, such as "2GB"; raises UsageError.

    >>> engine_limit("4GB")
    '2469MB'
    """
    found = _SIZE.fullmatch(memory)
    if found is None:
        raise UsageError(f"not a size: {memory!r}", hint="--memory takes sizes such as 2GB")
    whole = float(found.group(1)) * _UNITS[found.group(2).upper()]
    # with less than the rest needs, nothing is done: the engine says so at once
    return f"{max(1, int(SHARE * max(whole - BESIDE, 0) / 1e6))}MB"


# Turns `x IN (many constants)` into a join, through which it drags every column of a wide row.
_LEFT_OUT = "in_clause"
_OF_JOINS = "join_order,build_side_probe_side"


@contextmanager
def joined_as_written(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Let the engine hold what stands second in a join, and stream what stands first, until this is left.

    Of a stream it takes for granted that it is short, and would hold the whole of it beside a table of two rows.
    """
    con.execute(f"SET disabled_optimizers = '{_LEFT_OUT},{_OF_JOINS}'")
    try:
        yield
    finally:
        con.execute(f"SET disabled_optimizers = '{_LEFT_OUT}'")


@contextmanager
def engine(work: Path, *, memory: str | None, threads: int | None) -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield a DuckDB that works and spills in the folder `work` and never reaches out.

    `memory`: what the whole process may take; the engine is given what the rest of it leaves.

    Raises UsageError for limits that the engine does not take, EngineError for what fails inside.
    """
    config: dict[str, str | bool | int | float | list[str]] = {
        "temp_directory": str(work / "spill"),
        # positions are a column, so the engine need not keep the order of rows
        "preserve_insertion_order": "false",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
    if memory is not None:
        config["memory_limit"] = engine_limit(memory)
    if threads is not None:
        config["threads"] = str(threads)
    try:
        connection = duckdb.connect(":memory:", config=config)
    except duckdb.Error as error:
        raise UsageError(
            f"the engine refuses the limits: {_line(error)}", hint="--memory takes sizes such as 2GB"
        ) from error
    collected = gc.get_threshold()
    gc.set_threshold(YOUNG_OBJECTS)
    try:
        connection.execute("SET TimeZone = 'UTC'")
        install(connection)
        connection.execute(f"SET partitioned_write_flush_threshold = {FLUSH_ROWS}")
        connection.execute(f"SET disabled_optimizers = '{_LEFT_OUT}'")
        # Some forty statements read the same files: what stands at the end of each file is read once.
        connection.execute("SET parquet_metadata_cache = true")
        yield connection
    except duckdb.OutOfMemoryException as error:
        raise EngineError(f"out of memory: {_line(error)}", hint="raise --memory or lower --threads") from error
    except (duckdb.IOException, duckdb.TransactionException, duckdb.FatalException) as error:
        raise EngineError(f"reading or writing failed: {_line(error)}", hint="is the disk of the case full?") from error
    finally:
        gc.set_threshold(*collected)
        connection.close()


def _line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:300]
