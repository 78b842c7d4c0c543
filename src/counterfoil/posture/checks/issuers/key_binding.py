"""What each key says of its algorithm and use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from counterfoil.posture.baseline import Baseline
from counterfoil.posture.check import Answer, Check, Origin, Verdict, cannot_tell
from counterfoil.posture.issuer import Issuer
from counterfoil.report.words import some


def _judge(issuer: Issuer, baseline: Baseline) -> Answer:
    expected = "each key names its use (use or key_ops) and its one algorithm (alg)"
    keys = [key for key in issuer.lately(baseline.window) if key.members]
    if not keys:
        return cannot_tell("no key set", expected)
    unbound = [key.name for key in keys if "alg" not in key.members]
    unused = [key.name for key in keys if not {"use", "key_ops"} & set(key.members)]
    wrong = [f"key {key.name}: {why}" for key in keys if (why := _contradicts(key.members))]
    if wrong:
        seen = f"{some(len(wrong), 'key')} with a contradiction"
        return Answer(Verdict.FAIL, seen, expected, Origin.DELIBERATE, tuple(wrong))
    told = tuple(
        f"{len(names)} of {len(keys)} keys without {what}, such as {names[0]}"
        for names, what in ((unused, "use and key_ops"), (unbound, "alg")) if names
    )
    if unused:
        return Answer(Verdict.FAIL, "keys without a stated use", expected, Origin.DEFAULT, told)
    if unbound:
        return Answer(Verdict.PARTIAL, "keys without a stated algorithm", expected, Origin.DEFAULT, told)
    return Answer(Verdict.PASS, f"{some(len(keys), 'key')}, each with use and algorithm", expected, Origin.DELIBERATE)


def _contradicts(members: Mapping[str, Any]) -> str:
    operations = members.get("key_ops")
    if operations is None:
        return ""
    if not isinstance(operations, list):
        return "key_ops is no list"
    if members.get("use", "sig") == "sig" and "verify" not in operations:
        return "use is sig, and key_ops lacks verify"
    both = {"verify", "encrypt"} <= set(map(str, operations)) or {"verify", "wrapKey"} <= set(map(str, operations))
    return "for signatures and encryption at once" if both else ""


CHECK = Check(
    id="issuer-key-binding",
    question="Does every key say what it is for, and with which algorithm?",
    why="What a key does not say, a verifier guesses or takes from the token, whose header the forger writes: RS256 "
    "keys used as HMAC secrets, encryption keys used to sign.",
    sources=("RFC 8725, 3.1 and 3.5", "RFC 7517, 4.2 to 4.4", "NIST IR 8587, 5.2.1.2"),
    reads=Issuer,
    needs="a key set",
    gain=4,
    fix=("Add use and alg to each key of the published set; the key itself stays.",
         "In verifiers that you own, pin the algorithm per key: counterfoil's token policy does."),
    breaks="Verifiers that see alg for the first time and disagree with it: try one before all.",
    judge=_judge,
)
