"""Every exception that counterfoil raises, split by what the caller can do about it.

All derive from `CounterfoilError`; each carries one clear line and, where there is one, a hint.
"""

from __future__ import annotations

from functools import partial
from typing import Any


class CounterfoilError(Exception):
    """Base of every error; `str()` is one line for people, `hint` says what to do next (may be empty)."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        """Keep `message` (expected, got, where) and `hint` (what next)."""
        super().__init__(message)
        self.hint = hint


class UsageError(CounterfoilError):
    """What was asked cannot be done as asked: change the command, option or setting."""


class InputError(CounterfoilError):
    """An input could not be read at all: change or re-export the file."""


class MissingExtraError(InputError):
    """What reads the input is not installed: install the extra that the hint names, and read it again."""


class CaseError(CounterfoilError):
    """The case folder is missing, damaged, from another version, or not writable."""


class CaseBusyError(CaseError):
    """Another run holds this case: wait for it, or take another folder."""


class EngineError(CounterfoilError):
    """The query engine refused or failed: memory, disk, or a query of the user's own."""


class LogError(CounterfoilError):
    """A transparency log cannot be opened or written: nothing may go on that it must record; mend the disk, reopen."""


class LogTamperedError(LogError):
    """A log, a checkpoint or a proof is not what was signed: keep the files, ask who could write them."""


class LogGapError(LogTamperedError):
    """Entries of a log are missing, or it ends before a checkpoint that somebody keeps."""


class KeyStoreError(CounterfoilError):
    """The key store failed or refused: its service, device or files need attention."""


class KeyUnusableError(KeyStoreError):
    """A key cannot do that: unknown, disabled, destroyed, or of another algorithm. Take another key."""


class EgressRefusedError(CounterfoilError):
    """An answer would have let a private key out, or could not be looked into: find out what put it there."""


class PolicyError(UsageError):
    """A token policy or key set cannot be used as it is: change the file. The message says where."""


class VerifyError(CounterfoilError):
    """A token was refused. Never holds the token or any part of its signature.

    `code`: the reason, one per rule, such as "key-not-entitled"; `rule`: the rule's number, such as "V4";
    `check`: which of the rule's checks, such as "issuer"; `expected` and `got`: in words; `hint`: what to do;
    `source`: the standard or advisory that the rule comes from; `key_id`: the key that was asked for, if any.
    `signature_verified`: True if that key did sign the token. With V2, V3 or V4 that is an alarm: somebody can sign
    with the key who must not. False: a bad signature, or none was tried.
    """

    def __init__(
        self, message: str, *, code: str, rule: str, check: str, expected: str, got: str, hint: str, source: str
    ) -> None:
        """Keep what is known of the refusal."""
        super().__init__(message, hint=hint)
        self.code, self.rule, self.check = code, rule, check
        self.expected, self.got, self.source = expected, got, source
        self.key_id: str | None = None
        self.signature_verified = False

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how to make it again, so that it can come back from another process."""
        names = ("code", "rule", "check", "expected", "got", "hint", "source")
        return partial(type(self), **{name: getattr(self, name) for name in names}), (str(self),), vars(self)
