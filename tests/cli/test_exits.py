"""Exit codes: never a silent all-clear."""

from __future__ import annotations

import pytest

from counterfoil.cli.exits import MEANING, ExitCode, after
from counterfoil.model.finding import Finding
from counterfoil.model.hunt import HuntReport, InputFile, VerdictCount
from counterfoil.model.verdict import FAIL_ON_DEFAULT, FindingVerdict, Verdict

READ = InputFile("a.json", "", 1, "entra-signin-graph", 1, 1, 0, 0, "", "", "")
UNREAD = InputFile("b.bin", "", 1, "", 0, 0, 0, 0, "", "no known log", "")


def report(
    *found: FindingVerdict, verdict: Verdict | None = Verdict.MINTED, inputs: tuple[InputFile, ...] = (READ, UNREAD)
) -> HuntReport:
    """Return a report of one token, with findings of these verdicts."""
    verdicts = () if verdict is None else (VerdictCount(verdict, "", 1, 1),)
    findings = tuple(
        Finding("f", "r", claim, "high", "high", "t", "", None, None, 1, 1, *((),) * 8, "") for claim in found
    )
    return HuntReport("0", "case", None, None, inputs, (), (), None, None, (), verdicts, findings)


@pytest.mark.parametrize(
    ("told", "code"),
    [
        (report(), ExitCode.CLEAN),
        (report(FindingVerdict.SUSPICION), ExitCode.CLEAN),
        (report(FindingVerdict.FORGED, verdict=Verdict.FORGED), ExitCode.FOUND),
        (report(FindingVerdict.PROBABLY_FORGED, verdict=Verdict.UNCOVERED), ExitCode.FOUND),
        (report(verdict=Verdict.UNCOVERED), ExitCode.BLIND),
        (report(verdict=Verdict.UNLINKABLE), ExitCode.BLIND),
        (report(FindingVerdict.SUSPICION, verdict=Verdict.UNCOVERED), ExitCode.BLIND),
        (report(verdict=None), ExitCode.BLIND),
        (report(inputs=(UNREAD,)), ExitCode.UNUSABLE),
        (report(inputs=()), ExitCode.UNUSABLE),
    ],
)
def test_the_code_tells_what_the_run_can_vouch_for(told: HuntReport, code: ExitCode) -> None:
    """0 only if tokens were judged; 1 on findings; 3 if nothing could be judged; 2 if nothing was read."""
    assert after(told, FAIL_ON_DEFAULT) is code


def test_fail_on_moves_the_line() -> None:
    """What counts as found is the caller's choice; what could be judged is not."""
    suspicious = report(FindingVerdict.SUSPICION)
    assert after(suspicious, frozenset(FindingVerdict)) is ExitCode.FOUND
    assert after(report(FindingVerdict.FORGED), frozenset()) is ExitCode.CLEAN
    assert after(report(FindingVerdict.SUSPICION, verdict=Verdict.UNCOVERED), frozenset()) is ExitCode.BLIND


def test_every_code_has_a_meaning() -> None:
    """The table of the docs is complete."""
    assert set(MEANING) == set(ExitCode)
