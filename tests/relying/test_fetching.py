"""Keys and status that are fetched: from configured addresses, one fetch at a time."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from counterfoil import exchange
from counterfoil.errors import InputError, PolicyError, UsageError, VerifyError
from counterfoil.relying.cached import Ages, Cached
from counterfoil.relying.fetching import FetchedPolicy, FetchingVerifier
from counterfoil.relying.http import Endpoint
from counterfoil.relying.status import Introspection, StatusLists
from counterfoil.tokens.presentation import Presentation
from tokens.making import LOGIN, NOW, POLICY, TENANT, documents, jwk, token
from tokens.making import verifier as local

from .serving import Reply, Server, serving

NO_PAUSE = Ages(least=0.0, usual=3_600.0, pause=0.0, retry=0.0)
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


def verifying(
    server: Server, ages: Ages = NO_PAUSE, more: str = "", clock: Callable[[], float] = time.monotonic
) -> FetchingVerifier:
    """Return a verifier that fetches its keys there."""
    return FetchingVerifier(FetchedPolicy(SIMPLE % more, {"login.json": server.url()}, ages=ages, clock=clock))


def test_keys_are_fetched_once_and_again_for_a_new_key(server: Server) -> None:
    """A rotation is noticed by the first token under the new key."""
    verifier = verifying(server)
    for _ in range(5):
        verifier.verify(token(), at=NOW)
    assert len(server.requests) == 1
    server.reply = lambda: (200, {}, keys("rsa", "rsa-new"))
    assert verifier.verify(token("rsa-new"), at=NOW).key_id == "rsa-new"
    assert len(server.requests) == 2


def test_keys_that_end_while_a_token_is_verified_are_good_for_it(server: Server) -> None:
    """Without staleness, too: whether to ask and what is held go by one moment. The next token has them fetched anew.

    The clock is near the end of the keys, and goes past it with whatever is the second look at it.
    """
    moments = [0.0]
    verifier = verifying(
        server, Ages(usual=60.0, stale=0.0, pause=3_600.0), clock=lambda: moments.pop(0) if moments[1:] else moments[0]
    )
    moments[:] = [59.9, 60.1]
    assert verifier.verify(token(), at=NOW)
    assert len(server.requests) == 1
    assert verifier.verify(token(), at=NOW)
    assert len(server.requests) == 2


def test_unknown_key_ids_ask_for_newer_keys_at_most_once_in_a_while(server: Server) -> None:
    """Whoever makes up key ids makes one fetch, not a thousand."""
    now = [0.0]
    verifier = verifying(server, Ages(), clock=lambda: now[0])
    for fetches in (1, 2, 3):
        for place in range(30):
            with pytest.raises(VerifyError, match="V2, known"):
                verifier.verify(token("ec", {"kid": f"made-up-{place}"}), at=NOW)
            now[0] += 1
        assert len(server.requests) == fetches
        now[0] += 31


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
    ("answers 200 with a page", lambda: (200, {}, b"<html>")),
    ("answers 200 with an object that is no key set", lambda: (200, {}, b'{"keys": "none"}')),
    ("answers 200 with another object", lambda: (200, {}, b'{"error": "try later"}')),
    ("answers a key set with two lists", lambda: (200, {}, b'{"keys": [], "keys": []}')),
    ("answers with more keys than any", lambda: (200, {}, json.dumps({"keys": [{}] * 257}).encode())),
    ("answers nothing", lambda: (200, {}, b"")),
    ("answers half of it", lambda: (200, {"Content-Length": "5000", "Connection": "close"}, keys("rsa"))),
]


@pytest.mark.parametrize(("what", "reply"), BAD, ids=[row[0] for row in BAD])
def test_a_bad_answer_replaces_no_good_one(
    server: Server, what: str, reply: Callable[[], Reply], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At a start there is one clear error; later the keys that were good go on, until good ones come or they are stale.

    Neither the age that a bad answer claims nor an unknown key id, which anybody can send, makes it count.
    """
    monkeypatch.setattr(exchange, "TIMEOUT_SECONDS", 1.0)
    now = [0.0]
    good = verifying(server, Ages(usual=60.0, stale=600.0, pause=0.0, retry=30.0), clock=lambda: now[0])
    server.reply = lambda: (lambda told: (told[0], {**told[1], "Cache-Control": "max-age=86400"}, told[2]))(reply())
    with pytest.raises((InputError, PolicyError)):
        verifying(server)
    with pytest.raises(VerifyError, match="V2, known"):
        good.verify(token("ec-unknown"), at=NOW)
    assert good.verify(token(), at=NOW), what
    server.reply = lambda: (200, {}, keys("rsa", "rsa-new"))
    now[0] = 31
    good.verify(token(), at=NOW)
    assert good.verify(token("rsa-new"), at=NOW), "asked again within a minute"
    server.reply = reply
    now[0] = 31 + 601
    with pytest.raises((InputError, PolicyError)):
        good.verify(token(), at=NOW)
    assert not any("evil" in path for _, path, _, _ in server.requests)


