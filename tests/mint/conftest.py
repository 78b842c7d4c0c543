"""A database server that runs as long as the tests do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .postgres import Server, running


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """Yield a PostgreSQL server."""
    with running() as server:
        yield server
