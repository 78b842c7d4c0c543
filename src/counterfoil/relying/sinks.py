"""Where receipts go: a file, a socket, an HTTP endpoint. The request never waits for one; what is dropped is counted.

A sink has a bounded queue and a thread that empties it. A full queue drops the receipt and counts it; the count travels
in the receipts that follow, so that whoever reconciles knows that some are missing.
"""

from __future__ import annotations

import atexit
import http.client
import os
import queue
import socket
import ssl
import threading
import weakref
from pathlib import Path
from types import TracebackType
from typing import Protocol
from urllib.parse import SplitResult, urlsplit

import msgspec

from counterfoil.errors import UsageError
from counterfoil.exchange import TIMEOUT_SECONDS, target_of
from counterfoil.model.receipt import Receipt

# Receipts that wait; about a kilobyte each.
MAX_WAITING = 65_536
# Receipts that are written, or sent, at once.
MAX_BATCH = 512
# How long `close` waits for what is queued.
FLUSH_SECONDS = 10.0
# After a failure, so long until the next try; doubled up to the last.
FIRST_PAUSE, LAST_PAUSE = 0.1, 10.0
# Tries of one batch before it is dropped.
MAX_TRIES = 6
_encode = msgspec.json.Encoder().encode


class Sink(Protocol):
    """Takes receipts."""

    def put(self, receipt: Receipt) -> bool:
        """Take a receipt without waiting; False if it was dropped."""

    def close(self) -> None:
        """Write what is queued, for as long as FLUSH_SECONDS, and end."""


