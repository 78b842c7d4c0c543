"""Every exception that counterfoil raises, split by what the caller can do about it.

All derive from `CounterfoilError`; each carries one clear line and, where there is one, a hint.
"""

from __future__ import annotations


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


class KeyStoreError(CounterfoilError):
    """The key store failed or refused: its service, device or files need attention."""


class KeyUnusableError(KeyStoreError):
    """A key cannot do that: unknown, disabled, destroyed, or of another algorithm. Take another key."""
