"""Issuers with a ledger of their own: what is sound, what is relied on, and what still is not (rules 3, 4.1, 5.9)."""

from __future__ import annotations

from counterfoil.model.counterfoil import LEDGER_LOG
from counterfoil.model.coverage import Declaration
from counterfoil.model.reason import Reason
from counterfoil.model.verdict import Verdict
from counterfoil.reconcile.declared import VERIFIED

from .cases import Case, Table, Told, Wanted, coverage, each, last, of
from .cases_misses import BOTH as PERSONS
from .own_rows import (
    FIRST,
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
from .rows import Row, access, at, complete, foreign, sign_in

OTHER = "https://other.example"
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
    "where a ledger names addresses, uses from elsewhere stand in for none": (
        [*(row | ({"ip": "192.0.2.200"} if row["leg"] == "issuance" else {}) for row in [*DAYS, *HABIT]), USED],
        declared(LEDGER_LOG), FORGED),
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
BY_BYTES: Row = {"signing_input_digest": digest_of("child")}
AT_HOME = [row for row in PEOPLE if not row["token_id"].startswith("lost")]
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
    **{
        f"what a forged token was exchanged for is tainted where its bytes alone are known: {words}": own(
            "6.4", [received(9, "x", "alice", **STRANGE), *between, made, received(15, None, **BY_BYTES)],
            last(Reason.FORGED_ANCESTOR), attested())
        for words, between, made in (
            ("at once", [], renewed(10, "child", ["x"])),
            ("in turn", [renewed(10, "more", ["x"])], renewed(10, "child", ["more"])),
            ("and were recorded as failed, too", [minted(10, "aborted", outcome="failed", **BY_BYTES)],
             renewed(10, "child", ["x"])),
        )
    },
    "an exchange with a root is minted where its bytes alone are known": own(
        "6.2", [minted(0, "a"), renewed(10, "child", ["a"]), received(15, None, **BY_BYTES)],
        last(Reason.BY_DIGEST), attested()),
    "what was obtained with an id taints nothing where another id was forged": own(
        "6.4", [received(9, "x", **STRANGE), minted(0, "a"), renewed(5, "b", ["a"]), renewed(7, "c", ["b"]),
                received(10, "c", age=3)],
        of("c", Reason.BY_DIGEST), attested()),
    "what was obtained with an id taints nothing where another issuer's of that name was forged": own(
        "6.4", [received(9, "x", **STRANGE), minted(2, "w", issuer=OTHER),
                renewed(3, "x", ["w"], issuer=OTHER, signing_input_digest="d"),
                received(11, "x", issuer=OTHER, signing_input_digest="d", age=8),
                renewed(12, "c", ["x"], issuer=OTHER), received(15, "c", issuer=OTHER, age=3)],
        of("c", Reason.BY_DIGEST), attested()),
    "ids of a kind that no log holds refute nothing beside an issuer with a ledger": Case(
        "5.5", [*own_logs(), *PERSONS, *(access(5, f"n-{who}", who, token_id_kind="jti") for who in ("alice", "bob")),
                foreign(9, "x")], of("x", Reason.ID_NOT_ISSUED), complete(attested=attested().attested)),
    "a chain of genuine exchanges is minted": own(
        "6.2", [minted(0, "a"), renewed(10, "b", ["a"]), renewed(20, "c", ["b"]), received(25, "c")],
        of("c", Reason.BY_DIGEST), attested()),
    "a chain of genuine exchanges is minted, each of which was used": own(
        "6.2", [minted(0, "a"), renewed(10, "b", ["a"]), received(15, "b"), renewed(20, "c", ["b"]), received(25, "c")],
        [of("b", Reason.BY_DIGEST), of("c", Reason.BY_DIGEST)], attested()),
    "ordinary misses of two people refute a declared ledger": own(
        "5.5", [*PEOPLE, received(30, "x", "carol", **STRANGE)],
        [last(Reason.DECLARATION_REFUTED), coverage(LEDGER_LOG, status=["refuted"])], declared(LEDGER_LOG)),
    "ordinary misses do not refute a verified ledger": own(
        "5.9", PEOPLE, [last(Reason.ID_NOT_ISSUED), coverage(LEDGER_LOG, status=["attested"])], attested()),
    "route misses do not refute a client where a verified ledger lacks them": own(
        "5.5, 5.9", [*PEOPLE, received(FIRST + 60, "r0", "zoe", client_id="new", ip="192.0.2.200"),
                     *(received(20, f"r-{who}", who, client_id="new") for who in ("alice", "bob")),
                     received(30, "x", "carol", **STRANGE | {"client_id": "new"})],
        last(Reason.ID_NOT_ISSUED, refuted=False), attested()),
    **{
        f"own uses of ids that were asked for in vain refute no ledger: {outcome}": own(
            "5.5", [*AT_HOME, *(row for who in ("alice", "bob") for row in (
                minted(20, f"f-{who}", who, outcome=outcome), received(25, f"f-{who}", who)))],
            coverage(LEDGER_LOG, status=["accepted"]), declared(LEDGER_LOG))
        for outcome in ("failed", "interrupted")
    },
    "route misses refute a client where a verified ledger does not reach": own(
        "5.5, 5.9", [*PEOPLE, received(FIRST + 60, "r0", "zoe", client_id="new", ip="192.0.2.200"),
                     *(received(20, f"r-{who}", who, client_id="new") for who in ("alice", "bob")),
                     received(90, "x", "carol", **STRANGE | {"client_id": "new"})],
        last(Reason.ID_NOT_ISSUED, refuted=True), Settings(attested=(verified(start=at(60)),))),
    **{
        f"renewals that are known by their bytes alone refute nothing: {client}": own(
            "5.5", [*AT_HOME, received(FIRST + 60, "r0", "zoe", client_id="new", ip="192.0.2.200"), *(
                row for n, who in enumerate(("alice", "bob")) for row in (
                    renewed(20, f"s-{who}", [f"a{n}0"], who),
                    received(25, None, who, client_id=client, signing_input_digest=digest_of(f"s-{who}")))),
                received(30, "x", "carol", **STRANGE | {"client_id": client})],
            [of("x", refuted=False), coverage(LEDGER_LOG, status=["accepted"])], declared(LEDGER_LOG))
        for client in ("shop", "new")
    },
    "a ledger that was checked says so": own(
        "5.9", [USED], coverage(LEDGER_LOG, status=["attested"], reason=[VERIFIED]), attested()),
    "a ledger that was refused for no reason that is known says so": own(
        "5.9", [USED], coverage(LEDGER_LOG, status=["refused"], reason=["it could not be verified"]),
        Settings(attested=(verified(status="refused", reason=""),))),
    "what links by its bytes alone is not counted among ids": own(
        "5.7", [*(row for n in range(60) for row in (
                    minted(n, f"b{n}"), minted(n, f"i{n}"), received(n + 5, f"i{n}"),
                    received(n + 5, None, signing_input_digest=digest_of(f"b{n}"), **STRANGE))),
                *(received(100 + n, f"x{n}", f"u{n}", **STRANGE) for n in range(6))],
        each(where=lambda t: (t["token_id"] or "").startswith("x"), count=6, probable="misses-far-beyond-rate"),
        Settings()),
    "a refused ledger says why": own(
        "5.9", [USED], coverage(LEDGER_LOG, status=["refused"], reason=[WORDS]),
        Settings(attested=(verified(status="refused", reason=WORDS),))),
    "pseudonyms of two keys are no disagreement under one id": own(
        "3.4", [*HABIT, received(6, "a", age=6, subject_id=pseudonym("alice", "b"))], twins(0), attested()),
    "pseudonyms of one key that differ are a disagreement under one id": own(
        "3.4", [*HABIT, received(6, "a", "bob", age=6)], twins(1), attested()),
}
