"""Asks the addresses that relying parties fetch keys from what they show now: one bounded request each."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from counterfoil.errors import CounterfoilError
from counterfoil.jose.jwk import ExposedKeyError, UnfitKeyError
from counterfoil.relying.http import Endpoint
from counterfoil.respond.preflight import Party, Seen
from counterfoil.tokens.keyset import entries
from counterfoil.tokens.limits import MAX_JWKS_BYTES

MOST_AT_ONCE = 16


def seen(parties: Sequence[Party], *, allow_local: bool = True) -> dict[str, Seen]:
    """Return what each party that fetches keys is shown, by its name; what cannot be had is a problem, no error."""
    asking = [party for party in parties if party.jwks]
    with ThreadPoolExecutor(MOST_AT_ONCE) as pool:
        found = pool.map(lambda party: _shown(party.jwks, allow_local), asking)
        return {party.name: one for party, one in zip(asking, found, strict=True)}


def _shown(url: str, allow_local: bool) -> Seen:
    try:
        answer = Endpoint(url, allow_local).get(MAX_JWKS_BYTES, "application/jwk-set+json, application/json")
        made = entries(answer.body, url)
    except CounterfoilError as error:
        return Seen(problem=str(error))
    thumbprints = set()
    for _, make in made:
        try:
            thumbprints.add(make().thumbprint)
        except (UnfitKeyError, ExposedKeyError):
            continue  # a key that nobody can verify with
    return Seen(frozenset(thumbprints), answer.max_age)
