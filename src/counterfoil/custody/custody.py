"""Keys in custody: a key store of which every use is in a log before anything leaves it.

As a library::

    with Custody.open(Path("custody")) as custody:
        custody.create("idp", Algorithm.ES256)
        signature = custody.sign("idp", b"header.payload", purpose="access token").signature
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import msgspec

from counterfoil.custody import audit
from counterfoil.custody.algorithm import Algorithm
from counterfoil.custody.audit import Caller, Operation, Record, Result
from counterfoil.custody.inventory import FILE as INVENTORY_FILE
from counterfoil.custody.keys import Attestation, Capabilities, KeyVersion, OwnLog, Signed
from counterfoil.custody.laststate import CHANGES, LastState
from counterfoil.custody.settings import FILE as SETTINGS_FILE
from counterfoil.custody.settings import StoreSettings, WitnessSettings, read_settings
from counterfoil.custody.store import KeyStore
from counterfoil.errors import CounterfoilError, KeyStoreError, KeyUnusableError, UsageError
from counterfoil.tlog import note
from counterfoil.tlog.filelog import FileLog, open_log
from counterfoil.tlog.folder import Folder
from counterfoil.tlog.submit import Submitted, submit
from counterfoil.tlog.witness import DropWitness, HttpWitness, Witness

LOG_FOLDER = "log"
# Of the encrypted file store: where its keys are, and how the key that they are encrypted with is made.
KEYS_FOLDER, STORE_FILE = "keys", "keys/store.json"
ROTATED = "the key was rotated: read its keys again, and make the header anew"
T = TypeVar("T")


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


class Custody:
    """A key store with its log. Threads may share it; one process at a time holds it.

    Every method records who asked (this process, unless a `caller` is given) before and after it acts. LogError means
    that nothing was released: the log could not be written, and no key is used until custody is opened again.
    """

    def __init__(
        self, store: KeyStore, log: FileLog, witnesses: tuple[Witness, ...], clock: Callable[[], datetime] = utc_now
    ) -> None:
        """Use `open`, unless the parts are made elsewhere."""
        self._store, self._log, self._witnesses, self._clock = store, log, witnesses, clock
        self._own, self._changing = Caller.own(), threading.Lock()

    @classmethod
    def open(cls, path: Path, *, clock: Callable[[], datetime] = utc_now, note_on_open: str = "") -> Custody:
        """Open the custody folder at `path`: settings, log (verified as a whole), keys; and record that it was opened.

        Raises LogTamperedError if the log, or the inventory of keys, is not what was recorded last; LogError if
        everybody may write to the folder or a file that decides what is signed.
        """
        Folder(path).check_closed(SETTINGS_FILE, INVENTORY_FILE, KEYS_FOLDER, STORE_FILE)
        settings = read_settings(path)
        last = LastState()
        log = open_log(path / LOG_FOLDER, settings.origin, visit=last.visit)
        try:
            store = KeyStore.open(settings, clock)
            told = last.judge(store.inventory_digest)
            custody = cls(store, log, witnesses_of(settings, log.key), clock)
        except BaseException:
            log.close()
            raise
        torn = f"{len(log.found.torn)} bytes of an unfinished write put aside" if log.found.torn else ""
        try:
            custody._settle(last.resumed)
            custody._open(settings, "; ".join(part for part in (told, torn, note_on_open) if part))
        except BaseException:
            custody.close()
            raise
        return custody

    @property
    def capabilities(self) -> Capabilities:
        """What the back-end can do, and what it keeps to."""
        return self._store.capabilities

    @property
    def log_key(self) -> note.VerifierKey:
        """The public key of the log: give it to whoever audits."""
        return self._log.key

    def sign(
        self, name: str, signing_input: bytes, *, kid: str = "", purpose: str = "", caller: Caller | None = None
    ) -> Signed:
        """Sign a JWS signing input with the current version of a key.

        The use is durable in the log before the key is touched, and the outcome before the signature is returned.
        `kid`: what the header says; KeyUnusableError if another version signs by now.
        """
        begin = self._record(Operation.SIGN, caller, name, purpose, digest=hashlib.sha256(signing_input).hexdigest())
        try:
            version = self._store.current(name)
            if kid not in ("", version.kid):
                told = f"key {name} signs as {version.kid}, not as {kid[: audit.MAX_TEXT]}"
                raise KeyUnusableError(told, hint=ROTATED)
        except KeyUnusableError as error:
            self._end(self._write(begin), begin, error)
            raise
        begin = msgspec.structs.replace(begin, kid=version.kid, algorithm=str(version.algorithm))
        return self._run(begin, lambda: self._store.sign_with(version, signing_input))

    def create(self, name: str, algorithm: Algorithm, *, purpose: str = "", caller: Caller | None = None) -> KeyVersion:
        """Make a key."""
        begin = self._record(Operation.CREATE, caller, name, purpose, algorithm=str(algorithm))
        return self._run(begin, lambda: self._store.create(name, algorithm))

    def attach(
        self, name: str, reference: str, algorithm: Algorithm | None = None, *, purpose: str = "",
        caller: Caller | None = None,
    ) -> KeyVersion:
        """Take a key that exists into custody."""
        told = str(algorithm or "")
        begin = self._record(Operation.ATTACH, caller, name, purpose, algorithm=told, detail=f"reference {reference}")
        return self._run(begin, lambda: self._store.attach(name, reference, algorithm))

    def keys(self, *, purpose: str = "", caller: Caller | None = None) -> tuple[KeyVersion, ...]:
        """Return every version of every key."""
        return self._run(self._record(Operation.LIST, caller, "", purpose), self._store.keys)

    def prepare(self, name: str, *, purpose: str = "", caller: Caller | None = None) -> KeyVersion:
        """Make the next version of a key without letting it sign yet."""
        return self._run(self._record(Operation.PREPARE, caller, name, purpose), lambda: self._store.prepare(name))

    def rotate(self, name: str, *, purpose: str = "", caller: Caller | None = None) -> KeyVersion:
        """Let the next version of a key sign, made now unless it was prepared."""
        return self._run(self._record(Operation.ROTATE, caller, name, purpose), lambda: self._store.rotate(name))

    def retire(self, name: str, kid: str, *, purpose: str = "", caller: Caller | None = None) -> KeyVersion:
        """Take a previous version out of the published key set: the last of its tokens has expired."""
        begin = self._record(Operation.RETIRE, caller, name, purpose, kid=kid)
        return self._run(begin, lambda: self._store.retire(name, kid))

    def block(
        self, name: str, kid: str, reason: str, *, purpose: str = "", caller: Caller | None = None
    ) -> KeyVersion:
        """Let a version that is known or feared to be out sign no more. `reason`: one line; is recorded."""
        begin = self._record(Operation.BLOCK, caller, name, purpose, kid=kid, detail=audit.checked_purpose(reason))
        return self._run(begin, lambda: self._store.block(name, kid, reason))

    def disable(self, name: str, *, purpose: str = "", caller: Caller | None = None) -> tuple[KeyVersion, ...]:
        """Let no version of a key sign any more."""
        return self._run(self._record(Operation.DISABLE, caller, name, purpose), lambda: self._store.disable(name))

    def destroy(self, name: str, *, purpose: str = "", caller: Caller | None = None) -> tuple[KeyVersion, ...]:
        """Delete the private keys of what is disabled."""
        return self._run(self._record(Operation.DESTROY, caller, name, purpose), lambda: self._store.destroy(name))

    def export(self, name: str, *, purpose: str = "", caller: Caller | None = None) -> None:
        """Refuse to hand out a private key, and record that somebody asked. Always raises KeyUnusableError."""
        self._run(self._record(Operation.EXPORT, caller, name, purpose), _refuse_export)

    def refuse(self, op: Operation, key: str, caller: Caller, asks: int = 1) -> None:
        """Record that somebody asked, so many times, for what they may not have."""
        detail = "" if asks == 1 else f"asked {asks} times"
        begin = self._record(op, caller, key, "", detail=detail)
        self._end(self._write(begin), begin, refusal(caller, op), evidence={audit.ASKS: str(asks)})

    def attest(self, name: str, *, purpose: str = "", caller: Caller | None = None) -> Attestation:
        """Return what the back-end states about a key."""
        return self._run(self._record(Operation.ATTEST, caller, name, purpose), lambda: self._store.attest(name))

    def checkpoint(self, *, purpose: str = "", caller: Caller | None = None) -> Submitted:
        """Have the device sign its digest of all signatures, if it keeps one; publish the log's head to the witnesses.

        Raises LogTamperedError if a witness keeps another history of this log.
        """
        if self.capabilities.own_log is OwnLog.ATTESTED:
            nonce = self._log.head().root
            begin = self._record(Operation.ATTEST, caller, "", purpose, detail="audit digest of the device")
            self._run(begin, lambda: self._store.audit_digest(nonce))
        return submit(self._log, self._witnesses)

    def size(self) -> int:
        """Return how many records the log holds."""
        return self._log.view().size

    def close(self) -> None:
        """Let go of the keys and the log."""
        try:
            self._store.close()
        finally:
            self._log.close()

    def __enter__(self) -> Custody:
        """Return itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _settle(self, resumed: tuple[Record, ...]) -> None:
        """Finish what a crash left half done, on the record; nothing is recorded where nothing was left."""
        if resumed or not self._store.settled:
            told = ", ".join(f"{begun.op} {begun.kid}" for begun in resumed) or "the key set was not published"
            begin = self._record(Operation.SETTLE, None, "", "", detail=told)
            try:
                self._run(begin, lambda: self._store.settle(resumed))
            except KeyStoreError as error:
                begun = f"what was left half done cannot be finished ({told}): {error}"
                hint = error.hint or "mend the back-end and open custody again; until then it signs nothing"
                raise KeyStoreError(begun, hint=hint) from error

    def _open(self, settings: StoreSettings, told: str) -> None:
        detail = f"{settings.backend}, settings {settings.digest}, {len(self._witnesses)} witnesses"
        detail += f"; {told}" if told else ""
        begin = self._record(Operation.OPEN, None, "", "", detail=detail)
        digest = self.capabilities.own_log is OwnLog.ATTESTED
        nonce = self._log.head().root
        self._run(begin, lambda: self._store.audit_digest(nonce) if digest else None)

    def _record(
        self, op: Operation, caller: Caller | None, key: str, purpose: str, *, algorithm: str = "", digest: str = "",
        detail: str = "", kid: str = "",
    ) -> Record:
        who = caller or self._own
        return Record(
            v=audit.VERSION, time=self._clock(), op=op, result=Result.BEGUN, principal=who.principal,
            process=who.process, host=who.host, purpose=audit.checked_purpose(purpose), key=key[: audit.MAX_TEXT],
            kid=kid[: audit.MAX_TEXT], algorithm=algorithm, digest=digest, detail=detail[: audit.MAX_TEXT],
        )

    def _run(self, begin: Record, action: Callable[[], T]) -> T:
        # one change after the other: the last record must hold the digest of the last inventory
        with self._changing if begin.op in CHANGES else nullcontext():
            return self._recorded(begin, action)

    def _recorded(self, begin: Record, action: Callable[[], T]) -> T:
        index = self._write(begin)
        try:
            value = action()
        except BaseException as error:
            self._end(index, begin, error)
            raise
        self._end(index, begin, None, value)
        return value

    def _end(
        self, index: int, begin: Record, error: BaseException | None, value: object = None,
        evidence: dict[str, str] | None = None,
    ) -> None:
        result, detail = Result.DONE, _told(value)
        if error is not None:
            refused = isinstance(error, (KeyUnusableError, UsageError))
            result = Result.REFUSED if refused else Result.FAILED
            detail = str(error) if isinstance(error, CounterfoilError) else type(error).__name__
        kid = value.kid if isinstance(value, KeyVersion) else ""  # of a key that was made or taken in just now
        self._write(Record(
            v=audit.VERSION, time=self._clock(), op=begin.op, result=result, of=index, kid=kid,
            detail=detail[: audit.MAX_TEXT],
            inventory=self._store.inventory_digest if begin.op in CHANGES or begin.op is Operation.OPEN else "",
            evidence=_evidence(value) if evidence is None else evidence,
        ))

    def _write(self, record: Record) -> int:
        return self._log.append(audit.encode(record))


