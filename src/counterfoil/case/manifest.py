"""The manifest: every input of a case with its hash and fate, and every committed batch of evidence."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from counterfoil._version import __version__
from counterfoil.errors import CaseError

SCHEMA = "counterfoil.manifest/2"
PRIVATE = 0o600


class Input(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One input file. `source` names the shape, empty if unread; `read` and `rejected` count records.

    A file of the same content as another is an input of its own, unread, with the hash of the other.
    `logs` are those of its records beside `log`; `note` says what the reader must know of it.
    `linked`: it is a page that names one that follows. `archive`: the SHA-256 of the archive on disk that it is in.
    """

    sha256: str
    path: str
    size: int
    source: str = ""
    log: str = ""
    read: int = 0
    rejected: int = 0
    truncated: str = ""
    logs: tuple[str, ...] = ()
    note: str = ""
    linked: bool = False
    unread: str = ""
    nearest: str = ""
    archive: str = ""


class Archive(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One archive on disk of which every member is an input, read or unread."""

    sha256: str
    path: str
    size: int
    members: int


class Batch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One folder of evidence; `id` names it, `rows` counts its records with the rejected ones."""

    id: str
    rows: int


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole manifest; a new one is made for every change."""

    schema: str = SCHEMA
    version: str = __version__
    inputs: tuple[Input, ...] = ()
    archives: tuple[Archive, ...] = ()
    batches: tuple[Batch, ...] = ()


def read_manifest(path: Path) -> Manifest:
    """Return the manifest, an empty one if there is no file; raises CaseError if it cannot be understood."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Manifest()
    try:
        manifest = msgspec.json.decode(data, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise CaseError(f"{path} is damaged: {error}", hint="start a new case, the inputs are untouched") from error
    if manifest.schema != SCHEMA:
        raise CaseError(
            f"{path} has schema {manifest.schema!r}, this program reads {SCHEMA!r}", hint="start a new case"
        )
    return manifest


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Replace the manifest in one step, so that it is always whole."""
    new = path.with_suffix(".new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, PRIVATE), "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
