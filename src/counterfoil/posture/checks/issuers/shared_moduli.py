"""One key for several purposes, or moduli that share a prime."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from math import gcd

from counterfoil.posture.baseline import Baseline
from counterfoil.posture.check import Answer, Check, Verdict, cannot_tell
from counterfoil.posture.issuer import Issuer
from counterfoil.report.words import some

# Pairs of moduli are compared up to so many keys; larger sets need batch gcd, which badkeys has for known primes.
MAX_COMPARED = 400


def _judge(issuer: Issuer, baseline: Baseline) -> Answer:
    del baseline
    expected = "each key has one id, one use and one issuer, and shares no prime with another"
    if not issuer.keys:
        return cannot_tell("no key set", expected)
    found = [*_twice(issuer), *_elsewhere(issuer), *_common(issuer)]
    if found:
        return Answer(Verdict.FAIL, some(len(found), "shared key"), expected, where=tuple(found))
    if len(issuer.keys) + len(issuer.others) > MAX_COMPARED:
        return cannot_tell(f"more than {MAX_COMPARED} keys: not all compared", expected)
    beside = f", compared with {some(len(issuer.others), 'key')} of other issuers" if issuer.others else ""
    return Answer(Verdict.PASS, f"{some(len(issuer.keys), 'different key')}{beside}", expected)


def _twice(issuer: Issuer) -> Iterator[str]:
    """Yield keys that have several ids or uses."""
    ids: dict[str, set[str]] = {}
    uses: dict[str, set[str]] = {}
    for sample in issuer.samples:
        for key in sample.keys:
            ids.setdefault(key.id, set()).add(key.name)
            uses.setdefault(key.id, set()).add(str(key.members.get("use", "sig")))
    for name, known in ids.items():
        if len(known) > 1:
            yield f"one key under several ids: {', '.join(sorted(known)[:4])}"
        if len(uses[name]) > 1:
            yield f"key {min(known)}: for signatures and for encryption"


def _elsewhere(issuer: Issuer) -> Iterator[str]:
    mine = {key.id: key for key in issuer.keys}
    for other, key in dict.fromkeys((name, key.id) for name, key in issuer.others):
        if key in mine:
            yield f"key {mine[key].name}: also published by {other}"


def _common(issuer: Issuer) -> Iterator[str]:
    moduli = {key.modulus: key.name for key in (*issuer.keys, *(key for _, key in issuer.others)) if key.modulus}
    own = {key.modulus for key in issuer.keys}
    for one, other in combinations(list(moduli)[:MAX_COMPARED], 2):
        if {one, other} & own and gcd(one, other) > 1:
            yield f"keys {moduli[one]} and {moduli[other]} share a prime: both private keys can be computed"


CHECK = Check(
    id="issuer-shared-keys",
    question="Does each key serve one purpose, and share no prime with another?",
    why="A key that serves two realms, or signs and decrypts, gives the one what was meant for the other. Two moduli "
    "with a common prime (a bad random generator) give both private keys to whoever divides.",
    sources=("RFC 8725, 3.8", "SP 800-57 part 1, 5.2", "NIST IR 8587, 5.2.1.2",
             "Heninger et al., USENIX Security 2012"),
    reads=Issuer,
    needs="a key set; name several issuers in one run to compare them",
    gain=9,
    fix=("Make a key of its own for each issuer and each use, where its random numbers are good.",
         "Rotate to the new keys.", "If a prime is shared, treat both keys as out: counterfoil respond plan."),
    breaks="As any rotation: verifiers that pin the key.",
    judge=_judge,
)
