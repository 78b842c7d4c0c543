"""`respond canary`, `status-list`, `session-revoked` as people type them, up to the service that goes by them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.run import Ran, run
from counterfoil.custody.custody import Custody
from counterfoil.custody.keys import KeyState
from counterfoil.mint.ledger import FileLedger, decode
from counterfoil.mint.signing import current_version
from counterfoil.model.counterfoil import CANARY
from counterfoil.respond import events
from counterfoil.respond.endpoints import PushEndpoint
from counterfoil.respond.probe import Pair, Party, Said, asks, probe
from counterfoil.respond.receive import Receiver
from counterfoil.respond.signing import signed
from counterfoil.respond.transmit import Outbox
from counterfoil.tlog.stored import InFolder
from counterfoil.tokens.decoded import decoded
from counterfoil.tokens.policy import TokenPolicy
from counterfoil.tokens.revoked import TokenName, written
from counterfoil.tokens.verifier import Verifier

from .stores import ISSUER, Stores, stores
from .test_events import AUDIENCE, serving
from .test_events import POLICY as EVENT_POLICY
from .test_probe import service

URI = f"{ISSUER}/statuslists/1"
Run = Callable[..., Ran]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Run:
    """Return what runs the program."""
    return lambda *arguments: run(capsys, *arguments)


@pytest.fixture
def held(tmp_path: Path) -> Stores:
    """Return the custody folders, beside a ledger."""
    FileLedger.open(tmp_path / "ledger", "ledger.test/canaries").close()
    return stores(tmp_path)


def canary(command: Run, held: Stores, out: Path, *more: object) -> Ran:
    """Make a canary, or its twin, in a file."""
    return command("respond", "canary", held.keys, "idp", "--ledger", out.parent / "ledger", "--output", out, *more)


def first(command: Run, held: Stores, folder: Path) -> Path:
    """Make the canary."""
    ran = canary(command, held, folder / "canary", "--issuer", ISSUER, "--audience", "api://mail")
    assert ran.code == 0, ran.err
    return folder / "canary"


def test_a_canary_before_the_block_and_its_twin_after_it(command: Run, held: Stores, tmp_path: Path) -> None:
    """They differ in key and id alone, are canaries in the ledger, and tell who blocks the key."""
    dead = held.version(KeyState.CURRENT).kid
    made = first(command, held, tmp_path)
    with Custody.open(held.keys) as custody:
        custody.block("idp", dead, "found in a dump")
        custody.rotate("idp")
    ran = canary(command, held, tmp_path / "twin", "--twin-of", made)
    assert ran.code == 0, ran.err
    pair = Pair(made.read_text().strip(), (tmp_path / "twin").read_text().strip())
    ours, twins = decoded(pair.canary), decoded(pair.twin)
    assert {name for name in ours.claims if ours.claims[name] != twins.claims[name]} == {"jti"}
    assert (ours.header["kid"], twins.header["kid"]) == (dead, held.version(KeyState.CURRENT).kid)
    assert not {"scope", "scp", "roles"} & ours.claims.keys()
    stubs = []
    InFolder(tmp_path / "ledger").verified(lambda index, raw: stubs.append(decode(raw, index)))
    assert [(each.digest, each.policy) for each in stubs] == [
        (ours.digest.hex(), CANARY), (twins.digest.hex(), CANARY)
    ]
    with service({dead}) as blocks, service(set()) as accepts:
        said = [probe(Party("mail", url), pair, asks, time.time).said for url in (blocks, accepts)]
    assert said == [Said.BLOCKED, Said.ACCEPTS]


def test_a_canary_has_what_the_service_wants_besides(command: Run, held: Stores, tmp_path: Path) -> None:
    """Claims as JSON or text, the same in the twin; one that grants something, or names nobody, is refused."""
    asked = ("--issuer", ISSUER, "--audience", "api://mail", "--claim")
    ran = canary(command, held, tmp_path / "canary", *asked, "tid=t-1", "--claim", 'ver="2.0"', "--claim", "n=[1]")
    assert ran.code == 0, ran.err
    with Custody.open(held.keys) as custody:
        custody.rotate("idp")
    ran = canary(command, held, tmp_path / "twin", "--twin-of", tmp_path / "canary")
    assert ran.code == 0, ran.err
    for name in ("canary", "twin"):
        claims = decoded((tmp_path / name).read_text().strip()).claims
        assert {each: claims[each] for each in ("tid", "ver", "n")} == {"tid": "t-1", "ver": "2.0", "n": (1,)}
    for bad, told in (("scp=mail.read", "no claim 'scp'"), ("tid", "expected NAME=VALUE")):
        ran = canary(command, held, tmp_path / "other", *asked, bad)
        assert (ran.code, told in ran.err) == (2, True), ran.err
    assert not (tmp_path / "other").exists()


def test_what_is_no_pair_is_refused(command: Run, held: Stores, tmp_path: Path) -> None:
    """A twin under the same key, of somebody's token, of a canary that has ended; one clear line, nothing written."""
    made = first(command, held, tmp_path)
    told = [canary(command, held, tmp_path / "twin", "--twin-of", made)]
    claims = {**decoded(made.read_text().strip()).claims, "sub": "alice"}
    ended = {**claims, "sub": "counterfoil-canary", "iat": 1_772_000_000, "exp": 1_772_000_060}
    with Custody.open(held.plain) as custody:
        for wrong in (claims, ended):
            made.write_text(signed(custody, "idp", "at+jwt", wrong, "test"))
            told.append(canary(command, held, tmp_path / "twin", "--twin-of", made))
    told.append(canary(command, held, tmp_path / "twin"))
    expected = ("would have one key", "that is no canary", "the canary has ended", "needs --issuer and --audience")
    for ran, words in zip(told, expected, strict=True):
        assert (ran.code, words in ran.err) == (2, True), ran.err
    assert not (tmp_path / "twin").exists()


