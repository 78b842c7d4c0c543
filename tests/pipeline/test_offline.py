"""No evidence leaves the machine: the whole demonstration runs without any network, and nothing could open one."""

from __future__ import annotations

import ast
import shutil
import subprocess
from pathlib import Path

import pytest

import counterfoil

from .estates import ended, program

SOURCE = Path(counterfoil.__file__).parent
NETWORK = {
    "socket", "ssl", "http", "urllib.request", "requests", "httpx", "aiohttp", "ftplib", "smtplib", "asyncio", "xmlrpc",
    "boto3", "hvac", "psycopg", "sqlalchemy",
}
# What reaches out, and only when its user says where; none of it reads evidence.
ASKED_TO = {
    "case/spark.py": "the Spark that its user names",
    "custody/audit.py": "the name of this host, for the record",
    "custody/apart.py": "a pair of sockets with the key store's process",
    "custody/messages.py": "types of sockets that others made",
    "custody/client.py": "the signer's Unix socket",
    "custody/signer.py": "the signer's Unix socket",
    "custody/drivers/openbao.py": "the key store that the settings name",
    "custody/drivers/aws_kms.py": "the key store that the settings name",
    "leaks/egress.py": "none: what an application sends goes through it, and asyncio only waits",
    "exchange.py": "one exchange with an address that its callers were given",
    "respond/endpoints.py": "where security events are pushed to and polled for, served where its user says",
    "respond/transmit.py": "the receiver of security events that its user names",
    "tlog/server.py": "a witness, served where its user says",
    "tlog/sqllog.py": "the database that the ledger's address names",
    "tlog/witness.py": "the witness that the settings name",
    "lab/drill/parties.py": "the drill's own parties, on loopback",
    "lab/estate/processes.py": "the lab's own processes, on loopback",
    "lab/estate/run.py": "the lab's own processes, on loopback",
    "lab/estate/services.py": "the lab's own processes, on loopback",
    "lab/estate/serving.py": "the lab's own processes, on loopback",
    "lab/estate/world.py": "the lab's own processes, on loopback",
    "leaks/known.py": "the public key set at the URL that was typed",
    "relying/http.py": "key sets and status at the addresses that the service's configuration names",
    "relying/middleware.py": "threads beside the service's own event loop, and the form of certificates",
    "relying/sinks.py": "the collector of receipts that the service's configuration names",
}


def _without_network() -> tuple[str, ...]:
    """Return a command that runs another without any network, not even to itself."""
    for command in (("unshare", "-n"), ("unshare", "-r", "-n")):
        if shutil.which(command[0]) is not None:
            tried = subprocess.run([*command, "true"], capture_output=True, check=False)  # noqa: S603  # our own
            if tried.returncode == 0:
                return command
    pytest.skip("this system does not let a test make a network namespace (unshare -n)")


def test_the_demonstration_runs_without_a_network(tmp_path: Path) -> None:
    """In a namespace without network devices, `demo` writes, hunts and reports as always."""
    code, out, err = ended(
        program("demo", "--case", tmp_path / "case", "--quiet", before=_without_network(), cwd=tmp_path)
    )
    assert code == 0, err
    assert "forged tokens" in out


def _imports(path: Path) -> set[str]:
    """Return the modules that a file imports, and the packages that they lie in."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
    return found | {name.split(".")[0] for name in found}


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE)))
def test_no_module_reaches_for_the_network(path: Path) -> None:
    """No module imports what opens connections, but for those that are listed with what they are asked to reach."""
    reaches = bool(_imports(path) & NETWORK)
    assert reaches == (str(path.relative_to(SOURCE)) in ASKED_TO)
