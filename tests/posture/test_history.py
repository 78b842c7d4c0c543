"""Histories of key sets: what went wrong in them is found with its dates, and replicas that flap are not."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cli.run import Ran, run

from .making import CONSUMER, ENTERPRISE, PARTNER, Members, days, fetches, jwk, key_set

Told = dict[str, dict[str, Any]]
ALL = 200  # days


def told(ran: Ran) -> Told:
    """Return the findings of a JSON report by check, of the one subject in it."""
    return {finding["check"]: finding for finding in json.loads(ran.out)["findings"]}


def asked(capsys: pytest.CaptureFixture[str], path: object, *options: object) -> Told:
    """Return what posture says of a history."""
    ran = run(capsys, "posture", path, "--format", "json", *options)
    assert ran.code in (0, 1, 3), ran.err
    return told(ran)


def stamp(moment: datetime) -> str:
    """Return a moment as reports write it."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def bad_history() -> Iterator[tuple[datetime, Sequence[Members]]]:
    """Yield a fetch a day: five faults, and for a week replicas that each miss another key."""
    cert = (days(-300), days(100))
    for day in range(ALL):
        held = [jwk("slow", ENTERPRISE)]  # no other key of this realm in all that time
        held += [jwk("consumer-1", CONSUMER)] if day < 60 or day >= 90 else []  # taken out, and put back
        held += [jwk("consumer-2", CONSUMER)] if 55 <= day < 120 else []
        held += [jwk("consumer-3", CONSUMER)] if day >= 100 else []
        held += [jwk("ended", CONSUMER, cert)] if day >= 20 else []  # its certificate ends on day 100
        held += [jwk("old" if day < 130 else "sudden", PARTNER)]  # the one instead of the other, at once
        if 150 <= day < 157:  # a replica that lags, and one that leads
            held = [key for key in held if key["kid"] != ("consumer-3" if day % 2 else "ended")]
        yield days(day), held


def test_five_faults_are_found_with_their_dates(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A slow rotation, a reverted one, an unannounced key, an expired certificate, realms merged: each by its check."""
    found = asked(capsys, fetches(tmp_path / "issuer", bad_history()), "--key-class", "tenant")
    rotation = found["issuer-rotation"]
    assert rotation["verdict"] == "fail"
    assert f"{ENTERPRISE}: no new key from {stamp(days(0))} to {stamp(days(ALL - 1))}" in rotation["where"]
    back = found["issuer-rotation-reverted"]
    assert back["verdict"] == "fail"
    assert back["where"] == [f"key consumer-1: away from {stamp(days(59))}, back on {stamp(days(90))}"]
    expired = found["issuer-key-expired"]
    assert expired["verdict"] == "fail"
    assert expired["where"] == [f"key ended: ended {stamp(days(100))}, still published {stamp(days(ALL - 1))}"]
    sudden = found["issuer-pre-publication"]
    assert sudden["verdict"] == "fail"
    assert sudden["where"] == [f"key sudden: first seen {stamp(days(130))}; old last seen {stamp(days(129))}"]
    realms = found["issuer-realms"]
    assert realms["verdict"] == "fail"
    assert realms["where"][0] == (
        f"together in {ALL} of {ALL} fetches, from {stamp(days(0))} to {stamp(days(ALL - 1))}"
    )


def test_a_key_that_stands_in_the_set_for_a_moment_is_told(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A key that came and left within hours could not have been announced: somebody is asked whose it is."""
    samples = [
        (days(hour / 4), [jwk("own"), *([jwk("slipped-in")] if 80 <= hour < 83 else [])]) for hour in range(200)
    ]
    found = asked(capsys, fetches(tmp_path / "issuer", samples))["issuer-pre-publication"]
    assert found["verdict"] == "partial"
    assert found["where"] == [f"key slipped-in: in the set from {stamp(days(20))} to {stamp(days(20.5))} only"]


def test_replicas_that_flap_are_no_change(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Answers of replicas with other keys, all the time, are not a return, nor an unannounced key."""

    def flapping(hour: int) -> list[Members]:
        held = [jwk(f"key-{number}") for number in range(6)]
        return [key for place, key in enumerate(held) if (hour * 7 + place * 5) % 6 > 2 or place == 0]

    samples = [(days(hour / 4), flapping(hour)) for hour in range(4 * 40)]
    found = asked(capsys, fetches(tmp_path / "issuer", samples))
    assert found["issuer-rotation-reverted"]["verdict"] == "pass"
    assert found["issuer-pre-publication"]["verdict"] == "cannot tell"  # nothing changed
    assert found["issuer-key-ids"]["verdict"] == "pass"


def test_an_absence_of_less_than_a_week_is_none(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Seen to be away for six days and twenty hours: replicas do that. For a week: it left."""

    def away(gap: float) -> Iterator[tuple[datetime, Sequence[Members]]]:
        for hour in range(6 * 60):
            at = days(hour / 6)
            gone = days(30) < at < days(30) + timedelta(days=gap)
            yield at, [jwk("steady"), *([] if gone else [jwk("wavering")])]

    short = asked(capsys, fetches(tmp_path / "short", away(7.0)))
    assert short["issuer-rotation-reverted"]["verdict"] == "pass"
    long = asked(capsys, fetches(tmp_path / "long", away(7.5)))
    assert long["issuer-rotation-reverted"]["verdict"] == "fail"


def test_a_good_rotation_passes(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A new key each ten days, published for ten days before the old one leaves."""
    samples = [
        (days(day), [jwk(f"key-{number}") for number in range(12) if 10 * number <= day < 10 * number + 20])
        for day in range(100)
    ]
    found = asked(capsys, fetches(tmp_path / "issuer", samples), "--key-class", "multi-tenant")
    for check in ("issuer-rotation", "issuer-rotation-reverted", "issuer-pre-publication"):
        assert found[check]["verdict"] == "pass", found[check]


def test_one_fetch_tells_little(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Whatever needs a history cannot be told of one key set, and nothing that depends on it passes."""
    (tmp_path / "jwks.json").write_text(key_set(jwk("only")))
    found = asked(capsys, tmp_path / "jwks.json")
    for check in ("issuer-rotation", "issuer-rotation-reverted", "issuer-pre-publication", "issuer-key-age",
                  "issuer-cache", "issuer-key-expired", "issuer-token-lifetime", "issuer-pkce"):
        assert found[check]["verdict"] == "cannot tell", check


def test_the_log_of_git_is_a_history(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """What git: names is read in every committed version, at the time of its commit."""

    def git(*words: str, day: int = 0) -> None:
        moment = days(day).isoformat()
        subprocess.run(  # noqa: S603  # git, on a folder of the test
            ["git", "-C", str(tmp_path), *words], check=True, capture_output=True,  # noqa: S607
            env={"PATH": "/usr/bin:/bin", "GIT_AUTHOR_DATE": moment, "GIT_COMMITTER_DATE": moment,
                 "HOME": "/nonexistent", "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a",
                 "GIT_COMMITTER_EMAIL": "a@b"},
        )

    git("init", "-q")
    for day in range(40):
        (tmp_path / "jwks.json").write_text(key_set(jwk("old" if day < 20 else "sudden"), jwk(f"enc-{day}", use="enc")))
        git("add", "jwks.json")
        git("commit", "-q", "-m", "fetch", day=day)
    found = asked(capsys, f"git:{tmp_path / 'jwks.json'}")["issuer-pre-publication"]
    assert found["where"] == [f"key sudden: first seen {stamp(days(20))}; old last seen {stamp(days(19))}"]
