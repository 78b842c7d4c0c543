"""Tells whether the last results are what judging would give again, so that a hunt with nothing new need not judge.

Verdicts follow from the evidence, from what the user says about it, and from the program. `counterfoil reconcile`
judges whatever stands.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import duckdb
import msgspec

from counterfoil._version import __version__
from counterfoil.case.folder import CaseFolder
from counterfoil.case.manifest import Manifest
from counterfoil.case.piles import intact, sweep
from counterfoil.pipeline.settled import PILES, state
from counterfoil.reconcile.asked import Asked
from counterfoil.reconcile.policy import Policy


def stand(con: duckdb.DuckDBPyConnection, folder: CaseFolder, manifest: Manifest, asked: Asked) -> bool:
    """Tell whether the results of the case were made of this evidence, asked so, by this program, and are whole.

    If so, what they do not name is swept away.
    """
    last = state(con, folder)
    if last is None or last.judged != digest(manifest, asked):
        return False
    sweep(folder.settled, last.generations)
    return intact(folder.settled, last.generations, last.files)


def digest(manifest: Manifest, asked: Asked) -> str:
    """Return a hash of all that verdicts follow from."""
    told = [msgspec.to_builtins(each, order="deterministic") for each in (manifest, asked, Policy())]
    return hashlib.sha256(repr((__version__, PILES, _program(), *told)).encode()).hexdigest()


@cache
def _program() -> str:
    """Return a hash of what stands of the program's files: who works on it changes it without a new version."""
    root = Path(__file__).parents[1]
    files = ((path, path.stat()) for path in sorted(root.rglob("*")) if path.suffix != ".pyc")
    told = [(str(path.relative_to(root)), found.st_size, found.st_mtime_ns) for path, found in files if path.is_file()]
    return hashlib.sha256(repr(told).encode()).hexdigest()
