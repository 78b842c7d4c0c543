"""Back-ends that run as long as the tests do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from .backends import BACKENDS, Backend


@pytest.fixture(scope="session")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Backend]]:
    """Yield the back-ends that were started; `backend` starts what it needs."""
    with ExitStack() as stack:

        class Started(dict[str, Backend]):
            def __missing__(self, name: str) -> Backend:
                self[name] = stack.enter_context(BACKENDS[name](tmp_path_factory.mktemp(name)))
                return self[name]

        yield Started()


@pytest.fixture(params=list(BACKENDS))
def backend(request: pytest.FixtureRequest, started: dict[str, Backend]) -> Backend:
    """Return each back-end in turn."""
    return started[request.param]
