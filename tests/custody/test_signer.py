"""The signer process: keys and token service in separate processes; who asks is what the kernel says."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pwd
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from counterfoil.custody import signer
from counterfoil.custody.algorithm import Algorithm
from counterfoil.custody.audit import Operation, Result
from counterfoil.custody.auditor import audited, entries
from counterfoil.custody.client import SignerClient
from counterfoil.custody.custody import Custody
from counterfoil.custody.settings import SignerSettings
from counterfoil.errors import CounterfoilError, KeyStoreError, KeyUnusableError, LogError, UsageError

from .backends import Backend, until
from .test_contract import INPUT, verify
from .test_custody import DIGEST, opened

ME = pwd.getpwuid(os.getuid()).pw_name


@pytest.fixture
def files(started: dict[str, Backend]) -> Backend:
    """Return the encrypted file store."""
    return started["file"]


class Running:
    """A signer that answers in a thread of this process."""

    def __init__(self, custody: Custody, settings: SignerSettings, path: Path) -> None:
        """Start it."""
        self.custody, self.told = custody, list[str]()
        self.signer = signer.Signer(custody, settings, path)
        self.thread = threading.Thread(target=self.signer.serve, args=(self.told.append,), daemon=True)
        self.thread.start()

    def stop(self) -> None:
        """Stop it, and close its custody."""
        self.signer.stop()
        self.thread.join()
        self.custody.close()


@pytest.fixture
def running(files: Backend, tmp_path: Path) -> Iterator[tuple[Path, SignerClient]]:
    """Yield a custody folder with a signer in which this user may do everything, and a client."""
    held = opened(files, tmp_path / "custody")
    made = Running(held, SignerSettings(admins=(ME,)), tmp_path / "sock")
    with SignerClient(tmp_path / "sock") as client:
        yield tmp_path / "custody", client
    made.stop()


def test_the_signer_does_what_custody_does(running: tuple[Path, SignerClient], tmp_path: Path) -> None:
    """Every operation goes through the socket, with the peer's user and process in the record."""
    path, client = running
    version = client.create("idp", Algorithm.ES256, purpose="set-up")
    verify(version, client.sign("idp", INPUT, purpose="access token").signature, INPUT)
    assert client.prepare("idp").version == 2
    assert client.rotate("idp").version == 2
    kept = client.keys()
    assert [found.version for found in kept] == [1, 2]
    submitted = client.checkpoint()
    assert (client.attest("idp").statement["exportable"], submitted.unreachable) == (True, ())
    assert submitted.checkpoint.text.startswith("custody.example.com/idp\n")
    assert len(client.disable("idp")) == 2
    with pytest.raises(KeyUnusableError, match="disabled") as error:
        client.sign("idp", INPUT)
    assert error.value.hint
    with pytest.raises(KeyUnusableError, match="not exported"):
        client.export("idp")
    with pytest.raises(UsageError, match="cannot read"):
        client.attach("other", str(tmp_path / "absent.pem"))
    client.destroy("idp")
    ((begin, end),) = [pair for pair in entries(path / "log", DIGEST) if pair[1] and pair[1].result is Result.DONE]
    assert end is not None
    assert begin.record.principal == f"user:{ME}"
    assert begin.record.process.startswith(f"{os.getpid()} ")


def test_many_clients_sign_at_once(running: tuple[Path, SignerClient]) -> None:
    """Each gets its own answer."""
    _, client = running
    version = client.create("idp", Algorithm.ES256)
    failed: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for place in range(5):
                signing_input = b"%d.%d" % (number, place)
                verify(version, client.sign("idp", signing_input).signature, signing_input)
        except CounterfoilError as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


