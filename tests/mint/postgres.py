"""A PostgreSQL server for tests: Debian's, in a folder of its own, on a Unix socket, as a user that is not root."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psycopg

from custody.backends import need

_NUMBERS = count()


def _programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


@dataclass(frozen=True)
class Server:
    """A running server."""

    programs: Path
    data: Path
    socket: Path
    user: str

    def place(self) -> str:
        """Make a new, empty schema (a database takes a second to copy), and return its name."""
        name = f"ledger{next(_NUMBERS)}"
        self.do("public", f"CREATE SCHEMA {name}")
        return name

    def address(self, schema: str, user: str = "") -> str:
        """Return the address of a ledger in that schema."""
        return f"postgresql://{user or self.user}@/postgres?host={self.socket}&options=-csearch_path%3D{schema}"

    def do(self, schema: str, *statements: str) -> None:
        """Run statements as the owner of everything."""
        with psycopg.connect(self.address(schema), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def control(self, *arguments: str) -> None:
        """Run pg_ctl."""
        log = self.socket / "log"
        command = [str(self.programs / "pg_ctl"), "-D", str(self.data), "-w", "-l", str(log), *arguments]
        done = _as(self.user, command, self.socket)
        assert done.returncode == 0, done.stdout + (log.read_text() if log.exists() else "")

    def crash(self) -> None:
        """Stop the server as a crash does: nothing is written any more, and all connections break. Then start it."""
        self.control("stop", "-m", "immediate")
        self.start()

    def start(self) -> None:
        """Start it; it listens on the socket only."""
        self.control("start", "-o", f"-k {self.socket} -c listen_addresses= -c max_connections=60")


def _as(user: str, command: list[str], cwd: Path) -> subprocess.CompletedProcess[str]:
    root = os.geteuid() == 0
    return subprocess.run(  # noqa: S603  # our own
        command, cwd=cwd, user=user if root else None, group=pwd.getpwnam(user).pw_gid if root else None,
        extra_groups=[] if root else None, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}, stdin=subprocess.DEVNULL,
    )


@contextmanager
def running() -> Iterator[Server]:
    """Yield a server; skips where PostgreSQL is missing. Its folder is short (sockets) and not below a closed one."""
    programs = _programs()
    need("PostgreSQL (postgresql)", programs)
    assert programs is not None
    user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    folder = Path(tempfile.mkdtemp(prefix="counterfoil-pg-"))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, user)
        server = Server(programs, folder / "data", folder, user)
        initdb = [str(programs / "initdb"), "-D", str(server.data), "-A", "trust", "-E", "UTF8", "--no-locale", "-N"]
        made = _as(user, initdb, folder)
        assert made.returncode == 0, made.stdout
        server.start()
        try:
            yield server
        finally:
            if (server.data / "postmaster.pid").exists():
                server.control("stop", "-m", "immediate")
    finally:
        shutil.rmtree(folder)
