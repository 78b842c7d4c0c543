"""Makes mints for tests: custody in encrypted files, a ledger in a folder, and the policies that fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from counterfoil.custody import founding
from counterfoil.custody.algorithm import Algorithm
from counterfoil.custody.custody import Custody, utc_now
from counterfoil.mint.countersign import Countersigner
from counterfoil.mint.ledger import FileLedger
from counterfoil.mint.mint import Mint
from counterfoil.mint.policy import MintPolicy
from counterfoil.tokens.policy import TokenPolicy
from counterfoil.tokens.pseudonym import SubjectKey

ISSUER, AUDIENCE, CLIENT = "https://login.example", "api://mail", "mail-client"
ORIGIN = "ledger.example/idp"
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
CLAIMS = {"sub": "alice", "aud": AUDIENCE, "client_id": CLIENT}
SUBJECTS = SubjectKey("k1", b"0123456789abcdef0123456789abcdef")
MINT_POLICY = f"""
schema = "counterfoil.mint-policy/1"

[[mint]]
name = "access"
issuer = "{ISSUER}"
key = "idp"
class = "access"
audiences = ["{AUDIENCE}", "api://files"]
grants = ["authorization_code", "client_credentials", "refresh_token", "token_exchange", "other"]
"""


def token_policy(file: str, issuer: str, *audiences: str) -> str:
    """Return a policy by which the keys of a document sign one issuer's access tokens, taken for these audiences."""
    return f"""
schema = "counterfoil.token-policy/1"

[[keys]]
file = "{file}"
issuers = ["{issuer}"]
classes = ["access"]

[[flow]]
name = "mail"
class = "access"
issuers = ["{issuer}"]
audiences = [{", ".join(f'"{one}"' for one in audiences)}]
"""


TOKEN_POLICY = token_policy("jwks.json", ISSUER, AUDIENCE)


@dataclass(frozen=True)
class Made:
    """A mint with its parts."""

    mint: Mint
    custody: Custody
    ledger: FileLedger

    def verifying(self, text: str = TOKEN_POLICY) -> TokenPolicy:
        """Return a token policy over the keys of custody."""
        return TokenPolicy.from_toml(text, {"jwks.json": jwks(self.custody)})


def jwks(custody: Custody) -> bytes:
    """Return the public keys of a custody."""
    return msgspec.json.encode({"keys": [version.jwk() for version in custody.keys(purpose="to publish them")]})


def custody_in(
    path: Path, key: str = "idp", origin: str = "custody.example/idp", clock: Callable[[], datetime] = utc_now
) -> Custody:
    """Return an opened custody in new encrypted files, with one key."""
    founding.found(path, "file", origin, {})
    custody = Custody.open(path, clock=clock)
    custody.create(key, Algorithm.ES256)
    return custody


@contextmanager
def making(
    path: Path, text: str = MINT_POLICY, *, countersigner: Countersigner | None = None,
    clock: Callable[[], datetime] = lambda: NOW,
) -> Iterator[Made]:
    """Yield a mint over new custody and a new ledger in `path`."""
    with custody_in(path / "custody") as custody, FileLedger.open(path / "ledger", ORIGIN) as ledger:
        policy = MintPolicy.from_toml(text)
        mint = Mint(custody, ledger, policy, SUBJECTS, countersigner=countersigner, clock=clock)
        yield Made(mint, custody, ledger)
