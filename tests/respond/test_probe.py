"""Who still accepts a key: a canary beside its twin, at real services; neither is ever taken for the intruder."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from counterfoil import app
from counterfoil.config import HuntSettings
from counterfoil.errors import UsageError
from counterfoil.jose.algorithms import jws_form
from counterfoil.mint.ledger import FileLedger
from counterfoil.model.counterfoil import LEDGER_SCHEMA
from counterfoil.respond.probe import Canary, Pair, Party, Probed, Said, asks, judged, made, measured, probe, repeated
from counterfoil.tlog import exported
from counterfoil.tlog.stored import InFolder
from counterfoil.tokens.decoded import decoded

NOW = 1_772_000_000.0
ASKED = Canary("https://idp.example", "api://mail")


@dataclass(frozen=True)
class Key:
    """A key that signs with ES256."""

    kid: str
    private: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    alg: str = "ES256"

    def sign(self, signing_input: bytes) -> bytes:
        """Return the signature."""
        return jws_form(self.private.sign(signing_input, ec.ECDSA(SHA256())))


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Pair, Path]:
    """Return a canary with its twin, and the ledger that has both."""
    path = tmp_path_factory.mktemp("probe") / "ledger"
    with FileLedger.open(path, "ledger.test/probe") as ledger:
        return made(ASKED, Key("dead"), Key("current"), ledger, NOW), path


def test_the_twin_differs_in_key_and_id_alone(pair: tuple[Pair, Path]) -> None:
    """So that a refusal of the one and not of the other says something about the key."""
    canary, twin = (decoded(text) for text in (pair[0].canary, pair[0].twin))
    assert {name for name in canary.claims if canary.claims[name] != twin.claims[name]} == {"jti"}
    assert {name for name in canary.header if canary.header[name] != twin.header[name]} == {"kid"}
    assert canary.claims["exp"] - canary.claims["iat"] == 60
    assert not {"scope", "scp", "roles"} & canary.claims.keys()


@pytest.mark.parametrize("claims", [{"scope": "mail.read"}, {"sub": "alice"}, {"roles": ["admin"]}])
def test_a_canary_grants_nothing(claims: dict[str, object]) -> None:
    """Whoever asks for one with rights, or somebody's name, is refused."""
    with pytest.raises(UsageError, match="no claim"):
        Canary("https://idp.example", "api://mail", claims=claims)


JUDGED = {
    "let in both": ((200, 200), Said.ACCEPTS), "refuses the canary": ((200, 401), Said.BLOCKED),
    "refuses the canary as gateways do": ((200, 403), Said.BLOCKED),
    "refuses both": ((401, 401), Said.UNKNOWN), "refuses both a right": ((403, 403), Said.UNKNOWN),
    "refuses the twin a right, and the canary": ((403, 401), Said.BLOCKED),
    "has no such page": ((404, 401), Said.BLOCKED), "is broken": ((500, 500), Said.UNKNOWN),
    "is broken for the canary": ((200, 503), Said.UNKNOWN), "lets in the canary alone": ((401, 200), Said.ACCEPTS),
    "sends the canary to sign in": ((200, 302), Said.BLOCKED), "calls the canary malformed": ((200, 400), Said.BLOCKED),
    "sends both to sign in": ((302, 302), Said.UNKNOWN), "has had enough of us": ((200, 429), Said.UNKNOWN),
    "shows the canary nothing": ((200, 404), Said.UNKNOWN), "has no such page for either": ((404, 404), Said.ACCEPTS),
}


@pytest.mark.parametrize("sentence", JUDGED)
def test_blocked_is_said_only_where_the_twin_is_let_in(sentence: str) -> None:
    """A service that refuses everything has refused something else than the key."""
    statuses, expected = JUDGED[sentence]
    assert judged(*statuses)[0] is expected


