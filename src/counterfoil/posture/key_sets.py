"""Key sets and metadata, from files, folders of fetches, git, or their address, as one issuer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from counterfoil.errors import InputError, PolicyError, UsageError, VerifyError
from counterfoil.posture import git
from counterfoil.posture.documents import content
from counterfoil.posture.issuer import Issuer, Sample, published
from counterfoil.relying.http import Endpoint, max_age
from counterfoil.tokens.encoding import json_object
from counterfoil.tokens.limits import MAX_JWKS_BYTES, MAX_KEYS

# A file of a history is named by the time of its fetch (UTC): 2024-06-05T120000Z.json.
STAMPED = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{6}Z)\.json")
MAX_SAMPLES = 50_000
MAX_HEADERS_BYTES = 64 * 1024
GIT = "git:"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_WELL_KNOWN = "/.well-known/"
_ACCEPT = "application/json, application/jwk-set+json"


def is_key_set(document: object) -> bool:
    """Tell whether a JSON value is a JWKS (RFC 7517, 5)."""
    return isinstance(document, dict) and isinstance(document.get("keys"), list)


def is_metadata(document: object) -> bool:
    """Tell whether a JSON value is an issuer's metadata (RFC 8414, OpenID Connect Discovery 1.0)."""
    return isinstance(document, dict) and isinstance(document.get("issuer"), str) and bool(
        {"jwks_uri", "token_endpoint", "authorization_endpoint"} & set(document)
    )


def parsed(raw: bytes, where: str) -> dict[str, Any]:
    """Return a document of an issuer; raises InputError for what is no JSON object, or has a member twice."""
    try:
        return json_object(raw, "the document")
    except VerifyError as error:
        raise InputError(f"{where}: expected {error.expected}, got {error.got}") from error


def sample(raw: bytes, time: datetime, where: str, age: float | None = None) -> Sample:
    """Return a key set as a sample; raises InputError for what is none, or over a bound."""
    document = parsed(raw, where)
    if not is_key_set(document):
        raise InputError(f"{where}: no key set", hint='a JWKS is {"keys": [...]}')
    if len(document["keys"]) > MAX_KEYS:
        raise InputError(f"{where}: more than {MAX_KEYS} keys")
    keys = tuple(published(members, place) for place, members in enumerate(document["keys"], 1))
    return Sample(time, keys, age)


def of_folder(folder: Path, files: Mapping[Path, Mapping[str, Any]]) -> Issuer:
    """Return the issuer whose documents lie in one folder. `files`: key sets and metadata there, decoded.

    Raises UsageError for a folder with two issuers' metadata or too many fetches, InputError for a document.
    """
    metadata = [path for path, document in files.items() if is_metadata(document)]
    if len(metadata) > 1:
        told = f"{folder}: metadata of two issuers, {metadata[0].name} and {metadata[1].name}"
        raise UsageError(told, hint="one folder for each issuer")
    sets = sorted(path for path, document in files.items() if is_key_set(document))
    stamped = [path for path in sets if STAMPED.fullmatch(path.name)]
    if len(stamped) > MAX_SAMPLES:
        raise UsageError(f"{folder}: more than {MAX_SAMPLES:,} fetches", hint="name a shorter history")
    samples = [_file(path) for path in stamped or sets]
    about = files[metadata[0]] if metadata else None
    name = str(about["issuer"])[:200] if about else str(folder if len(samples) > 1 or not sets else sets[0])
    return Issuer(name, about, _ordered(samples))


def _file(path: Path) -> Sample:
    stamp = STAMPED.fullmatch(path.name)
    try:
        time = (datetime.strptime(stamp[1], "%Y-%m-%dT%H%M%SZ").replace(tzinfo=UTC) if stamp
                else datetime.fromtimestamp(path.stat().st_mtime, UTC))
    except ValueError as error:
        raise InputError(f"{path}: {path.stem} is no time") from error
    headers = path.with_suffix(".headers")
    age = _age(content(headers, MAX_HEADERS_BYTES)) if headers.is_file() else None
    return sample(content(path, MAX_JWKS_BYTES), time, str(path), age)


def _age(headers: bytes) -> float | None:
    """Return the max-age of headers as `curl -D` keeps them."""
    for line in headers.decode("latin-1").splitlines():
        name, _, value = line.partition(":")
        if name.strip().lower() == "cache-control":
            return max_age(value)
    return None


def _ordered(samples: list[Sample]) -> tuple[Sample, ...]:
    return tuple(sorted(samples, key=lambda one: one.time))


def of_git(named: str) -> Issuer:
    """Return the issuer of `git:FILE`: every committed version of the file. Raises InputError."""
    path = Path(named.removeprefix(GIT))
    samples = [
        sample(raw, time, f"{path} at {commit[:12]}")
        for commit, time, raw in git.versions(path, MAX_SAMPLES, MAX_JWKS_BYTES)
    ]
    return Issuer(named, None, _ordered(samples))


def of_address(address: str, now: datetime) -> Issuer:
    """Return the issuer at an address: of itself, its metadata or its key set. Raises InputError, UsageError."""
    local = (urlsplit(address).hostname or "") in _LOOPBACK
    document, raw, age = _first(address, local)
    if is_key_set(document):
        return Issuer(address, None, (sample(raw, now, address, age),))
    told = document.get("jwks_uri")
    if not isinstance(told, str):
        raise InputError(f"{address}: its metadata names no jwks_uri")
    answer = Endpoint(told, allow_local=local).get(MAX_JWKS_BYTES, _ACCEPT)
    return Issuer(_issuer(address), document, (sample(answer.body, now, told, answer.max_age),))


def _issuer(address: str) -> str:
    return address.partition(_WELL_KNOWN)[0] if _WELL_KNOWN in address else address.rstrip("/")


def _first(address: str, local: bool) -> tuple[dict[str, Any], bytes, float | None]:
    """Return the first document at an address, or at those where its metadata should be."""
    failed: InputError | None = None
    for url in _places(address):
        try:
            answer = Endpoint(url, allow_local=local).get(MAX_JWKS_BYTES, _ACCEPT)
            document = parsed(answer.body, url)
        except (InputError, PolicyError) as error:
            failed = failed or InputError(str(error), hint=error.hint)
            continue
        if is_key_set(document) or is_metadata(document):
            return document, answer.body, answer.max_age
    raise failed or InputError(f"{address}: neither a key set nor an issuer's metadata")


def _places(address: str) -> Iterator[str]:
    """Yield where the documents may be: OpenID Connect Discovery 1.0, 4.1; RFC 8414, 3.1."""
    if _WELL_KNOWN in address:
        yield address
        return
    parts = urlsplit(address)
    base = address.rstrip("/")
    yield f"{base}{_WELL_KNOWN}openid-configuration"
    yield f"{parts.scheme}://{parts.netloc}{_WELL_KNOWN}oauth-authorization-server{parts.path.rstrip('/')}"
    yield address
