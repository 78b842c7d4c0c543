"""Rule 3.6: tokens under a key that may not sign them, by the policy of keys that the user gave.

States of a key (blocked, retired) convict nobody here: a policy says how things are now, and tokens are of then.
"""

from __future__ import annotations

from collections.abc import Mapping

from counterfoil.expressions import ibis, ir
from counterfoil.expressions.values import bound
from counterfoil.reconcile.engine import Engine
from counterfoil.tokens.entitlement import Entitlement

# Different claims under the keys of a policy that are looked at; an issuer has a few thousand tenants.
MAX_CLAIMS = 200_000
_NONE = ""


def barred(engine: Engine, every: ir.Table, keys: Mapping[str, Entitlement]) -> ir.Table | None:
    """Return (token_key) of tokens whose key may not sign for their issuer, tenant, audience or time; None if none.

    What a token does not say is not held against it.
    """
    if not keys:
        return None
    named = every.filter(every.key_id.isin(bound("keys", sorted(keys))))
    named = named.select(
        "token_key", "key_id", "issuer", "t_issued", tenant=named.token_tenant.fill_null(_NONE),
        resource=named.resource.fill_null(_NONE),
    )
    realms = [
        [row["key_id"], row["issuer"], row["tenant"]]
        for row in engine.rows(named.select("key_id", "issuer", "tenant").distinct().limit(MAX_CLAIMS))
        if _wrong_realm(keys[row["key_id"]], row["issuer"], row["tenant"])
    ]
    places = [
        [row["key_id"], row["resource"]]
        for row in engine.rows(named.select("key_id", "resource").distinct().limit(MAX_CLAIMS))
        if _wrong_place(keys[row["key_id"]], row["resource"])
    ]
    realm = engine.given("wrong_realms", {"key_id": "string", "issuer": "string", "tenant": "string"}, realms)
    place = engine.given("wrong_places", {"key_id": "string", "resource": "string"}, places)
    windows = engine.given("key_windows", {"key_id": "string", "lo": "float64", "hi": "float64"}, [
        [name, key.sign_from, key.sign_until] for name, key in keys.items()
    ])
    timed = named.join(windows, "key_id")
    late = timed.filter((timed.t_issued < timed.lo) | (timed.t_issued >= timed.hi))
    # an issuer that is not known joins nothing: its tenant alone may still be wrong
    found = ibis.union(
        named.mutate(issuer=named.issuer.fill_null(_NONE)).semi_join(
            realm.mutate(issuer=realm.issuer.fill_null(_NONE)), ["key_id", "issuer", "tenant"]
        ).select("token_key"),
        named.semi_join(place, ["key_id", "resource"]).select("token_key"),
        late.select("token_key"),
    )
    kept = engine.keep("entitled_barred", found.distinct())
    return kept if engine.rows(kept.limit(1)) else None


def _wrong_realm(key: Entitlement, issuer: str | None, tenant: str) -> bool:
    """Tell whether the key may not sign for this issuer and tenant. Names of logs, `entra:...`, are no `iss` claims."""
    if key.tenants is not None and tenant and tenant not in key.tenants:
        return True
    if issuer is None or "://" not in issuer:
        return False
    templates = any(pattern.is_template for patterns in key.issuers for pattern in patterns)
    return (bool(tenant) or not templates) and key.forbids_issuer(issuer, tenant) is not None


def _wrong_place(key: Entitlement, resource: str) -> bool:
    """Tell whether the key may sign for none of these audiences, which evidence has in lower case."""
    if key.audiences is None or not resource:
        return False
    return not {audience.lower() for audience in key.audiences} & set(resource.split())
