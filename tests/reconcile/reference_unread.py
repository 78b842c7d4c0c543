"""Rule 5.10 in plain Python: what could not be read is not what never was. Assignments are tried one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from counterfoil.model.reason import Reason
from counterfoil.model.verdict import Verdict

from . import reference_assertions, reference_coverage, reference_misses
from .reference_case import Broken, Case, Token, Window
from .reference_policy import Policy
from .reference_records import Record, Row, identified

Part = tuple[str | None, str, str]
Answer = tuple[Verdict, Reason]
Miss = tuple[str | None, object]
CONVICTS = (Reason.ID_NOT_ISSUED, Reason.SUBJECT_NOT_SIGNED_IN, Reason.ASSERTION_NOT_ISSUED)
MISSING = (*CONVICTS, Reason.LONE_MISS, Reason.UNPROVEN_LOG)


def broken(rows: Iterable[Row], records: Sequence[Record], names: Mapping[str, str], policy: Policy) -> list[Broken]:
    """Return the rejects of other rows' files, as far as they may be of a log of issuance."""
    every = list(rows)
    return [
        _broken(row, [r for r in every if r["leg"] != "rejected" and r["raw_file"] == row["raw_file"]], records, names,
                policy)
        for row in every
        if row["leg"] == "rejected" and row["source"] is not None
    ]


def _broken(
    row: Row, beside: Sequence[Row], records: Sequence[Record], names: Mapping[str, str], policy: Policy
) -> Broken:
    if row.get("issuer") and row.get("kind"):
        parts = {(row["issuer"], row["source"], row["kind"])}
    elif beside:
        parts = {_part(r) for r in beside if r["leg"] == "issuance"}
    else:
        parts = {(r.issuer, r.source, r.kind) for r in records if r.leg == "issuance" and r.source == row["source"]}
    name = row.get("subject_name")
    named = None if name is None else names.get(name, f"name:{name}")
    return Broken(
        frozenset(parts), _span(row, beside, policy), row.get("event_time"), row.get("token_id"),
        frozenset(row.get("item_ids") or ()), row.get("subject_id") or named, row.get("item_count") or 1,
    )


def _part(row: Row) -> Part:
    return row.get("issuer"), row["source"], row["kind"]


def _span(row: Row, beside: Sequence[Row], policy: Policy) -> Window | None:
    """Between its neighbours, wider by the file's longest jump against its own order."""
    if not beside:
        return None
    ordered = [r["event_time"] for r in sorted(beside, key=lambda r: r["raw_position"])]
    first, last, margin = min(ordered), max(ordered), timedelta(hours=policy.gap_hours)
    rising = max(max(ordered[: n + 1]) - t for n, t in enumerate(ordered))
    falling = max(t - min(ordered[: n + 1]) for n, t in enumerate(ordered))
    jump = min(rising, falling)
    if jump * 2 > last - first:
        return first, last
    before = [r["event_time"] for r in beside if r["raw_position"] < row["raw_position"]]
    after = [r["event_time"] for r in beside if r["raw_position"] > row["raw_position"]]
    if falling < rising:
        before, after = after, before
    return max(before) - jump if before else first - margin, min(after) + jump if after else last + margin


def may_hide(case: Case, token: Token) -> list[int]:
    """Return which broken records may hold what the token misses, by number."""
    return [number for number, one in enumerate(case.broken) if _may_hide(case, token, one)]


def _may_hide(case: Case, token: Token, one: Broken) -> bool:
    assertion = token.is_assertion
    needed = (reference_coverage.hosts(case, token.issuer) if assertion
              else reference_misses.needed_parts(case, token))
    if not {(token.issuer, *part) for part in needed} & one.parts:
        return False
    if token.token_id is not None and token.token_id in {one.token_id, *one.guids}:
        return True
    low, high = (reference_assertions.window(case, token, token) if assertion
                 else reference_misses.window(case, token))
    inside = one.span is None or (one.span[0] <= high and one.span[1] >= low)
    inside = inside or (one.time is not None and low <= one.time <= high)
    both_known = identified(token.subject) and identified(one.subject)
    another = both_known and token.subject != one.subject
    another = another or (None not in (token.token_id, one.token_id) and token.token_id != one.token_id)
    return inside and not (another and one.records == 1)


def doubted(case: Case, answers: Mapping[Token, Answer]) -> dict[Token, Answer]:
    """Return the answers as they are with what may be unread."""
    told = dict(answers)
    hiding = {t: found for t, (_, why) in answers.items() if why in MISSING and (found := may_hide(case, t))}
    rooms = [one.records for one in case.broken]
    for issuer in {token.issuer for token in hiding}:  # no record is of two issuers
        misses: dict[Miss, set[int]] = {}
        for token, found in hiding.items():
            if token.issuer == issuer:
                misses.setdefault(_miss(token, answers), set()).update(found)
        convicting = {_miss(t, answers) for t in hiding if t.issuer == issuer and answers[t][1] in CONVICTS}
        strong = {miss: found for miss, found in misses.items() if miss in convicting}
        for token in hiding:
            if token.issuer == issuer:
                miss = _miss(token, answers)
                if miss in convicting:
                    why = Reason.MORE_THAN_UNREAD if _left_out(miss, strong, rooms) else Reason.MAY_BE_UNREAD
                elif _left_out(miss, misses, rooms):
                    continue
                else:
                    why = Reason.MAY_BE_UNREAD
                told[token] = Verdict.UNCOVERED, why
    return told


def _left_out(miss: Miss, misses: Mapping[Miss, set[int]], rooms: Sequence[int]) -> bool:
    """Tell whether some largest assignment leaves the miss out."""
    rest = {other: found for other, found in misses.items() if other != miss}
    return _most(rest, rooms) == _most(misses, rooms)


def _miss(token: Token, answers: Mapping[Token, Answer]) -> Miss:
    """Return what one issuance serves: an id, an assertion, all that a person does without an id."""
    if token.token_id is not None:
        return token.issuer, token.token_id
    return token.issuer, token.subject if answers[token][1] is Reason.SUBJECT_NOT_SIGNED_IN else token


def _most(misses: Mapping[Miss, set[int]], rooms: Sequence[int]) -> int:
    """Return how many misses the records hide at most."""
    if not misses:
        return 0
    miss, *others = misses
    rest = {other: misses[other] for other in others}
    found = _most(rest, rooms)
    for record in misses[miss]:
        if rooms[record]:
            left = [room - (number == record) for number, room in enumerate(rooms)]
            found = max(found, 1 + _most(rest, left))
    return found
