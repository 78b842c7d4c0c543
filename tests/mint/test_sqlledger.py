"""The ledger in PostgreSQL: several issuers share one; killed writers, a crashed server and a dishonest operator.

The hundred kills: pytest -m slow tests/mint/test_sqlledger.py
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import random
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from cli.run import run
from counterfoil.errors import KeyStoreError, LogError, LogGapError, LogTamperedError, UsageError
from counterfoil.mint.sqlledger import SqlLedger, create, read_key
from counterfoil.tlog.sqllog import Database, create_sql_log
from counterfoil.tlog.stored import stored_at

from .making import CLAIMS, ISSUER, MINT_POLICY, ORIGIN, custody_in
from .postgres import Server
from .test_killed import TESTS
from .test_ledgers import fill, kept, stub


@dataclass(frozen=True)
class Made:
    """A ledger in a schema of its own."""

    server: Server
    name: str
    key: Path

    @property
    def address(self) -> str:
        """Where it is."""
        return self.server.address(self.name)

    def open(self) -> SqlLedger:
        """Open it for writing."""
        return SqlLedger.open(self.address, self.key)

    def do(self, *statements: str) -> None:
        """Do what the operator of the database can."""
        self.server.do(self.name, *statements)


@pytest.fixture
def made(postgres: Server, tmp_path: Path) -> Made:
    """Return an empty ledger."""
    ledger = Made(postgres, postgres.place(), tmp_path / "log.key")
    create(ledger.address, ORIGIN, ledger.key)
    return ledger


def writers(made: Made, path: Path, number: int) -> list[Path]:
    """Return the folders of so many issuers, each with custody of its own and a copy of the ledger's key."""
    folders = [path / f"issuer{place}" for place in range(number)]
    for folder in folders:
        custody_in(folder / "custody").close()
        (folder / "log.key").write_bytes(made.key.read_bytes())
        (folder / "log.key").chmod(0o600)
    return folders


def killed(made: Made, folders: list[Path], moments: random.Random) -> set[str]:
    """Let all issuers mint at once, kill them at random moments, and return the digests of what they handed out."""
    with ExitStack() as stack:
        processes = [
            stack.enter_context(subprocess.Popen(  # noqa: S603  # our own
                [sys.executable, "-m", "mint.minting", str(folder), made.address], cwd=TESTS, stdout=subprocess.PIPE
            ))
            for folder in folders
        ]
        got: list[bytes] = []
        for process in processes:
            assert process.stdout is not None
            got += [process.stdout.readline() for _ in range(moments.randint(1, 60))]
        for process in processes:
            process.kill()
        for process in processes:
            assert process.stdout is not None
            got += process.stdout.read().splitlines()
    return {line.decode().strip() for line in got if line.strip()}


