"""Which algorithms metadata offers for what is signed."""

from __future__ import annotations

from counterfoil.posture.baseline import Baseline
from counterfoil.posture.check import Answer, Check, Origin, Verdict, cannot_tell
from counterfoil.posture.issuer import Issuer

# OpenID Connect Discovery 1.0, 3; RFC 8414, 2; RFC 9449, 5.1; RFC 9701: members that list what signs.
_SIGNING = (
    "id_token_signing_alg_values_supported", "userinfo_signing_alg_values_supported",
    "request_object_signing_alg_values_supported", "token_endpoint_auth_signing_alg_values_supported",
    "introspection_signing_alg_values_supported", "authorization_signing_alg_values_supported",
    "dpop_signing_alg_values_supported", "backchannel_authentication_request_signing_alg_values_supported",
)


def _judge(issuer: Issuer, baseline: Baseline) -> Answer:
    del baseline
    expected = "asymmetric algorithms only: no none, and HS256 and its like for no token that others verify"
    if issuer.metadata is None:
        return cannot_tell("no metadata", expected)
    offered = {name: _listed(issuer.metadata.get(name)) for name in _SIGNING if name in issuer.metadata}
    if not any(offered.values()):
        return cannot_tell("metadata names no algorithm", expected)
    none = tuple(f"{name}: none" for name, found in offered.items() if any(one.lower() == "none" for one in found))
    shared = tuple(
        f"{name}: {', '.join(sorted(one for one in found if one.startswith('HS')))}"
        for name, found in offered.items() if any(one.startswith("HS") for one in found)
    )
    if none:
        return Answer(Verdict.FAIL, "none is offered", expected, Origin.DELIBERATE, (*none, *shared))
    if any(line.startswith(("id_token", "introspection", "authorization")) for line in shared):
        return Answer(Verdict.FAIL, "shared secrets sign what others verify", expected, Origin.DELIBERATE, shared)
    if shared:
        return Answer(Verdict.PARTIAL, "shared secrets sign requests", expected, Origin.DELIBERATE, shared)
    return Answer(Verdict.PASS, ", ".join(sorted(set().union(*offered.values()))), expected, Origin.DELIBERATE)


def _listed(value: object) -> set[str]:
    return {one[:40] for one in value if isinstance(one, str)} if isinstance(value, list) else set()


CHECK = Check(
    id="issuer-algorithms",
    question="Does the issuer sign with asymmetric algorithms only?",
    why="A verifier that takes none takes any token; one that shares a secret with the issuer can mint, and so can "
    "whoever reads its settings.",
    sources=("RFC 8725, 2.1, 3.1 and 3.2", "rfc8725bis, draft 10", "RFC 9864"),
    reads=Issuer,
    needs="metadata",
    gain=6,
    fix=("Take none out of every list.", "Move clients that use HS256 to a key pair: RS256, ES256 or Ed25519.",
         "Take HS256, HS384 and HS512 out."),
    breaks="Clients that sign with a shared secret, until they have a key pair.",
    judge=_judge,
)
