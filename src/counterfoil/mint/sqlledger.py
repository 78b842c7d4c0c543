"""The ledger in a PostgreSQL database, for several issuers that share one (extra `postgres`).

with SqlLedger.open("postgresql://issuer@db.example/ledger", Path("log.key")) as ledger:
ledger.record(counterfoil)
"""

from __future__ import annotations

from pathlib import Path
from typing import Self

from counterfoil.custody import private_file
from counterfoil.errors import LogError
from counterfoil.mint.ledger import Ledger
from counterfoil.tlog import note
from counterfoil.tlog.sqllog import Database, create_sql_log, open_sql_log
from counterfoil.tlog.witness import Witness

MAX_KEY_BYTES = 4_096


class SqlLedger(Ledger):
    """A ledger in a database, which several processes on several machines write at once."""

    @classmethod
    def open(cls, address: str, key: Path, witnesses: tuple[Witness, ...] = ()) -> Self:
        """Open the ledger at a libpq address without a password; `key`: the file of the log's private key.

        Its head is checked, its entries are not read. Raises UsageError, KeyStoreError for a key file that cannot be
        used, LogError if the ledger is absent or out of reach, LogTamperedError if others have signed its head.
        """
        database = Database(address)
        try:
            return cls(open_sql_log(database, read_key(key)), witnesses)
        except BaseException:
            database.close()
            raise


def create(address: str, origin: str, key: Path) -> note.VerifierKey:
    """Make an empty ledger and its private key, in a new file; returns the public key.

    Raises UsageError if there is a ledger, LogError if the file exists or the database is out of reach.
    """
    database, signer = Database(address), note.SignerKey.generate(origin)
    if key.exists():
        raise LogError(f"{key} exists", hint="a log's private key is never overwritten: name a new file")
    try:
        private_file.replace(key, f"{signer.render()}\n")
        try:
            create_sql_log(database, signer)
        except BaseException:
            key.unlink()
            raise
    finally:
        database.close()
    return signer.verifier()


def read_key(path: Path) -> note.SignerKey:
    """Return the private key of a log; KeyStoreError if others may read the file, InputError if it holds none."""
    text, _ = private_file.read(path, MAX_KEY_BYTES)
    return note.SignerKey.parse(text)
