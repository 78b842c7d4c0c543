"""Settings: frozen values with defaults and units, and the files that hold them. Read in one place."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from counterfoil.errors import InputError, UsageError, VerifyError
from counterfoil.model.coverage import Declaration

if TYPE_CHECKING:
    from counterfoil.tokens.policy import TokenPolicy
    from counterfoil.tokens.pseudonym import SubjectKey
    from counterfoil.tokens.subject_keys import SubjectKeys


@dataclass(frozen=True)
class HuntSettings:
    """What a hunt is told. Times are naive UTC.

    `since`, `until`: judge acceptances of this half-open interval only; issuance is read from all evidence.
    `federated`: (domain, issuer) pairs, such as ("contoso.com", "adfs:contoso.com").
    `memory`: what the process may take, such as "2GB"; what does not fit is spilled to the case folder.
    `log_keys`: public keys of own logs (note keys as text); `checkpoints`: files of checkpoints of them that other
    parties keep.
    `token_policy`: a file that says what signing keys may sign (docs/reference/token-policy.md).
    `engine`: the Spark that reads JSON lines and judges, such as "sc://127.0.0.1:15002"; None: the embedded engine.
    `tables`: what that Spark is to read beside files: tables as they stand after FROM in its SQL, or SELECTs.
    `networks`: a file that says whose network an address is in (`pipeline.networks`).
    `rehash`: read every input again for its hash, also those that stand as they were.
    """

    case: Path
    since: datetime | None = None
    until: datetime | None = None
    complete: tuple[Declaration, ...] = ()
    exported_at: datetime | None = None
    federated: tuple[tuple[str, str], ...] = ()
    identities: Path | None = None
    memory: str | None = None
    threads: int | None = None
    rehash: bool = False
    log_keys: tuple[str, ...] = ()
    checkpoints: tuple[Path, ...] = ()
    token_policy: Path | None = None
    engine: str | None = None
    tables: tuple[str, ...] = ()
    networks: Path | None = None

    def __post_init__(self) -> None:
        """Raise UsageError for tables that nobody reads."""
        if self.tables and self.engine is None:
            raise UsageError("--table: tables are read by an engine", hint="name it, too: --engine sc://HOST:PORT")


def read_token_policy(path: Path) -> TokenPolicy:
    """Return the policy in a TOML file, with the key documents that it names (relative to its folder).

    Raises InputError for a file that cannot be read, PolicyError (with line and field) for one that cannot be used.
    """
    from counterfoil.tokens.limits import MAX_JWKS_BYTES, MAX_POLICY_BYTES
    from counterfoil.tokens.policy import TokenPolicy, documents_of

    text = read_bounded(path, MAX_POLICY_BYTES)
    names = documents_of(text, str(path))
    documents = {name: read_bounded(path.parent / name, MAX_JWKS_BYTES) for name in names}
    return TokenPolicy.from_toml(text, documents, str(path))


def blocking_policy(known: TokenPolicy, path: Path, at: float) -> TokenPolicy:
    """Return a policy by the block list in a file, with the list of digests beside it if there is one.

    `at`: Unix seconds at which the list must hold. No state is kept: what earlier lists said is not known here. Raises
    UsageError for a policy that believes nobody's lists, InputError for a list that may not be gone by.
    """
    from counterfoil.tokens import blocklist
    from counterfoil.tokens.limits import MAX_BLOCK_LIST_BYTES, MAX_DIGESTS_BYTES

    if known.blocklist is None:
        told = "the policy has no [blocklist]: nobody's lists are believed"
        raise UsageError(told, hint="docs/reference/token-policy.md")
    raw, beside = read_bounded(path, MAX_BLOCK_LIST_BYTES), path.with_name(f"{path.name}{blocklist.DIGESTS_SUFFIX}")
    try:
        found = blocklist.accepted(blocklist.read(raw.strip(), known.blocklist.signers), None, at)
        named = [each for each in found.blocked if each.digests]
        if not named or not beside.exists():
            return known.blocking(found)
        digests = read_bounded(beside, MAX_DIGESTS_BYTES)
        return known.blocking(found, {each.thumbprint: blocklist.digests_of(digests, each.digests) for each in named})
    except VerifyError as error:
        raise InputError(f"{path}: {error}", hint=error.hint) from error


def read_subject_keys(path: Path) -> SubjectKeys:
    """Return the subject keys of a file (docs/reference/subject-keys.md), for a mint or for receipts.

    Raises KeyStoreError if it cannot be read or is open to everybody, PolicyError if it cannot be used.
    """
    return _subject_keys(path)[0]


def add_subject_key(path: Path, begin: datetime, name: str = "") -> SubjectKey:
    """Add a random key for tokens issued from `begin` on, and return it; makes the file if there is none.

    Keeps who may read the file. `name`: its id; by default of its date. Raises UsageError for a key that would not
    come after all others, and as `read_subject_keys`.
    """
    from counterfoil.custody import private_file
    from counterfoil.tokens.pseudonym import MIN_KEY_BYTES, SubjectKey
    from counterfoil.tokens.subject_keys import Span, SubjectKeys

    key = SubjectKey(name or f"{begin:%Y%m%d}-{secrets.token_hex(2)}", secrets.token_bytes(MIN_KEY_BYTES))
    if path.exists():
        known, mode = _subject_keys(path)
        private_file.replace(path, known.followed_by(key, begin).to_toml(), mode)
    else:
        private_file.replace(path, SubjectKeys.of([Span(key, begin)]).to_toml())
    return key


def _subject_keys(path: Path) -> tuple[SubjectKeys, int]:
    from counterfoil.custody import private_file
    from counterfoil.tokens.subject_keys import MAX_FILE_BYTES, SubjectKeys

    text, mode = private_file.read(path, MAX_FILE_BYTES)
    return SubjectKeys.from_toml(text, str(path)), mode


def read_bounded(path: Path, most: int) -> bytes:
    """Return a file's content; raises InputError if it cannot be read or is longer than `most` bytes."""
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}", hint="name a file that can be read") from error
    if len(content) > most:
        raise InputError(f"{path}: longer than {most} bytes", hint="is this the right file?")
    return content
