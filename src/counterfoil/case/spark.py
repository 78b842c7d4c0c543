"""A Spark that works on a case: Spark Connect, so that Databricks, a cluster of one's own, or Sail serve.

The server and this process see the case under one path: tables are kept there as Parquet, and both read them.
"""

from __future__ import annotations

import logging
import re
import secrets
import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from counterfoil.case.folder import PRIVATE
from counterfoil.errors import EngineError, UsageError
from counterfoil.expressions import ir
from counterfoil.expressions.compiled import with_values

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SCHEME = "sc"
DEFAULT_PORT = 15_002
OLDEST = (4, 0)  # the first whose client and server know each other's times without a zone
ANSWER_SECONDS = 10.0
MAX_RETRIES = 4  # of a call that the network lost; the client's own would take ten minutes
MAX_KEPT = 2_000  # expressions whose SQL is remembered
PLAIN_PATH = re.compile(r"[\w/.,@+=~-]+", re.ASCII)  # other signs are patterns, or escaped, to some engine
_HINT = "such as sc://127.0.0.1:15002; start one on this machine with: sail spark server --port 15002"
_DENIED = re.compile("permission denied|access ?denied|not authorized|forbidden|read-only file system", re.IGNORECASE)
_DETAILS = re.compile(r'^\s*details = "(.+)"$', re.MULTILINE)

_ESCAPED = {"'": "\\'", "\\": "\\\\"}  # two quotes in a row end one text and begin another

# SQL by the keys of expressions, which are the same from run to run.
_known: dict[bytes, str] = {}


@dataclass(frozen=True)
class Spark:
    """A session, and the tables that it has views of, by name. `scratch`: a folder of this run that both sides see.

    `whole`: batches of evidence whose files lack no column.
    """

    session: SparkSession
    scratch: Path
    compiler: Any
    views: dict[str, ir.Table] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)

    def sql(self, table: Any) -> str:
        """Return the SQL of an expression, as this engine takes it."""
        if table._key not in _known:
            if len(_known) >= MAX_KEPT:
                _known.clear()
            _known[table._key] = str(self._compiled(table))
        return with_values(_known[table._key], table._bound, _ESCAPED)

    def _compiled(self, table: Any) -> Any:
        from counterfoil.expressions.built import built

        return self.compiler.compile(built(table, named=True))


@contextmanager
def connected(address: str, work: Path) -> Iterator[Spark]:
    """Yield a Spark that works on a case; `work` is a folder of the case that the run sweeps away.

    Raises UsageError for what is no address or a case that no server sees, EngineError for a server that does not
    answer, is too old, may not write there, or fails on the way.
    """
    host, port = _place(address)
    shown = f"{SCHEME}://{host}:{port}"
    sql, errors = _client()
    _reach(host, port, shown)
    session = None
    try:
        warnings.filterwarnings("ignore", r"\[RETRIES_EXCEEDED\]")  # the error says it
        session = sql.builder.remote(address).create()
        _prepare(session, shown)
        scratch = work.resolve() / "spark"
        yield Spark(session, _shared(session, scratch, shown, errors), _compiler(session))
    except errors as error:
        raise EngineError(f"the engine {shown} failed: {_line(error, address)}", hint=_why(error)) from error
    finally:
        if session is not None:
            with suppress(*errors):
                session.stop()


def uri(path: Path) -> str:
    """Return a path of this machine as an engine takes it."""
    return f"file://{path}"


def _place(address: str) -> tuple[str, int]:
    """Return host and port of an address; raises UsageError. What follows them may be secret, and is not shown."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port or DEFAULT_PORT
    except ValueError:
        host = None
    if host is None or parts.scheme != SCHEME:
        raise UsageError("--engine: expected sc://HOST:PORT", hint=_HINT)
    return host, port


def _client() -> tuple[Any, tuple[type[Exception], ...]]:
    """Return the client's session class, and what it raises where a server fails; raises UsageError."""
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
            import grpc
            import ibis.backends.pyspark  # noqa: F401  # which imports more of it
            from pyspark.errors import PySparkException
            from pyspark.sql.connect.session import SparkSession
    except ImportError as error:
        raise UsageError("an engine of Spark needs its client", hint="pip install 'counterfoil[spark]'") from error
    logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL)  # it would print every error that it raises
    return SparkSession, (PySparkException, grpc.RpcError)


def _reach(host: str, port: int, shown: str) -> None:
    try:
        socket.create_connection((host, port), timeout=ANSWER_SECONDS).close()
    except OSError as error:
        told = error.strerror or str(error)
        raise EngineError(f"no engine answers at {shown}: {told}", hint=_HINT) from error


