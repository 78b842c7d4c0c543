"""Issuers with a log of their own that is no ledger: lines for tokens, with digests or without (rules 3, 4.1)."""

from __future__ import annotations

from dataclasses import replace

from counterfoil.model.counterfoil import ISSUER_LOG, LEDGER_LOG
from counterfoil.model.coverage import NOT_DECLARED, Declaration
from counterfoil.model.reason import Reason
from counterfoil.model.verdict import Verdict

from .cases import Case, Table, coverage, last
from .cases_own_ledger import STRANGE
from .own_rows import OWN, OWN_LOG, attested, declared, digest_of, minted, own_log, received, told
from .reference import Settings
from .rows import Row, at

EXPORTED = at(43200)
FORGED = (Verdict.FORGED, Reason.ID_NOT_ISSUED)
BY_ID = (Verdict.MINTED, Reason.BY_ID)
COMPLETE = replace(declared(ISSUER_LOG), exported_at=EXPORTED)
OTHER = "https://other.example"
USED = received(10, "x")
STOLEN = USED | STRANGE
HASHED = {"signing_input_digest": digest_of("x")}
ANONYMOUS = "1 of its issuances name no issuer: whose tokens they are, nothing tells"
LATER = Declaration(ISSUER_LOG, OWN_LOG, None, at(14))

TOKENS: dict[str, tuple[list[Row], Settings, tuple[Verdict, Reason]]] = {
    "what it holds without digest is minted by its id": ([told(5, "x"), USED], COMPLETE, BY_ID),
    "what it holds is minted, declared or not": ([told(5, "x"), USED], Settings(), BY_ID),
    "what it holds with its digest is minted by that": (
        [told(5, "x", **HASHED), USED], Settings(), (Verdict.MINTED, Reason.BY_DIGEST)),
    "a copied id under other bytes is contradicted where it holds digests": (
        [told(5, "x", signing_input_digest=digest_of("x", "other")), USED], Settings(),
        (Verdict.CONTRADICTED, Reason.DIGEST_DIFFERS)),
    "a copied id passes where it holds no digests and every claim agrees": (
        [told(5, "x", issued_at=at(5)), USED | STRANGE], COMPLETE, BY_ID),
    "a copied id with another issued-at than the issuer recorded is contradicted": (
        [told(5, "x", issued_at=at(4)), USED], Settings(), (Verdict.CONTRADICTED, Reason.ISSUED_AT_DIFFERS)),
    "two seconds of difference in issued-at are none": (
        [told(5, "x", issued_at=at(5).replace(second=2, microsecond=900_000)), USED], Settings(), BY_ID),
    "three are": (
        [told(5, "x", issued_at=at(5).replace(second=3)), USED], Settings(),
        (Verdict.CONTRADICTED, Reason.ISSUED_AT_DIFFERS)),
    "another issuer's line of the same id is none of this token": (
        [told(5, "x", issuer=OTHER), STOLEN], COMPLETE, FORGED),
    "another issuer's line of the same id contradicts nothing": (
        [told(5, "x", issuer=OTHER, issued_at=at(4), key_id="k2"), told(5, "x"), USED], COMPLETE, BY_ID),
    "what was obtained with an id that nothing knows is not accused: it may be another issuer's": (
        [told(0, "a"), told(5, "x", leg="secondary_issuance", operation="token_exchange", parent_token_ids=["far"]),
         USED], COMPLETE, (Verdict.UNCOVERED, Reason.UNROOTED_UNCOVERED)),
    "what was obtained with an id that was forged elsewhere is tainted": (
        [received(4, "far", age=1, **STRANGE), USED,
         told(5, "x", leg="secondary_issuance", operation="token_exchange", parent_token_ids=["far"])], COMPLETE,
        (Verdict.TAINTED, Reason.FORGED_ANCESTOR)),
    "an issued-at of which two records tell is either": (
        [told(5, "x", issued_at=at(4)), told(6, "x", issued_at=at(5)), USED], Settings(), BY_ID),
    "a copied id under another key is contradicted": (
        [told(5, "x", key_id="k2"), USED], Settings(), (Verdict.CONTRADICTED, Reason.KEY_DIFFERS)),
    "a subject in clear does not disagree with a pseudonym": (
        [told(5, "x", subject_id="alice"), USED], COMPLETE, BY_ID),
    "what it lacks is forged where it is complete": ([STOLEN], COMPLETE, FORGED),
    "what it lacks is uncovered where nobody says that it is complete": (
        [STOLEN], Settings(), (Verdict.UNCOVERED, Reason.NOT_DECLARED)),
    "an ordinary use may be a lost record": (
        [*(row for day in range(3) for row in (told(-1440 * day, f"a{day}"), received(5 - 1440 * day, f"a{day}"))),
         USED], COMPLETE, (Verdict.UNCOVERED, Reason.ORDINARY_MISS)),
    "its end is cut back by a day unless the time of the export is known": (
        [STOLEN], Settings((LATER,)), (Verdict.UNCOVERED, Reason.OUTSIDE_COVERAGE)),
    "a record may be ten minutes from issued-at, so that so much more must be covered": (
        [STOLEN], Settings((LATER,), exported_at=EXPORTED), (Verdict.UNCOVERED, Reason.OUTSIDE_COVERAGE)),
    "without issued-at the ten minutes after its use must be covered": (
        [STOLEN | {"issued_at": None}], Settings((replace(LATER, end=at(16)),), exported_at=EXPORTED),
        (Verdict.UNCOVERED, Reason.OUTSIDE_COVERAGE)),
    "nine minutes after issued-at do not suffice, ten do": (
        [STOLEN], Settings((replace(LATER, end=at(15)),), exported_at=EXPORTED), FORGED),
    "a token without id is not sought by its digest where some line has none": (
        [received(10, None, issued_at=at(5), **STRANGE)], COMPLETE, (Verdict.UNCOVERED, Reason.KEY_NOT_SOUND)),
    "an issuer with a ledger too needs both": (
        [minted(0, "a"), STOLEN], COMPLETE, (Verdict.UNCOVERED, Reason.NOT_DECLARED)),
    "an issuer with a ledger of the same name needs both": (
        [minted(0, "a", kind=OWN_LOG), STOLEN], COMPLETE, (Verdict.UNCOVERED, Reason.NOT_DECLARED)),
    "an issuer with a ledger of the same name needs both for that time": (
        [minted(-60, "a", kind=OWN_LOG), minted(4, "b", kind=OWN_LOG), STOLEN],
        replace(COMPLETE, declarations=(*COMPLETE.declarations, Declaration(LEDGER_LOG, OWN_LOG, None, at(5)))),
        (Verdict.UNCOVERED, Reason.OUTSIDE_COVERAGE)),
    "an issuer with a ledger too, both relied on": (
        [minted(-60, "a"), minted(20_000, "b"), STOLEN], replace(COMPLETE, attested=attested().attested), FORGED),
}

