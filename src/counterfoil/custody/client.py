"""The client of a signer process: the methods of `Custody`, over its Unix socket."""

from __future__ import annotations

import select
import socket
import threading
import time
from pathlib import Path
from types import TracebackType

import msgspec

from counterfoil.custody import messages
from counterfoil.custody.asking import Answer, Asked, Request
from counterfoil.errors import KeyStoreError

TIMEOUT_SECONDS = 60
_QUEUED_SECONDS = 0.01  # between two looks whether there is a place


class SignerClient(Asked):
    """Asks a signer. Threads may share it: each request has a connection of its own while it lasts."""

    def __init__(self, path: Path) -> None:
        """Use the signer that listens at `path`; connects when first asked."""
        self._path, self._idle, self._lock = path, list[socket.socket](), threading.Lock()

    @property
    def path(self) -> Path:
        """The signer's socket."""
        return self._path

    def answer(self, request: Request) -> Answer:
        """Have the signer do it; raises the error that it met, as one of the same class."""
        connection = self._connection()
        try:
            messages.send(connection, msgspec.json.encode(request))
            body = messages.receive(connection)
            if body is None:
                raise KeyStoreError("signer: it closed the connection", hint="it stopped, or is full; its log knows")
            answer = msgspec.json.decode(body, type=Answer)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            connection.close()
            raise KeyStoreError(f"signer {self._path}: {error}") from error
        except BaseException:
            connection.close()
            raise
        with self._lock:
            self._idle.append(connection)
        if answer.failure is not None:
            raise answer.failure.error()
        return answer

    def close(self) -> None:
        """Close idle connections."""
        with self._lock:
            for connection in self._idle:
                connection.close()
            self._idle.clear()

    def __enter__(self) -> SignerClient:
        """Return itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _connection(self) -> socket.socket:
        with self._lock:
            while self._idle:
                kept = self._idle.pop()
                if not select.select([kept], [], [], 0)[0]:  # readable means closed: nothing was asked
                    return kept
                kept.close()
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(TIMEOUT_SECONDS)
        try:
            _connect(connection, str(self._path))
        except OSError as error:
            connection.close()
            told = f"no signer answers at {self._path} ({error.strerror or error})"
            raise KeyStoreError(told, hint="counterfoil keys serve starts one") from error
        return connection


def _connect(connection: socket.socket, path: str) -> None:
    """Connect, and wait for a place in the signer's queue where others have taken all of them.

    Raises OSError, BlockingIOError after TIMEOUT_SECONDS without one.
    """
    until = time.monotonic() + TIMEOUT_SECONDS
    while True:
        try:
            return connection.connect(path)
        except BlockingIOError:  # what a socket with a time limit says of a full queue: it does not wait itself
            if time.monotonic() > until:
                raise
            time.sleep(_QUEUED_SECONDS)
