"""Builds the compiled kernel of `counterfoil leaks` into the package: plain C, one shared library, no Python headers.

Without a C compiler the package is built all the same, without the library; `leaks` then works slowly, and says so.
The decision is in docs/adr/ (the kernel of leaks).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCES = Path("src/counterfoil/leaks/native")
LIBRARY = Path("src/counterfoil/leaks/_kernel.so")
FLAGS = ("-O3", "-std=gnu11", "-shared", "-fPIC", "-fvisibility=hidden", "-g0")


class KernelHook(BuildHookInterface[Any]):
    """Compiles the kernel before a wheel or an editable install is made."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and mark the wheel as one for this platform; on failure leave both as they are."""
        library = Path(self.root) / LIBRARY
        if not _compile(Path(self.root) / SOURCES, library):
            library.unlink(missing_ok=True)
            return
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["artifacts"].append(str(LIBRARY))
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform}"


def _compile(sources: Path, library: Path) -> bool:
    """Compile all C files of a folder into one library; tell whether it worked."""
    compiler = _compiler()
    if compiler is None:
        print("counterfoil: no C compiler: `leaks` will be slow. Install gcc and install again.", file=sys.stderr)
        return False
    with tempfile.TemporaryDirectory(dir=library.parent) as folder:
        made = Path(folder) / library.name
        files = sorted(str(path) for path in sources.glob("*.c"))
        done = subprocess.run([*compiler, *FLAGS, "-o", str(made), *files, "-lm"], capture_output=True, text=True)
        if done.returncode:
            print(f"counterfoil: the kernel did not compile, `leaks` will be slow:\n{done.stderr}", file=sys.stderr)
            return False
        made.replace(library)
    return True


def _compiler() -> list[str] | None:
    named = os.environ.get("CC", "").split()
    if named:
        return named
    found = next((path for name in ("cc", "gcc", "clang") if (path := shutil.which(name))), None)
    return [found] if found else None
