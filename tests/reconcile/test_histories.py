"""A hundred drawn histories: engine and double agree, and what holds for every history holds in the engine's words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from counterfoil.model.reason import Reason
from counterfoil.model.schema import TokenClass
from counterfoil.model.verdict import ACCUSING, Verdict

from .cases import probable
from .conftest import AnswerOf
from .drawn import ISSUANCES, drawn, groups, lost_token, undeclared
from .engine_run import Answer
from .groups import Group
from .reference_policy import CONSUMER_TENANT
from .rows import Row

pytestmark = pytest.mark.xdist_group("histories")

RUNS = ("real", "tiny")
ACCUSED = {str(verdict) for verdict in ACCUSING}
CLAIMS = ("issuer", "token_id", "subject", "token_tenant", "issued_at", "key_id", "signing_input_digest")


@pytest.fixture(params=RUNS)
def run(request: pytest.FixtureRequest, answer_of: AnswerOf) -> tuple[Group, Answer]:
    """Return a run and what came of it."""
    group = groups()[request.param]
    return group, answer_of(f"histories {request.param}", group)


Run = tuple[Group, Answer]


def told(run: Run, word: str = "") -> Iterator[tuple[str, list[Row], list[Row]]]:
    """Yield name, rows and tokens of each history; those that were told otherwise have a `word` in their name."""
    group, answer = run
    of = group.told(answer)
    for name, one in group.placed.items():
        if name.partition(" ")[2].partition(" ")[2] == word:
            yield name, list(one.case.rows), of[name].tokens


def tokens(run: Run) -> Iterator[tuple[list[Row], Row]]:
    """Yield each token of each history with the history's rows."""
    for _, rows, found in told(run):
        for token in found:
            yield rows, token


def both(run: Run, word: str) -> Iterator[tuple[list[Row], list[Row], list[Row]]]:
    """Yield the rows of histories that were told otherwise, with their tokens then and before."""
    before = {name: found for name, _, found in told(run)}
    for name, rows, after in told(run, word):
        yield rows, after, before[name.removesuffix(f" {word}")]


def issuance_rows(rows: list[Row], token_id: str | None) -> list[Row]:
    """Return the rows, as delivered, that issue an id."""
    return [r for r in rows if r["leg"] in ISSUANCES and r.get("token_id") == token_id is not None]


def claims(token: Row) -> tuple[Any, ...]:
    """Return the claim tuple, and what names the record where there is no id."""
    bare = token["token_id"] is None and token["signing_input_digest"] is None
    record = (token["source"], token["record_id"], token["derived"]) if bare else ()
    return (*(token[name] for name in CLAIMS), *record)


def answered(token: Row) -> tuple[Any, ...]:
    """Return the token with all that is said of it, but for how often it was seen."""
    return (*claims(token), *(token[name] for name in ("verdict", "reason", "group_rule", "first_seen", "last_seen")))


def test_engine_and_double_agree(run: Run) -> None:
    """1 to 7: tokens, verdicts, reasons, flags, findings and coverage."""
    group, answer = run
    assert group.wrong(answer) == {}


def test_the_histories_are_worth_something(run: Run) -> None:
    """Most reasons occur in them. All do in the cases (test_cases)."""
    reasons = {token["reason"] for _, token in tokens(run)}
    assert len(reasons) >= 15, sorted(reasons)
    assert len(drawn()["real"]) + len(drawn()["tiny"]) >= 100


# --- nobody whose issuance is there ------------------------------------------------------------------------------


def test_nobody_is_forged_whose_id_is_in_any_issuance(run: Run) -> None:
    """4.1: one record of the id, of whatever outcome, is enough to not be forged."""
    for rows, token in tokens(run):
        if token["reason"] == Reason.ID_NOT_ISSUED:
            assert not issuance_rows(rows, token["token_id"])


def test_a_counterfoil_that_is_found_clears(run: Run) -> None:
    """3, 7: add the issuance that agrees, and the token is minted; only its own lineage or realm may still accuse."""
    cleared = 0
    for rows, after, _ in both(run, "found"):
        use = lost_token(rows)
        names = [*(name for name in CLAIMS if name != "subject"), "subject_id", "token_class"]
        for token in after:
            if use and all(token[name] == use.get(name) for name in names):
                assert token["verdict"] == Verdict.MINTED or token["reason"] == Reason.FORGED_ANCESTOR
                cleared += 1
    assert cleared


def test_a_contradiction_needs_an_issuance_or_the_consumer_realm(run: Run) -> None:
    """3: where no issuance of the id is in evidence, no fact can differ."""
    for rows, token in tokens(run):
        if token["verdict"] == Verdict.CONTRADICTED and token["token_tenant"] != CONSUMER_TENANT:
            assert issuance_rows(rows, token["token_id"]) or token["signing_input_digest"] is not None


def test_complete_logs_of_honest_people_accuse_nobody_whose_id_was_issued(answer_of: AnswerOf) -> None:
    """3 to 7: late, early, denied, interrupted before success, app-only: whoever has an issuance is cleared."""
    group = groups()["real"]
    seen = 0
    of = group.told(answer_of("histories real", group))
    for name, one in group.placed.items():
        for token in of[name].tokens if name.startswith("harmless") else ():
            if "success" in {row["outcome"] for row in issuance_rows(list(one.case.rows), token["token_id"])}:
                assert token["verdict"] == Verdict.MINTED or token["reason"] == Reason.ISSUED_AT_DIFFERS
                seen += 1
    assert seen


# --- lost records ------------------------------------------------------------------------------------------------


