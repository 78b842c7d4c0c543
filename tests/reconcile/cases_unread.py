"""Rule 5.10: a record that could not be read is not one that never was, and hides one issuance at most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from counterfoil.model.reason import Reason

from .cases import SMALL, Case, Table, Told, Wanted, last, of
from .cases_lineage import UNROOTED, USED, rooting
from .cases_misses import home
from .rows import ISSUER, KINDS, Row, access, assertion, at, exchange, farm_log, federated_sign_in, foreign, sign_in

IDS = [f"{n:08x}-0000-4000-8000-000000000000" for n in range(12)]
MAY, MORE, FORGED = Reason.MAY_BE_UNREAD, Reason.MORE_THAN_UNREAD, Reason.ID_NOT_ISSUED


def log(*minutes: float, file: str = "log", **more: object) -> list[Row]:
    """Return a file of sign-ins of somebody else at these times, in this order, at positions 0, 10, 20..."""
    return [
        sign_in(minute, f"{file}-{place}", "zoe", raw_file=file, raw_position=10 * place, **more)
        for place, minute in enumerate(minutes)
    ]


def broken(position: int, file: str = "log", **shown: object) -> Row:
    """Return a record that could not be read, of which nothing but this is known."""
    return {"leg": "rejected", "raw_file": file, "raw_position": position, "source": "entra-signin",
            "reject": "not JSON", **shown}


DAYS = [1440 * n for n in range(-4, 5)]  # one record a day; used at minute 5, a token is of this day or the one before
HERE, THERE, ELSEWHERE = 45, 46, 75  # positions: between minutes 0 and 1440, and three days later
MISS, SECOND = foreign(5, IDS[0]), 1 / 60
OTHER = foreign(5, None, ip="192.0.2.77", client_id="another", user_agent="wget")  # of hers, without an id


def file(*rows: Row, minutes: Sequence[float] = DAYS) -> list[Row]:
    """Return a file in order with these broken records in it."""
    return [*log(*minutes), *rows]


def misses(count: int, minute: float = 5, first: int = 0) -> list[Row]:
    """Return tokens of so many people that miss their sign-in."""
    return [foreign(minute, IDS[n], f"p{n}", raw_file=f"m{n}") for n in range(first, first + count)]


ALONE: Mapping[str, tuple[list[Row], str]] = {
    "nothing is broken": (file(), FORGED),
    "a broken record stands where hers must stand": (file(broken(HERE)), MAY),
    "a broken record stands three days later": (file(broken(ELSEWHERE)), FORGED),
    "the file descends": (file(broken(35), minutes=DAYS[::-1]), MAY),
    "the file descends, and the broken record stands elsewhere": (
        file(broken(65), minutes=DAYS[::-1]), FORGED),
    "the file jumps back for a day now and then": (
        file(broken(55), minutes=[*DAYS[:5], DAYS[3], *DAYS[5:]]), MAY),
    "the rows stand in no order": (file(broken(ELSEWHERE), minutes=[*DAYS[5:], *DAYS[:5]]), MAY),
    "it stands at the end, and the log ends before": (
        file(broken(95), minutes=[n for n in DAYS if n < -2880]), FORGED),
    "it stands at the end, half a day before": (
        [*file(broken(95), minutes=[n for n in DAYS if n < 0]), *log(*DAYS, file="next")], MAY),
    "its file holds acceptances only": (
        [*file(broken(2, "mail")), access(1, "log-4", "zoe", raw_file="mail", raw_position=1)], FORGED),
    "its file holds sign-ins of applications only": (
        [*file(broken(5, "apps")), *log(0, 1440, file="apps", kind="service-principal")], FORGED),
    "its file holds sign-ins of applications, and something else about people's": (
        [*file(broken(5, "apps")), *log(0, 1440, file="apps", kind="service-principal"),
         sign_in(1, None, leg="context", raw_file="apps", raw_position=7)], FORGED),
    "it shows another person": (file(broken(HERE, subject_id="bob")), FORGED),
    "it shows another person by name": (
        [*file(broken(HERE, subject_name="bob@example.com")), sign_in(-900, "b", "bob")], FORGED),
    "it shows a name that nobody knows": (file(broken(HERE, subject_name="nobody@example.com")), MAY),
    "it shows her": (file(broken(HERE, subject_id="alice")), MAY),
    "it shows another id": (file(broken(HERE, token_id=IDS[1])), FORGED),
    "it shows others, and may be several records": (
        file(broken(HERE, token_id=IDS[1], subject_id="bob", item_count=2)), MAY),
    "it stands elsewhere, and shows her id": (file(broken(ELSEWHERE, token_id=IDS[0])), MAY),
    "it stands elsewhere, and shows her id somewhere": (file(broken(ELSEWHERE, item_ids=[IDS[3], IDS[0]])), MAY),
    "it stands elsewhere, and shows its time": (file(broken(ELSEWHERE, event_time=at(-30))), MAY),
    "it shows its kind, and that is another": (
        file(broken(HERE, issuer=ISSUER, kind="managed-identity")), FORGED),
    "it shows its kind, and no issuer": (file(broken(HERE, kind="managed-identity")), MAY),
    "it shows its issuer, and no kind": (file(broken(HERE, issuer=ISSUER)), MAY),
    "it is a record of another log": (file(broken(HERE, source=None)), FORGED),
}


# Windows reach from 28 h and ten minutes before the use to ten minutes after it.
EDGES: Mapping[str, tuple[list[Row], Reason]] = {
    "it stands where her window ends": ([*file(broken(HERE)), foreign(-10, IDS[0])], MAY),
    "it stands a second after her window": ([*file(broken(HERE)), foreign(-10 - SECOND, IDS[0])], FORGED),
    "it stands where her window begins": ([*file(broken(HERE)), foreign(1440 + 1690, IDS[0])], MAY),
    "it stands a second before her window": ([*file(broken(HERE)), foreign(1440 + 1690 + SECOND, IDS[0])], FORGED),
    **{
        f"it stands elsewhere, and shows a time {words}": (
            [*file(broken(ELSEWHERE, event_time=at(minute))), MISS], said)
        for words, minute, said in (
            ("that is the first of her window", 5 - 1690, MAY), ("a second before", 5 - 1690 - SECOND, FORGED),
            ("that is the last", 15, MAY), ("a second after", 15 + SECOND, FORGED))
    },
    "it shows another person than somebody of whom only a name is known": (
        [*file(broken(HERE, subject_id="bob")), foreign(5, IDS[0], None, subject_name="nobody@example.com")], MAY),
    "it shows another issuer": ([*file(broken(HERE, issuer="entra:other", kind="interactive")), MISS], FORGED),
    "it shows another log": (
        [*file(broken(HERE, source="defender-signin", issuer=ISSUER, kind="interactive")), MISS], FORGED),
    "it shows a log that another issuer alone needs": (
        [*file(broken(HERE, source="defender-signin", issuer=ISSUER, kind="interactive")), MISS,
         *(row | {"source": "defender-signin", "issuer": "entra:partner"} for row in log(*DAYS, file="partner"))],
        FORGED),
    "it is of her own use": ([*file(broken(HERE)), *home("alice"), access(5, IDS[0])], Reason.ORDINARY_MISS),
}

ORDERS: Mapping[str, tuple[list[Row], Reason]] = {
    "it stands behind the only record of its file, before her window's end": (
        [*log(0, file="one"), broken(5, "one"), foreign(2390, IDS[0])], MAY),
    "it stands before a file's first record, which jumps back for half of its time": (
        [*log(-5760, 0, 5760, 0, file="half"), broken(-1, "half"), foreign(2880, IDS[0])], FORGED),
    "it stands behind the last record of a file in no order, and may be of its first day": (
        [*log(-5760, 5760, -2880, file="odd"), broken(35, "odd"), foreign(-4000, IDS[0])], MAY),
    "it stands before the first record of a file in no order, and may be of its last day": (
        [*log(-5760, 5760, -2880, file="odd"), broken(-1, "odd"), foreign(5000, IDS[0])], MAY),
    "it stands before a file's first record, which jumps back for more than half of it": (
        [*log(-5760, 0, 5760, -1, file="half"), broken(-1, "half"), foreign(2880, IDS[0])], MAY),
}

SETS: Mapping[str, tuple[list[Row], dict[str, int], int]] = {
    "as many are missing as are broken": ([*file(broken(THERE), broken(HERE)), *misses(2)], {MAY: 2}, 0),
    "however many there are, and at how odd a rate": (
        [*file(broken(THERE), broken(HERE), broken(HERE + 2)), *misses(3), access(-1000, "log-3", "zoe")],
        {MAY: 3}, 0),
    "one broken record frees no intruder": ([*file(broken(HERE)), *misses(5)], {MORE: 5}, 4),
    "one line that may be three records": ([*file(broken(HERE, item_count=3)), *misses(5)], {MORE: 5}, 2),
    "what can be only hers is hers": (
        [*file(broken(HERE, subject_id="p0"), broken(THERE)), *misses(3)], {MAY: 1, MORE: 2}, 1),
    "another's broken record is no excuse": ([*file(broken(HERE, subject_id="p7")), *misses(3)], {FORGED: 3}, 0),
    "two sets are told apart": (
        [*file(broken(HERE), broken(ELSEWHERE)), *misses(3), *misses(2, 1440 * 3 + 5, 5)], {MORE: 5}, 3),
    "one id is one issuance, however often it is used": (
        [*file(broken(HERE)), MISS, foreign(6, IDS[0], key_id="k")], {MAY: 2}, 0),
    "one sign-in serves all that she does without an id": (
        [*file(broken(HERE)), foreign(5, None), foreign(7, None), sign_in(5000, "later")], {MAY: 2}, 0),
    "assertions are counted likewise": (
        [*({**row, "raw_file": "farm", "raw_position": 10 * place} for place, row in enumerate(farm_log())),
         broken(15, "farm", source="adfs"),
         *(federated_sign_in(minute, IDS[minute], raw_file="s") for minute in (5, 6, 7))], {MORE: 3}, 2),
}


def lone(*places: int) -> list[Row]:
    """Return tokens of so many people, each with a client that others use and an address of its own: rule 4.6."""
    known = [row for who in ("p7", "p8", "p9") for row in home(who, client_id="phone")]
    return [*known, *(access(5, IDS[n], f"p{n}", raw_file=f"l{n}", client_id="phone", ip=f"198.51.{n}.9")
                      for n in places)]


LONE = Reason.LONE_MISS
WEAK: Mapping[str, tuple[list[Row], dict[str, int], int]] = {
    "what alone convicts nobody may be unread": ([*file(broken(HERE)), *lone(0)], {MAY: 1}, 0),
    "what alone convicts nobody stays so, where no record is left": ([*file(broken(HERE)), *lone(0, 1)], {LONE: 2}, 0),
    "what alone convicts nobody makes nothing else forged": (
        [*file(broken(HERE)), *lone(0), *misses(1, first=1)], {LONE: 1, MAY: 1}, 0),
    "what alone convicts nobody is not one of those that are": (
        [*file(broken(HERE)), *lone(0), *misses(2, first=1)], {LONE: 1, MORE: 2}, 1),
    "a record that is another's is left for nobody else": (
        [*file(broken(HERE), broken(THERE, subject_id="p0")), *lone(0, 1)], {MAY: 2}, 0),
}


def missing(wanted: Mapping[str, int], least: int = 0) -> Wanted:
    """Want so many tokens of each reason beside those that are minted, of which so many at least are forged."""

    def wrong(told: Told) -> list[str]:
        tokens = [t for t in told.tokens if t["verdict"] != "minted"]
        found = [t["reason"] for t in tokens]
        got = {reason: found.count(reason) for reason in found}, sum(t["at_least"] for t in tokens)
        rules = {t["group_rule"] for t in tokens if t["reason"] == MORE} - {str(MORE)}
        return ([] if got == (wanted, least) else [f"{got}, not {(wanted, least)}"]) + [f"a finding {r}" for r in rules]

    return wrong


def says(words: str, kind: str = "interactive") -> Wanted:
    """Want that the reason of this part of the sign-ins, which is relied on, ends so."""

    def wrong(told: Told) -> list[str]:
        rows = [row for row in told.coverage if (row.source, row.kind) == ("entra-signin", kind)]
        return [row.reason for row in rows if not row.reason.endswith(words)] + ([] if rows else ["no row"])

    return wrong


def minted(token_id: str) -> Wanted:
    """Want that this token alone is minted."""

    def wrong(told: Told) -> list[str]:
        got = [t["token_id"] for t in told.tokens if t["verdict"] == "minted"]
        return [] if got == [token_id] else [f"minted are {got}"]

    return wrong


RULE = "a broken record is no absence and hides one issuance at most"
UNREAD = (
    f"2 records between {at(0):%Y-%m-%d %H:%M}Z and {at(1440):%Y-%m-%d %H:%M}Z could not be read: what is"
    " missing there may be among them (table rejects)"
)
ANY_TIME = "1 record at an unknown time could not be read: what is missing there may be that one (table rejects)"
UNDATED = sign_in(0, IDS[0], raw_file="log", raw_position=HERE) | {"event_time": None}

CASES: Table = {
    **{
        f"{RULE}: {sentence}": Case("5.10", [*rows, MISS], missing({wanted: 1}))
        for sentence, (rows, wanted) in ALONE.items()
    },
    **{f"{RULE}: {sentence}": Case("5.10", rows, missing({wanted: 1})) for sentence, (rows, wanted) in EDGES.items()},
    "an exchange whose root may be unread taints nothing": Case(
        "5.10, 6.3", [*rooting(), *file(broken(HERE)), UNROOTED, USED], last(Reason.UNROOTED_UNCOVERED), policy=SMALL),
    **{
        f"{RULE}: {sentence}": Case("5.10", rows, missing(wanted, least))
        for sentence, (rows, wanted, least) in {**SETS, **WEAK}.items()
    },
    "coverage says how many records and which time": Case(
        "5.10", SETS["as many are missing as are broken"][0], says(UNREAD)),
    "a broken record that is alone in its file may be of any time": Case(
        "5.10", [*file(broken(1, "other")), MISS],
        [missing({MAY: 1}), *(says(ANY_TIME, kind) for kind in KINDS)], alone=True),
    **{
        f"{RULE}: {sentence}": Case("5.10", rows, missing({wanted: 1})) for sentence, (rows, wanted) in ORDERS.items()
    },
    "what descends from a set and from a forged token is tainted": Case(
        "6.4, 6.5", [*file(broken(HERE)), *misses(5), foreign(7000, "x"), foreign(7001, "y", "bob"),
                     exchange(7010, "kid", [IDS[0], "x"]), access(7020, "kid")], of("kid", Reason.FORGED_ANCESTOR)),
    "what descends from a set of assertions and from a forged token is tainted once": Case(
        "6.4, 6.5", [*farm_log(), assertion(0), federated_sign_in(5, "f1"), federated_sign_in(6, "f2", ip="192.0.2.50"),
                     foreign(7000, "x"), foreign(7001, "y", "bob"), exchange(7010, "kid", ["f1", "x"]),
                     access(7020, "kid")], of("kid", Reason.FORGED_ANCESTOR)),
    "what is accused by itself stays so where it descends from a set": Case(
        "6.5", [*rooting(), *file(broken(HERE)), *misses(5), exchange(20, "kid", [IDS[0]], "p0"),
                foreign(5770, "kid", "p0")], of("kid", Reason.UNROOTED), policy=SMALL),
    "a record of something else without a time is no issuance": Case(
        "5.10", [*file(), UNDATED | {"leg": "context", "token_id": None, "issuer": None}, MISS], missing({FORGED: 1}),
        compared=False),
    "what descends from two sets is one token": Case(
        "6.5", [*file(broken(HERE)), *misses(5), *farm_log(), assertion(0), federated_sign_in(5, "f1"),
                federated_sign_in(6, "f2", ip="192.0.2.50"), exchange(20, "kid", [IDS[0], "f1"]), access(25, "kid")],
        of("kid", Reason.ANCESTOR_IN_SET)),
    "an issuance without a time clears by its id and is no absence": Case(
        "5.10", [*log(*DAYS), UNDATED, MISS, foreign(5, None)], [missing({MAY: 1}), minted(IDS[0])], compared=False),
}
