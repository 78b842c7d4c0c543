"""Keys and status that are fetched: from configured addresses, one fetch at a time."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator

import pytest

from counterfoil.errors import InputError, PolicyError, UsageError, VerifyError
from counterfoil.relying import http
from counterfoil.relying.cached import Ages, Cached
from counterfoil.relying.fetching import FetchedPolicy, FetchingVerifier
from counterfoil.relying.http import Endpoint
from counterfoil.relying.status import Introspection, StatusLists
from counterfoil.tokens.presentation import Presentation
from tokens.making import LOGIN, NOW, POLICY, TENANT, documents, jwk, token
from tokens.making import verifier as local

from .serving import Reply, Server, serving

NO_PAUSE = Ages(least=0.0, usual=3_600.0, pause=0.0)
SIMPLE = f"""
schema = "counterfoil.token-policy/1"

[[keys]]
file = "login.json"
issuers = ["{LOGIN}"]
classes = ["access"]
algorithms = ["RS256"]
%s
[[flow]]
name = "mail"
class = "access"
issuers = ["{LOGIN}"]
tenants = ["{TENANT}"]
audiences = ["api://mail"]
"""


def keys(*names: str) -> bytes:
    """Return a key set of these keys."""
    return json.dumps({"keys": [jwk(name) for name in names]}).encode()


@pytest.fixture
def server() -> Iterator[Server]:
    """Yield the issuer's key server."""
    with serving(keys("rsa")) as started:
        yield started


def verifying(server: Server, ages: Ages = NO_PAUSE, more: str = "") -> FetchingVerifier:
    """Return a verifier that fetches its keys there."""
    return FetchingVerifier(FetchedPolicy(SIMPLE % more, {"login.json": server.url()}, ages=ages))


def test_keys_are_fetched_once_and_again_for_a_new_key(server: Server) -> None:
    """A rotation is noticed by the first token under the new key."""
    verifier = verifying(server)
    for _ in range(5):
        verifier.verify(token(), at=NOW)
    assert len(server.requests) == 1
    server.reply = lambda: (200, {}, keys("rsa", "rsa-new"))
    assert verifier.verify(token("rsa-new"), at=NOW).key_id == "rsa-new"
    assert len(server.requests) == 2


def test_unknown_key_ids_ask_for_newer_keys_at_most_once_in_a_while(server: Server) -> None:
    """Whoever makes up key ids makes one fetch, not a thousand."""
    verifier = verifying(server, Ages(pause=3_600.0))
    for place in range(100):
        with pytest.raises(VerifyError, match="V2, known"):
            verifier.verify(token(f"ec-made-up-{place}"), at=NOW)
    assert len(server.requests) == 1


def test_a_key_slipped_into_the_set_gets_what_the_policy_grants_and_nothing_where_it_pins(server: Server) -> None:
    """The document is not the authority: the policy is."""
    server.reply = lambda: (200, {}, keys("rsa", "rsa-rogue"))
    assert verifying(server).verify(token("rsa-rogue"), at=NOW)
    source = FetchedPolicy(SIMPLE % "", {"login.json": server.url()})
    pinned = verifying(server, more=f'pinned = ["{source.policy().keys.keys["rsa"].jwk.thumbprint}"]')
    assert pinned.verify(token(), at=NOW)
    with pytest.raises(VerifyError, match="not one of the keys that the policy pins"):
        pinned.verify(token("rsa-rogue"), at=NOW)


BAD: list[tuple[str, Callable[[], Reply]]] = [
    ("answers 500", lambda: (500, {}, b"")),
    ("redirects elsewhere", lambda: (302, {"Location": "http://127.0.0.1:1/evil"}, b"")),
    ("answers without end", lambda: (200, {"Content-Length": str(1 << 31)}, b"x" * 1_100_000)),
    ("answers rubbish", lambda: (200, {}, b"<html>")),
    ("answers a private key", lambda: (200, {}, json.dumps({"keys": [jwk("rsa") | {"d": "AQAB"}]}).encode())),
    ("answers no keys", lambda: (200, {}, b'{"keys": "none"}')),
]