def test_an_ordinary_miss_is_never_forged(run: Run) -> None:
    """5.4: what looks like the user's own is not forged; only a cluster on one subject may raise it."""
    doubts = {Reason.NAME_DIFFERS, Reason.OBJECT_ID_ABROAD, Reason.ISSUER_MISSPELT}  # what a token says, not its use
    for _, token in tokens(run):
        if token["ordinary"]:
            assert token["verdict"] != Verdict.FORGED
            assert probable(token) in (None, "misses-far-beyond-rate", *doubts)


def test_a_cleared_token_is_never_probably_forged(run: Run) -> None:
    """5.7: only misses are raised."""
    assert not [token for _, token in tokens(run) if token["verdict"] == Verdict.MINTED and probable(token)]


def test_an_issuer_without_logs_accuses_nobody(run: Run) -> None:
    """4.1 b: tokens of an issuer of which nothing is in evidence are uncovered or unlinkable."""
    for _, after, _ in both(run, "lost"):
        for token in after:
            assert token["verdict"] not in ACCUSED or token["reason"] == Reason.CONSUMER_REALM
            assert not probable(token)


# --- delivery ----------------------------------------------------------------------------------------------------


def test_order_and_duplicates_change_nothing(run: Run) -> None:
    """1.1: records come late, out of order, and again in worse wrappers."""
    for _, after, before in both(run, "again"):
        assert Counter(map(answered, after)) == Counter(map(answered, before))


def test_an_exact_copy_has_the_verdict_of_what_it_copies(run: Run) -> None:
    """3.1: a second acceptance with the same claims is the same token; no answer tells the two apart."""
    for _, after, before in both(run, "copied"):
        assert {answered(token) for token in after} == {answered(token) for token in before}


def test_every_acceptance_is_counted_once(run: Run) -> None:
    """1.4, 2.1: accepted records and derived ones add up to the tokens' acceptances."""
    for _, rows, found in told(run):
        best: dict[tuple[str, str], Row] = {}
        for row in sorted(rows, key=lambda r: (r["fidelity"], r["raw_file"], r.get("raw_position", 1))):
            kept = best.setdefault((row["source"], row["record_id"]), {})
            kept.update({k: v for k, v in row.items() if kept.get(k) is None})
        accepted = [r for r in best.values() if r["leg"] == "acceptance" and r["outcome"] in ("success", "denied")]
        exchanges = [r for r in best.values() if r["leg"] == "secondary_issuance" and r["outcome"] == "success"]
        parents = sum(len(set(r.get("parent_token_ids") or ())) for r in exchanges)
        assertions = [t for t in found if t["derived"] == "assertion"]
        assert all(t["acceptances"] == 1 for t in assertions)
        assert sum(t["acceptances"] for t in found) == len(accepted) + parents + len(assertions)


def test_a_token_is_one_tuple_of_claims(run: Run) -> None:
    """2.1: no two answers speak of the same token."""
    for _, _, found in told(run):
        assert len({claims(token) for token in found}) == len(found)


# --- declarations ------------------------------------------------------------------------------------------------


@pytest.fixture
def bare(answer_of: AnswerOf) -> Run:
    """Return what comes of the histories when nobody declares anything."""
    return undeclared(), answer_of("histories undeclared", undeclared())


def test_without_declarations_nothing_is_forged(bare: Run) -> None:
    """4, 6.3: completeness is declared, never assumed."""
    for _, token in tokens(bare):
        assert token["verdict"] != Verdict.FORGED
        assert token["reason"] != Reason.UNROOTED


def test_declarations_neither_clear_nor_contradict(bare: Run, answer_of: AnswerOf) -> None:
    """3: what is in evidence says the same, whatever is declared of the rest."""
    group = groups()["real"]
    declared = {name: found for name, _, found in told((group, answer_of("histories real", group)))}
    for name, _, found in told(bare):
        for verdict in (Verdict.CONTRADICTED, Verdict.MINTED):
            then = {claims(token) for token in declared[name] if token["verdict"] == verdict}
            now = {claims(token) for token in found if token["verdict"] == verdict}
            assert then == now if verdict is Verdict.CONTRADICTED else then <= now


# --- who is who --------------------------------------------------------------------------------------------------


def test_only_the_identified_are_accused_for_who_they_are(run: Run) -> None:
    """1.2: a mere name, or nobody, is never forged or contradicted as a subject."""
    by_subject = {Reason.SUBJECT_DIFFERS, Reason.SUBJECT_NOT_SIGNED_IN, Reason.ASSERTION_NOT_ISSUED, Reason.COUNT_ONLY}
    for _, token in tokens(run):
        if token["reason"] in by_subject:
            assert token["subject"] is not None
            assert not token["subject"].startswith("name:")


def test_neither_guests_nor_act_as_tokens_are_held_to_their_subject(run: Run) -> None:
    """3.2: they have other object ids by right. Who signs in here as a member is no guest here."""
    for rows, token in tokens(run):
        if token["reason"] == Reason.SUBJECT_DIFFERS and token["signing_input_digest"] is None:
            issued = [row for row in issuance_rows(rows, token["token_id"]) if row["outcome"] == "success"]
            assert not all(_guest(row) for row in issued) or _is_member(rows, token["subject"])
            used = [r for r in rows if r["leg"] == "acceptance" and r.get("token_id") == token["token_id"]]
            assert any(r.get("token_class") != TokenClass.ACT_AS for r in used) or not used


def _is_member(rows: list[Row], subject: str) -> bool:
    return any(r["leg"] == "issuance" and r.get("subject_id") == subject and r.get("home_tenant")
               and not _guest(r) for r in rows)


def _guest(row: Row) -> bool:
    tenants = (row.get("home_tenant"), row.get("resource_tenant"))
    return None not in tenants and tenants[0] != tenants[1]
