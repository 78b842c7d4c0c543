"""The options of a reconciliation as rows of the case: who repeats it needs them as they were typed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import duckdb

from counterfoil.case.results import rows
from counterfoil.reconcile.asked import Asked

SINCE, UNTIL, EXPORTED_AT, IDENTITIES = "--since", "--until", "--exported-at", "--identities"


def options(asked: Asked) -> Iterator[tuple[str, str]]:
    """Yield (option, value) in the order of the help; of lists of identities and networks their SHA-256."""
    for name, when in ((SINCE, asked.since), (UNTIL, asked.until)):
        if when is not None:
            yield name, _iso(when)
    for declaration in asked.declarations:
        yield "--complete", str(declaration)
    if asked.exported_at is not None:
        yield EXPORTED_AT, _iso(asked.exported_at)
    for domain, issuer in asked.federated:
        yield "--federated", f"{domain}={issuer}"
    for log in asked.attested:
        yield "--checkpoint", f"{log.log}/{log.origin} {log.status}"
    if asked.keys:
        yield "--token-policy", f"{len(asked.keys)} keys"
    if asked.networks is not None:
        yield "--networks", f"{asked.networks.path}, SHA-256 {asked.networks.sha256}"
    if asked.identities:
        yield IDENTITIES, f"{len(asked.identities)} names, SHA-256 {_digest(asked.identities)}"


def options_of(con: duckdb.DuckDBPyConnection) -> tuple[tuple[str, str], ...]:
    """Return the options of the reconciliation whose results `con` holds, none for a case of an earlier version."""
    if not rows(con, "SELECT 1 FROM duckdb_views() WHERE view_name = 'asked'"):
        return ()
    return tuple((row["name"], row["value"]) for row in rows(con, "SELECT name, value FROM asked ORDER BY place"))


def moment(rows: Iterable[Sequence[str]], option: str) -> datetime | None:
    """Return the time that an option was given, None if it was not."""
    return next((datetime.fromisoformat(value.removesuffix("Z")) for name, value in rows if name == option), None)


def _iso(when: datetime) -> str:
    return when.isoformat() + "Z"


def _digest(pairs: Sequence[tuple[str, str]]) -> str:
    return hashlib.sha256("".join(f"{key},{name}\n" for key, name in sorted(pairs)).encode()).hexdigest()
