"""Piles: the parts of a long computation as Parquet files in the case, kept from one run to the next.

    CASE/settled/GENERATION/PILE/0000.parquet       or 0000/*.parquet: some engines write a folder of files
    CASE/settled/GENERATION/parts.json              how many parts of it are whole, and their files: a run may be ended

A generation is what one run added; if runs were ended on the way, what they and the run that ended it added. It names
in its pile `touched` the families whose rows in earlier generations count no more. Which generations count, and the
size of each of their files, is told by the results of the case (`case.duckdb`); what these do not name is swept away,
and what does not agree with them is made anew.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from counterfoil.case.folder import pattern

TOUCHED = "touched"
_LEDGER = "parts.json"
_PRIVATE = 0o600


class Parts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many parts of a generation are settled, and the size of each of their files, by path."""

    settled: int
    files: dict[str, int]


def files_sql(generation: Path, name: str) -> str:
    """Return what the embedded engine reads a pile's files of a generation with."""
    return "read_parquet('" + str(pattern(generation / name) / "**" / "*.parquet").replace("'", "''") + "')"


def pile_sql(generations: Sequence[Path], name: str, files: Callable[[Path, str], str] = files_sql) -> str:
    """Return a query over the live rows of a pile in these generations, earliest first.

    `files`: what an engine reads those of one generation with.
    """
    holding = [place for place, folder in enumerate(generations) if (folder / name).is_dir()]
    queries = []
    for place in holding:
        later = [folder for folder in generations[place + 1 :] if (folder / TOUCHED).is_dir()]
        query = f"SELECT * FROM {files(generations[place], name)} AS live"  # noqa: S608  # our own names
        if later and name != TOUCHED:
            gone = " UNION ALL ".join(f"SELECT family FROM {files(folder, TOUCHED)}" for folder in later)  # noqa: S608
            query += f" WHERE NOT EXISTS (SELECT 1 FROM ({gone}) AS gone WHERE gone.family = live.family)"  # noqa: S608
        queries.append(query)
    return " UNION ALL ".join(queries)


def sizes(generation: Path) -> dict[str, int]:
    """Return the size of every file of a generation, by its path below the settled folder."""
    files = sorted(path for path in generation.rglob("*") if path.is_file())
    return {str(path.relative_to(generation.parent)): path.stat().st_size for path in files}


def part_settled(generation: Path, count: int) -> None:
    """Write down that so many parts of a generation are settled: what lies in it now is whole."""
    told = Parts(count, _files(generation))
    ledger = generation / _LEDGER
    new = ledger.with_suffix(".new")
    new.touch(_PRIVATE)
    new.write_bytes(msgspec.json.encode(told))
    new.replace(ledger)


def parts_settled(generation: Path) -> int:
    """Return how many parts of a generation were settled by runs that were ended, and remove what else they left.

    If what these parts wrote is not there as it was, all of it is removed.
    """
    if not generation.is_dir():
        return 0
    try:
        told = msgspec.json.decode((generation / _LEDGER).read_bytes(), type=Parts)
    except (OSError, msgspec.MsgspecError):
        told = Parts(0, {})
    found = _files(generation)
    if not told.settled or not told.files.items() <= found.items():
        shutil.rmtree(generation)
        return 0
    for entry in generation.glob("*/*"):
        own = {name for name in found if (generation.parent / name).is_relative_to(entry)}
        if not own & told.files.keys():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    return told.settled


def _files(generation: Path) -> dict[str, int]:
    return {name: size for name, size in sizes(generation).items() if Path(name).name != _LEDGER}


def intact(settled: Path, generations: Iterable[str], told: Mapping[str, int]) -> bool:
    """Tell whether the files of the generations are those that the results name, by their sizes."""
    found: dict[str, int] = {}
    for name in generations:
        found |= sizes(settled / name)
    return found == dict(told)


def sweep(settled: Path, generations: Iterable[str]) -> None:
    """Remove all generations but these."""
    kept = set(generations)
    for folder in settled.iterdir() if settled.is_dir() else ():
        if folder.name not in kept:
            shutil.rmtree(folder)
