"""Keys of pseudonyms over time: each has a span, and a token's `iat` says which one names its subject.

The issue time, not the clock, so that issuer and relying party take the same key for the same token, also while a
rotation spreads. Pure: `config` reads and writes the file (docs/reference/subject-keys.md).
"""

from __future__ import annotations

import base64
import binascii
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

import msgspec

from counterfoil.errors import PolicyError, UsageError
from counterfoil.tokens.pseudonym import SubjectKey

SCHEMA = "counterfoil.subject-keys/1"
MAX_SUBJECT_KEYS = 64
MAX_SECRET_BYTES = 128
MAX_FILE_BYTES = 64 * 1024
_HINT = "docs/reference/subject-keys.md shows the file"


@dataclass(frozen=True)
class Span:
    """A key and when the tokens are issued that it is for: from `begin`, before `end` (None: until the next key)."""

    key: SubjectKey
    begin: datetime
    end: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse times without offset and spans without time; raises UsageError."""
        if self.begin.tzinfo is None or (self.end is not None and self.end.tzinfo is None):
            raise UsageError(f"subject key {self.key.id!r}: a time without offset", hint="write 2026-06-01T00:00:00Z")
        if self.end is not None and self.end <= self.begin:
            raise UsageError(f"subject key {self.key.id!r}: it ends before it begins")


@dataclass(frozen=True)
class SubjectKeys:
    """Spans in order of time, which do not overlap. Use `of` or `from_toml`."""

    spans: tuple[Span, ...]

    @classmethod
    def of(cls, spans: Iterable[Span]) -> SubjectKeys:
        """Return keys in order; raises UsageError for none, too many, one id twice, or spans that overlap."""
        found = tuple(sorted(spans, key=lambda span: span.begin))
        if not 1 <= len(found) <= MAX_SUBJECT_KEYS:
            raise UsageError(f"subject keys: expected 1 to {MAX_SUBJECT_KEYS}, got {len(found)}")
        if len({span.key.id for span in found}) < len(found):
            raise UsageError("subject keys: one id twice", hint="a pseudonym must tell which key made it")
        if len({span.key.secret for span in found}) < len(found):
            raise UsageError("subject keys: one secret twice", hint="a rotation takes a new one")
        for one, following in pairwise(found):
            if (one.end or following.begin) > following.begin or one.begin == following.begin:
                raise UsageError(f"subject keys: {one.key.id!r} and {following.key.id!r} overlap")
        return cls(found)

    @classmethod
    def from_toml(cls, text: str, file: str = "subject keys") -> SubjectKeys:
        """Return the keys of a file's text; `file` is what errors call it. Raises PolicyError, which quotes nothing."""
        if len(text.encode("utf-8", "replace")) > MAX_FILE_BYTES:
            raise PolicyError(f"{file}: larger than {MAX_FILE_BYTES} bytes")
        try:
            document = msgspec.convert(tomllib.loads(text), _Document)
        except tomllib.TOMLDecodeError:
            raise PolicyError(f"{file}: no TOML", hint=_HINT) from None  # the cause may quote a line with a secret
        except (msgspec.ValidationError, RecursionError) as error:
            raise PolicyError(f"{file}: {error}", hint=_HINT) from None
        if document.schema_name != SCHEMA:
            raise PolicyError(f"{file}: schema: expected {SCHEMA!r}", hint=_HINT)
        try:
            return cls.of(Span(SubjectKey(t.id, _secret(t)), t.begin, t.until) for t in document.key)
        except UsageError as error:
            raise PolicyError(f"{file}: {error}", hint=error.hint or _HINT) from None

    def find(self, time: datetime) -> SubjectKey | None:
        """Return the key for tokens issued at that time; None where there is none."""
        found = None
        for span in self.spans:
            if span.begin <= time:
                found = span
        if found is None or (found.end is not None and time >= found.end):
            return None
        return found.key

    def at(self, time: datetime) -> SubjectKey:
        """Return the key for tokens issued at that time; raises UsageError if there is none."""
        found = self.find(time)
        if found is None:
            raise UsageError(
                f"no subject key is for tokens of {time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
                hint="add one to the file of subject keys: counterfoil token subject-key FILE",
            )
        return found

    def followed_by(self, key: SubjectKey, begin: datetime) -> SubjectKeys:
        """Return these keys and one for tokens from then on; raises UsageError if it would not be the last."""
        last = self.spans[-1]
        if begin <= last.begin:
            raise UsageError(f"subject keys: {last.key.id!r} begins later", hint="give a later --from")
        return SubjectKeys.of([*self.spans, Span(key, begin)])

    def to_toml(self) -> str:
        """Return the text of the file: a secret."""
        lines = [f'schema = "{SCHEMA}"\n']
        for span in self.spans:
            secret = base64.b64encode(span.key.secret).decode()
            lines += ["", "[[key]]", f'id = "{span.key.id}"', f'secret = "{secret}"', f"from = {_time(span.begin)}"]
            if span.end is not None:
                lines.append(f"until = {_time(span.end)}")
        return "\n".join(lines) + "\n"


def pseudonym(key: SubjectKey | SubjectKeys | None, issuer: str, subject: object, issued: datetime | None) -> str:
    """Return the pseudonym under the key for the token's `iat`, as the mint does; "" without key or subject."""
    if isinstance(key, SubjectKeys):
        key = None if issued is None else key.find(issued)
    return key.pseudonym(issuer, subject) if key is not None and isinstance(subject, str) else ""


class _Key(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    secret: str
    begin: datetime = msgspec.field(name="from")
    until: datetime | None = None


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    key: list[_Key]
    schema_name: str = msgspec.field(name="schema")


def _secret(table: _Key) -> bytes:
    try:
        secret = base64.b64decode(table.secret, validate=True)
    except (binascii.Error, ValueError):
        raise UsageError(f"subject key {table.id[:40]!r}: its secret is not base64") from None
    if len(secret) > MAX_SECRET_BYTES:
        raise UsageError(f"subject key {table.id[:40]!r}: its secret is longer than {MAX_SECRET_BYTES} bytes")
    return secret


def _time(when: datetime) -> str:
    return when.astimezone(UTC).isoformat().replace("+00:00", "Z")
