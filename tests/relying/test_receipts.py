"""Receipts: of every token that is accepted or refused, whole, numbered, and without the token."""

from __future__ import annotations

import base64
import json
import multiprocessing
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.errors import UsageError, VerifyError
from counterfoil.model.receipt import Receipt, Signature
from counterfoil.relying import sinks
from counterfoil.relying.guard import Guard
from counterfoil.relying.receipts import MAX_TEXT, Receipts, Request
from counterfoil.relying.sinks import FileSink, HttpSink, SocketSink
from counterfoil.tokens.looks import holds_token
from counterfoil.tokens.pseudonym import SubjectKey
from tokens.making import AUDIENCE, ISSUER, NOW, TENANT, token, verifier

from .serving import serving

SUBJECTS = SubjectKey("k1", b"0123456789abcdef0123456789abcdef")
HERE = Request("GET", "/messages", "192.0.2.7", "agent/1")


class Kept:
    """A sink that keeps what it is given."""

    def __init__(self) -> None:
        self.receipts: list[Receipt] = []

    def put(self, receipt: Receipt) -> bool:
        """Keep it."""
        self.receipts.append(receipt)
        return True

    def close(self) -> None:
        """Do nothing."""


def guard(sink: sinks.Sink, **how: Any) -> Guard:
    """Return the guard of the mail service of the tests' estate."""
    return Guard(verifier(), Receipts("mail", SUBJECTS), sink, clock=lambda: float(NOW), **how)


def test_an_accepted_token_leaves_all_that_an_issuer_needs() -> None:
    """Key, id, digest, claims, checks and the request; the subject as a pseudonym."""
    kept, text = Kept(), token(client_id="outlook")
    found = guard(kept).check(text, HERE)
    (receipt,) = kept.receipts
    assert (receipt.outcome, receipt.signature) == ("accepted", Signature.VERIFIED)
    assert (receipt.rp, receipt.flow) == ("mail", "mail")
    assert (receipt.iss, receipt.aud, receipt.tid) == (ISSUER, (AUDIENCE,), TENANT)
    assert (receipt.kid, receipt.jti, receipt.digest) == (found.key_id, found.token_id, found.digest.hex())
    assert receipt.subject == SUBJECTS.pseudonym(ISSUER, str(found.subject))
    assert Request(receipt.method, receipt.endpoint, receipt.ip, receipt.user_agent) == HERE
    assert {"F5", "V4", "V13"} & set(receipt.checks) == {"F5", "V4"}
    assert receipt.iat is not None
    assert receipt.exp is not None
    assert receipt.exp > receipt.iat
    assert receipt.seq == 1
    assert receipt.shape.split("|")[2] == "compact"


REFUSED: list[tuple[str, Callable[[], str | bytes], str, Signature, bool]] = [
    ("expired", lambda: token(exp=NOW - 100, iat=NOW - 600), "time-not-valid", Signature.VERIFIED, True),
    ("signed by a key of another realm", lambda: token("rsa-consumer"), "key-not-entitled", Signature.VERIFIED, True),
    ("with a broken signature", lambda: token()[:-6] + "AAAAAA", "signature-invalid", Signature.FAILED, True),
    ("under a key that nobody knows", lambda: token("ec-nobody"), "key-not-active", Signature.UNCHECKED, True),
    ("that is no token", lambda: "hello", "token-malformed", Signature.UNCHECKED, False),
    ("of a megabyte", lambda: "e30." * 300_000, "token-too-large", Signature.UNCHECKED, False),
    ("of bytes", lambda: b"\xff\x00.\x01.", "token-malformed", Signature.UNCHECKED, False),
]


@pytest.mark.parametrize(("what", "make", "code", "signature", "told"), REFUSED, ids=[row[0] for row in REFUSED])
def test_a_refused_token_leaves_what_it_says_and_why(
    what: str, make: Callable[[], str | bytes], code: str, signature: Signature, told: bool
) -> None:
    """The reason, whether its key did sign it, and its claims as far as it can be taken apart."""
    kept = Kept()
    with pytest.raises(VerifyError):
        guard(kept).check(make(), HERE)
    (receipt,) = kept.receipts
    assert (receipt.outcome, receipt.code, receipt.signature) == ("refused", code, signature), what
    assert bool(receipt.digest) is told
    assert bool(receipt.iss) is told
    assert len(msgspec.json.encode(receipt)) < 16 * 1024