def test_only_the_allowed_may_ask(files: Backend, tmp_path: Path) -> None:
    """Who may sign may not administer, who is on no list may do nothing; both attempts are recorded with the user."""
    for allow, admins, refused in ((ME, "nobody", Operation.CREATE), ("nobody", "nobody", Operation.SIGN)):
        path = tmp_path / f"custody-{refused}"
        with opened(files, path) as held:
            held.create("idp", Algorithm.ES256)
        made = Running(
            opened(files, path), SignerSettings(allow=(allow,), admins=(admins,)), tmp_path / f"sock-{refused}"
        )
        with SignerClient(tmp_path / f"sock-{refused}") as client:
            if allow == ME:
                assert client.sign("idp", INPUT).signature
            with pytest.raises(UsageError, match=f"user:{ME} may not {refused} here"):
                client.create("x", Algorithm.ES256) if refused is Operation.CREATE else client.sign("idp", INPUT)
        made.stop()
        uses = [use for use in audited(path / "log").uses if use.result == Result.REFUSED]
        assert [(use.operation, use.principal, use.count) for use in uses] == [(refused, f"user:{ME}", 1)]


def test_asking_again_and_again_fills_no_log(files: Backend, tmp_path: Path) -> None:
    """Who is refused is recorded at once; what follows is counted, and the count is in the log and in the audit."""
    held = opened(files, tmp_path / "custody")
    made = Running(held, SignerSettings(allow=("nobody",)), tmp_path / "sock")
    before = held.size()
    for _ in range(30):
        with SignerClient(tmp_path / "sock") as client, pytest.raises(UsageError, match="may not sign"):
            client.sign("idp", INPUT)
    with SignerClient(tmp_path / "sock") as client, pytest.raises(UsageError, match="may not create"):
        client.create("x", Algorithm.ES256)
    assert held.size() == before + 4, "two beginnings, two ends"
    made.stop()
    uses = {use.operation: use for use in audited(tmp_path / "custody/log").uses if use.result == Result.REFUSED}
    assert (uses[Operation.SIGN].count, uses[Operation.CREATE].count) == (30, 1)
    pairs = [begin.record for begin, _ in entries(tmp_path / "custody/log") if begin.record.op is Operation.SIGN]
    assert [record.detail for record in pairs] == ["", "asked 29 times"]


_CROWD = """import os, socket, sys
os.setgroups([]); os.setgid(int(sys.argv[2])); os.setuid(int(sys.argv[2]))
crowd = []
for _ in range(300):
    one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    one.connect(sys.argv[1])
    crowd.append(one)
print("there", flush=True)
sys.stdin.read()
"""


