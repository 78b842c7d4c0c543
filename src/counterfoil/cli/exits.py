"""Exit codes: what a script may rely on."""

from __future__ import annotations

from enum import IntEnum

from counterfoil.model.hunt import HuntReport
from counterfoil.model.verdict import FindingVerdict


class ExitCode(IntEnum):
    """The codes of every command."""

    CLEAN = 0
    FOUND = 1
    UNUSABLE = 2
    BLIND = 3
    INTERRUPTED = 130
    PIPE_CLOSED = 141


MEANING: dict[ExitCode, str] = {
    ExitCode.CLEAN: "finished, and nothing found",
    ExitCode.FOUND: "findings at or above `--fail-on` (default: forged, contradicted, tainted, probably-forged)",
    ExitCode.UNUSABLE: "bad usage, nothing readable, or an error: one line on stderr says which",
    ExitCode.BLIND: "finished, nothing found, but no acceptance could be judged: this is no all-clear",
    ExitCode.INTERRUPTED: "interrupted (Ctrl-C); running the same command again is safe",
    ExitCode.PIPE_CLOSED: "the reader of the output went away",
}

# What to tell people when a run ends with one of these: the line, and what to do next.
ADVICE: dict[ExitCode, tuple[str, str]] = {
    ExitCode.UNUSABLE: ("no input could be read", "counterfoil sources lists what is read, and how it is exported"),
    ExitCode.BLIND: (
        "no acceptance could be judged: this is no all-clear",
        "the report says what is missing; counterfoil explain uncovered says what to do",
    ),
}


def readable(report: HuntReport) -> bool:
    """Tell whether any input was read."""
    return any(not entry.unread for entry in report.inputs)


def after(report: HuntReport, fail_on: frozenset[FindingVerdict]) -> ExitCode:
    """Return the exit code of a run that gave this report."""
    if not readable(report):
        return ExitCode.UNUSABLE
    if report.found(fail_on):
        return ExitCode.FOUND
    return ExitCode.CLEAN if report.judged else ExitCode.BLIND
