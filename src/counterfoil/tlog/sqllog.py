"""A log in a PostgreSQL database, which several processes write at once.

    counterfoil_head    one row: the log's public key, the size and peaks of the tree, its signed root
    counterfoil_entry   an entry a row, numbered from 0
    counterfoil_block   the hash of every 256 entries, so that a proof need not read all of them

A write is a transaction that holds the row of the head: it adds entries, their blocks and the new signed head, or
nothing. So writers take turns, numbers have no gaps, and there is one history. The private key that signs heads is in a
file beside the issuer, never in the database: whoever may write there can destroy the log, but not rewrite it.
Entries are durable when `append` returns: the server must sync what it commits, which is asked of it at the start.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import conninfo
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    Engine,
    LargeBinary,
    MetaData,
    Row,
    SmallInteger,
    Table,
    Text,
    case,
    create_engine,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.exc import SQLAlchemyError

from counterfoil.errors import InputError, LogError, LogGapError, LogTamperedError, UsageError
from counterfoil.tlog import note, tiles
from counterfoil.tlog.checkpoint import Checkpoint
from counterfoil.tlog.filelog import Cosign
from counterfoil.tlog.group import Group, Waiting
from counterfoil.tlog.merkle import EMPTY_ROOT, HASH_BYTES, leaf_hash
from counterfoil.tlog.replay import Visit
from counterfoil.tlog.tree import Edge, Tree, View, hashed
from counterfoil.tlog.verified import Verified

FORM = 1
# Connections of one process: one writes, others read.
MAX_CONNECTIONS = 4
CONNECT_SECONDS = 10
# Rows that are fetched at once while a log is read.
FETCH_ROWS = 2_048
# A writer that hangs between two statements is thrown out, so that others need not wait for it; and so is a statement.
IDLE_SECONDS, STATEMENT_SECONDS = 10, 60
_LIMITS = (
    f"SET idle_in_transaction_session_timeout = '{IDLE_SECONDS}s'; SET statement_timeout = '{STATEMENT_SECONDS}s'"
).encode()
# What of each column of the head is read: the peaks of the largest tree take half.
MAX_HEAD_BYTES = 4_096
_BOUNDED = ("vkey", "peaks", "root", "signature")

_METADATA = MetaData()
_HEAD = Table(
    "counterfoil_head", _METADATA,
    Column("single", Boolean, CheckConstraint("single"), primary_key=True),
    Column("form", SmallInteger, nullable=False),
    Column("vkey", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("peaks", LargeBinary, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
)
_ENTRY = Table(
    "counterfoil_entry", _METADATA,
    Column("index", BigInteger, primary_key=True, autoincrement=False),
    Column("entry", LargeBinary, nullable=False),
)
# An entry, or NULL for one that is larger than any that is recorded: it is not even fetched.
_READ = case((func.octet_length(_ENTRY.c.entry) <= tiles.MAX_ENTRY_BYTES, _ENTRY.c.entry)).label("entry")
_BLOCK = Table(
    "counterfoil_block", _METADATA,
    Column("index", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
)


@dataclass(frozen=True)
class _Head:
    """The row of the head: the tree and the signature over it, not checked yet."""

    key: note.VerifierKey
    size: int
    peaks: bytes
    root: bytes
    signature: bytes

    @classmethod
    def of(cls, row: Row[Any]) -> _Head:
        """Read the row."""
        told = row._mapping
        if told["form"] != FORM:
            raise LogError(f"the log is of form {told['form']}, this program knows {FORM}", hint="update counterfoil")
        peaks, root, signature = (bytes(told[name]) for name in ("peaks", "root", "signature"))
        try:
            found = cls(note.VerifierKey.parse(told["vkey"]), told["size"], peaks, root, signature)
            _ = found.note
        except InputError as error:
            raise LogTamperedError(f"the head of the log is none: {error}") from error
        return found

    @property
    def note(self) -> note.Note:
        """The signed checkpoint."""
        told = Checkpoint(self.key.name, self.size, self.root).text()
        return note.signed(told, [note.Signature(self.key.name, self.key.key_id, self.signature)])

    def checked(self, where: str) -> Edge:
        """Return the tree's edge, after its root and its signature; LogTamperedError if it is not what was signed."""
        peaks = [self.peaks[place : place + HASH_BYTES] for place in range(0, len(self.peaks), HASH_BYTES)]
        try:
            edge = Edge(self.size, peaks)
        except ValueError as error:
            raise LogTamperedError(f"log {where}: the tree of its head: {error}") from error
        if edge.root() != self.root:
            raise LogTamperedError(f"log {where}: the tree of its head has another root than the one signed")
        self.key.check(self.note)
        return edge


