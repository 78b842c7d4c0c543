"""Where receipts go: a file, a socket, an HTTP endpoint. The request never waits for one; what is dropped is counted.

A sink has a bounded queue and a thread that empties it. A full queue drops the receipt and counts it; the count travels
in the receipts that follow, so that whoever reconciles knows that some are missing.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import http.client
import os
import queue
import re
import socket
import ssl
import stat
import threading
import weakref
from pathlib import Path
from types import TracebackType
from typing import Protocol
from urllib.parse import SplitResult, urlsplit

import msgspec

from counterfoil.errors import UsageError
from counterfoil.exchange import TIMEOUT_SECONDS, target_of
from counterfoil.files import PRIVATE
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
# What of a collector's answer is read, so that the connection can be used again.
MAX_ANSWER_BYTES = 4096
# Linux, unix(7): 108 bytes with the one that ends it.
MAX_SOCKET_PATH = 107
_FOR_OTHERS = 0o007
_URL = re.compile(r"[!-~]{1,2048}")  # RFC 3986: visible ASCII
_FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.1
_FIELD_VALUE = re.compile(r"[\t -~\x80-\xff]*")  # RFC 9110, 5.5
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
        self._in_hand = 0  # receipts that were taken from the queue, and are neither delivered nor dropped
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
        with self._lock:
            if not self._closing.is_set() and self._thread.is_alive():  # a fork has no thread
                try:
                    self._queue.put_nowait(receipt)
                    return True
                except queue.Full:
                    pass
            self._dropped += 1
        return False

    def close(self) -> None:
        """Write what is queued, for as long as FLUSH_SECONDS, and end; what is left was dropped. Harmless if done."""
        with self._lock:  # nothing comes behind the end of the queue
            if self._closing.is_set():
                return
            self._closing.set()
        if self._thread.is_alive():
            with contextlib.suppress(queue.Full):
                self._queue.put(None, timeout=FLUSH_SECONDS)
                self._ended.wait(FLUSH_SECONDS)
        self._abandon()

    def __enter__(self) -> _Queued:
        """Return itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _abandon(self) -> None:
        """Count what nobody waits for any more. A batch on its way may still arrive: rather too many than too few."""
        with self._lock:
            with contextlib.suppress(queue.Empty):
                while True:
                    self._dropped += self._queue.get_nowait() is not None
            self._dropped, self._in_hand = self._dropped + self._in_hand, 0
        with contextlib.suppress(queue.Full):
            self._queue.put_nowait(None)  # a thread that comes back ends

    def _run(self) -> None:
        try:
            more = True
            while more:
                batch, more = self._batch()
                if batch:
                    self._deliver(batch)
        finally:
            self._closing.set()
            self._abandon()
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
        self._in_hand = len(batch)
        delivered = self._delivered(batch)
        with self._lock:
            if not delivered:
                self._dropped += self._in_hand
            self._in_hand = 0

    def _delivered(self, batch: list[Receipt]) -> bool:
        pause = FIRST_PAUSE
        for last in [False] * (MAX_TRIES - 1) + [True]:
            try:
                self._write(b"".join(_line(receipt, self._dropped) for receipt in batch))
                return True
            except OSError:
                self._reset()
            except Exception:  # noqa: BLE001  # whatever it is, the thread lives on, and no traceback tells a credential
                self._reset()
                break
            if last or (self._closing.wait(pause) and pause > FIRST_PAUSE):
                break
            pause = min(2 * pause, LAST_PAUSE)
        return False

    def _write(self, lines: bytes) -> None:
        raise NotImplementedError

    def _reset(self) -> None:
        """Let go of what failed; raises nothing."""

    def _finish(self) -> None:
        """Let go of everything."""
        self._reset()


class FileSink(_Queued):
    """Appends to a file of JSON lines, for its owner only. A file that was renamed or removed is begun anew.

    A link is followed; a device is written to; a FIFO is refused, since it blocks whoever writes (see `SocketSink`).
    """

    def __init__(self, path: Path, *, durable: bool = False) -> None:
        """Append to `path`; `durable`: sync after each batch.

        Raises UsageError if it cannot be opened, is neither a plain file nor a device, or is open to everybody.
        """
        self._path, self._durable, self._handle = path, durable, -1
        try:
            self._open()
        except OSError as error:
            raise UsageError(f"receipts: cannot write {path}: {error.strerror}") from error
        super().__init__()

    def _open(self) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOCTTY
        try:
            handle = os.open(self._path, flags | os.O_NONBLOCK, PRIVATE)
        except OSError as error:
            if error.errno == errno.ENXIO:  # a FIFO that nobody reads, a socket
                raise _no_file() from error
            raise
        try:
            found = os.fstat(handle)
            _check_kind(found)
            os.set_blocking(handle, True)
        except OSError:
            os.close(handle)
            raise
        self._handle, self._file = handle, _identity(found)

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
        handle, self._handle = self._handle, -1
        if handle >= 0:
            with contextlib.suppress(OSError):
                os.close(handle)


