"""The settings of a custody folder: `custody.toml`, read once, unknown keys refused."""

from __future__ import annotations

import hashlib
import re
import tomllib
from pathlib import Path

import msgspec

from counterfoil.custody.backends import DRIVERS
from counterfoil.custody.secrets import check_source
from counterfoil.errors import InputError, UsageError
from counterfoil.model import key_life
from counterfoil.tlog.note import check_name

FILE = "custody.toml"
MAX_BYTES = 256 * 1024


class FileSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The encrypted file store: where its passphrase comes from, and scrypt's cost (a power of two)."""

    passphrase: str
    scrypt_log2_n: int = 17


class Pkcs11Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A PKCS#11 token: the module's path, the token's label, and where the PIN comes from."""

    module: str
    token: str
    pin: str


class OpenBaoSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """OpenBao or Vault: address, where the token comes from, and where transit is mounted."""

    address: str
    token: str
    mount: str = "transit"
    ca_file: str = ""
    timeout_seconds: float = 10.0


class AwsKmsSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """AWS KMS: region; credentials come from the AWS library's own chain. `endpoint` is for VPC endpoints and tests."""

    region: str
    endpoint: str = ""
    timeout_seconds: float = 10.0


class TpmSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A TPM 2.0: how to reach it (TCTI), such as device:/dev/tpmrm0."""

    tcti: str = "device:/dev/tpmrm0"


class WitnessSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Somebody who keeps the log's checkpoints: a folder (`drop`), or `url` and `key` of a tlog-witness."""

    drop: str = ""
    url: str = ""
    key: str = ""


class SignerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The signer process: its socket, which users or groups (@group) may sign, which may do everything."""

    socket: str = "signer.sock"
    allow: tuple[str, ...] = ()
    admins: tuple[str, ...] = ()
    witness_seconds: float = 60.0


class LifeSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How keys live: where their set is published, and for how long at least.

    `cache_seconds`: for how long relying parties may keep the set (Cache-Control); `prepublish_seconds`: a next key is
    published so long before it signs; `drain_seconds`: a previous one stays published so long after it signed last.
    `kind`: the row of the table of largest ages.
    """

    jwks: str
    kind: str = key_life.DEFAULT_CLASS
    cache_seconds: float = key_life.CACHE.seconds
    prepublish_seconds: float = key_life.PREPUBLISH.seconds
    drain_seconds: float = key_life.DRAIN.seconds


class StoreSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What `custody.toml` says. `path` is the folder; relative names in it are relative to that."""

    backend: str
    origin: str
    path: Path = Path()
    digest: str = ""  # SHA-256 of the file, the first 16 hex digits: recorded, so that changes show
    file: FileSettings | None = None
    pkcs11: Pkcs11Settings | None = None
    openbao: OpenBaoSettings | None = None
    aws_kms: AwsKmsSettings | None = msgspec.field(default=None, name="aws-kms")
    tpm: TpmSettings | None = None
    witness: tuple[WitnessSettings, ...] = ()
    signer: SignerSettings = SignerSettings()
    life: LifeSettings | None = None


def read_settings(path: Path) -> StoreSettings:
    """Return the settings of a custody folder; UsageError names the file, the key and what was expected."""
    file = path / FILE
    try:
        raw = file.read_bytes()[: MAX_BYTES + 1]
    except FileNotFoundError as error:
        raise UsageError(f"no custody in {path}", hint="counterfoil keys init makes one") from error
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from error
    return parsed(raw, path)


def parsed(raw: bytes, path: Path) -> StoreSettings:
    """Return the settings that the text of a file holds; UsageError as for `read_settings`."""
    file = path / FILE
    try:
        if len(raw) > MAX_BYTES:
            raise ValueError(f"expected at most {MAX_BYTES} bytes")
        told = tomllib.loads(raw.decode())
        digest = hashlib.sha256(raw).hexdigest()[:16]
        settings = msgspec.convert({**told, "path": str(path), "digest": digest}, StoreSettings, dec_hook=path_of)
    except msgspec.ValidationError as error:
        raise UsageError(f"{file}: {_told(error)}", hint="docs/reference/custody.md lists what it may hold") from error
    except (ValueError, msgspec.MsgspecError) as error:
        raise UsageError(f"{file}: {error}", hint="docs/reference/custody.md lists what it may hold") from error
    if settings.backend not in DRIVERS:
        raise UsageError(f"{file}: no back-end {settings.backend[:40]!r}", hint=f"one of {', '.join(DRIVERS)}")
    if getattr(settings, settings.backend.replace("-", "_")) is None:
        raise UsageError(f"{file}: the table [{settings.backend}] is missing")
    _check_values(settings, file)
    _check_life(settings.life, file)
    for witness in settings.witness:
        if bool(witness.drop) == bool(witness.url) or bool(witness.url) != bool(witness.key):
            raise UsageError(f"{file}: a witness has either drop, or url and key")
    return settings


def _check_values(settings: StoreSettings, file: Path) -> None:
    """Refuse an origin that names no log, and a secret where its source belongs."""
    try:
        check_name(settings.origin)
    except InputError as error:
        told = f"{file}: origin: expected a name without spaces and plus signs, got {settings.origin[:80]!r}"
        raise UsageError(told, hint="such as custody.example.com/idp") from error
    sources = {
        "[file] passphrase": settings.file.passphrase if settings.file else None,
        "[pkcs11] pin": settings.pkcs11.pin if settings.pkcs11 else None,
        "[openbao] token": settings.openbao.token if settings.openbao else None,
    }
    for field, source in sources.items():
        try:
            if source is not None:
                check_source(source)
        except UsageError as error:
            raise UsageError(f"{file}: {field}: {error}", hint=error.hint) from error


def _check_life(life: LifeSettings | None, file: Path) -> None:
    """Refuse a life in which good tokens would be refused."""
    if life is None:
        return
    if not life.jwks:
        raise UsageError(f"{file}: [life] jwks: name the file of the published key set")
    if life.kind not in key_life.CLASSES:
        known = ", ".join(key_life.CLASSES)
        raise UsageError(f"{file}: [life] kind: no class {life.kind[:40]!r}", hint=f"one of {known}")
    if not 0 <= life.cache_seconds <= life.prepublish_seconds:
        raise UsageError(
            f"{file}: [life] prepublish_seconds: {life.prepublish_seconds:g} is less than the"
            f" {life.cache_seconds:g} seconds for which the key set is kept", hint="else good tokens are refused",
        )
    if life.drain_seconds < 0:
        raise UsageError(f"{file}: [life] drain_seconds: {life.drain_seconds:g} is no duration")


def _told(error: msgspec.ValidationError) -> str:
    """Return the message of a field as the file has it: `[pkcs11] module: missing`."""
    told, _, path = str(error).partition(" - at ")
    missing = re.fullmatch(r"Object missing required field `([\w-]+)`", told)
    table = re.match(r"`\$\.([\w-]+)", path)
    where = f"[{table.group(1)}] " if table and missing else ""
    return f"{where}{missing.group(1)}: missing" if missing else str(error)


def path_of(kind: type, value: object) -> object:
    """Decode a path, which settings hold as text."""
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise NotImplementedError
