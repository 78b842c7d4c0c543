"""`python -m bench NAME ...`: runs one benchmark. A benchmark is a module of this folder that has a `main(arguments)`.

Its docstring's first line is what the list shows.
"""

from __future__ import annotations

import ast
import importlib
import sys
from pathlib import Path

HERE = Path(__file__).parent


def commands() -> dict[str, str]:
    """Return what each benchmark measures, by its name, without importing it: a rival may not be installed."""
    found: dict[str, str] = {}
    for path in sorted(HERE.glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in tree.body):
            found[path.stem] = (ast.get_docstring(tree) or "").partition("\n")[0]
    return found


def main(arguments: list[str]) -> int:
    """Run the benchmark that the first argument names; without one, list them."""
    known = commands()
    known.pop("__main__", None)
    if not arguments or arguments[0] in ("-h", "--help"):
        print("usage: python -m bench NAME [--help | options]\n")
        for name, what in known.items():
            print(f"  {name:<10} {what}")
        return 0
    name, *rest = arguments
    if name not in known:
        print(f"no benchmark {name!r}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    importlib.import_module(f"bench.{name}").main(rest)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
