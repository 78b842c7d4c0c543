"""Rules 6 and 7: what descends from what, and which verdict comes first."""

from __future__ import annotations

from collections.abc import Sequence

from counterfoil.model.reason import Reason

from .cases import SMALL, Case, Table, Wanted, coverage, last, last_innocent, of, reasons
from .cases_coverage import THEIRS
from .cases_ids import HALF
from .cases_misses import AGENT_SIDE, ONLINE, home, trail
from .reference import Settings
from .rows import SPAN, Row, access, assertion, exchange, farm_log, federated_sign_in, foreign, sign_in


def rooting(count: int = 2) -> list[Row]:
    """Return exchanges with sign-ins behind them."""
    return [
        row
        for n in range(count)
        for row in (sign_in(n, f"p{n}", f"u{n}"), exchange(n + 1, f"q{n}", [f"p{n}"], f"u{n}"))
    ]


UNROOTED = exchange(9, "x", [])
USED = foreign(10, "x")
EARLY = [exchange(-14500 + n, f"stray{n}", [], f"u{n}") for n in range(9)]
COPIED = [sign_in(0, "a"), sign_in(0, "z", "bob"), exchange(6, "c", ["a"], "bob")]


def small(rule: str, rows: Sequence[Row], wanted: Wanted | Sequence[Wanted], settings: Settings | None = None) -> Case:
    """Return a case under small constants: two exchanges with a root are a habit."""
    return Case(rule, rows, wanted, policy=SMALL) if settings is None else Case(rule, rows, wanted, settings, SMALL)