class SocketSink(_Queued):
    """Sends lines over a Unix socket (a path) or TCP (host and port); connects again when the other end went away."""

    def __init__(self, address: Path | tuple[str, int]) -> None:
        """Send to that address; it need not answer yet. Raises UsageError for what is none."""
        if not (_is_host(*address) if isinstance(address, tuple) else _is_socket_path(address)):
            raise UsageError("receipts: expected the path of a Unix socket, or a host and a port")
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
        held, self._socket = self._socket, None
        if held is not None:
            with contextlib.suppress(OSError):
                held.close()


class HttpSink(_Queued):
    """Posts batches of JSON lines (application/x-ndjson); any answer but 2xx is a failure."""

    def __init__(self, url: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        """Post to `url` with these headers besides (such as a collector's credential).

        Raises UsageError, which repeats neither: both may hold a secret.
        """
        self._parts = _collector(url)
        self._target = target_of(self._parts)
        for place, (name, value) in enumerate(headers, 1):
            if not _FIELD_NAME.fullmatch(name) or not _FIELD_VALUE.fullmatch(value):
                told = f"receipts: header {place} holds a sign that no header can, such as a line break (RFC 9110, 5.5)"
                raise UsageError(told, hint="a value that was read from a file often ends in one")
        self._headers = {"Content-Type": "application/x-ndjson", **dict(headers)}
        self._connection: http.client.HTTPConnection | None = None
        super().__init__()

    def _write(self, lines: bytes) -> None:
        if self._connection is None:
            self._connection = _connection(self._parts)
        try:
            self._connection.request("POST", self._target, lines, self._headers)
            answer = self._connection.getresponse()
        except http.client.HTTPException as error:
            raise OSError(type(error).__name__) from error
        if not 200 <= answer.status < 300:
            raise OSError(f"HTTP {answer.status}")
        # Delivered: whatever becomes of the answer's body, nothing is sent twice.
        with contextlib.suppress(OSError, http.client.HTTPException):
            answer.read(MAX_ANSWER_BYTES)
        if answer.will_close or not answer.isclosed():  # the next answer would begin amid this one
            self._reset()

    def _reset(self) -> None:
        held, self._connection = self._connection, None
        if held is not None:
            with contextlib.suppress(OSError):
                held.close()


def _check_kind(found: os.stat_result) -> None:
    """Raise OSError for what receipts do not go to."""
    if stat.S_ISCHR(found.st_mode):
        return
    if not stat.S_ISREG(found.st_mode):
        raise _no_file()
    if found.st_mode & _FOR_OTHERS:
        raise OSError(errno.EPERM, "everybody may read or write it: chmod 600")


def _no_file() -> OSError:
    return OSError(errno.EINVAL, "it is neither a plain file nor a device")


def _is_socket_path(path: Path) -> bool:
    try:
        return 0 < len(os.fsencode(path)) <= MAX_SOCKET_PATH
    except ValueError:
        return False


def _is_host(host: str, port: int | None) -> bool:
    """Tell whether a host and a port (None: the usual) can be connected to, whoever answers."""
    try:
        named = bool(host) and host.isprintable() and " " not in host and host.encode("idna")
    except ValueError:  # a label that is empty, or longer than 63 signs
        return False
    return bool(named) and (port is None or 0 < port < 65_536)


def _collector(url: str) -> SplitResult:
    """Return the parts of an address of receipts; raises UsageError, without the address."""
    try:
        parts = urlsplit(url) if _URL.fullmatch(url) else urlsplit("")
        if parts.scheme in ("http", "https") and parts.username is None and _is_host(parts.hostname or "", parts.port):
            return parts
    except ValueError:
        pass
    raise UsageError("receipts: expected http(s)://host[:port]/path, in ASCII and without a user name")


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