USELESS = {
    "two keys of one id": [jwk("ec-a", kid="twice"), jwk("ec-b", kid="twice")],
    "a symmetric key": [{"kty": "oct", "kid": "s", "k": "c2VjcmV0"}],
    "a private key": [{**jwk("ec-a"), "d": "AQAB"}],
    "a key of a kind to come": [{"kty": "AKP", "alg": "ML-DSA-44", "kid": "pq", "pub": "AAAA"}],
    "what is no object": [7, None, "key"],
}


@pytest.mark.parametrize("useless", USELESS.values(), ids=USELESS)
def test_useless_keys_cost_the_others_nothing(server: Server, useless: list[Any]) -> None:
    """Each is skipped; the good one beside it verifies, and none of them does."""
    server.reply = lambda: (200, {}, json.dumps({"keys": [*useless, jwk("rsa")]}).encode())
    verifier = verifying(server)
    assert verifier.verify(token(), at=NOW)
    for kid in ("twice", "s", "ec-a"):
        with pytest.raises(VerifyError, match="V2, known"):
            verifier.verify(token("ec-a", {"kid": kid, "alg": "ES256"}), at=NOW)


@pytest.mark.parametrize("left", [("rsa-new",), ()], ids=["another", "none"])
def test_a_key_that_is_withdrawn_is_gone_at_once(server: Server, left: tuple[str, ...]) -> None:
    """An issuer that drops a stolen key is heard with its next answer, also if no key is left."""
    now = [0.0]
    verifier = verifying(server, Ages(usual=60.0), clock=lambda: now[0])
    assert verifier.verify(token(), at=NOW)
    server.reply = lambda: (200, {}, keys(*left))
    now[0] = 61
    with pytest.raises(VerifyError, match="V2, known"):
        verifier.verify(token(), at=NOW)


OTHER = "https://other.example"
TWO = SIMPLE % "" + f"""
[[keys]]
file = "other.json"
issuers = ["{OTHER}"]
classes = ["access"]
algorithms = ["RS256"]

[[flow]]
name = "other"
class = "access"
issuers = ["{OTHER}"]
audiences = ["api://mail"]
"""
OTHERS: list[tuple[str, Callable[[], Reply]]] = [
    *BAD,
    ("answers with this issuer's key id", lambda: (200, {}, json.dumps({"keys": [jwk("rsa-b", kid="rsa")]}).encode())),
    ("answers with this issuer's key", lambda: (200, {}, keys("rsa"))),
    ("answers with no key", lambda: (200, {}, keys())),
]


