"""The signer: a process of its own that holds the keys and answers over a Unix socket.

The token service never has a key in its memory; the signer never has a token service's bugs in its own. Who asks is
what the kernel says about the other end of the socket (SO_PEERCRED), not what the other end says.

A message is JSON. One connection may ask many times; requests of one connection
are answered in order.
"""

from __future__ import annotations

import contextlib
import grp
import pwd
import selectors
import socket
import struct
import threading
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import msgspec

from counterfoil.custody.asking import Answer, Failure, Request
from counterfoil.custody.audit import Caller, Operation
from counterfoil.custody.custody import Custody, refusal
from counterfoil.custody.messages import receive, send
from counterfoil.custody.settings import SignerSettings
from counterfoil.errors import CounterfoilError, LogError, UsageError

# Connections at once; those of peers that are on no list have places of their own, so that they take nobody else's.
MAX_CONNECTIONS, MAX_STRANGERS = 256, 16
# A peer that is refused is recorded at once, and again after so long, with how often it asked.
REFUSAL_SECONDS = 60.0
MAX_REFUSED = 1_024
# A connection that asks nothing for so long is closed; sooner, if its peer is on no list. Clients connect again.
IDLE_SECONDS, STRANGER_SECONDS = 600.0, 5.0
_PEER = struct.Struct("3i")  # struct ucred: pid, uid, gid
# What everybody on the allow list may ask; the rest is for admins.
_OPEN_TO_ALL = frozenset({Operation.SIGN, Operation.LIST})


class Signer:
    """Answers requests on a socket with a custody. `serve` runs until `stop`."""

    def __init__(self, custody: Custody, settings: SignerSettings, path: Path) -> None:
        """Listen at `path`; UsageError if the allow list is empty or names nobody, LogError if the socket is taken."""
        self._allow, self._admins = _Peers(settings.allow), _Peers(settings.admins)
        if not settings.allow and not settings.admins:
            raise UsageError("nobody may sign", hint="name users or @groups in [signer] allow and admins")
        self._custody, self._path, self._every = custody, path, settings.witness_seconds
        self._slots = threading.BoundedSemaphore(MAX_CONNECTIONS)
        self._strangers = threading.BoundedSemaphore(MAX_STRANGERS)
        self._refusals = _Refusals(custody)
        self._stopping = threading.Event()
        self._wake, self._woken = socket.socketpair()
        self._open: set[socket.socket] = set()
        self._socket = _listening(path)

    def serve(self, told: Callable[[str], None]) -> None:
        """Answer until `stop`; `told` gets one line for what operators must know."""
        keeper = threading.Thread(target=self._keep_witnesses, args=(told,), daemon=True)
        keeper.start()
        with selectors.DefaultSelector() as ready:
            ready.register(self._socket, selectors.EVENT_READ)
            ready.register(self._woken, selectors.EVENT_READ)
            while not self._stopping.is_set():
                for event, _ in ready.select():
                    if event.fileobj is self._socket:
                        self._accept()
        self._socket.close()
        self._path.unlink(missing_ok=True)
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RD)  # what was asked is still answered
        keeper.join()
        for slots, count in ((self._slots, MAX_CONNECTIONS), (self._strangers, MAX_STRANGERS)):
            for _ in range(count):  # every answer that was begun is finished
                slots.acquire()
        with contextlib.suppress(CounterfoilError):
            self._refusals.record(0.0)

    def stop(self) -> None:
        """End `serve`; may be called from a signal handler."""
        self._stopping.set()
        self._wake.send(b"x")

    def _accept(self) -> None:
        try:
            connection, _ = self._socket.accept()
        except OSError:
            return  # it went away, or there are no descriptors: the next one may have more luck
        pid, uid, gid = _peer(connection)
        known = self._allow.has(uid, gid) or self._admins.has(uid, gid)
        slots = self._slots if known else self._strangers
        if not slots.acquire(blocking=False):
            connection.close()
            return
        self._open.add(connection)
        asking = (connection, pid, uid, gid, known, slots)
        threading.Thread(target=self._answer, args=asking, daemon=True).start()

    def _answer(
        self, connection: socket.socket, pid: int, uid: int, gid: int, known: bool, slots: threading.BoundedSemaphore
    ) -> None:
        try:
            with connection, contextlib.suppress(OSError):
                caller = Caller.of(pid, _user(uid))
                connection.settimeout(IDLE_SECONDS if known else STRANGER_SECONDS)
                while (body := receive(connection)) is not None and not self._stopping.is_set():
                    send(connection, msgspec.json.encode(self._answered(body, caller, uid, gid)))
                    if not known:
                        return  # one answer, which is no
        except CounterfoilError:
            pass  # what cannot be read is not answered: the connection is closed
        finally:
            self._open.discard(connection)
            slots.release()

    def _answered(self, body: bytes, caller: Caller, uid: int, gid: int) -> Answer:
        try:
            request = msgspec.json.decode(body, type=Request)
            admin = self._admins.has(uid, gid)
            if not admin and not (request.op in _OPEN_TO_ALL and self._allow.has(uid, gid)):
                self._refusals.add(uid, request.op, request.key, caller)
                raise refusal(caller, request.op)
            return self._custody.answer(request, caller)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            return Answer(Failure("UsageError", f"signer: {error}"))
        except CounterfoilError as error:
            return Answer(Failure.of(error))

    def _keep_witnesses(self, told: Callable[[str], None]) -> None:
        """Submit the log's head now and then, while it grows."""
        submitted = -1
        while True:
            stopping = self._stopping.wait(self._every)
            try:
                self._refusals.record(REFUSAL_SECONDS)
                if self._custody.size() != submitted:
                    made = self._custody.checkpoint(purpose="signer")
                    submitted = made.size
                    for line in made.unreachable:
                        told(line)
            except CounterfoilError as error:
                told(f"{type(error).__name__}: {error}")
            if stopping:
                return


