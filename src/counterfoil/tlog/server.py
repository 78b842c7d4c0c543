"""A witness over HTTP (c2sp.org/tlog-witness): keeps the latest checkpoint of the logs it knows, and cosigns it.

It remembers one checkpoint a log, durably before it answers, and cosigns only what extends that one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from counterfoil.errors import CounterfoilError, InputError, LogError, LogTamperedError
from counterfoil.exchange import TIMEOUT_SECONDS
from counterfoil.tlog import note
from counterfoil.tlog.checkpoint import Checkpoint, opened, parse
from counterfoil.tlog.folder import Folder
from counterfoil.tlog.merkle import EMPTY_ROOT, verify_consistency
from counterfoil.tlog.witness import ADD_CHECKPOINT, SIZE_TYPE

MAX_REQUEST_BYTES = 128 * 1024
# Proof lines of a request (tlog-witness).
MAX_PROOF_LINES = 63
KEY_FILE, SECRET_FILE = "witness.vkey", "witness.key"


@dataclass(frozen=True)
class Request:
    """What add-checkpoint submits: the size that the client believes to be kept, a proof from there, the checkpoint."""

    old: int
    proof: tuple[bytes, ...]
    checkpoint: bytes

    @classmethod
    def parse(cls, raw: bytes) -> Request:
        """Read a request's body; InputError if it is malformed."""
        above, gap, checkpoint = raw.partition(b"\n\n")
        lines = above.split(b"\n")
        if not gap or not lines[0].startswith(b"old ") or len(lines) - 1 > MAX_PROOF_LINES:
            raise InputError("add-checkpoint: expected old SIZE, proof lines, an empty line, a checkpoint")
        size = lines[0].removeprefix(b"old ")
        if not size.isdigit() or len(size) > 19 or str(int(size)).encode() != size:
            raise InputError("add-checkpoint: the old size is no decimal number")
        try:
            proof = tuple(base64.b64decode(line, validate=True) for line in lines[1:])
        except (binascii.Error, ValueError) as error:
            raise InputError("add-checkpoint: a proof line is not base64") from error
        return cls(int(size), proof, checkpoint)


@dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    status: HTTPStatus
    body: str = ""
    kind: str = "text/plain"


class Keeper:
    """Decides about checkpoints and keeps them in a folder. The clock gives POSIX seconds."""

    def __init__(self, path: Path, name: str, logs: Sequence[note.VerifierKey], clock: Callable[[], float]) -> None:
        """Keep checkpoints of these logs in `path`; a key called `name` is made there at the first start."""
        self._folder, self._clock = Folder(path), clock
        self._folder.make()
        self._lock = threading.Lock()
        self._logs = {log.name: log for log in logs}
        self._key = self._own_key(name)

    @property
    def key(self) -> note.VerifierKey:
        """The key of its cosignatures."""
        return self._key.verifier(note.COSIGNATURE)

    def add_checkpoint(self, raw: bytes) -> Answer:
        """Judge one request, in the order of tlog-witness."""
        try:
            request = Request.parse(raw)
            new = parse(note.parse(request.checkpoint).text)
        except InputError as error:
            return Answer(HTTPStatus.BAD_REQUEST, f"{error}\n")
        log = self._logs.get(new.origin)
        if log is None:
            return Answer(HTTPStatus.NOT_FOUND)
        try:
            _, found = opened(request.checkpoint, log)
        except CounterfoilError:
            return Answer(HTTPStatus.FORBIDDEN)
        if request.old > new.size:
            return Answer(HTTPStatus.BAD_REQUEST)
        with self._lock:  # compare and keep as one
            return self._compared(request, new, found, log)

    def _compared(self, request: Request, new: Checkpoint, found: note.Note, log: note.VerifierKey) -> Answer:
        kept = self._kept(log)
        if request.old != kept.size:
            return Answer(HTTPStatus.CONFLICT, f"{kept.size}\n", SIZE_TYPE)
        if kept.size == new.size and kept.root != new.root:
            return Answer(HTTPStatus.CONFLICT)
        try:
            verify_consistency(kept.size, kept.root, new.size, new.root, request.proof)
        except LogTamperedError:
            return Answer(HTTPStatus.UNPROCESSABLE_ENTITY)
        cosigned = self._key.cosign(new.text(), int(self._clock()))
        self._folder.put(_file(log), note.signed(new.text(), [*found.signatures, cosigned]).render().encode())
        return Answer(HTTPStatus.OK, cosigned.line())

    def _kept(self, log: note.VerifierKey) -> Checkpoint:
        raw = self._folder.read(_file(log))
        return Checkpoint(log.name, 0, EMPTY_ROOT) if raw is None else opened(raw, log)[0]

    def _own_key(self, name: str) -> note.SignerKey:
        raw = self._folder.read(SECRET_FILE)
        if raw is not None:
            return note.SignerKey.parse(raw.decode(errors="replace"))
        key = note.SignerKey.generate(name)
        self._folder.put(SECRET_FILE, f"{key.render()}\n".encode())
        self._folder.put(KEY_FILE, f"{key.verifier(note.COSIGNATURE).render()}\n".encode())
        return key


def serve(keeper: Keeper, host: str, port: int) -> ThreadingHTTPServer:
    """Return a server of this witness that listens; the caller runs `serve_forever` and closes it."""

    class Handler(BaseHTTPRequestHandler):
        timeout = TIMEOUT_SECONDS
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            """Answer add-checkpoint."""
            length = self.headers.get("Content-Length", "")
            if self.path != ADD_CHECKPOINT:
                self._answer(Answer(HTTPStatus.NOT_FOUND))
            elif not length.isdigit() or int(length) > MAX_REQUEST_BYTES:
                self._answer(Answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE))
            else:
                self._answer(self._judged(self.rfile.read(int(length))))

        def _judged(self, raw: bytes) -> Answer:
            try:
                return keeper.add_checkpoint(raw)
            except CounterfoilError:  # what it keeps is damaged or cannot be written: no cosignature
                return Answer(HTTPStatus.INTERNAL_SERVER_ERROR)

        def _answer(self, answer: Answer) -> None:
            body = answer.body.encode()
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet: what counts is kept in the folder."""

    try:
        return ThreadingHTTPServer((host, port), Handler)
    except OSError as error:
        raise LogError(f"witness: cannot listen on {host}:{port} ({error.strerror})") from error


def _file(log: note.VerifierKey) -> str:
    return "kept/" + hashlib.sha256(log.name.encode()).hexdigest()[:32]