def test_a_full_queue_is_waited_for(tmp_path: Path) -> None:
    """Where others have taken every place in a signer's queue, a client waits for one."""
    path, waiting = tmp_path / "sock", list[socket.socket]()
    with socket.socket(socket.AF_UNIX) as listener, contextlib.ExitStack() as held:
        listener.bind(str(path))
        listener.listen(1)
        listener.settimeout(10)
        with pytest.raises(BlockingIOError):
            while True:
                waiting.append(held.enter_context(socket.socket(socket.AF_UNIX)))
                waiting[-1].setblocking(False)
                waiting[-1].connect(str(path))

        def serve() -> None:
            time.sleep(0.1)
            with contextlib.suppress(TimeoutError):
                for _ in waiting:  # all that were let in, and the client
                    listener.accept()[0].close()

        server = threading.Thread(target=serve)
        server.start()
        with pytest.raises(KeyStoreError) as told:
            SignerClient(path).sign("idp", INPUT)
        server.join()
    assert "unavailable" not in str(told.value)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_silent_strangers_keep_nobody_out(running: tuple[Path, SignerClient], tmp_path: Path) -> None:
    """More connections than there are places, of a user on no list: the allowed are answered meanwhile."""
    _, client = running
    client.create("idp", Algorithm.ES256)
    client.close()
    for folder in (tmp_path, *tmp_path.parents):
        if folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o001)
    nobody = str(pwd.getpwnam("nobody").pw_uid)
    command = [sys.executable, "-c", _CROWD, str(tmp_path / "sock"), nobody]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as crowd:  # noqa: S603  # our own
        assert crowd.stdout is not None
        assert crowd.stdin is not None
        assert crowd.stdout.readline() == b"there\n"
        for _ in range(3):
            assert client.sign("idp", INPUT).signature
            client.close()
        crowd.stdin.close()
    assert client.keys()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_the_kernel_says_who_asks(running: tuple[Path, SignerClient], tmp_path: Path) -> None:
    """Another user's process is refused whatever it says, and its user is in the record."""
    path, client = running
    client.create("idp", Algorithm.ES256)
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == 0 and folder != Path("/") and not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o001)
    nobody = pwd.getpwnam("nobody").pw_uid
    script = (
        "import sys\nfrom pathlib import Path\nfrom counterfoil.custody.client import SignerClient\nimport os\n"
        "client = SignerClient(Path(sys.argv[1]))\nos.setgroups([])\nos.setgid(int(sys.argv[2]))\n"
        "os.setuid(int(sys.argv[2]))\n"
        "try:\n    client.sign('idp', b'x')\nexcept Exception as error:\n    print(error)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "sock"), str(nobody)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  # our own
    assert "user:nobody may not sign here" in done.stdout
    assert "user:nobody" in {use.principal for use in audited(path / "log").uses}


@pytest.mark.parametrize(
    "raw",
    [b"\x00\x00\x00\x05{", b"\xff\xff\xff\xff", b"", b"\x00\x00\x00\x02{}", b"\x00\x00\x00\x0d" + b'{"op":"noop"}',
     b"\x00\x00\x00\x07" + b'{"\xff":1'],
    ids=["a message cut off", "a message too long", "nothing", "no operation", "an unknown operation", "no UTF-8"],
)
def test_what_is_not_understood_is_not_done(running: tuple[Path, SignerClient], raw: bytes, tmp_path: Path) -> None:
    """Rubbish closes the connection or is answered with our error; the signer goes on."""
    _, client = running
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(str(tmp_path / "sock"))
        connection.settimeout(10)
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        answered = connection.recv(4096)
        assert not answered or b"UsageError" in answered
    assert client.keys() == ()


def test_a_signer_needs_somebody_to_serve(files: Backend, tmp_path: Path) -> None:
    """An empty allow list and unknown users are refused before anything listens; a second signer is too."""
    with opened(files, tmp_path / "custody") as held:
        for allow in ((), ("no-such-user",), ("@no-such-group",)):
            settings = SignerSettings(allow=allow)
            with pytest.raises(UsageError):
                signer.Signer(held, settings, tmp_path / "sock")
        assert not (tmp_path / "sock").exists()
    made = Running(opened(files, tmp_path / "custody"), SignerSettings(allow=(ME,)), tmp_path / "sock")
    with pytest.raises(LogError, match="another signer"):
        signer.Signer(made.custody, SignerSettings(allow=(ME,)), tmp_path / "sock")
    made.stop()
    with pytest.raises(KeyStoreError, match="no signer answers"):
        SignerClient(tmp_path / "sock").keys()


def test_a_signer_takes_no_place_but_a_dead_signers(files: Backend, tmp_path: Path) -> None:
    """A setting that names a file or a folder costs neither; the socket that a killed signer left is taken."""
    (tmp_path / "file").write_text("kept")
    (tmp_path / "folder").mkdir()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "dead"))
    settings = SignerSettings(allow=(ME,))
    held = opened(files, tmp_path / "custody")
    for name in ("file", "folder"):
        with pytest.raises(UsageError, match="is no socket"):
            signer.Signer(held, settings, tmp_path / name)
    made = Running(held, settings, tmp_path / "dead")
    with SignerClient(tmp_path / "dead") as client:
        assert client.keys() == ()
    made.stop()
    assert (tmp_path / "file").read_text() == "kept"


def test_the_signer_keeps_its_witnesses(files: Backend, tmp_path: Path) -> None:
    """While the log grows its head is submitted, at the end too; who is out of reach is told."""
    (tmp_path / "theirs").mkdir()
    more = f'[[witness]]\ndrop = "{tmp_path}/theirs"\n[[witness]]\ndrop = "unmounted"'
    held = opened(files, tmp_path / "custody", more)
    made = Running(held, SignerSettings(admins=(ME,), witness_seconds=0.05), tmp_path / "sock")
    with SignerClient(tmp_path / "sock") as client:
        client.create("idp", Algorithm.ES256)
        until(lambda: next((tmp_path / "theirs").rglob("0*")), Path("/dev/null"))
        client.sign("idp", INPUT)
    made.stop()
    size = audited(tmp_path / "custody/log").size
    assert max(int(file.name) for file in (tmp_path / "theirs").rglob("0*")) == size
    assert any("no such folder" in line for line in made.told)


