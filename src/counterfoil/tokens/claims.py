"""The rules about claims, V3 to V10 and V13, each on its own. `verifier` runs them in order.

Comparisons of times are written so that anything that is no number fails them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from counterfoil.errors import VerifyError
from counterfoil.tokens import rules
from counterfoil.tokens.encoding import numeric_date
from counterfoil.tokens.entitlement import FOREVER, GUID, VERIFYING, Entitlement
from counterfoil.tokens.flow import ANY_TENANT, Flow
from counterfoil.tokens.keyset import Key
from counterfoil.tokens.rules import listed, quoted, refused, when

Claims = Mapping[str, Any]


def v2_state(key: Key, digest: bytes = b"", minted: Callable[[str], float | None] | None = None) -> None:
    """V2, second half: the key may still be used. After the signature, so that the error can tell it was good.

    Of a key that is blocked with a cut-off, tokens that were minted before it are good: those whose `digest` came with
    the block list, or for which `minted` (given the digest in hex) returns when their counterfoil was recorded.
    """
    state = key.entitlement.state
    if state not in VERIFYING:
        if digest and key.entitlement.cut_off is not None and _minted_before(key.entitlement, digest, minted):
            return
        why = f" ({key.entitlement.why})" if key.entitlement.why else ""
        raise refused(rules.V2, "state", "a key that is current or previous", f"{quoted(key.id)}, {state}{why}")


def _minted_before(
    known: Entitlement, digest: bytes, minted: Callable[[str], float | None] | None
) -> bool:
    if digest in known.minted:
        return True
    recorded = minted(digest.hex()) if minted is not None else None
    return recorded is not None and known.cut_off is not None and recorded < known.cut_off


def v2_blocks(until: float, at: float) -> None:
    """V2: the block list that the policy asks for still holds; without one nobody knows which key is out."""
    if not at < until:
        told = "none" if until == -FOREVER else f"one until {when(until)}"
        raise refused(rules.V2, "block-list", f"a block list that holds at {when(at)}", told)


def v10_required(claims: Claims, flow: Flow) -> None:
    """V10: the claims that must be there are, each of its type."""
    issuer = claims.get("iss")
    if type(issuer) is not str or not issuer:
        raise refused(rules.V10, "iss", "an issuer", quoted(issuer))
    for name in flow.needed_texts:
        value = claims.get(name)
        if type(value) is not str or not value:
            raise _no_text(claims, name)
    for name in flow.other_texts:
        if name in claims:
            value = claims[name]
            if type(value) is not str or not value:
                raise _no_text(claims, name)
    for names in flow.needed:
        for name in names:
            if claims.get(name) is not None:
                break
        else:
            raise refused(rules.V10, names[0], f"the claim {' or '.join(names)}", "none")


def _no_text(claims: Claims, name: str) -> VerifyError:
    if name not in claims:
        return refused(rules.V10, name, f"the claim {name}", "none")
    return refused(rules.V10, name, f"{name} as a text", quoted(claims[name]))


def v10_times(claims: Claims, flow: Flow) -> tuple[float, float]:
    """V10: return `iat` and the end: `exp`, or where the class has none, the longest lifetime after `iat`."""
    issued = _date(claims, "iat")
    if "exp" in claims or flow.token_class.expires:
        return issued, _date(claims, "exp")
    return issued, issued + flow.max_lifetime


def _date(claims: Claims, name: str) -> float:
    value = numeric_date(claims.get(name))
    if value is None:
        raise refused(rules.V10, name, f"{name} as a time in seconds", quoted(claims.get(name)))
    return value


def v10_audience(claims: Claims, flow: Flow) -> tuple[str, ...]:
    """V10: the audience is there where the class has one; a text, or several. Returned as several."""
    value = claims.get("aud")
    if type(value) is str and value:
        return (value,)
    if type(value) is tuple and value and all(type(one) is str and one for one in value):
        return value
    if value is None and not flow.token_class.addressed:
        return ()
    raise refused(rules.V10, "aud", "an audience", quoted(value))


def v3_window(key: Key, issued: float) -> None:
    """V3: the key signed at the time at which the token says it was issued."""
    allowed = key.entitlement
    if not allowed.sign_from <= issued:
        raise refused(rules.V3, "start", f"issued at {when(allowed.sign_from)} or later", when(issued))
    if not issued < allowed.sign_until:
        raise refused(rules.V3, "end", f"issued before {when(allowed.sign_until)}", when(issued))


def v4_entitled(key: Key, issuer: str, tenant: str | None, audience: tuple[str, ...], flow: Flow) -> None:
    """V4: this key may sign for this issuer and tenant, these audiences and this class."""
    allowed = key.entitlement
    patterns = allowed.forbids_issuer(issuer, tenant)
    if patterns is not None:
        texts = listed([pattern.text for pattern in patterns])
        raise refused(rules.V4, "issuer", f"an issuer that {quoted(key.id)} may sign for: {texts}", quoted(issuer))
    if allowed.tenants is not None and tenant not in allowed.tenants:
        raise refused(rules.V4, "tenant", f"a tenant of this key: {listed(allowed.tenants)}", quoted(tenant))
    if allowed.audiences is not None and not allowed.audiences.issuperset(audience):
        raise refused(rules.V4, "audience", f"an audience of this key: {listed(allowed.audiences)}", several(audience))
    if allowed.classes is not None and flow.token_class.name not in allowed.classes:
        raise refused(rules.V4, "class", f"a class of this key: {listed(allowed.classes)}", flow.token_class.name)


def v5_tenant(claims: Claims, flow: Flow) -> str | None:
    """V5: return the tenant, which is a GUID, the issuer's, and accepted; None where neither token nor flow has one."""
    tenant: str | None = claims.get("tid")
    if tenant is None:
        if flow.tenants is not None:
            raise refused(rules.V5, "tid", "a tenant (tid)", "none")
        return None
    served = flow.tenants
    listed_by_name = served is not None and tenant in served and ANY_TENANT not in served  # then it is a GUID
    if not listed_by_name and not GUID.fullmatch(tenant):
        raise refused(rules.V5, "guid", "tid as a GUID in lower case", quoted(tenant))
    if flow.issuer_tenants.get(claims["iss"], tenant) != tenant:
        raise refused(rules.V5, "issuer", f"the issuer's tenant {flow.issuer_tenants[claims['iss']]}", quoted(tenant))
    if not listed_by_name and served is not None and ANY_TENANT not in served:
        raise refused(rules.V5, "accepted", f"a tenant that is served: {listed(served)}", quoted(tenant))
    return tenant


