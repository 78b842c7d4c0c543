"""Reads what a key opens: who took tokens under it, forged or not, and for whom a policy lets it sign."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import duckdb
import msgspec

from counterfoil.case.results import rows
from counterfoil.errors import UsageError
from counterfoil.model.blast import MAX_PARTIES, Door, Party, Reachable
from counterfoil.model.schema import Leg, Outcome
from counterfoil.tokens.entitlement import Entitlement

NO_KEYS = "no record names this key: who took tokens under it, cannot be told"
NO_POLICY = "no token policy was given: whose tokens this key may sign, is not known"
ANY = "any audience"
ONLY_SEEN = "parties that took nothing under this key in the time of these logs are not known"


@dataclass(frozen=True)
class Known:
    """What is known of keys beside the evidence, by key id.

    `allowed`: what a policy lets them sign; `listed`: names of key sets (JWKS) that hold them, and for which issuer
    they say a key signs, or an empty text.
    """

    allowed: Mapping[str, Entitlement] = field(default_factory=dict)
    listed: Mapping[str, Collection[tuple[str, str]]] = field(default_factory=dict)


def listed(documents: Iterable[tuple[str, bytes]]) -> dict[str, set[tuple[str, str]]]:
    """Return the members of named JWKS documents as `Known` has them; raises UsageError for what is none."""
    found: dict[str, set[tuple[str, str]]] = {}
    for name, document in documents:
        try:
            keys = msgspec.json.decode(document, type=_Jwks).keys
        except msgspec.DecodeError as error:
            hint = 'such as {"keys": [{"kty": ...}]}'
            raise UsageError(f"{name}: expected a JWKS: {error}", hint=hint) from error
        for key in keys:
            for text in filter(None, (key.kid, key.x5t, key.x5t_s256)):
                found.setdefault(text, set()).add((name, key.issuer))
    return found


class _Key(msgspec.Struct, frozen=True):
    kid: str = ""
    x5t: str = ""
    x5t_s256: str = msgspec.field(default="", name="x5t#S256")
    issuer: str = ""  # of Entra ID's key sets


class _Jwks(msgspec.Struct, frozen=True):
    keys: list[_Key]


def reachable(con: duckdb.DuckDBPyConnection, key: str, known: Known) -> Reachable:
    """Return what the key opens; needs `in_one`."""
    allowed = known.allowed
    seen = [
        Party(row["name"], row["issuer"] or "", row["tenant"] or "", _door(row), row["tokens"], row["first"],
              row["last"])
        for row in rows(con, _PARTIES, [key])
    ]
    told = [] if key not in allowed else list(_of_policy(allowed[key]))
    told += [Party(name, issuer, "", Door.JWKS, 0, None, None) for name, issuer in sorted(known.listed.get(key, ()))]
    unknown = [words for holds, words in ((not seen, NO_KEYS), (key not in allowed, NO_POLICY)) if holds]
    return Reachable(key, tuple([*seen, *told][:MAX_PARTIES]), (*unknown, ONLY_SEEN))


_PARTIES = f"""SELECT coalesce(e.resource, e.source) AS name, e.issuer, e.resource_tenant AS tenant,
    bool_or(o.record_id IS NOT NULL AND e.outcome <> '{Outcome.REFUSED}') AS forged,
    bool_or(e.outcome <> '{Outcome.REFUSED}') AS taken,
    count(DISTINCT coalesce(e.token_id, e.signing_input_digest, e.record_id)) AS tokens,
    min(e.event_time) AS first, max(e.event_time) AS last
FROM evidence e LEFT JOIN in_one o ON o.source = e.source AND o.record_id = e.record_id
WHERE e.leg = '{Leg.ACCEPTANCE}' AND e.key_id = ? GROUP BY ALL
ORDER BY forged DESC, taken DESC, tokens DESC, name, issuer, tenant
LIMIT {MAX_PARTIES}"""  # noqa: S608  # our own names


def _door(row: Mapping[str, Any]) -> Door:
    if row["forged"]:
        return Door.TOOK_FORGED
    return Door.TOOK if row["taken"] else Door.REFUSED


def _of_policy(entitled: Entitlement) -> Iterator[Party]:
    """Yield whom a key may sign for: every issuer that all its sources allow, with every audience."""
    first, *others = entitled.issuers or ((),)
    issuers = [each.text for each in first if all(each in other for other in others)]
    tenants = ", ".join(sorted(entitled.tenants)) if entitled.tenants is not None else ""
    for issuer in issuers:
        for audience in sorted(entitled.audiences) if entitled.audiences is not None else [ANY]:
            yield Party(audience, issuer, tenants, Door.POLICY, 0, None, None)
