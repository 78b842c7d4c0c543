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
NETWORK = {"socket", "ssl", "http", "urllib", "requests", "httpx", "aiohttp", "ftplib", "smtplib", "asyncio", "xmlrpc"}


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
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE)))
def test_no_module_reaches_for_the_network(path: Path) -> None:
    """No module imports what opens connections."""
    assert not _imports(path) & NETWORK
