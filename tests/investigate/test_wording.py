"""Titles and reasons of findings: what they say holds for all their tokens, or for as many as they say."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from counterfoil.detect.registry import all_rules
from counterfoil.investigate.groups import FIRST, LAST, plain, rule_column
from counterfoil.investigate.wording import detail, next_step, title
from counterfoil.model.coverage import ATTESTED, CoverageRow
from counterfoil.model.reason import Reason
from counterfoil.model.verdict import FindingVerdict

WHEN = datetime.fromisoformat("2026-03-01")
RULE = all_rules()[0]


def group(**changes: Any) -> dict[str, Any]:
    """Return a group of three forged tokens of a tenant, of which nothing is known to be strange."""
    row: dict[str, Any] = {
        "group_rule": str(Reason.ID_NOT_ISSUED), "diagnosis": None, "issuer": "entra:t", "group_issuer": "entra:t",
        "group_client": None, "token_count": 3, "set_count": 3, "id_count": 3, "acceptance_count": 3,
        "subject_count": 1, "ip_count": 0, "object_count": 0, "object_kinds": [], "subjects": [f"{FIRST}ada@x.example"],
        "needs": ["user"], "kinds": [], "rules": None, "at_least": 0, "cluster_tokens": 0, "cluster_ids": None,
        "cluster_misses": None, "cluster_expected": None, "compared": 3, "nobodys": 0, "new_client": 0,
        "new_network": 0, "new_agent": 0, "new_device": 0,
    }
    return row | {rule_column(rule.id): 0 for rule in all_rules()} | changes


def covered(status: str) -> list[CoverageRow]:
    """Return rows of both logs of people's sign-ins."""
    kinds = ("interactive", "non-interactive")
    return [CoverageRow("entra:t", "entra-signin", kind, status, WHEN, WHEN, 9, "") for kind in kinds]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        pytest.param(group(), "3 forged tokens of 1 user", id="tokens"),
        pytest.param(group(id_count=0), "3 forged accesses of 1 user", id="records without a token are accesses"),
        pytest.param(group(id_count=0, token_count=1, set_count=1), "1 forged access of 1 user", id="one of them"),
        pytest.param(group(id_count=1), "3 forged tokens of 1 user", id="some records carry a token"),
        pytest.param(group(group_client="00000002-0000-0ff1-ce00-000000000000"),
                     "3 forged tokens of 1 user through Office 365 Exchange Online"
                     " (00000002-0000-0ff1-ce00-000000000000)", id="the name of the application before its id"),
    ],
)
def test_titles(row: dict[str, Any], words: str) -> None:
    """A title counts what there is: tokens, or accesses where no record carries a token."""
    assert title(row, FindingVerdict.FORGED) == words


@pytest.mark.parametrize(
    ("row", "words"),
    [
        pytest.param(group(), "nothing about it is new to the user", id="the person's own"),
        pytest.param(group(new_client=3, new_network=2), "new to the user: client, network (2 of 3)", id="some is new"),
        pytest.param(group(nobodys=3), "no sign-in of anybody is through this client", id="nobody's client"),
        pytest.param(group(compared=1), "no sign-in of the user is in evidence (2 of 3)", id="people without sign-ins"),
        pytest.param(group(**{rule_column(RULE.id): 2}), f"{RULE.title} (2 of 3)", id="a rule of some tokens"),
        pytest.param(group(cluster_tokens=2, cluster_ids=9, cluster_misses=4, cluster_expected=0.01),
                     "4 of 9 tokens here have no issuance, where at most 1.00% would be usual (2 of 3)",
                     id="the numbers of a cluster that holds some of them"),
    ],
)
def test_a_detail_holds_for_all_tokens_or_says_for_how_many(row: dict[str, Any], words: str) -> None:
    """What is new, which rules hold and which numbers: each with its count, where that is not all."""
    assert words in detail(row, FindingVerdict.FORGED, (), [])


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("accepted", "rests on what was declared complete: interactive, non-interactive"),
        (ATTESTED, "rests on what is attested: interactive, non-interactive"),
    ],
)
def test_a_finding_says_on_whose_word_it_rests(status: str, words: str) -> None:
    """Absence rests on a log that somebody declared or attests; what is in evidence rests on nobody's word."""
    assert words in detail(group(), FindingVerdict.FORGED, (), covered(status))
    present = group(group_rule=str(Reason.FORGED_ANCESTOR))
    assert words not in detail(present, FindingVerdict.TAINTED, (), covered(status))
    assert words not in detail(group(), FindingVerdict.CONTRADICTED, (), covered(status))


@pytest.mark.parametrize(
    ("row", "verdict", "status", "words"),
    [
        pytest.param(group(token_count=1), FindingVerdict.FORGED, "accepted", "Ask ada@x.example about a new device",
                     id="one miss in a declared log may be a lost record"),
        pytest.param(group(token_count=1), FindingVerdict.FORGED, ATTESTED, "Find out which key",
                     id="nothing is lost from an attested log"),
        pytest.param(group(), FindingVerdict.FORGED, "accepted", "Find out which key", id="several"),
        pytest.param(group(group_rule=str(Reason.KEY_NOT_SOUND)), FindingVerdict.PROBABLY_FORGED, "accepted",
                     "Ask the users", id="no further log would decide it"),
        pytest.param(group(group_rule=str(Reason.KEY_NOT_SOUND)), FindingVerdict.PROBABLY_FORGED, "seen",
                     "Export the sign-ins", id="a log would decide it"),
    ],
)
def test_the_first_step_is_what_the_docs_say(
    row: dict[str, Any], verdict: FindingVerdict, status: str, words: str
) -> None:
    """One absence on somebody's word is asked about; several, or a log that verifies, and the key is blocked."""
    assert next_step(row, verdict, (), covered(status)).startswith(words)


def test_names_and_strange_addresses_come_first() -> None:
    """Values that were ranked come out as they are, those that were put first before the others, each once."""
    ranked = sorted([f"{LAST}198.51.100.1", f"{FIRST}203.0.113.9", f"{LAST}203.0.113.9"])
    assert plain(ranked) == ("203.0.113.9", "198.51.100.1")