POLICY = f"""schema = "counterfoil.token-policy/1"
[[keys]]
file = "keys/jwks.json"
classes = ["access", "status-list"]
issuers = ["{ISSUER}"]
[[flow]]
name = "mail"
class = "access"
issuers = ["{ISSUER}"]
audiences = ["api://mail"]
status = "list"
status_flow = "lists"
[[flow]]
name = "lists"
class = "status-list"
issuers = ["{ISSUER}"]
max_lifetime = "1d"
"""


def test_a_revoked_token_is_refused_by_the_status_list(command: Run, held: Stores, tmp_path: Path) -> None:
    """By id and by digest, at the places that the issuer gave; the others pass; what has no place is told."""
    (tmp_path / "policy.toml").write_text(POLICY)
    now, digests = int(time.time()), []
    with Custody.open(held.keys) as custody:
        for place in (3, 4, 9):
            claims = {
                "iss": ISSUER, "sub": "alice", "aud": "api://mail", "client_id": "web", "iat": now, "exp": now + 600,
                "jti": f"t-{place}", "status": {"status_list": {"idx": place, "uri": URI}},
            }
            text = signed(custody, "idp", "at+jwt", claims, "test")
            digests.append(decoded(text).digest.hex())
            (tmp_path / f"t-{place}").write_text(text)
    (tmp_path / "places").write_text(json.dumps({"t-3": 3, "t-4": 4, digests[2]: 9}))
    other = TokenName(iss="https://other.example", jti="t-4")  # another issuer's token of the same id
    names = [TokenName(iss=ISSUER, jti="t-3"), TokenName(digest=digests[2]), other, TokenName(iss=ISSUER, jti="t-5")]
    (tmp_path / "revoked").write_bytes(written(names))
    ran = command(
        "respond", "status-list", tmp_path / "revoked", "--places", tmp_path / "places", "--size", 16, "--uri", URI,
        "--issuer", ISSUER, "--store", held.keys, "--sign-key", "idp", "--output", tmp_path / "list",
    )
    assert (ran.code, "2 of 16 places are invalid; 2 revoked have no place" in ran.err) == (0, True), ran.err
    codes = {}
    for place in (3, 4, 9):
        ran = command(
            "token", "verify", tmp_path / f"t-{place}", "--policy", tmp_path / "policy.toml", "--flow", "mail",
            "--status-list", tmp_path / "list",
        )
        codes[place] = ran.out.split()[0]
    assert codes == {3: "REFUSED", 4: "ACCEPTED", 9: "REFUSED"}


def test_sessions_and_tokens_are_told_of(command: Run, held: Stores, tmp_path: Path) -> None:
    """CAEP's session-revoked, pushed to a receiver that verifies it, and kept for one that polls."""
    with Custody.open(held.signing) as custody:
        keys = json.dumps({"keys": [current_version(custody, "blocks", "test").jwk()]}).encode()
    policy = TokenPolicy.from_toml(EVENT_POLICY.replace("https://idp.example", ISSUER), {"keys": keys})
    (tmp_path / "revoked").write_bytes(written([TokenName(iss=ISSUER, jti="t-3"), TokenName(digest="0" * 64)]))
    sent = ("respond", "session-revoked", held.signing, "blocks", "--issuer", ISSUER, "--audience", AUDIENCE)
    with serving(PushEndpoint(Receiver(Verifier(policy), lambda _: None, time.time))) as url:
        ran = command(*sent, "--session", "s-1", "--push", url)
    assert (ran.code, "has taken 1" in ran.err) == (0, True), ran.err
    assert command(*sent, "--revoked", tmp_path / "revoked", "--outbox", tmp_path / "outbox").code == 0
    [waiting] = Outbox(tmp_path / "outbox").waiting().values()
    claims = Verifier(policy).verify(waiting, at=time.time()).claims
    assert claims["sub_id"] == {"format": "jwt_id", "iss": ISSUER, "jti": "t-3"}
    assert set(claims["events"]) == {events.SESSION_REVOKED}
    assert "no session and no token" in command(*sent).err
