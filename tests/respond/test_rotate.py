"""Rotation: what comes next and when, who objects, the outage that is refused, and a rehearsal."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from counterfoil.custody.algorithm import Algorithm
from counterfoil.custody.keys import KeyState, KeyVersion
from counterfoil.custody.settings import LifeSettings
from counterfoil.errors import UsageError
from counterfoil.model.receipt import Receipt
from counterfoil.respond import rehearse as rehearsal
from counterfoil.respond import rotate
from counterfoil.respond.preflight import Flight, Party, Seen, lags, objections, read_parties
from counterfoil.respond.rehearse import PINNING_KIND, STALE_KIND
from counterfoil.respond.rotate import Act, step
from counterfoil.respond.runbooks import RUNBOOKS, text

AT = datetime(2026, 11, 30, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LIFE = LifeSettings(jwks="jwks.json")
DRAINED = timedelta(seconds=LIFE.drain_seconds)


def version(number: int, state: KeyState, since: datetime = AT) -> KeyVersion:
    """Return a version that has been in its state, and published, since then."""
    ended = since if state in (KeyState.PREVIOUS, KeyState.BLOCKED) else None
    return KeyVersion(
        "idp", number, f"kid-{number}", Algorithm.ES256, state, "", b"", since, False, False, since, since, ended, since
    )


CURRENT, NEXT = version(1, KeyState.CURRENT, AT - 30 * DAY), version(2, KeyState.NEXT)
CDN = Party(name="mail", jwks="https://cdn.example/jwks")
SHOWN = Seen(frozenset({"kid-1", "kid-2"}), 3_600.0)

STEPS: dict[str, tuple[tuple[KeyVersion, ...], datetime, Act]] = {
    "a key alone: its next version is made": ((CURRENT,), AT, Act.PREPARE),
    "published just now: everybody has a day to fetch it": ((CURRENT, NEXT), AT, Act.WAIT),
    "a second before the day is over": ((CURRENT, NEXT), AT + DAY - timedelta(seconds=1), Act.WAIT),
    "a day after: it signs": ((CURRENT, NEXT), AT + DAY, Act.PROMOTE),
    "the one before drains": ((version(1, KeyState.PREVIOUS), version(2, KeyState.CURRENT)), AT, Act.DRAIN),
    "and is retired when its last token has expired": (
        (version(1, KeyState.PREVIOUS), version(2, KeyState.CURRENT)), AT + DRAINED, Act.RETIRE),
    "the one that signed is blocked: a new one is made": ((version(1, KeyState.BLOCKED),), AT, Act.PREPARE),
    "and signs at once, since none signs": ((version(1, KeyState.BLOCKED), NEXT), AT, Act.PROMOTE),
}


@pytest.mark.parametrize("sentence", STEPS)
def test_what_comes_next(sentence: str) -> None:
    """Each state of a key at a moment, and the step that breaks nothing."""
    versions, now, act = STEPS[sentence]
    assert step(versions, "idp", LIFE, Flight(), now).act is act


def flight(party: Party = CDN, seen: Seen = SHOWN, lag: float = 0.0) -> Flight:
    """Return what is known of one party."""
    return Flight((party,), {party.name: seen}, {party.name: lag})


AGAINST: dict[str, tuple[Flight, timedelta, str]] = {
    "its CDN still shows the old set": (flight(seen=Seen(frozenset({"kid-1"}))), 3 * DAY, "does not show the next key"),
    "its address does not answer": (flight(seen=Seen(problem="HTTP 503")), 3 * DAY, "cannot tell what it fetches"),
    "it pins the old key": (flight(Party(name="mail", pinned=("kid-1",))), 3 * DAY, "it pins its keys"),
    "it keeps keys for two days, and says so": (flight(seen=replace(SHOWN, max_age=2 * 86_400.0)), DAY, "keeps keys"),
    "it is known to keep them for two days": (
        flight(Party(name="mail", jwks=CDN.jwks, cache_seconds=2 * 86_400.0)), DAY, "keeps keys"),
    "receipts show that it lagged two days": (flight(lag=2 * 86_400.0), DAY, "keeps keys"),
}


@pytest.mark.parametrize("sentence", AGAINST)
def test_a_promotion_is_refused_where_good_tokens_would_be_and_says_by_whom(sentence: str) -> None:
    """In an emergency it is done all the same, and the party is named."""
    known, after, why = AGAINST[sentence]
    found = step((CURRENT, NEXT), "idp", LIFE, known, AT + after)
    assert found.act is Act.REFUSE
    assert [str(told).startswith(f"mail: {why}") or why in str(told) for told in found.against] == [True]
    urgent = step((CURRENT, NEXT), "idp", LIFE, known, AT + after, emergency=True)
    assert (urgent.act, urgent.against) == (Act.PROMOTE, found.against)


def test_the_outage_of_2026_01_08_is_refused() -> None:
    """Logto: a key began to sign while relying parties had the set cached for an hour; sixty minutes of refusals."""
    hasty = replace_life(prepublish_seconds=0.0, cache_seconds=0.0)
    cached = flight(seen=Seen(frozenset({"kid-1"}), 3_600.0))
    assert step((CURRENT, NEXT), "idp", hasty, cached, AT).act is Act.REFUSE
    # also where their next fetch would show it: what they hold is what counts
    found = step((CURRENT, NEXT), "idp", hasty, flight(), AT + HOUR / 2)
    assert (found.act, found.until) == (Act.REFUSE, AT + HOUR)
    assert step((CURRENT, NEXT), "idp", hasty, flight(), AT + HOUR).act is Act.PROMOTE


def replace_life(**changes: float) -> LifeSettings:
    """Return the settings with changes."""
    made: LifeSettings = msgspec.structs.replace(LIFE, **changes)
    return made


def test_what_nobody_objects_to_is_said_of_no_one() -> None:
    """A party that pins the new key, and one that fetched it long ago."""
    pins = Party(name="old", pinned=("kid-1", "kid-2"))
    known = Flight((CDN, pins), {"mail": SHOWN})
    assert objections("kid-2", AT, known, AT + HOUR) == ()
    assert step((CURRENT, NEXT), "idp", LIFE, known, AT + DAY).act is Act.PROMOTE


def test_receipts_tell_how_long_a_party_lagged() -> None:
    """The longest time after its publication at which a key was unknown there; of no other refusal."""
    def receipt(hours: float, **changes: Any) -> Receipt:
        told: dict[str, Any] = {"rp": "mail", "outcome": "refused", "code": "key-not-active", "kid": "kid-2", **changes}
        return Receipt(time=AT + hours * HOUR, **told)

    given = [
        receipt(1), receipt(3), receipt(2), receipt(50, signature="verified"), receipt(9, kid="stranger"),
        receipt(9, code="signature-invalid"),
    ]
    assert lags(given, (CURRENT, NEXT)) == {"mail": 3 * 3_600.0}


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"[[party]]\nname = 'a'", "needs either jwks or pinned"),
        (b"[[party]]\nname = 'a'\njwks = 'https://x'\npinned = []", "needs either"),
        (b"[[party]]\nname = 'a'\npinned = []\n[[party]]\nname = 'a'\npinned = []", "a name of its own"),
        (b"[[party]]\nname = 'a'\npinned = []\ncaches = 5", "unknown field"),
        (b"[[party", "parties.toml: "), (b"\xff", "parties.toml: "),
        (b"[[party]]\nname = 'a'\njwks = 'https://x'\ncache_seconds = nan", "no duration"),
    ],
)
def test_a_bad_file_of_parties_is_one_clear_line(raw: bytes, told: str) -> None:
    """What cannot be read would leave a party unasked."""
    with pytest.raises(UsageError, match=told):
        read_parties(raw, "parties.toml")


def test_a_key_is_due_before_its_class_ends() -> None:
    """An own key of a year, a tenant's of three months, a provider's of two weeks (draft of NIST IR 8587)."""
    def due(kind: str, age: timedelta) -> bool:
        return rotate.due((version(1, KeyState.CURRENT, AT - age),), "idp", LifeSettings(jwks="j", kind=kind), AT)

    assert [due("multi-tenant", 12 * DAY), due("multi-tenant", 13 * DAY)] == [False, True]
    assert [due("tenant", 89 * DAY), due("tenant", 90 * DAY)] == [False, True]
    assert [due("own", 363 * DAY), due("own", 364 * DAY)] == [False, True]


def test_a_rehearsal_with_time_to_fetch_refuses_no_good_token_but_of_those_who_pin_or_are_stale() -> None:
    """A thousand parties: those that cache as they may are never the ones; whoever pins is named; twice the same."""
    found = rehearsal.rehearse(LIFE, 3_600.0, seed=7)
    assert found.parties == 1_000
    assert found.good > 50_000
    assert set(found.refused) <= {PINNING_KIND, STALE_KIND}
    assert found.refused[PINNING_KIND] > 0
    assert found.latest["caches as it may"] <= LIFE.cache_seconds
    assert found == rehearsal.rehearse(LIFE, 3_600.0, seed=7)


HASTE: dict[str, LifeSettings] = {
    "promoted as it is published, as in 2026-01": replace_life(prepublish_seconds=0.0),
    "published for half of what they cache": replace_life(prepublish_seconds=1_800.0),
    "retired as the next one signs": replace_life(drain_seconds=0.0),
    "retired before its tokens have expired": replace_life(drain_seconds=1_800.0),
}


@pytest.mark.parametrize("sentence", HASTE)
def test_a_rehearsal_shows_haste(sentence: str) -> None:
    """Good tokens refused by parties that did nothing wrong."""
    assert rehearsal.rehearse(HASTE[sentence], 3_600.0, seed=7).refused["caches as it may"] > 0


@pytest.mark.parametrize("name", RUNBOOKS)
def test_a_runbook_publishes_before_it_promotes(name: str) -> None:
    """It waits for the caches before the new key signs, for the tokens before the old one goes; it has its sources."""
    book = RUNBOOKS[name]
    told = text(book)
    waits = [number for number, one in enumerate(book.steps) if one.do.startswith("Wait")]
    assert 0 < waits[0] < waits[1] - 1
    assert told.count("[ ]") == len(book.steps)
    assert book.sources
    assert book.wrong in told
