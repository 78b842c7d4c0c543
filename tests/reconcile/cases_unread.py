"""Rule 5.10: a record that could not be read is not one that never was, and hides one issuance at most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from counterfoil.model.reason import Reason

from .cases import Case, Table, Told, Wanted
from .rows import ISSUER, KINDS, Row, access, at, farm_log, federated_sign_in, foreign, sign_in

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
MISS = foreign(5, IDS[0])
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
    "it is a record of another log": (file(broken(HERE, source=None)), FORGED),
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
    **{
        f"{RULE}: {sentence}": Case("5.10", rows, missing(wanted, least))
        for sentence, (rows, wanted, least) in SETS.items()
    },
    "coverage says how many records and which time": Case(
        "5.10", SETS["as many are missing as are broken"][0], says(UNREAD)),
    "a broken record that is alone in its file may be of any time": Case(
        "5.10", [*file(broken(1, "other")), MISS],
        [missing({MAY: 1}), *(says(ANY_TIME, kind) for kind in KINDS)], alone=True),
    "an issuance without a time clears by its id and is no absence": Case(
        "5.10", [*log(*DAYS), UNDATED, MISS, foreign(5, None)], [missing({MAY: 1}), minted(IDS[0])], compared=False),
}