def _prepare(session: SparkSession, shown: str) -> None:
    """Let a session count time as the embedded engine does; raises EngineError for an old server."""
    from pyspark.sql.connect.client.retries import DefaultPolicy

    session.client.set_retry_policies([DefaultPolicy(max_retries=MAX_RETRIES)])
    version = session.version
    if tuple(map(int, re.findall(r"\d+", version)[:2])) < OLDEST:
        raise EngineError(
            f"the engine {shown} is Spark {version[:40]}, expected {'.'.join(map(str, OLDEST))} or later",
            hint="docs/lake.md says which versions go together",
        )
    settings = {
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.timestampType": "TIMESTAMP_NTZ",  # as DuckDB's: a time is UTC, and has no zone
        "spark.sql.ansi.enabled": "false",  # a list has NULL beyond its end, here and there
        "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
        "spark.sql.json.enableExactStringParsing": "false",  # an object that is a text: without blanks, as DuckDB's
    }
    for name, value in settings.items():
        session.conf.set(name, value)


def _compiler(session: SparkSession) -> Any:
    import ibis
    from ibis.backends.sql.compilers.pyspark import PySparkCompiler
    from ibis.expr.operations import BitOr

    class Compiler(PySparkCompiler):  # type: ignore[misc]  # Ibis is not typed here
        SIMPLE_OPS: ClassVar[dict[Any, str]] = {BitOr: "bit_or"}  # which Spark has, and Ibis does not say

        def visit_ArrayLength(self, op: Any, *, arg: Any) -> Any:  # noqa: ARG002, N802  # as Ibis calls it
            """Return how long a list is, NULL where there is none: to Ibis' function that would be -1."""
            return self.f.anon.array_size(arg)

        def visit_Strip(self, op: Any, *, arg: Any) -> Any:  # noqa: ARG002, N802
            """Return a text without blanks around it: Ibis writes two of them so that Spark takes them for v and f."""
            blanks = self.f.concat(" \t\n\r", self.f.anon.chr(11), self.f.anon.chr(12))
            return self.f.anon.rtrim(blanks, self.f.anon.ltrim(blanks, arg))

        def visit_TimestampTruncate(self, op: Any, **parts: Any) -> Any:  # noqa: N802  # as Ibis calls it
            """Return a time without a zone, as it was before: Spark's function gives it that of the session."""
            return self.cast(super().visit_TimestampTruncate(op, **parts), op.dtype)

    compiler = ibis.pyspark.connect(session)  # it reads the session's options
    compiler.compiler = Compiler()
    ibis.options.sql.fuse_selects = False  # as for DuckDB: what the engine merges itself need not be merged before
    return compiler


def _shared(session: SparkSession, scratch: Path, shown: str, errors: tuple[type[Exception], ...]) -> Path:
    """Return the folder if both sides see it, and the server may write there; raises EngineError, UsageError."""
    if not PLAIN_PATH.fullmatch(str(scratch)):
        raise UsageError(
            "--engine: the case's path has other signs than letters, digits and _./,@+=~-",
            hint="engines read them as patterns: rename the folder, or take another with --case DIR",
        )
    scratch.mkdir(mode=PRIVATE, exist_ok=True)
    probe = scratch / f"probe_{secrets.token_hex(4)}"
    hint = "the server must see the case under the same path, and may write there: a shared folder, the same user"
    try:
        session.range(1).write.parquet(uri(probe))
    except errors as error:
        raise EngineError(f"the engine {shown} cannot write to the case: {_line(error, '')}", hint=hint) from error
    if not any(probe.glob("*.parquet")):
        raise EngineError(f"the engine {shown} does not see the case: what it writes is not there", hint=hint)
    return scratch


def _line(error: Exception, address: str) -> str:
    """Return an error as a line, without the address: that may hold a secret."""
    told = str(getattr(error, "getMessage", error.__str__)() or "")
    lost = _DETAILS.search(told)  # of a call: its first line names only a class of the client's
    line = lost[1] if lost else next(filter(None, map(str.strip, told.splitlines())), type(error).__name__)
    return (line.replace(address, f"{SCHEME}://…") if address else line)[:300]


def _why(error: Exception) -> str:
    if _DENIED.search(str(error)):
        return "the server must be allowed to read the logs, and to read and write the case's folder"
    return "the results stay, and what is read and settled serves the next run; the server's own log says more"