class Database:
    """Where a log is: an address without a password, and the connections to it. Every failure is a LogError."""

    def __init__(self, address: str) -> None:
        """Use the database at `address`, such as postgresql://issuer@db.example/ledger or postgresql:///?service=idp.

        Raises UsageError for an address that is none, or that holds a password. Nothing is connected yet.
        """
        try:
            parts = conninfo.conninfo_to_dict(address)
        except psycopg.Error:
            raise UsageError(
                "no address of a PostgreSQL database", hint="postgresql://user@host/database"
            ) from None  # the cause quotes the address, which may hold a password
        if "password" in parts:
            raise UsageError(
                "the address of the ledger holds a password, which others can read here",
                hint="keep it in ~/.pgpass (PGPASSFILE), or name a service",
            )
        named = [str(parts[part]) for part in ("host", "port", "dbname", "service") if part in parts]
        self.where = f"postgresql {' '.join(named)}".strip()
        self.parts = parts
        self._engine: Engine = create_engine(
            "postgresql+psycopg://", creator=self._connect, pool_size=MAX_CONNECTIONS, max_overflow=0,
            pool_pre_ping=True, hide_parameters=True, isolation_level="READ COMMITTED",
        )

    def _connect(self) -> psycopg.Connection[tuple[object, ...]]:
        """Connect, with the limits of this program. Options of the user's own (service file, PGOPTIONS) stay."""
        told = {"connect_timeout": CONNECT_SECONDS, "fallback_application_name": "counterfoil", **self.parts}
        connection = psycopg.connect(conninfo.make_conninfo("", **told), autocommit=True)
        connection.execute(_LIMITS)
        connection.autocommit = False
        return connection

    @contextmanager
    def transaction(self, *, reads: bool = False) -> Iterator[Connection]:
        """Give a transaction, committed at the end; `reads`: it sees one moment and changes nothing."""
        try:
            with self._engine.connect() as connection:
                if reads:
                    connection = connection.execution_options(
                        isolation_level="REPEATABLE READ", postgresql_readonly=True
                    )
                with connection.begin():
                    if reads:  # who reads holds nobody up, and may hand on entries to somebody slow
                        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
                    yield connection
        except SQLAlchemyError as error:
            told = str(getattr(error, "orig", None) or error).strip().partition("\n")[0][:300]
            raise LogError(f"log {self.where}: {told}", hint="is the server up, and may this user do that?") from error

    def close(self) -> None:
        """Close the connections; harmless if done."""
        self._engine.dispose()

    def head(self, connection: Connection, *, locked: bool = False) -> _Head:
        """Return the head; `locked`: nobody else writes until the transaction ends. LogError if there is no log."""
        texts = (func.substr(_HEAD.c[name], 1, MAX_HEAD_BYTES).label(name) for name in _BOUNDED)
        asked = select(_HEAD.c.form, _HEAD.c.size, *texts)
        row = connection.execute(asked.with_for_update() if locked else asked).one_or_none()
        if row is None:
            raise LogError(f"no log in {self.where}", hint="counterfoil ledger init makes one")
        return _Head.of(row)

    def leaves(self, block: int) -> list[bytes]:
        """Return the hashes of the entries of a full block."""
        first = block * tiles.WIDTH
        with self.transaction(reads=True) as connection:
            found = _entries(connection, first, first + tiles.WIDTH)
        if len(found) != tiles.WIDTH:
            raise LogGapError(f"log {self.where}: entries {first} to {first + tiles.WIDTH - 1} are not all there")
        return hashed(found)


