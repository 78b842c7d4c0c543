"""What holds for every test."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence

import pytest

from counterfoil.case.engine import engine
from counterfoil.custody import hardening
from counterfoil.reconcile.engine import Engine

# Tests fork, and grpc, which looks at this as it is imported, would end their children.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")


@pytest.fixture(autouse=True, scope="session")
def _not_hardened() -> Iterator[None]:
    """Keep this process soft: `counterfoil keys`, run within it, would lock its memory and forbid core dumps for good.

    Both hurt other tests: a browser's engine dies where memory that it gives back is locked. Hardening itself is tested
    in processes of its own (tests/custody/test_signer.py, tests/leaks/test_signer.py).
    """
    patch = pytest.MonkeyPatch()
    patch.setattr(hardening, "harden", lambda: hardening.Hardening(True, True, True))
    yield
    patch.undo()


@pytest.fixture(scope="session")
def sail() -> Iterator[str]:
    """Yield the address of an engine of another kind."""
    for package in ("pysail", "pyspark"):
        pytest.importorskip(package, reason="no other engine is installed here: pip install pysail pyspark-client")
    from reconcile.sail import sail  # it imports what is not there without the extra

    with sail(parts=1) as address:  # small tables: a task for each part of each takes longer than they do
        yield address


@pytest.fixture(scope="session")
def spark(sail: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[int], Sequence[Engine]]]:
    """Yield what returns so many engines of another kind, each on top of the piles of those before."""
    from counterfoil.case.spark import connected
    from counterfoil.case.spark_tables import SparkTables

    work = tmp_path_factory.mktemp("spark")
    with engine(work, memory=None, threads=1) as con, connected(sail, work) as opened:

        def engines(count: int) -> list[Engine]:
            piles = tmp_path_factory.mktemp("piles")
            folders = [piles / str(place) for place in range(count)]
            return [SparkTables(opened, con, folder, folders[:place]) for place, folder in enumerate(folders)]

        yield engines