class _Refusals:
    """Who was refused what: recorded at once, and then counted, so that nobody fills the log by asking."""

    def __init__(self, custody: Custody) -> None:
        self._custody, self._lock = custody, threading.Lock()
        # per user and operation: when it was recorded last, how often it was asked since; of the last ask, key and who
        self._held: dict[tuple[int, Operation], tuple[float, int, str, Caller]] = {}

    def add(self, uid: int, op: Operation, key: str, caller: Caller) -> None:
        """Take in one ask."""
        now = time.monotonic()
        with self._lock:
            known = self._held.get((uid, op))
            if known is None and len(self._held) >= MAX_REFUSED:
                uid = -1  # more users than any machine has: counted together
                known = self._held.get((uid, op))
            self._held[uid, op] = (now, 0, key, caller) if known is None else (known[0], known[1] + 1, key, caller)
        if known is None:
            self._custody.refuse(op, key, caller)

    def record(self, after: float) -> None:
        """Record what was counted for so many seconds, and forget who was quiet."""
        now = time.monotonic()
        with self._lock:
            due = {what: held for what, held in self._held.items() if now - held[0] >= after}
            for what, (_, asks, key, caller) in due.items():
                if asks:
                    self._held[what] = (now, 0, key, caller)
                else:
                    del self._held[what]
        for (_, op), (_, asks, key, caller) in due.items():
            if asks:
                self._custody.refuse(op, key, caller, asks)


class _Peers:
    """Users, and groups with an at sign, by name or number."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._users, self._groups = set[int](), set[int]()
        self._members: set[str] = set()
        for name in names:
            try:
                if name.startswith("@"):
                    found = grp.getgrgid(int(name[1:])) if name[1:].isdigit() else grp.getgrnam(name[1:])
                    self._groups.add(found.gr_gid)
                    self._members.update(found.gr_mem)
                else:
                    self._users.add(int(name) if name.isdigit() else pwd.getpwnam(name).pw_uid)
            except KeyError as error:
                raise UsageError(f"signer: there is no user or group {name[:80]!r}") from error

    def has(self, uid: int, gid: int) -> bool:
        """Tell whether a peer is one of them."""
        return uid in self._users or gid in self._groups or (bool(self._members) and _user(uid) in self._members)


def _listening(path: Path) -> socket.socket:
    """Return a listening socket; one that a dead signer left is replaced, and nothing else is."""
    if path.exists() and not path.is_socket():
        raise UsageError(f"signer: {path} is there, and is no socket", hint="[signer] socket says where to listen")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe, contextlib.suppress(OSError):
        probe.connect(str(path))
        raise LogError(f"another signer answers at {path}")
    path.unlink(missing_ok=True)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        server.bind(str(path))
        path.chmod(0o666)  # everybody may connect; who may ask is decided by what the kernel says about them
        server.listen(MAX_CONNECTIONS)
    except OSError as error:
        server.close()
        raise LogError(f"signer: cannot listen at {path}: {error.strerror or error}") from error
    return server


def _peer(connection: socket.socket) -> tuple[int, int, int]:
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    pid, uid, gid = _PEER.unpack(raw)
    return pid, uid, gid


@lru_cache(MAX_REFUSED)  # asked for each connection, and slow where users are in a directory
def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
