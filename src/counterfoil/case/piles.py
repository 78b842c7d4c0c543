"""Piles: the parts of a long computation as Parquet files in the case, kept from one run to the next.

    CASE/settled/GENERATION/PILE/0000.parquet       or 0000/*.parquet: some engines write a folder of files

A generation is what one run added. It names in its pile `touched` the families whose rows in earlier generations
count no more. Which generations count, and the size of each of their files, is told by the results of the case
(`case.duckdb`); what these do not name is swept away, and what does not agree with them is made anew.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from counterfoil.case.folder import pattern

TOUCHED = "touched"


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
