"""Block lists as security events, through processes: `block --push`, `receive`, `transmit`, up to a refused token."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli.run import Ran, run, start
from counterfoil.custody.algorithm import Algorithm
from counterfoil.custody.custody import Custody
from counterfoil.custody.keys import KeyState
from counterfoil.errors import InputError, UsageError
from counterfoil.respond import events
from counterfoil.respond.desk_events import list_event
from counterfoil.respond.signing import signed
from counterfoil.respond.transmit import Outbox, push

from .stores import ISSUER, Stores, stores

AUDIENCE = "https://mail.example"
POLICY = """schema = "counterfoil.token-policy/1"
[[keys]]
file = "keys/jwks.json"
classes = ["access"]
issuers = ["{issuer}"]
[[keys]]
file = "events.json"
classes = ["event"]
issuers = ["{issuer}"]
[[flow]]
name = "mail"
class = "access"
issuers = ["{issuer}"]
audiences = ["api://mail"]
[[flow]]
name = "events"
class = "event"
issuers = ["{issuer}"]
audiences = ["https://mail.example"]
[blocklist]
file = "signers.json"
pinned = ["{pinned}"]
issuers = ["{issuer}"]
"""


@dataclass(frozen=True)
class Party:
    """A relying party: its policy, the list that its receiver keeps, and what runs the program."""

    held: Stores
    folder: Path
    command: Callable[..., Ran]

    @property
    def listed(self) -> Path:
        """The file that the receiver keeps."""
        return self.folder / "kept.jwt"

    def block(self, *more: object) -> Ran:
        """Write the next block list, and send it."""
        signing = ("--issuer", ISSUER, "--sign-store", self.held.signing, "--sign-key", "blocks")
        return self.command("respond", "block", *more, "--list", self.folder / "blocks", *signing)

    def says(self) -> str:
        """Return what becomes of a token of the key that signed first."""
        policy = ("--policy", self.folder / "policy.toml", "--flow", "mail", "--block-list", self.listed)
        return self.command("token", "verify", self.folder / "token", *policy).out.split("\n")[0]

    def receiving(self, *more: object) -> tuple[object, ...]:
        """Return the command of its receiver."""
        policy = ("--policy", self.folder / "policy.toml", "--flow", "events", "--list", self.listed)
        return ("respond", "receive", *policy, *more)


@pytest.fixture
def party(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Party:
    """Return a party that trusts the issuer's keys, the one for events, and the pinned one for block lists."""
    held = stores(tmp_path)
    with Custody.open(held.signing) as custody:
        custody.create("events", Algorithm.ES256)
        jwks = {key.name: key.jwk() for key in custody.keys(purpose="test")}
    (tmp_path / "events.json").write_text(json.dumps({"keys": [jwks["events"]]}))
    (tmp_path / "signers.json").write_text(json.dumps({"keys": [jwks["blocks"]]}))
    (tmp_path / "policy.toml").write_text(POLICY.format(issuer=ISSUER, pinned=jwks["blocks"]["kid"]))
    now = int(time.time())
    claims = {"iss": ISSUER, "sub": "alice", "aud": "api://mail", "client_id": "web", "iat": now, "exp": now + 600,
              "jti": "t-1"}
    with Custody.open(held.keys) as custody:
        (tmp_path / "token").write_text(signed(custody, "idp", "at+jwt", claims, "test"))
        (tmp_path / "before.json").write_text((tmp_path / "keys" / "jwks.json").read_text())
    return Party(held, tmp_path, lambda *arguments: run(capsys, *arguments))