@pytest.mark.parametrize("first", ["login.json", "other.json"])
@pytest.mark.parametrize(("what", "reply"), OTHERS, ids=[row[0] for row in OTHERS])
def test_one_issuers_answer_touches_no_other_issuer(
    server: Server, what: str, reply: Callable[[], Reply], first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Good keys serve whatever another key server says, from the start; a token of the other is not called forged."""
    monkeypatch.setattr(exchange, "TIMEOUT_SECONDS", 1.0)
    text = TWO if first == "login.json" else TWO.replace("login.json", "x").replace("other.json", "login.json")
    with serving() as hostile:
        hostile.reply = reply
        names = ("login.json", "other.json") if first == "login.json" else ("x", "login.json")
        source = FetchedPolicy(text, dict(zip(names, (server.url(), hostile.url()), strict=True)), ages=NO_PAUSE)
        assert FetchingVerifier(source, "mail").verify(token(), at=NOW), what
        other = token("rsa-b", {"kid": "rsa-b"}, iss=OTHER, tid=None)
        with pytest.raises((VerifyError, InputError, PolicyError)) as caught:
            FetchingVerifier(source, "other").verify(other, at=NOW)
        assert isinstance(caught.value, VerifyError) == (not source.missing)


@contextlib.contextmanager
def two(text: str, server: Server, now: list[float], **how: Any) -> Iterator[tuple[FetchedPolicy, Server]]:
    """Yield a policy of two issuers by this clock, and the server of the other, which is away at first."""
    with serving() as other:
        other.reply = lambda: (503, {}, b"")
        urls = {"login.json": server.url(), "other.json": other.url()}
        yield FetchedPolicy(text, urls, clock=lambda: now[0], **how), other


THEIRS: dict[str, Any] = {"iss": OTHER, "tid": None}


def test_no_token_asks_another_issuers_server(server: Server) -> None:
    """Neither when that one failed, nor for a key id that nobody knows, nor when the own document is due."""
    now = [0.0]
    with two(TWO, server, now) as (source, other):
        mail, others = FetchingVerifier(source, "mail"), FetchingVerifier(source, "other")
        for passed in (1, 31, 61, 3_601, 7_300):
            now[0] = passed
            assert mail.verify(token(), at=NOW)
            with pytest.raises(VerifyError, match="V2, known"):
                mail.verify(token("ec-unknown"), at=NOW)
            with pytest.raises(VerifyError, match="V2, known"):
                mail.verify(token("ec-unknown", iss="https://nobody.example"), at=NOW)
            with pytest.raises(VerifyError, match="F2"):
                mail.verify("no token", at=NOW)
        assert (len(other.requests), list(source.missing)) == (1, ["other.json"])
        before = len(server.requests)
        with pytest.raises(InputError, match="503"):
            others.verify(token("rsa-b", **THEIRS), at=NOW)
        other.reply = lambda: (200, {}, keys("rsa-b"))
        now[0] += 31
        assert others.verify(token("rsa-b", **THEIRS), at=NOW)
        assert (len(other.requests), len(server.requests), source.missing) == (3, before, {})


def test_a_document_of_any_issuer_is_waited_for_once_and_then_asked_for_behind_the_request(server: Server) -> None:
    """Where only the keys say whose they are: while one server hangs, the other's tokens are let in."""
    now, gate = [0.0], threading.Event()
    server.reply = lambda: (200, {}, json.dumps({"keys": [jwk("rsa", issuer=LOGIN)]}).encode())
    text = TWO
    for issuer in (LOGIN, OTHER):
        text = text.replace(f'issuers = ["{issuer}"]\nclasses', "classes")
    with two(text, server, now) as (source, other):
        mail, others = FetchingVerifier(source, "mail"), FetchingVerifier(source, "other")
        reply: Reply = (200, {}, json.dumps({"keys": [jwk("rsa-b", issuer=OTHER)]}).encode())
        other.reply = lambda: (gate.wait(10), reply)[1]
        now[0] = 31
        for _ in range(5):
            assert mail.verify(token(), at=NOW)
        assert not gate.is_set()
        gate.set()
        while source.missing:
            time.sleep(0.01)
        assert others.verify(token("rsa-b", **THEIRS), at=NOW)
        assert len(other.requests) == 2


def test_an_actors_issuer_is_heard_too(server: Server) -> None:
    """A key of an actor's token that its issuer withdrew is gone with the next answer, as any other."""
    now = [0.0]
    text = TWO.replace('name = "mail"', 'name = "mail"\nactors = ["calendar"]\nactor_flow = "other"')
    text = text.replace('name = "other"\nclass = "access"', f'name = "other"\nclass = "actor"\ntenants = ["{TENANT}"]')
    text = text.replace(f'issuers = ["{OTHER}"]\nclasses = ["access"]', f'issuers = ["{OTHER}"]\nclasses = ["actor"]')
    actor = token("rsa-b", iss=OTHER, sub="calendar", client_id=None)
    with two(text, server, now) as (source, other):
        mail = FetchingVerifier(source, "mail")
        other.reply = lambda: (200, {}, keys("rsa-b"))
        now[0] = 61
        assert mail.verify(token(actortoken=actor), at=NOW)
        other.reply = lambda: (200, {}, keys())
        now[0] += 3_601
        with pytest.raises(VerifyError, match="V11"):
            mail.verify(token(actortoken=actor), at=NOW)


def test_the_pause_begins_when_a_fetch_has_ended() -> None:
    """A server that takes longer to fail than the pause lasts is still left alone for as long."""
    now, fetched = [0.0], [0]

    def fetch() -> tuple[str, float | None]:
        fetched[0] += 1
        now[0] += 40
        raise InputError("it is away")

    cached = Cached[str](Ages(retry=30), clock=lambda: now[0])
    for passed, fetches in ((0, 1), (1, 1), (28, 1), (1, 2), (1, 2)):
        now[0] += passed
        with pytest.raises(InputError, match="away"):
            cached.get("a", fetch)
        assert fetched[0] == fetches


def test_the_own_key_of_an_id_is_found(server: Server) -> None:
    """Two issuers with one key id each verify under their own key, in turn and again."""
    with serving(json.dumps({"keys": [jwk("rsa-b", kid="rsa")]}).encode()) as second:
        source = FetchedPolicy(TWO, {"login.json": server.url(), "other.json": second.url()})
        mail, other = FetchingVerifier(source, "mail"), FetchingVerifier(source, "other")
        theirs = token("rsa-b", {"kid": "rsa"}, iss=OTHER, tid=None)
        for _ in range(2):
            assert mail.verify(token(), at=NOW)
            assert other.verify(theirs, at=NOW)
            for verifier, text in ((mail, theirs), (other, token())):
                with pytest.raises(VerifyError, match=r"V4|V5|V6"):
                    verifier.verify(text, at=NOW)
        with pytest.raises(VerifyError, match="F5"):
            mail.verify(token("rsa-b", {"kid": "rsa"}), at=NOW)


def test_old_keys_are_not_used_for_ever() -> None:
    """When the server has been away for longer than `stale`, nothing is let in."""
    now = [0.0]
    fetched = [0]

    def fetch() -> tuple[str, float | None]:
        fetched[0] += 1
        if fetched[0] > 1:
            raise InputError("it is away")
        return "keys", None

    cached = Cached[str](Ages(least=1, usual=60, most=60, stale=600, retry=5), clock=lambda: now[0])
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
        ):
            assert lists.of(text) is None
        assert len(server.requests) == 1


def test_documents_of_the_tests_are_still_theirs() -> None:
    """A policy without addresses is one whose documents were given."""
    assert FetchedPolicy(POLICY, {}, documents()).policy().flows