class _Queued:
    """The queue and the thread that all sinks have. Subclasses write a batch, and raise OSError if they cannot."""

    def __init__(self) -> None:
        self._queue: queue.Queue[Receipt | None] = queue.Queue(MAX_WAITING)
        self._dropped, self._lock, self._ended = 0, threading.Lock(), threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="receipts", daemon=True)
        self._thread.start()
        atexit.register(_close, weakref.ref(self))

    @property
    def dropped(self) -> int:
        """How many receipts were dropped so far."""
        return self._dropped

    def put(self, receipt: Receipt) -> bool:
        """Take a receipt without waiting; False if it was dropped."""
        if not self._closing.is_set():
            try:
                self._queue.put_nowait(receipt)
                return True
            except queue.Full:
                pass
        self._drop(1)
        return False

    def close(self) -> None:
        """Write what is queued, for as long as FLUSH_SECONDS, and end. Harmless if done."""
        if self._closing.is_set():
            return
        self._closing.set()
        try:
            self._queue.put(None, timeout=FLUSH_SECONDS)
        except queue.Full:
            return
        self._ended.wait(FLUSH_SECONDS)

    def __enter__(self) -> _Queued:
        """Return itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _drop(self, count: int) -> None:
        with self._lock:
            self._dropped += count

    def _run(self) -> None:
        try:
            more = True
            while more:
                batch, more = self._batch()
                if batch:
                    self._deliver(batch)
        finally:
            self._finish()
            self._ended.set()

    def _batch(self) -> tuple[list[Receipt], bool]:
        """Wait for receipts and return those that are there; False: there will be no more."""
        batch: list[Receipt] = []
        item = self._queue.get()
        while item is not None:
            batch.append(item)
            if len(batch) == MAX_BATCH:
                return batch, True
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return batch, True
        return batch, False

    def _deliver(self, batch: list[Receipt]) -> None:
        """Write a batch; after the last try it is dropped, and counted."""
        pause = FIRST_PAUSE
        for last in [False] * (MAX_TRIES - 1) + [True]:
            lines = b"".join(_line(receipt, self._dropped) for receipt in batch)
            try:
                self._write(lines)
                return
            except OSError:
                self._reset()
            if last or (self._closing.wait(pause) and pause > FIRST_PAUSE):
                break
            pause = min(2 * pause, LAST_PAUSE)
        self._drop(len(batch))

    def _write(self, lines: bytes) -> None:
        raise NotImplementedError

    def _reset(self) -> None:
        """Let go of what failed."""

    def _finish(self) -> None:
        """Let go of everything."""
        self._reset()


class FileSink(_Queued):
    """Appends to a file of JSON lines, for its owner only. A file that was renamed or removed is begun anew."""

    def __init__(self, path: Path, *, durable: bool = False) -> None:
        """Append to `path`; `durable`: sync after each batch. Raises UsageError if it cannot be opened."""
        self._path, self._durable, self._handle = path, durable, -1
        try:
            self._open()
        except OSError as error:
            raise UsageError(f"receipts: cannot write {path}: {error.strerror}") from error
        super().__init__()

    def _open(self) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._handle = os.open(self._path, flags, 0o600)
        self._file = _identity(os.fstat(self._handle))

    def _write(self, lines: bytes) -> None:
        try:
            moved = _identity(self._path.stat()) != self._file
        except FileNotFoundError:
            moved = True
        if self._handle >= 0 and moved:
            self._reset()
        if self._handle < 0:
            self._open()
        start, done = os.fstat(self._handle).st_size, 0
        try:
            while done < len(lines):
                done += os.write(self._handle, lines[done:])
            if self._durable:
                os.fdatasync(self._handle)
        except OSError:
            if done:  # a full disk: no half of a line stays before the next try
                os.ftruncate(self._handle, start)
            raise

    def _reset(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


class SocketSink(_Queued):
    """Sends lines over a Unix socket (a path) or TCP (host and port); connects again when the other end went away."""

    def __init__(self, address: Path | tuple[str, int]) -> None:
        """Send to that address; it need not answer yet."""
        self._address, self._socket = address, None
        super().__init__()

    _socket: socket.socket | None

    def _write(self, lines: bytes) -> None:
        if self._socket is None:
            self._socket = self._connected()
        self._socket.sendall(lines)

    def _connected(self) -> socket.socket:
        if isinstance(self._address, tuple):
            return socket.create_connection(self._address, TIMEOUT_SECONDS)
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            made.settimeout(TIMEOUT_SECONDS)
            made.connect(str(self._address))
        except OSError:
            made.close()
            raise
        return made

    def _reset(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class HttpSink(_Queued):
    """Posts batches of JSON lines (application/x-ndjson); any answer but 2xx is a failure."""

    def __init__(self, url: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        """Post to `url` with these headers besides (such as a collector's credential). Raises UsageError."""
        try:
            parts = urlsplit(url)
            fits = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            fits = False
        if not fits:
            raise UsageError(f"receipts: expected http(s)://host[:port]/path, got {url[:80]!r}")
        self._parts, self._target = parts, target_of(parts)
        self._headers = {"Content-Type": "application/x-ndjson", **dict(headers)}
        self._connection: http.client.HTTPConnection | None = None
        super().__init__()

    def _write(self, lines: bytes) -> None:
        if self._connection is None:
            self._connection = _connection(self._parts)
        try:
            self._connection.request("POST", self._target, lines, self._headers)
            answer = self._connection.getresponse()
            answer.read(MAX_BATCH)
        except http.client.HTTPException as error:
            raise OSError(str(error)) from error
        if not 200 <= answer.status < 300:
            raise OSError(f"HTTP {answer.status}")
        if answer.will_close:
            self._reset()

    def _reset(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _connection(parts: SplitResult) -> http.client.HTTPConnection:
    """Return a connection to the host of an address, which opens when it is used."""
    host, port = parts.hostname or "", parts.port
    if parts.scheme == "https":
        return http.client.HTTPSConnection(host, port, timeout=TIMEOUT_SECONDS, context=ssl.create_default_context())
    return http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)


def _line(receipt: Receipt, dropped: int) -> bytes:
    counted = msgspec.structs.replace(receipt, dropped=dropped) if dropped else receipt
    return _encode(counted) + b"\n"


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino


def _close(sink: weakref.ref[_Queued]) -> None:
    """Flush a sink when the process ends, if it is still there."""
    held = sink()
    if held is not None:
        held.close()
