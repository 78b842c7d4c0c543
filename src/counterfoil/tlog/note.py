"""Signed notes with Ed25519 (c2sp.org/signed-note): text that one or more named keys signed. Pure.

Keys are written as Go's sumdb writes them: `name+id+base64` to verify, `PRIVATE+KEY+name+id+base64` to sign.
Cosignatures of witnesses (c2sp.org/tlog-cosignature, type 0x04) sign the text with the time in front of it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from counterfoil.errors import InputError, LogTamperedError

# A note is a few lines; signatures are bounded as signed-note asks (at least 16 must be accepted).
MAX_NOTE_BYTES = 64 * 1024
MAX_SIGNATURES = 64

ED25519 = 0x01
COSIGNATURE = 0x04
_DASH = "\N{EM DASH} "
_ID_BYTES = 4
_TIME_BYTES = 8
_KEY_BYTES = 32
_SECRET = "PRIVATE+KEY+"  # noqa: S105  # the format's own prefix


@dataclass(frozen=True)
class Signature:
    """One line below a note: who claims to have signed, the id of their key, and the signature's bytes."""

    name: str
    key_id: bytes
    value: bytes

    def line(self) -> str:
        """Return the line as it stands in a note, with its newline."""
        return f"{_DASH}{self.name} {base64.b64encode(self.key_id + self.value).decode()}\n"


@dataclass(frozen=True)
class Note:
    """A note as read: nothing in it may be believed before `VerifierKey.check`."""

    text: str
    signatures: tuple[Signature, ...]

    def render(self) -> str:
        """Return the note as it is written."""
        return self.text + "\n" + "".join(signature.line() for signature in self.signatures)


@dataclass(frozen=True)
class VerifierKey:
    """A public key with its name and what kind of signature it makes (ED25519 or COSIGNATURE)."""

    name: str
    public: bytes
    kind: int = ED25519

    def __post_init__(self) -> None:
        """Refuse names that would not survive a note."""
        check_name(self.name)
        if len(self.public) != _KEY_BYTES or self.kind not in (ED25519, COSIGNATURE):
            raise InputError(f"note key {self.name}: expected 32 bytes of Ed25519, got {len(self.public)} bytes")

    @property
    def key_id(self) -> bytes:
        """The first four bytes of SHA-256 over name, newline, kind and key."""
        told = self.name.encode() + b"\n" + bytes([self.kind]) + self.public
        return hashlib.sha256(told).digest()[:_ID_BYTES]

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Read `name+id+base64`; InputError if it is malformed or its id does not fit."""
        name, _, rest = text.strip().partition("+")
        told, _, encoded = rest.partition("+")
        raw = _decoded(encoded, "note key")
        if len(raw) != 1 + _KEY_BYTES:
            raise InputError(f"note key: expected name+id+base64 of {1 + _KEY_BYTES} bytes, got {len(raw)} bytes")
        key = cls(name, raw[1:], raw[0])
        if key.key_id.hex() != told:
            raise InputError(f"note key {name}: expected the id {key.key_id.hex()}, got {told[:16]!r}")
        return key

    def render(self) -> str:
        """Return `name+id+base64`."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(bytes([self.kind]) + self.public).decode()}"

    def check(self, note: Note) -> int:
        """Check this key's signature; LogTamperedError if absent or wrong. Returns a cosignature's time, else 0."""
        for signature in note.signatures:
            if (signature.name, signature.key_id) == (self.name, self.key_id):
                return self._verified(note.text, signature.value)
        raise LogTamperedError(f"note: expected a signature by {self.name}+{self.key_id.hex()}, found none")

    def _verified(self, text: str, value: bytes) -> int:
        when, message = 0, text.encode()
        if self.kind == COSIGNATURE:
            when = int.from_bytes(value[:_TIME_BYTES], "big")
            value, message = value[_TIME_BYTES:], _cosigned(text, when)
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(value, message)
        except InvalidSignature as error:
            raise LogTamperedError(f"note: the signature by {self.name} is wrong") from error
        return when