@pytest.mark.parametrize(("what", "reply"), BAD, ids=[row[0] for row in BAD])
def test_a_key_server_that_misbehaves_lets_nobody_in(
    server: Server, what: str, reply: Callable[[], Reply], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At a start there is one clear error; later the keys that were good go on."""
    monkeypatch.setattr(http, "TIMEOUT_SECONDS", 1.0)
    good = verifying(server, Ages(least=0.0, usual=0.0, pause=0.0))
    server.reply = reply
    with pytest.raises((InputError, PolicyError)):
        verifying(server)
    if what in ("answers 500", "redirects elsewhere", "answers without end"):
        assert good.verify(token(), at=NOW), "the last good keys are used for a while"
    assert not any("evil" in path for _, path, _, _ in server.requests)


def test_old_keys_are_not_used_for_ever() -> None:
    """When the server has been away for longer than `stale`, nothing is let in."""
    now = [0.0]
    fetched = [0]

    def fetch() -> tuple[str, float | None]:
        fetched[0] += 1
        if fetched[0] > 1:
            raise InputError("it is away")
        return "keys", None

    cached = Cached[str](Ages(least=1, usual=60, most=60, stale=600, pause=5), clock=lambda: now[0])
    assert cached.get("a", fetch) == "keys"
    now[0] = 599
    assert cached.get("a", fetch) == "keys"
    now[0] = 601
    with pytest.raises(InputError, match="away"):
        cached.get("a", fetch)
    before = fetched[0]
    with pytest.raises(InputError, match="away"):
        cached.get("a", fetch)
    assert fetched[0] == before, "within the pause nobody asks again"


def test_many_threads_make_one_fetch(server: Server) -> None:
    """Whoever comes while another fetches waits for him."""
    gate = threading.Event()

    def slow() -> Reply:
        gate.wait(10)
        return 200, {}, keys("rsa")

    server.reply = slow
    source = FetchedPolicy(SIMPLE % "", {"login.json": server.url()})
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(source.policy())) for _ in range(24)]
    for thread in threads:
        thread.start()
    while not server.requests:
        pass
    gate.set()
    for thread in threads:
        thread.join()
    assert len(server.requests) == 1
    assert len(set(map(id, found))) == 1
    assert len(found) == 24


def test_what_the_server_says_of_age_counts_within_bounds() -> None:
    """no-store does not make a fetch for every token, and a year is a day."""
    now = [0.0]
    ages: list[float | None] = [0.0]
    fetched = [0]

    def fetch() -> tuple[int, float | None]:
        fetched[0] += 1
        return fetched[0], ages[0]

    cached = Cached[int](Ages(least=60, usual=600, most=3_600, pause=0), clock=lambda: now[0])
    for age, until in ((0.0, 60), (None, 600), (120.0, 120), (1e9, 3_600)):
        now[0] += 10_000
        ages[0] = age
        first = cached.get("a", fetch)
        now[0] += until - 1
        assert cached.get("a", fetch) == first
        now[0] += 2
        assert cached.get("a", fetch) != first


@pytest.mark.parametrize("url", ["http://login.example/keys", "ftp://x/y", "https://", "https://a@b/c", "file:///etc"])
def test_addresses_that_cannot_be_are_refused(url: str) -> None:
    """Keys come over https; http is for loopback."""
    with pytest.raises(UsageError):
        Endpoint(url)
    with pytest.raises(UsageError, match="no address for"):
        FetchedPolicy(SIMPLE % "", {})


def test_introspection_is_asked_and_fails_closed() -> None:
    """RFC 7662: the service says who it is; an answer is kept for seconds; no answer is no."""
    checked = local("asked")
    with serving(b'{"active": true, "sub": "alice"}') as server:
        client = Introspection(server.url("/introspect"), {"Authorization": "Basic c2VydmljZTp4"})
        text = token()
        for _ in range(3):
            assert checked.verify(text, at=NOW, shown=Presentation(introspection=client.of(text)))
        assert len(server.requests) == 1
        method, path, headers, body = server.requests[0]
        assert (method, path, headers["Authorization"]) == ("POST", "/introspect", "Basic c2VydmljZTp4")
        assert body.startswith(b"token=eyJ")
        server.reply = lambda: (401, {}, b"")
        other = token(jti="another")
        assert client.of(other) is None
    assert client.of(token(jti="third")) is None
    assert client.of("x" * 100_000) is None
    with pytest.raises(VerifyError, match="S1"):
        checked.verify(other, at=NOW, shown=Presentation(introspection=None))


def test_everybody_who_waits_for_one_token_gets_an_answer() -> None:
    """Also when the issuer lets no answer be kept, so that each has to ask."""
    text, answers = token(), list[bytes | None]()
    with serving(b'{"active": true}', **{"Cache-Control": "no-store"}) as server:
        client = Introspection(server.url("/introspect"), {})
        threads = [threading.Thread(target=lambda: answers.append(client.of(text))) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert answers == [b'{"active": true}'] * 16


def test_status_lists_come_from_configured_addresses_only() -> None:
    """A token cannot make the service fetch what it names."""
    with serving(b"eyJ.list.token\n") as server:
        lists = StatusLists([server.url("/list/1")])
        named = token(status={"status_list": {"idx": 1, "uri": server.url("/list/1")}})
        assert lists.of(named) == b"eyJ.list.token"
        assert lists.of(named) == b"eyJ.list.token"
        for text in (
            token(status={"status_list": {"idx": 1, "uri": server.url("/list/2")}}),
            token(status={"status_list": {"idx": 1, "uri": "http://169.254.169.254/"}}),
            token(status={"status_list": 7}), token(status=[]), token(), "x",
        ):  # fmt: skip
            assert lists.of(text) is None
        assert len(server.requests) == 1


def test_documents_of_the_tests_are_still_theirs() -> None:
    """A policy without addresses is one whose documents were given."""
    assert FetchedPolicy(POLICY, {}, documents()).policy().flows
