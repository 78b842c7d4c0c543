"""What own logs show of themselves is told as findings, graver the surer it is."""

from __future__ import annotations

from counterfoil.investigate.log_findings import of_logs, of_signatures
from counterfoil.model.coverage import AttestedLog
from counterfoil.model.verdict import FAIL_ON_DEFAULT, FindingVerdict


def log(status: str, diagnosis: str = "", origin: str = "issuer/ledger") -> AttestedLog:
    """Return what came of the check of a log."""
    return AttestedLog("counterfoil-ledger", origin, status, "its first 9 entries are not those", diagnosis)


def test_a_rewritten_log_is_a_contradiction() -> None:
    """Two signed histories of one log cannot both be true."""
    (found,) = of_logs([log("refused", "ledger-rewritten"), log("refused", "ledger-rewritten")])
    assert (found.verdict, found.severity) == (FindingVerdict.CONTRADICTED, "critical")
    assert found.title == "the log counterfoil-ledger/issuer/ledger was rewritten"
    assert found.detail == "its first 9 entries are not those"


def test_a_log_with_a_gap_is_a_suspicion() -> None:
    """Whoever exported it may have lost a line."""
    (found,) = of_logs([log("refused", "ledger-gap")])
    assert found.verdict is FindingVerdict.SUSPICION
    assert found.verdict not in FAIL_ON_DEFAULT


def test_logs_in_order_and_logs_that_are_merely_not_believed_are_no_finding() -> None:
    """The coverage tells of them."""
    assert of_logs([log("attested"), log("refused")]) == []


def test_signatures_name_their_key_and_who_asked() -> None:
    """One finding for each key."""
    rows = [{"key_id": "k1", "uses": 2, "first_seen": None, "last_seen": None, "callers": ["user:mallory", None]}]
    (found,) = of_signatures(rows)
    assert found.title == "2 signatures of key k1 that no ledger accounts for"
    assert "asked for by user:mallory;" in found.detail
    assert found.verdict is FindingVerdict.PROBABLY_FORGED
