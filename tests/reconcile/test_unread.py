"""Rule 5.10: a record that could not be read is not one that never was, and hides one issuance at most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from counterfoil.model.verdict import Reason

from .engine_run import Answer, Judge, differences
from .reference import Policy
from .rows import (
    ISSUER,
    Row,
    access,
    at,
    background,
    complete,
    farm_log,
    federated_sign_in,
    foreign,
    numbered,
    sign_in,
)

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
            "reject": "not JSON", **shown}  # fmt: skip


ALERT = Policy(raise_nats=0.01)  # three misses of one client are a cluster
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


CASES: Mapping[str, tuple[list[Row], str]] = {
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
}  # fmt: skip


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
}  # fmt: skip
NAMES = ("issuer", "token_id", "subject_id", "subject_name", "resource_tenant", "home_tenant", "token_tenant",
         "raw_file")  # fmt: skip
ALL = {**{name: (rows if "farm" in name else [*rows, MISS], {wanted: 1}, 0) for name, (rows, wanted) in CASES.items()},
       **SETS}  # fmt: skip


def apart(rows: Sequence[Row], word: str) -> list[Row]:
    """Return the rows with the word behind every name, so that nothing of one case is known in another."""
    told = []
    for place, row in enumerate(rows):
        named = {name: row[name] + word for name in NAMES if row.get(name)}
        guids = {"item_ids": [one + word for one in row["item_ids"]]} if row.get("item_ids") else {}
        told.append(row | named | guids | {"record_id": f"r{place}{word}"})
    return told


@pytest.fixture(scope="module")
def judged(engine_judge: Judge) -> Answer:
    """Return what the engine says of all cases, in one run; the double says the same."""
    rows = [
        row for place, (own, *_) in enumerate(ALL.values())
        # what the user declares of a farm names it and its domain
        for row in apart([*numbered(background()), *numbered(own)], "" if place == len(ALL) - 1 else f".c{place}")
    ]  # fmt: skip
    answer = engine_judge(rows, complete(), ALERT)
    assert differences(answer, rows, complete(), ALERT) == []
    return answer


def tokens_of(answer: Answer, case: str) -> list[Row]:
    """Return the tokens of the case that are not minted."""
    place = list(ALL).index(case)
    word = "" if place == len(ALL) - 1 else f".c{place}"
    own = [t for t in answer.tokens if t["verdict"] != "minted"]
    return [t for t in own if t["raw_file"].endswith(word) and (word or ".c" not in t["raw_file"])]


@pytest.mark.parametrize("case", ALL)
def test_a_broken_record_is_no_absence_and_hides_one_issuance_at_most(case: str, judged: Answer) -> None:
    """A miss that may be a broken record is left open, any other not; of more misses than such some are forged."""
    _, wanted, least = ALL[case]
    tokens = tokens_of(judged, case)
    reasons = [t["reason"] for t in tokens]
    assert {reason: reasons.count(reason) for reason in reasons} == wanted
    assert sum(t["at_least"] for t in tokens) == least
    assert {t["group_rule"] for t in tokens if t["reason"] == MORE} <= {str(MORE)}
    assert {t["group_rule"] for t in tokens if t["reason"] == MAY} <= {None}


def test_coverage_says_how_many_records_and_which_time(judged: Answer) -> None:
    """A log that is relied on says what of it could not be read, and between which times that lies."""
    word = f".c{list(ALL).index('as many are missing as are broken')}"
    (row,) = [row for row in judged.coverage if row.kind == "interactive" and row.issuer.endswith(word)]
    assert row.reason.endswith(
        f"2 records between {at(0):%Y-%m-%d %H:%M}Z and {at(1440):%Y-%m-%d %H:%M}Z could not be read: what is"
        " missing there may be among them (table rejects)"
    )


def test_a_broken_record_that_is_alone_in_its_file_may_be_of_any_time(engine_judge: Judge) -> None:
    """Nothing tells when it was written, nor of which kind it is: of its source it may be anything."""
    rows = apart([*numbered(background()), *numbered([*file(broken(1, "other")), MISS])], "")
    answer = engine_judge(rows, complete(), Policy())
    assert differences(answer, rows, complete(), Policy()) == []
    assert [t["reason"] for t in answer.tokens if t["verdict"] != "minted"] == [MAY]
    assert all("1 record at an unknown time could not be read" in row.reason
               for row in answer.coverage if row.source == "entra-signin")  # fmt: skip


def test_an_issuance_without_a_time_clears_by_its_id_and_is_no_absence(engine_judge: Judge) -> None:
    """What lacks only its date was issued: its id clears, and nothing that it may be is called missing."""
    undated = sign_in(0, IDS[0], raw_file="log", raw_position=HERE) | {"event_time": None}
    rows = apart([*numbered(background()), *numbered([*log(*DAYS), undated, MISS, OTHER])], "")
    answer = engine_judge(rows, complete(), Policy())
    assert [t["reason"] for t in answer.tokens if t["verdict"] != "minted"] == [MAY]
    assert [t["token_id"] for t in answer.tokens if t["verdict"] == "minted"] == [IDS[0]]
