"""`counterfoil respond` as people type it: rotate, block, historical keys; what is refused, with nothing done."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from joserfc import jws as oracle
from joserfc.jwk import ECKey

from cli.run import Ran, run
from counterfoil.custody.custody import Custody
from counterfoil.custody.keys import KeyState
from counterfoil.mint.ledger import FileLedger
from counterfoil.model.counterfoil import Counterfoil, Grant
from counterfoil.respond.block import signers
from counterfoil.tokens import blocklist
from counterfoil.tokens.blocklist import BlockList

from .stores import ISSUER, Stores, stores

FAST = "cache_seconds = 0.0\nprepublish_seconds = 0.0\ndrain_seconds = 0.0\n"
Run = Callable[..., Ran]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Run:
    """Return what runs a command of `respond`."""
    return lambda *arguments: run(capsys, "respond", *arguments)


def rotated(command: Run, *arguments: object) -> list[tuple[str, str]]:
    """Return key and act of the steps that a rotation took."""
    ran = command("rotate", *arguments, "--format", "json")
    assert ran.code in (0, 1), ran.err
    return [(step["key"], step["act"]) for step in json.loads(ran.out)["steps"]]


def test_a_rotation_publishes_first_and_waits(command: Run, tmp_path: Path) -> None:
    """Run again, it waits still; the key that signs is the one that did."""
    held = stores(tmp_path)
    before = held.version(KeyState.CURRENT)
    assert rotated(command, held.keys, "idp") == [("idp", "prepare"), ("idp", "wait")]
    assert rotated(command, held.keys, "idp") == [("idp", "wait")]
    assert held.version(KeyState.CURRENT).kid == before.kid
    assert held.version(KeyState.NEXT).kid in (held.keys / "jwks.json").read_text()
    assert "run this again after" in command("rotate", held.keys, "idp").out


def test_every_key_of_a_store_is_rotated_through_in_one_run_where_nothing_is_waited_for(
    command: Run, tmp_path: Path
) -> None:
    """Prepared, promoted and retired, each name by itself; nothing begins anew at the end."""
    held = stores(tmp_path, FAST, ("idp", "mail"))
    acts = ["prepare", "promote", "retire", "nothing"]
    assert rotated(command, held.keys, "--all") == [(name, act) for name in ("idp", "mail") for act in acts]
    assert len(json.loads((held.keys / "jwks.json").read_text())["keys"]) == 2


def test_a_key_that_is_not_due_is_left_alone(command: Run, tmp_path: Path) -> None:
    """For cron: nothing begins until the key is near its largest age; `multi-tenant` with a day of notice is at 13."""
    held = stores(tmp_path, FAST)
    assert rotated(command, held.keys, "idp", "--due") == [("idp", "nothing")]


def test_a_promotion_that_somebody_would_not_bear_is_refused_and_he_is_named(command: Run, tmp_path: Path) -> None:
    """Exit code 1 and the party; in an emergency the key is promoted, and the party named all the same."""
    held = stores(tmp_path, FAST)
    parties = tmp_path / "parties.toml"
    parties.write_text('[[party]]\nname = "mail"\npinned = ["old"]\n')
    ran = command("rotate", held.keys, "idp", "--parties", parties)
    assert (ran.code, "refused by mail: it pins its keys" in ran.out) == (1, True)
    before = held.version(KeyState.CURRENT).kid
    ran = command("rotate", held.keys, "idp", "--parties", parties, "--emergency", "found in a dump")
    assert "refused by mail" in ran.out
    assert held.version(KeyState.CURRENT).kid != before


def block(command: Run, held: Stores, path: Path, *more: object) -> Ran:
    """Write the block list at a path."""
    signed = ("--issuer", ISSUER, "--sign-store", held.signing, "--sign-key", "blocks")
    return command("block", *more, "--list", path, *signed)


def read(held: Stores, path: Path) -> BlockList:
    """Return the list as a verifier reads it."""
    return blocklist.read(path.read_bytes(), signers((held.signer(),), ISSUER))


def test_a_block_is_in_custody_in_the_list_and_out_of_the_key_set(command: Run, tmp_path: Path) -> None:
    """One command; then a rotation that waits for nobody, since no key signs; renewing keeps the key in the list."""
    held, path = stores(tmp_path), tmp_path / "blocks"
    kid = held.version(KeyState.CURRENT).kid
    ran = block(command, held, path, held.keys, "--kid", kid, "--reason", "found in a dump")
    assert ran.code == 0, ran.err
    assert "until" in ran.out
    first = read(held, path)
    [entry] = first.blocked
    assert (entry.thumbprint, entry.reason, first.until - first.issued) == (kid, "found in a dump", 86_400)
    assert held.version(KeyState.BLOCKED).reason == "found in a dump"
    assert kid not in (held.keys / "jwks.json").read_text()
    assert rotated(command, held.keys, "--all")[:2] == [("idp", "prepare"), ("idp", "promote")]
    assert block(command, held, path, "--lasts", "2d").code == 0
    second = read(held, path)
    assert (second.number > first.number, second.blocked) == (True, first.blocked)


def test_a_cut_off_comes_with_the_digests_that_the_ledger_proves(command: Run, tmp_path: Path) -> None:
    """What was minted under that key before; not later, and not under another."""
    held, path = stores(tmp_path), tmp_path / "blocks"
    kid = held.version(KeyState.CURRENT).kid
    old, new = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
    with FileLedger.open(tmp_path / "ledger", "ledger.example.com/idp") as ledger:
        for digest, by, moment in (("a" * 64, kid, old), ("b" * 64, kid, new), ("c" * 64, "other", old)):
            ledger.record(Counterfoil(
                time=moment, jti=digest[:4], digest=digest, kid=by, alg="ES256", typ="at+jwt", iss=ISSUER, aud=("x",),
                token_class="access",  # noqa: S106  # a class of tokens
                iat=moment, exp=new, grant=Grant.CLIENT, policy="p", subject="",
            ))
    ran = block(command, held, path, held.keys, "--kid", kid, "--reason", "out", "--cut-off", "2026-05-15", "--ledger",
                tmp_path / "ledger")
    assert ran.code == 0, ran.err
    [entry] = read(held, path).blocked
    listed = (tmp_path / "blocks.digests").read_bytes()
    assert blocklist.digests_of(listed, entry.digests) == {bytes.fromhex("a" * 64)}


BAD: dict[str, tuple[Callable[[Stores, Path], tuple[object, ...]], str]] = {
    "a store that says nothing of publication": (lambda held, _: ("rotate", held.plain, "idp"), "cannot rotate"),
    "a key that is not there": (lambda held, _: ("rotate", held.keys, "mail"), "'mail' cannot be rotated"),
    "a key and all of them": (lambda held, _: ("rotate", held.keys, "idp", "--all"), "name a key, or --all"),
    "receipts of nobody": (lambda held, at: ("rotate", held.keys, "idp", "--receipts", at), "needs --parties"),
    "a block without a reason": (lambda held, at: blocking(held, at, held.keys, "--kid", "k"), "--reason"),
    "a key that custody does not hold": (
        lambda held, at: blocking(held, at, held.keys, "--kid", "k", "--reason", "out"), "no key 'k'"),
    "a list signed by the custody that is broken into": (
        lambda held, at: blocking(held, at, held.signing, "--kid", "k", "--reason", "out"), "take another custody"),
    "a span of a year": (lambda held, at: blocking(held, at, "--lasts", "365d"), "holds 604800 seconds at most"),
    "no span": (lambda held, at: blocking(held, at, "--lasts", "soon"), "no duration"),
    "a cut-off without a ledger": (
        lambda held, at: blocking(held, at, "--cut-off", "2026-01-01"), "belong together"),
    "another file in the list's place": (lambda held, at: blocking(held, made(at)), "no block list of this key"),
    "a product without a runbook": (lambda *_: ("runbook", "keyclock"), "did you mean keycloak?"),
}


def made(path: Path) -> Path:
    """Write something else at a path."""
    path.write_text("a shopping list")
    return path


def blocking(held: Stores, path: Path, *more: object) -> tuple[object, ...]:
    """Return a command that writes the block list at a path."""
    return (
        "block", *more, "--list", path, "--issuer", ISSUER, "--sign-store", held.signing, "--sign-key", "blocks",
    )


@pytest.mark.parametrize("sentence", BAD)
def test_what_cannot_be_done_is_one_clear_line_and_nothing_half_done(
    command: Run, tmp_path: Path, sentence: str
) -> None:
    """Exit code 2; keys, key set and list as they were."""
    held, path = stores(tmp_path), tmp_path / "blocks"
    make, told = BAD[sentence]
    arguments = make(held, path)
    before = state(held, path)
    ran = command(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert told in ran.err
    assert len([line for line in ran.err.splitlines() if line.startswith("counterfoil: ")]) == 1
    assert state(held, path) == before


def state(held: Stores, path: Path) -> tuple[Any, ...]:
    """Return all that a command could have changed."""
    with Custody.open(held.keys) as custody:
        keys = custody.keys()
    return keys, (held.keys / "jwks.json").read_bytes(), path.read_bytes() if path.exists() else None


def test_the_keys_that_once_were_are_a_signed_document(command: Run, tmp_path: Path) -> None:
    """OpenID Federation 1.0, 8.7: retired ones with their end, blocked ones as compromised; none that is published."""
    held = stores(tmp_path, FAST)
    rotated(command, held.keys, "idp")
    kid = held.version(KeyState.CURRENT).kid
    block(command, held, tmp_path / "blocks", held.keys, "--kid", kid, "--reason", "out")
    ran = command("historical", held.keys, "--issuer", ISSUER, "--sign-store", held.signing, "--sign-key", "blocks")
    key = ECKey.import_key(dict[str, Any](held.signer().jwk()))
    checked = oracle.deserialize_compact(ran.out.strip(), key, algorithms=["ES256"])
    assert checked.headers()["typ"] == "jwk-set+jwt"
    told = {each["kid"]: each for each in json.loads(checked.payload)["keys"]}
    assert told[held.version(KeyState.RETIRED).kid].get("revoked") is None
    assert told[kid]["revoked"]["reason"] == "compromised"
    assert all(each["iat"] <= each["exp"] <= time.time() for each in told.values())


def test_a_rehearsal_of_a_stores_own_settings(command: Run, tmp_path: Path) -> None:
    """What a store that waits for nobody would do to those who cache; the exit code says so."""
    held = stores(tmp_path, "cache_seconds = 3600.0\nprepublish_seconds = 3600.0\ndrain_seconds = 0.0\n")
    ran = command("rehearse", held.keys, "--count", 200)
    assert (ran.code, "where a party caches as it may" in ran.out) == (1, True)


def test_a_preflight_for_any_issuer(command: Run, tmp_path: Path) -> None:
    """By thumbprint: who would refuse, or nobody."""
    parties = tmp_path / "parties.toml"
    parties.write_text('[[party]]\nname = "mail"\npinned = ["T1"]\n')
    assert command("preflight", "--parties", parties, "--thumbprint", "T2").code == 1
    assert "nobody" in command("preflight", "--parties", parties, "--thumbprint", "T1").out