# A signer in a process of its own: the folder, then the socket.
SERVE = """
import sys
from pathlib import Path
from counterfoil.custody.custody import Custody
from counterfoil.custody.settings import SignerSettings
from counterfoil.custody.signer import Signer
custody = Custody.open(Path(sys.argv[1]))
Signer(custody, SignerSettings(admins=(sys.argv[3],), witness_seconds=0.02), Path(sys.argv[2])).serve(print)
"""


def _killed_once(path: Path, sock: Path, after: float) -> list[str]:
    """Start a signer, sign from several threads, kill it; returns the digests of signatures that were released."""
    released: list[str] = []
    command = [sys.executable, "-c", SERVE, str(path), str(sock), ME]
    with subprocess.Popen(command) as process:  # noqa: S603  # our own
        until(lambda: SignerClient(sock).keys(), Path("/dev/null"))

        def work() -> None:
            with SignerClient(sock) as client:
                try:
                    while True:
                        signing_input = os.urandom(30).hex().encode()
                        client.sign("idp", signing_input)
                        released.append(hashlib.sha256(signing_input).hexdigest())
                except CounterfoilError:
                    return  # the signer is gone

        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        until(lambda: released[0], Path("/dev/null"))  # under load by now
        time.sleep(after)
        process.send_signal(signal.SIGKILL)
        for thread in threads:
            thread.join()
    return released


def _kill(files: Backend, tmp_path: Path, times: int) -> None:
    """Kill signers under load; then every released signature must be in the log, and the log must verify."""
    path, sock = tmp_path / "custody", tmp_path / "sock"
    (tmp_path / "theirs").mkdir()
    with opened(files, path, f'[[witness]]\ndrop = "{tmp_path}/theirs"') as held:
        held.create("idp", Algorithm.ES256)
    released: list[str] = []
    for place in range(times):
        found = _killed_once(path, sock, 0.013 * (place % 10))
        released += found
        recorded = {begin.record.digest for begin, _ in entries(path / "log")}
        assert not [digest for digest in released if digest not in recorded]
    assert len(audited(path / "log").problems) == 0
    with opened(files, path) as held:
        held.checkpoint()  # the witness accepts it: nothing that it kept was lost


def test_a_killed_signer_released_nothing_without_its_record(files: Backend, tmp_path: Path) -> None:
    """Three kills under load."""
    _kill(files, tmp_path, 3)


@pytest.mark.slow
def test_a_hundred_kills_release_nothing_without_its_record(files: Backend, tmp_path: Path) -> None:
    """A hundred kills under load, on one log."""
    _kill(files, tmp_path, 100)


# Becomes another user if it can, as a service would, is readable to that user's other processes, and then hardened.
HARDENED = """
import ctypes, os, sys
from counterfoil.custody.hardening import harden
if os.getuid() == 0:
    os.setuid(int(sys.argv[1]))
ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
print(harden().told() if sys.argv[2] == "harden" else "open", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("guard", ["harden", "open"])
def test_a_hardened_process_cannot_be_read_by_its_own_user(guard: str) -> None:
    """No core dump, and another process of the same user gets no access to the memory; without the guard it does."""
    user = pwd.getpwnam("nobody").pw_uid if os.getuid() == 0 else os.getuid()
    command = [sys.executable, "-c", HARDENED, str(user), guard]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:  # noqa: S603  # our own
        assert process.stdout is not None
        told = process.stdout.readline().decode()
        reader = ["/bin/cat", f"/proc/{process.pid}/mem"]
        read = subprocess.run(reader, user=user, cwd="/", capture_output=True, check=False)  # noqa: S603  # our own
        limits = Path(f"/proc/{process.pid}/limits").read_text()
        process.communicate(b"")
    core = next(line.split()[4:6] for line in limits.splitlines() if line.startswith("Max core"))
    if guard == "harden":
        assert "NOT: no core dumps" not in told
        assert "NOT: no ptrace" not in told
        assert core == ["0", "0"]
    assert (b"Permission denied" in read.stderr) is (guard == "harden")