def held(made: Made, path: Path, kills: int, number: int = 2) -> None:
    """Kill writers so often; the ledger verifies each time and holds all that was handed out."""
    folders, moments, released = writers(made, path, number), random.Random(558), set[str]()  # noqa: S311  # no secret
    for _ in range(-(-kills // number)):
        some = killed(made, folders, moments)
        assert len(some) >= number
        released |= some
        assert released <= {counterfoil.digest for counterfoil in kept(stored_at(made.address))}


def test_killed_writers_lose_nothing_that_was_handed_out(made: Made, tmp_path: Path) -> None:
    """Two processes at once, on one ledger: no gap, no fork, no token without its counterfoil, and no lock is left."""
    held(made, tmp_path, 4)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_hundred_killed_writers_lose_nothing_that_was_handed_out(made: Made, tmp_path: Path) -> None:
    """The same with three processes, a hundred times over the same database."""
    held(made, tmp_path, 100, 3)


def test_a_crash_of_the_server_loses_nothing_and_writers_go_on(tmp_path: Path) -> None:
    """Its memory is gone and all connections break; what `record` returned for is there, and the next one works."""
    from .postgres import running

    with running() as server:
        made = Made(server, server.place(), tmp_path / "log.key")
        create(made.address, ORIGIN, made.key)
        with made.open() as ledger:
            for number in range(10):
                ledger.record(stub(number))
            server.crash()
            assert ledger.record(stub(10)) == 10
            server.control("stop", "-m", "immediate")
            with pytest.raises(LogError, match="postgresql"):
                ledger.record(stub(11))
            server.start()
            assert ledger.record(stub(11)) == 11
        assert kept(stored_at(made.address)) == [stub(number) for number in range(12)]


_CHANGED = "UPDATE counterfoil_entry SET entry = convert_to(replace(convert_from(entry, 'UTF8'), 'k1', 'k2'), 'UTF8')"
TAMPERED: list[tuple[str, str, type[LogError], str, bool]] = [
    ("an entry was changed", f"{_CHANGED} WHERE index = 7", LogTamperedError, "not those that it signed", False),
    ("an entry in a full block was deleted", "DELETE FROM counterfoil_entry WHERE index = 7", LogGapError, "entry 7 is",
     False),
    ("the last entry was deleted", "DELETE FROM counterfoil_entry WHERE index = 299", LogGapError, "there are 299",
     False),
    ("all were deleted", "DELETE FROM counterfoil_entry", LogGapError, "there are 0", False),
    ("an entry was added behind the head", "INSERT INTO counterfoil_entry SELECT 300, entry FROM counterfoil_entry"
     " WHERE index = 7", LogGapError, "there are more", False),
    ("two entries changed places", "UPDATE counterfoil_entry SET entry = (SELECT entry FROM counterfoil_entry AS other"
     " WHERE other.index = 15 - counterfoil_entry.index) WHERE index IN (7, 8)", LogTamperedError, "not those that",
     False),
    ("the hash of a block was changed", r"UPDATE counterfoil_block SET hash = '\x00'", LogTamperedError, "blocks",
     False),
    ("the hash of a block was deleted", "DELETE FROM counterfoil_block", LogTamperedError, "blocks", False),
    ("the head is of fewer entries", "UPDATE counterfoil_head SET size = 299", LogTamperedError, "tree of its head",
     True),
    ("the head has no tree", r"UPDATE counterfoil_head SET peaks = '\x'", LogTamperedError, "tree of its head", True),
    ("the head has another root", "UPDATE counterfoil_head SET root = sha256('x')", LogTamperedError, "another root",
     True),
    ("the head is not signed", r"UPDATE counterfoil_head SET signature = set_byte(signature, 3, 7)", LogTamperedError,
     "signature", True),
    ("the head is signed with nothing", r"UPDATE counterfoil_head SET signature = '\x'", LogTamperedError, "is none",
     True),
    ("the head has half a root", r"UPDATE counterfoil_head SET root = '\x00'", LogTamperedError, "is none", True),
    ("the head is of less than nothing", "UPDATE counterfoil_head SET size = -300", LogTamperedError, "is none", True),
    ("the head has no key", "UPDATE counterfoil_head SET vkey = repeat('x', 99999)", LogTamperedError, "is none", True),
    ("an entry is as large as a database allows", "UPDATE counterfoil_entry SET entry ="
     " convert_to(repeat('x', 100000000), 'UTF8') WHERE index = 7", LogTamperedError, "more than 65535", False),
    ("the head is gone", "DELETE FROM counterfoil_head", LogError, "no log", True),
    ("the tables are gone", "DROP TABLE counterfoil_head", LogError, "counterfoil_head", True),
]


@pytest.mark.parametrize(
    ("what", "done", "error", "told", "writer"), TAMPERED, ids=[row[0] for row in TAMPERED]
)
def test_what_an_operator_of_the_database_alters_is_found(
    made: Made, what: str, done: str, error: type[LogError], told: str, writer: bool
) -> None:
    """He has every right there, but not the log's private key. A writer signs on no head that it did not sign."""
    with made.open() as ledger:
        fill(ledger, 0, 300)
        made.do(done)
        with pytest.raises(error, match=told):
            kept(stored_at(made.address))
        if writer:
            with pytest.raises(LogError):
                ledger.record(stub(300))
            with pytest.raises(error, match=told):
                made.open()
    assert what


def test_a_ledger_that_was_set_back_is_noticed_by_its_writers_and_by_a_kept_checkpoint(made: Made) -> None:
    """An older copy of the database is signed and whole: only somebody who remembers more can tell."""
    with made.open() as ledger:
        ledger.record(stub(0))
        made.do("CREATE TABLE older AS SELECT * FROM counterfoil_head")
        ledger.record(stub(1))
        made.do(
            "DELETE FROM counterfoil_head", "INSERT INTO counterfoil_head SELECT * FROM older",
            "DELETE FROM counterfoil_entry WHERE index = 1",
        )
        assert len(kept(stored_at(made.address))) == 1
        with pytest.raises(LogError, match="has 1 entries, and had 2"):
            ledger.record(stub(2))


def test_a_second_history_of_one_size_is_noticed_by_a_running_writer(made: Made) -> None:
    """Also if its author has the log's private key: what a writer remembers has another root."""
    with made.open() as ledger:
        ledger.record(stub(1))
        made.do("DROP TABLE counterfoil_head, counterfoil_entry, counterfoil_block")
        database = Database(made.address)
        create_sql_log(database, read_key(made.key))
        database.close()
        with made.open() as insider:
            insider.record(stub(2))
        with pytest.raises(LogError, match="others than those"):
            ledger.record(stub(3))


def test_a_writer_with_the_key_of_another_ledger_writes_nothing(made: Made, tmp_path: Path) -> None:
    """Its signatures would be worth nothing."""
    other = made.server.address(made.server.place())
    create(other, ORIGIN, tmp_path / "other.key")
    with pytest.raises(LogTamperedError, match="not ours"):
        SqlLedger.open(made.address, tmp_path / "other.key")


def test_a_database_that_does_not_sync_is_refused(made: Made) -> None:
    """It says that it has committed what a power cut takes away."""
    user = f"{made.name}_fast"
    made.do(f"CREATE ROLE {user} LOGIN SUPERUSER", f"ALTER ROLE {user} SET synchronous_commit = off")
    with pytest.raises(LogError, match="synchronous_commit is off"):
        SqlLedger.open(made.server.address(made.name, user), made.key)


def test_an_issuer_needs_few_rights(made: Made) -> None:
    """It reads, adds entries and moves the head; it can neither change nor delete what is there."""
    user = f"{made.name}_issuer"
    made.do(
        f"CREATE ROLE {user} LOGIN",
        f"GRANT USAGE ON SCHEMA {made.name} TO {user}",
        f"GRANT SELECT, INSERT ON counterfoil_entry, counterfoil_block TO {user}",
        f"GRANT SELECT, UPDATE ON counterfoil_head TO {user}",
    )
    with SqlLedger.open(made.server.address(made.name, user), made.key) as ledger:
        fill(ledger, 0, 300)
        assert ledger.size() == 300
    assert len(kept(stored_at(made.server.address(made.name, user)))) == 300
    with psycopg.connect(made.server.address(made.name, user), autocommit=True) as connection:
        for done in (_CHANGED, "DELETE FROM counterfoil_entry", "DELETE FROM counterfoil_head"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(done.encode())


def test_a_service_file_says_where_and_who(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Password, host and options are in a file of the user's own; the schema that it chooses is the one."""
    lines = ("[ledger]", f"host={made.server.socket}", f"user={made.server.user}", "dbname=postgres",
             f"options=-csearch_path={made.name}")
    (tmp_path / "services").write_text("\n".join(lines))
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services"))
    with SqlLedger.open("postgresql:///?service=ledger", made.key) as ledger:
        ledger.record(stub(0))
    assert kept(stored_at(made.address)) == [stub(0)]


def test_a_writer_that_hangs_is_thrown_out(made: Made) -> None:
    """The server ends its transaction, so that others need not wait for it; nothing of it is kept."""
    database = Database(made.address)
    with pytest.raises(LogError, match="idle-in-transaction"), database.transaction() as connection:
        database.head(connection, locked=True)
        assert connection.execute(text("SHOW idle_in_transaction_session_timeout")).scalar_one() == "10s"
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 1"))
        with made.open() as ledger:
            assert ledger.record(stub(0)) == 0
        connection.execute(text("UPDATE counterfoil_head SET size = 7"))
    database.close()
    assert kept(stored_at(made.address)) == [stub(0)]


ADDRESSES = [
    ("a password before the host", "postgresql://idp:s3cret@localhost/x", "holds a password"),
    ("a password as a parameter", "postgresql://localhost/x?password=s3cret", "holds a password"),
    ("no address", "postgresql://s3cret host/x?y", "no address"),
]


@pytest.mark.parametrize(("what", "address", "told"), ADDRESSES, ids=[row[0] for row in ADDRESSES])
def test_an_address_with_a_password_is_refused_and_not_repeated(what: str, address: str, told: str) -> None:
    """Arguments are seen by everybody on a machine."""
    with pytest.raises(UsageError, match=told) as refused:
        stored_at(address)
    assert "s3cret" not in f"{refused.value} {refused.value.hint}", what


def test_a_ledger_is_made_once_and_its_key_is_never_overwritten(made: Made, tmp_path: Path) -> None:
    """Neither in the database nor in the file; a key that others can read is not used."""
    before = made.key.read_bytes()
    with pytest.raises(LogError, match="exists"):
        create(made.server.address(made.server.place()), ORIGIN, made.key)
    with pytest.raises(UsageError, match="holds a log already"):
        create(made.address, ORIGIN, tmp_path / "new.key")
    assert made.key.read_bytes() == before
    assert not (tmp_path / "new.key").exists()
    made.key.chmod(0o644)
    with pytest.raises(KeyStoreError, match="everybody may read"):
        made.open()


def test_a_server_that_is_out_of_reach_is_one_line(tmp_path: Path) -> None:
    """With what to look at, and without a hang."""
    with pytest.raises(LogError, match="postgresql") as told:
        stored_at(f"postgresql:///x?host={tmp_path}").key()
    assert "\n" not in str(told.value)


def test_every_ledger_command_takes_the_address_of_a_database(
    postgres: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Made, verified, witnessed while a mint has it open, exported, counted, proven, and found out."""
    address, key, drop = postgres.address(postgres.place()), tmp_path / "log.key", tmp_path / "kept"
    drop.mkdir()
    told = run(capsys, "ledger", "init", address, "--origin", ORIGIN, "--key", str(key))
    assert (told.code, key.stat().st_mode & 0o777) == (0, 0o600)
    (tmp_path / "log.vkey").write_text(told.out)
    pinned = ("--log-key", str(tmp_path / "log.vkey"))
    with SqlLedger.open(address, key) as ledger:
        fill(ledger, 0, 5)
        (tmp_path / "head").write_text(run(capsys, "ledger", "witness", address, "--witness", str(drop)).out)
        ledger.record(stub(5))
    kept_one = ("--checkpoint", str(tmp_path / "head"))
    told = run(capsys, "ledger", "verify", address, *pinned, *kept_one)
    assert (told.code, "6 counterfoils, as they were recorded; it extends the checkpoint of 5" in told.out) == (0, True)
    assert len([path for path in drop.rglob("*") if path.is_file()]) == 1
    assert "6" in run(capsys, "ledger", "count", address).out
    assert run(capsys, "ledger", "export", address, "--output", str(tmp_path / "export.jsonl")).code == 0
    assert len((tmp_path / "export.jsonl").read_text().splitlines()) == 7
    (tmp_path / "proof.json").write_text(run(capsys, "ledger", "prove", address, "t-2", *kept_one).out)
    assert run(capsys, "ledger", "check", str(tmp_path / "proof.json"), *pinned, *kept_one).code == 0
    postgres.do(address.rpartition("%3D")[2], f"{_CHANGED} WHERE index = 3")
    told = run(capsys, "ledger", "verify", address, *pinned)
    assert (told.code, "NOT AS RECORDED" in told.out) == (1, True)


def test_commands_tell_what_is_wrong_with_an_address(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line and exit code 2; a password among the arguments is not repeated."""
    for command in (["verify"], ["export"], ["count"], ["witness"], ["init", "--origin", ORIGIN, "--key", "new.key"]):
        told = run(capsys, "ledger", command[0], "postgresql://idp:s3cret@localhost/x", *command[1:])
        assert (told.code, "password" in told.err, "s3cret" in told.err + told.out) == (2, True, False)
    assert "--key is needed" in run(capsys, "ledger", "init", "postgresql://localhost/x", "--origin", ORIGIN).err
    folder = run(capsys, "ledger", "init", str(tmp_path / "new"), "--origin", ORIGIN, "--key", str(tmp_path / "k"))
    assert "holds its own" in folder.err


def test_commands_record_and_mint_into_a_database(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An issuer that keeps its own code pipes to `record`; `token mint` mints: both counterfoils are in the ledger."""
    header, payload = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
        for part in (
            {"alg": "ES256", "kid": "k1", "typ": "at+jwt"},
            {"iss": ISSUER, "jti": "own-1", "aud": "api://mail", "iat": 1_780_000_000, "exp": 1_780_003_600},
        )
    )
    line = json.dumps({"input": f"{header}.{payload}", "grant": "client_credentials"}) + "\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(line.encode())))
    told = run(capsys, "ledger", "record", made.address, "--key", str(made.key))
    assert (told.code, json.loads(told.out)["jti"]) == (0, "own-1")
    custody_in(tmp_path / "custody").close()
    (tmp_path / "mint.toml").write_text(MINT_POLICY)
    (tmp_path / "claims.json").write_text(json.dumps(CLAIMS))
    subjects = tmp_path / "subjects.toml"
    assert run(capsys, "token", "subject-key", str(subjects), "--from", "2026-01-01").code == 0
    parts = ("--policy", tmp_path / "mint.toml", "--store", tmp_path / "custody", "--subject-keys", subjects)
    told = run(capsys, "token", "mint", tmp_path / "claims.json", *parts, "--ledger", made.address)
    assert (told.code, told.out, "--ledger-key is needed" in told.err) == (2, "", True)
    ledger = ("--ledger", made.address, "--ledger-key", made.key)
    told = run(capsys, "token", "mint", tmp_path / "claims.json", *parts, *ledger)
    digest = hashlib.sha256(told.out.strip().rpartition(".")[0].encode()).hexdigest()
    assert [counterfoil.digest for counterfoil in kept(stored_at(made.address))][1:] == [digest]
