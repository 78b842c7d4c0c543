"""Security events: written as RFC 8417 says, pushed by RFC 8935, polled for by RFC 8936, over real sockets."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from joserfc import jwt
from joserfc.jwk import ECKey

from counterfoil.custody import founding
from counterfoil.custody.algorithm import Algorithm
from counterfoil.custody.custody import Custody
from counterfoil.errors import InputError, LogError, VerifyError
from counterfoil.mint.signing import current_version
from counterfoil.relying.blocklist import BlockLists
from counterfoil.relying.cached import Ages
from counterfoil.relying.fetching import FetchedPolicy, FetchingVerifier
from counterfoil.respond import events
from counterfoil.respond.endpoints import PollEndpoint, PushEndpoint
from counterfoil.respond.events import KeyCompromised
from counterfoil.respond.receive import Receiver, poll
from counterfoil.respond.signing import signed
from counterfoil.respond.transmit import Outbox, push, read_poll
from counterfoil.tokens.policy import TokenPolicy
from counterfoil.tokens.revoked import TokenName
from counterfoil.tokens.verifier import Verifier
from relying.serving import Server
from relying.serving import serving as list_serving
from tokens import blocking, making

ISSUER, AUDIENCE = "https://idp.example", "https://mail.example"
NOW = 1_772_000_000
TOLD = KeyCompromised(ISSUER, "old-1", "kP2ox0dPp3uuT6IhJARw5E8I9ZWku4tl9NRrgQ8W-LY", NOW - 60, "found in a dump", 4)
POLICY = f"""schema = "counterfoil.token-policy/1"
[[keys]]
file = "keys"
classes = ["event"]
issuers = ["{ISSUER}"]
[[flow]]
name = "events"
class = "event"
issuers = ["{ISSUER}"]
audiences = ["{AUDIENCE}"]
"""


@pytest.fixture(scope="module")
def custody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Custody]:
    """Return a key store with the key that signs events."""
    path = tmp_path_factory.mktemp("events") / "custody"
    founding.found(path, "file", "custody.test/events", {})
    with (path / "custody.toml").open("a") as file:
        file.write("scrypt_log2_n = 14\n")
    with Custody.open(path) as made:
        made.create("events", Algorithm.ES256)
        yield made


def receiver(custody: Custody, **more: Any) -> tuple[Receiver, list[KeyCompromised]]:
    """Return a receiver, and what it was told."""
    heard: list[KeyCompromised] = []
    keys = json.dumps({"keys": [current_version(custody, "events", "test").jwk()]}).encode()
    verifier = Verifier(TokenPolicy.from_toml(POLICY, {"keys": keys}))
    return Receiver(verifier, more.pop("act", heard.append), lambda: NOW + 1.0, **more), heard


def compromised(custody: Custody, audience: str = AUDIENCE) -> str:
    """Return the event that a key is compromised, signed."""
    return signed(custody, "events", events.TYP, events.key_compromised(ISSUER, audience, TOLD, NOW), "test")


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """Serve an ASGI application on loopback; yield its address."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.should_exit = True
        thread.join()


def test_another_library_verifies_the_event(custody: Custody) -> None:
    """Header and claims, by joserfc; there is no exp and no sub (SSF 1.0), the subject is the key (RFC 9278)."""
    key = ECKey.import_key(dict(current_version(custody, "events", "test").jwk()))
    found = jwt.decode(compromised(custody), key, algorithms=["ES256"])
    assert found.header["typ"] == "secevent+jwt"
    assert set(found.claims) == {"iss", "jti", "iat", "aud", "sub_id", "events"}
    assert found.claims["sub_id"] == {"format": "uri", "uri": events.THUMBPRINT + TOLD.thumbprint}
    assert found.claims["events"][events.KEY_COMPROMISED]["reason_admin"] == "found in a dump"


def test_the_events_of_shared_signals() -> None:
    """CAEP's session-revoked for a session and for a token, and the verification event with its state."""
    session = events.session_revoked(ISSUER, AUDIENCE, "s-1", NOW, "stolen")
    assert session["sub_id"] == {"format": "complex", "session": {"format": "opaque", "id": "s-1"}}
    token = events.token_revoked(ISSUER, AUDIENCE, TokenName(iss=ISSUER, jti="t-1"), NOW, "stolen")
    assert token["sub_id"] == {"format": "jwt_id", "iss": ISSUER, "jti": "t-1"}
    assert token["events"][events.SESSION_REVOKED]["event_timestamp"] == NOW
    state = events.verification(ISSUER, AUDIENCE, "stream-1", "VGhpcw", NOW)
    assert state["events"] == {events.VERIFICATION: {"state": "VGhpcw"}}


def test_a_pushed_event_is_acted_on_once(custody: Custody) -> None:
    """RFC 8935, 2: 202; the same event again is acknowledged, and nobody acts on it again."""
    taking, heard = receiver(custody)
    event = compromised(custody)
    with serving(PushEndpoint(taking)) as url:
        push(url, event)
        push(url, event)
    assert heard == [TOLD]


def test_a_refused_event_says_why(custody: Custody) -> None:
    """RFC 8935, 2.3 and 2.4: 400 with err, of another audience, under another key, and of another media type."""
    taking, heard = receiver(custody)
    event = compromised(custody)
    head, payload, signature = event.split(".")
    with serving(PushEndpoint(taking)) as url:
        with pytest.raises(InputError, match="invalid_audience"):
            push(url, compromised(custody, "https://other.example"))
        with pytest.raises(InputError, match="invalid_key"):
            push(url, f"{head}.{payload}.{signature[:-6]}AAAAAA")
        told = httpx.post(url, content=event, headers={"Content-Type": "application/jwt"}, trust_env=False)
        assert (told.status_code, told.json()["err"]) == (400, "invalid_request")
    assert heard == []


