"""The client of a signer process: the methods of `Custody`, over its Unix socket."""

from __future__ import annotations

import select
import socket
import threading
from pathlib import Path
from types import TracebackType

import msgspec

from counterfoil import errors
from counterfoil.custody import signer
from counterfoil.custody.algorithm import Algorithm
from counterfoil.custody.audit import Operation
from counterfoil.custody.keys import Attestation, KeyVersion, Signed
from counterfoil.errors import CounterfoilError, KeyStoreError

TIMEOUT_SECONDS = 60


class SignerClient:
    """Asks a signer. Threads may share it: each request has a connection of its own while it lasts."""

    def __init__(self, path: Path) -> None:
        """Use the signer that listens at `path`; connects when first asked."""
        self._path, self._idle, self._lock = path, list[socket.socket](), threading.Lock()

    @property
    def path(self) -> Path:
        """The signer's socket."""
        return self._path

    def sign(self, name: str, signing_input: bytes, *, kid: str = "", purpose: str = "") -> Signed:
        """Sign a JWS signing input; see `Custody.sign`."""
        answer = self._ask(signer.Request(Operation.SIGN, name, signing_input, purpose, kid=kid))
        if answer.signed is None:
            raise KeyStoreError("signer: its answer holds no signature")
        return answer.signed

    def keys(self, *, purpose: str = "") -> tuple[KeyVersion, ...]:
        """Return every version of every key."""
        return self._ask(signer.Request(Operation.LIST, purpose=purpose)).keys

    def create(self, name: str, algorithm: Algorithm, *, purpose: str = "") -> KeyVersion:
        """Make a key."""
        return self._ask(signer.Request(Operation.CREATE, name, b"", purpose, str(algorithm))).keys[0]

    def attach(
        self, name: str, reference: str, algorithm: Algorithm | None = None, *, purpose: str = ""
    ) -> KeyVersion:
        """Take a key that exists into custody; a file is one of the signer's machine."""
        told = str(algorithm or "")
        return self._ask(signer.Request(Operation.ATTACH, name, b"", purpose, told, reference)).keys[0]

    def prepare(self, name: str, *, purpose: str = "") -> KeyVersion:
        """Make the next version of a key without letting it sign yet."""
        return self._ask(signer.Request(Operation.PREPARE, name, b"", purpose)).keys[0]

    def rotate(self, name: str, *, purpose: str = "") -> KeyVersion:
        """Let the next version of a key sign, made now unless it was prepared."""
        return self._ask(signer.Request(Operation.ROTATE, name, b"", purpose)).keys[0]

    def retire(self, name: str, kid: str, *, purpose: str = "") -> KeyVersion:
        """Take a previous version out of the published key set."""
        return self._ask(signer.Request(Operation.RETIRE, name, b"", purpose, kid=kid)).keys[0]

    def block(self, name: str, kid: str, reason: str, *, purpose: str = "") -> KeyVersion:
        """Let a version that is known or feared to be out sign no more."""
        return self._ask(signer.Request(Operation.BLOCK, name, b"", purpose, kid=kid, reason=reason)).keys[0]

    def disable(self, name: str, *, purpose: str = "") -> tuple[KeyVersion, ...]:
        """Let no version of a key sign any more."""
        return self._ask(signer.Request(Operation.DISABLE, name, b"", purpose)).keys

    def destroy(self, name: str, *, purpose: str = "") -> tuple[KeyVersion, ...]:
        """Delete the private keys of what is disabled."""
        return self._ask(signer.Request(Operation.DESTROY, name, b"", purpose)).keys

    def export(self, name: str, *, purpose: str = "") -> None:
        """Be refused a private key, and recorded."""
        self._ask(signer.Request(Operation.EXPORT, name, b"", purpose))

    def attest(self, name: str = "", *, purpose: str = "") -> tuple[Attestation | None, str, tuple[str, ...]]:
        """Return what the back-end states about a key, the published checkpoint, and the witnesses out of reach."""
        answer = self._ask(signer.Request(Operation.ATTEST, name, b"", purpose))
        return answer.attestation, answer.checkpoint, answer.unreachable

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

    def _ask(self, request: signer.Request) -> signer.Answer:
        connection = self._connection()
        try:
            signer.send(connection, msgspec.json.encode(request))
            body = signer.receive(connection)
            if body is None:
                raise KeyStoreError("signer: it closed the connection", hint="it stopped, or is full; its log knows")
            answer = msgspec.json.decode(body, type=signer.Answer)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            connection.close()
            raise KeyStoreError(f"signer {self._path}: {error}") from error
        except BaseException:
            connection.close()
            raise
        with self._lock:
            self._idle.append(connection)
        if answer.failure is not None:
            raise _raised(answer.failure)
        return answer

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
            connection.connect(str(self._path))
        except OSError as error:
            connection.close()
            told = f"no signer answers at {self._path} ({error.strerror or error})"
            raise KeyStoreError(told, hint="counterfoil keys serve starts one") from error
        return connection


def _raised(failure: signer.Failure) -> CounterfoilError:
    """Return the error that the signer met, as an error of the same class."""
    found = getattr(errors, failure.kind, KeyStoreError)
    if not (isinstance(found, type) and issubclass(found, CounterfoilError)):
        found = KeyStoreError
    return found(failure.message, hint=failure.hint)