class InDatabase:
    """A log at rest in a database (`stored.Stored`)."""

    def __init__(self, database: Database) -> None:
        """Read that database."""
        self._database = database

    def key(self) -> note.VerifierKey:
        """Return the log's public key, as the database says."""
        with self._database.transaction(reads=True) as connection:
            return self._database.head(connection).key

    def verified(self, visit: Visit | None = None, key: note.VerifierKey | None = None) -> Verified:
        """Read and verify all of it, as it is at one moment; see `Stored.verified`."""
        where, tree = self._database.where, Tree()
        with self._database.transaction(reads=True) as connection:
            head = self._database.head(connection)
            if key is not None and head.key != key:
                raise LogTamperedError(f"log {where}: expected the key {key.render()}, found {head.key.render()}")
            head.checked(where)
            self._read(connection, head, tree, visit)
            blocks = _blocks(connection, head.size // tiles.WIDTH + 1)
        if tree.size != head.size:
            there = "more" if tree.size > head.size else tree.size  # not all of them were read
            raise LogGapError(
                f"log {where}: its head is of {head.size} entries, there are {there}",
                hint="entries were deleted, or added by somebody who cannot sign",
            )
        if tree.root() != head.root:
            raise LogTamperedError(
                f"log {where}: its {head.size} entries are not those that it signed", hint="an entry was changed"
            )
        if blocks != tree.blocks:
            raise LogTamperedError(f"log {where}: the hashes of its blocks are not those of its entries")
        return Verified(head.key, head.note, tree.view(self._database.leaves))

    def publish(self, cosign: Cosign | None = None) -> note.Note:
        """Return its signed checkpoint, after all of it was verified; needs no private key (`submit.Publishing`)."""
        found = self.verified()
        return _cosigned(found.head, found.view, cosign)

    def _read(self, connection: Connection, head: _Head, tree: Tree, visit: Visit | None) -> None:
        """Read entries into the tree, each after the one before; a full block is kept as its hashes only."""
        waiting: list[bytes] = []
        rows = connection.execution_options(yield_per=FETCH_ROWS).execute(
            select(_ENTRY.c.index, _READ).order_by(_ENTRY.c.index).limit(head.size + 1)
        )
        for expected, row in enumerate(rows):
            index, entry = int(row[0]), _entry(row[1])
            if index != expected:
                raise LogGapError(
                    f"log {self._database.where}: entry {expected} is missing, the next is {index}",
                    hint="entries were deleted",
                )
            if visit is not None and index < head.size:
                visit(index, entry)
            waiting.append(entry)
            if len(waiting) == tiles.WIDTH:
                tree.append_block(hashed(waiting))
                waiting.clear()
        for entry in waiting:
            tree.append(entry, leaf_hash(entry))


class SqlLog:
    """A writer of a log in a database. Threads may share it, and other processes may write at the same time."""

    def __init__(self, database: Database, key: note.SignerKey) -> None:
        """Use `open_sql_log`."""
        self._database, self._key = database, key
        self._verifier = key.verifier()
        self._last, self._closed = (0, EMPTY_ROOT), False
        self._group = Group(self._commit, f"log {database.where}")

    @property
    def origin(self) -> str:
        """The name of the log."""
        return self._key.name

    @property
    def key(self) -> note.VerifierKey:
        """The public key of the log."""
        return self._verifier

    def append(self, entry: bytes) -> int:
        """Make an entry durable and return its index.

        LogError: whether it is in the log is not known (a connection may break after the server has committed), so act
        as if it were, and release nothing. The next entry tries again.
        """
        return self._group.append(entry)

    def _commit(self, batch: list[Waiting]) -> None:
        if self._closed:
            raise LogError(f"log {self._database.where}: closed")
        with self._database.transaction() as connection:
            head = self._database.head(connection, locked=True)
            tree = self._grown_from(head)
            first, blocks = tree.size, list[dict[str, object]]()
            for index, waiting in enumerate(batch, first):
                waiting.index = index
                block = tree.append(waiting.leaf)
                if block is not None:
                    blocks.append({"index": index // tiles.WIDTH, "hash": block})
            connection.execute(
                insert(_ENTRY), [{"index": waiting.index, "entry": waiting.entry} for waiting in batch]
            )
            if blocks:
                connection.execute(insert(_BLOCK), blocks)
            connection.execute(update(_HEAD).values(self._signed(tree)))
        self._last = (tree.size, tree.root())

    def _grown_from(self, head: _Head) -> Edge:
        """Return the tree to add to, after its head was checked: nothing is signed that others have made up."""
        if head.key != self._verifier:
            raise LogTamperedError(f"log {self._database.where}: its key is {head.key.render()}, not ours")
        size, root = self._last
        if head.size < size:
            raise LogGapError(
                f"log {self._database.where}: it has {head.size} entries, and had {size}",
                hint="the database was replaced by an older copy: compare with what the witnesses keep",
            )
        if head.size == size and head.root != root:
            raise LogTamperedError(
                f"log {self._database.where}: its {size} entries are others than those that were there",
                hint="somebody who has the log's private key wrote another history",
            )
        return head.checked(self._database.where)

    def _signed(self, tree: Edge) -> dict[str, object]:
        root = tree.root()
        told = Checkpoint(self.origin, tree.size, root).text()
        return {
            "size": tree.size, "peaks": b"".join(tree.peaks), "root": root,
            "signature": self._key.private.sign(told.encode()),
        }

    def view(self) -> View:
        """Return the tree as it is."""
        return self._seen()[1]

    def publish(self, cosign: Cosign | None = None) -> note.Note:
        """Return the signed checkpoint of the log as it is, with cosignatures if asked; raises what `cosign` raises."""
        head, view = self._seen()
        return _cosigned(head.note, view, cosign)

    def _seen(self) -> tuple[_Head, View]:
        """Return head and tree of one moment, from the hashes of blocks and the last entries."""
        with self._database.transaction(reads=True) as connection:
            head = self._database.head(connection)
            self._grown_from(head)
            full = head.size // tiles.WIDTH
            blocks = tuple(_blocks(connection, full))
            last = _entries(connection, full * tiles.WIDTH, head.size)
        leaves = tuple(hashed(last))
        view = View(full * tiles.WIDTH, blocks, leaves, tuple(last), head.size, self._database.leaves)
        if len(blocks) != full or view.root() != head.root:
            raise LogTamperedError(f"log {self._database.where}: its blocks are not those of its signed head")
        return head, view

    def close(self) -> None:
        """Close the connections; harmless if done. The log must not be used afterwards."""
        self._closed = True
        self._database.close()


def _cosigned(head: note.Note, view: View, cosign: Cosign | None) -> note.Note:
    return note.signed(head.text, [*head.signatures, *(cosign(head, view) if cosign is not None else ())])


def _entries(connection: Connection, begin: int, end: int) -> list[bytes]:
    asked = select(_READ).where(_ENTRY.c.index >= begin, _ENTRY.c.index < end).order_by(_ENTRY.c.index)
    return [_entry(row[0]) for row in connection.execute(asked)]


def _entry(read: bytes | None) -> bytes:
    if read is None:
        raise LogTamperedError(f"log: an entry has more than {tiles.MAX_ENTRY_BYTES} bytes", hint="it was changed")
    return bytes(read)


def _blocks(connection: Connection, most: int) -> list[bytes]:
    asked = select(func.substr(_BLOCK.c.hash, 1, HASH_BYTES + 1)).order_by(_BLOCK.c.index).limit(most)
    return [bytes(row[0]) for row in connection.execute(asked)]


def create_sql_log(database: Database, key: note.SignerKey) -> None:
    """Make an empty log, with its tables if they are not there; UsageError if there is one already."""
    told = Checkpoint(key.name, 0, EMPTY_ROOT).text()
    row = {
        "single": True, "form": FORM, "vkey": key.verifier().render(), "size": 0, "peaks": b"", "root": EMPTY_ROOT,
        "signature": key.private.sign(told.encode()),
    }
    with database.transaction() as connection:
        _METADATA.create_all(connection)
        if connection.execute(select(_HEAD.c.single)).first() is not None:
            raise UsageError(f"{database.where} holds a log already", hint="another database, or schema (search_path)")
        connection.execute(insert(_HEAD), row)


def open_sql_log(database: Database, key: note.SignerKey) -> SqlLog:
    """Open a log for writing, and check its head. `key`: its private key, which every writer has.

    Raises LogError if there is none or the server does not sync what it commits, LogTamperedError if its head is not
    what was signed with that key. The entries are not read: whoever verifies does that.
    """
    with database.transaction(reads=True) as connection:
        log = SqlLog(database, key)
        log._grown_from(database.head(connection))
        for setting in ("fsync", "synchronous_commit"):
            if connection.execute(text(f"SHOW {setting}")).scalar_one() == "off":
                raise LogError(
                    f"log {database.where}: {setting} is off: an entry could be lost after a token was handed out",
                    hint=f"ALTER SYSTEM SET {setting} = on",
                )
    return log
