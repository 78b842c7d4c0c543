"""What a scan says: findings, and what could not be read. Nothing of a secret is in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

_EARLIEST, _LATEST = 631_152_000, 4_102_444_800  # 1990, 2100: others are broken clocks


@dataclass(frozen=True)
class Bound:
    """A time (ISO 8601, UTC) no later than which something lay in a file, and what says so."""

    time: str
    by: str


def bound(seconds: float | None, by: str) -> tuple[Bound, ...]:
    """Return the bound of a time in Unix seconds; none for no time, or one outside of 1990 to 2100."""
    if seconds is None or not _EARLIEST <= seconds < _LATEST:
        return ()
    return (Bound(datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), by),)


@dataclass(frozen=True)
class Leak:
    """A private key, or what may be one, at a place.

    `kid` is that of a key that was given, else ""; `thumbprint` (RFC 7638) is known whenever the key could be read.
    For the secret of a token it is `token:` and the start of that token's SHA-256.
    `proven`: it is the private half of a key, or the secret of a token, that was given; `how` says how that, or what
    else, is known.
    `offset` and `size` are in bytes of what `path` names; `region` is the part of a dump, where its format tells.
    `bounds`: times (ISO 8601, UTC) at which, or before which, it lay there, as far as what each is by can be believed.
    """

    form: str
    path: str
    offset: int
    size: int
    kid: str
    thumbprint: str
    key_type: str
    proven: bool
    how: str
    region: str = ""
    bounds: tuple[Bound, ...] = ()


@dataclass(frozen=True)
class TokenSeen:
    """A token or session secret at a place.

    `state`: live, expired, not-yet-valid or unknown; `verified`: yes, no or unknown.
    `claims` are those that say whose business it is, never the subject; `digest` is SHA-256 of the token. `bounds`: as
    of a key.
    """

    form: str
    path: str
    offset: int
    state: str
    verified: str
    kid: str
    digest: str
    claims: tuple[tuple[str, str], ...] = ()
    region: str = ""
    bounds: tuple[Bound, ...] = ()


@dataclass(frozen=True)
class Unread:
    """Something that was not read, wholly or from some place on, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class LeaksReport:
    """The outcome of a scan. `secrets`: tokens whose secrets were looked for.

    `decoys`: keys of a ledger of decoys that lie where they were left. `scanned` and `skipped` (holes of
    sparse files) are in bytes.
    """

    kernel: str
    keys: int
    secrets: int = 0
    findings: tuple[Leak, ...] = ()
    tokens: tuple[TokenSeen, ...] = ()
    unread: tuple[Unread, ...] = ()
    files: int = 0
    scanned: int = 0
    skipped: int = 0
    seconds: float = 0.0
    notes: tuple[str, ...] = field(default=())
    decoys: tuple[Leak, ...] = ()

    @property
    def found(self) -> bool:
        """Whether a key was found, or a token that is not expired."""
        return bool(self.findings) or any(token.state != "expired" for token in self.tokens)

    @property
    def proven(self) -> tuple[Leak, ...]:
        """Return the findings that are private halves of the keys that were given."""
        return tuple(leak for leak in self.findings if leak.proven)