@contextmanager
def running(*command: object) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Start a process that answers over HTTP; yield its address. It ends with 0 when it is told to."""
    process = start(*command)
    try:
        assert process.stderr is not None
        line = process.stderr.readline().decode()
        found = re.search("answers at (http://[^ ]+)\n", line)
        assert found, line + process.stderr.read().decode()
        yield found[1], process
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
    finally:
        process.kill()
        process.communicate()


def event(party: Party, listed: str) -> str:
    """Return an event that carries this list."""
    with Custody.open(party.held.signing) as custody:
        return list_event(custody, "events", ISSUER, AUDIENCE, listed, datetime.now(UTC))


def stranger(party: Party, claims: dict[str, object]) -> str:
    """Return a block list by a key that nobody pinned."""
    with Custody.open(party.held.plain) as custody:
        return signed(custody, "idp", "key-blocks+jwt", claims, "test")


def test_a_pushed_block_list_refuses_the_key_at_the_receiver(party: Party) -> None:
    """Renewed, the token passes; blocked, it is refused; an older list and a stranger's change nothing."""
    kid = party.held.version(KeyState.CURRENT).kid
    sent = ("--audience", AUDIENCE, "--push")
    with running(*party.receiving("--listen", "127.0.0.1:0")) as (url, process):
        ran = party.block(*sent, url)
        assert (ran.code, "has taken 1" in ran.err) == (0, True), ran.err
        assert party.says() == "ACCEPTED"
        older = party.listed.read_text()
        ran = party.block(party.held.keys, "--kid", kid, "--reason", "found in a dump", *sent, url)
        assert ran.code == 0, ran.err
        (party.folder / "keys" / "jwks.json").write_text((party.folder / "before.json").read_text())  # a stale cache
        assert party.says() == "REFUSED  key-not-active (rule V2, state)"
        newer = party.listed.read_bytes()
        now = int(time.time())
        unknown = stranger(party, {"iss": ISSUER, "iat": now, "exp": now + 60, "seq": 2**40, "blocked": []})
        for listed, told in ((older, "number"), (unknown, "signed")):
            with pytest.raises(InputError, match=f"400, 'invalid_request': .*not-valid .B1, {told}"):
                push(url, event(party, listed), allow_local=True)
        verification = ("respond", "verification", party.held.signing, "events", "--issuer", ISSUER)
        assert party.command(*verification, "--stream", "s", "--state", "s-7", *sent, url).code == 0
        assert party.listed.read_bytes() == newer
    assert process.returncode == 0


def test_a_polled_block_list_refuses_the_key_at_the_receiver(party: Party) -> None:
    """Kept in an outbox, handed out to who has the secret, taken once, gone from the outbox."""
    secret = party.folder / "secret"
    secret.touch(0o600)
    secret.write_text("Bearer of-mail\n")
    kid, box = party.held.version(KeyState.CURRENT).kid, party.folder / "outbox"
    ran = party.block(party.held.keys, "--kid", kid, "--reason", "out", "--audience", AUDIENCE, "--outbox", box)
    assert (ran.code, "1 waits" in ran.err) == (0, True), ran.err
    (party.folder / "keys" / "jwks.json").write_text((party.folder / "before.json").read_text())
    transmit = ("respond", "transmit", box, "--authorization", f"file:{secret}", "--listen", "127.0.0.1:0")
    with running(*transmit) as (url, _):
        refused = party.command(*party.receiving("--poll", url, "--once"))
        assert (refused.code, "HTTP 401" in refused.err) == (2, True), refused.err
        ran = party.command(*party.receiving("--poll", url, "--once", "--authorization", f"file:{secret}"))
        assert (ran.code, ": 1 key, until " in ran.err) == (0, True), ran.err
    assert party.says() == "REFUSED  key-not-active (rule V2, state)"
    assert Outbox(box).waiting() == {}


BAD = {
    "a receiver that hears nothing": ((), "nothing to receive from"),
    "one that would answer to everybody": (("--listen", "0.0.0.0:80"), "on loopback"),
    "one that polls over plain http": (("--poll", "http://mail.example/", "--once"), "http is for loopback only"),
    "a transmitter that does not answer": (("--poll", "http://127.0.0.1:9/", "--once"), "Connection refused"),
}


@pytest.mark.parametrize("sentence", BAD)
def test_a_receiver_that_cannot_be_is_one_clear_line(party: Party, sentence: str) -> None:
    """Exit code 2, and no list is kept."""
    words, told = BAD[sentence]
    ran = party.command(*party.receiving(*words))
    assert (ran.code, told in ran.err) == (2, True), ran.err
    assert not party.listed.exists()


def test_a_list_is_sent_to_somebody_or_not_at_all(party: Party) -> None:
    """Half of what an event needs is refused before anything is signed; so is a list that is too long for one."""
    ran = party.block("--push", "http://127.0.0.1:9/")
    assert (ran.code, "needs an --audience" in ran.err) == (2, True)
    assert not (party.folder / "blocks").exists()
    with pytest.raises(UsageError, match="longer than an event"):
        events.block_list(ISSUER, AUDIENCE, "x" * (events.MAX_PUSHED_LIST + 1), 1)
