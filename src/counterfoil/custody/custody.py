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
from typing import NoReturn, TypeVar

import msgspec

from counterfoil.custody import audit
from counterfoil.custody.algorithm import Algorithm
from counterfoil.custody.asking import Answer, Asked, Request
from counterfoil.custody.audit import Caller, Operation, Record, Result
from counterfoil.custody.inventory import FILE as INVENTORY_FILE
from counterfoil.custody.keys import Attestation, Capabilities, KeyVersion, OwnLog, Signed
from counterfoil.custody.laststate import CHANGES, RESUMED, LastState
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


class Custody(Asked):
    """A key store with its log. Threads may share it; one process at a time holds it.

    Every method records who asked before and after it acts. LogError means that nothing was released: the log could
    not be written, and no key is used until custody is opened again.
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

    def answer(self, request: Request, caller: Caller | None = None) -> Answer:
        """Do what is asked by this process, unless a `caller` is given, and record it before and after.

        Raises UsageError, before anything is recorded, for what nobody can ask.
        """
        if request.op is Operation.SIGN:
            return Answer(signed=self._signed(request, caller))
        if request.op is Operation.ATTEST and not request.key:
            made = self._checkpoint(request.purpose, caller)
            return Answer(checkpoint=made.checkpoint.render(), unreachable=made.unreachable)
        action = self._action(request)
        reference = f"reference {request.reference}" if request.op is Operation.ATTACH else ""
        value = self._run(self._record(
            request.op, caller, request.key, request.purpose, algorithm=request.algorithm,
            detail=reference or audit.checked_purpose(request.reason),
            kid=request.kid if request.op in RESUMED else "",
        ), action)
        if isinstance(value, Attestation):
            return Answer(attestation=value)
        return Answer(keys=value if isinstance(value, tuple) else (value,))

    def _action(self, request: Request) -> Callable[[], KeyVersion | tuple[KeyVersion, ...] | Attestation]:
        """Return what does it."""
        store, name = self._store, request.key
        algorithm = algorithm_of(request.algorithm)
        if request.op is Operation.CREATE and algorithm is None:
            raise UsageError("an algorithm is needed to make a key", hint=", ".join(Algorithm))
        actions: dict[Operation, Callable[[], KeyVersion | tuple[KeyVersion, ...] | Attestation]] = {
            Operation.LIST: store.keys,
            Operation.CREATE: lambda: store.create(name, Algorithm(request.algorithm)),
            Operation.ATTACH: lambda: store.attach(name, request.reference, algorithm),
            Operation.PREPARE: lambda: store.prepare(name),
            Operation.ROTATE: lambda: store.rotate(name),
            Operation.RETIRE: lambda: store.retire(name, request.kid),
            Operation.BLOCK: lambda: store.block(name, request.kid, request.reason),
            Operation.DISABLE: lambda: store.disable(name),
            Operation.DESTROY: lambda: store.destroy(name),
            Operation.ATTEST: lambda: store.attest(name),
            Operation.EXPORT: _refuse_export,
        }
        if request.op not in actions:
            raise UsageError(f"nobody can ask for {request.op}")
        return actions[request.op]

    def _signed(self, request: Request, caller: Caller | None) -> Signed:
        digest = hashlib.sha256(request.input).hexdigest()
        begin = self._record(Operation.SIGN, caller, request.key, request.purpose, digest=digest)
        try:
            version = self._store.current(request.key)
            if request.kid not in ("", version.kid):
                told = f"key {request.key} signs as {version.kid}, not as {request.kid[: audit.MAX_TEXT]}"
                raise KeyUnusableError(told, hint=ROTATED)
        except KeyUnusableError as error:
            self._end(self._write(begin), begin, error)
            raise
        begin = msgspec.structs.replace(begin, kid=version.kid, algorithm=str(version.algorithm))
        return self._run(begin, lambda: self._store.sign_with(version, request.input))

    def refuse(self, op: Operation, key: str, caller: Caller, asks: int = 1) -> None:
        """Record that somebody asked, so many times, for what they may not have."""
        detail = "" if asks == 1 else f"asked {asks} times"
        begin = self._record(op, caller, key, "", detail=detail)
        self._end(self._write(begin), begin, refusal(caller, op), evidence={audit.ASKS: str(asks)})

    def _checkpoint(self, purpose: str, caller: Caller | None) -> Submitted:
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


def algorithm_of(text: str) -> Algorithm | None:
    """Return the algorithm of that name, None for none; UsageError for an unknown one."""
    if not text:
        return None
    if text not in set(Algorithm):
        raise UsageError(f"no algorithm {text[:40]!r}", hint=f"one of {', '.join(Algorithm)}")
    return Algorithm(text)


def _refuse_export() -> NoReturn:
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
