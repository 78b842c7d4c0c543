"""One exchange ends in time, whatever the server does; and only addresses that can be are taken."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from counterfoil import exchange
from counterfoil.errors import InputError, UsageError
from counterfoil.relying.http import Endpoint
from counterfoil.relying.sinks import HttpSink
from counterfoil.tlog.note import COSIGNATURE, VerifierKey
from counterfoil.tlog.witness import HttpWitness

Behaviour = Callable[[socket.socket], None]


@contextlib.contextmanager
def behaving(behaviour: Behaviour) -> Iterator[str]:
    """Yield the address of a server that treats each connection so, until the other end goes away."""

    def treated(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.recv(65_536)
            behaviour(connection)

    def accepting() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=treated, args=(listener.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accepting, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/jwks"


def _drip(head: bytes, drop: bytes) -> Behaviour:
    def behaviour(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            connection.sendall(drop)
            time.sleep(0.02)

    return behaviour


def _flood(head: bytes, drop: bytes) -> Behaviour:
    def behaviour(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            connection.sendall(drop * 1_000)

    return behaviour


ENDLESS = {
    "accepts and says nothing": lambda _: time.sleep(30),
    "drips its status line": _drip(b"", b"H"),
    "drips a header": _drip(b"HTTP/1.1 200 OK\r\nX: ", b"x"),
    "drips 100 Continue": _drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "floods 100 Continue": _flood(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "drips its body": _drip(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n", b" "),
    "drips a chunk": _drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n384\r\n", b" "),
    "drips trailers": _drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n", b"X: y\r\n"),
    "floods trailers": _flood(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n", b"X: y\r\n"),
    "floods its body": _flood(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 100),
    "floods tiny chunks": _flood(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"000000001\r\nx\r\n"),
}


@pytest.mark.parametrize("behaviour", ENDLESS.values(), ids=ENDLESS)
def test_no_exchange_lasts_longer_than_its_deadline(behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte comes within the timeout of one wait; the whole still ends, with one error of ours."""
    monkeypatch.setattr(exchange, "DEADLINE_SECONDS", 0.4)
    ends = r"no whole answer|longer than|more than|timed out"
    with behaving(behaviour) as url, pytest.raises(InputError, match=ends):
        Endpoint(url).get(1_000)


def test_a_resolver_is_not_waited_for_longer_either(monkeypatch: pytest.MonkeyPatch) -> None:
    """It knows no deadline of its own, and a name may belong to somebody whose servers let it wait."""
    gate, began = threading.Event(), time.monotonic()

    def resolve(*_: object, **__: object) -> list[object]:
        gate.wait(20)
        return []

    monkeypatch.setattr(exchange, "DEADLINE_SECONDS", 0.2)
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(InputError, match="no whole answer within"):
        Endpoint("https://keys.example/jwks").get(10)
    assert time.monotonic() - began < 10
    gate.set()


def test_an_answer_is_read_whole() -> None:
    """Chunked, closed at its end, or with a length; a body that is cut short is none."""
    for told, fits in (
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX: y\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\n\r\n{}", True), (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", True),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}", False), (b"rubbish\r\n\r\n", False), (b"", False),
    ):
        with behaving(lambda connection, told=told: connection.sendall(told)) as url:  # type: ignore[misc]
            if fits:
                assert Endpoint(url).get(2).body == b"{}"
            else:
                with pytest.raises(InputError):
                    Endpoint(url).get(2)


def test_a_name_that_stands_for_a_local_address_is_refused_unless_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """rfc8725bis: whoever controls the name must not make the service ask its own network."""
    asked: list[object] = []
    found = ["127.0.0.1"]

    def resolve(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    with behaving(lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n{}")) as url:
        port = url.split(":")[2].split("/")[0]
        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        named = f"https://keys.example:{port}/jwks"
        for address in ("127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fe80::1", "fc00::1", "0.0.0.0", "::ffff:10.0.0.1"):  # noqa: S104, E501
            found[:] = [address]
            with pytest.raises(InputError, match="local address"):
                Endpoint(named).get(10)
        found[:] = ["127.0.0.1"]
        with pytest.raises(InputError) as caught:  # it answers plain text where TLS should be
            Endpoint(named, allow_local=True).get(10)
        assert "local address" not in str(caught.value)
        assert Endpoint(url).get(10).body == b"{}", "an address that is written out is the configuration's word"
    assert "keys.example" in asked


ODD = [
    "http://login.example/keys", "ftp://x/y", "https://", "https://a@b/c", "https://@b/c", "file:///etc", "https://[::1",
    "https://x:99999/", "https://x:0/", "https://x:a/", "https://x/#f", "https://x/#", "https://x/a b", "https://x/\u00e4",
    "https://\u00e4/", "https://x/\n", "", "//x/", "https:///x", "https://x/" + "a" * 3_000, None, 7, b"https://x/",
]


@pytest.mark.parametrize("url", ODD, ids=repr)
def test_what_is_no_address_is_our_error(url: str) -> None:
    """Whatever its kind: one clear line, none of another's exceptions."""
    with pytest.raises(UsageError) as caught:
        Endpoint(url)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("url", ["http://[::1", "https://x:99999/", "https://x:a/"])
def test_other_addresses_are_held_to_the_same(url: str) -> None:
    """Of a collector of receipts, and of a witness."""
    with pytest.raises(UsageError):
        HttpSink(url)
    with pytest.raises(UsageError):
        HttpWitness(url, VerifierKey("w", b"\0" * 32, COSIGNATURE))


@pytest.mark.parametrize("url", ["https://no-such-host.invalid/", "https://a..b/", f"https://{'a' * 70}.example/"])
def test_a_name_that_cannot_be_resolved_is_our_error(url: str) -> None:
    """Also one that no encoder takes."""
    with pytest.raises(InputError):
        Endpoint(url).get(10)
