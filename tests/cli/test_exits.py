"""Exit codes: never a silent all-clear."""

from __future__ import annotations

from dataclasses import replace

import pytest

from counterfoil.cli.exits import MEANING, ExitCode, advice, after
from counterfoil.model.clearance import MAX_OPEN_SHARE
from counterfoil.model.coverage import ASSERTIONS, UNNAMED, CoverageRow, Needed
from counterfoil.model.finding import Finding
from counterfoil.model.hunt import HuntReport, InputFile, VerdictCount
from counterfoil.model.reason import Reason
from counterfoil.model.verdict import FAIL_ON_DEFAULT, FindingVerdict, Verdict

READ = InputFile("a.json", "", 1, "entra-signin-graph", 1, 1, 0, 0, "", "", "")
UNREAD = InputFile("b.bin", "", 1, "", 0, 0, 0, 0, "", "no known log", "")
AUDIT = replace(READ, source="m365-ual-api", accepts=True)


def report(
    *found: FindingVerdict, verdict: Verdict | None = Verdict.MINTED, inputs: tuple[InputFile, ...] = (READ, UNREAD)
) -> HuntReport:
    """Return a report of one token, with findings of these verdicts."""
    verdicts = () if verdict is None else (VerdictCount(verdict, "", 1, 1),)
    findings = tuple(
        Finding("f", "r", claim, "high", "high", "t", "", None, None, 1, 1, *((),) * 8, "") for claim in found
    )
    return HuntReport("0", "case", None, None, inputs, (), (), None, None, (), verdicts, findings)


def hundred(left_open: int, **more: object) -> HuntReport:
    """Return a report of a hundred tokens without findings, so many of them open."""
    minted = VerdictCount(Verdict.MINTED, "", 100 - left_open, 1)
    verdicts = (minted, VerdictCount(Verdict.UNLINKABLE, "", left_open, 1))
    return replace(report(), **{"verdicts": verdicts} | more)  # type: ignore[arg-type]  # a report's own fields


def covered(status: str) -> tuple[CoverageRow, ...]:
    """Return one row of coverage."""
    return (CoverageRow("entra:t", "entra-signin", "interactive", status, None, None, 1, ""),)


MINTED = VerdictCount(Verdict.MINTED, "", 100, 1)
REFUTED = VerdictCount(Verdict.UNCOVERED, Reason.DECLARATION_REFUTED, 1, 1)
UNKNOWN = (CoverageRow(f"{UNNAMED}fabrikam.com", ASSERTIONS, "fabrikam.com", "seen", None, None, 3, "no log"),)
LACKING = Needed("entra:t", "application", 1, ("entra-signin/service-principal",), ())
UNRELIED = Needed("entra:t", "application", 1, (), ("entra-signin/service-principal",))


@pytest.mark.parametrize(
    ("told", "code"),
    [
        (report(), ExitCode.CLEAN),
        (report(FindingVerdict.SUSPICION), ExitCode.CLEAN),
        (report(FindingVerdict.FORGED, verdict=Verdict.FORGED), ExitCode.FOUND),
        (report(FindingVerdict.PROBABLY_FORGED, verdict=Verdict.UNCOVERED), ExitCode.FOUND),
        (report(verdict=Verdict.UNCOVERED), ExitCode.WITHHELD),
        (report(verdict=Verdict.UNLINKABLE), ExitCode.WITHHELD),
        (report(FindingVerdict.SUSPICION, verdict=Verdict.UNCOVERED), ExitCode.WITHHELD),
        (report(verdict=None), ExitCode.WITHHELD),
        (report(inputs=(UNREAD,)), ExitCode.UNUSABLE),
        (report(inputs=()), ExitCode.UNUSABLE),
    ],
)
def test_the_code_tells_what_the_run_can_vouch_for(told: HuntReport, code: ExitCode) -> None:
    """0 only if tokens were judged; 1 on findings; 3 if nothing could be judged; 2 if nothing was read."""
    assert after(told, FAIL_ON_DEFAULT) is code


TENTH = round(100 * MAX_OPEN_SHARE)


@pytest.mark.parametrize(
    ("told", "because"),
    [
        pytest.param(hundred(TENTH), None, id="a tenth of the tokens is left open"),
        pytest.param(hundred(TENTH + 1), "11 of 100 tokens left open", id="more than a tenth is left open"),
        pytest.param(hundred(50, no_record=45, before_log=5), None, id="what is counted apart is not left open"),
        pytest.param(hundred(50, no_record=40), "10 of 60 tokens left open", id="the share is that of the others"),
        pytest.param(hundred(100, no_record=100), "no acceptance could be judged", id="nothing but silent calls"),
        pytest.param(hundred(1, strangers=1), "1 token left open comes from", id="one open token is a stranger's"),
        pytest.param(hundred(0, verdicts=(replace(MINTED, tokens=99), REFUTED)), "1 token is of programs",
                     id="the declaration is refuted for one program"),
        pytest.param(hundred(1, needed=(LACKING,)), "sign-in logs missing: service-principal", id="a log is missing"),
        pytest.param(hundred(1, needed=(UNRELIED,)), "logs not relied on as complete: service", id="none is relied on"),
        pytest.param(hundred(0, coverage=covered("refuted")), "refuted by the evidence", id="declared, and refuted"),
        pytest.param(hundred(0, coverage=covered("refused")), None, id="a refused declaration that nothing waits for"),
        pytest.param(hundred(0, coverage=UNKNOWN), "assertions for fabrikam.com: no log", id="a domain without a log"),
        pytest.param(hundred(0, lost_acceptances=2), "2 records of acceptances", id="acceptances could not be read"),
        pytest.param(hundred(0, inputs=(replace(AUDIT, truncated="cap"),)), "cut off", id="an audit log was cut off"),
        pytest.param(hundred(0, inputs=(replace(READ, truncated="cap"),)), None, id="a log of sign-ins was cut off"),
    ],
)
def test_an_all_clear_is_withheld_for_a_reason_that_is_said(told: HuntReport, because: str | None) -> None:
    """Nothing found is exit 0 only where it was looked for; else 3, and stderr says what is missing."""
    code = after(told, FAIL_ON_DEFAULT)
    said = advice(told, code)
    assert code is (ExitCode.CLEAN if because is None else ExitCode.WITHHELD)
    assert said is None if because is None else said is not None and because in said[0]


def test_fail_on_moves_the_line() -> None:
    """What counts as found is the caller's choice; what could be judged is not."""
    suspicious = report(FindingVerdict.SUSPICION)
    assert after(suspicious, frozenset(FindingVerdict)) is ExitCode.FOUND
    assert after(report(FindingVerdict.FORGED, verdict=Verdict.UNCOVERED), frozenset()) is ExitCode.CLEAN
    grave = report(FindingVerdict.PROBABLY_FORGED, verdict=Verdict.UNCOVERED)
    assert after(grave, frozenset({FindingVerdict.FORGED})) is ExitCode.WITHHELD
    assert after(report(FindingVerdict.SUSPICION, verdict=Verdict.UNCOVERED), frozenset()) is ExitCode.WITHHELD


def test_every_code_has_a_meaning() -> None:
    """The table of the docs is complete."""
    assert set(MEANING) == set(ExitCode)