NAMES = ["sub", "aud", "jti", "sid", "client_id", "tid", "iss", "iat", "cnf", "more"]
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=900)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=6
)


@settings(max_examples=150, deadline=None)
@given(
    st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=8),
    st.dictionaries(st.sampled_from(["kid", "alg", "typ", "x5t", "cfs"]), LEAVES),
)
def test_no_receipt_holds_a_part_of_the_token_or_its_subject(claims: dict[str, Any], header: dict[str, Any]) -> None:
    """Whatever a token says: no segment of it, no subject, no text without bounds or with controls."""
    subject = "alice-4711-the-subject"
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
             for part in (header | {"kid": "k"}, claims | {"sub": subject, "nested": "eyJhbGciOiJub25lIn0.eyJ9."})]
    text = ".".join([*parts, "c2lnbmF0dXJl"])
    kept = Kept()
    with pytest.raises(VerifyError):
        guard(kept).check(text, Request("GET", f"/x?token={text}", text, text))
    encoded = msgspec.json.encode(kept.receipts[0]).decode()
    assert subject not in encoded
    assert "c2lnbmF0dXJl" not in encoded
    assert all(part not in encoded for part in parts)
    for value in msgspec.structs.asdict(kept.receipts[0]).values():
        assert not isinstance(value, str) or (len(value) <= MAX_TEXT + 80 and value.isprintable())


def _spelled(header: str, payload: str = '{"sub":"alice"}') -> str:
    parts = header, payload, "s" * 64
    return ".".join(base64.urlsafe_b64encode(part.encode()).rstrip(b"=").decode() for part in parts)


PLAIN = '{"alg":"RS256","kid":"k"}'
WRITTEN = {
    "as usual": _spelled(PLAIN),
    "with line breaks in its header": _spelled('{\n  "alg": "RS256",\n  "kid": "k"\n}'),
    "with carriage returns": _spelled('{\r\n\t"alg": "RS256"}'),
    "with blanks before its header": _spelled(" \n\t" + PLAIN), "with many blanks": _spelled(" " * 90 + PLAIN),
    "with an empty header": _spelled("{}") , "folded": _spelled(PLAIN)[:20] + "\r\n " + _spelled(PLAIN)[20:],
    "with escaped dots": _spelled(PLAIN).replace(".", "%2E"), "after other letters": f"access_token_{_spelled(PLAIN)}",
    "with padding": _spelled('{"alg":"RS256"}').replace(".", "=.", 1),
    "in the alphabet of base64": _spelled('{"alg":"RS256","x":"\u00ff\u00fe?>"}').replace("-", "+").replace("_", "/"),
}
INNOCENT = [
    "/eyes/keyIdentifier.value", "/newordering.html",
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "/IAmAlice.Bobson",
    "okhttp/4.12.0", "/files/CgAAAAAAAA.bin", "$.eyJust.example", "/api/v1.0/DQuery.Search.Index",
]


@pytest.mark.parametrize("text", WRITTEN.values(), ids=WRITTEN)
def test_a_token_is_kept_from_no_path_and_no_agent(text: str) -> None:
    """However its header is written, and however it was copied: nothing of claims or signature is in the receipt."""
    kept = Kept()
    with pytest.raises(VerifyError):
        guard(kept).check("x.y.z", Request("GET", f"/callback/{text}", "192.0.2.7", f"agent {text}"))
    encoded = msgspec.json.encode(kept.receipts[0]).decode()
    assert "c3Nzc3Nz" not in encoded
    assert "eyJzdWIi" not in encoded
    assert holds_token(text)


@pytest.mark.parametrize("text", INNOCENT)
def test_what_only_begins_like_a_token_is_kept(text: str) -> None:
    """A path and an agent are what an investigation needs."""
    kept = Kept()
    with pytest.raises(VerifyError):
        guard(kept).check("x.y.z", Request("GET", text, "192.0.2.7", text))
    assert (kept.receipts[0].endpoint, kept.receipts[0].user_agent) == (text, text)