@dataclass(frozen=True)
class SignerKey:
    """A private note key. Its repr shows no secret."""

    name: str
    private: Ed25519PrivateKey = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse names that would not survive a note."""
        check_name(self.name)

    @classmethod
    def generate(cls, name: str) -> SignerKey:
        """Make a new key."""
        return cls(name, Ed25519PrivateKey.generate())

    @classmethod
    def parse(cls, text: str) -> SignerKey:
        """Read `PRIVATE+KEY+name+id+base64`; InputError (which quotes nothing) if malformed."""
        name, _, rest = text.strip().removeprefix(_SECRET).partition("+")
        told, _, encoded = rest.partition("+")
        raw = _decoded(encoded, "private note key")
        if not text.startswith(_SECRET) or len(raw) != 1 + _KEY_BYTES or raw[0] != ED25519:
            raise InputError("private note key: expected PRIVATE+KEY+name+id+base64 of an Ed25519 key")
        key = cls(name, Ed25519PrivateKey.from_private_bytes(raw[1:]))
        if key.verifier().key_id.hex() != told:
            raise InputError("private note key: its id does not fit the key")
        return key

    def render(self) -> str:
        """Return `PRIVATE+KEY+name+id+base64`: a secret."""
        raw = self.private.private_bytes(
            serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption()
        )
        encoded = base64.b64encode(bytes([ED25519]) + raw).decode()
        return f"{_SECRET}{self.name}+{self.verifier().key_id.hex()}+{encoded}"

    def verifier(self, kind: int = ED25519) -> VerifierKey:
        """Return the public key for signatures of that kind."""
        raw = self.private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return VerifierKey(self.name, raw, kind)

    def sign(self, text: str) -> Signature:
        """Sign the text of a note."""
        return Signature(self.name, self.verifier().key_id, self.private.sign(text.encode()))

    def cosign(self, text: str, when: int) -> Signature:
        """Cosign a checkpoint at a POSIX time (cosignature/v1)."""
        value = when.to_bytes(_TIME_BYTES, "big") + self.private.sign(_cosigned(text, when))
        return Signature(self.name, self.verifier(COSIGNATURE).key_id, value)


def parse(raw: bytes) -> Note:
    """Read a signed note; InputError if it is none."""
    if len(raw) > MAX_NOTE_BYTES:
        raise InputError(f"note: expected at most {MAX_NOTE_BYTES} bytes, got {len(raw)}")
    try:
        whole = raw.decode()
    except UnicodeDecodeError as error:
        raise InputError(f"note: not UTF-8 at byte {error.start}") from error
    if any(sign < " " and sign != "\n" for sign in whole):
        raise InputError("note: control characters")
    text, gap, below = whole.rpartition("\n\n")
    if not gap or not text.strip("\n") or not below.endswith("\n"):
        raise InputError("note: expected text, an empty line and signatures, each ending in a newline")
    return Note(text + "\n", parse_signatures(below))


def parse_signatures(text: str) -> tuple[Signature, ...]:
    """Read the lines below a note; InputError if one is malformed."""
    lines = text.split("\n")[:-1]
    if not 1 <= len(lines) <= MAX_SIGNATURES:
        raise InputError(f"note: expected 1 to {MAX_SIGNATURES} signatures, got {len(lines)}")
    return tuple(_signature(line) for line in lines)


def signed(text: str, signatures: Iterable[Signature]) -> Note:
    """Return a note; the text must end in a newline and hold no other control characters."""
    return parse(Note(text, tuple(signatures)).render().encode())


def check_name(name: str) -> None:
    """Refuse a key name with spaces, plus signs or controls, as signed-note does."""
    if not name or "+" in name or any(sign.isspace() or sign < " " for sign in name):
        raise InputError(f"note key name: expected one without spaces and plus signs, got {name[:80]!r}")


def _signature(line: str) -> Signature:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH):
        raise InputError("note: a signature begins with an em dash and a space")
    check_name(name)
    raw = _decoded(encoded, "note signature")
    if len(raw) <= _ID_BYTES:
        raise InputError("note: a signature is too short")
    return Signature(name, raw[:_ID_BYTES], raw[_ID_BYTES:])


def _cosigned(text: str, when: int) -> bytes:
    return f"cosignature/v1\ntime {when}\n{text}".encode()


def _decoded(text: str, what: str) -> bytes:
    """Decode strict base64: a second spelling of the same bytes is refused."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputError(f"{what}: not base64") from error
    if base64.b64encode(raw).decode() != text:
        raise InputError(f"{what}: not the one spelling of base64")
    return raw
