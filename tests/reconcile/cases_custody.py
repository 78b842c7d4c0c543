"""Logs of custody: where a trail breaks, and what no key store signed, issued or not (rules 3.5, 4.4, 8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from counterfoil.model.counterfoil import CUSTODY_LOG, LEDGER_LOG
from counterfoil.model.coverage import Declaration
from counterfoil.model.diagnosis import Diagnosis
from counterfoil.model.reason import Reason
from counterfoil.model.verdict import Verdict

from .cases import Case, Table, Told, Wanted, coverage, last, of
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
    received,
    renewed,
    signed,
    told,
    verified,
)
from .reference import Settings
from .rows import Row, at

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

TOKENS: dict[str, tuple[list[Row], Settings, Said]] = {
    "a key store never signed what a service verified under its key: the key is out": ([USED], attested(*BOTH), OUT),
    "nobody verified it: the key is out, or a service did not check": (
        [USED | {"signature": "unchecked"}], attested(*BOTH), MAYBE_OUT),
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
    "whatever custody wrote down after the use shows that its log goes on": (
        [made(10.5, "k2", "list", kind="custody.example/late", sequence=2, key_id=None),
         key_used(0, digest_of("late"), key_id="late", kind="custody.example/late", sequence=1),
         minted(0, "late", key_id="late", signing_input_digest=digest_of("late")), USED | {"key_id": "late"}],
        replace(attested(*BOTH), attested=(*attested(*BOTH).attested,
                                           replace(verified(CUSTODY_LOG), origin="custody.example/late"))), OUT),
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
        [received(10, "x", issuer="https://other.example")], attested(CUSTODY_LOG),
        (Verdict.UNCOVERED, Reason.NO_ISSUER_LOG, None)),
    "what another issuer's ledger holds, under a key of the same id, is not altered": (
        [minted(5, "x", issuer="https://other.example"), received(10, "x", issuer="https://other.example")],
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
    "one token that was accepted often": ([COUNTED, *PAIR, received(11, "x", age=6)], attested(*BOTH), []),
    "a signature that was refused is none": ([COUNTED | {"outcome": "refused"}, key_used(60, None), *PAIR],
                                             attested(*BOTH), [1]),
    "a log of which nobody says anything": ([key_used(60, None), *PAIR], attested(), []),
    "an issued-at outside the log": (
        [COUNTED, received(10, "x", issued_at=at(5))],
        Settings(attested=(verified(), verified(CUSTODY_LOG, start=at(5.1)))), []),
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
