"""What may be asked of keys in custody, and the methods that ask it: of this process, or of a signer's."""

from __future__ import annotations

from abc import ABC, abstractmethod

import msgspec

from counterfoil import errors
from counterfoil.custody.algorithm import Algorithm
from counterfoil.custody.audit import Operation
from counterfoil.custody.keys import Attestation, KeyVersion, Signed
from counterfoil.errors import CounterfoilError, KeyStoreError
from counterfoil.tlog import note
from counterfoil.tlog.submit import Submitted


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked; fields that an operation does not use stay empty. To attest no key is to attest the log."""

    op: Operation
    key: str = ""
    input: bytes = b""
    purpose: str = ""
    algorithm: str = ""
    reference: str = ""
    kid: str = ""
    reason: str = ""


class Failure(msgspec.Struct, frozen=True):
    """An error of ours, as another process tells it: its class, its line, its hint."""

    kind: str
    message: str
    hint: str = ""

    @classmethod
    def of(cls, error: CounterfoilError) -> Failure:
        """Return what is told of an error."""
        return cls(type(error).__name__, str(error), error.hint)

    def error(self) -> CounterfoilError:
        """Return the error that was met there, as one of the same class."""
        found = getattr(errors, self.kind, KeyStoreError)
        if not (isinstance(found, type) and issubclass(found, CounterfoilError)):
            found = KeyStoreError
        return found(self.message, hint=self.hint)


class Answer(msgspec.Struct, frozen=True):
    """What came of a request: one of these."""

    failure: Failure | None = None
    signed: Signed | None = None
    keys: tuple[KeyVersion, ...] = ()
    attestation: Attestation | None = None
    checkpoint: str = ""
    unreachable: tuple[str, ...] = ()


class Asked(ABC):
    """Keys in custody, whoever answers."""

    @abstractmethod
    def answer(self, request: Request) -> Answer:
        """Do what is asked, on the record; raises what came in between."""

    def sign(self, name: str, signing_input: bytes, *, kid: str = "", purpose: str = "") -> Signed:
        """Sign a JWS signing input with the current version of a key.

        The use is durable in the log before the key is touched, and the outcome before the signature is returned.
        `kid`: what the header says; KeyUnusableError if another version signs by now.
        """
        signed = self.answer(Request(Operation.SIGN, name, signing_input, purpose, kid=kid)).signed
        if signed is None:
            raise KeyStoreError("signer: its answer holds no signature")
        return signed

    def keys(self, *, purpose: str = "") -> tuple[KeyVersion, ...]:
        """Return every version of every key."""
        return self.answer(Request(Operation.LIST, purpose=purpose)).keys

    def create(self, name: str, algorithm: Algorithm, *, purpose: str = "") -> KeyVersion:
        """Make a key."""
        return self._one(Request(Operation.CREATE, name, purpose=purpose, algorithm=str(algorithm)))

    def attach(
        self, name: str, reference: str, algorithm: Algorithm | None = None, *, purpose: str = ""
    ) -> KeyVersion:
        """Take a key that exists into custody; a file is one of the machine that has the keys."""
        told = str(algorithm or "")
        return self._one(Request(Operation.ATTACH, name, purpose=purpose, algorithm=told, reference=reference))

    def prepare(self, name: str, *, purpose: str = "") -> KeyVersion:
        """Make the next version of a key without letting it sign yet."""
        return self._one(Request(Operation.PREPARE, name, purpose=purpose))

    def rotate(self, name: str, *, purpose: str = "") -> KeyVersion:
        """Let the next version of a key sign, made now unless it was prepared."""
        return self._one(Request(Operation.ROTATE, name, purpose=purpose))

    def retire(self, name: str, kid: str, *, purpose: str = "") -> KeyVersion:
        """Take a previous version out of the published key set: the last of its tokens has expired."""
        return self._one(Request(Operation.RETIRE, name, purpose=purpose, kid=kid))

    def block(self, name: str, kid: str, reason: str, *, purpose: str = "") -> KeyVersion:
        """Let a version that is known or feared to be out sign no more. `reason`: one line; is recorded."""
        return self._one(Request(Operation.BLOCK, name, purpose=purpose, kid=kid, reason=reason))

    def disable(self, name: str, *, purpose: str = "") -> tuple[KeyVersion, ...]:
        """Let no version of a key sign any more."""
        return self.answer(Request(Operation.DISABLE, name, purpose=purpose)).keys

    def destroy(self, name: str, *, purpose: str = "") -> tuple[KeyVersion, ...]:
        """Delete the private keys of what is disabled."""
        return self.answer(Request(Operation.DESTROY, name, purpose=purpose)).keys

    def export(self, name: str, *, purpose: str = "") -> None:
        """Be refused a private key, and recorded. Always raises KeyUnusableError."""
        self.answer(Request(Operation.EXPORT, name, purpose=purpose))

    def attest(self, name: str, *, purpose: str = "") -> Attestation:
        """Return what the back-end states about a key."""
        found = self.answer(Request(Operation.ATTEST, name, purpose=purpose)).attestation
        if found is None:
            raise KeyStoreError("signer: its answer holds no attestation")
        return found

    def checkpoint(self, *, purpose: str = "") -> Submitted:
        """Have the device sign its digest of all signatures, if it keeps one; publish the log's head to the witnesses.

        Raises LogTamperedError if a witness keeps another history of this log.
        """
        answer = self.answer(Request(Operation.ATTEST, purpose=purpose))
        return Submitted(note.parse(answer.checkpoint.encode()), answer.unreachable)

    def _one(self, request: Request) -> KeyVersion:
        return self.answer(request).keys[0]
