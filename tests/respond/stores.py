"""Two custody folders for tests: one whose keys are published, and one whose key signs block lists."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from counterfoil.custody.algorithm import Algorithm
from counterfoil.custody.custody import Custody
from counterfoil.custody.keys import KeyState, KeyVersion
from custody.backends import file_backend

ISSUER = "https://login.example"


@dataclass(frozen=True)
class Stores:
    """The folders, and a third that says nothing of publication."""

    keys: Path
    signing: Path
    plain: Path

    def version(self, state: KeyState, name: str = "idp") -> KeyVersion:
        """Return the newest version of a key in that state."""
        with Custody.open(self.keys) as held:
            versions = held.keys()
        return [each for each in versions if (each.name, each.state) == (name, state)][-1]

    def signer(self) -> KeyVersion:
        """Return the key that signs block lists."""
        with Custody.open(self.signing) as held:
            return held.keys()[0]


def made(folder: Path, life: str = "", names: tuple[str, ...] = ("idp",)) -> Path:
    """Make a custody folder with keys."""
    with file_backend(folder) as backend:
        text = backend.text()
        backend.settings(folder)
    head, table = text.split("[file]")
    lived = f'[life]\njwks = "jwks.json"\n{life}' if life != "none" else ""
    (folder / "custody.toml").write_text(f"{head}{lived}\n[file]{table}")
    with Custody.open(folder) as held:
        for name in names:
            held.create(name, Algorithm.ES256)
    return folder


def stores(folder: Path, life: str = "", names: tuple[str, ...] = ("idp",)) -> Stores:
    """Make the three."""
    signing = made(folder / "signing", "none", ("blocks",))
    return Stores(made(folder / "keys", life, names), signing, made(folder / "plain", "none"))
