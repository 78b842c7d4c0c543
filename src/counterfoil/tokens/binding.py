"""V12: a token that is bound to its sender was presented by that sender (RFC 7800, RFC 8705, RFC 9449)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from counterfoil.jose import base64url
from counterfoil.tokens import rules
from counterfoil.tokens.dpop import check_proof
from counterfoil.tokens.flow import Binding, Flow
from counterfoil.tokens.jws import Compact
from counterfoil.tokens.presentation import Presentation
from counterfoil.tokens.rules import quoted, refused

# The members of `cnf` that are implemented: RFC 9449, 6.1; RFC 8705, 3.1.
DPOP_MEMBER, MTLS_MEMBER = "jkt", "x5t#S256"


def v12_binding(
    claims: Mapping[str, Any], parts: Compact, flow: Flow, shown: Presentation, at: float
) -> str | None:
    """Refuse a token whose binding is not proven, or that is not bound as the flow wants; return the proof's id."""
    bound = claims.get("cnf", {})
    if not isinstance(bound, Mapping) or ("cnf" in claims and not bound):
        raise refused(rules.V12, "cnf", "cnf as an object that names a key", quoted(bound))
    if unknown := sorted(set(bound) - {DPOP_MEMBER, MTLS_MEMBER}):
        raise refused(rules.V12, "method", f"cnf with {DPOP_MEMBER} or {MTLS_MEMBER}", quoted(unknown[0]))
    _wanted(bound, flow)
    if MTLS_MEMBER in bound:
        _certificate(bound[MTLS_MEMBER], shown)
    if DPOP_MEMBER not in bound:
        if shown.dpop is not None:  # RFC 9449, 7.1: a proof proves nothing about a token that names no key
            raise refused(rules.V12, "unbound", "a token that is bound to the proof's key (cnf.jkt)", "one that is not")
        return None
    if shown.dpop is None:
        raise refused(rules.V12, "proof", "a DPoP proof", "none")
    return check_proof(shown.dpop, bound[DPOP_MEMBER], signed_token(parts), flow, at)


def signed_token(parts: Compact) -> bytes:
    """Return the token as it was presented: what `ath` is the hash of."""
    return parts.signing_input + b"." + parts.signature.translate(_TO_BASE64URL)


_TO_BASE64URL = bytes.maketrans(b"+/", b"-_")


def _wanted(bound: Mapping[str, Any], flow: Flow) -> None:
    wanted = {Binding.DPOP: {DPOP_MEMBER}, Binding.MTLS: {MTLS_MEMBER}, Binding.REQUIRED: {DPOP_MEMBER, MTLS_MEMBER}}
    if flow.binding is not Binding.OPTIONAL and wanted[flow.binding].isdisjoint(bound):
        names = " or ".join(sorted(wanted[flow.binding]))
        got = rules.listed(bound) if bound else "a bearer token"
        raise refused(rules.V12, "required", f"a token bound by {names}", got)


def _certificate(expected: object, shown: Presentation) -> None:
    if shown.certificate is None:
        raise refused(rules.V12, "certificate", "the client's certificate", "none")
    found = base64url.encode(hashlib.sha256(shown.certificate).digest())
    if not isinstance(expected, str) or not hmac.compare_digest(found.encode(), expected.encode("utf-8", "replace")):
        raise refused(rules.V12, MTLS_MEMBER, "the certificate that the token is bound to", "another")
