"""Whether authorization codes are bound to who asked for them."""

from __future__ import annotations

from counterfoil.posture.baseline import Baseline
from counterfoil.posture.check import Answer, Check, Origin, Verdict, cannot_tell
from counterfoil.posture.issuer import Issuer

_MEMBER = "code_challenge_methods_supported"


def _judge(issuer: Issuer, baseline: Baseline) -> Answer:
    del baseline
    expected = f"{_MEMBER}: S256 only"
    if issuer.metadata is None:
        return cannot_tell("no metadata", expected)
    if _MEMBER not in issuer.metadata:
        return Answer(Verdict.FAIL, f"no {_MEMBER}: no PKCE (RFC 8414, 2)", expected, Origin.DEFAULT)
    told = issuer.metadata[_MEMBER]
    methods = {str(method)[:40] for method in told} if isinstance(told, list) else set()
    if "S256" not in methods:
        return Answer(Verdict.FAIL, ", ".join(sorted(methods)) or "none", expected, Origin.DELIBERATE)
    verdict = Verdict.PASS if methods == {"S256"} else Verdict.PARTIAL
    return Answer(verdict, ", ".join(sorted(methods)), expected, Origin.DELIBERATE)


CHECK = Check(
    id="issuer-pkce",
    question="Does the issuer bind authorization codes with PKCE, by S256 only?",
    why="Without it a code that leaks in a log or a redirect gives a genuine token to whoever reads it; and with plain "
    "the secret leaks with the code.",
    sources=("RFC 9700, 2.1.1", "RFC 7636, 7.2"),
    reads=Issuer,
    needs="metadata",
    gain=3,
    fix=("Turn PKCE on for all clients, public and confidential.", "Allow S256 only."),
    breaks="Clients that send no challenge, or a plain one: their libraries have had S256 for years.",
    judge=_judge,
)
