"""Founds an estate: custody, ledger, witness, subject keys; and the old keys of which a thief has copies."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from counterfoil.custody import founding
from counterfoil.custody.algorithm import Algorithm
from counterfoil.custody.custody import Custody
from counterfoil.custody.settings import FILE as SETTINGS_FILE
from counterfoil.lab.estate.clock import Clock
from counterfoil.lab.estate.settings import COUNTER_ORIGIN, CUSTODY_ORIGIN, LEDGER_ORIGIN, Realm
from counterfoil.mint.ledger import FileLedger
from counterfoil.tokens.pseudonym import SubjectKey

SUBJECT_KEY_ID = "lab"
COUNTER_KEY = "counter"

# How its keys live: relying parties may keep them for a minute.
LIFE = '\n[life]\njwks = "jwks.json"\ncache_seconds = 60.0\n'


@dataclass(frozen=True)
class StolenKey:
    """A private key that was copied before it came into custody, with the kid that it has there."""

    realm: Realm
    kid: str
    private: ec.EllipticCurvePrivateKey = field(repr=False)


@dataclass(frozen=True)
class Founded:
    """What was founded. `dead_kid`: the consumer realm's first key, which was rotated; the thief has that one."""

    stolen: dict[Realm, StolenKey]
    dead_kid: str
    kids: tuple[str, ...]


def found(path: Path, secret: bytes, clock: Clock) -> Founded:
    """Found an estate in a folder with a clock; the consumer realm's first key is rotated. `secret`: subject key."""
    (path / "witness").mkdir()
    stolen: dict[Realm, StolenKey] = {}
    founding.found(path / "custody", "file", CUSTODY_ORIGIN, {})
    with (path / "custody" / SETTINGS_FILE).open("a") as settings:
        settings.write(LIFE)
    with Custody.open(path / "custody", clock=clock.now) as custody:
        for realm in Realm:
            key = ec.generate_private_key(ec.SECP256R1())
            pem = path / f"{realm}.pem"
            pem.touch(0o600)
            pem.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
            version = custody.attach(realm, str(pem), purpose="taken over from a server's disk")
            pem.unlink()
            stolen[realm] = StolenKey(realm, version.kid, key)
        custody.rotate(Realm.CONSUMER, purpose="the old key's time is over")
        kids = tuple(version.kid for version in custody.keys(purpose="to pin them"))
    founding.found(path / "counter", "file", COUNTER_ORIGIN, {})
    with Custody.open(path / "counter", clock=clock.now) as counter:
        counter.create(COUNTER_KEY, Algorithm.ES256)
    FileLedger.open(path / "ledger", LEDGER_ORIGIN).close()
    (path / "subject.key").touch(0o600)
    (path / "subject.key").write_bytes(secret)
    return Founded(stolen, stolen[Realm.CONSUMER].kid, kids)


def subject_key(path: Path) -> SubjectKey:
    """Return the key of pseudonyms of the estate in a folder."""
    return SubjectKey(SUBJECT_KEY_ID, (path / "subject.key").read_bytes())
