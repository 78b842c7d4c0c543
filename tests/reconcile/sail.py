"""Sail: a Spark without a JVM, started on loopback."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from pysail.spark import SparkConnectServer

SESSION_SECONDS = 86_400


@contextmanager
def sail(parts: int | None = None) -> Iterator[str]:
    """Yield the address of a Sail that listens meanwhile. `parts`: of each table; None: one for each processor.

    It would drop a session that nobody asks for a quarter of an hour, as happens between tests that share one.
    """
    os.environ["SAIL_SPARK__SESSION_TIMEOUT_SECS"] = str(SESSION_SECONDS)
    if parts is not None:
        os.environ["SAIL_EXECUTION__DEFAULT_PARALLELISM"] = str(parts)
    main = sys.modules["__main__"]
    if not hasattr(main, "__file__"):  # as in a worker of xdist: pyspark takes such a process for its own doctests
        main.__file__ = __file__
    server = SparkConnectServer()
    server.start(background=True)
    host, port = server.listening_address
    try:
        yield f"sc://{host}:{port}"
    finally:
        server.stop()
