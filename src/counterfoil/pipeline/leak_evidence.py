"""Findings of `leaks` as records of a case: what the source `counterfoil-leaks` reads. No secret is in them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from counterfoil.case.folder import PRIVATE, CaseFolder
from counterfoil.leaks.finding import Bound, Leak, LeaksReport, TokenSeen
from counterfoil.model.leak_evidence import LEAKS_SCHEMA, TOKEN_KIND

_PRIVATE_FILE = 0o600


def lines(report: LeaksReport) -> list[str]:
    """Return one JSON text for each key, form and file, and for each token and file.

    Keys that were not read (sealed, closed) are left out. A finding without any time (standard input, a device) has
    none to be kept under, and is left out as well.
    """
    groups: dict[tuple[str, str, str], list[Leak]] = {}
    for leak in report.findings:
        if leak.thumbprint and leak.bounds:
            groups.setdefault((leak.thumbprint, leak.form, leak.path), []).append(leak)
    records = [*map(_record, groups.values()), *(_token(token) for token in report.tokens if token.bounds)]
    return [json.dumps(record, ensure_ascii=True) for record in records]


def write(folder: CaseFolder, found: list[str]) -> Path:
    """Write the lines into the case, under a name that follows from what they are, and return the file."""
    text = "".join(f"{line}\n" for line in found)
    folder.leaks.mkdir(mode=PRIVATE, exist_ok=True)
    path = folder.leaks / f"leaks-{hashlib.sha256(text.encode()).hexdigest()[:16]}.jsonl"
    path.touch(mode=_PRIVATE_FILE)
    path.write_text(text, encoding="ascii")
    return path


def _record(held: list[Leak]) -> dict[str, object]:
    first = held[0]
    kind = "private-key"
    if first.proven:
        kind = "token-secret" if first.key_type == "oct" else "known-key"
    return {
        "schema": LEAKS_SCHEMA,
        "kind": kind,
        "kid": first.kid,
        "thumbprint": first.thumbprint,
        "key_type": first.key_type,
        "form": first.form,
        "path": first.path,
        "offset": first.offset,
        "places": len(held),
        "how": first.how,
        "region": first.region,
        **_times(first.bounds),
    }


def _token(token: TokenSeen) -> dict[str, object]:
    """Return the record of a token: the key that is named is one only where it verified the signature."""
    return {
        "schema": LEAKS_SCHEMA, "kind": TOKEN_KIND, "kid": token.kid if token.verified == "yes" else "",
        "form": token.form, "path": token.path, "offset": token.offset, "places": 1, "region": token.region,
        "digest": token.digest, "state": token.state, "verified": token.verified,
        "claims": "; ".join(f"{name} {value}" for name, value in token.claims), **_times(token.bounds),
    }


def _times(bounds: tuple[Bound, ...]) -> dict[str, object]:
    return {
        "time": min(bound.time for bound in bounds),
        "bounds": "; ".join(f"no later than {bound.time} by the {bound.by}" for bound in bounds),
    }