ROOTS: Table = {
    "a token from an exchange with a root is minted": Case(
        "6.2", [sign_in(0, "a"), exchange(1, "c", ["a"]), exchange(2, "d", ["c"]), access(3, "d")],
        [last(Reason.BY_ID), coverage("m365-ual", status=[])]),
    "an id of another kind is not that of an exchange with a root": Case(
        "6.2", [sign_in(0, "a"), exchange(1, "c", ["a"]), foreign(5, "c", token_id_kind="jti")],
        last(Reason.KEY_NOT_SOUND)),
    "an unrooted token is tainted where exchanges normally root": small(
        "6.3", [*rooting(), UNROOTED, USED], last(Reason.UNROOTED)),
    "as many roots as the real constants ask for are a habit": Case(
        "6.3", [*rooting(20), UNROOTED, USED], of("x", Reason.UNROOTED)),
    "an unrooted token of an agent taints nothing": small(
        "5.11", [*rooting(), AGENT_SIDE, UNROOTED, foreign(10, "x", client_id="bot")],
        last(Reason.UNROOTED_UNCOVERED)),
    "an unrooted token is uncovered where exchanges often do not root": small(
        "6.3", [*rooting(), *(exchange(5, f"stray{n}", [], f"u{n}") for n in range(2)), UNROOTED, USED],
        last(Reason.UNROOTED_UNCOVERED, probable="unrooted-uncovered")),
    "an unrooted token is uncovered where sign ins are not covered": small(
        "6.3", [*rooting(), UNROOTED, USED], last(Reason.UNROOTED_UNCOVERED), HALF),
    "an ordinary unrooted token accuses nobody": small(
        "6.3", [*rooting(), *trail("alice", 4), UNROOTED, access(10, "x")],
        [last(Reason.UNROOTED_UNCOVERED), last_innocent]),
    "roots are counted where sign ins are relied on": small(
        "6.3", [*rooting(), *EARLY, UNROOTED, USED], last(Reason.UNROOTED)),
    "roots are counted where sign ins are relied on: those elsewhere prove nothing": small(
        "6.3", [*(sign_in(1, f"p{n}", f"u{n}") for n in range(2)),
                *(exchange(-14500 + n, f"q{n}", [f"p{n}"], f"u{n}") for n in range(2)), UNROOTED, USED],
        last(Reason.UNROOTED_UNCOVERED)),
    **{
        f"roots are counted where sign ins are relied on, to the second: {minute}": small(
            "6.3", [*rooting(), *(exchange(minute, f"s{n}", [], f"u{n}") for n in range(9)), UNROOTED, USED],
            of("x", reason))
        for minute, reason in ((-14396, Reason.UNROOTED), (-14395, Reason.UNROOTED_UNCOVERED),
                               (14395, Reason.UNROOTED_UNCOVERED), (14396, Reason.UNROOTED))
    },
    "roots are counted where sign ins of that very issuer are relied on": small(
        "6.3", [*(sign_in(minute, f"{kind}{minute}", "gus", kind=kind, **THEIRS) for minute in SPAN
                  for kind in ("interactive", "service-principal")),
                *(row | {"issuer": THEIRS["issuer"]} for row in (*rooting(), UNROOTED)),
                foreign(10, "x", "app", issuer=THEIRS["issuer"], token_class="application")],
        of("x", Reason.UNROOTED_UNCOVERED)),
    "one root makes no habit": small(
        "6.3", [*rooting(1), exchange(-14500, "x", []), USED], of("x", Reason.UNROOTED_UNCOVERED)),
    "as many roots as the share says make a habit": small(
        "6.3", [*rooting(3), exchange(5, "stray", [], "u0"), UNROOTED, USED], last(Reason.UNROOTED)),
    "exchanges of one name in two logs are two kinds": small(
        "6.3", [*rooting(), UNROOTED | {"source": "elsewhere"}, USED], last(Reason.UNROOTED_UNCOVERED)),
    "sign ins of one name with exchanges are none": small(
        "6.3", [*(sign_in(n, f"p{n}", f"u{n}", source="m365-ual", kind="exchange", operation="GATFRTokenIssue")
                  for n in range(4)), UNROOTED, USED], last(Reason.UNROOTED_UNCOVERED)),
    "what has a root counts each time, whoever uses it": small(
        "6.3", [*rooting(3), *(foreign(n + 5, f"q{n}", f"u{n}") for n in range(3)), UNROOTED, USED],
        last(Reason.UNROOTED)),
    "what people use at home counts each time": small(
        "6.3", [*rooting(4), *home("alice"), *(row for n in range(9) for row in (
            exchange(9, f"s{n}", []), access(10, f"s{n}"))), exchange(9, "x", [], "bob"), foreign(11, "x", "bob")],
        last(Reason.UNROOTED_UNCOVERED)),
    "every stratum that issued the id must normally root": small(
        "6.3", [*rooting(), UNROOTED, exchange(9, "x", [], operation="other"), USED],
        last(Reason.UNROOTED_UNCOVERED)),
    "what services use from their own networks counts each time": small(
        "6.3", [*rooting(), *(row for n in range(2) for row in (
            exchange(9, f"x{n}", []), foreign(10 + n, f"x{n}", ip="40.96.1.7")))],
        last(Reason.UNROOTED_UNCOVERED, probable="unrooted-uncovered")),
    "an unrooted token is uncovered where its kind of id is in no log": small(
        "6.3", [*rooting(), UNROOTED | {"token_id_kind": "jti"}, USED | {"token_id_kind": "jti"}],
        last(Reason.UNROOTED_UNCOVERED)),
    "an unrooted token is uncovered where the declaration is refuted": small(
        "6.3", [*rooting(), *trail("alice"), *trail("bob"), access(5, "lost-a"), access(5, "lost-b", "bob"),
                UNROOTED, USED], last(Reason.UNROOTED_UNCOVERED, refuted=True)),
    "an unrooted token of a silent service is uncovered": small(
        "6.3", [*rooting(), UNROOTED, foreign(10, "x", client_id=ONLINE, ip=None)],
        last(Reason.UNROOTED_UNCOVERED, silent=True)),
    "an unrooted token is uncovered where its sign in may be older than the log": small(
        "6.3", [*rooting(), exchange(-14400 + 600, "x", []), foreign(-14400 + 601, "x")],
        of("x", Reason.UNROOTED_UNCOVERED)),
    "a renewal with a root is no second sign where it was used": small(
        "4.6", [*rooting(), *home("alice"), *home("bob", client_id="phone"), exchange(9, "x", ["p0"]), USED,
                access(11, "y", client_id="phone", ip="203.0.113.77")], last(Reason.LONE_MISS)),
    "an explained unrooted token accuses nobody": small(
        "6.3", [*rooting(), *home("alice"), sign_in(-30, "m", ip="203.0.113.9"), UNROOTED,
                access(10, "x", ip="203.0.113.9")], [last(Reason.UNROOTED_UNCOVERED), last_innocent]),
    **{
        f"a renewal without a root is a second sign where it was used: {words}": small(
            "4.6", [*rooting(), *home("alice"), *home("bob", client_id="phone"), UNROOTED,
                    USED, access(11, "y", client_id="phone", ip=ip)],
            last(reason))
        for words, ip, reason in (
            ("from the same network", "203.0.113.77", Reason.ID_NOT_ISSUED),
            ("from another", "192.0.2.9", Reason.LONE_MISS),
        )
    },
    "what an intruder uses does not make his exchanges look normal": small(
        "6.3", [*rooting(), *(row for n in range(9) for row in (exchange(9, f"x{n}", []), foreign(10 + n, f"x{n}")))],
        last(Reason.UNROOTED)),
}

