"""Makes a custody folder: its settings, and for the encrypted file store a random passphrase."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from pathlib import Path

from counterfoil.custody.driver import module_of
from counterfoil.custody.settings import FILE, parsed
from counterfoil.errors import UsageError
from counterfoil.tlog.folder import Folder

PASSPHRASE_FILE = "passphrase"  # noqa: S105  # a file's name
PASSPHRASE_BYTES = 32


def found(path: Path, backend: str, origin: str, values: Mapping[str, str]) -> tuple[str, ...]:
    """Write `custody.toml` with these values in the back-end's table; return the names of the files that were made.

    The encrypted file store without a `passphrase` gets a random one, in a file beside the keys that it protects: move
    it to where only the signer can read it, and say so in the settings. Raises UsageError if there is custody already,
    or the back-end's library is not installed.
    """
    folder = Folder(path)
    if folder.read(FILE) is not None:
        raise UsageError(f"there is custody in {path} already", hint=f"its settings are {path / FILE}")
    table, made = dict(values), [FILE]
    if backend == "file" and "passphrase" not in table:
        table["passphrase"] = f"file:{PASSPHRASE_FILE}"
        made.append(PASSPHRASE_FILE)
    lines = [f"backend = {json.dumps(backend)}", f"origin = {json.dumps(origin)}", "", f"[{backend}]"]
    lines += [f"{name} = {value if value.isdigit() else json.dumps(value)}" for name, value in table.items()]
    text = "\n".join(lines) + "\n"
    parsed(text.encode(), path)
    module_of(backend)
    folder.make()
    if PASSPHRASE_FILE in made and folder.read(PASSPHRASE_FILE) is None:
        folder.put(PASSPHRASE_FILE, f"{secrets.token_urlsafe(PASSPHRASE_BYTES)}\n".encode())
    folder.put(FILE, text.encode())
    return tuple(made)
