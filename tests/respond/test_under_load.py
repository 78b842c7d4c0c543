"""Rotations under load, over HTTP: no good token refused, no bad one accepted."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from counterfoil.custody.custody import Custody
from counterfoil.custody.settings import LifeSettings, read_settings
from counterfoil.errors import CounterfoilError, KeyUnusableError
from counterfoil.jose import base64url
from counterfoil.jose.algorithms import jws_form
from counterfoil.relying.cached import Ages
from counterfoil.relying.fetching import FetchedPolicy, FetchingVerifier
from counterfoil.respond.preflight import Flight
from counterfoil.respond.published import headers
from counterfoil.respond.rotate import Act, step
from counterfoil.respond.signing import signed

from .stores import ISSUER, made

# Seconds; tokens live five at most, since their times are whole ones and a busy machine stalls.
CACHE, PREPUBLISH, DRAIN = 0.4, 0.8, 5.2
FAST = f"cache_seconds = {CACHE}\nprepublish_seconds = {PREPUBLISH}\ndrain_seconds = {DRAIN}\n"
POLICY = f"""
schema = "counterfoil.token-policy/1"
[[keys]]
file = "jwks"
issuers = ["{ISSUER}"]
classes = ["access"]
algorithms = ["ES256"]
[[flow]]
name = "mail"
class = "access"
issuers = ["{ISSUER}"]
audiences = ["api://mail"]
leeway = "0s"
"""
# What the parties keep keys for, as they may: a third of it, two thirds, all.
KEEPS = (CACHE / 3, 2 * CACHE / 3, CACHE)
PER_SECOND, WORKERS = 300.0, 6
# For how long a client shows one token before it asks for another: custody writes down each signature, durably.
FRESH_SECONDS = 0.1


@dataclass
class Load:
    """What clients saw."""

    good: int = 0
    bad: int = 0
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def saw(self, kind: str, status: int, kid: str) -> None:
        """Count an answer."""
        with self.lock:
            setattr(self, kind, getattr(self, kind) + 1)
            if (status == 200) is not (kind == "good"):
                self.wrong.append(f"{kind} token of {kid} at {time.time():.2f}: {status}")


def server(stack: ExitStack, answer: Callable[[str], tuple[int, dict[str, str], bytes]]) -> str:
    """Start a server that answers to what stands in Authorization, and return its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, told, body = answer(self.headers.get("Authorization", "").removeprefix("Bearer "))
            self.send_response(status)
            for name, value in {**told, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    made_server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made_server.daemon_threads = True
    threading.Thread(target=made_server.serve_forever, daemon=True).start()
    stack.callback(made_server.server_close)
    stack.callback(made_server.shutdown)
    return f"http://127.0.0.1:{made_server.server_address[1]}/"


def party(stack: ExitStack, jwks: str, keeps: float) -> str:
    """Start a relying party: a verifier whose cache is its only way to learn of a key."""
    # a little longer while a fetch is under way, so that no thread finds nothing between its end and the next
    ages = Ages(least=keeps, usual=keeps, most=keeps, stale=keeps + 0.2, pause=60.0, retry=0.05)
    verifier = FetchingVerifier(FetchedPolicy(POLICY, {"jwks": jwks}, ages=ages, allow_local=True), "mail")

    def answer(token: str) -> tuple[int, dict[str, str], bytes]:
        try:
            verifier.verify(token, at=time.time())
        except CounterfoilError as error:
            return 401, {}, str(error).encode()
        return 200, {}, b""

    return server(stack, answer)


def claims(**changes: Any) -> dict[str, Any]:
    """Return the claims of a token of now."""
    at = time.time()
    return {"iss": ISSUER, "aud": "api://mail", "sub": "alice", "client_id": "phone", "jti": f"{at}", "iat": int(at),
            "exp": int(at) + 5, **changes}


def issued(custody: Custody, **changes: Any) -> str:
    """Return a token; if its key was rotated in that moment, one of the next key, as the mint does."""
    try:
        return signed(custody, "idp", "at+jwt", claims(**changes), "load")
    except KeyUnusableError:
        return signed(custody, "idp", "at+jwt", claims(**changes), "load")


def clients(stack: ExitStack, custody: Custody, addresses: list[str], load: Load, stop: threading.Event) -> None:
    """Present good tokens at the rate that is asked for, to one party after the other, and one bad among ten."""
    stranger = ec.generate_private_key(ec.SECP256R1())

    def work(number: int) -> None:
        hosts = [HTTPConnection(address.split("/")[2], timeout=10) for address in addresses]
        due, count, good, until = time.monotonic(), number, "", 0.0
        while not stop.is_set():
            count += 1
            if time.monotonic() >= until:
                good, until = issued(custody), time.monotonic() + FRESH_SECONDS
            kind, token = ("good", good) if count % 10 else ("bad", forged(good, stranger))
            connection = hosts[count % len(hosts)]
            connection.request("GET", "/", headers={"Authorization": f"Bearer {token}"})
            answer = connection.getresponse()
            load.saw(kind, answer.status, answer.read().decode())
            due += WORKERS / PER_SECOND
            time.sleep(max(0.0, due - time.monotonic()))

    for number in range(WORKERS):
        thread = threading.Thread(target=work, args=(number,), daemon=True)
        thread.start()
        stack.callback(thread.join)


def forged(good: str, key: ec.EllipticCurvePrivateKey) -> str:
    """Return a token with the header of a good one, by a key of nobody."""
    given = good.rpartition(".")[0]
    return f"{given}.{base64url.encode(jws_form(key.sign(given.encode(), ec.ECDSA(hashes.SHA256()))))}"


def rotate(custody: Custody, life: LifeSettings, flight: Flight) -> str:
    """Take one rotation to its end, as `respond rotate` does when it is run again and again; return the retired kid."""
    retired, until = "", time.monotonic() + 60
    while not retired:
        assert time.monotonic() < until
        upcoming = step(custody.keys(), "idp", life, flight, datetime.now(UTC))
        if upcoming.act is Act.PREPARE:
            custody.prepare("idp")
        elif upcoming.act is Act.PROMOTE:
            custody.rotate("idp")
        elif upcoming.act is Act.RETIRE:
            custody.retire("idp", upcoming.kid)
            retired = upcoming.kid
        else:
            time.sleep(0.05)
    return retired


def under_load(folder: Path, rotations: int) -> Load:
    """Rotate so often under load; a token of each key that was retired is shown when no cache may hold it any more."""
    made(folder, FAST)
    life = read_settings(folder).life
    assert life is not None
    load, stop, jwks = Load(), threading.Event(), folder / "jwks.json"
    began = time.monotonic()
    with Custody.open(folder) as custody, ExitStack() as stack:
        issuer = server(stack, lambda _: (200, headers(life), jwks.read_bytes()))
        addresses = [party(stack, issuer, keeps) for keeps in KEEPS]
        clients(stack, custody, addresses, load, stop)
        stack.callback(stop.set)
        for _ in range(rotations):
            # signed while its key signs, and made to live: what somebody who has it would show
            kept = issued(custody, exp=int(time.time()) + 600)
            rotate(custody, life, Flight())
            time.sleep(CACHE + 0.3)
            for address in addresses:
                connection = HTTPConnection(address.split("/")[2], timeout=10)
                connection.request("GET", "/", headers={"Authorization": f"Bearer {kept}"})
                answer = connection.getresponse()
                load.saw("bad", answer.status, answer.read().decode())
                connection.close()
    load.seconds = time.monotonic() - began
    return load


def test_a_rotation_under_load_refuses_no_good_token_and_accepts_no_bad_one(tmp_path: Path) -> None:
    """One rotation, three relying parties that learn of keys by their caches alone."""
    load = under_load(tmp_path / "custody", 1)
    assert load.wrong == []
    assert load.good > 200, "clients died"
    assert load.bad > 20


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_ten_rotations_under_load(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same ten times over; what was measured is printed."""
    load = under_load(tmp_path / "custody", 10)
    rate = (load.good + load.bad) / load.seconds
    with capsys.disabled():
        sys.stdout.write(
            f"\nten rotations in {load.seconds:.0f} s, {len(KEEPS)} relying parties, {rate:.0f} requests/s:"
            f" {load.good:,} good tokens and {load.bad:,} bad ones, {len(load.wrong)} answered wrongly\n"
        )
    assert load.wrong == []
    assert load.good > 2_000
