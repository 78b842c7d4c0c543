"""Holds the verdicts of a case against the truth: what was found of the planted, and who is in a finding besides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from counterfoil import app
from counterfoil.lab.history.compare import CONVICTING, Comparison, TruthRow, compare
from counterfoil.model.advice import claim_of
from counterfoil.model.verdict import FAIL_ON_DEFAULT

_ASKED = (
    "verdict", "reason", "token_id", "source", "record_id", "subject", "issued_at", "token_tenant", "group_rule",
    "resource_tenant", "subject_name", "client_id", "ip", "user_agent", "operation", "first_seen",
)
_INNOCENT = frozenset({"genuine", "service"})

Token = Mapping[str, object]


@dataclass(frozen=True)
class Outcome:
    """Counts of tokens. Of the planted: those convicted, and those only named in a finding that fails the run.

    `accused` and `named`: the same of innocents.
    """

    planted: int
    convicted: int
    found: int
    accused: int
    named: int


def judged(case: Path) -> list[Token]:
    """Return the tokens of a case as the table has them."""
    rows = app.sql(case, f"SELECT {', '.join(_ASKED)} FROM tokens").rows  # noqa: S608
    return [dict(zip(_ASKED, row, strict=True)) for row in rows]


def accused(token: Token) -> bool:
    """Tell whether the token is convicted."""
    return token["verdict"] in CONVICTING


def named(token: Token) -> bool:
    """Tell whether the token is convicted, or in a finding that fails the run."""
    rule = token["group_rule"]
    return accused(token) or (rule is not None and claim_of(str(rule)).verdict in FAIL_ON_DEFAULT)


def outcome(truth: Sequence[TruthRow], tokens: Sequence[Token]) -> Outcome:
    """Return what came of the truth's rows; every one must have its verdict, and every verdict its row."""
    strict = compare(truth, tokens)
    loose = compare(truth, [{**token, "verdict": "forged"} if named(token) else token for token in tokens])
    if strict.missing_verdicts or strict.unknown_verdicts:
        raise SystemExit(f"no verdict on {strict.missing_verdicts} rows, no row for {strict.unknown_verdicts} verdicts")
    convicted = _convicted(strict)
    return Outcome(
        planted=strict.planted + strict.planted_without_evidence,
        convicted=convicted,
        found=_convicted(loose) - convicted,
        accused=strict.false_accusations,
        named=loose.false_accusations - strict.false_accusations,
    )


def _convicted(found: Comparison) -> int:
    """Return how many rows of intruders are convicted, evidence lost or not."""
    return sum(n for (label, verdict), n in found.confusion.items() if verdict in CONVICTING and label not in _INNOCENT)