def refusal(caller: Caller, op: Operation) -> UsageError:
    """Return the error for who may not do that."""
    return UsageError(f"{caller.principal} may not {op} here", hint="[signer] allow and admins say who may")


def witnesses_of(settings: StoreSettings, log: note.VerifierKey) -> tuple[Witness, ...]:
    """Return the witnesses that the settings name."""
    return tuple(witness_of(told, settings.path, log) for told in settings.witness)


def witness_of(told: WitnessSettings, base: Path, log: note.VerifierKey) -> Witness:
    """Return one witness."""
    if told.drop:
        return DropWitness(base / told.drop, log)
    return HttpWitness(told.url, note.VerifierKey.parse(told.key))


def _refuse_export() -> Any:
    raise KeyUnusableError("private keys are not exported", hint="the attempt is recorded")


def _told(value: object) -> str:
    """Return what an end says about what an operation returned."""
    versions = value if isinstance(value, tuple) else (value,)
    named = [f"{found.name}.v{found.version} {found.kid}" for found in versions if isinstance(found, KeyVersion)]
    return ", ".join(named) if len(named) <= 2 else f"{len(named)} key versions"


def _evidence(value: object) -> dict[str, str]:
    if isinstance(value, Signed):
        return dict(value.evidence)
    if isinstance(value, Attestation):
        return {**{word: str(told) for word, told in value.statement.items()}, **value.signed}
    return {}
