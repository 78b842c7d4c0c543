"""Rules 5.2 and 5.3: declarations and holes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from counterfoil.model.coverage import Declaration
from counterfoil.model.reason import Reason

from .cases import SMALL, Case, Table, Wanted, coverage, last, of
from .reference import Settings
from .rows import (
    CLEARED,
    ISSUER,
    KINDS,
    OTHER_TENANT,
    Row,
    access,
    assertion,
    at,
    complete,
    federated_sign_in,
    foreign,
    sign_in,
)

WHOLE = [sign_in(-14400, "first"), sign_in(14400, "last")]
SPAN = (at(-14400), at(14400))
UNBOUNDED = Settings(tuple(Declaration("entra-signin", kind) for kind in KINDS))
LATER = Settings(UNBOUNDED.declarations, at(43200))
EARLY = complete(exported_at=at(73 * 60))
TRUNCATED = complete(truncated=frozenset({"entra-signin"}))
THEIRS: Row = {"issuer": f"entra:{OTHER_TENANT}", "home_tenant": OTHER_TENANT, "resource_tenant": OTHER_TENANT}


def interactive(*status: str, **columns: Any) -> Wanted:
    """Want this of the interactive sign-ins."""
    return coverage("entra-signin", "interactive", status=list(status), **columns)


def alone(rule: str, rows: list[Row], wanted: Wanted, settings: Settings | None = None, **more: Any) -> Case:
    """Return a case without any records around."""
    return Case(rule, rows, wanted, settings or complete(), around=[], **more)


def host(sequences: list[int], status: str, start: datetime = SPAN[0], end: datetime = SPAN[1]) -> Case:
    """Return a host whose records have these numbers, an hour apart, declared so, and what becomes of it."""
    rows = [assertion(60 * hour, "zoe", sequence=number) for hour, number in enumerate(sequences)]
    return declared(rows, status, start, end)


def declared(rows: list[Row], status: str, start: datetime = SPAN[0], end: datetime = SPAN[1]) -> Case:
    """Return a host of which these are all records, declared so, and what becomes of it."""
    settings = complete(declarations=(*complete().declarations[:4], Declaration("adfs", "sts1", start, end)))
    return alone("5.2", rows, coverage("adfs", "sts1", status=[status]), settings)


STEADY = list(range(1, 20))  # 18 steps by one
GAP = [*STEADY, 25, 26, 27]  # from the hour 18 to the hour 19
TWO = [assertion(0, "zoe"), assertion(9, "zoe")]
BY_OTHERS = [
    sign_in(minute, f"{kind}{minute}", "gus", **THEIRS | {"kind": kind})
    for kind in ("interactive", "non-interactive") for minute in (-14400, 14400)
]

DECLARED: Table = {
    "a log that begins and ends within one second covers nothing": alone(
        "5.2", [sign_in(0, "one"), sign_in(0.005, "other")], interactive("refused"), LATER
    ),
    "a log of two seconds covers them": alone(
        "5.2", [sign_in(0, "one"), sign_in(0.02, "other")], interactive("accepted"), LATER
    ),
    "a declared kind is accepted up to its end": alone("5.2", WHOLE, interactive("accepted", end=[at(14400)])),
    "the end is cut back by the lag": alone(
        "5.2", WHOLE, interactive("accepted", end=[at(14400 - 73 * 60)]), UNBOUNDED),
    "the end is cut back by the lag from the time of the export": alone(
        "5.2", WHOLE, interactive("accepted", end=[at(0)]), EARLY),
    "the end of a hosts log is cut back by a day": alone(
        "5.2", [assertion(0, "zoe"), assertion(9000, "zoe")], coverage("adfs", end=[at(9000 - 24 * 60)]),
        Settings((*UNBOUNDED.declarations, Declaration("adfs", "sts1")))),
    "a declaration never speaks of time without any record": alone(
        "5.2", [sign_in(0, "a"), sign_in(60, "c")],
        interactive("accepted", start=[at(0)], end=[at(60 + 24 * 60)])),
    "each issuers log is cut by its own records": alone(
        "5.2", [*WHOLE, sign_in(5000, "x", "yves", **THEIRS), sign_in(6000, "y", "yves", **THEIRS)],
        interactive("accepted", "accepted", start=[at(-14400), at(5000)], end=[at(14400), at(6000 + 24 * 60)])),
    "a declaration without bounds speaks of what is there": alone(
        "5.2", [sign_in(0, "a"), sign_in(9000, "c")],
        interactive("accepted", start=[at(0)], end=[at(9000 - 73 * 60)]), UNBOUNDED),
    "a sign in that names no issuer is of nobodys log": Case(
        "5.2", [sign_in(0, "a", issuer=None)], coverage("entra-signin", "interactive", issuer=[ISSUER])),
    "a kind nobody declared is seen": alone(
        "5.2", [sign_in(0, "a"), sign_in(5, "c")], interactive("seen"), Settings()),
    "a declaration that the export contradicts is refused: no records": alone(
        "5.2", [sign_in(20000, "a")],
        interactive("refused", reason=["no record of this kind around the interval"])),
    "a declaration that the export contradicts is refused: truncated": alone(
        "5.2", [sign_in(0, "a"), sign_in(60, "c")], interactive("refused"), TRUNCATED),
    "a declaration that the export contradicts is refused: empty": alone(
        "5.2", [sign_in(0, "a"), sign_in(60, "c")], interactive("refused"), EARLY),
    "a refused declaration convicts nobody": Case(
        "5.2", [foreign(5, "x")], last(Reason.NOT_DECLARED), TRUNCATED),
    **{
        f"an interval without any record {words}": declared(
            [assertion(-14400, "zoe"), assertion(-1500, "zoe"), assertion(14400, "zoe")], status, at(start), at(end))
        for words, status, start, end in (
            ("is refused", "refused", -9000, -6000), ("a day after the last one is not", "accepted", -12960, -6000),
            ("a day before the next one is not", "accepted", -9000, -2940))
    },
    "a guests home tenant is no own issuer": Case(
        "5.2", [sign_in(0, "g", "gus", **THEIRS | {"resource_tenant": None}), foreign(5, "x", "gus", **THEIRS)],
        last(Reason.NOT_DECLARED)),
    "a declaration speaks for every own issuer that is in the log": Case(
        "5.2", [*BY_OTHERS, foreign(5, "x", "gus", issuer=THEIRS["issuer"])], last(Reason.ID_NOT_ISSUED)),
    "a declaration speaks for every own issuer that is in the log: for no kind that it lacks": Case(
        "5.2", [*BY_OTHERS[:2], foreign(5, "x", "gus", issuer=THEIRS["issuer"])], last(Reason.NOT_DECLARED)),
}

HOSTS: Table = {
    "a host whose record numbers go on is accepted": host(STEADY, "accepted"),
    "a host whose record numbers jump is refused": host([*STEADY, 25], "refused"),
    "a host whose log goes on is accepted": declared(TWO, "accepted"),
    "a host whose log was cleared is refused": declared([*TWO, assertion(1, None, **CLEARED)], "refused"),
    "a host whose log was cleared is refused: another host is not": Case(
        "5.2", [*TWO, assertion(1, None, **CLEARED | {"kind": "sts2"})], coverage("adfs", "sts1", status=["accepted"]),
        around=[]),
    "a jump before or after the interval refuses nothing: after it": host(
        GAP, "accepted", at(0), at(60 * 18 - 1)),
    "a jump that begins where the interval ends refuses it": host(GAP, "refused", at(0), at(60 * 18)),
    "a jump before or after the interval refuses nothing: before it": host(
        GAP, "accepted", at(60 * 19 + 1), at(14400)),
    "the numbers of a filtered export prove nothing": host([*range(1, 10), 20, *range(30, 40)], "accepted"),
    "numbers in the cloud prove nothing": alone(
        "5.2", [sign_in(minute, f"n{minute}", sequence=minute + (minute > 14)) for minute in range(16)],
        interactive("accepted")),
    "a log that was cleared in the second of its first record is refused": declared(
        [assertion(0, "zoe") | {"event_time": at(0) + timedelta(milliseconds=600)}, assertion(0, None, **CLEARED),
         assertion(600, "zoe")], "refused"),
}

DAILY = [assertion(1440 * day + 60 * hour, "zoe") for day in (-3, -2, -1, 3, 4, 5) for hour in range(12)]

WEEKDAYS = [7 * week + day for week in range(4) for day in range(5)]  # from a Monday on
EARLIER = [day - 14 for day in WEEKDAYS]
SILENT = ((-2, 2), (-1, 2), (0, 2))  # three of five Wednesdays


def busy(*days: int) -> list[Row]:
    """Return a sign-in every four hours of these days, from two in the morning on."""
    return [sign_in(1440 * day - 360 + 240 * hour, f"d{day}.{hour}", "zoe") for day in days for hour in range(6)]


# she is at home, and one of her own records is missing from the hole
AT_HOME = [*(sign_in(1440 * day, f"h{day}") for day in (-12, -11, -10)), access(1440 * -4 + 30, "lost")]

# 28 h and ten minutes lie between the first moment in which a token may have been issued, and its use.
EARLY_TOKENS: Table = {
    f"a token {words}": Case("5.3", [foreign(minute, "x")], of("x", early=early), settings)
    for words, minute, early, settings in (
        ("that may be a second older than the log is early", -14400 + 1690 - 1 / 60, True, complete()),
        ("that is no older than the log is not", -14400 + 1690, False, complete()),
        ("that was used in the log's first second is early", -14400, True, complete()),
        ("that was used a second before is not", -14400 - 1 / 60, False, complete()),
        ("of logs that nobody relies on is not", -14400 + 1000, False, Settings()))
}

HOLES: Table = {
    "a day without records in a busy log is a hole": alone(
        "5.3", busy(-4, -3, -2, -1, 1, 2, 3, 4),
        interactive("hole", "hole", "accepted", "accepted", start=[at(-600), at(6600), at(-6120), at(1080)],
                    end=[at(1080), at(6600 + 1440), at(-600), at(6600)]), policy=SMALL),
    "a day without records in a busy log is a hole, in which nothing is forged": Case(
        "5.3", [*busy(*(day for day in EARLIER if day != -5)), foreign(1440 * -4 + 60, "x")],
        last(Reason.OUTSIDE_COVERAGE), policy=SMALL),
    **{
        f"a strangers token in a hole {words}": Case(
            "4.7", [*busy(*(day for day in EARLIER if day != -5)), *more, foreign(1440 * -4 + 60, "x") | token],
            last(reason, probable=probable), policy=SMALL)
        for words, more, token, reason, probable in (
            ("is probably forged where nothing of anybodys own is missing", [], {}, Reason.OUTSIDE_COVERAGE,
             "lone-miss"),
            ("is left open where somebodys own is missing", AT_HOME, {}, Reason.OUTSIDE_COVERAGE, None),
            ("is left open before the log begins", [], {"event_time": at(-14400 - 600)}, Reason.OUTSIDE_COVERAGE, None),
            ("is left open where its sign in was interrupted", [sign_in(1440 * -7, "x", outcome="interrupted")], {},
             Reason.INTERRUPT_ONLY, None),
            ("is left open where it is an agents", [sign_in(1440 * -7, "g", client_id="bot", token_class="agent")],
             {"client_id": "bot"}, Reason.AGENT_IDENTITY, None),
        )
    },
    "the persons own in a hole is left open": Case(
        "4.7", [*busy(*(day for day in EARLIER if day != -5)), *AT_HOME], last(Reason.OUTSIDE_COVERAGE, probable=None),
        policy=SMALL),
    "a day with records in a busy log is no hole": Case(
        "5.3", [*busy(*EARLIER), foreign(1440 * -4 + 60, "x")], last(Reason.ID_NOT_ISSUED), policy=SMALL),
    "a declaration that is one hole covers nothing and is still one": Case(
        "4.1 c, d", [*DAILY, federated_sign_in(3000, "a")],
        [last(Reason.OUTSIDE_COVERAGE), coverage("adfs", "sts1", status=["hole"])],
        complete(declarations=(*complete().declarations[:4],
                               Declaration("adfs", "sts1", at(-1440 + 660), at(1440 * 3))))),
    "a silence in which twenty records are usual is a hole": Case(
        "5.3", DAILY, coverage("adfs", "sts1", status=["hole"]), complete(declarations=(
            *complete().declarations[:4], Declaration("adfs", "sts1", at(600), at(600 + 60 * 41))))),
    "a day to the second without records is a hole": Case(
        "5.3", [assertion(1440 * day + 60 * hour, "zoe") for day in range(-3, 5) for hour in range(12)
                if day != 1 or hour == 11],
        coverage("adfs", "sts1", status=["hole", "hole", "accepted", "accepted"]), policy=SMALL),
    "less than a day of a silence is no hole": Case(
        "5.3", DAILY, coverage("adfs", "sts1", status=["accepted"], records=[36]), complete(declarations=(
            *complete().declarations[:4], Declaration("adfs", "sts1", at(1440 * 2 + 240), at(1440 * 5)))), SMALL),
    "silence in a quiet log is no hole": alone("5.3", busy(-3, -2, -1, 1, 2), interactive("accepted")),
    "silence on weekends is no hole where weekends are silent": alone(
        "5.3", busy(*WEEKDAYS), interactive("accepted"), policy=SMALL),
    "a silent wednesday is a hole where wednesdays are busy": alone(
        "5.3", busy(*(day for day in EARLIER if day != -5)),
        interactive("hole", "accepted", "accepted", start=[at(1440 * -6 + 840), at(-14400), at(1440 * -4 - 360)],
                    end=[at(1440 * -4 - 360), at(1440 * -6 + 840), at(14400)]), policy=SMALL),
    "a day that is silent as often as not is no hole": alone(
        "5.3", busy(*(7 * week + day for week in range(-3, 2) for day in range(5) if (week, day) not in SILENT)),
        interactive("accepted"), policy=SMALL),
}

CASES: Table = {**DECLARED, **HOSTS, **EARLY_TOKENS, **HOLES}
