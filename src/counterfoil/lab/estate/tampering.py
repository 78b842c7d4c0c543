"""The insider who holds the ledger's log key: he writes counterfoils of forged tokens, at its end or into its past."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from counterfoil.lab.estate.founding import StolenKey, subject_key
from counterfoil.lab.estate.notes import Presented
from counterfoil.mint.ledger import FileLedger, decode
from counterfoil.model.counterfoil import Counterfoil, Grant
from counterfoil.tlog import note, replay, wal
from counterfoil.tlog.checkpoint import Checkpoint
from counterfoil.tlog.filelog import open_log
from counterfoil.tlog.folder import Folder
from counterfoil.tlog.merkle import EMPTY_ROOT


def append(path: Path, forged: Iterable[Presented], key: StolenKey) -> None:
    """Write the counterfoils of forged tokens to the end of the estate's ledger, with its own key."""
    with FileLedger.open(path / "ledger") as ledger:
        for held in forged:
            ledger.record(counterfoil(path, held, key))


def rewrite(path: Path, forged: Iterable[Presented], key: StolenKey) -> None:
    """Make the ledger anew, signed with its own key, the counterfoils of forged tokens in their places in time."""
    old = path / "ledger"
    kept: list[Counterfoil] = []
    found = replay.replay(Folder(old), lambda index, raw: kept.append(decode(raw, index)))
    kept += [counterfoil(path, held, key) for held in forged]
    secret = (old / replay.SECRET_FILE).read_bytes()
    old.rename(path / "ledger.before")
    folder = Folder(old)
    folder.make()
    _empty(folder, secret, found.key)
    with FileLedger(open_log(old)) as ledger:
        for stub in sorted(kept, key=lambda stub: stub.time):
            ledger.record(stub)


def counterfoil(path: Path, held: Presented, key: StolenKey) -> Counterfoil:
    """Return the counterfoil that a forged token would have, had it been minted."""
    claims = held.claims
    issued = datetime.fromtimestamp(claims["iat"], UTC)
    return Counterfoil(
        time=issued + timedelta(milliseconds=1), jti=claims["jti"], digest=held.digest, kid=key.kid, alg="ES256",
        typ="at+jwt", iss=claims["iss"], aud=(claims["aud"],),
        subject=subject_key(path).pseudonym(claims["iss"], claims["sub"]), token_class="access",  # noqa: S106
        client=claims["client_id"], iat=issued, exp=datetime.fromtimestamp(claims["exp"], UTC), grant=Grant.CODE,
        policy=str(key.realm),
    )


def _empty(folder: Folder, secret: bytes, public: note.VerifierKey) -> None:
    """Lay an empty log with an old key."""
    key = note.SignerKey.parse(secret.decode().strip())
    empty = Checkpoint(public.name, 0, EMPTY_ROOT)
    folder.put(replay.SECRET_FILE, secret)
    folder.put(replay.HEAD_FILE, b"")
    folder.put(replay.WAL_FILE, wal.Mark(0, empty.root, key.sign(empty.text()).value).pack())
    folder.put(replay.KEY_FILE, f"{public.render()}\n".encode())
