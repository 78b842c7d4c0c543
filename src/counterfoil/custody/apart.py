"""A back-end in a process of its own.

So run those whose library shares Python's lock with us: next to busy threads each of its calls would wait for the lock
again, and a token that signs a thousand times a second would sign eighty times. A library that crashes there ends no
service, and this process never has its PIN.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import msgspec

from counterfoil.custody import driver as drivers
from counterfoil.custody.algorithm import Algorithm
from counterfoil.custody.asking import Failure
from counterfoil.custody.driver import Driver
from counterfoil.custody.hardening import harden
from counterfoil.custody.keys import Attestation, Capabilities, NewKey, Signed
from counterfoil.custody.messages import receive, send
from counterfoil.custody.settings import StoreSettings, path_of
from counterfoil.errors import CounterfoilError, KeyStoreError

APART = frozenset({"pkcs11"})
# How long a device may take to begin, to answer, and to end.
BEGIN_SECONDS, ANSWER_SECONDS, END_SECONDS = 60.0, 60.0, 10.0
T = TypeVar("T")


class Ask(msgspec.Struct, frozen=True):
    """A method of a driver, and what it is given; the rest stays empty."""

    method: str
    reference: str
    algorithm: str = ""
    data: bytes = b""
    label: str = ""


class Told(msgspec.Struct, frozen=True):
    """What came of it: one of these, or nothing."""

    failure: Failure | None = None
    signed: Signed | None = None
    made: NewKey | None = None
    attestation: Attestation | None = None
    capabilities: Capabilities | None = None


def opened(settings: StoreSettings) -> Driver:
    """Return the driver that the settings name; UsageError if its library is not installed."""
    return Apart(settings) if settings.backend in APART else drivers.opened(settings)


@dataclass
class _Waiting:
    """Who waits for an answer: the lock is held until it is there, or until there will be none."""

    answer: Told | None = None
    gate: threading.Lock = field(default_factory=threading.Lock)


class Apart:
    """The driver of another process. Threads ask at once, and it answers in that order.

    It is a failed back-end from the moment that process ends or says nothing.
    """

    def __init__(self, settings: StoreSettings) -> None:
        """Start the process, which opens the back-end; raises what it met."""
        self._connection, theirs = socket.socketpair()
        handle = theirs.fileno()
        # -P: no module of the folder that we happen to be in; a session of its own: Ctrl-C is for us
        command = [sys.executable, "-P", "-m", __name__, str(handle)]
        self._process = subprocess.Popen(  # noqa: S603  # our own module
            command, pass_fds=(handle,), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True,
        )
        theirs.close()
        self._asking, self._waiting, self._gone = threading.Lock(), deque[_Waiting](), False
        threading.Thread(target=self._read, daemon=True).start()
        try:
            told = self._answer(msgspec.msgpack.encode(settings, enc_hook=str), BEGIN_SECONDS).capabilities
        except BaseException:
            self.close()
            raise
        self.capabilities = _there(told)

    def generate(self, label: str, algorithm: Algorithm) -> NewKey:
        """Make a key pair."""
        return _there(self._ask("generate", "", str(algorithm), label=label).made)

    def attach(self, label: str, reference: str) -> NewKey:
        """Take over a key that exists."""
        return _there(self._ask("attach", reference, label=label).made)

    def sign(self, reference: str, algorithm: Algorithm, signing_input: bytes) -> Signed:
        """Sign."""
        return _there(self._ask("sign", reference, str(algorithm), signing_input).signed)

    def disable(self, reference: str) -> None:
        """Have the back-end refuse this key."""
        self._ask("disable", reference)

    def destroy(self, reference: str) -> None:
        """Delete the private key."""
        self._ask("destroy", reference)

    def attest(self, reference: str) -> Attestation:
        """Return what the back-end states about a key."""
        return _there(self._ask("attest", reference).attestation)

    def audit_digest(self, nonce: bytes) -> Attestation | None:
        """Return the device's signed digest, if it keeps one."""
        return self._ask("audit_digest", "", data=nonce).attestation

    def close(self) -> None:
        """Have the process end; harmless if it has."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)  # whoever else may hold it
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _ask(self, method: str, reference: str, algorithm: str = "", data: bytes = b"", *, label: str = "") -> Told:
        return self._answer(msgspec.msgpack.encode(Ask(method, reference, algorithm, data, label)), ANSWER_SECONDS)

    def _answer(self, body: bytes, seconds: float) -> Told:
        mine = _Waiting()
        mine.gate.acquire()
        with self._asking:
            if not self._gone:
                self._waiting.append(mine)
                try:
                    send(self._connection, body)
                except BaseException as error:  # Ctrl-C as well: what follows half a message would not be understood
                    self._process.kill()
                    if not isinstance(error, OSError):
                        raise
        if not self._gone and not mine.gate.acquire(timeout=seconds):
            self._process.kill()
        if mine.answer is None:
            told = "the process of the key store ended, or does not answer"
            raise KeyStoreError(told, hint="open custody again; its device may know why")
        if mine.answer.failure is not None:
            raise mine.answer.failure.error()
        return mine.answer

    def _read(self) -> None:
        """Hand out answers, in a thread of its own, until there are no more."""
        with contextlib.suppress(OSError, KeyStoreError, msgspec.MsgspecError):
            while (body := receive(self._connection)) is not None:
                told = msgspec.msgpack.decode(body, type=Told)
                waiting = self._waiting.popleft()
                waiting.answer = told
                waiting.gate.release()
        self._process.kill()
        with self._asking:
            self._gone = True
            for waiting in self._waiting:
                waiting.gate.release()
        self._connection.close()


def _there(value: T | None) -> T:
    if value is None:
        raise KeyStoreError("the process of the key store answers something else")
    return value


def _done(driver: Driver, ask: Ask) -> Told:
    """Do what is asked here."""
    match ask.method:
        case "sign":
            return Told(signed=driver.sign(ask.reference, Algorithm(ask.algorithm), ask.data))
        case "generate":
            return Told(made=driver.generate(ask.label, Algorithm(ask.algorithm)))
        case "attach":
            return Told(made=driver.attach(ask.label, ask.reference))
        case "disable":
            driver.disable(ask.reference)
        case "destroy":
            driver.destroy(ask.reference)
        case "attest":
            return Told(attestation=driver.attest(ask.reference))
        case "audit_digest":
            return Told(attestation=driver.audit_digest(ask.data))
    return Told()


def _tried(action: Callable[[], Told]) -> Told:
    try:
        return action()
    except CounterfoilError as error:
        return Told(Failure.of(error))
    except Exception as error:  # noqa: BLE001  # a fault of ours or of a library: what it holds is not told
        return Told(Failure.of(KeyStoreError(type(error).__name__)))


def _serve(connection: socket.socket) -> None:
    """Open the back-end that is asked for, and answer until the other end is closed."""
    harden()
    body = receive(connection)
    if body is None:
        return
    held = list[Driver]()

    def begin(told: bytes) -> Told:
        held.append(drivers.opened(msgspec.msgpack.decode(told, type=StoreSettings, dec_hook=path_of)))
        return Told(capabilities=held[0].capabilities)

    send(connection, msgspec.msgpack.encode(_tried(partial(begin, body))))
    for driver in held:
        while (body := receive(connection)) is not None:
            ask = msgspec.msgpack.decode(body, type=Ask)
            send(connection, msgspec.msgpack.encode(_tried(partial(_done, driver, ask))))
        driver.close()


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