CASES: Table = {
    **{
        f"a token of an issuer with a log: {sentence}": Case("3, 4.1", rows, last(reason), settings, around=own_log())
        for sentence, (rows, settings, (_, reason)) in TOKENS.items()
    },
    **{
        f"a log whose lines name no issuer says so: {words}": Case(
            "5.2", [told(5, "x", issuer=None)],
            coverage(ISSUER_LOG, issuer=[*[OWN] * bool(around), ""], status=[*["seen"] * bool(around), status],
                     reason=[*[NOT_DECLARED] * bool(around), ANONYMOUS]), settings, around=around)
        for words, around, status, settings in (
            ("nobody declared it", [], "seen", Settings()), ("and others do", own_log(), "seen", Settings()),
            ("somebody declared it", [], "refused", declared(ISSUER_LOG)))
    },
    "what an issuer's own log lacks in a hole is left open": Case(
        "4.7", [*(told(60 * hour, f"h{hour}") for hour in range(-96, 96) if not 0 <= hour < 30),
                received(900, "x", **STRANGE)], last(Reason.OUTSIDE_COVERAGE, probable=None), COMPLETE, around=[]),
    "a log with digests throughout tells of tokens without id": Case(
        "4.1", [received(10, None, issued_at=at(5), **STRANGE)], last(Reason.ID_NOT_ISSUED), COMPLETE, around=[
            told(-14400, "own", **HASHED), told(14400, None, signing_input_digest=digest_of("late")),
        ]),
}
