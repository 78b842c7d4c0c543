"""What the files on disk hold to read: themselves, or the members of archives, each with its hash."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from counterfoil.case.manifest import Input
from counterfoil.errors import InputError
from counterfoil.pipeline.inputs import HASH_CHUNK, Candidate
from counterfoil.unpack.walk import Member, Unpacker


@dataclass(frozen=True)
class Found:
    """One file to read with its SHA-256 and size, as it stands on disk or would when unpacked.

    `archive` is the SHA-256 of the archive on disk that it is in, or empty.
    """

    member: Member
    sha256: str
    size: int
    archive: str = ""


@dataclass(frozen=True)
class Unopened:
    """What cannot be opened, as an unread input; `again`: it may be readable another time."""

    entry: Input
    again: bool

    @property
    def archive(self) -> str:
        """The SHA-256 of the archive on disk that it is in, or empty."""
        return self.entry.archive


def members(unpacker: Unpacker, candidate: Candidate) -> Iterator[Found | Unopened]:
    """Yield what the file holds, each once; an archive that breaks off is the last, with the reason."""
    for member in unpacker.members(candidate.path, candidate.stamp):
        if member.nested:
            yield _hashed(member, candidate.sha256)
        elif member.trouble:
            # the hash of what may be readable another time is left out, so that the next run tries again
            sha = "" if member.again else candidate.sha256
            entry = Input(sha256=sha, path=member.name, size=candidate.size, unread=member.trouble)
            yield Unopened(entry, member.again)
        else:
            yield Found(member, candidate.sha256, candidate.size)


def _hashed(member: Member, archive: str) -> Found | Unopened:
    sha, size = hashlib.sha256(), 0
    try:
        with member.stored() as stream:
            while chunk := stream.read(HASH_CHUNK):
                sha.update(chunk)
                size += len(chunk)
    except InputError as error:
        entry = Input(sha256="", path=member.name, size=size, unread=str(error), archive=archive)
        return Unopened(entry, member.again)
    return Found(member, sha.hexdigest(), size, archive)
