"""The lab's estate: every scenario is run in real processes, hunted in, and judged and diagnosed as its truth says."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from counterfoil import rehearsal
from counterfoil.app import Silent
from counterfoil.config import HuntSettings
from counterfoil.lab.estate.issuer import REVOKED_FILE
from counterfoil.lab.estate.run import run
from counterfoil.lab.estate.scenarios import SCENARIOS, Scenario
from counterfoil.lab.estate.settings import DAEMON, FILES, PASSWORD, Realm
from counterfoil.lab.estate.world import World
from counterfoil.lab.history.compare import read_truth
from counterfoil.tokens.decoded import decoded
from counterfoil.tokens.revoked import TokenName, written

# What each run must let in and refuse of the attackers' tokens, and how many rows full logs convict.
RUNS = {
    "storm-0558": (9, 0, 7), "right-realm": (2, 0, 2), "insider": (2, 0, 2), "laundering": (6, 0, 4),
    "cloned-id": (3, 0, 2), "rogue-key": (2, 0, 2), "unsigned-actor": (2, 0, 2), "stolen-token": (2, 0, 0),
    "ledger-altered": (2, 0, 2), "ledger-rewritten": (2, 0, 2), "no-receipts": (9, 0, 6),
    "wrong-key": (2, 0, 2),
}


def rehearsed(path: Path, name: str, *, strict: bool = False, countersigned: bool = False) -> rehearsal.Rehearsed:
    """Run a scenario in a new case."""
    settings = HuntSettings(case=path / "case", threads=1)
    return rehearsal.lab(name, settings, Silent(), strict=strict, countersigned=countersigned)


@pytest.mark.parametrize("name", RUNS)
def test_a_scenario_is_judged_as_its_truth_says(tmp_path: Path, name: str) -> None:
    """All that full logs can tell is told, with the right diagnosis; nobody else is accused."""
    done = rehearsed(tmp_path, name)
    assert done.comparison.ok, done.comparison.examples
    assert done.comparison.recall == 1
    assert (done.ran.accepted, done.ran.refused, done.comparison.caught) == RUNS[name]


def test_sampled_receipts_convict_what_they_hold(tmp_path: Path) -> None:
    """Half of the receipts are missing: what is there is judged right, and nobody else is accused."""
    done = rehearsed(tmp_path, "sampled-receipts")
    assert done.comparison.ok, done.comparison.examples
    assert done.ran.accepted == 9


def test_every_scenario_is_run_here() -> None:
    """None is left out of these tests."""
    assert {*RUNS, "sampled-receipts"} == set(SCENARIOS)


def test_strict_services_refuse_2023_at_the_door(tmp_path: Path) -> None:
    """The consumer key's tokens with a reason; what the organisation's own key signed is let in, and found."""
    done = rehearsed(tmp_path, "storm-0558", strict=True)
    assert (done.ran.accepted, done.ran.refused, done.ran.codes) == (2, 4, ("key-outside-window",))
    assert (done.comparison.ok, done.comparison.caught) == (True, 2)


def test_counter_signatures_refuse_the_right_key_too(tmp_path: Path) -> None:
    """Neither stolen key opens a door; everybody else's tokens do."""
    done = rehearsed(tmp_path, "storm-0558", countersigned=True)
    assert (done.ran.accepted, done.ran.refused) == (0, 6)
    assert done.ran.codes == ("counterfoil-not-proven", "key-outside-window")
    assert done.comparison.ok


def test_a_rewritten_ledger_and_an_insider_are_told_from_a_stolen_key(tmp_path: Path) -> None:
    """The finding names the log that is not the one which the witness keeps."""
    done = rehearsed(tmp_path, "ledger-rewritten")
    assert "ledger-rewritten" in {finding.rule for finding in done.report.findings}


@contextmanager
def lived(path: Path) -> Iterator[list[object]]:
    """Yield what a visitor saw in a running estate."""
    seen: list[object] = []

    def visit(world: World) -> None:
        base = world.estate.issuer(Realm.ORG)
        told = world.client.get(f"{base}/.well-known/openid-configuration").json()
        seen.append(told["issuer"] == base and told["jwks_uri"] == f"{base}/jwks")
        held = world.sign_in("alice")
        parts = held["id_token"].split(".")
        seen.append(json.loads(base64.urlsafe_b64decode(parts[1] + "=="))["sub"])
        token, auth = held["access_token"], (DAEMON, PASSWORD)
        asked = {"token": token}
        seen.append(world.client.post(told["introspection_endpoint"], data=asked, auth=auth).json()["sub"])
        revoked = {**asked, "client_id": "mail-web"}
        seen.append(world.client.post(told["revocation_endpoint"], data=revoked).status_code)
        seen.append(world.client.post(told["introspection_endpoint"], data=asked, auth=auth).json()["active"])
        again = world.refresh(held)
        seen.append(again["refresh_token"] != held["refresh_token"])
        used = {"grant_type": "refresh_token", "refresh_token": held["refresh_token"], "client_id": "mail-web"}
        seen.append(world.client.post(f"{base}/token", data=used).status_code)
        seen.append(world.show(token, FILES))  # of another audience
        seen.append(world.client.get(f"{base}/authorize", auth=("alice", "wrong")).status_code)

    run(Scenario("visit", "looks around", (visit,)), path / "lab", lambda _: None)
    yield seen


def test_the_issuer_keeps_to_its_standards(tmp_path: Path) -> None:
    """Discovery, code with PKCE, ID token, introspection, revocation, refresh with rotation, audiences, passwords."""
    with lived(tmp_path) as seen:
        assert seen == [True, "alice", "alice", 200, False, True, 400, 401, 401]


def test_the_issuer_refuses_what_an_administrator_revoked(tmp_path: Path) -> None:
    """By `revoked.json`: the access token is inactive, its refresh token good for nothing; another session goes on."""
    seen: list[object] = []

    def visit(world: World) -> None:
        base = world.estate.issuer(Realm.ORG)
        ours, other = world.sign_in("alice"), world.sign_in("alice")
        claims = decoded(ours["access_token"]).claims
        name = TokenName(iss=claims["iss"], jti=claims["jti"])
        (world.estate.path / REVOKED_FILE).write_bytes(written([name]))
        for held in (ours, other):
            asked = {"token": held["access_token"]}
            answer = world.client.post(f"{base}/introspect", data=asked, auth=(DAEMON, PASSWORD)).json()
            form = {"grant_type": "refresh_token", "refresh_token": held["refresh_token"], "client_id": "mail-web"}
            seen.extend([answer["active"], world.client.post(f"{base}/token", data=form).status_code])

    run(Scenario("revoked", "revokes", (visit,)), tmp_path / "lab", lambda _: None)
    assert seen == [False, 400, True, 200]


def test_the_truth_is_written_apart(tmp_path: Path) -> None:
    """One row per token of which evidence tells; none of them, and no log, holds a token."""
    done = rehearsed(tmp_path, "right-realm")
    rows = read_truth(done.ran.truth)
    assert {row.label for row in rows} == {"genuine", "forged"}
    for file in [done.ran.truth, *done.ran.logs.iterdir()]:
        assert "eyJ" not in file.read_text(), file