@contextmanager
def service(refused: set[str]) -> Iterator[str]:
    """Run a service that refuses tokens under these kids; yield its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kid = decoded(self.headers["Authorization"].split()[1]).header["kid"]
            self.send_response(401 if kid in refused else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_services_are_asked(pair: tuple[Pair, Path]) -> None:
    """One that blocks, one that accepts, one that refuses everybody, one that does not answer."""
    tokens = pair[0]
    with service({"dead"}) as blocks, service(set()) as accepts, service({"dead", "current"}) as closed:
        urls = {"blocks": blocks, "accepts": accepts, "closed": closed}
        said = {name: probe(Party(name, url), tokens, asks, lambda: NOW).said for name, url in urls.items()}
    gone = probe(Party("gone", blocks), tokens, asks, lambda: NOW)
    assert said == {"blocks": Said.BLOCKED, "accepts": Said.ACCEPTS, "closed": Said.UNKNOWN}
    assert (gone.said, "no answer" in gone.why) == (Said.UNKNOWN, True)


def test_probes_go_on_until_all_refuse_and_not_longer_than_the_canary_lives(pair: tuple[Pair, Path]) -> None:
    """A service that learns of the block is asked until it refuses; one that never does, to the end."""
    now, kept, refused = [NOW], list[Said](), set[str]()

    def keep(found: list[Probed]) -> None:
        kept.extend(each.said for each in found)
        refused.update(["dead"] * (len(kept) == 2))

    def sleep(seconds: float) -> None:
        now[0] += seconds

    with service(refused) as url, service(set()) as deaf:
        repeated([Party("mail", url)], pair[0], keep, 600.0, clock=lambda: now[0], sleep=sleep)
        assert kept == [Said.ACCEPTS, Said.ACCEPTS, Said.BLOCKED]
        repeated([Party("deaf", deaf)], pair[0], lambda _: None, 600.0, clock=lambda: now[0], sleep=sleep)
    assert NOW + 50 < now[0] < NOW + 60


def test_time_to_block_counts_from_the_last_acceptance() -> None:
    """Replicas answer differently: one refusal between two acceptances is no block."""
    rows = [(10, Said.ACCEPTS), (20, Said.BLOCKED), (30, Said.ACCEPTS), (45, Said.BLOCKED), (50, Said.BLOCKED)]
    probes = [Probed("mail", NOW + after, said, "") for after, said in rows]
    (told,) = measured(probes, NOW)
    assert (told.said, told.seconds, told.stale) == (Said.BLOCKED, 45.0, 30.0)
    (silent,) = measured([*probes, Probed("mail", NOW + 60, Said.UNKNOWN, "no answer")], NOW)
    assert (silent.said, silent.seconds) == (Said.UNKNOWN, None)
    assert measured(probes, NOW + 100) == ()


def test_no_canary_is_taken_for_the_intruder(pair: tuple[Pair, Path], tmp_path: Path) -> None:
    """A hunt over ledger and receipts clears what was let in; respond verify does not count it under the key."""
    from counterfoil.respond import desk

    tokens, ledger = pair
    with (tmp_path / "ledger.jsonl").open("wb") as file:
        exported.write(InFolder(ledger), LEDGER_SCHEMA, file.write, datetime.fromtimestamp(NOW + 60, UTC))
    lines = [receipt(text, place) for place, text in enumerate((tokens.canary, tokens.twin), 1)]
    (tmp_path / "receipts.jsonl").write_text("".join(lines))
    case = tmp_path / "case"
    report = app.hunt([str(tmp_path / "*.jsonl")], HuntSettings(case), app.Silent())
    assert [row.verdict for row in report.verdicts] == ["minted"]
    since = datetime.fromtimestamp(NOW - 60, UTC)
    told = desk.verify(case, since, datetime.fromtimestamp(NOW + 60, UTC), since, keys=("dead",))
    assert "accepted-under-key" not in {reason["code"] for reason in told["reasons"]}


def receipt(text: str, seq: int) -> str:
    """Return the receipt of a service that let a token in."""
    seen = decoded(text)
    return json.dumps({
        "schema": "counterfoil.receipt/1", "time": f"{datetime.fromtimestamp(NOW + seq, UTC):%Y-%m-%dT%H:%M:%SZ}",
        "rp": "mail", "outcome": "accepted", "signature": "verified", "kid": seen.header["kid"],
        "iss": seen.claims["iss"], "jti": seen.claims["jti"], "digest": seen.digest.hex(), "emitter": "m", "seq": seq,
        "iat": f"{datetime.fromtimestamp(NOW, UTC):%Y-%m-%dT%H:%M:%SZ}", "aud": ["api://mail"],
    }) + "\n"
