"""Logs of custody: where a trail breaks, and what no key store signed, issued or not (rules 3.5, 4.4, 8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from counterfoil.model.counterfoil import CUSTODY_LOG, ISSUER_LOG, LEDGER_LOG
from counterfoil.model.coverage import Declaration
from counterfoil.model.diagnosis import Diagnosis
from counterfoil.model.reason import Reason
from counterfoil.model.verdict import Verdict

from .cases import Case, Table, Told, Wanted, coverage, last, of
from .cases_own_ledger import AT_HOME
from .own_rows import (
    BOTH,
    CUSTODY,
    FIRST,
    LEDGER,
    attested,
    declared,
    digest_of,
    key_used,
    minted,
    own_logs,
    pseudonym,
    received,
    renewed,
    signed,
    told,
    verified,
)
from .reference import Settings
from .rows import Row, at, complete

FORGED = (Verdict.FORGED, Reason.ID_NOT_ISSUED)
MINTED = (Verdict.MINTED, Reason.BY_DIGEST, None)
NEVER = (Verdict.FORGED, Reason.NEVER_SIGNED)
ALTERED = (Verdict.CONTRADICTED, Reason.NOT_SIGNED_IN_CUSTODY, Diagnosis.LEDGER_ALTERED)
UNKNOWN = (*FORGED, Diagnosis.CUSTODY_UNKNOWN)
OUT = (*FORGED, Diagnosis.KEY_OUT)
MAYBE_OUT = (*FORGED, Diagnosis.KEY_OUT_OR_UNCHECKED)
THROUGH = (*FORGED, Diagnosis.THROUGH_CUSTODY)
Said = tuple[Verdict, Reason, Diagnosis | None]

USED = received(10, "x", signature="verified")
RECORDED = [minted(5, "x"), USED]
SECOND = {"kind": "custody.example/second"}
ELSEWHERE = key_used(FIRST, digest_of("other"), **SECOND)
DECLARED = Settings((Declaration(CUSTODY_LOG, CUSTODY),), attested=(verified(),))


def made(minutes: float, key: str, operation: str = "create", **more: object) -> Row:
    """Return what custody recorded when a key was made or taken in."""
    row = key_used(minutes, None, key_id=key, operation=operation, key_operation=operation)
    return row | {"leg": "context", "object_kind": "signing_key"} | more


NEW: Row = {"key_id": "k2"}
OTHER = "https://other.example"

TOKENS: dict[str, tuple[list[Row], Settings, Said]] = {
    "a key store never signed what a service verified under its key: the key is out": ([USED], attested(*BOTH), OUT),
    "nobody verified it: the key is out, or a service did not check": (
        [USED | {"signature": "unchecked"}], attested(*BOTH), MAYBE_OUT),
    "a service verified those bytes under another key's name": (
        [received(9, "x", age=4, key_id="k9", signature="verified"), USED | {"signature": "unchecked"}],
        attested(*BOTH), MAYBE_OUT),
    "a service verified another token under that key": (
        [*signed(minted(4, "y")), received(9, "y", signature="verified"), USED | {"signature": "unchecked"}],
        attested(*BOTH), MAYBE_OUT),
    "a service verified another forged token under that key": (
        [received(9, "y", age=4, signature="verified"), USED | {"signature": "unchecked"}],
        attested(*BOTH), MAYBE_OUT),
    "whose bytes were issued, and who is somebody else": (
        [*signed(minted(5, "x")), USED | {"subject_id": pseudonym("bob")}], attested(*BOTH),
        (Verdict.CONTRADICTED, Reason.SUBJECT_DIFFERS, None)),
    "one of several services verified it": (
        [USED | {"signature": "unchecked"}, USED | {"event_time": at(11)}], attested(*BOTH), OUT),
    "the key store signed what the ledger lacks": ([USED, key_used(9, digest_of("x"))], attested(*BOTH), THROUGH),
    "a signature that is there needs no complete log": ([USED, key_used(9, digest_of("x"))], attested(), THROUGH),
    "a signature that was refused was not made": (
        [USED, key_used(9, digest_of("x"), outcome="refused")], attested(*BOTH), OUT),
    "a signature of other bytes is another token's": (
        [USED, key_used(9, digest_of("x", "other"))], attested(*BOTH), OUT),
    "without a relied log of custody it is unknown": ([USED], attested(), UNKNOWN),
    "a declared log of custody tells as well": ([USED], DECLARED, OUT),
    "a log of custody that did not verify tells nothing": (
        [USED], Settings(attested=(verified(), verified(CUSTODY_LOG, status="refused", reason="cut"))), UNKNOWN),
    "a log of custody that lacks entries is no complete one": (
        [USED, key_used(1, digest_of("a"), sequence=1), key_used(2, digest_of("b"), sequence=3)], DECLARED, UNKNOWN),
    "a log that ends before the use may lack the signature": (
        [USED], Settings(attested=(verified(), verified(CUSTODY_LOG, end=at(10)))), UNKNOWN),
    **{
        f"whatever custody wrote down after the use shows that its log goes on{words}": (
            [made(10.5, "k2", "list", kind="custody.example/late", sequence=number, key_id=None),
             key_used(0, digest_of("late"), key_id="late", kind="custody.example/late", sequence=1),
             minted(0, "late", key_id="late", signing_input_digest=digest_of("late")), USED | {"key_id": "late"}],
            replace(attested(*BOTH), attested=(*attested(*BOTH).attested,
                                               replace(verified(CUSTODY_LOG), origin="custody.example/late"))), said)
        for words, number, said in (("", 2, OUT), (", if it is an entry of it", None, UNKNOWN))
    },
    "a log that counts without digests tells nothing of one token": (
        [USED, key_used(1, None)], attested(*BOTH), UNKNOWN),
    "a use that was refused has no digest, and no token lacks it": (
        [USED, key_used(1, None, outcome="refused")], attested(*BOTH), OUT),
    "a token without digest cannot be looked for": (
        [USED | {"signing_input_digest": None}], attested(*BOTH), UNKNOWN),
    "a second log knows the key and is not relied on: it may hold the signature": (
        [USED, ELSEWHERE], attested(*BOTH), UNKNOWN),
    "both logs that know the key are relied on": (
        [USED, ELSEWHERE, key_used(14400, digest_of("late"), **SECOND)],
        replace(attested(*BOTH), attested=(*attested(*BOTH).attested,
                                           replace(verified(CUSTODY_LOG), origin="custody.example/second"))), OUT),
    "a key that no custody knows, of an issuer whose keys are all in custody": (
        [USED | {"key_id": "rogue"}], attested(*BOTH), MAYBE_OUT),
    "a key that no custody knows, of an issuer that signs outside custody too": (
        [minted(0, "b", key_id="elsewhere"), USED | {"key_id": "rogue"}], attested(*BOTH), UNKNOWN),
    "an issued-at before the key was taken in may be older than the log": (
        [made(0, "k2", "attach"), USED | NEW | {"issued_at": at(-5)}], attested(*BOTH), UNKNOWN),
    "a key that was made in custody has no older signatures": (
        [made(0, "k2"), USED | NEW | {"issued_at": at(-5)}], attested(*BOTH), OUT),
    "a key that was prepared in custody has no older signatures": (
        [made(0, "k2", "prepare"), USED | NEW | {"issued_at": at(-5)}], attested(*BOTH), OUT),
    "a key that a rotation made in custody has no older signatures": (
        [made(0, "k2", "rotate"), USED | NEW | {"issued_at": at(-5)}], attested(*BOTH), OUT),
    "a key that no custody knows, of an issuer whose log leaves out a key": (
        [minted(0, "b", key_id=None), made(-60, "k2", "list", key_id=None), USED | {"key_id": "rogue"}],
        complete(attested=attested(*BOTH).attested), UNKNOWN),  # of no other in this run does custody name no key
    "a key that no custody knows, of an issuer that failed to sign outside custody": (
        [minted(0, "b", key_id="elsewhere", outcome="failed"), USED | {"key_id": "rogue"}], attested(*BOTH),
        MAYBE_OUT),
    **{
        f"what is relied on of custody's log holds the use to the second: {words}": ([USED], Settings(
            attested=(verified(), verified(CUSTODY_LOG, **{end: at(minute + seconds / 60)}))), said)
        for words, end, minute, seconds, said in (
            ("from then on", "start", 5, -10, OUT), ("from a second later on", "start", 5, -9, UNKNOWN),
            ("until then", "end", 10, 10, OUT), ("until a second before", "end", 10, 9, UNKNOWN))
    },
    **{
        f"a key that was made in custody, of which the log is relied on {words}": (
            [made(0, "k2"), USED | NEW | {"issued_at": at(-5)}],
            Settings(attested=(verified(), verified(CUSTODY_LOG, start=at(start)))), said)
        for words, start, said in (("from its birth on", 0, OUT), ("from later on", 2, UNKNOWN))
    },
    "the ledger holds it and the key store never signed it": (RECORDED, attested(*BOTH), ALTERED),
    "the ledger and the key store hold it": ([*RECORDED, key_used(5, digest_of("x"))], attested(*BOTH), MINTED),
    "the ledger holds it, and of custody nobody says anything": (RECORDED, attested(), MINTED),
    "the ledger holds it, and its key is not in custody": (
        [minted(5, "x", **NEW), USED | NEW], attested(*BOTH), MINTED),
    "the ledger holds it from before its key was taken in": (
        [made(7, "k2", "attach"), minted(5, "x", **NEW), USED | NEW], attested(*BOTH), MINTED),
    "the ledger holds it, and the use is later than the log of custody": (
        [minted(5, "x"), received(600, "x", age=595)],
        Settings(attested=(verified(), verified(CUSTODY_LOG, end=at(30)))), ALTERED),
    "the ledger holds it, and custody signed no token of anybody's under its key": (
        [key_used(-60, digest_of("other"), **NEW), minted(5, "x", **NEW), USED | NEW], attested(*BOTH), ALTERED),
    "the ledger holds it, and custody signed another issuer's tokens alone under a key of its name": (
        [made(-60, "k2", "attach"), *signed(minted(1, "o", issuer=OTHER, **NEW)), minted(5, "x", **NEW), USED | NEW],
        attested(*BOTH), MINTED),
    "the ledger holds it, and the service that received it tells no key": (
        [minted(5, "x"), USED | {"key_id": None}], attested(*BOTH), MINTED),
    "the ledger holds it, dated later than it was used": (
        [minted(5, "x", issued_at=at(60)), received(10, "x", age=-50)],
        Settings(attested=(verified(), verified(CUSTODY_LOG, end=at(30)))), ALTERED),
    "the ledger holds it, dated later than it was used: its key was taken in between": (
        [made(30, "k2", "attach"), minted(5, "x", issued_at=at(60), **NEW), received(10, "x", age=-50, **NEW)],
        attested(*BOTH), MINTED),
    "a token of an exchange is in the ledger and was never signed": (
        [*signed(minted(0, "a")), renewed(5, "x", ["a"]), USED], attested(*BOTH), ALTERED),
    "a cloned id under other bytes that custody never signed": (
        [*signed(minted(5, "x")), USED | {"signing_input_digest": digest_of("x", "other")}], attested(*BOTH),
        (Verdict.CONTRADICTED, Reason.DIGEST_DIFFERS, Diagnosis.KEY_OUT)),
    "a cloned id under other bytes that custody signed": (
        [*signed(minted(5, "x")), key_used(6, digest_of("x", "other")),
         USED | {"signing_input_digest": digest_of("x", "other")}], attested(*BOTH),
        (Verdict.CONTRADICTED, Reason.DIGEST_DIFFERS, Diagnosis.THROUGH_CUSTODY)),
    "without the issuer's word: what an attested log of its key's uses lacks was never signed": (
        [USED], attested(CUSTODY_LOG), (*NEVER, Diagnosis.KEY_OUT)),
    "without the issuer's word, and no service verified it": (
        [USED | {"signature": "unchecked"}], attested(CUSTODY_LOG), (*NEVER, Diagnosis.KEY_OUT_OR_UNCHECKED)),
    "without the issuer's word, a log of custody that is only declared does not convict": (
        [USED], declared(CUSTODY_LOG), (Verdict.UNCOVERED, Reason.NOT_DECLARED, None)),
    "without the issuer's word, what custody signed is neither cleared nor accused": (
        [USED, key_used(9, digest_of("x"))], attested(CUSTODY_LOG), (Verdict.UNCOVERED, Reason.NOT_DECLARED, None)),
    "without the issuer's word, a key that custody does not know may be signed with elsewhere": (
        [USED | {"key_id": "rogue"}], attested(CUSTODY_LOG), (Verdict.UNCOVERED, Reason.NOT_DECLARED, None)),
    "without the issuer's word, another issuer's key of the same id is not custody's": (
        [received(10, "x", issuer=OTHER)], attested(CUSTODY_LOG),
        (Verdict.UNCOVERED, Reason.NO_ISSUER_LOG, None)),
    "without the issuer's word, what custody signed with another key tells nobody whose that of the token's name is": (
        [made(-60, "k2"), key_used(2, digest_of("t")), received(3, "t", age=1, issuer=OTHER, **NEW),
         received(10, "x", issuer=OTHER, **NEW)], attested(CUSTODY_LOG),
        (Verdict.UNCOVERED, Reason.NO_ISSUER_LOG, None)),
    "what another issuer's ledger holds, under a key of the same id, is not altered": (
        [minted(5, "x", issuer=OTHER), received(10, "x", issuer=OTHER)],
        attested(*BOTH),
        (Verdict.MINTED, Reason.BY_DIGEST, None)),
    "without the issuer's word, an issued-at before the key was taken in": (
        [made(0, "k2", "attach"), USED | NEW | {"issued_at": at(-5)}], attested(CUSTODY_LOG),
        (Verdict.UNCOVERED, Reason.NOT_DECLARED, None)),
    "of two logs that know the key, one is only declared": (
        [USED, ELSEWHERE, key_used(14400, digest_of("late"), **SECOND)],
        replace(attested(CUSTODY_LOG), declarations=(Declaration(CUSTODY_LOG, SECOND["kind"]),)),
        (Verdict.UNCOVERED, Reason.NOT_DECLARED, None)),
    "an ordinary use is no lost record where custody, attested, never signed it": (
        [*signed(minted(0, "a")), received(5, "a"), USED],
        replace(attested(CUSTODY_LOG), declarations=(Declaration(LEDGER_LOG, LEDGER),)), (*NEVER, Diagnosis.KEY_OUT)),
    "an id that the issuer recorded without digest, under bytes that custody never signed": (
        [told(5, "x"), USED], attested(*BOTH),
        (Verdict.CONTRADICTED, Reason.NOT_SIGNED_IN_CUSTODY, Diagnosis.KEY_OUT)),
    "an id that the issuer recorded without digest, under bytes that custody signed": (
        [told(5, "x"), USED, key_used(5, digest_of("x"))], attested(*BOTH), (Verdict.MINTED, Reason.BY_ID, None)),
    "what was obtained with an id is not accused for the copy that a service saw": (
        [told(5, "x"), USED, *signed(renewed(11, "child", ["x"])), received(15, "child", age=4)], attested(*BOTH),
        (Verdict.MINTED, Reason.BY_DIGEST, None)),
    "what was obtained with an id is not accused for a token under it that custody never signed: it may be a copy": (
        [USED, *signed(renewed(11, "child", ["x"])), received(15, "child", age=4)], attested(CUSTODY_LOG),
        (Verdict.UNCOVERED, Reason.UNROOTED_UNCOVERED, None)),
    "without the issuer's word, what was signed before custody's first use of a key that was taken in": (
        [made(0, "k2", "attach"), *signed(minted(30, "b", **NEW)), received(31, "b", age=1, **NEW),
         received(35, "x", age=20, **NEW)], attested(CUSTODY_LOG), (Verdict.UNCOVERED, Reason.NOT_DECLARED, None)),
    "without the issuer's word, what was signed after that": (
        [made(0, "k2", "attach"), *signed(minted(30, "b", **NEW)), received(31, "b", age=1, **NEW),
         received(60, "x", age=20, signature="verified", **NEW)], attested(CUSTODY_LOG), (*NEVER, Diagnosis.KEY_OUT)),
    "without the issuer's word, what was signed the five minutes after that first use for which clocks may disagree": (
        [made(0, "k2", "attach"), *signed(minted(30, "b", **NEW)), received(31, "b", age=1, **NEW),
         received(60, "x", age=25, signature="verified", **NEW)], attested(CUSTODY_LOG), (*NEVER, Diagnosis.KEY_OUT)),
    "without the issuer's word, a use that custody refused is no first use": (
        [made(0, "k2", "attach"), key_used(1, digest_of("c"), outcome="refused", **NEW),
         *signed(minted(30, "b", **NEW)), received(31, "b", age=1, **NEW), received(35, "x", age=20, **NEW)],
        attested(CUSTODY_LOG), (Verdict.UNCOVERED, Reason.NOT_DECLARED, None)),
    "without the issuer's word, custody's log ends five minutes after the use, for which clocks may disagree": (
        [USED | {"issued_at": at(5)}], Settings(attested=(verified(CUSTODY_LOG, end=at(15)),)),
        (*NEVER, Diagnosis.KEY_OUT)),
    "without the issuer's word, clocks may disagree at the end of custody's log": (
        [USED | {"issued_at": at(5)}], Settings(attested=(verified(CUSTODY_LOG, end=at(14)),)),
        (Verdict.UNCOVERED, Reason.NOT_DECLARED, None)),
    "without the issuer's word, an issued-at after the end of custody's log": (
        [USED | {"issued_at": at(30)}], Settings(attested=(verified(CUSTODY_LOG, end=at(20)),)),
        (Verdict.UNCOVERED, Reason.NOT_DECLARED, None)),
    "without the issuer's word and without issued-at, a key that was taken in may have signed it long ago": (
        [USED | {"issued_at": None}], attested(CUSTODY_LOG), (Verdict.UNCOVERED, Reason.NOT_DECLARED, None)),
    "without the issuer's word and without issued-at, a key that was made in custody": (
        [made(0, "k2"), *signed(minted(30, "b", **NEW)), received(31, "b", age=1, **NEW),
         received(60, "x", issued_at=None, signature="verified", **NEW)], attested(CUSTODY_LOG),
        (*NEVER, Diagnosis.KEY_OUT)),
    "a copied id, and custody's log is only declared": (
        [told(5, "x"), USED], replace(declared(CUSTODY_LOG), attested=(verified(),)),
        (Verdict.MINTED, Reason.BY_ID, None)),
    "what a forged token was exchanged for is laundered": (
        [USED, *signed(renewed(11, "child", ["x"])), received(15, "child", age=4)], attested(*BOTH),
        (Verdict.TAINTED, Reason.FORGED_ANCESTOR, Diagnosis.LAUNDERED)),
}

LOST = key_used(9, digest_of("x"), subject_name="user:mallory")

UNACCOUNTED: dict[str, tuple[list[Row], Settings, int]] = {
    "a signature that no ledger accounts for": ([LOST], attested(), 1),
    "two of them": ([LOST, key_used(10, digest_of("y"))], attested(), 2),
    "a declared ledger tells as well": ([LOST], Settings((Declaration(LEDGER_LOG, LEDGER),)), 1),
    "a ledger of which nobody says anything tells nothing": ([LOST], Settings(), 0),
    "what the ledger holds is accounted for": (signed(minted(9, "x")), attested(), 0),
    "what was accepted has a verdict of its own": ([LOST, USED], attested(), 0),
    "a signature after the ledger's end may be in its next entries": (
        [LOST], Settings(attested=(verified(end=at(5)),)), 0),
    "a signature before the ledger began": ([LOST], Settings(attested=(verified(start=at(20)),)), 0),
    "a signature that was refused was not made": ([LOST | {"outcome": "refused"}], attested(), 0),
    "a key that signs other things than tokens": ([LOST | {"key_id": "log"}], attested(), 0),
    "a second ledger under that key is not relied on": ([LOST, minted(0, "b", kind="second")], attested(), 0),
    "another log of the ledger's name has tokens under that key": (
        [LOST, told(0, "b", kind=LEDGER, key_id=LOST["key_id"])], attested(), 0),
    "what is revoked was not signed then": ([minted(9, "r", leg="context", operation="revoke")], attested(), 0),
    "a signature without its digest may be any token's": ([LOST | {"signing_input_digest": None}], attested(), 0),
    "a signature in the second from which on the ledger tells": (
        [LOST], Settings(attested=(verified(start=at(9 - 10 / 60)),)), 1),
    "a signature in the last second of the ledger": ([LOST], Settings(attested=(verified(end=at(9)),)), 1),
    "a log of the ledger's name is relied on, and it is not": (
        [LOST, *(told(minute, f"l{minute}", kind=LEDGER) for minute in (FIRST, -FIRST))],
        Settings((Declaration(ISSUER_LOG, LEDGER),)), 0),
    "another log tells that it failed to issue under that key": (
        [LOST, minted(0, "b", source="other", kind="other", outcome="failed")], attested(), 1),
    "another issuer began later to write that ledger": (
        [LOST, minted(60, "o", issuer=OTHER, key_id="k2")], attested(), 1),
    "another ledger of that issuer begins later": (
        [LOST, minted(60, "o", kind="second", key_id="k2")],
        Settings(attested=(verified(), replace(verified(), origin="second"))), 1),
    "a key of an issuer part of whose log is not here": (
        [LOST, minted(0, "b", source="other", kind="other")], attested(), 0),
}

COUNTED = key_used(5, None, sequence=None)
PAIR = [minted(5, "x"), received(10, "x")]

BALANCES: dict[str, tuple[list[Row], Settings, list[int]]] = {
    "as many signatures as tokens": ([COUNTED, *PAIR], attested(*BOTH), []),
    "a token without any signature near it": ([key_used(60, None), *PAIR], attested(*BOTH), [1]),
    "two tokens in a minute that holds one signature": (
        [COUNTED, *PAIR, received(10, "y"), key_used(90, None), key_used(95, None)], attested(*BOTH), [1]),
    "a token without any signature near it, and one with": (
        [key_used(60, None), key_used(90, None), *PAIR, minted(60, "y"), received(65, "y")], attested(*BOTH), [1]),
    "one token that was accepted often": ([COUNTED, *PAIR, received(11, "x", age=6)], attested(*BOTH), []),
    "a signature that was refused is none": ([COUNTED | {"outcome": "refused"}, key_used(60, None), *PAIR],
                                             attested(*BOTH), [1]),
    "a log of which nobody says anything": ([key_used(60, None), *PAIR], attested(), []),
    "an issued-at outside the log": (
        [COUNTED, received(10, "x", issued_at=at(5))],
        Settings(attested=(verified(), verified(CUSTODY_LOG, start=at(5.1)))), []),
    "a signature in the last second of the minute after": ([key_used(6 + 59 / 60, None), *PAIR], attested(*BOTH), []),
    **{
        f"a signature {words}": (
            [key_used(minute, None), key_used(90, None), *PAIR],
            Settings(attested=(verified(), verified(CUSTODY_LOG, **{edge: at(when)}))), at_least)
        for words, minute, edge, when, at_least in (
            ("before the log is relied on", 4.5, "start", 4.6, [1]),
            ("in the very second from which on the log is relied on", 4.5, "start", 4.5, []),
            ("after the log is relied on", 5.5, "end", 5.4, [1]),
            ("in the last second for which the log is relied on", 5.5, "end", 5.5, []))
    },
    **{
        f"an issued-at {words} of the log": (
            [key_used(-60, None), key_used(60, None), *PAIR],
            Settings(attested=(verified(), verified(CUSTODY_LOG, **{edge: at(5 + seconds / 60)}))), at_least)
        for words, edge, seconds, at_least in (
            ("ten seconds from the beginning", "start", -10, [1]), ("nine seconds from the end", "end", 9, []),
            ("ten seconds from the end", "end", 10, [1]))
    },
    "a log with digests tells of each token by itself": (PAIR, attested(*BOTH), []),
}


def kept(rule: str, rows: Sequence[Row], wanted: Wanted | Sequence[Wanted], settings: Settings) -> Case:
    """Return a case among others' tokens, which both logs hold. The double knows no custody."""
    return Case(rule, rows, wanted, settings, around=own_logs(), compared=False)


