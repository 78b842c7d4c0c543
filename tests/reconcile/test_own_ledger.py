"""Issuers with a ledger of their own: what is sound, what is relied on, and what still is not (rules 3, 4.1, 5.9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from counterfoil.model.counterfoil import LEDGER_LOG
from counterfoil.model.coverage import Declaration
from counterfoil.model.verdict import Reason, Verdict

from .engine_run import Answer, Judge, differences
from .own_rows import (
    LEDGER,
    OWN,
    apart,
    attested,
    declared,
    digest_of,
    minted,
    own_logs,
    pseudonym,
    received,
    renewed,
    settings_apart,
    verified,
)
from .reference import Policy, Settings
from .rows import Row, at, numbered, sign_in

STRANGE: Row = {"client_id": "rogue", "ip": "203.0.113.9", "user_agent": "curl"}


def agreed(judge: Judge, rows: Sequence[Row], settings: Settings) -> Answer:
    """Judge rows on top of others' tokens with engine and reference; they agree."""
    every = numbered([*own_logs(), *rows])
    answer = judge(every, settings, Policy())
    assert differences(answer, every, settings, Policy()) == []
    return answer


def last(answer: Answer) -> tuple[Verdict, Reason]:
    """Return verdict and reason of the token that was first seen last."""
    token = max(answer.tokens, key=lambda t: (t["first_seen"], t["derived"] == ""))
    return Verdict(token["verdict"]), Reason(token["reason"])


FORGED = (Verdict.FORGED, Reason.ID_NOT_ISSUED)
TRUST: dict[str, Settings] = {"attested": attested(), "declared": declared(LEDGER_LOG)}
USED = received(10, "x", "alice")
HABIT = [minted(0, "a"), received(5, "a")]

CASES: dict[str, tuple[list[Row], Settings, tuple[Verdict, Reason]]] = {
    "what the ledger holds is minted by its digest": (
        HABIT, attested(), (Verdict.MINTED, Reason.BY_DIGEST)),
    "what an attested ledger lacks is forged": ([USED], attested(), FORGED),
    "what a ledger lacks that was declared complete is forged": ([USED | STRANGE], declared(LEDGER_LOG), FORGED),
    "what a ledger lacks of which nobody says anything is uncovered": (
        [USED], Settings(), (Verdict.UNCOVERED, Reason.NOT_DECLARED)),
    "an ordinary use convicts by a verified ledger": ([*HABIT, USED], attested(), FORGED),
    "an ordinary use does not convict by a declared one": (
        [*HABIT, USED], declared(LEDGER_LOG), (Verdict.UNCOVERED, Reason.ORDINARY_MISS)),
    "a ledger that did not verify covers nothing": (
        [USED], Settings(attested=(verified(status="refused", reason="rewritten"),)),
        (Verdict.UNCOVERED, Reason.NOT_DECLARED)),
    "a declaration does not heal a ledger that did not verify": (
        [USED], Settings(declared(LEDGER_LOG).declarations, attested=(verified(status="refused", reason="gap"),)),
        (Verdict.UNCOVERED, Reason.NOT_DECLARED)),
    "of two checks of one ledger the refusal counts": (
        [USED], Settings(attested=(verified(status="refused", reason="gap"), verified())),
        (Verdict.UNCOVERED, Reason.NOT_DECLARED)),
    "what may have been issued after the checked end is uncovered": (
        [received(10, "x", age=5)], Settings(attested=(verified(end=at(5)),)),
        (Verdict.UNCOVERED, Reason.OUTSIDE_COVERAGE)),
    "an issued-at inside the checked time decides, however late the receipt": (
        [received(600, "x", age=590)], Settings(attested=(verified(end=at(11)),)), FORGED),
    "without issued-at the whole life must be covered": (
        [received(10, "x", issued_at=None)], Settings(attested=(verified(start=at(-60)),)),
        (Verdict.UNCOVERED, Reason.OUTSIDE_COVERAGE)),
    "an issued-at before the ledger began is uncovered": (
        [received(10, "x", age=90)], Settings(attested=(verified(start=at(-60)),)),
        (Verdict.UNCOVERED, Reason.OUTSIDE_COVERAGE)),
    "an issued-at that no life reaches is no excuse": ([received(10, "x", age=90_000)], attested(), FORGED),
    "an issued-at in the future is no excuse": ([received(10, "x", age=-90_000)], attested(), FORGED),
    "a token without id is sought by its digest": ([received(10, None, issued_at=at(5))], attested(), FORGED),
    "a cloned id with other bytes is contradicted": (
        [*HABIT, received(10, "a", signing_input_digest=digest_of("a", "other"))], attested(),
        (Verdict.CONTRADICTED, Reason.DIGEST_DIFFERS)),
    "a cloned id is contradicted by any ledger, attested or not": (
        [*HABIT, received(10, "a", signing_input_digest=digest_of("a", "other"))], Settings(),
        (Verdict.CONTRADICTED, Reason.DIGEST_DIFFERS)),
    "a receipt without digest is cleared by its id": (
        [minted(0, "a"), received(5, "a", signing_input_digest=None)], attested(), (Verdict.MINTED, Reason.BY_ID)),
    "pseudonyms of one key that differ contradict": (
        [minted(0, "a", "alice"), received(5, "a", "bob", signing_input_digest=None)], attested(),
        (Verdict.CONTRADICTED, Reason.SUBJECT_DIFFERS)),
    "pseudonyms of two keys never disagree": (
        [minted(0, "a"), received(5, "a", subject_id=pseudonym("alice", "b"), signing_input_digest=None)], attested(),
        (Verdict.MINTED, Reason.BY_ID)),
    "a pseudonym never disagrees with a name in clear": (
        [minted(0, "a"), received(5, "a", subject_id="alice", signing_input_digest=None)], attested(),
        (Verdict.MINTED, Reason.BY_ID)),
    "a jti of an issuer without ledger stays unsound": (
        [sign_in(0, "a", issuer="https://other.example", source="other", token_id_kind="jti"),  # noqa: S106
         received(10, "x", issuer="https://other.example")], attested(), (Verdict.UNCOVERED, Reason.KEY_NOT_SOUND)),
    "an issuer with a second log needs both": (
        [sign_in(0, "a", issuer=OWN, source="other", token_id_kind="jti"), USED], attested(),  # noqa: S106
        (Verdict.UNCOVERED, Reason.NOT_DECLARED)),
    "a second ledger that nobody checked is needed too": (
        [minted(0, "a", kind="login.example/second"), USED], attested(), (Verdict.UNCOVERED, Reason.NOT_DECLARED)),
    "a ledger of renewals alone is needed too": (
        [renewed(0, "a", ["own-14400"], kind="login.example/second"), USED], attested(),
        (Verdict.UNCOVERED, Reason.NOT_DECLARED)),
    "a declared ledger that lacks entries is refused": (
        [minted(0, "a", sequence=1), minted(1, "b", sequence=3), USED | STRANGE],
        Settings((Declaration(LEDGER_LOG, LEDGER),)), (Verdict.UNCOVERED, Reason.NOT_DECLARED)),
}  # fmt: skip


