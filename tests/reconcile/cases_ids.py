"""Rule 4.1: an id that was not issued."""

from __future__ import annotations

from datetime import datetime, timedelta

from counterfoil.model.coverage import NOT_DECLARED
from counterfoil.model.reason import Reason
from counterfoil.model.schema import TokenClass

from .cases import SMALL, Case, Table, coverage, last, last_innocent
from .reference import Settings
from .rows import OTHER_TENANT, Row, access, at, complete, foreign, sign_in

# Some of the four kinds of sign-in, in as few runs as can be.
PEOPLES = complete("interactive", "non-interactive")
HALF = complete("interactive", "service-principal")
OTHER_HALF = complete("non-interactive", "managed-identity")
NOT_YET = -14400 + 28 * 60 + 9  # the last minute in which a token may be older than the log
NOBODY: Row = {"subject_name": "alice@example.com", "token_class": None}
OF_NOBODY: dict[str, Row] = {
    "of a service": {"token_class": "service"}, "of nobody known": {}, "of a name": {"subject_id": None},
}
APP = foreign(5, "x", "some-app", token_class=TokenClass.APPLICATION)
IDENTITY = foreign(5, "x", "some-vm", token_class=TokenClass.MANAGED_IDENTITY)
EARLY = -14400 + 8 * 60 + 10


def issued(minutes: float, ago: float) -> datetime:
    """Return an issued-at so many minutes before."""
    return at(minutes) - timedelta(minutes=ago)


CASES: Table = {
    "an id that must be there and is not is forged": Case(
        "4.1 h", [sign_in(0, "a"), foreign(5, "x")], last(Reason.ID_NOT_ISSUED)),
    "an id of an interrupted sign in is unlinkable": Case(
        "4.1 a", [sign_in(0, "a", outcome="interrupted"), foreign(5, "a")], last(Reason.INTERRUPT_ONLY)),
    "an id of a failed sign in is a suspicion": Case(
        "4.1 a", [sign_in(0, "a", outcome="failed"), foreign(5, "a")], last(Reason.FAILURE_ONLY)),
    "without any log of the issuer nothing is missing": Case(
        "4.1 b", [foreign(5, "x", issuer=f"entra:{OTHER_TENANT}")], last(Reason.NO_ISSUER_LOG)),
    "without a declaration nothing is forged": Case(
        "4.1 c", [foreign(5, "x")], last(Reason.NOT_DECLARED), Settings()),
    "every kind that could have issued it must be declared": Case(
        "4.1 c", [foreign(5, "x")], last(Reason.NOT_DECLARED), HALF, SMALL),
    "every kind that could have issued it must be declared: the other one": Case(
        "4.1 c", [foreign(5, "x")], last(Reason.NOT_DECLARED), OTHER_HALF, SMALL),
    "a users token needs the kinds of users alone": Case(
        "4.1 c", [foreign(5, "x")], last(Reason.ID_NOT_ISSUED), PEOPLES, SMALL),
    **{
        f"a token of unknown class needs every kind: {words}": Case(
            "4.1", [sign_in(-9000, "a"), foreign(5, "x", "nobody", **NOBODY | more)],
            last(Reason.NOT_DECLARED), PEOPLES, SMALL)
        for words, more in OF_NOBODY.items()
    },
    **{
        f"a token of unknown class is forged where every kind is declared: {words}": Case(
            "4.1", [sign_in(-9000, "a"), foreign(5, "x", "nobody", **NOBODY | more)], last(Reason.ID_NOT_ISSUED))
        for words, more in OF_NOBODY.items()
    },
    "a token of unknown class of a known user needs the users kinds": Case(
        "4.1", [sign_in(-9000, "a"), foreign(5, "x", token_class=None)], last(Reason.ID_NOT_ISSUED), PEOPLES, SMALL),
    "a token of unknown class of a known user needs both of the users kinds": Case(
        "4.1", [sign_in(-9000, "a"), foreign(5, "x", token_class=None)], last(Reason.NOT_DECLARED), HALF, SMALL),
    "app only access needs the service principals log": Case(
        "4.1", [APP], [last(Reason.NOT_DECLARED), last_innocent], PEOPLES, SMALL),
    "app only access needs the service principals log alone": Case(
        "4.1", [APP], last(Reason.ID_NOT_ISSUED), HALF, SMALL),
    "a managed identity needs the managed identities log": Case(
        "4.1", [IDENTITY], [last(Reason.NOT_DECLARED), last_innocent,
                            coverage("entra-signin", "managed-identity", reason=[NOT_DECLARED])], HALF, SMALL),
    "a managed identity needs the managed identities log alone": Case(
        "4.1", [IDENTITY], last(Reason.ID_NOT_ISSUED), OTHER_HALF, SMALL),
    "a token that may be older than the log is uncovered": Case(
        "4.1 d", [foreign(NOT_YET, "x")], last(Reason.OUTSIDE_COVERAGE)),
    "a token that may not be older than the log is forged": Case(
        "4.1 d", [foreign(NOT_YET + 1, "x")], last(Reason.ID_NOT_ISSUED)),
    "later use narrows the window unless it exceeds the life: one use": Case(
        "4.1", [access(EARLY, "x")], last(Reason.OUTSIDE_COVERAGE)),
    "later use narrows the window unless it exceeds the life: it does": Case(
        "4.1", [foreign(EARLY, "x"), foreign(EARLY + 20 * 60, "x")], last(Reason.ID_NOT_ISSUED)),
    "later use narrows the window unless it exceeds the life: it exceeds it": Case(
        "4.1", [access(EARLY, "x"), access(EARLY + 30 * 60, "x")], last(Reason.OUTSIDE_COVERAGE)),
    "later use narrows the window unless it exceeds the life: it ends with it": Case(
        "4.1", [foreign(EARLY, "x"), foreign(EARLY + 28 * 60, "x")], last(Reason.ID_NOT_ISSUED)),
    "the life of one services tokens is not that of anothers": Case(
        "4.1", [foreign(NOT_YET + 1, "x", source="elsewhere", kind="sharepoint")], last(Reason.ID_NOT_ISSUED)),
    "an issued at lies within its life to the last second": Case(
        "4.1", [foreign(5, "x", issued_at=issued(5, 28 * 60))], last(Reason.ID_NOT_ISSUED, outside_life=False)),
    "issued at narrows the window": Case(
        "4.1", [foreign(-14380, "x", issued_at=issued(-14380, 10))], last(Reason.ID_NOT_ISSUED)),
    "issued at narrows the window to what must be covered": Case(
        "4.1", [foreign(-14381, "x", issued_at=issued(-14381, 10))], last(Reason.OUTSIDE_COVERAGE)),
    "an issued at outside its life is a finding and no excuse": Case(
        "4.1", [foreign(5, "x", issued_at=at(-500_000))], last(Reason.ID_NOT_ISSUED, outside_life=True)),
    "an id of a kind that no sign in log holds convicts nobody": Case(
        "4.1 b", [foreign(5, "x", token_id_kind="jti")], [last(Reason.KEY_NOT_SOUND), last_innocent]),
    "one guest without home tenant makes no own issuer": Case(
        "5.2", [
            *(sign_in(minute, f"{kind}{minute}", "gus", issuer=f"entra:{OTHER_TENANT}", kind=kind, home_tenant=None)
              for kind in ("interactive", "non-interactive") for minute in (-14400, 14400)),
            foreign(5, "x", "gus", issuer=f"entra:{OTHER_TENANT}"),
        ], last(Reason.NOT_DECLARED)),
}
