"""What an interrupted scan has done, in a file of JSON lines: findings and places, nothing of a secret."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from counterfoil.errors import UsageError
from counterfoil.leaks.chunks import CHUNK_BYTES
from counterfoil.leaks.finding import Bound, Leak, TokenSeen, Unread
from counterfoil.leaks.inputs import Source
from counterfoil.leaks.known import KnownKeys

SCHEMA = "counterfoil.leaks-resume/3"
# How often the place within one large file is written down, in bytes.
_EVERY = 64 * CHUNK_BYTES


@dataclass
class Done:
    """What was found in a source up to some offset."""

    leaks: list[Leak] = field(default_factory=list)
    tokens: list[TokenSeen] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    offset: int = -1


class Resume:
    """Remembers what is done; without a file, nothing."""

    def __init__(self, path: Path | None, done: dict[str, Done], partial: dict[str, Done]) -> None:
        """Take over what an earlier run left."""
        self._path, self._done, self._partial = path, done, partial

    @classmethod
    def open(cls, path: Path | None, known: KnownKeys, settings: Any) -> Resume:
        """Read the file, or begin it; raises UsageError for a file of another scan or of something else."""
        if path is None:
            return cls(None, {}, {})
        keys = sorted(key.public.thumbprint for key in known.keys)
        keys += sorted(mac.digest for mac in known.macs) + sorted(sha256(key).hexdigest() for key in known.dkm)
        options = json.dumps([keys, settings.every_offset, settings.tokens, settings.file_seconds])
        head = {"schema": SCHEMA, "scan": sha256(options.encode()).hexdigest()}
        try:
            if not path.exists():
                path.touch(mode=0o600)
                path.write_text(json.dumps(head) + "\n")
            if not path.is_file():  # reading a pipe would wait for ever
                raise UsageError(f"cannot use {path} to resume: it is no regular file", hint="name a new file")
            lines = path.read_text().splitlines()
        except (OSError, ValueError) as error:
            raise UsageError(f"cannot use {path} to resume: {error}") from error
        if not lines or _line(lines[0]) != head:
            raise UsageError(
                f"{path} is of another scan", hint="resume with the same keys and options, or name a new file"
            )
        done: dict[str, Done] = {}
        partial: dict[str, Done] = {}
        for line in lines[1:]:
            entry = _line(line)  # the last line may be cut off: then its part is scanned again
            if entry:
                (done if entry["offset"] < 0 else partial)[entry["source"]] = _held(entry)
        return cls(path, done, partial)

    def done(self, source: Source) -> Done | None:
        """Return what a source gave that was scanned to its end, and has not changed."""
        return self._done.get(_name(source)) if source.regular else None

    def partial(self, source: Source) -> tuple[int, Done]:
        """Return how far a plain file was scanned, and what it gave till there."""
        held = self._partial.get(_name(source)) or Done(offset=0)
        return held.offset, held

    def finished(
        self, source: Source, leaks: Iterable[Leak], tokens: Iterable[TokenSeen], unread: Iterable[Unread]
    ) -> None:
        """Write down that a source was scanned to its end."""
        if source.regular:
            self._write(source, Done(list(leaks), list(tokens), list(unread)))

    def reached(self, source: Source, offset: int, leaks: Iterable[Leak], tokens: Iterable[TokenSeen]) -> None:
        """Write down, now and then, how far a plain file was scanned."""
        if source.regular and self._path is not None and offset % _EVERY == 0:
            self._write(source, Done(list(leaks), list(tokens), [], offset))

    def _write(self, source: Source, held: Done) -> None:
        if self._path is None:
            return
        with self._path.open("a") as file:
            file.write(json.dumps({"source": _name(source), **asdict(held)}) + "\n")


def _name(source: Source) -> str:
    return f"{source.name}\0{source.stamp}"


def _line(text: str) -> dict[str, Any]:
    try:
        entry = json.loads(text)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}


def _held(entry: dict[str, Any]) -> Done:
    return Done(
        [Leak(**leak | {"bounds": _bounds(leak)}) for leak in entry["leaks"]],
        [TokenSeen(**token | {"bounds": _bounds(token), "claims": tuple(map(tuple, token["claims"]))})
         for token in entry["tokens"]],
        [Unread(**unread) for unread in entry["unread"]],
        entry["offset"],
    )


def _bounds(found: dict[str, Any]) -> tuple[Bound, ...]:
    return tuple(Bound(**one) for one in found.get("bounds", ()))