def test_an_event_that_could_not_be_acted_on_comes_again(custody: Custody) -> None:
    """A receiver that cannot write its block list does not acknowledge."""
    def fails(_: KeyCompromised) -> None:
        raise LogError("the disk is full")

    taking, _ = receiver(custody, act=fails)
    with serving(PushEndpoint(taking)) as url, pytest.raises(InputError, match="503"):
        push(url, compromised(custody))


@dataclass
class Blocking:
    """A relying party that fetches the block list when an event comes, and else once an hour."""

    custody: Custody
    list_server: Server
    state: Path

    def __post_init__(self) -> None:
        """Fetch the list as it is: it blocks nothing."""
        hourly = Ages(least=3_600.0, usual=3_600.0, most=3_600.0, stale=0.0, pause=0.0, retry=0.0)
        source = FetchedPolicy(blocking.policy_text(), {}, blocking.key_documents())
        url = self.list_server.url("/blocks")
        lists = BlockLists(source.policy().blocklist, self.state, url, ages=hourly, clock=lambda: making.NOW)
        self.verifier = FetchingVerifier(source, "mail", lists)
        self.receiver, _ = receiver(self.custody, act=lambda _: lists.refresh())

    def lets_in(self) -> bool:
        """Tell whether a token under the key is let in."""
        try:
            self.verifier.verify(making.token(), at=making.NOW)
        except VerifyError as error:
            assert (error.rule, error.check) == ("V2", "state")
            return False
        return True


@pytest.fixture
def party(custody: Custody, tmp_path: Path) -> Iterator[Blocking]:
    """Yield a party that has a list which blocks nothing, while the server's has the key by now."""
    with list_serving(blocking.blocks()) as server:
        made = Blocking(custody, server, tmp_path / "state")
        assert made.lets_in()
        server.reply = lambda: (200, {}, blocking.blocks(blocking.entry(), number=8))
        assert made.lets_in()  # it has no reason to ask
        yield made


def test_a_pushed_event_blocks_the_key_at_once(party: Blocking) -> None:
    """The receiver has the block list fetched before it acknowledges; the next token under the key is refused."""
    with serving(PushEndpoint(party.receiver)) as url:
        push(url, compromised(party.custody))
    assert not party.lets_in()


def test_a_polled_event_blocks_the_key_at_once(party: Blocking, tmp_path: Path) -> None:
    """The same for a receiver that polls."""
    Outbox(tmp_path / "outbox").put(compromised(party.custody))
    with serving(PollEndpoint(Outbox(tmp_path / "outbox"), "Bearer mail")) as url:
        assert poll(url, party.receiver, {"Authorization": "Bearer mail"}) == 1
    assert not party.lets_in()


def test_an_event_whose_block_list_cannot_be_had_comes_again(party: Blocking) -> None:
    """503, not a refusal: once the list is there, the same event blocks the key."""
    there, party.list_server.reply = party.list_server.reply, lambda: (503, {}, b"")
    event = compromised(party.custody)
    with serving(PushEndpoint(party.receiver)) as url:
        with pytest.raises(InputError, match="503"):
            push(url, event)
        assert party.lets_in()
        party.list_server.reply = there
        push(url, event)
    assert not party.lets_in()


def test_polled_events_wait_until_they_are_taken(custody: Custody, tmp_path: Path) -> None:
    """RFC 8936: what waits survives a restart, is handed out until it is acknowledged, and only to who may ask."""
    states: list[str] = []
    taking, heard = receiver(custody, verified=states.append)
    box = Outbox(tmp_path / "outbox")
    box.put(compromised(custody))
    state = events.verification(ISSUER, AUDIENCE, "stream-1", "state-7", NOW)
    box.put(signed(custody, "events", events.TYP, state, "test"))
    with serving(PollEndpoint(Outbox(tmp_path / "outbox"), "Bearer secret-of-mail")) as url:
        with pytest.raises(InputError, match="401"):
            poll(url, taking)
        assert len(box.waiting()) == 2
        assert poll(url, taking, {"Authorization": "Bearer secret-of-mail"}) == 2
    assert (heard, states, box.waiting()) == ([TOLD], ["state-7"], {})


def test_the_poll_requests_of_the_standard() -> None:
    """RFC 8936, 2.2 and 2.6: acknowledgement alone, and with an error."""
    ids = "4d3559ec67504aaba65d40b0363faad8", "3d0c3cf797584bd193bd0fb1bd4e7d30"
    only = read_poll(json.dumps({"ack": list(ids), "maxEvents": 0}).encode())
    assert (only.ack, only.max_events, only.set_errs) == (ids, 0, {})
    wrong = {"err": "authentication_failed", "description": "The SET could not be authenticated"}
    both = read_poll(json.dumps({"ack": [ids[1]], "setErrs": {ids[0]: wrong}, "returnImmediately": True}).encode())
    assert (both.ack, both.set_errs[ids[0]]["err"]) == ((ids[1],), "authentication_failed")
    assert read_poll(b"{}").ack == ()
    with pytest.raises(InputError):
        read_poll(b'{"ack": "all"}')


def test_an_outbox_answers_as_the_standard_says(custody: Custody, tmp_path: Path) -> None:
    """RFC 8936, 2.3: sets by jti, and whether there are more than were asked for."""
    box = Outbox(tmp_path)
    for _ in range(3):
        box.put(compromised(custody))
    answer = box.answer(read_poll(b'{"maxEvents": 2, "returnImmediately": true}'))
    assert (len(answer["sets"]), answer["moreAvailable"]) == (2, True)
    rest = box.answer(read_poll(json.dumps({"ack": list(answer["sets"])}).encode()))
    assert (len(rest["sets"]), rest["moreAvailable"]) == (1, False)
