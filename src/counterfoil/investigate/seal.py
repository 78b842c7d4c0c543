"""The seal of a case: what went in, what was asked, what came out, in hashes; and whether all of it is still so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from counterfoil.case import digests
from counterfoil.case.folder import CaseFolder
from counterfoil.case.manifest import Manifest
from counterfoil.errors import CaseError, VerifyError
from counterfoil.pipeline.asked import options_of
from counterfoil.pipeline.progress import Progress
from counterfoil.tokens import jws
from counterfoil.tokens.encoding import from_translated, json_object
from counterfoil.tokens.entitlement import Entitlement, IssuerPattern
from counterfoil.tokens.keyset import Grant, from_document

SCHEMA = "counterfoil.seal/1"
TYP = "counterfoil-seal+jwt"
NAME = "seal.jwt"
MAX_SEAL_BYTES = 1 << 20


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table that `sql` shows: its rows, and a digest of them."""

    rows: int
    sha256: str


class Sealed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a seal says. `sealed_at`: UTC; all else is the same of every run that read the same and found the same.

    `version`: of the program that read the inputs. `options`: as they were typed.
    """

    schema: str
    sealed_at: str
    version: str
    manifest_sha256: str
    inputs: int
    options: tuple[tuple[str, str], ...]
    tables: dict[str, Table]


class State(StrEnum):
    """What became of one thing that was sealed."""

    SAME = "as sealed"
    CHANGED = "changed"
    ABSENT = "not there"


@dataclass(frozen=True)
class Checked:
    """One thing that was sealed, and what became of it. `words`: what there is to say, or empty."""

    what: str
    state: State
    words: str = ""


def contents(con: duckdb.DuckDBPyConnection, folder: CaseFolder, manifest: Manifest, at: datetime) -> Sealed:
    """Return what a case holds; `con` has its results, `at` is aware."""
    return Sealed(
        SCHEMA, f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}", manifest.version, digests.of_file(folder.manifest),
        len(manifest.inputs), options_of(con),
        {name: Table(*digests.of_table(con, name)) for name in digests.TOLD},
    )


def read(text: bytes, keys: bytes, where: str) -> tuple[Sealed, str]:
    """Return what a seal says, and the id of the key that signed it; `keys`: a JWK set or PEM certificates.

    Raises CaseError for what is no seal, or is not signed by one of these keys; PolicyError for the keys themselves.
    """
    # a seal has no issuer: it is the keys that are trusted with it
    known = from_document(keys, Grant(Entitlement(issuers=((IssuerPattern.of(TYP),),))), where)
    try:
        parts = jws.compact(text.strip(), MAX_SEAL_BYTES)
        header = jws.known_header(parts, known)
        jws.signed(parts, header.check, header.key.id)
        said = json_object(from_translated(parts.payload, "the claims"), "the claims")
        if header.header.get("typ") != TYP:
            raise CaseError(f"this is signed, and no seal: its typ is not {TYP}", hint="seals: counterfoil case seal")
        return msgspec.convert(said, Sealed), header.key.id
    except VerifyError as error:
        raise CaseError(
            f"the seal does not verify: {error}", hint="whose keys are these? print them: counterfoil keys list --jwks"
        ) from error
    except msgspec.ValidationError as error:
        raise CaseError(f"the seal is another version's: {error}", hint="seal the case again") from error


def checked(was: Sealed, now: Sealed, manifest: Manifest, progress: Progress) -> Iterator[Checked]:
    """Yield what became of everything that was sealed; inputs are read where the manifest says that they are."""
    yield _same("manifest", was.manifest_sha256, now.manifest_sha256)
    yield _same("options", was.options, now.options)
    for name, table in was.tables.items():
        found = now.tables.get(name)
        words = "" if found is None or found.rows == table.rows else f"{table.rows:,} rows sealed, {found.rows:,} now"
        yield Checked(f"table {name}", State.SAME if found == table else State.CHANGED, words)
    yield from _inputs(manifest, progress)


def _same(what: str, was: Any, now: Any) -> Checked:
    return Checked(what, State.SAME if was == now else State.CHANGED)


def _inputs(manifest: Manifest, progress: Progress) -> Iterator[Checked]:
    """Yield a line for each input that is not as it was, and one for all that are; an archive is one input."""
    read = [entry for entry in manifest.inputs if entry.sha256 and not entry.archive]
    on_disk: Mapping[str, tuple[str, int]] = {
        **{entry.path: (entry.sha256, entry.size) for entry in read},
        **{archive.path: (archive.sha256, archive.size) for archive in manifest.archives},
    }
    progress.stage("checking inputs", sum(size for _, size in on_disk.values()))
    same = 0
    for path, (sha256, size) in on_disk.items():
        try:
            found = digests.of_file(Path(path))
        except OSError as error:
            yield Checked(f"input {path}", State.ABSENT, error.strerror or "")
        else:
            if found == sha256:
                same += 1
            else:
                yield Checked(f"input {path}", State.CHANGED)
        progress.advance(size)
    if same:
        yield Checked("inputs", State.SAME, f"{same:,} of {len(on_disk):,} files")
