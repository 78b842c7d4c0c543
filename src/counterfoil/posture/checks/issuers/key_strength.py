"""Keys that a strict verifier refuses: short, ill-made, or of a kind that nobody should use."""

from __future__ import annotations

from collections.abc import Iterator

from counterfoil.posture.baseline import Baseline
from counterfoil.posture.check import Answer, Check, Verdict, cannot_tell
from counterfoil.posture.issuer import Issuer
from counterfoil.report.words import some


def _judge(issuer: Issuer, baseline: Baseline) -> Answer:
    bits = int(baseline.number("rsa-bits"))
    expected = f"RSA of {bits} bits or more, P-256, P-384, P-521 or Ed25519, well formed"
    if not issuer.keys:
        return cannot_tell("no key set", expected)
    lately = {key.id for key in issuer.lately(baseline.window)}
    weak = dict(_weak(issuer, bits))
    if lately & set(weak):
        return Answer(Verdict.FAIL, some(len(weak), "unfit key"), expected, where=tuple(weak.values()))
    if weak:
        seen = f"{some(len(weak), 'unfit key')}, not published now"
        return Answer(Verdict.PARTIAL, seen, expected, where=tuple(weak.values()))
    sizes = sorted({key.modulus.bit_length() for key in issuer.keys if key.modulus})
    rsa = f", RSA of {' and '.join(map(str, sizes))} bits" if sizes else ""
    return Answer(Verdict.PASS, f"{some(len(issuer.keys), 'key')}{rsa}", expected)


def _weak(issuer: Issuer, bits: int) -> Iterator[tuple[str, str]]:
    for key in issuer.keys:
        short = key.modulus is not None and key.modulus.bit_length() < bits
        if key.exposed or not key.signs:
            continue
        if short or key.unfit:
            size = f"{key.modulus.bit_length()} bits" if key.modulus is not None and short else ""
            yield key.id, f"key {key.name}: {key.unfit or size}"


CHECK = Check(
    id="issuer-key-strength",
    question="Is every published key long enough and well made?",
    why="Whoever can compute a private key needs not steal it: short moduli, those of RSALib (CVE-2017-15361), even or "
    "tiny exponents, points off the curve.",
    sources=("SP 800-131A Rev. 2", "RFC 8725, 3.5", "RFC 7518, 6"),
    reads=Issuer,
    needs="a key set",
    gain=9,
    fix=("Make a new key in a key store: counterfoil keys create.", "Rotate to it, then take the weak one out.",
         "Treat what was signed with it as unproven: counterfoil respond block."),
    breaks="As any rotation: verifiers that pin the key.",
    judge=_judge,
)
