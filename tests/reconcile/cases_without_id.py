"""Rules 4.2 and 4.3: records without id, and assertions."""

from __future__ import annotations

from collections.abc import Sequence

from counterfoil.model.reason import Reason

from .cases import SMALL, Case, Table, each, innocent, last, last_innocent, reasons
from .cases_ids import HALF, OTHER_HALF, PEOPLES
from .reference import Settings
from .rows import Row, access, assertion, complete, farm_log, federated_sign_in, foreign, sign_in

LONG_AGO = sign_in(-6000, "a")
UNSOUND: Sequence[Row] = (
    {"logon_type": "delegate"},
    {"logon_type": "admin"},
    {"logon_type": None},
    {"logon_type": None, "object_kind": None},
    {"token_class": "act_as"},
    {"token_class": "delegated"},
    {"token_class": None, "subject_id": None, "subject_name": "alice@example.com"},
    {"signing_input_digest": "d1", "logon_type": "delegate"},
)

BARE: Table = {
    "a user without any sign in is forged": Case(
        "4.2 h", [LONG_AGO, foreign(5, None)], last(Reason.SUBJECT_NOT_SIGNED_IN)),
    "a record without id whose user signed in is unlinkable": Case(
        "4.2 d", [sign_in(-900, "a"), access(5, None)], last(Reason.NO_ID)),
    "a sign in of somebody unidentified is everybodys candidate": Case(
        "4.2", [LONG_AGO, sign_in(0, "c", None, subject_name="who@example.com"), access(5, None)],
        last(Reason.NO_ID)),
    "a sign in that failed is nobodys candidate": Case(
        "4.2", [LONG_AGO, sign_in(-900, "b", outcome="failed"), foreign(5, None)],
        last(Reason.SUBJECT_NOT_SIGNED_IN)),
    **{
        f"a candidate lies in the window to the second: {words} at {minute}": Case(
            "4.2", [LONG_AGO, sign_in(5000 + minute, "b", **signed), access(5000, None, used)], last(reason))
        for words, signed, used, other in (
            ("her own", Row(), "alice", Reason.EXPLAINED_MISS),
            ("anybodys", Row(subject_id=None, subject_name="w"), "alice", Reason.EXPLAINED_MISS),
            ("of nobody", Row(subject_id="bob"), None, Reason.KEY_NOT_SOUND))
        for minute, reason in ((-1691, other), (-1690, Reason.NO_ID), (10, Reason.NO_ID), (11, other))
    },
    "a record without a subject accuses nobody": Case(
        "4.2", [sign_in(0, "a"), access(5, None, None)], last(Reason.NO_ID)),
    **{
        f"a key that is not sound convicts nobody: {more}": Case(
            "4.2 e", [LONG_AGO, foreign(5, None, **more)], last(Reason.KEY_NOT_SOUND, probable="key-not-sound"))
        for more in UNSOUND
    },
    **{
        f"app only access without id accuses nobody: {token_class}": Case(
            "4.2 e", [LONG_AGO, foreign(5, None, token_class=token_class)],
            [last(Reason.KEY_NOT_SOUND), last_innocent])
        for token_class in ("application", "service", "managed_identity")
    },
    "a delegates ordinary use without id accuses nobody": Case(
        "4.2 e", [LONG_AGO, access(-5999, "a"), access(5, None, logon_type="delegate")],
        [last(Reason.KEY_NOT_SOUND), innocent]),
    "a delegates ordinary use without id accuses nobody: with a new client": Case(
        "4.2 e", [*(sign_in(-1440 * day, f"h{day}") for day in (4, 5, 6)),
                  access(5, None, logon_type="delegate", client_id="new")],
        [last(Reason.KEY_NOT_SOUND), innocent]),
    "a digest alone is not sound": Case(
        "4.2", [LONG_AGO, foreign(5, None, signing_input_digest="d1")], last(Reason.SUBJECT_NOT_SIGNED_IN)),
    "a digest alone is not sound: its user signed in": Case(
        "4.2", [sign_in(0, "a"), foreign(5, None, signing_input_digest="d1")], last(Reason.NO_ID)),
    "a subject that never signs in is no user": Case(
        "4.2 c", [sign_in(0, "a"), foreign(5, None, "shared-mailbox")], [last(Reason.KEY_NOT_SOUND), last_innocent]),
    "a delegate with a sign in is unlinkable": Case(
        "4.2 d", [sign_in(0, "c", "dora"), access(5, None, "dora", logon_type="delegate")], last(Reason.NO_ID)),
    "without id both kinds of a users sign ins suffice": Case(
        "4.2 b", [LONG_AGO, foreign(5, None)], last(Reason.SUBJECT_NOT_SIGNED_IN), PEOPLES, SMALL),
    **{
        f"without id both kinds of a users sign ins must be declared: {words}": Case(
            "4.2 b", [LONG_AGO, foreign(5, None)], last(Reason.NOT_DECLARED), settings, SMALL)
        for words, settings in (("interactive", HALF), ("non-interactive", OTHER_HALF))
    },
    "a record without id before the log is uncovered": Case(
        "4.2 b", [foreign(-14000, None)], last(Reason.OUTSIDE_COVERAGE)),
    "a record without id of an unknown issuer is uncovered": Case(
        "4.2 a", [foreign(5, None, issuer=None)], last(Reason.NO_ISSUER_LOG)),
}


