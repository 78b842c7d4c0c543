"""Witnesses: other parties that keep a log's checkpoints, so that a rollback or a second history is noticed.

A `DropWitness` is a folder that somebody else owns (a mount, a share, a disk that is carried away). An `HttpWitness`
speaks c2sp.org/tlog-witness to any witness, such as `server` in this folder.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from counterfoil.errors import InputError, LogError, LogTamperedError, UsageError
from counterfoil.exchange import exchange
from counterfoil.tlog import note
from counterfoil.tlog.checkpoint import Checkpoint, opened, parse
from counterfoil.tlog.folder import Folder
from counterfoil.tlog.merkle import consistency_proof
from counterfoil.tlog.replay import hold_to
from counterfoil.tlog.tree import View

MAX_RESPONSE_BYTES = 64 * 1024
ADD_CHECKPOINT = "/add-checkpoint"
SIZE_TYPE = "text/x.tlog.size"
_CHECKPOINT = re.compile("[0-9]{20}")  # its file: the size of the tree


class Witness(Protocol):
    """Somebody who keeps checkpoints of one log."""

    @property
    def name(self) -> str:
        """How to call it."""

    def check(self, head: note.Note, view: View) -> int:
        """Hold the log to what the witness keeps; LogTamperedError if it does not extend it, LogError if out of reach.

        Returns the size that is kept; 0 if nothing is.
        """

    def submit(self, head: note.Note, view: View) -> tuple[note.Signature, ...]:
        """Check, then have the witness keep this signed head of the log; returns its cosignatures, if it makes any."""


@dataclass(frozen=True)
class DropWitness:
    """A folder in which each checkpoint becomes a file that is never written again."""

    path: Path
    log: note.VerifierKey

    @property
    def name(self) -> str:
        """The folder."""
        return str(self.path)

    def latest(self) -> Checkpoint | None:
        """Return the largest checkpoint kept; LogTamperedError if it is not signed by the log."""
        found = Folder(self.path).names(self._below()) if self.path.exists() else []
        names = [name for name in found if _CHECKPOINT.fullmatch(name.rpartition("/")[2])]  # others left the rest
        if not names:
            return None
        raw = Folder(self.path).read(names[-1])
        return opened(raw or b"", self.log)[0]

    def check(self, head: note.Note, view: View) -> int:  # noqa: ARG002  # the view is what counts here
        """Hold the log to the largest checkpoint kept."""
        kept = self.latest()
        if kept is None:
            return 0
        hold_to(view, kept, f"witness {self.path}")
        return kept.size

    def submit(self, head: note.Note, view: View) -> tuple[note.Signature, ...]:
        """Keep the head, unless that size is kept already."""
        size = parse(head.text).size
        if self.check(head, view) < size or not self.latest():
            target = f"{self._below()}/{size:020d}"
            if not self.path.is_dir():
                raise LogError(f"witness {self.path}: no such folder", hint="its owner makes it; is it mounted?")
            Folder(self.path).put(target, head.render().encode())
            (self.path / target).chmod(0o444)
        return ()

    def _below(self) -> str:
        return hashlib.sha256(self.log.name.encode()).hexdigest()[:32]


class HttpWitness:
    """A witness that answers over HTTP with cosignatures. Its public key is given, never asked for."""

    def __init__(self, url: str, key: note.VerifierKey) -> None:
        """Use the witness at `url` (its submission prefix) with its cosignature key."""
        try:
            parts = urlsplit(url)
            _ = parts.port
        except ValueError as error:
            raise UsageError(f"witness: {error}: {url[:80]!r}") from error
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError(f"witness: expected http(s)://host[:port][/prefix], got {url[:80]!r}")
        if key.kind != note.COSIGNATURE:
            raise UsageError(f"witness {url}: expected a cosignature key (type 4), got type {key.kind}")
        self._parts, self._key, self.name = parts, key, url

    def check(self, head: note.Note, view: View) -> int:
        """Have the witness compare: it refuses what does not extend what it keeps."""
        self.submit(head, view)
        return view.size

    def submit(self, head: note.Note, view: View) -> tuple[note.Signature, ...]:
        """Submit the head with a proof from the size that the witness keeps, which it tells."""
        own = parse(head.text)
        status, kind, body = self._post(head, 0, ())
        if status == http.client.CONFLICT and kind == SIZE_TYPE:
            kept = _size(body)
            if kept > own.size:
                raise LogTamperedError(
                    f"witness {self.name} keeps a checkpoint of {kept} entries, the log has {own.size}",
                    hint="the log was cut off or replaced by an older copy",
                )
            status, kind, body = self._post(head, kept, consistency_proof(kept, own.size, view.subtree))
        if status in (http.client.CONFLICT, http.client.UNPROCESSABLE_ENTITY):
            raise LogTamperedError(
                f"witness {self.name} keeps another history of this log (HTTP {status})",
                hint="entries were changed after they had been signed",
            )
        if status != http.client.OK:
            told = f"witness {self.name}: HTTP {status}"
            raise LogError(told, hint="404: it does not know the log; 403: another key signed it")
        try:
            signatures = note.parse_signatures(body.decode())
            self._key.check(note.Note(head.text, signatures))
        except (InputError, UnicodeDecodeError) as error:
            raise LogError(f"witness {self.name}: its answer is no cosignature ({error})") from error
        return tuple(found for found in signatures if found.key_id == self._key.key_id)

    def _post(self, head: note.Note, old: int, proof: Sequence[bytes]) -> tuple[int, str, bytes]:
        lines = [f"old {old}\n", *(f"{base64.b64encode(step).decode()}\n" for step in proof), "\n", head.render()]
        target = self._parts._replace(path=self._parts.path.rstrip("/") + ADD_CHECKPOINT, query="")
        try:
            answer = exchange("POST", target, "".join(lines).encode(), {}, MAX_RESPONSE_BYTES)
        except OSError as error:
            raise LogError(f"witness {self.name}: out of reach ({error})") from error
        return answer.status, answer.media_type, answer.body


def _size(body: bytes) -> int:
    text = body.strip()
    if not text.isdigit() or len(text) > 19:
        raise LogError("witness: expected a tree size")
    return int(text)