TAINT: Table = {
    "what was obtained with a forged token is so whether or not it must have a root": small(
        "6.3, 6.4", [*rooting(), foreign(5, "x"), foreign(6, "y", "bob"), exchange(8, "kid", ["x"]), foreign(9, "kid")],
        last(Reason.FORGED_ANCESTOR)),
    "a cycle of exchanges has no root and ends": small(
        "6.4", [exchange(1, "c", ["d"]), exchange(2, "d", ["c"]), foreign(3, "d")], last(Reason.UNROOTED_UNCOVERED)),
    "what a forged token obtained is tainted at any depth": Case(
        "6.4", [foreign(5, "x"), exchange(6, "c", ["x"], ip="203.0.113.9"), exchange(7, "d", ["c"]), access(8, "d")],
        last(Reason.FORGED_ANCESTOR)),
    "an exchanged id that was never issued is forged and taints": Case(
        "6.4", [exchange(9, "c", ["x"], client_id="rogue"), foreign(10, "c")],
        reasons(Reason.ID_NOT_ISSUED, Reason.FORGED_ANCESTOR)),
    "a contradicted parent taints too": Case(
        "6.4", [*COPIED, access(8, "c", "bob")], last(Reason.FORGED_ANCESTOR)),
    "a primary issuance is tainted likewise": Case(
        "6.4", [*farm_log(), assertion(0, "bob"), federated_sign_in(5, "a"), access(9, "a")],
        last(Reason.FORGED_ANCESTOR)),
    "a contradicted token stays contradicted when tainted": Case(
        "7", [*farm_log(), assertion(0, "bob"), federated_sign_in(5, "a"), access(9, "a", "bob")],
        last(Reason.SUBJECT_DIFFERS)),
    "an id of another kind than the tainted one is not tainted": Case(
        "6.4", [foreign(5, "x"), exchange(6, "c", ["x"], ip="203.0.113.9"), foreign(9, "c", token_id_kind="jti")],
        last(Reason.KEY_NOT_SOUND)),
    "a sign in that names a forged parent was not obtained with it": Case(
        "6.1", [foreign(4, "p"), exchange(5, "q", ["p"]), sign_in(6, "c", parent_token_ids=["q"]), access(9, "c")],
        last(Reason.BY_ID)),
    "the owner of a copied parent is not tainted": Case("6.4", [*COPIED, access(8, "a")], last(Reason.BY_ID)),
}

CASES: Table = {**ROOTS, **TAINT}
