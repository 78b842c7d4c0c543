"""Configuration for gateways that know no block list: the keys that are left, for each issuer those entitled to it.

Envoy gets a provider for each issuer, HAProxy a rule for each key, nginx asks a service of ours. What they do not
check, docs/reference/gateways.md lists: verify again behind them. Write it anew, and reload, with every block list.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from counterfoil.errors import UsageError
from counterfoil.tokens.entitlement import VERIFYING, IssuerPattern
from counterfoil.tokens.flow import Flow
from counterfoil.tokens.keyset import Key
from counterfoil.tokens.policy import TokenPolicy

# HAProxy 2.6 verifies these; Envoy knows the Edwards curve, too.
_HAPROXY = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
_PUBLIC = ("kty", "crv", "x", "y", "n", "e")
# What may stand in a quoted word of HAProxy's or nginx's configuration; anything else would end it.
_SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:/@+=~")


@dataclass(frozen=True)
class Issuer:
    """An issuer as it stands in tokens, and the keys that may sign for it here."""

    name: str
    keys: tuple[Key, ...]


def issuers(policy: TokenPolicy, flow: Flow, tenant: str = "") -> tuple[Issuer, ...]:
    """Return the issuers of a flow with their keys: not blocked, not retired, entitled to it and to the class.

    `tenant`: what {tenantid} stands for; where an issuer has it and none is given, UsageError: gateways compare texts.
    """
    found = [_issuer(pattern, policy, flow, tenant) for pattern in flow.issuers]
    if not any(issuer.keys for issuer in found):
        raise UsageError(f"flow {flow.name!r} has no key left", hint="rotate first: counterfoil respond rotate")
    return tuple(issuer for issuer in found if issuer.keys)


def envoy(known: tuple[Issuer, ...], flow: Flow) -> dict[str, Any]:
    """Return the typed_config of Envoy's jwt_authn filter."""
    providers = {
        f"issuer-{number}": {
            "issuer": issuer.name, "audiences": sorted(flow.audiences), "require_expiration": True,
            "max_lifetime": f"{flow.max_lifetime:g}s", "clock_skew_seconds": int(flow.leeway),
            "local_jwks": {"inline_string": json.dumps({"keys": [_member(key) for key in issuer.keys]})},
            "payload_in_metadata": "jwt_payload", "header_in_metadata": "jwt_header",
        }
        for number, issuer in enumerate(known)
    }
    each: list[dict[str, Any]] = [{"provider_name": name} for name in providers]
    wanted = each[0] if len(each) == 1 else {"requires_any": {"requirements": each}}  # Envoy: any of two at least
    kind = "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication"
    return {"@type": kind, "providers": providers, "rules": [{"match": {"prefix": "/"}, "requires": wanted}]}


def haproxy(known: tuple[Issuer, ...], flow: Flow, folder: str) -> tuple[str, Mapping[str, bytes]]:
    """Return the lines of a frontend, and the PEM files that belong into `folder`, by name."""
    folder, audiences = _word(folder), " ".join(_word(audience) for audience in sorted(flow.audiences))
    files: dict[str, bytes] = {}
    lines = [
        "http-request set-var(txn.tok) http_auth_bearer",
        *(f"http-request set-var(txn.{name}) var(txn.tok),jwt_header_query('$.{name}')" for name in ("alg", "kid")),
        *(f"http-request set-var(txn.{name}) var(txn.tok),jwt_payload_query('$.{name}')" for name in ("iss", "aud")),
        *(f"http-request set-var(txn.{name}) var(txn.tok),jwt_payload_query('$.{name}','int')"
          for name in ("exp", "nbf")),
        "http-request set-var(txn.now) date()",
    ]
    for issuer in known:  # "--": one thumbprint in 64 begins with a hyphen
        for key, algorithm in _haproxy_keys(issuer):
            name = f"{key.jwk.thumbprint}.pem"
            files[name] = key.jwk.key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            lines.append(
                f"http-request set-var(txn.good) bool(true) if {{ var(txn.iss) -m str -- {_word(issuer.name)} }}"
                f" {{ var(txn.kid) -m str -- {_word(key.id)} }} {{ var(txn.alg) -m str {algorithm} }}"
                f' {{ var(txn.tok),jwt_verify(txn.alg,"{folder}/{name}") -m int 1 }}'
            )
    denied = "http-request deny deny_status 401"
    lines += [
        f"{denied} unless {{ var(txn.good) -m bool }}",
        f"{denied} unless {{ var(txn.aud) -m str -- {audiences} }}",
        f"{denied} unless {{ var(txn.exp) -m found }}",
        f"{denied} if {{ var(txn.exp),sub(txn.now) -m int lt 0 }}",
        f"{denied} if {{ var(txn.nbf) -m found }} {{ var(txn.nbf),sub(txn.now) -m int gt {int(flow.leeway)} }}",
    ]
    return "".join(f"  {line}\n" for line in lines), files


def nginx(address: str) -> str:
    """Return the locations that have each request judged by a service of ours (the middleware) at that address."""
    return f"""\
# every location that wants a token has: auth_request /counterfoil;
location = /counterfoil {{
  internal;
  proxy_pass {_word(address)};
  proxy_pass_request_body off;
  proxy_set_header Content-Length "";
  proxy_set_header Authorization $http_authorization;
  proxy_set_header DPoP $http_dpop;
}}
"""


def _issuer(pattern: IssuerPattern, policy: TokenPolicy, flow: Flow, tenant: str) -> Issuer:
    if pattern.is_template and not tenant:
        raise UsageError(f"the issuer {pattern.text} has a place for the tenant", hint="name it: --tenant GUID")
    name = pattern.prefix + (f"{tenant}{pattern.suffix}" if pattern.is_template else "")
    return Issuer(name, tuple(key for key in policy.keys if _left(key, name, flow, tenant)))


def _left(key: Key, issuer: str, flow: Flow, tenant: str) -> bool:
    """Tell whether a key may sign what this flow accepts of an issuer."""
    known = key.entitlement
    return (
        known.state in VERIFYING
        and known.forbids_issuer(issuer, tenant or None) is None
        and (known.classes is None or flow.token_class.name in known.classes)
        and (known.audiences is None or bool(known.audiences & flow.audiences))
        and (known.tenants is None or tenant in known.tenants)
    )


def _member(key: Key) -> dict[str, Any]:
    member = {name: key.jwk.members[name] for name in _PUBLIC if name in key.jwk.members}
    [*algorithms] = key.checks
    return {**member, "kid": key.id, "use": "sig"} | ({"alg": algorithms[0]} if len(algorithms) == 1 else {})


def _haproxy_keys(issuer: Issuer) -> Iterator[tuple[Key, str]]:
    for key in issuer.keys:
        for algorithm in sorted(key.checks):
            if algorithm in _HAPROXY:
                yield key, algorithm


def _word(text: str) -> str:
    """Return a text that stands in a configuration as it is; raises UsageError for one that could say more there."""
    if not text or not _SAFE.issuperset(text):
        raise UsageError(f"{text[:80]!r} cannot stand in a gateway's configuration", hint="letters, digits, -_.:/@+=~")
    return text