@pytest.fixture(scope="module")
def answers(engine_judge: Judge) -> dict[str, tuple[Verdict, Reason]]:
    """Return what engine and reference, which agree, say in one run of the last token of each case."""
    words = {case: f"case{place}" for place, case in enumerate(CASES)}
    rows = numbered([row for case, word in words.items() for row in apart([*own_logs(), *CASES[case][0]], word)])
    settings = settings_apart({word: CASES[case][1] for case, word in words.items()})
    answer = engine_judge(rows, settings, Policy())
    assert differences(answer, rows, settings, Policy()) == []
    return {
        case: last(replace(answer, tokens=[row for row in answer.tokens if (row["issuer"] or "").endswith(f".{word}")]))
        for case, word in words.items()
    }


@pytest.mark.parametrize("case", CASES)
def test_a_token_of_an_own_issuer(answers: dict[str, tuple[Verdict, Reason]], case: str) -> None:
    """3, 4.1, 5.9: engine and reference say this of the last token."""
    assert answers[case] == CASES[case][2]


@pytest.mark.parametrize("settings", TRUST.values(), ids=TRUST)
def test_what_a_forged_token_was_exchanged_for_is_tainted(engine_judge: Judge, settings: Settings) -> None:
    """6.4: the exchange names the parent's id alone; other uses of that id tell that it was never issued."""
    rows = [received(9, "x", "alice", **STRANGE), renewed(10, "child", ["x"]), received(15, "child")]
    assert last(agreed(engine_judge, rows, settings)) == (Verdict.TAINTED, Reason.FORGED_ANCESTOR)


def test_a_chain_of_genuine_exchanges_is_minted(engine_judge: Judge) -> None:
    """6.2: what descends from a primary issuance is rooted."""
    rows = [minted(0, "a"), renewed(10, "b", ["a"]), renewed(20, "c", ["b"]), received(25, "c")]
    assert last(agreed(engine_judge, rows, attested()))[0] is Verdict.MINTED


def test_ordinary_misses_of_two_people_refute_a_declared_ledger(engine_judge: Judge) -> None:
    """5.5: and then a strange use convicts nobody either."""
    people = [row for n, who in enumerate(("alice", "bob")) for row in (
        minted(n, f"a{n}", who), received(n + 5, f"a{n}", who), received(n + 10, f"lost{n}", who))]  # fmt: skip
    answer = agreed(engine_judge, [*people, received(30, "x", "carol", **STRANGE)], declared(LEDGER_LOG))
    assert last(answer) == (Verdict.UNCOVERED, Reason.DECLARATION_REFUTED)
    assert [row.status for row in answer.coverage if row.source == LEDGER_LOG] == ["refuted"]


def test_ordinary_misses_do_not_refute_a_verified_ledger(engine_judge: Judge) -> None:
    """5.9: what a verified log lacks was never in it."""
    people = [row for n, who in enumerate(("alice", "bob")) for row in (
        minted(n, f"a{n}", who), received(n + 5, f"a{n}", who), received(n + 10, f"lost{n}", who))]  # fmt: skip
    answer = agreed(engine_judge, people, attested())
    assert last(answer) == FORGED
    assert [row.status for row in answer.coverage if row.source == LEDGER_LOG] == ["attested"]


def test_a_refused_ledger_says_why(engine_judge: Judge) -> None:
    """5.9: the reason stands in the coverage."""
    words = "it does not extend the checkpoint that another party keeps"
    answer = agreed(engine_judge, [USED], Settings(attested=(verified(status="refused", reason=words),)))
    assert [(row.status, row.reason) for row in answer.coverage if row.source == LEDGER_LOG] == [("refused", words)]


def test_pseudonyms_of_two_keys_are_no_disagreement_under_one_id(engine_judge: Judge) -> None:
    """3.4: two services under two subject keys tell of one person; one key's pseudonyms that differ are a finding."""
    other = received(6, "a", age=6, subject_id=pseudonym("alice", "b"))
    assert agreed(engine_judge, [*HABIT, other], attested()).twins == []
    assert agreed(engine_judge, [*HABIT, received(6, "a", "bob", age=6)], attested()).twins != []
