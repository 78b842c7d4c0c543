"""What an estate is made of: who lives there, its flaws, where its parts answer. A file for its processes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import msgspec

from counterfoil.lab.estate.clock import FILE as CLOCK_FILE
from counterfoil.lab.estate.clock import Clock

FILE = "estate.json"
MAX_BYTES = 64 * 1024
HOST = "127.0.0.1"
USERS = ("alice", "bob", "carol", "dora")
PASSWORD = "only for the lab"  # noqa: S105  # opens nothing but an estate on loopback
MAIL, FILES = "api://mail", "api://files"
WEB, DAEMON, MAIL_SERVICE = "mail-web", "nightly-backup", "mail-service"
LEDGER_ORIGIN, CUSTODY_ORIGIN, COUNTER_ORIGIN = "ledger.lab/idp", "custody.lab/idp", "custody.lab/counter"


class Realm(StrEnum):
    """Who an issuer speaks for. `service`: what the mail service gives out itself, in exchange."""

    ORG = "org"
    CONSUMER = "consumer"
    SERVICE = "service"


class Flaw(StrEnum):
    """A flaw of 2023 (or one like it) that an estate can have."""

    MERGED_KEYS = "merged-keys"  # one JWKS of all realms, and services that do not ask which realm a key is for
    SELF_RENEWAL = "self-renewal"  # where tokens are renewed, those given out there are renewed again
    DEAD_KEYS = "dead-keys"  # nobody looks at when a key's time was over
    NO_RECEIPTS = "no-receipts"  # the file service keeps none
    SAMPLED = "sampled"  # services keep receipts of half of what they accept
    UNPINNED = "unpinned"  # services take whatever key stands in the issuer's JWKS
    UNSIGNED_ACTORS = "unsigned-actors"  # the file service believes tokens with alg none


@dataclass(frozen=True, kw_only=True)
class Estate:
    """An estate. Ports are of loopback; `socket`, `counter_socket`: the signers'."""

    path: Path
    issuer_port: int
    mail_port: int
    files_port: int
    socket: Path
    counter_socket: Path
    flaws: tuple[Flaw, ...] = ()
    countersigned: bool = False
    dead_kid: str = ""
    kids: tuple[str, ...] = ()  # thumbprints of the issuer's own keys

    @property
    def issuer_url(self) -> str:
        """Where the issuer answers."""
        return f"http://{HOST}:{self.issuer_port}"

    @property
    def clock(self) -> Clock:
        """The time there."""
        return Clock(self.path / CLOCK_FILE)

    def issuer(self, realm: Realm) -> str:
        """Return the `iss` of a realm."""
        return f"{self.issuer_url}/{realm}"

    def service(self, audience: str) -> str:
        """Return where a service answers."""
        return f"http://{HOST}:{self.mail_port if audience == MAIL else self.files_port}"

    def has(self, flaw: Flaw) -> bool:
        """Tell whether it has a flaw."""
        return flaw in self.flaws

    def write(self) -> None:
        """Write it where its processes read it."""
        (self.path / FILE).write_bytes(msgspec.json.encode(self, enc_hook=str))

    @classmethod
    def read(cls, path: Path) -> Estate:
        """Read what `write` wrote into that folder."""
        raw = (path / FILE).read_bytes()[:MAX_BYTES]
        return msgspec.json.decode(raw, type=cls, dec_hook=lambda kind, text: kind(text))
