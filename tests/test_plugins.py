"""A plug-in is one file: what is put into a package is found there, and nothing else."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

from counterfoil import plugins


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return a package with two plug-ins, one of them in a folder, a helper, and one that cannot be imported."""
    files = {
        "__init__.py": "", "one.py": "KIND = 1", "_private.py": "KIND = 9", "helper.py": "OTHER = 3",
        "deep/__init__.py": "", "deep/two.py": "KINDS = (2,)",
    }
    for name, text in files.items():
        file = tmp_path / "plugged" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in [name for name in sys.modules if name.partition(".")[0] == "plugged"]:
        monkeypatch.delitem(sys.modules, name)
    return importlib.import_module("plugged")


def test_names_are_told_without_an_import(package: ModuleType) -> None:
    """A registry that needs names alone imports nothing: a broken plug-in breaks nobody else's help."""
    (Path(str(package.__file__)).parent / "broken.py").write_text("raise RuntimeError")
    assert plugins.names(package, but={"helper"}) == ("broken", "deep", "one")
    assert "plugged.one" not in sys.modules
    assert plugins.load(package, "one").KIND == 1


def test_members_are_found_in_folders_too(package: ModuleType) -> None:
    """What holds one of the names is a plug-in, wherever it lies; what does not is a helper."""
    assert sorted(map(str, plugins.members(package, "KIND", "KINDS"))) == ["(2,)", "1", "9"]