def served(subject: str, days: int = 3) -> list[Row]:
    """Return federated sign-ins on so many days, and the assertions that they presented."""
    return [
        row for day in range(1, days + 1) for row in (
            assertion(-1440 * day, subject), federated_sign_in(-1440 * day + 1, f"f{day}-{subject}", subject))
    ]


OTHERS = [*farm_log(), assertion(0, "bob")]
PRESENTED = federated_sign_in(5, "a")
LOST = [*farm_log(), *served("alice"), *served("bob"), PRESENTED, federated_sign_in(6, "c", "bob")]

ASSERTIONS: Table = {
    "an assertion that the farm did not issue is forged": Case(
        "4.3 d", [*OTHERS, PRESENTED, access(6, "a")], reasons(Reason.ASSERTION_NOT_ISSUED, Reason.FORGED_ANCESTOR)),
    "an assertion with an issuance that fits is unlinkable": Case(
        "4.3 f", [*farm_log(), assertion(0), PRESENTED], last(Reason.NO_ID)),
    "an assertion of somebody unidentified counts for everybody": Case(
        "4.3", [*farm_log(), assertion(0, None, subject_name="dom\\alice"), PRESENTED], last(Reason.NO_ID)),
    "a sign in that does not say what was presented is unlinkable": Case(
        "4.3", [assertion(0, "bob"), sign_in(5, "a", incoming_token=None)], last(Reason.PRESENTATION_UNKNOWN)),
    "an assertion of a farm without logs is uncovered": Case("4.3 a", [PRESENTED], last(Reason.NO_ISSUER_LOG)),
    "an assertion of an undeclared farm is uncovered": Case(
        "4.3 b", [*OTHERS, PRESENTED], last(Reason.NOT_DECLARED), Settings(federated=complete().federated)),
    "every host of the farm must be declared": Case(
        "4.3 c", [*OTHERS, assertion(1, "bob", kind="sts2"), PRESENTED], last(Reason.OUTSIDE_COVERAGE)),
    "a farm of which one host is declared is declared": Case(
        "4.3 b", [*farm_log(), *farm_log("sts2"), PRESENTED], last(Reason.OUTSIDE_COVERAGE)),
    "more assertions accepted than issued are named as a set": Case(
        "4.3 e", [*farm_log(), assertion(0), PRESENTED, federated_sign_in(6, "c", ip="192.0.2.50")],
        each(Reason.COUNT_ONLY, count=2, group_rule="count-only")),
    "a run of assertions that are all the users own accuses nobody": Case(
        "4.3 e, 5.4", [*farm_log(), *served("alice"), assertion(0), PRESENTED, federated_sign_in(26, "c")],
        [last(Reason.NO_ID, ordinary=True), innocent]),
    "one strangers assertion among the users own names the whole run": Case(
        "4.3 e, 5.4", [*farm_log(), *served("alice"), assertion(0), PRESENTED,
                       federated_sign_in(26, "c", ip="192.0.2.50")],
        each(Reason.COUNT_ONLY, where=lambda t: t["group_rule"] == "count-only", count=2)),
    "an own run elsewhere is no part of a strangers": Case(
        "4.3 e, 5.4", [*farm_log(), *served("alice"), assertion(0), PRESENTED, federated_sign_in(26, "c"),
                       assertion(600), federated_sign_in(605, "d"), federated_sign_in(626, "e", ip="192.0.2.50")],
        each(Reason.COUNT_ONLY, where=lambda t: t["group_rule"] == "count-only", count=2)),
    "as many assertions issued as accepted accuse nobody": Case(
        "4.3 e", [*farm_log(), assertion(0), assertion(7), PRESENTED, federated_sign_in(6, "c")],
        each(Reason.NO_ID, count=2, group_rule=None)),
    "a forged assertion does not cast doubt on its neighbours": Case(
        "4.3 e", [*farm_log(), assertion(100), federated_sign_in(5, "a", ip="203.0.113.9"),
                  federated_sign_in(101, "c")], reasons(Reason.ASSERTION_NOT_ISSUED, Reason.NO_ID)),
    "a run ends where no assertion could serve both sides": Case(
        "4.3 e", [*farm_log(), assertion(0), PRESENTED, federated_sign_in(6, "c", ip="192.0.2.50"),
                  assertion(600), federated_sign_in(605, "d")],
        reasons(Reason.COUNT_ONLY, Reason.COUNT_ONLY, Reason.NO_ID)),
    "a lost assertion record accuses nobody": Case(
        "4.3 d, 5.4", [*farm_log(), *served("alice"), PRESENTED], last(Reason.ORDINARY_MISS)),
    "an assertion like that of one day is explained": Case(
        "4.3 d, 5.4", [*farm_log(), *served("alice", 1), PRESENTED], last(Reason.EXPLAINED_MISS)),
    "sign ins with forged assertions make no habit": Case(
        "4.3 d, 5.4", [*OTHERS, *(federated_sign_in(-1440 * day, f"g{day}") for day in range(1, 4)), PRESENTED],
        last(Reason.ASSERTION_NOT_ISSUED)),
    **{
        f"assertions {words} make no habit": Case(
            "4.3 d, 5.4", [*OTHERS, *(row for day in range(1, 4) for row in (
                assertion(-1440 * day), federated_sign_in(1 - 1440 * day, f"f{day}"),
                federated_sign_in(1 + apart - 1440 * day, f"g{day}"))), federated_sign_in(30, "a")],
            last(Reason.ASSERTION_NOT_ISSUED))
        for words, apart in (("of which one is forged", 6), ("that are posted twice", 0.5))
    },
    "a lost assertion record is no strangers": Case(
        "4.3 d, 5.4", [*farm_log(), *served("alice"), federated_sign_in(5, "a", ip="203.0.113.9")],
        last(Reason.ASSERTION_NOT_ISSUED)),
    "lost assertion records of two people refute the farms declaration": Case(
        "4.3 d, 5.5", [*LOST, federated_sign_in(300, "d", ip="203.0.113.9")],
        last(Reason.DECLARATION_REFUTED, probable="extraordinary-miss")),
    "the versions of a sign in present one assertion": Case(
        "1.3 a", [*farm_log(), PRESENTED, federated_sign_in(6, "a")], each(count=1, derived="assertion")),
}

CASES: Table = {
    "who signs in by a mere name is no person that is known": Case(
        "4.2 c", [sign_in(-9000, "z", None, subject_name="zed@example.com"),
                  foreign(5, None, None, subject_name="zed@example.com")], last(Reason.KEY_NOT_SOUND)),
    **BARE, **ASSERTIONS,
}
