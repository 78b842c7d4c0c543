"""Issuers with a ledger of their own: what is sound, what is relied on, and what still is not (rules 3, 4.1, 5.9)."""

from __future__ import annotations

from counterfoil.model.counterfoil import LEDGER_LOG
from counterfoil.model.coverage import Declaration
from counterfoil.model.reason import Reason
from counterfoil.model.verdict import Verdict

from .cases import Case, Table, Told, Wanted, coverage, last, of
from .own_rows import (
    LEDGER,
    OWN,
    attested,
    declared,
    digest_of,
    minted,
    own_logs,
    pseudonym,
    received,
    renewed,
    verified,
)
from .reference import Settings
from .rows import Row, at, sign_in

INTUNE = "0000000a-0000-0000-c000-000000000000"
STRANGE: Row = {"client_id": "rogue", "ip": "203.0.113.9", "user_agent": "curl"}

FORGED = (Verdict.FORGED, Reason.ID_NOT_ISSUED)
TRUST: dict[str, Settings] = {"attested": attested(), "declared": declared(LEDGER_LOG)}
USED = received(10, "x", "alice")
HABIT = [minted(0, "a"), received(5, "a")]
# a ledger names no addresses: uses of three days stand in
DAYS = [row for day in (1, 2) for row in (minted(-1440 * day, f"d{day}"), received(5 - 1440 * day, f"d{day}"))]

TOKENS: dict[str, tuple[list[Row], Settings, tuple[Verdict, Reason]]] = {
    "what the ledger holds is minted by its digest": (
        HABIT, attested(), (Verdict.MINTED, Reason.BY_DIGEST)),
    "what an attested ledger lacks is forged": ([USED], attested(), FORGED),
    "what a ledger lacks that was declared complete is forged": ([USED | STRANGE], declared(LEDGER_LOG), FORGED),
    "what a ledger lacks of which nobody says anything is uncovered": (
        [USED], Settings(), (Verdict.UNCOVERED, Reason.NOT_DECLARED)),
    "an ordinary use convicts by a verified ledger": ([*HABIT, USED], attested(), FORGED),
    "an ordinary use does not convict by a declared one": (
        [*DAYS, *HABIT, USED], declared(LEDGER_LOG), (Verdict.UNCOVERED, Reason.ORDINARY_MISS)),
    "a use like that of one day is explained": (
        [*HABIT, USED], declared(LEDGER_LOG), (Verdict.UNCOVERED, Reason.EXPLAINED_MISS)),
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
    "without issued-at the five minutes after its use must be covered": (
        [received(10, "x", issued_at=None)], Settings(attested=(verified(end=at(16)),)), FORGED),
    "a client of Microsoft's excuses no token of another issuer": (
        [received(10, "x", client_id=INTUNE, token_class="application")], attested(), FORGED),
    "an id of a kind that no own issuer gives is not sought": (
        [received(10, "x", token_id_kind="saml_assertion_id")], attested(), (Verdict.UNCOVERED, Reason.KEY_NOT_SOUND)),
    "a token without id and digest is not sought": (
        [received(10, None, signing_input_digest=None)], attested(), (Verdict.UNCOVERED, Reason.KEY_NOT_SOUND)),
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
        [sign_in(0, "a", issuer="https://other.example", source="other", token_id_kind="jti"),
         received(10, "x", issuer="https://other.example")], attested(), (Verdict.UNCOVERED, Reason.KEY_NOT_SOUND)),
    "an issuer with a second log needs both": (
        [sign_in(0, "a", issuer=OWN, source="other", token_id_kind="jti"), USED], attested(),
        (Verdict.UNCOVERED, Reason.NOT_DECLARED)),
    "a second ledger that nobody checked is needed too": (
        [minted(0, "a", kind="login.example/second"), USED], attested(), (Verdict.UNCOVERED, Reason.NOT_DECLARED)),
    "a ledger of renewals alone is needed too": (
        [renewed(0, "a", ["own-14400"], kind="login.example/second"), USED], attested(),
        (Verdict.UNCOVERED, Reason.NOT_DECLARED)),
    "a declared ledger that lacks entries is refused": (
        [minted(0, "a", sequence=1), minted(1, "b", sequence=3), USED | STRANGE],
        Settings((Declaration(LEDGER_LOG, LEDGER),)), (Verdict.UNCOVERED, Reason.NOT_DECLARED)),
}


def own(rule: str, rows: list[Row], wanted: Wanted | list[Wanted], settings: Settings) -> Case:
    """Return a case among others' tokens, which both own logs hold."""
    return Case(rule, rows, wanted, settings, around=own_logs())


def twins(count: int) -> Wanted:
    """Want so many ids under which disagreeing tokens were accepted."""

    def wrong(told: Told) -> list[str]:
        return [] if len(told.twins) == count else [f"{len(told.twins)} ids of tokens that disagree"]

    return wrong


PEOPLE = [row for n, who in enumerate(("alice", "bob")) for row in (
    *(row for day in range(3) for row in (minted(n - 1440 * day, f"a{n}{day}", who),
                                          received(n + 5 - 1440 * day, f"a{n}{day}", who))),
    received(n + 10, f"lost{n}", who))]
WORDS = "it does not extend the checkpoint that another party keeps"

CASES: Table = {
    **{
        f"a token of an own issuer: {sentence}": own("3, 4.1, 5.9", rows, last(reason), settings)
        for sentence, (rows, settings, (_, reason)) in TOKENS.items()
    },
    **{
        f"what a forged token was exchanged for is tainted: {words}": own(
            "6.4", [received(9, "x", "alice", **STRANGE), renewed(10, "child", ["x"]), received(15, "child")],
            last(Reason.FORGED_ANCESTOR), settings)
        for words, settings in TRUST.items()
    },
    "a chain of genuine exchanges is minted": own(
        "6.2", [minted(0, "a"), renewed(10, "b", ["a"]), renewed(20, "c", ["b"]), received(25, "c")],
        of("c", Reason.BY_DIGEST), attested()),
    "ordinary misses of two people refute a declared ledger": own(
        "5.5", [*PEOPLE, received(30, "x", "carol", **STRANGE)],
        [last(Reason.DECLARATION_REFUTED), coverage(LEDGER_LOG, status=["refuted"])], declared(LEDGER_LOG)),
    "ordinary misses do not refute a verified ledger": own(
        "5.9", PEOPLE, [last(Reason.ID_NOT_ISSUED), coverage(LEDGER_LOG, status=["attested"])], attested()),
    "a refused ledger says why": own(
        "5.9", [USED], coverage(LEDGER_LOG, status=["refused"], reason=[WORDS]),
        Settings(attested=(verified(status="refused", reason=WORDS),))),
    "pseudonyms of two keys are no disagreement under one id": own(
        "3.4", [*HABIT, received(6, "a", age=6, subject_id=pseudonym("alice", "b"))], twins(0), attested()),
    "pseudonyms of one key that differ are a disagreement under one id": own(
        "3.4", [*HABIT, received(6, "a", "bob", age=6)], twins(1), attested()),
}