def unaccounted(uses: int) -> Wanted:
    """Want so many signatures of one key that no ledger accounts for, of mallory."""

    def wrong(told: Told) -> list[str]:
        got = [(row["uses"], "user:mallory" in str(row["callers"])) for row in told.unaccounted]
        return [] if got == ([(uses, True)] if uses else []) else [f"unaccounted for: {told.unaccounted}"]

    return wrong


def overdrawn(at_least: Sequence[int]) -> Wanted:
    """Want so many tokens at least, per key, that were signed elsewhere."""

    def wrong(told: Told) -> list[str]:
        got = [row["at_least"] for row in told.overdrawn]
        return [] if got == at_least else [f"overdrawn by {got}, not {at_least}"]

    return wrong


CHILD = [*RECORDED, *signed(renewed(11, "child", ["x"])), received(15, "child", age=4)]

CASES: Table = {
    **{
        f"where the trail of a token breaks: {sentence}": kept(
            "3.5, 4.4, 8", rows, last(reason, diagnosis=diagnosis), settings)
        for sentence, (rows, settings, (_, reason, diagnosis)) in TOKENS.items()
    },
    **{
        f"what custody never signed, of two people at home, is missing from no {words}": kept(
            "4.4, 5.5", [*(row for row in AT_HOME for row in (signed(row) if row["leg"] == "issuance" else [row])),
                         received(FIRST + 60, "r0", "zoe", client_id="new", ip="192.0.2.200"),
                         *(received(20, f"r-{who}", who, client_id=client) for who in ("alice", "bob")),
                         received(30, "x", "carol", client_id=client, ip="203.0.113.9", user_agent="curl")],
            [last(Reason.ID_NOT_ISSUED, refuted=False), coverage(LEDGER_LOG, status=["accepted"])],
            replace(attested(CUSTODY_LOG), declarations=(Declaration(LEDGER_LOG, LEDGER),)))
        for words, client in (("ledger", "shop"), ("client's sign-ins", "new"))
    },
    "a child of what custody never signed is tainted, whichever of two tokens under that id was shown": kept(
        "6.4", [minted(5, "x"), USED, received(10, "x", signing_input_digest=digest_of("x", "other")),
                *signed(renewed(11, "child", ["x"])), received(15, "child", age=4)],
        of("child", Reason.FORGED_ANCESTOR), attested(*BOTH)),
    "a child of what custody never signed is tainted": kept(
        "6.4", CHILD, [of("child", Reason.FORGED_ANCESTOR, diagnosis="laundered"),
                       of("x", Reason.NOT_SIGNED_IN_CUSTODY, diagnosis="ledger-altered")], attested(*BOTH)),
    **{
        f"the coverage says what logs of custody are relied on: {status}": kept(
            "5.2, 5.9", [USED], [coverage(CUSTODY_LOG, issuer=[""], status=[status]),
                                 coverage(LEDGER_LOG, status=["attested"])], settings)
        for settings, status in ((attested(*BOTH), "attested"), (DECLARED, "accepted"), (attested(), "seen"))
    },
    **{
        f"signatures that no ledger accounts for: {sentence}": kept("8.4", rows, unaccounted(uses), settings)
        for sentence, (rows, settings, uses) in UNACCOUNTED.items()
    },
    **{
        f"a key signs at least what is accepted under it: {sentence}": kept("8.6", rows, overdrawn(at_least), settings)
        for sentence, (rows, settings, at_least) in BALANCES.items()
    },
}
