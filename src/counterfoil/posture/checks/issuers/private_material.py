"""Private or symmetric keys in the published document."""

from __future__ import annotations

from counterfoil.posture.baseline import Baseline
from counterfoil.posture.check import Answer, Check, Verdict, cannot_tell
from counterfoil.posture.history import day
from counterfoil.posture.issuer import Issuer
from counterfoil.report.words import some


def _judge(issuer: Issuer, baseline: Baseline) -> Answer:
    del baseline
    expected = "public keys only"
    if not issuer.keys:
        return cannot_tell("no key set", expected)
    exposed: dict[str, str] = {}
    for sample in issuer.samples:
        for key in sample.keys:
            if key.exposed:
                exposed.setdefault(key.id, f"key {key.name}: secret members, first seen {day(sample.time)}")
    if exposed:
        seen = f"{some(len(exposed), 'key')} with secret members"
        return Answer(Verdict.FAIL, seen, expected, where=tuple(exposed.values()))
    return Answer(Verdict.PASS, some(len(issuer.keys), "public key"), expected)


CHECK = Check(
    id="issuer-private-material",
    question="Does the key set hold public keys only?",
    why="A private JWK differs from a public one by a few members; services have published theirs. Whoever fetched "
    "the document can sign.",
    sources=("RFC 7517, 9.2", "SP 800-53 IA-13(1)"),
    reads=Issuer,
    needs="a key set",
    gain=10,
    fix=("Block the key now, everywhere: it is out: counterfoil respond plan.",
         "Publish a new key, made in a key store.",
         "Hunt for tokens that the issuer never minted: counterfoil hunt."),
    breaks="All tokens under the key are refused.",
    judge=_judge,
)