def test_receipts_are_numbered_without_gaps_by_many_threads() -> None:
    """A number for each, so that a lost one shows."""
    kept = Kept()
    one = guard(kept)
    text = token()
    threads = [threading.Thread(target=lambda: [one.check(text) for _ in range(50)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(receipt.seq for receipt in kept.receipts) == list(range(1, 401))
    assert len({receipt.emitter for receipt in kept.receipts}) == 1


def test_a_sampled_guard_says_so_and_never_leaves_a_refusal_out() -> None:
    """The share is in each receipt: absence of one proves nothing then."""
    kept = Kept()
    one = guard(kept, sample=0.2)
    for _ in range(300):
        one.check(token())
    assert 10 < len(kept.receipts) < 150
    assert {receipt.sample for receipt in kept.receipts} == {0.2}
    before = len(kept.receipts)
    for _ in range(20):
        with pytest.raises(VerifyError):
            one.check("x")
    assert len(kept.receipts) == before + 20
    with pytest.raises(UsageError):
        guard(kept, sample=0)


def lines(raw: bytes) -> list[Receipt]:
    """Return the receipts of JSON lines."""
    return [msgspec.json.decode(line, type=Receipt) for line in raw.splitlines()]


def test_a_file_gets_every_receipt_also_when_it_is_renamed(tmp_path: Path) -> None:
    """Rotation of logs loses nothing; the file is its owner's."""
    path = tmp_path / "receipts.jsonl"
    with closing(FileSink(path, durable=True)) as sink:
        one = guard(sink)
        one.check(token())
        while not path.read_bytes():
            pass
        path.rename(tmp_path / "receipts.1")
        one.check(token())
    assert [receipt.seq for receipt in lines((tmp_path / "receipts.1").read_bytes())] == [1]
    assert [receipt.seq for receipt in lines(path.read_bytes())] == [2]
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(UsageError, match="cannot write"):
        FileSink(tmp_path / "no" / "such")


def test_a_socket_and_an_endpoint_get_them_too(tmp_path: Path) -> None:
    """Over a Unix socket as lines; over HTTP in batches, with the collector's credential."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(tmp_path / "sock"))
        server.listen()
        with closing(SocketSink(tmp_path / "sock")) as sink:
            guard(sink).check(token())
            connection, _ = server.accept()
            got = b""
            while not got.endswith(b"\n"):
                got += connection.recv(65_536)
            connection.close()
    assert lines(got)[0].outcome == "accepted"
    with serving() as server_:
        with closing(HttpSink(server_.url("/in"), (("Authorization", "Bearer collector"),))) as posting:
            one = guard(posting)
            for _ in range(20):
                one.check(token())
        posted = server_.requests
    assert {(method, path) for method, path, _, _ in posted} == {("POST", "/in")}
    assert posted[0][2]["Authorization"] == "Bearer collector"
    assert sorted(receipt.seq for *_, body in posted for receipt in lines(body)) == list(range(1, 21))
    with pytest.raises(UsageError):
        HttpSink("ftp://x")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make sinks give up at once."""
    monkeypatch.setattr(sinks, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(sinks, "LAST_PAUSE", 0.001)
    yield


@pytest.mark.usefixtures("impatient")
def test_what_cannot_be_delivered_is_counted_and_the_count_travels() -> None:
    """A collector that is down costs receipts, never the request; those that follow say how many are missing."""
    with serving() as server:
        server.reply = lambda: (503, {}, b"")
        with closing(HttpSink(server.url("/in"))) as sink:
            one = guard(sink)
            one.check(token())
            while not sink.dropped:
                pass
            server.reply = lambda: (204, {}, b"")
            one.check(token())
        told = [receipt for *_, body in server.requests for receipt in lines(body) if receipt.seq == 2]
    assert sink.dropped == 1
    assert told[-1].dropped == 1


@pytest.mark.usefixtures("impatient")
def test_a_full_queue_drops_and_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing waits: when nobody empties the queue, what is more than it holds is dropped."""
    monkeypatch.setattr(sinks, "MAX_WAITING", 4)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(tmp_path / "sock"))
        server.listen()
        sink = SocketSink(tmp_path / "sock")
        one = guard(sink)
        for _ in range(3_000):  # a socket that nobody reads holds some hundred KiB: then writing blocks
            one.check(token())
        assert sink.dropped > 100
    sink.close()


UNSENDABLE: dict[str, Callable[[], object]] = {
    "a header with a line break at its end": lambda: HttpSink(HERE_URL, (("Authorization", "Bearer s3cret\n"),)),
    "a header with a line break inside": lambda: HttpSink(HERE_URL, (("Authorization", "Bearer s3cret\r\nX: y"),)),
    "a header that is not Latin-1": lambda: HttpSink(HERE_URL, (("Authorization", "Bearer s3cret\u20ac"),)),
    "a header with a NUL": lambda: HttpSink(HERE_URL, (("Authorization", "Bearer s3cret\0"),)),
    "a header whose name is none": lambda: HttpSink(HERE_URL, (("X: s3cret\n", "y"),)),
    "a header without a name": lambda: HttpSink(HERE_URL, (("", "s3cret"),)),
    "a path that is not ASCII": lambda: HttpSink(HERE_URL + "s3cret\u00e4"),
    "a host that is not ASCII": lambda: HttpSink("http://s3cret\u00e4.example/"),
    "an address with a blank": lambda: HttpSink(HERE_URL + "s3cret x"),
    "an address with a line break": lambda: HttpSink(HERE_URL + "s3cret\n"),
    "an address with a password": lambda: HttpSink("http://user:s3cret@127.0.0.1/"),
    "an address with a label that is too long": lambda: HttpSink(f"http://{'a' * 64}.s3cret.example/"),
    "an address with an empty label": lambda: HttpSink("http://s3cret..example/"),
    "an address with port 0": lambda: HttpSink("http://127.0.0.1:0/s3cret"),
    "a host with a label that is too long": lambda: SocketSink(("a" * 64 + ".example", 80)),
    "a host with a NUL": lambda: SocketSink(("h\0st", 80)),
    "a host that is empty": lambda: SocketSink(("", 80)),
    "a port beyond the last": lambda: SocketSink(("127.0.0.1", 65_536)),
    "a port before the first": lambda: SocketSink(("127.0.0.1", 0)),
    "a socket whose path is too long": lambda: SocketSink(Path("/tmp") / ("x" * 200)),  # noqa: S108  # nothing is made
}
HERE_URL = "http://127.0.0.1:9/in"


@pytest.mark.parametrize("make", UNSENDABLE.values(), ids=UNSENDABLE)
def test_what_can_never_be_sent_is_refused_when_the_sink_is_made(make: Callable[[], object]) -> None:
    """One clear line at the start, which does not repeat what may be a secret; no thread that dies later."""
    with pytest.raises(UsageError) as caught:
        make()
    assert "s3cret" not in str(caught.value) + str(caught.value.hint)


SENDABLE: dict[str, Callable[[], Any]] = {
    "an IPv6 address": lambda: HttpSink("http://[::1]:9/in"),
    "a name with a dot at its end": lambda: HttpSink("https://collector.example./in?tenant=a%20b"),
    "a name of one network": lambda: HttpSink("http://my_collector:9/in"),
    "a header with blanks and all signs of ASCII": lambda: HttpSink(HERE_URL, (("X-Key", "a b\t~!\"(),/:;<=>?@[]{}"),)),
    "an empty header": lambda: HttpSink(HERE_URL, (("X-Key", ""),)),
    "a host in other letters": lambda: SocketSink(("b\u00fccher.example", 9)),
    "an IPv6 host with its zone": lambda: SocketSink(("fe80::1%eth0", 9)),
    "an abstract socket": lambda: SocketSink(Path("\0collector")),
}


@pytest.mark.parametrize("make", SENDABLE.values(), ids=SENDABLE)
def test_what_may_be_sent_one_day_is_taken(make: Callable[[], Any]) -> None:
    """Nobody need answer yet."""
    make().close()


class Failing(FileSink):
    """A sink with a fault of its own."""

    error: type[BaseException] = ValueError

    def _write(self, lines: bytes) -> None:
        assert lines
        raise self.error("Bearer s3cret")


@pytest.mark.usefixtures("impatient")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("error", [OSError, ValueError, UnicodeError, RuntimeError, SystemExit])
def test_no_receipt_is_lost_uncounted_whatever_fails(
    tmp_path: Path, error: type[BaseException], capfd: pytest.CaptureFixture[str]
) -> None:
    """Each kind of exception: those in hand, those that wait and those that come later are all counted."""
    sink = Failing(tmp_path / "receipts.jsonl")
    sink.error = error
    one = guard(sink)
    for number in range(5):
        one.check(token())
        while sink.dropped <= number:
            pass
    sink.close()
    one.check(token())
    assert sink.dropped == 6
    assert "s3cret" not in "".join(capfd.readouterr())


def test_a_process_that_was_forked_counts_what_its_sink_cannot_deliver(tmp_path: Path) -> None:
    """The thread stays with the parent: a child that puts receipts in that sink drops them, and does not wait."""
    sink = FileSink(tmp_path / "receipts.jsonl")
    context = multiprocessing.get_context("fork")
    told: multiprocessing.Queue[tuple[bool, int]] = context.Queue()
    guard(kept := Kept()).check(token())
    (receipt,) = kept.receipts

    def child() -> None:
        taken = sink.put(receipt)
        sink.close()
        told.put((taken, sink.dropped))

    started = context.Process(target=child)
    started.start()
    assert told.get(timeout=5) == (False, 1)
    started.join()
    assert sink.put(receipt)
    sink.close()
    assert (sink.dropped, len(lines((tmp_path / "receipts.jsonl").read_bytes()))) == (0, 1)


def test_what_is_left_at_the_end_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A collector that does not answer in time: what waits, and what is on its way, was dropped, once."""
    monkeypatch.setattr(sinks, "FLUSH_SECONDS", 0.2)
    answered = threading.Event()
    with serving() as server:
        server.reply = lambda: (answered.wait(10), (503, {}, b""))[1]
        sink = HttpSink(server.url("/in"))
        one = guard(sink)
        one.check(token())
        while not server.requests:
            pass
        for _ in range(4):
            one.check(token())
        sink.close()
        assert sink.dropped == 5
        answered.set()
        sink._thread.join(5)
        assert sink.dropped == 5
        assert not sink._thread.is_alive()


def test_a_long_answer_does_not_make_a_batch_come_twice() -> None:
    """Delivered is what was answered with 2xx, however long the answer is, and also if it breaks off."""
    for length, told in ((3_000, 3_000), (300_000, 300_000), (9_000, 10)):
        with serving() as server:
            server.reply = lambda told=told, length=length: (  # type: ignore[misc]
                200, {"Content-Length": str(length), "Connection": "close" if told < length else "keep-alive"},
                b"x" * told,
            )
            with closing(HttpSink(server.url("/in"))) as sink:
                one = guard(sink)
                for number in range(3):
                    one.check(token())
                    while len(server.requests) <= number:
                        pass
            assert [receipt.seq for *_, body in server.requests for receipt in lines(body)] == [1, 2, 3]
            assert sink.dropped == 0


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _linked_fifo(path: Path) -> None:
    os.mkfifo(path.with_name("fifo"))
    path.symlink_to("fifo")


def _bound(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


def _open_to(mode: int) -> Callable[[Path], None]:
    def made(path: Path) -> None:
        path.touch()
        path.chmod(mode)

    return made


NO_FILES: dict[str, tuple[Callable[[Path], None], str]] = {
    "a FIFO that nobody reads": (_fifo, "neither a plain file nor a device"),
    "a socket": (_bound, "neither a plain file nor a device"),
    "a folder": (Path.mkdir, "directory"),
    "a link to a FIFO": (_linked_fifo, "neither a plain file"),
    "a file that everybody may write to": (_open_to(0o666), "chmod 600"),
    "a file that everybody may read": (_open_to(0o644), "chmod 600"),
}


@pytest.mark.parametrize(("make", "why"), NO_FILES.values(), ids=NO_FILES)
@pytest.mark.usefixtures("impatient")
def test_receipts_go_to_files_of_their_own(tmp_path: Path, make: Callable[[Path], None], why: str) -> None:
    """At the start it is refused; if it takes the place of the file later, what cannot be written is counted."""
    make(tmp_path / "odd")
    with pytest.raises(UsageError, match=why):
        FileSink(tmp_path / "odd")
    with closing(FileSink(tmp_path / "receipts.jsonl")) as sink:
        one = guard(sink)
        one.check(token())
        while not (tmp_path / "receipts.jsonl").read_bytes():
            pass
        (tmp_path / "receipts.jsonl").rename(tmp_path / "receipts.1")
        (tmp_path / "odd").rename(tmp_path / "receipts.jsonl")
        one.check(token())
        while not sink.dropped:
            pass
    assert sink.dropped == 1


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(("device", "dropped"), [("/dev/null", 0), ("/dev/full", 1)])
def test_a_device_is_written_to(device: str, dropped: int) -> None:
    """One takes all, and what the other refuses is counted."""
    with closing(FileSink(Path(device))) as sink:
        guard(sink).check(token())
    assert sink.dropped == dropped


def test_a_link_is_followed_to_a_file_of_its_owner(tmp_path: Path) -> None:
    """What it leads to is made for its owner only."""
    (tmp_path / "link").symlink_to("target")
    with closing(FileSink(tmp_path / "link")) as sink:
        guard(sink).check(token())
    assert (tmp_path / "target").stat().st_mode & 0o777 == 0o600
    assert len(lines((tmp_path / "target").read_bytes())) == 1
