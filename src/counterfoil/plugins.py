"""Plug-ins: the modules of a package, each one file that nothing else lists. Each kind's registry stands on this."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Collection, Iterator
from types import ModuleType
from typing import Any


def names(package: ModuleType, *, but: Collection[str] = ()) -> tuple[str, ...]:
    """Return the names of the package's public modules in order, without those named; none is imported."""
    found = (module.name for module in pkgutil.iter_modules(package.__path__))
    return tuple(sorted(name for name in found if name not in but and not name.startswith("_")))


def load(package: ModuleType, name: str) -> Any:
    """Return the module of that name."""
    return importlib.import_module(f"{package.__name__}.{name}")


def members(package: ModuleType, *kinds: str) -> Iterator[Any]:
    """Yield what the package's modules, and those of the packages in it, hold under any of these names."""
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        held = vars(importlib.import_module(module.name))
        yield from (held[name] for name in kinds if name in held)