def v6_issuer(issuer: str, tenant: str | None, flow: Flow) -> None:
    """V6: the issuer is one of the flow's, for this tenant."""
    for pattern in flow.issuers:
        if pattern.matches(issuer, tenant):
            return
    expected = f"{listed([pattern.text for pattern in flow.issuers])}" + (f" for tenant {tenant}" if tenant else "")
    raise refused(rules.V6, "issuer", expected, quoted(issuer))


def v7_audience(audience: tuple[str, ...], flow: Flow) -> None:
    """V7: the token is for this service and for nobody else."""
    if not flow.audiences.issuperset(audience):
        raise refused(rules.V7, "audience", f"{listed(flow.audiences)} and no other", several(audience))


def several(audience: tuple[str, ...]) -> str:
    """Return audiences for an error."""
    return ", ".join(map(quoted, audience[:4])) + (f" and {len(audience) - 4} more" if len(audience) > 4 else "")


def v8_header(header: Mapping[str, Any], flow: Flow) -> None:
    """V8: the header's type is the class's (RFC 7515, 4.1.9: in any case, with or without "application/")."""
    typ = header.get("typ", "")
    if type(typ) is not str or typ.lower().removeprefix("application/") not in flow.typ:
        names = [text or "no typ" for text in sorted(flow.typ)]
        raise refused(rules.V8, "typ", f"typ {listed(names)}", quoted(typ) if typ != "" else "no typ")


def v8_claims(claims: Claims, flow: Flow) -> None:
    """V8: the claims that tell the class have its values, and none is there that only another class has."""
    for name in flow.token_class.never:
        if name in claims:
            raise refused(rules.V8, name, f"no {name} in class {flow.token_class.name}", quoted(claims[name]))
    if flow.token_class.event is not None:
        _v8_event(claims.get("events"), flow.token_class.event)
    for name, accepted in flow.claims.items():
        value = claims.get(name)
        if type(value) is not str or value not in accepted:
            raise refused(rules.V8, name, f"{name} {listed(accepted)}", quoted(value))


def _v8_event(events: object, wanted: str) -> None:
    """RFC 8417, 2.2: `events` is an object of one event or more, each an object; `wanted` is among them ("": any)."""
    told = events if isinstance(events, Mapping) else {}
    if not told or not all(isinstance(event, Mapping) for event in told.values()):
        raise refused(rules.V8, "events", "an object of events, each an object", quoted(events))
    if wanted and wanted not in told:
        raise refused(rules.V8, "events", f"the event {wanted}", quoted(events))


def v9_times(claims: Claims, issued: float, end: float, flow: Flow, at: float) -> None:
    """V9: begun, not over, not from the future, and not longer than the policy allows."""
    if not at < end + flow.leeway:
        raise refused(rules.V9, "exp", f"an expiry after {when(at)}", when(end))
    if not issued <= at + flow.leeway:
        raise refused(rules.V9, "iat", f"issued at {when(at)} or before", when(issued))
    if "nbf" in claims and not _date(claims, "nbf") <= at + flow.leeway:
        raise refused(rules.V9, "nbf", f"valid from {when(at)} or before", when(claims["nbf"]))
    if not end - issued <= flow.max_lifetime:
        raise refused(rules.V9, "lifetime", f"at most {flow.max_lifetime:.0f} s from iat to exp",
                      f"{end - issued:.0f} s")
    if not issued < end:
        raise refused(rules.V9, "order", "an expiry after the issuance", when(end))


def v13_renewal(issuer: str, tenant: str | None, flow: Flow) -> None:
    """V13: where tokens are renewed or exchanged, only those of an authorization server are."""
    if not any(pattern.matches(issuer, tenant) for pattern in flow.renewal_issuers):
        servers = listed([pattern.text for pattern in flow.renewal_issuers])
        raise refused(rules.V13, "issuer", f"a token of {servers}", quoted(issuer))
