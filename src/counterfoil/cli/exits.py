"""Exit codes: what a script may rely on."""

from __future__ import annotations

from enum import IntEnum

from counterfoil.model.clearance import MAX_OPEN_SHARE, withheld
from counterfoil.model.hunt import HuntReport
from counterfoil.model.verdict import FAIL_ON_DEFAULT, FindingVerdict


class ExitCode(IntEnum):
    """The codes of every command."""

    CLEAN = 0
    FOUND = 1
    UNUSABLE = 2
    WITHHELD = 3
    INTERRUPTED = 130
    PIPE_CLOSED = 141


MEANING: dict[ExitCode, str] = {
    ExitCode.CLEAN: (
        "finished, and nothing found: each class of tokens had a log that was relied on, and at most"
        f" {MAX_OPEN_SHARE * 100:.0f} % of the tokens were left open, none of them foreign to its user"
    ),
    ExitCode.FOUND: "findings at or above `--fail-on` (default: forged, contradicted, tainted, probably-forged)",
    ExitCode.UNUSABLE: "bad usage, nothing readable, or an error: one line on stderr says which",
    ExitCode.WITHHELD: (
        "finished, nothing found, and no all-clear: a log is missing or not relied on, too much was left open,"
        " acceptances were lost, or a declaration was refuted; stderr says which"
    ),
    ExitCode.INTERRUPTED: "interrupted (Ctrl-C); running the same command again is safe",
    ExitCode.PIPE_CLOSED: "the reader of the output went away",
}


def advice(report: HuntReport, code: ExitCode) -> tuple[str, str] | None:
    """Return what to tell people when a run ends with the code: the line, and what to do next; None for nothing."""
    if code is ExitCode.UNUSABLE:
        return "no input could be read", "counterfoil sources lists what is read, and how it is exported"
    if code is ExitCode.WITHHELD:
        whys = "; ".join(each.words for each in withheld(report))
        return f"this is no all-clear: {whys}", "NEXT in the report says what to do about it"
    return None


def readable(report: HuntReport) -> bool:
    """Tell whether any input was read."""
    return any(not entry.unread for entry in report.inputs)


def after(report: HuntReport, fail_on: frozenset[FindingVerdict]) -> ExitCode:
    """Return the exit code of a run that gave this report."""
    if not readable(report):
        return ExitCode.UNUSABLE
    if report.found(fail_on):
        return ExitCode.FOUND
    told = not fail_on and report.found(FAIL_ON_DEFAULT)  # something was found, and the caller fails on nothing
    return ExitCode.WITHHELD if withheld(report) and not told else ExitCode.CLEAN
